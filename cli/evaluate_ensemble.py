"""``bus-eval ensemble``: the runs of one recipe together, as a model of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.cli.evaluate_options import EXIT_DONE, add_intervals, add_json, command, show, show_json

if TYPE_CHECKING:
    import argparse

DESCRIPTION: Final = """\
Average the probabilities of a run's models (bus-train --runs 3) and score the mean as a model of its own. It is written
as a run folder, RUN/ensemble, with a report, and can be compared and tabled like any other run.

Folds cannot be averaged: each scan is tested by one of them, and was learned from by the others.
"""
EPILOG: Final = """\
examples:
  bus-eval ensemble runs/resnet50
  bus-eval table runs/resnet50 runs/resnet50/ensemble

What is shown below the figures is how much better the ensemble is than the mean of its models.

exit codes:
  0    done
  1    it could not be done
"""


def add_ensemble(commands: Any) -> None:  # noqa: ANN401 - argparse's class for this has no public name
    """Add the command ``ensemble``."""
    parser = command(
        commands, "ensemble", summary="a run's models together as one", description=DESCRIPTION, epilog=EPILOG
    )
    parser.add_argument("folder", type=Path, metavar="RUN", help="a run folder of bus-train with two models or more")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where it goes (default: RUN/ensemble)")
    add_intervals(parser)
    add_json(parser)
    parser.set_defaults(run=_ensemble)


def _ensemble(args: argparse.Namespace) -> int:
    from bus_toolkit.evaluation.compare import compare
    from bus_toolkit.evaluation.ensemble import NAME, write_ensemble
    from bus_toolkit.evaluation.report import REPORT, write_all
    from bus_toolkit.evaluation.runs import read_run
    from bus_toolkit.evaluation.summary import summarise
    from bus_toolkit.evaluation.terminal import comparison_table, summary_table

    run = read_run(args.folder)
    out = args.out or args.folder / NAME
    made = write_ensemble(run, out)
    summary = summarise(made, resamples=args.resamples, seed=args.seed)
    write_all(made, summary)
    found = compare(made.tested(), run.tested(), resamples=args.resamples, seed=args.seed)
    if args.json:
        show_json({**summary.data, "against_members": found.as_json()})
    else:
        show(summary_table(summary))
        show(comparison_table(found, ("ensemble", "mean of models")))
        sys.stdout.write(f"Report   {out / REPORT}\n")
    return EXIT_DONE
