"""``bus-clean split``: deal the scans of a clean folder to training, validation and test."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from bus_toolkit.training.splits import Split

EXIT_DONE: Final = 0

DESCRIPTION: Final = """\
Deal the scans of a clean folder to training, validation and test, so that no patient and no group of near-duplicates
lies on two sides, and each label has its share on each. The same seed gives the same split.

`bus-train` does this by itself; use this to look at a split, or to train several models on the same one.
"""
EXAMPLES: Final = """\
examples:
  bus-clean split raw_york-clean/ --out splits.csv
  bus-clean split raw_york-clean/ --protocol grouped-kfold --folds 5 --out folds.csv
  bus-train --arch vgg16 --splits splits.csv
"""


def add_split(commands: Any) -> None:  # noqa: ANN401 - argparse's class for this has no public name
    """Add the command ``split``."""
    from bus_toolkit.training.recipe import DEFAULT_FOLDS, PROTOCOLS, Recipe

    split = commands.add_parser(
        "split",
        help="deal clean scans to training, validation and test",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    split.add_argument("data", type=Path, metavar="CLEAN", help="a clean folder, or its manifest")
    split.add_argument("-o", "--out", type=Path, required=True, metavar="CSV", help="file to write")
    split.add_argument(
        "--protocol",
        choices=PROTOCOLS,
        default=Recipe.protocol,
        help="grouped (default), grouped-kfold, or york: the paper's, picture by picture, which leaks near-duplicates",
    )
    split.add_argument("--folds", type=int, default=DEFAULT_FOLDS, metavar="K", help="of grouped-kfold (%(default)s)")
    split.add_argument(
        "--test-fraction", type=float, default=Recipe.test_fraction, metavar="SHARE", help="grouped only (%(default)s)"
    )
    split.add_argument(
        "--val-fraction",
        type=float,
        default=Recipe.val_fraction,
        metavar="SHARE",
        help="of what is not tested on (%(default)s)",
    )
    split.add_argument("--seed", type=int, default=Recipe.seed, metavar="N", help="(%(default)s)")
    split.add_argument(
        "--no-groups", action="store_true", help="split although near-duplicates were not searched (no groups)"
    )
    split.set_defaults(run=_split, debug=False)


def _split(args: argparse.Namespace) -> int:
    from bus_toolkit.training.data import find_manifest, load_data
    from bus_toolkit.training.splits import make_split, write_split

    data = load_data(find_manifest(args.data, cwd=Path.cwd()))
    split = make_split(
        data.rows,
        protocol=args.protocol,
        seed=args.seed,
        test_fraction=args.test_fraction,
        val_fraction=args.val_fraction,
        folds=args.folds,
        no_groups=args.no_groups,
    )
    write_split(args.out, split)
    for why, number in data.left_out.items():
        sys.stderr.write(f"{number} scans are left out: {why}\n")
    for sentence in split.warnings:
        sys.stderr.write(f"Warning: {sentence}\n")
    sys.stdout.write(table_of(split))
    return EXIT_DONE


def table_of(split: Split) -> str:
    """How many scans of each label are in each part, as lines of text."""
    from collections import Counter

    from bus_toolkit.training.splits import Part

    labels = sorted({one.label for one in split.assignments})
    counts = Counter((one.fold, one.part, one.label) for one in split.assignments)
    lines = [("fold", "part", *labels, "all")]
    for fold in range(split.folds):
        for part in Part:
            numbers = [counts[fold, part, label] for label in labels]
            lines.append((str(fold), str(part), *map(str, numbers), str(sum(numbers))))
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "".join("  ".join(map(str.rjust, line, widths)) + "\n" for line in lines)
