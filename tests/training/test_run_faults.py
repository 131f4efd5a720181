"""What goes wrong around a training: full disks, weights that change, numbers that are none, splits of one's own."""

import errno
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bus_toolkit import models
from bus_toolkit.cli import train as command
from bus_toolkit.errors import ConfigError, TrainingError
from bus_toolkit.training import Recipe, train
from bus_toolkit.training.cache import new_array
from bus_toolkit.training.checkpoint import write_weights
from bus_toolkit.training.feed import Feed
from bus_toolkit.training.fit import Lesson, _compile, _in_full_precision, _look
from bus_toolkit.training.splits import NOT_SEARCHED, Split, make_split, read_split, write_split

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
TINY: dict[str, Any] = {"arch": "tinycnn", "image_size": 32, "batch_size": 8, "epochs": 1, "runs": 1, "dropout": 0.2}
WORDS = ["--arch", "tinycnn", "--image-size", "32", "--batch-size", "8", "--epochs", "1", "--quiet"]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system takes no room beforehand")
def test_a_mapped_file_has_its_room_before_it_is_filled(tmp_path: Path) -> None:
    array = new_array(tmp_path / "a.npy", (64, 1024), np.float16)
    assert (tmp_path / "a.npy").stat().st_blocks * 512 >= array.nbytes
    array[:] = 3
    array.flush()
    assert np.array_equal(np.load(tmp_path / "a.npy"), np.full((64, 1024), 3, np.float16))


def test_a_full_disk_is_told_before_weights_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = models.build_model("tinycnn", classes=("a", "b"), image_size=32)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(OSError, match="space") as caught:
        write_weights(model, tmp_path / "w.weights.h5")
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_a_file_systems_reason_is_told_without_paths(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "Can't close file (filename = '/home/HAUGWITZ/w.h5', errno = 28)")

    monkeypatch.setattr(command, "_train", full)
    assert command.main(["--arch", "tinycnn"]) == 1
    told = capsys.readouterr().err
    assert os.strerror(errno.ENOSPC) in told
    assert "HAUGWITZ" not in told


def test_an_epoch_that_ends_without_numbers_is_not_kept() -> None:
    model = SimpleNamespace(predict_on_batch=lambda block: np.full((len(block), 2), np.nan))
    places = np.arange(4)
    feed = Feed(pictures=np.zeros((4, 8, 8, 1), np.uint8), places=places, classes=places % 2, class_count=2)
    lesson = Lesson(feed=feed, val_places=places, val_classes=places % 2, classes=("a", "b"))
    with pytest.raises(TrainingError, match=r"lower --learning-rate helps\). Got none after epoch 3"):
        _look(model, lesson, 4, 2)


@pytest.mark.parametrize("steps", [1, 2, 400])
def test_the_learning_rate_falls_to_nothing_and_a_lone_step_learns(steps: int) -> None:
    model = models.build_model("tinycnn", classes=("a", "b"), image_size=32)
    recipe = Recipe(**TINY)
    _compile(model, recipe, steps)
    rates = [float(model.optimizer._learning_rate(step)) for step in range(steps + 1)]
    assert max(rates) == pytest.approx(recipe.rate, rel=1e-3)
    assert rates[0] == (0 if steps == 400 else pytest.approx(recipe.rate))
    assert rates[-1] == pytest.approx(0, abs=1e-8)


def test_a_model_of_mixed_precision_says_the_same_in_full() -> None:
    import keras

    inputs = keras.Input((4, 4, 1), dtype="uint8")
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        tensor = keras.layers.Normalization(mean=[100.0], variance=[400.0])(keras.layers.Rescaling(1.0)(inputs))
        inner = keras.Model(inputs, tensor)
        outer = keras.Input((4, 4, 1), dtype="uint8")
        model = keras.Model(outer, keras.layers.Flatten()(inner(outer)))
    finally:
        keras.config.set_dtype_policy("float32")
    full = _in_full_precision(model, mixed=True)
    picture = np.full((1, 4, 4, 1), 120, np.uint8)
    assert np.allclose(np.asarray(full.predict_on_batch(picture)), 1.0, atol=1e-5)


def test_what_is_measured_is_the_file(clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Path] = []
    plain = models.load_model
    monkeypatch.setattr(models, "load_model", lambda path: taken.append(path) or plain(path))
    train(Recipe(**TINY), clean / "manifest.csv", tmp_path / "run")
    assert taken == [tmp_path / "run" / "members" / "run-0" / "model.keras"]


def test_other_weights_of_the_same_name_are_no_going_on(clean: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.keras"
    models.save_model(models.build_model("tinycnn", classes=("a", "b"), image_size=32, seed=3), path)
    recipe = Recipe(**TINY, pretrained=str(path))
    train(recipe, clean / "manifest.csv", tmp_path / "run")
    train(recipe, clean / "manifest.csv", tmp_path / "run", resume=True)
    models.save_model(models.build_model("tinycnn", classes=("a", "b"), image_size=32, seed=4), path)
    # What is finished needs no weights, for a new report say.
    train(recipe, clean / "manifest.csv", tmp_path / "run", resume=True)
    (tmp_path / "run" / "members" / "run-0" / "predictions.csv").unlink()
    with pytest.raises(ConfigError, match="by the weights file that it was begun with"):
        train(recipe, clean / "manifest.csv", tmp_path / "run", resume=True)


def split_of(clean: Path, path: Path, **options: Any) -> Split:
    from bus_toolkit.training.data import load_data

    made = make_split(load_data(clean / "manifest.csv").rows, **options)
    write_split(path, made)
    return made


def test_the_same_command_with_resume_finds_its_folder(
    clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [*WORDS, "--data", str(clean), "--runs", "1"]
    assert command.main(words) == 0
    assert command.main([*words, "--resume"]) == 0
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["tinycnn-grouped"]
    assert command.main(["--resume"]) == 1
    assert "by the command that began it" in capsys.readouterr().err


def test_a_split_with_folds_is_trained_on_once_for_each(
    clean: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "folds.csv"
    split_of(clean, path, protocol="grouped-kfold", folds=2, val_fraction=0.2)
    words = [*WORDS, "--data", str(clean), "--splits", str(path), "--out", str(tmp_path / "run")]
    assert command.main(words) == 0
    assert json.loads((tmp_path / "run" / "config.json").read_text())["members"] == ["fold-0", "fold-1"]
    for beside in (["--folds", "5"], ["--val-fraction", "0.3"], ["--protocol", "york"]):
        assert command.main([*words, *beside]) == 1
        assert f"--splits must go without {beside[0]}" in capsys.readouterr().err
    asked = Recipe(**{**TINY, "runs": 2}, splits=str(path))
    with pytest.raises(ConfigError, match="runs must be 1 with folds"):
        train(asked, clean / "manifest.csv", tmp_path / "other")


def test_a_split_from_a_file_says_when_nobody_searched_for_near_duplicates(row: Any, tmp_path: Path) -> None:
    for group, wanted in (("", (NOT_SEARCHED,)), ("g", ())):
        rows = [row(n, label=("a", "b")[n % 2], group=group and f"{group}{n}") for n in range(40)]
        write_split(tmp_path / "s.csv", make_split(rows, no_groups=not group))
        assert read_split(tmp_path / "s.csv", rows).warnings == wanted
