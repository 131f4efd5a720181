"""``bus-train-overlays``: train the network that finds what was drawn over the tissue."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bus_toolkit._version import __version__
from bus_toolkit.errors import BusToolkitError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import Progress

    from bus_toolkit.geometry import Pixels

EXIT_DONE, EXIT_NOT_DONE, EXIT_STOPPED = 0, 1, 130
HELD_OUT_PICTURES = 60
"""Painted pictures on which the result is measured."""
NEEDED = ("keras", "onnx")

DESCRIPTION = """\
Train the segmenter that finds text, calipers, graphics and outlines drawn over ultrasound pictures.

Overlays are painted over clean scans and phantoms, so no labels are needed: their truth is known exactly. Scans on
which something is drawn already are left out by themselves. The default recipe takes about 50 minutes on 2 cores.

  OUT/overlays.onnx   the weights that cleaning runs (onnxruntime; no Keras)
  OUT/overlays.json   their model card: recipe, data, what was measured on scans held out
  OUT/log.csv         the loss while it was trained; last.* is what a stopped run goes on from
"""

EXAMPLES = """\
examples:
  bus-train-overlays --backgrounds clean_scans/ --out overlays/
  bus-train-overlays --backgrounds clean_scans/ --out overlays/ --fonts-left-out Lato OpenSans --jobs 2

A run that was stopped goes on where it was when the same command is given again. KERAS_BACKEND chooses Keras'
backend (tensorflow, jax, torch).
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(
        prog="bus-train-overlays",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    data = root.add_argument_group("what it learns from")
    data.add_argument(
        "--backgrounds", type=Path, nargs="+", default=[], metavar="DIR", help="folders of scans without overlays"
    )
    data.add_argument("--phantoms", type=int, default=50, metavar="N", help="made scans beside them (%(default)s)")
    data.add_argument(
        "--hold-out", type=float, default=0.1, metavar="SHARE", help="share of scans kept for measuring (%(default)s)"
    )
    data.add_argument(
        "--fonts-left-out", nargs="*", default=[], metavar="NAME", help="beginnings of font files kept for measuring"
    )
    data.add_argument("--credit", default="", help="source and licence of the backgrounds, for the model card")
    fit = root.add_argument_group("how it learns")
    fit.add_argument("--steps", type=int, default=4800, help="batches in all (%(default)s)")
    fit.add_argument("--batch-size", type=int, default=12, help="squares in a batch (%(default)s)")
    fit.add_argument("--side", type=int, default=256, help="pixels a side of a square (%(default)s)")
    fit.add_argument("--learning-rate", type=float, default=3e-3, help="at its highest (%(default)s)")
    fit.add_argument("--seed", type=int, default=123, help="of weights and lessons (%(default)s)")
    fit.add_argument("--jobs", type=int, default=1, metavar="N", help="processes that make lessons (%(default)s)")
    root.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the results go")
    root.add_argument("--quiet", action="store_true", help="show no progress")
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; gives the exit code."""
    args = parser().parse_args(argv)
    try:
        _check(args)
        return _train(args)
    except BusToolkitError as error:
        sys.stderr.write(f"bus-train-overlays: {error}\n")
        return EXIT_NOT_DONE
    except KeyboardInterrupt:
        sys.stderr.write("bus-train-overlays: stopped; the same command goes on where it was\n")
        return EXIT_STOPPED


def _check(args: argparse.Namespace) -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        msg = f"training must have its packages (pip install 'bus-toolkit[train]'). Got no {', '.join(missing)}"
        raise ConfigError(msg)
    if args.jobs < 1 or args.phantoms < 0:
        msg = f"--jobs must be 1 or more, --phantoms 0 or more. Got {args.jobs} and {args.phantoms}"
        raise ConfigError(msg)
    if not 0 <= args.hold_out <= 0.5:  # noqa: PLR2004 - more would leave less to learn from than to measure on
        msg = f"--hold-out must be between 0 and 0.5. Got {args.hold_out}"
        raise ConfigError(msg)
    for folder in args.backgrounds:
        if not folder.is_dir():
            msg = "--backgrounds must be folders. Got something else"
            raise ConfigError(msg)


def held_out(scans: Sequence[Pixels], share: float) -> tuple[tuple[Pixels, ...], tuple[Pixels, ...]]:
    """Scans to learn from and scans to measure on: every n-th of them, by their order."""
    if share <= 0:
        return tuple(scans), ()
    every = max(2, round(1 / share))
    test = tuple(scan for index, scan in enumerate(scans) if index % every == every * 7 // 10)
    learn = tuple(scan for index, scan in enumerate(scans) if index % every != every * 7 // 10)
    return learn, test


def _train(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True, quiet=args.quiet)) as shown:
        return _train_shown(args, shown)


def _train_shown(args: argparse.Namespace, shown: Progress) -> int:
    from bus_toolkit.segmenter.backgrounds import load_backgrounds
    from bus_toolkit.segmenter.card import measure, write_card
    from bus_toolkit.segmenter.export import export_onnx
    from bus_toolkit.segmenter.fit import Recipe, fit
    from bus_toolkit.segmenter.lessons import Teacher

    recipe = Recipe(
        steps=args.steps,
        batch_size=args.batch_size,
        side=args.side,
        learning_rate=args.learning_rate,
        seed=args.seed,
    )
    row = shown.add_task("looking at backgrounds", total=None, loss="")
    backgrounds = load_backgrounds(
        args.backgrounds,
        phantoms=args.phantoms,
        seed=args.seed,
        tell=lambda done, total: shown.update(row, completed=done, total=total),
    )
    learn, test = held_out(backgrounds.scans, args.hold_out)
    left_out = tuple(args.fonts_left_out)
    teacher = Teacher(backgrounds=(*learn, *backgrounds.phantoms), side=recipe.side, fonts_left_out=left_out)
    row = shown.add_task("training", total=recipe.steps, loss="")
    model = fit(
        teacher,
        recipe,
        args.out,
        jobs=args.jobs,
        tell=lambda step, loss: shown.update(row, completed=step, loss=f"loss {loss:.4f}"),
    )
    weights = args.out / "overlays.onnx"
    size = export_onnx(model, weights)
    examiner = Teacher(backgrounds=test or teacher.backgrounds, side=recipe.side)
    result = measure(weights, examiner, pictures=HELD_OUT_PICTURES, seed=recipe.seed + 1)
    about = {"credit": args.credit, "fonts_left_out": sorted(left_out), "held_out": {"scans": len(test), **result}}
    write_card(args.out / "overlays.json", weights, recipe, backgrounds, about)
    sys.stdout.write(f"{weights}: {size} bytes, text recall {result['text']['recall']:.3f} on held-out scans\n")
    return EXIT_DONE


if __name__ == "__main__":
    sys.exit(main())
