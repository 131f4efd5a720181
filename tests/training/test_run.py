"""A run as a user sees it: what is written, that it repeats, that it can be stopped, and how it fails."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bus_toolkit.errors import ConfigError, OutputError, TrainingError
from bus_toolkit.training import Recipe, train
from bus_toolkit.training.backend import memory_errors, require_packages
from bus_toolkit.training.checkpoint import COLUMNS
from bus_toolkit.training.feed import Feed
from bus_toolkit.training.fit import _epoch, best_epoch, is_over

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
TINY: dict[str, Any] = {"arch": "tinycnn", "image_size": 32, "batch_size": 8, "epochs": 3, "runs": 1, "dropout": 0.2}


class Impatient:
    """An audience that stops the run at a step, as ctrl-C does."""

    def __init__(self, epoch: int, step: int) -> None:
        self.stop = (epoch, step)
        self.lines: list[dict[str, float]] = []
        self.said: list[str] = []
        self.ready: list[tuple[int, int]] = []

    def say(self, sentence: str) -> None:
        assert "to learn from" in sentence

    def warn(self, sentence: str) -> None:
        self.said.append(sentence)

    def decoded(self, done: int, total: int) -> None:
        assert done <= total

    def begin(self, member: str, number: int, total: int) -> "Impatient":
        self.said.append(f"{member} {number}/{total}")
        return self

    def prepared(self, done: int, total: int) -> None:
        assert 0 < done <= total
        self.ready.append((done, total))

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        assert step <= steps
        assert loss > 0
        if (epoch, step) == self.stop:
            raise KeyboardInterrupt

    def epoch(self, line: dict[str, float]) -> None:
        self.lines.append(line)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def done(clean: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "tiny"
    train(Recipe(**TINY), clean / "manifest.csv", out, command="bus-train ...")
    return out


def test_the_folder_has_what_evaluation_reads(done: Path) -> None:
    member = done / "members" / "run-0"
    left = {path.name for path in [*done.rglob("*")] if path.is_file()}
    assert left == {"config.json", "splits.csv", "model.keras", "history.csv", "predictions.csv"}
    config = json.loads((done / "config.json").read_text())
    assert config["classes"] == ["benign", "malignant", "normal"]
    assert (config["arch"], config["protocol"], config["seed"], config["runs"]) == ("tinycnn", "grouped", 123, 1)
    assert config["versions"]["keras"]
    assert len(config["manifest_sha256"]) == 64
    history = rows(member / "history.csv")
    assert tuple(history[0]) == COLUMNS
    assert [line["epoch"] for line in history] == ["1", "2", "3"]
    split = rows(done / "splits.csv")
    said = rows(member / "predictions.csv")
    assert {(one["id"], one["part"]) for one in said} == {
        (one["id"], one["part"]) for one in split if one["part"] != "train"
    }
    assert all(sum(float(one[f"p_{name}"]) for name in config["classes"]) == pytest.approx(1) for one in said)


def test_the_saved_model_takes_raw_pictures_and_says_what_was_written(done: Path, clean: Path) -> None:
    from bus_toolkit.models import load_model
    from bus_toolkit.training.pictures import decode, fit_square

    split = {one["id"]: one for one in rows(done / "splits.csv")}
    said = rows(done / "members" / "run-0" / "predictions.csv")[:4]
    files = [clean / split[one["id"]]["image"] for one in said]
    pictures = np.stack([fit_square(decode(path.read_bytes()), 32)[..., np.newaxis] for path in files])
    model = load_model(done / "members" / "run-0" / "model.keras")
    assert not any(layer.name.startswith("augment") for layer in model.layers)
    found = np.asarray(model.predict_on_batch(pictures))
    written = [[float(one[f"p_{name}"]) for name in ("benign", "malignant", "normal")] for one in said]
    assert np.allclose(found, written, atol=1e-5)


def test_a_stopped_run_goes_on_to_the_very_same_numbers(done: Path, clean: Path, tmp_path: Path) -> None:
    out, manifest = tmp_path / "stopped", clean / "manifest.csv"
    with pytest.raises(KeyboardInterrupt):
        train(Recipe(**TINY), manifest, out, audience=Impatient(1, 2))
    assert not (out / "members" / "run-0" / "predictions.csv").exists()
    with pytest.raises(OutputError, match="--resume"):
        train(Recipe(**TINY), manifest, out)
    with pytest.raises(ConfigError, match="recipe"):
        train(Recipe(**{**TINY, "epochs": 4}), manifest, out, resume=True)
    second = Impatient(9, 9)
    train(Recipe(**TINY), manifest, out, resume=True, audience=second)
    assert [line["epoch"] for line in second.lines] == [2, 3], "the first epoch must not be done again"
    name = "members/run-0/predictions.csv"
    assert (out / name).read_bytes() == (done / name).read_bytes()
    losses = [[one["loss"] for one in rows(folder / "members/run-0/history.csv")] for folder in (out, done)]
    assert losses[0] == losses[1]


def test_a_finished_run_is_not_done_again(done: Path, clean: Path) -> None:
    audience = Impatient(0, 1)
    reported: list[Path] = []
    train(Recipe(**TINY), clean / "manifest.csv", done, resume=True, audience=audience, report=reported.append)
    assert audience.said == []
    assert reported == [done]


def test_a_run_that_learned_nothing_can_be_begun_again(clean: Path, tmp_path: Path) -> None:
    out, manifest = tmp_path / "run", clean / "manifest.csv"
    for _ in range(2):
        with pytest.raises(ConfigError, match="fine_tune_from must be a layer"):
            train(Recipe(**TINY, fine_tune_from="nowhere"), manifest, out)
    assert (out / "config.json").is_file()
    (out / "thesis.txt").touch()
    with pytest.raises(OutputError, match="new or empty"):
        train(Recipe(**TINY, fine_tune_from="nowhere"), manifest, out)


def test_each_fold_is_a_member_with_a_test_of_its_own_and_a_model_of_32_bits(clean: Path, tmp_path: Path) -> None:
    from bus_toolkit.models import load_model

    plan = {"epochs": 1, "augment": False, "protocol": "grouped-kfold", "folds": 2, "val_fraction": 0.2}
    recipe = Recipe(**{**TINY, **plan, "mixed_precision": True})
    audience = Impatient(9, 9)
    train(recipe, clean / "manifest.csv", tmp_path / "folds", audience=audience)
    assert audience.said == ["fold-0 1/2", "fold-1 2/2"]
    tested = [
        {one["id"] for one in rows(path) if one["part"] == "test"}
        for path in sorted((tmp_path / "folds").rglob("predictions.csv"))
    ]
    assert len(tested) == 2
    assert not tested[0] & tested[1]
    assert len(tested[0] | tested[1]) == 42
    model = load_model(tmp_path / "folds/members/fold-1/model.keras")
    assert {layer.compute_dtype for layer in model.layers} <= {"float32", "uint8"}, "mixed precision is for training"


def test_a_frozen_part_is_run_once_and_stays_as_it_was(clean: Path, tmp_path: Path) -> None:
    import keras

    from bus_toolkit.models import build_model, load_model

    recipe = Recipe(
        **{**TINY, "freeze": True, "augment": False, "epochs": 6, "early_stopping": 2, "learning_rate": 0.9}
    )
    train(recipe, clean / "manifest.csv", tmp_path / "frozen", tensorboard=True)
    assert len(list((tmp_path / "frozen/members/run-0/tensorboard").glob("events.*"))) == 1
    fresh = build_model("tinycnn", classes=("benign", "malignant", "normal"), image_size=32, dropout=0.2, seed=123)
    model = load_model(tmp_path / "frozen/members/run-0/model.keras")
    same = {
        layer.name: all(np.array_equal(a, b) for a, b in zip(layer.get_weights(), other.get_weights(), strict=True))
        for layer, other in zip(model.layers, fresh.layers, strict=True)
        if layer.weights
    }
    assert isinstance(model, keras.Model)
    assert {name for name, equal in same.items() if not equal} == {"head_logits"}


def test_a_loss_that_is_no_number_ends_it_in_a_sentence() -> None:
    model = SimpleNamespace(variables=[], train_on_batch=lambda *_, **__: {"loss": float("nan"), "accuracy": 0.0})
    feed = Feed(
        pictures=np.zeros((4, 8, 8, 1), np.uint8), places=np.arange(4), classes=np.array([0, 1, 0, 1]), class_count=2
    )
    with pytest.raises(TrainingError, match="lower --learning-rate"):
        _epoch(model, feed, 1, 0, None)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("RESOURCE_EXHAUSTED: 5 GB")])
def test_too_little_memory_ends_it_in_a_sentence(error: Exception) -> None:
    with pytest.raises(TrainingError, match="smaller --batch-size"), memory_errors(Recipe(**TINY)):
        raise error
    with pytest.raises(KeyError), memory_errors(Recipe(**TINY)):
        raise KeyError


def test_a_missing_package_is_named() -> None:
    require_packages("numpy")
    with pytest.raises(ConfigError, match=r"pip install 'bus-toolkit\[train\]'.*Got no nowhere_to_be_found"):
        require_packages("numpy", "nowhere_to_be_found")


def history(*losses: float) -> list[dict[str, float]]:
    return [{"val_loss": loss} for loss in losses]


def test_early_stopping_waits_from_the_best_epoch() -> None:
    patient, never = Recipe(**{**TINY, "epochs": 9, "early_stopping": 2}), Recipe(**{**TINY, "epochs": 9})
    assert best_epoch(history(3, 1, 2, 1)) == 1
    assert not is_over(history(3, 1, 2), patient)
    assert is_over(history(3, 1, 2, 1), patient)
    assert not is_over(history(3, 1, 2, 1), never)
    assert not is_over([], patient)


@pytest.mark.parametrize(
    "options",
    [
        {"runs": 0},
        {"optimizer": "x"},
        {"folds": 3},
        {"protocol": "grouped-kfold", "folds": 3, "runs": 2},
        {"freeze": True, "fine_tune_from": "conv1"},
        {"class_weights": True, "balance": True},
        {"learning_rate": 1.0},
        {"early_stopping": -1},
        {"image_size": 8},
    ],
)
def test_recipes_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="must"):
        Recipe(**{**TINY, **options})


def test_a_recipe_survives_json_and_the_learning_rate_has_a_default() -> None:
    recipe = Recipe(**TINY, pretrained="imagenet")
    assert Recipe.from_json(json.loads(json.dumps(recipe.as_json()))) == recipe
    assert recipe.rate == pytest.approx(0.3 * Recipe(**TINY).rate)
    with pytest.raises(ConfigError, match="fields"):
        Recipe.from_json({"arch": "tinycnn", "colour": 1})
