"""``bus-eval``: how good a trained model is, how sure we are, and whether it is better than another."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bus_toolkit._version import __version__
from bus_toolkit.cli.evaluate_compare import add_compare
from bus_toolkit.cli.evaluate_ensemble import add_ensemble
from bus_toolkit.cli.evaluate_explain import add_explain
from bus_toolkit.cli.evaluate_export import add_export
from bus_toolkit.cli.evaluate_predict import add_predict
from bus_toolkit.cli.evaluate_score import add_score
from bus_toolkit.cli.evaluate_shortcuts import add_shortcuts
from bus_toolkit.cli.evaluate_table import add_table
from bus_toolkit.cli.quiet import hushed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EXIT_NOT_DONE, EXIT_STOPPED = 1, 130

DESCRIPTION: Final = """\
Evaluate what bus-train made, and use it. RUN is a run folder with config.json and members/.

Every figure comes with a 95 % interval that takes near-duplicates and scans of one patient together, and thresholds are
chosen on validation scans, never on those that are tested.
"""
EPILOG: Final = """\
examples:
  bus-eval score runs/resnet50                  all figures, and report.html
  bus-eval compare runs/vgg16 runs/resnet50     is the one better, or was it luck?
  bus-eval table runs/*                         a table for a paper
  bus-eval ensemble runs/resnet50               its runs together as one model
  bus-eval predict runs/resnet50 new.dcm        what it says about a scan
  bus-eval explain runs/resnet50 new.dcm -o why.png       where it saw that
  bus-eval export runs/resnet50 -o resnet50.tflite        a file for phones

exit codes:
  0    done
  3    done, but something needs attention: see bus-eval COMMAND --help
  1    it could not be done
  2    the command line is not right
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bus-eval",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (
        add_score,
        add_compare,
        add_table,
        add_ensemble,
        add_predict,
        add_explain,
        add_export,
        add_shortcuts,
    ):
        add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``bus-eval``; the exit code comes back. The one place where errors become messages."""
    args = _parser().parse_args(argv)
    from bus_toolkit.errors import BusToolkitError

    run: Callable[[argparse.Namespace], int] = args.run
    try:
        with hushed(unless=args.debug):
            return run(args)
    except BusToolkitError as error:
        sys.stderr.write(f"bus-eval: {error}\n")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("bus_toolkit"):
            raise
        sys.stderr.write(f"bus-eval: {error.name} must be there (pip install 'bus-toolkit[train]'). Got none\n")
    except KeyboardInterrupt:
        sys.stderr.write("bus-eval: stopped. The same command begins anew.\n")
        return EXIT_STOPPED
    except BrokenPipeError:
        # Who reads our output has seen enough (`| head`); nothing may be written to it any more, at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        # Its text holds a path, and a path may hold a name.
        reason = os.strerror(error.errno) if error.errno else "no reason given"
        kind = f"{type(error).__name__}: {reason}"
        sys.stderr.write(f"bus-eval: the file system refused something ({kind})\n")
    except Exception as error:
        if args.debug:
            raise
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        sys.stderr.write(f"bus-eval: unexpected {type(error).__name__} at {where}; --debug shows the whole trace\n")
    return EXIT_NOT_DONE


if __name__ == "__main__":
    sys.exit(main())
