"""``bus-train``: train a classifier on what ``bus-clean ingest`` wrote."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
import traceback
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit._version import __version__
from bus_toolkit.cli.quiet import hushed
from bus_toolkit.errors import BusToolkitError, ConfigError
from bus_toolkit.models.architectures import NAMES
from bus_toolkit.training.recipe import (
    DEFAULT_FOLDS,
    FITS,
    LEARNING_RATES,
    OPTIMIZERS,
    PRETRAINED_MIXUP,
    PRETRAINED_SMOOTHING,
    PROTOCOLS,
    Recipe,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_DONE, EXIT_NOT_DONE, EXIT_STOPPED = 0, 1, 130
PATIENCE: Final = 10
"""Epochs that early stopping waits when no number is given."""
REPORT_NEEDS: Final = ("matplotlib", "scipy", "sklearn")
NOT_GIVEN: Final = argparse.SUPPRESS
DECIDED_BY_A_SPLIT: Final = ("protocol", "folds", "test_fraction", "val_fraction")

DESCRIPTION = """\
Train a classifier on a clean folder, and measure it on scans that it has never seen.

Scans are split by patient and by group of near-duplicates, so that none is learned from and tested on. Pictures are
decoded once and keep their aspect ratio; augmentation runs on the device and is no part of the saved model, which
takes raw grey pictures and does its own preprocessing. The same seed gives the same numbers on a CPU.

  OUT/report.html          how good it is, with intervals and the worst errors
  OUT/model_card.json      what it is, what it was trained on, its limits
  OUT/members/run-0/       model.keras, history.csv, predictions.csv; run-1, ... or fold-0, ... likewise
  OUT/splits.csv           who was learned from, chosen on, tested on
  OUT/config.json          every setting, seed, hash and version; holds paths of this machine
"""

EXAMPLES = """\
examples:
  bus-train --arch efficientnetlite0 --pretrained
  bus-train --arch vgg16 --pretrained vgg16_weights.h5 --data raw_york-clean/ --folds 5 --out runs/vgg16
  bus-train --arch resnet50 --protocol york --runs 3
  bus-train --arch vgg16 --pretrained --fine-tune-from block4_conv1 --early-stopping 8
  bus-train --resume --out runs/vgg16

KERAS_BACKEND chooses Keras' backend (tensorflow, jax, torch).

exit codes:
  0    trained and reported
  1    it could not be done
  2    the command was not understood
  130  stopped by ctrl-C; the same command with --resume goes on where it was, to the same result
"""


def parser() -> argparse.ArgumentParser:
    """The command line. What is not given is not in the result, so that ``--resume`` can tell."""
    root = argparse.ArgumentParser(
        prog="bus-train",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        argument_default=NOT_GIVEN,
    )
    root.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    _add_model(root.add_argument_group("the model"))
    _add_data(root.add_argument_group("the data"))
    _add_split(root.add_argument_group("who is learned from, who is tested on"))
    _add_learning(root.add_argument_group("how it learns"))
    _add_run(root.add_argument_group("the run"))
    return root


def _add_model(group: Any) -> None:  # noqa: ANN401 - argparse's class for this has no public name
    group.add_argument("--arch", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")
    group.add_argument(
        "--pretrained",
        nargs="?",
        const="imagenet",
        metavar="FILE",
        help="begin with ImageNet weights: a file, or without one Keras' own download (or an installed package); when "
        "they cannot be had it says which file is expected where",
    )
    frozen = group.add_mutually_exclusive_group()
    frozen.add_argument("--freeze", action="store_true", help="train the last layers only")
    frozen.add_argument("--fine-tune-from", metavar="LAYER", help="train this layer and what comes after it")
    group.add_argument(
        "--freeze-batch-norm",
        action=argparse.BooleanOptionalAction,
        help="hold batch normalisations as they were pretrained: batches are too small to do better, and it is nearly "
        "twice as fast (default: with --pretrained)",
    )
    group.add_argument(
        "--fit-last-layer",
        action=argparse.BooleanOptionalAction,
        help="begin with a last layer that is fitted to the pretrained part, not with one at random (default: with "
        "--pretrained)",
    )
    group.add_argument("--dropout", type=float, metavar="SHARE", help="before the last layers (default: the model's)")
    group.add_argument("--image-size", type=int, metavar="N", help=f"pixels a side ({Recipe.image_size})")


def _add_data(group: Any) -> None:  # noqa: ANN401
    group.add_argument(
        "--data",
        type=Path,
        metavar="DIR|CSV",
        help="a clean folder or a manifest (default: the only *-clean/manifest.csv in the working directory)",
    )
    group.add_argument(
        "--fit",
        choices=FITS,
        help="how a picture becomes a square: pad with black (default), squash, or crop the long sides",
    )
    group.add_argument(
        "--augment",
        action=argparse.BooleanOptionalAction,
        help="vary pictures in training: flip, 10 degrees, 10 %% zoom, 8 %% shift, brightness, contrast, speckle "
        "(default: yes)",
    )
    group.add_argument(
        "--views",
        type=int,
        metavar="N",
        help="run the part that --freeze or --fine-tune-from holds once and for all, over N varied copies of each "
        "scan: much faster for large nets (default: anew in each epoch)",
    )
    weights = group.add_mutually_exclusive_group()
    weights.add_argument("--class-weights", action="store_true", help="give each class the same say in the loss")
    weights.add_argument("--balance", action="store_true", help="draw each class equally often")
    group.add_argument(
        "--cache", type=Path, metavar="DIR", help="keep decoded pictures here (default: in OUT, gone at its end)"
    )


def _add_split(group: Any) -> None:  # noqa: ANN401
    group.add_argument(
        "--protocol",
        choices=PROTOCOLS,
        help="grouped (default); grouped-kfold; york: the paper's picture by picture, which leaks near-duplicates",
    )
    group.add_argument("--folds", type=int, metavar="K", help=f"grouped-kfold with K folds ({DEFAULT_FOLDS})")
    group.add_argument("--runs", type=int, metavar="N", help=f"trainings with seeds SEED, SEED+1, ... ({Recipe.runs})")
    group.add_argument(
        "--test-fraction", type=float, metavar="SHARE", help=f"for the test, grouped only ({Recipe.test_fraction})"
    )
    group.add_argument(
        "--val-fraction", type=float, metavar="SHARE", help=f"of the rest for validation ({Recipe.val_fraction})"
    )
    group.add_argument(
        "--splits",
        metavar="CSV",
        help="use this split, from `bus-clean split` or another run; one with folds is trained once for each",
    )
    group.add_argument(
        "--no-groups", action="store_true", help="split although near-duplicates were not searched (no groups)"
    )


def _add_learning(group: Any) -> None:  # noqa: ANN401
    rates = ", ".join(f"{name} {rate:g}" for name, rate in LEARNING_RATES.items())
    group.add_argument("--epochs", type=int, metavar="N", help=f"({Recipe.epochs})")
    group.add_argument("--batch-size", type=int, metavar="N", help=f"({Recipe.batch_size})")
    group.add_argument(
        "--seed", type=int, metavar="N", help=f"of split, weights, order and augmentation ({Recipe.seed})"
    )
    group.add_argument("--optimizer", choices=OPTIMIZERS, help=f"(default: {Recipe.optimizer})")
    group.add_argument(
        "--learning-rate",
        type=float,
        metavar="RATE",
        help=f"at its highest; it rises, then falls along a cosine ({rates}; pretrained 0.3 of that, VGG nets 0.1)",
    )
    group.add_argument("--weight-decay", type=float, metavar="X", help=f"of adamw ({Recipe.weight_decay})")
    group.add_argument(
        "--label-smoothing",
        type=float,
        metavar="X",
        help=f"share of certainty that labels give away (0; {PRETRAINED_SMOOTHING:g} with --pretrained)",
    )
    group.add_argument(
        "--mixup",
        type=float,
        metavar="SHAPE",
        help="blend scans and labels of half of the batches, by shares of the beta distribution of this shape, so that "
        f"a long training overfits less (0; {PRETRAINED_MIXUP:g} with --pretrained)",
    )
    group.add_argument(
        "--early-stopping",
        type=int,
        nargs="?",
        const=PATIENCE,
        metavar="EPOCHS",
        help=f"stop when validation has not improved for so many epochs ({PATIENCE}), keep the best (default: off)",
    )
    group.add_argument("--mixed-precision", action="store_true", help="compute in 16 bits; the saved model has 32")


def _add_run(group: Any) -> None:  # noqa: ANN401
    group.add_argument("--out", type=Path, metavar="DIR", help="the run's folder (default: runs/ARCH-PROTOCOL)")
    group.add_argument("--resume", action="store_true", help="go on with the run in OUT, with its own settings")
    group.add_argument(
        "--tensorboard", action="store_true", help="write TensorBoard logs too; their names hold this machine's name"
    )
    group.add_argument("--debug", action="store_true", help="show the trace of an unexpected error (may hold names)")
    group.add_argument("-q", "--quiet", action="store_true", help="show no progress; errors only")


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; gives the exit code. The one place where errors become messages."""
    words = list(sys.argv[1:] if argv is None else argv)
    given = vars(parser().parse_args(words))
    try:
        return _train(given, words)
    except BusToolkitError as error:
        sys.stderr.write(f"bus-train: {error}\n")
    except KeyboardInterrupt:
        sys.stderr.write("bus-train: stopped. The same command with --resume goes on where it was.\n")
        return EXIT_STOPPED
    except OSError as error:
        # Its text holds a path (HDF5's reason too), and a path may hold a name.
        reason = os.strerror(error.errno) if error.errno else "no reason given"
        kind = f"{type(error).__name__}: {reason}"
        sys.stderr.write(f"bus-train: the file system refused something ({kind})\n")
    except Exception as error:
        if given.get("debug"):
            raise
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        sys.stderr.write(f"bus-train: unexpected {type(error).__name__} at {where}; --debug shows the whole trace\n")
    return EXIT_NOT_DONE


def recipe_from(given: dict[str, Any]) -> Recipe:
    """The recipe that the options ask for.

    Raises
    ------
    ConfigError
        When the architecture is missing, or options do not go together.
    """
    names = {item.name for item in fields(Recipe)}
    asked = {name: value for name, value in given.items() if name in names}
    if "arch" not in asked:
        msg = f"--arch must be given: one of {', '.join(NAMES)}. Got none"
        raise ConfigError(msg)
    if asked.get("splits") and (beside := [name for name in DECIDED_BY_A_SPLIT if name in asked]):
        msg = f"--splits must go without --{beside[0].replace('_', '-')}, which the file decides. Got both"
        raise ConfigError(msg)
    if asked.get("folds") or asked.get("protocol") == "grouped-kfold":
        if asked.setdefault("protocol", "grouped-kfold") != "grouped-kfold":
            msg = f"--folds must go with --protocol grouped-kfold. Got it with {asked['protocol']}"
            raise ConfigError(msg)
        asked.setdefault("folds", DEFAULT_FOLDS)
        asked.setdefault("runs", 1)
    for name in ("pretrained", "splits"):
        if asked.get(name) not in {None, "imagenet"}:
            asked[name] = str(Path(asked[name]).resolve())
    return Recipe(**asked)


def _recipe(given: dict[str, Any]) -> Recipe:
    """The recipe of this command, or of the run that is gone on with; what is given must then agree with it."""
    if not given.get("resume"):
        return recipe_from(given)
    from bus_toolkit.training.run import recipe_of

    # The same command as before, with --resume, finds the same folder.
    begun = recipe_from(given) if "out" not in given and "arch" in given else None
    known = recipe_of(_out(given, begun))
    asked = recipe_from({"arch": known.arch, **given}).as_json()
    for name, value in asked.items():
        if name in given and value != known.as_json()[name]:
            msg = f"--{name.replace('_', '-')} must be as the run was begun with, or left out. Got another"
            raise ConfigError(msg)
    return known


def _out(given: dict[str, Any], recipe: Recipe | None) -> Path:
    if "out" in given:
        return Path(given["out"])
    if recipe is None:
        msg = "--resume must be told which run: by --out, or by the command that began it. Got neither"
        raise ConfigError(msg)
    return Path("runs") / f"{recipe.arch}-{recipe.protocol}{'-pretrained' if recipe.pretrained else ''}"


def _train(given: dict[str, Any], words: Sequence[str]) -> int:
    recipe = _recipe(given)
    out = _out(given, recipe)
    manifest = _manifest(given, out)
    from bus_toolkit.cli.progress import console
    from bus_toolkit.cli.training_progress import Shown
    from bus_toolkit.evaluation.report import report_run
    from bus_toolkit.training.backend import require_packages
    from bus_toolkit.training.run import train

    # Nobody wants to hear after an hour that the report cannot be written.
    require_packages("keras", *REPORT_NEEDS)
    _load_keras()
    shown = console(quiet=bool(given.get("quiet")))
    with Shown(shown, recipe.epochs) as audience:
        train(
            recipe,
            manifest,
            out,
            resume=bool(given.get("resume")),
            cache=given.get("cache"),
            tensorboard=bool(given.get("tensorboard")),
            command=shlex.join(["bus-train", *words]),
            audience=audience,
            report=report_run,
        )
    for name in ("report.html", "model_card.json"):
        shown.print(f"{out / name}", highlight=False, soft_wrap=True, markup=False)
    return EXIT_DONE


def _load_keras() -> None:
    """Load Keras and its backend without what TensorFlow says of itself meanwhile, past Python, on standard error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with hushed():
        import keras

        keras.ops.convert_to_numpy(keras.ops.ones(1) + 1)


def _manifest(given: dict[str, Any], out: Path) -> Path:
    from bus_toolkit.training.data import find_manifest
    from bus_toolkit.training.folder import RunFolder

    if given.get("resume") and "data" not in given:
        return find_manifest(Path(RunFolder(out).read_config()["manifest"]), cwd=Path.cwd())
    return find_manifest(given.get("data"), cwd=Path.cwd())


if __name__ == "__main__":
    sys.exit(main())
