"""``bus-clean``: make a folder of ultrasound scans safe to share and fit to learn from."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from bus_toolkit._version import __version__
from bus_toolkit.cli.keys import add_keys, add_lookup
from bus_toolkit.cli.profile import add_profile, with_profile
from bus_toolkit.cli.selftest import add_selftest
from bus_toolkit.cli.split import add_split
from bus_toolkit.cli.verify import add_verify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bus_toolkit.policy import Policy

EXIT_DONE, EXIT_NOT_DONE, EXIT_ATTENTION, EXIT_STOPPED = 0, 1, 3, 130

DESCRIPTION = """\
Make a folder of ultrasound scans (PNG, JPEG, TIFF, BMP, DICOM) safe to share and fit to learn from.

  bus-clean explain                          what would be done, in sentences
  bus-clean inspect raw/ --out seen.jsonl    look, and write what was seen; no pixels
  bus-clean ingest  raw/ --anonymise         clean it into raw-clean/
  bus-clean verify  raw-clean/               check it once more before it is given away, and certify it
"""

EXIT_CODES = """\
exit codes:
  0    every scan was kept or rejected
  3    some scans were quarantined or failed: look at review.html in the private folder
  1    the run could not be done
  2    the command was not understood
  130  stopped by ctrl-C; the same command goes on where it was
"""

INGEST = """\
Clean every scan below SRC into OUT (by default SRC-clean, beside SRC; never in place).

Each scan is kept, rejected (annotated, another mode), quarantined (nobody can vouch for it) or failed (cannot be
read); nothing is lost. A run that was stopped goes on where it was when the same command is given again.

With --anonymise, everything in OUT may be given away. OUT.private holds what leads back to people: the key, the
ledger with recognised text, and pictures from before. Keep it.

  OUT/images/LABEL/ID.png     cleaned, cropped to the ultrasound sector
  OUT/dicom/LABEL/ID.dcm      for DICOM input: same geometry, header de-identified
  OUT/manifest.csv            one row for each input; what a trainer reads
  OUT/report.html             counts, reasons, contact sheet
  OUT.private/review.html     before and after, with what was found drawn in; quarantined first
"""

INGEST_EXAMPLES = """\
examples:
  bus-clean ingest raw_york/ --anonymise
  bus-clean ingest raw/ --anonymise --labels labels.csv --out clean/ --jobs 4
  bus-clean ingest raw/ --anonymise --policy keep-annotated
"""

EXAMPLES_INSPECT = """\
examples:
  bus-clean inspect raw/ --out findings.jsonl
"""


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--policy",
        metavar="NAME|FILE",
        help="york (default), keep-annotated, report-only, or a TOML file",
    )
    parser.add_argument(
        "--engine",
        choices=("rapidocr", "easyocr"),
        default="rapidocr",
        help="which OCR engine finds text (default: rapidocr, whose models come with it)",
    )
    parser.add_argument(
        "--allow-download",
        action="store_true",
        help="let the engine fetch weights that it misses; without this nothing touches the network",
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="CSV",
        help="labels by file instead of by folder: columns file,label and optionally patient",
    )
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="worker processes (default: the cores)")
    parser.add_argument("--debug", action="store_true", help="show the trace of an unexpected error (may hold names)")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar and no table; errors only")


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="bus-clean", description=DESCRIPTION, epilog=EXIT_CODES, formatter_class=form, allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"bus-clean {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")

    ingest = commands.add_parser(
        "ingest",
        help="clean a folder of scans",
        description=INGEST,
        epilog=f"{INGEST_EXAMPLES}\n{EXIT_CODES}",
        formatter_class=form,
        allow_abbrev=False,
    )
    ingest.add_argument("src", type=Path, metavar="SRC", help="a folder of scans, or one scan")
    ingest.add_argument("-o", "--out", type=Path, metavar="OUT", help="where clean scans go (default: SRC-clean)")
    ingest.add_argument(
        "--anonymise",
        "--anonymize",
        dest="anonymise",
        action="store_true",
        help="pseudonyms for file names, and blank out everything outside the ultrasound sector",
    )
    _add_common(ingest)
    ingest.add_argument(
        "--key", type=Path, metavar="FILE", help="use this key, so that pseudonyms agree across outputs"
    )
    ingest.add_argument(
        "--fresh", action="store_true", help="throw away what an earlier run left in OUT; keeps the key"
    )
    ingest.add_argument(
        "--transfer-syntax",
        choices=("explicit", "jpeg-lossless", "jpeg-ls", "jpeg2000-lossless", "rle"),
        metavar="NAME",
        help="how edited DICOM pixels are stored, never with loss: explicit, jpeg-lossless, jpeg-ls, jpeg2000-lossless "
        "or rle (default: as they came when uncompressed, else jpeg-lossless)",
    )
    add_profile(ingest)
    ingest.set_defaults(run=_ingest)

    look = commands.add_parser(
        "inspect",
        help="write what is seen, no pixels",
        description="Look at every scan below SRC and write what was seen: one JSON line a scan, no pixels.",
        epilog=EXAMPLES_INSPECT,
        formatter_class=form,
        allow_abbrev=False,
    )
    look.add_argument("src", type=Path, metavar="SRC", help="a folder of scans, or one scan")
    look.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="JSON lines file to write")
    _add_common(look)
    look.set_defaults(run=_inspect)

    explain = commands.add_parser(
        "explain",
        help="say in sentences what ingest would do",
        description="Say in sentences, in order, what `bus-clean ingest` would do under a policy.",
        allow_abbrev=False,
    )
    explain.add_argument(
        "--policy", default="york", metavar="NAME|FILE", help="york, keep-annotated, report-only, FILE"
    )
    explain.add_argument("--anonymise", "--anonymize", dest="anonymise", action="store_true", help="as for ingest")
    add_profile(explain)
    explain.set_defaults(run=_explain, debug=False)
    add_selftest(commands)
    add_verify(commands)
    add_split(commands)
    add_keys(commands)
    add_lookup(commands)
    return parser


def _policy(args: argparse.Namespace) -> Policy:
    from bus_toolkit.policy import load_policy

    return with_profile(load_policy(args.policy) if args.policy else load_policy(), args)


def _jobs(args: argparse.Namespace) -> int:
    from bus_toolkit.batch.options import available_cores

    return available_cores() if args.jobs is None else int(args.jobs)


def _ingest(args: argparse.Namespace) -> int:
    from bus_toolkit.batch import Options, ingest
    from bus_toolkit.cli.progress import bar, console

    options = Options(
        src=args.src,
        out=args.out,
        anonymise=args.anonymise,
        policy=_policy(args),
        labels=args.labels,
        engine=args.engine,
        allow_download=args.allow_download,
        key=args.key,
        jobs=_jobs(args),
        fresh=args.fresh,
        transfer_syntax=args.transfer_syntax,
    )
    out = console(quiet=args.quiet)
    if not options.anonymise:
        sys.stderr.write(
            "Not anonymised: file names are kept, and so is what lies outside the ultrasound sector.\n"
            "Do not give this output away; add --anonymise for that.\n"
        )
    with bar(out, "Cleaning") as progress:
        report = ingest(options, progress=progress)
    if not args.quiet:
        from bus_toolkit.audit.terminal import summary_table

        out.print(summary_table(dict(report.summary)))
        for words in (
            f"Clean scans   {options.output}",
            f"Report        {options.output / 'report.html'}",
            f"Review        {options.private / 'review.html'} (private)",
        ):
            # Brackets in a path are no markup.
            out.print(words, highlight=False, soft_wrap=True, markup=False)
        if report.gone:
            out.print(
                f"{report.gone} inputs of an earlier run are gone from the source: what was written of them is now in "
                "strays/ of the private folder."
            )
        if report.resumed:
            out.print(f"{report.resumed} of them were done by an earlier run and have not changed.")
    return EXIT_ATTENTION if report.needs_attention else EXIT_DONE


def _inspect(args: argparse.Namespace) -> int:
    from bus_toolkit.batch import InspectOptions, inspect
    from bus_toolkit.cli.progress import bar, console
    from bus_toolkit.outcome import Outcome

    options = InspectOptions(
        src=args.src,
        findings=args.out,
        policy=_policy(args),
        labels=args.labels,
        engine=args.engine,
        allow_download=args.allow_download,
        jobs=_jobs(args),
    )
    out = console(quiet=args.quiet)
    with bar(out, "Looking") as progress:
        outcomes = inspect(options, progress=progress)
    counts = ", ".join(f"{outcomes.get(str(kind), 0)} {kind}" for kind in Outcome)
    out.print(f"{sum(outcomes.values())} scans: {counts}", highlight=False)
    attention = outcomes.get(str(Outcome.QUARANTINED), 0) + outcomes.get(str(Outcome.FAILED), 0)
    return EXIT_ATTENTION if attention else EXIT_DONE


def _explain(args: argparse.Namespace) -> int:
    from bus_toolkit.batch.explain import explain

    for number, sentence in enumerate(explain(_policy(args), anonymise=args.anonymise), start=1):
        sys.stdout.write(f"{number:2d}. {sentence}\n")
    return EXIT_DONE


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``bus-clean``; the exit code comes back. The one place where errors become messages."""
    args = _parser().parse_args(argv)
    from bus_toolkit.errors import BusToolkitError

    run: Callable[[argparse.Namespace], int] = args.run
    try:
        return run(args)
    except BusToolkitError as error:
        sys.stderr.write(f"bus-clean: {error}\n")
    except KeyboardInterrupt:
        again = "goes on where it was" if args.command == "ingest" else "begins anew"
        sys.stderr.write(f"bus-clean: stopped. The same command {again}.\n")
        return EXIT_STOPPED
    except BrokenPipeError:
        # Who reads our output has seen enough (`| head`); nothing may be written to it any more, at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        # Its text holds a path, and a path may hold a name.
        reason = os.strerror(error.errno) if error.errno else "no reason given"
        kind = f"{type(error).__name__}: {reason}"
        sys.stderr.write(f"bus-clean: the file system refused something ({kind})\n")
    except Exception as error:
        if args.debug:
            raise
        # Its text may quote what it was given, so only its kind and place are told.
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        sys.stderr.write(f"bus-clean: unexpected {type(error).__name__} at {where}; --debug shows the whole trace\n")
    return EXIT_NOT_DONE


if __name__ == "__main__":
    sys.exit(main())
