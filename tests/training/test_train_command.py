"""``bus-train`` as it is typed: what it refuses, and that help costs nothing. What it does is in test_run.py."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bus_toolkit.cli.train import main, parser, recipe_from
from bus_toolkit.errors import ConfigError
from bus_toolkit.training import Recipe

HEAVY = {"cv2", "keras", "onnxruntime", "rich", "scipy", "sklearn", "tensorflow", "tensorboard"}


def recipe(*words: str) -> Recipe:
    return recipe_from(vars(parser().parse_args(words)))


def test_help_stays_light() -> None:
    code = (
        "import sys, json, contextlib\nfrom bus_toolkit.cli.train import main\n"
        "with contextlib.suppress(SystemExit):\n    main(['--help'])\nprint(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert not set(json.loads(done.stdout.splitlines()[-1])) & HEAVY


def test_defaults_are_those_of_the_paper() -> None:
    made = recipe("--arch", "resnet50")
    assert (made.epochs, made.batch_size, made.image_size, made.seed, made.runs) == (50, 16, 224, 123, 3)
    assert (made.val_fraction, made.early_stopping, made.augment, made.pretrained) == (0.1, 0, True, "")


def test_options_become_a_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert recipe("--arch", "vgg16", "--pretrained").pretrained == "imagenet"
    assert recipe("--arch", "vgg16", "--pretrained", "w.h5").pretrained == str(tmp_path / "w.h5")
    folds = recipe("--arch", "vgg16", "--folds", "4")
    assert (folds.protocol, folds.folds, folds.runs) == ("grouped-kfold", 4, 1)
    assert recipe("--arch", "vgg16", "--protocol", "grouped-kfold").folds == 5
    assert recipe("--arch", "vgg16", "--early-stopping").early_stopping == 10
    assert not recipe("--arch", "vgg16", "--no-augment").augment
    assert recipe("--arch", "vgg16", "--fine-tune-from", "block5_conv1").fine_tune_from == "block5_conv1"
    with pytest.raises(ConfigError, match="--folds must go with"):
        recipe("--arch", "vgg16", "--folds", "4", "--protocol", "york")


def test_what_cannot_be_is_said_in_a_sentence(
    clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    tiny = ("--arch", "tinycnn", "--image-size", "32")
    for words, expected in (
        ((), "--arch must be given"),
        (tiny, "--data must be given unless"),
        ((*tiny, "--data", str(tmp_path / "HAUGWITZ")), "--data must be a clean folder"),
        ((*tiny, "--data", str(clean), "--out", "full"), "--out must be a new or empty folder"),
        ((*tiny, "--data", str(clean), "--pretrained", "HAUGWITZ.h5"), "Got no such file"),
        ((*tiny, "--data", str(clean), "--epochs", "0"), "epochs must be 1 or more"),
        (("--resume",), "--resume must be told which run"),
        (("--resume", "--out", "full"), "config.json"),
    ):
        assert main(list(words)) == 1
        told = capsys.readouterr().err
        assert expected in told
        assert "HAUGWITZ" not in told
        assert "Traceback" not in told


def test_resuming_with_other_settings_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = Recipe(arch="tinycnn", epochs=7).as_json()
    (tmp_path / "config.json").write_text(json.dumps({"recipe": known, "manifest": "nowhere"}))
    assert main(["--resume", "--out", str(tmp_path), "--epochs", "8"]) == 1
    assert "--epochs must be as the run was begun with" in capsys.readouterr().err


def test_an_unknown_option_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--arch", "tinycnn", "--nonsense"])
    assert stopped.value.code == 2


def test_ctrl_c_and_the_unexpected_end_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for error, code, expected in (
        (KeyboardInterrupt(), 130, "with --resume goes on where it was"),
        (OSError(28, "No space left on device", "/home/HAUGWITZ"), 1, "No space left on device"),
        (ValueError("HAUGWITZ"), 1, "unexpected ValueError at"),
    ):

        def stop(*_: object, error: BaseException = error) -> int:
            raise error

        monkeypatch.setattr("bus_toolkit.cli.train._train", stop)
        assert main(["--arch", "tinycnn"]) == code
        told = capsys.readouterr().err
        assert expected in told
        assert "HAUGWITZ" not in told
