"""``bus-eval score``: all figures of a run, and its report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

from bus_toolkit.cli.evaluate_options import (
    EXIT_ATTENTION,
    EXIT_DONE,
    add_intervals,
    add_json,
    command,
    show,
    show_json,
)

DESCRIPTION: Final = """\
Compute all figures of a run on the scans that its models were tested on, and write into RUN

  summary.json        every figure with its interval
  report.html         plots, tables, the worst errors as pictures
  model_card.json     what the model is, what it is for, how good it was (and model_card.html)

Repeated runs (--runs) are averaged; folds (--folds) are put together, each scan as the model said that had not seen it.
"""
EPILOG: Final = """\
examples:
  bus-eval score runs/resnet50
  bus-eval score runs/resnet50 --json | jq .figures.accuracy
  bus-eval score runs/resnet50 --no-write --at-least 0.75     for a script: exit code 3 below the paper's threshold

exit codes:
  0    done
  3    done, but a model of the run is not finished, the test is not independent of what was learned from, or the
       accuracy is below --at-least
  1    it could not be done
"""


def add_score(commands: Any) -> None:  # noqa: ANN401 - argparse's class for this has no public name
    """Add the command ``score``."""
    parser = command(
        commands, "score", summary="all figures of a run, and its report", description=DESCRIPTION, epilog=EPILOG
    )
    parser.add_argument("folder", type=Path, metavar="RUN", help="a run folder of bus-train")
    parser.add_argument("--at-least", type=_share, metavar="SHARE", help="the accuracy that it must have, 0 to 1")
    parser.add_argument("--no-write", action="store_true", help="write nothing into RUN, only print")
    add_intervals(parser)
    add_json(parser)
    parser.set_defaults(run=_score)


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        msg = f"must be between 0 and 1. Got {value}"
        raise argparse.ArgumentTypeError(msg)
    return value


def _score(args: argparse.Namespace) -> int:
    from bus_toolkit.evaluation.report import REPORT, write_all
    from bus_toolkit.evaluation.runs import read_run
    from bus_toolkit.evaluation.summary import summarise
    from bus_toolkit.evaluation.terminal import summary_table

    run = read_run(args.folder)
    summary = summarise(run, resamples=args.resamples, seed=args.seed)
    if not args.no_write:
        write_all(run, summary)
    if args.json:
        show_json(summary.data)
    else:
        show(summary_table(summary))
        if not args.no_write:
            sys.stdout.write(f"Report   {args.folder / REPORT}\n")
    low = args.at_least is not None and summary.accuracy < args.at_least
    if low:
        sys.stderr.write(f"bus-eval: the accuracy is below {args.at_least:g}\n")
    return EXIT_ATTENTION if low or any(remark["stop"] for remark in summary.data["remarks"]) else EXIT_DONE
