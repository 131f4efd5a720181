"""``bus-eval explain``: where a run saw what speaks for a class."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.cli.evaluate_options import EXIT_ATTENTION, EXIT_DONE, command
from bus_toolkit.cli.evaluate_scans import add_run, add_scans, clean_folder, quiet_keras, seen_scans, spinner

if TYPE_CHECKING:
    import argparse

    from bus_toolkit.apply.cleaning import Seen

DESCRIPTION: Final = """\
Draw where the models of a run saw what speaks for a class (Grad-CAM): the scan beside a heatmap over it, with class and
probability. Each scan is cleaned in memory as for bus-eval predict; what cleaning holds back is not explained.

Of several models the mean of their heatmaps is drawn. A heatmap shows where, and is no proof of why: look whether it
lies on the lesion, or on the edge of the picture, a filled place or a shadow.

The pictures show cleaned scans of patients. They are named by number (--names: by file), and only you may read them.
"""
EPILOG: Final = """\
examples:
  bus-eval explain runs/resnet50 new.dcm --out why.png
  bus-eval explain runs/resnet50 incoming/ --out why/            one picture for each scan
  bus-eval explain runs/resnet50 new.png --class malignant --member run-1 --out why.png

exit codes:
  0    every scan was explained
  3    done, but some scans were not: held back by cleaning, or not readable
  1    it could not be done
"""


def add_explain(commands: Any) -> None:  # noqa: ANN401 - argparse's class for this has no public name
    """Add the command ``explain``."""
    parser = command(
        commands, "explain", summary="where a run saw it, as a heatmap", description=DESCRIPTION, epilog=EPILOG
    )
    add_run(parser)
    add_scans(parser)
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="PNG|DIR", help="a file for one scan, a folder for several"
    )
    parser.add_argument(
        "--class",
        dest="target",
        default="",
        metavar="NAME",
        help="what to ask for (default: the most probable class)",
    )
    parser.add_argument("--names", action="store_true", help="name the pictures by file, which may be persons' names")
    parser.set_defaults(run=_explain)


def _explain(args: argparse.Namespace) -> int:
    quiet_keras()
    from bus_toolkit.apply.explain import draw, explain_squares
    from bus_toolkit.apply.trained import open_trained
    from bus_toolkit.errors import ConfigError

    trained = open_trained(args.folder, args.member)
    if args.target and args.target not in trained.classes:
        msg = f"--class must be one of {', '.join(trained.classes)}. Got another"
        raise ConfigError(msg)
    scans = seen_scans(args, trained, clean_folder(args, trained))
    shown = [one for one in scans if one.square is not None]
    paths = _places(args.out, shown, names=args.names, several=len(scans) > 1)
    with spinner(quiet=args.quiet) as tell:
        squares = [one.square for one in shown if one.square is not None]
        made = explain_squares(trained, squares, target=args.target, tell=lambda name: tell(f"Asking {name}"))
    for seen, path, explained in zip(shown, paths, made, strict=True):
        _write(path, draw(explained, remark=_reasons(seen) if seen.reasons else ""))
        told = f"{seen.id}  {explained.called} {explained.probabilities.max():.3f}"
        sys.stdout.write(f"{told}  {path.name if args.names or args.out.suffix else f'{seen.id}.png'}\n")
    for seen in scans:
        if seen.square is None:
            sys.stderr.write(f"bus-eval: scan {seen.id} was not explained: {_reasons(seen)}\n")
    return EXIT_DONE if len(shown) == len(scans) else EXIT_ATTENTION


def _reasons(seen: Seen) -> str:
    """How cleaning ended, and why."""
    told = "; ".join(dict.fromkeys(reason.detail for reason in seen.reasons))
    return f"{seen.outcome}: {told}".rstrip(".")


def _places(out: Path, shown: list[Seen], *, names: bool, several: bool) -> list[Path]:
    """Where each picture goes: a file, or files in a folder."""
    from bus_toolkit.errors import ConfigError

    if out.suffix.lower() == ".png" and not out.is_dir():
        if several:
            msg = "--out must be a folder for several scans. Got a file"
            raise ConfigError(msg)
        return [out] * len(shown)
    if shown:
        out.mkdir(parents=True, exist_ok=True)
    return [out / (f"{seen.id}-{Path(seen.file).stem}.png" if names else f"{seen.id}.png") for seen in shown]


def _write(path: Path, picture: Any) -> None:  # noqa: ANN401 - numpy is loaded later
    from bus_toolkit.atomic import PRIVATE_MODE, atomic_write_bytes
    from bus_toolkit.io.write import encode_png

    atomic_write_bytes(path, encode_png(picture), mode=PRIVATE_MODE)
