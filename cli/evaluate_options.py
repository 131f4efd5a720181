"""What the commands of ``bus-eval`` have in common: options, and how results get out."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import RenderableType

EXIT_DONE, EXIT_ATTENTION = 0, 3
_RESAMPLES: Final = 2000


def command(commands: Any, name: str, *, summary: str, description: str, epilog: str) -> argparse.ArgumentParser:  # noqa: ANN401 - argparse's class for this has no public name
    """A sub-command whose help keeps its lines."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--debug", action="store_true", help="show the trace of an unexpected error (may hold names)")
    return parser


def add_intervals(parser: argparse.ArgumentParser) -> None:
    """``--resamples`` and ``--seed``."""
    parser.add_argument(
        "--resamples",
        type=int,
        default=_RESAMPLES,
        metavar="N",
        help="draws for the intervals (%(default)s); more is slower and steadier",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the draws: the same seed, the same interval (%(default)s)"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help="print the result as JSON instead of tables")


def show(shown: RenderableType) -> None:
    """Print a table to standard output. On a pipe it is as wide as it must be."""
    from rich.console import Console

    console = Console(highlight=False)
    Console(highlight=False, width=None if console.is_terminal else _WIDE).print(shown)


_WIDE: Final = 200


def show_json(data: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Print JSON to standard output."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
