"""``bus-eval table``: several runs in one Markdown table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.cli.evaluate_options import EXIT_DONE, add_intervals, add_json, command, show_json

if TYPE_CHECKING:
    import argparse

    from bus_toolkit.evaluation.summary import Summary

DESCRIPTION: Final = """\
Print a table of several runs in Markdown: accuracy as mean and standard deviation over runs or folds, its 95 %
interval, the AUC of malignant scans against the rest, and the paper's question. A run that was not scored yet is scored
first (nothing is written into it).
"""
EPILOG: Final = """\
examples:
  bus-eval table runs/vgg16 runs/vgg16-pretrained runs/resnet50
  bus-eval table --layout paper runs/* > table1.md      one row for each architecture: de novo, pretrained

exit codes:
  0    done
  1    it could not be done
"""


def add_table(commands: Any) -> None:  # noqa: ANN401 - argparse's class for this has no public name
    """Add the command ``table``."""
    parser = command(
        commands, "table", summary="several runs in one Markdown table", description=DESCRIPTION, epilog=EPILOG
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="RUN", help="run folders of bus-train")
    parser.add_argument(
        "--layout", choices=("long", "paper"), default="long", help="all figures, or Table 1 of the paper (%(default)s)"
    )
    add_intervals(parser)
    add_json(parser)
    parser.set_defaults(run=_table)


def _table(args: argparse.Namespace) -> int:
    from bus_toolkit.evaluation.table import long_table, paper_table

    summaries = [_summary(folder, args) for folder in args.folders]
    if args.json:
        show_json([summary.data for summary in summaries])
    else:
        sys.stdout.write((paper_table if args.layout == "paper" else long_table)(summaries))
    return EXIT_DONE


def _summary(folder: Path, args: argparse.Namespace) -> Summary:
    """What stands in the folder, if it is of the same resamples and no older than the predictions; else a new score."""
    from bus_toolkit.evaluation.runs import MEMBERS, PREDICTIONS, read_run
    from bus_toolkit.evaluation.summary import SUMMARY, read_summary, summarise

    path = folder / SUMMARY
    if path.is_file():
        newest = max((one.stat().st_mtime for one in (folder / MEMBERS).glob(f"*/{PREDICTIONS}")), default=0.0)
        known = read_summary(path)
        drawn = (known.data["interval"]["resamples"], known.data["interval"]["seed"])
        if path.stat().st_mtime >= newest and drawn == (args.resamples, args.seed):
            return known
    return summarise(read_run(folder), resamples=args.resamples, seed=args.seed)
