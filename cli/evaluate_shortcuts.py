"""``bus-eval shortcuts``: whether a model reads the overlays or the crop, and whether it could."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.cli.evaluate_options import (
    EXIT_ATTENTION,
    EXIT_DONE,
    add_intervals,
    add_json,
    command,
    show,
    show_json,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from bus_toolkit.shortcuts.scans import Tell

_PERMUTATIONS: Final = 199

DESCRIPTION: Final = """\
Check that a model does not read the overlays or the crop.

1. Probes that see no lesion (size of the picture, its border, what filling left, which grey levels it has) learn from
   the run's training scans and guess the class of its test scans. One that is surely better than chance shows that the
   data hold a shortcut, not that the model uses it.
2. The run's models are asked again about their test scans with the border blanked, with all but the border blanked,
   and with filled areas smoothed further.
3. With --source, the folder that was cleaned, they are asked about the uncleaned copies of the same scans: what the
   cleaning changes, as a figure.

Intervals are of 95 %; near-duplicates and scans of one patient are kept together, in the permutation test too. It
writes into RUN

  shortcuts.json      all figures
  shortcuts.html      plots, and pictures of what each probe sees; nothing of the originals is shown
"""
EPILOG: Final = """\
examples:
  bus-eval shortcuts runs/resnet50
  bus-eval shortcuts runs/resnet50 --source raw_york --private raw_york-clean.private
  bus-eval shortcuts runs/resnet50 --probes-only        the data alone: no model is loaded

exit codes:
  0    done; a probe may have found a shortcut in the data
  3    done, but the model, not only a probe, does better than chance on the border alone
  1    it could not be done
"""


def add_shortcuts(commands: Any) -> None:  # noqa: ANN401 - argparse's class for this has no public name
    """Add the command ``shortcuts``."""
    parser = command(
        commands,
        "shortcuts",
        summary="does the model read the overlays or the crop?",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    parser.add_argument("folder", type=Path, metavar="RUN", help="a run folder of bus-train")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where the run's clean folder is now, if it was moved")
    parser.add_argument("--source", type=Path, metavar="DIR", help="the originals: the folder that was cleaned")
    parser.add_argument(
        "--private",
        type=Path,
        metavar="DIR",
        help="the clean folder's private folder, which tells what each scan was made from; without it by equal names",
    )
    parser.add_argument("--probes-only", action="store_true", help="ask no model")
    parser.add_argument(
        "--permutations",
        type=int,
        default=_PERMUTATIONS,
        metavar="N",
        help="of the labels, for the test against chance (%(default)s); below 39 nothing can be surely above it",
    )
    parser.add_argument("--no-write", action="store_true", help="write nothing into RUN, only print")
    add_intervals(parser)
    add_json(parser)
    parser.set_defaults(run=_shortcuts)


def _shortcuts(args: argparse.Namespace) -> int:
    from bus_toolkit.errors import ConfigError
    from bus_toolkit.evaluation.runs import read_run
    from bus_toolkit.shortcuts.originals import Originals
    from bus_toolkit.shortcuts.page import PAGE, write_all
    from bus_toolkit.shortcuts.study import study
    from bus_toolkit.shortcuts.terminal import study_table
    from bus_toolkit.training.backend import require_packages
    from bus_toolkit.training.data import find_manifest

    if args.private is not None and args.source is None:
        msg = "--private must go with --source, the folder that was cleaned. Got it alone"
        raise ConfigError(msg)
    require_packages("sklearn", "scipy", *(() if args.probes_only else ("keras",)))
    run = read_run(args.folder)
    manifest = None if args.data is None else find_manifest(args.data, cwd=Path.cwd())
    originals = None if args.source is None else Originals(args.source, args.private)
    with _progress() as tell:
        found = study(
            run,
            manifest=manifest,
            originals=originals,
            ask_model=not args.probes_only,
            permutations=args.permutations,
            resamples=args.resamples,
            seed=args.seed,
            tell=tell,
        )
    if not args.no_write:
        write_all(run.folder, found)
    if args.json:
        show_json(found.data)
    else:
        show(study_table(found.data))
        if not args.no_write:
            sys.stdout.write(f"Page     {args.folder / PAGE}\n")
    return EXIT_ATTENTION if found.model_reads_border else EXIT_DONE


def _progress() -> AbstractContextManager[Tell]:
    """A bar on standard error; nothing where that is no terminal."""
    from contextlib import contextmanager

    from rich.console import Console
    from rich.progress import Progress, TaskID

    @contextmanager
    def opened() -> Iterator[Tell]:
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
            known: dict[str, TaskID] = {}

            def tell(what: str, done: int, total: int) -> None:
                if what not in known:
                    known[what] = bars.add_task(what, total=total)
                bars.update(known[what], completed=done)

            yield tell

    return opened()
