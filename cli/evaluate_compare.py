"""``bus-eval compare``: whether one run is better than another on the same scans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.cli.evaluate_options import EXIT_DONE, add_intervals, add_json, command, show, show_json

if TYPE_CHECKING:
    import argparse

DESCRIPTION: Final = """\
Compare two runs on the scans that both were tested on. The difference of each figure gets a 95 % interval by
resampling the scans, the same for both, near-duplicates and scans of one patient together; an interval without 0 is a
difference that luck does not explain well. McNemar's exact test counts the scans that only one of them calls right,
each run speaking with the mean of its models.
"""
EPILOG: Final = """\
examples:
  bus-eval compare runs/vgg16 runs/resnet50
  bus-eval compare runs/resnet50 runs/resnet50/ensemble
  bus-eval compare runs/a runs/b --common       they were tested on different scans: use those that both have

exit codes:
  0    done, whichever is better
  1    it could not be done, or the runs were not tested on the same scans
"""


def add_compare(commands: Any) -> None:  # noqa: ANN401 - argparse's class for this has no public name
    """Add the command ``compare``."""
    parser = command(
        commands, "compare", summary="is one run better than another?", description=DESCRIPTION, epilog=EPILOG
    )
    parser.add_argument("first", type=Path, metavar="RUN", help="a run folder of bus-train")
    parser.add_argument("second", type=Path, metavar="RUN", help="another, tested on the same scans")
    parser.add_argument("--common", action="store_true", help="leave out scans that only one of them was tested on")
    add_intervals(parser)
    add_json(parser)
    parser.set_defaults(run=_compare)


def _compare(args: argparse.Namespace) -> int:
    from bus_toolkit.evaluation.compare import common, compare
    from bus_toolkit.evaluation.runs import read_run
    from bus_toolkit.evaluation.terminal import comparison_table

    runs = read_run(args.first), read_run(args.second)
    pools = runs[0].tested(), runs[1].tested()
    if args.common:
        pools = common(*pools)
    found = compare(*pools, resamples=args.resamples, seed=args.seed)
    names = runs[0].name, runs[1].name
    if args.json:
        show_json({"first": names[0], "second": names[1], **found.as_json()})
    else:
        show(comparison_table(found, names))
    return EXIT_DONE
