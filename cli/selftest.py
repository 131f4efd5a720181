"""``bus-clean selftest``: measure on one's own scans how much is found and removed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from bus_toolkit.selftest import SelftestReport

EXIT_DONE, EXIT_BELOW = 0, 3
SELFTEST: Final = """\
Measure on your own scans how much of what is drawn on them is found and removed, instead of trusting our figures.

Made-up names, dates, numbers and sides are painted over a sample of the scans below SRC, in memory only: fonts, sizes
(capitals of 6 to 40 px), colours, contrasts and places are drawn at random. Each painted scan is then cleaned as
`bus-clean ingest --anonymise` cleans it, with the same look at what would be written. SRC is only read.

Scans that would be rejected or quarantined as they are are not painted, but counted apart. A painted string is

  removed    at least 99 % of its ink is filled, blanked or cropped away, and OCR reads none of its words any more
  withheld   the painted scan was rejected or quarantined: nothing is given away, but a scan is lost
  left       neither: with a real name, this would be a leak

  OUT/report.html     shares with 95 % intervals by size, contrast and place; tissue touched; what was missed
  OUT/summary.json    all numbers, with seed, versions and the hash of the policy

OUT shows pieces of your scans: it is private (mode 0700), but no name of a file is written into it. When stopped by
ctrl-C, the report tells of what was done so far.
"""
EXAMPLES: Final = """\
examples:
  bus-clean selftest raw_york/
  bus-clean selftest raw_york/ --scans 300 --strings 2 --seed 7 --jobs 4
  bus-clean selftest raw_york/ --policy my.toml --fail-below 0.9   # in a nightly check

exit codes:
  0    measured (and the lower bound of the share removed is not below --fail-below)
  3    it is below, or no string could be painted
  1    it could not be done
  130  stopped by ctrl-C
"""


def _share(text: str) -> float:
    """A share between 0 and 1."""
    value = float(text)
    if not 0 <= value <= 1:
        msg = f"must be between 0 and 1. Got {text}"
        raise argparse.ArgumentTypeError(msg)
    return value


def add_selftest(commands: Any) -> None:  # noqa: ANN401 - argparse's class for this has no public name
    """Add the command ``selftest``."""
    test = commands.add_parser(
        "selftest",
        help="measure on your own scans how much is found and removed",
        description=SELFTEST,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    test.add_argument("src", type=Path, metavar="SRC", help="a folder of scans, or one scan")
    test.add_argument(
        "-o", "--out", type=Path, metavar="OUT", help="where the report goes (default: SRC-selftest.private)"
    )
    test.add_argument("--scans", type=int, default=60, metavar="N", help="scans that are drawn from SRC (default: 60)")
    test.add_argument("--strings", type=int, default=3, metavar="K", help="strings painted on each (default: 3)")
    test.add_argument(
        "--seed", type=int, default=0, metavar="S", help="the same seed paints the same on the same scans (default: 0)"
    )
    test.add_argument(
        "--fail-below",
        type=_share,
        metavar="SHARE",
        help="exit with 3 when the lower bound of the share removed is below SHARE (0 to 1)",
    )
    test.add_argument("--policy", metavar="NAME|FILE", help="york (default), keep-annotated, or a TOML file")
    test.add_argument(
        "--engine",
        choices=("rapidocr", "easyocr"),
        default="rapidocr",
        help="which OCR engine reads (default: rapidocr)",
    )
    test.add_argument("--allow-download", action="store_true", help="let the engine fetch weights that it misses")
    test.add_argument("-j", "--jobs", type=int, metavar="N", help="worker processes (default: the cores)")
    test.add_argument("--debug", action="store_true", help="show the trace of an unexpected error (may hold names)")
    test.add_argument("-q", "--quiet", action="store_true", help="no progress bar and no table; errors only")
    test.set_defaults(run=_selftest)


def _selftest(args: argparse.Namespace) -> int:
    from bus_toolkit.batch.options import available_cores
    from bus_toolkit.cli.progress import bar, console
    from bus_toolkit.policy import load_policy
    from bus_toolkit.selftest import SelftestOptions, selftest

    options = SelftestOptions(
        src=args.src,
        out=args.out,
        scans=args.scans,
        strings=args.strings,
        seed=args.seed,
        policy=load_policy(args.policy) if args.policy else load_policy(),
        engine=args.engine,
        allow_download=args.allow_download,
        jobs=available_cores() if args.jobs is None else args.jobs,
    )
    shown, page = console(quiet=args.quiet), options.folder / "report.html"
    earlier = _written(page)
    try:
        with bar(shown, "Trying") as progress:
            report = selftest(options, progress=progress)
    except KeyboardInterrupt:
        if _written(page) != earlier:
            shown.print(f"What was done is in {page} (private)", highlight=False, soft_wrap=True, markup=False)
        raise
    if not args.quiet:
        from bus_toolkit.selftest.terminal import summary_table

        shown.print(summary_table(report.summary))
        shown.print(f"Report   {page} (private)", highlight=False, soft_wrap=True, markup=False)
    return _exit_code(report, args.fail_below)


def _written(page: Path) -> int | None:
    """When a page was written, None when there is none."""
    return page.stat().st_mtime_ns if page.is_file() else None


def _exit_code(report: SelftestReport, fail_below: float | None) -> int:
    if report.painted == 0:
        sys.stderr.write("bus-clean: no string could be painted: none of the scans would be kept as it is\n")
        return EXIT_BELOW
    if fail_below is not None and report.lower_bound < fail_below:
        sys.stderr.write(
            f"bus-clean: the lower bound of the share removed is {report.lower_bound:.3f}, below {fail_below}\n"
        )
        return EXIT_BELOW
    return EXIT_DONE
