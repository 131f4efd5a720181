"""``bus-clean verify``: check a finished output once more, and certify it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from bus_toolkit.batch.release import Verification

EXIT_DONE, EXIT_NOT_DONE, EXIT_FOUND = 0, 1, 3
MOST_SHOWN: Final = 20
"""More would push the result off a terminal; the certificate counts all."""

VERIFY: Final = """\
Check every file of a finished output once more, as if it came from somebody else, and certify it.

OUT must have been made with --anonymise. Every file must be named by the manifest and be as it was written; it is
searched for the names, ids, dates and UIDs of its own source, and its pixels are looked at once more for text. The
identifiers come from OUT.private (beside OUT, or --against); without it, only what needs no identifiers is checked,
and the certificate says so.

What does not pass is moved from OUT to OUT.private/withdrawn, the scan is quarantined, and manifest, run.json and
report are written anew. Without OUT.private nothing is moved. A certificate is written in any case: it says in big
letters when something did not pass. Verify again to certify what is left.

  OUT/certificate.html        one page to print and sign
  OUT/certificate.json        the same for machines, sealed with the key
"""
EXAMPLES: Final = """\
examples:
  bus-clean verify raw-clean/
  bus-clean verify /mnt/release --against /vault/raw-clean.private
  bus-clean verify raw-clean/ --check-seal

exit codes:
  0    everything passed (or the seal is good)
  3    something did not: see what is told, and OUT.private/withdrawn
  1    it could not be done
"""


def add_verify(commands: Any) -> None:  # noqa: ANN401 - argparse's class for this has no public name
    """Add the command ``verify``."""
    verify = commands.add_parser(
        "verify",
        help="check a finished output once more, and certify it",
        description=VERIFY,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    verify.add_argument("out", type=Path, metavar="OUT", help="an output of bus-clean ingest --anonymise")
    verify.add_argument(
        "--against", type=Path, metavar="OUT.private", help="its private folder (default: the one beside OUT, if any)"
    )
    verify.add_argument("--key", type=Path, metavar="FILE", help="the key, when the runs were given one")
    verify.add_argument("--no-pixels", action="store_true", help="do not look for text in pixels (quick, vouches less)")
    verify.add_argument(
        "--check-seal",
        action="store_true",
        help="only confirm that the certificate was made with the key and that OUT has not changed since",
    )
    verify.add_argument("-j", "--jobs", type=int, metavar="N", help="worker processes (default: the cores)")
    verify.add_argument("--debug", action="store_true", help="show the trace of an unexpected error (may hold names)")
    verify.add_argument("-q", "--quiet", action="store_true", help="no progress bar and no table; errors only")
    verify.set_defaults(run=_verify)


def _verify(args: argparse.Namespace) -> int:
    if args.check_seal:
        return _check_seal(args)
    from bus_toolkit.batch.options import available_cores
    from bus_toolkit.batch.release import VerifyOptions, verify
    from bus_toolkit.cli.progress import bar, console

    options = VerifyOptions(
        out=args.out,
        against=args.against,
        key=args.key,
        pixels=not args.no_pixels,
        jobs=available_cores() if args.jobs is None else args.jobs,
    )
    shown = console(quiet=args.quiet)
    with bar(shown, "Verifying") as progress:
        done = verify(options, progress=progress)
    if not args.quiet:
        for line in _lines(done):
            shown.print(line, highlight=False, soft_wrap=True, markup=False)
        shown.print(
            f"Certificate   {options.folder / 'certificate.html'}", highlight=False, soft_wrap=True, markup=False
        )
    return EXIT_DONE if done.clean else EXIT_FOUND


def _lines(done: Verification) -> list[str]:
    """The result in words."""
    from bus_toolkit.verify.certificate import TITLES

    lines = [
        f"{check['result']:<9} {check['files']:>6}  {TITLES[check['check']]}" for check in done.certificate["checks"]
    ]
    lines += [f"found     {find.shown}: {find.leak.what}, {find.leak.where}" for find in done.finds[:MOST_SHOWN]]
    if len(done.finds) > MOST_SHOWN:
        lines.append(f"and {len(done.finds) - MOST_SHOWN} more")
    if done.withdrawn:
        lines.append(f"{done.withdrawn} files were moved to withdrawn/ of the private folder. Verify again.")
    return [*lines, done.certificate["verdict"]["headline"] + ": " + done.certificate["verdict"]["why"]]


def _check_seal(args: argparse.Namespace) -> int:
    from bus_toolkit.batch.seal import check_seal

    wrong = check_seal(args.out, against=args.against, key=args.key)
    for sentence in wrong:
        sys.stderr.write(f"bus-clean: {sentence}\n")
    if not wrong and not args.quiet:
        sys.stdout.write("The seal is good: the certificate was made with this key, and OUT has not changed since.\n")
    return EXIT_FOUND if wrong else EXIT_DONE
