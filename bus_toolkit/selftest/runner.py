"""The whole self-test: draw scans, try each, and write what came of it, also when it is stopped half-way."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bus_toolkit.atomic import PRIVATE_FOLDER_MODE, PRIVATE_MODE, atomic_text, sweep_temporary
from bus_toolkit.batch.pool import Pool
from bus_toolkit.batch.runner import found_inputs, silent
from bus_toolkit.errors import OutputError
from bus_toolkit.overlays.engines import load_engine
from bus_toolkit.record import Record
from bus_toolkit.selftest.report import PAGE, write_page_of
from bus_toolkit.selftest.summary import SCHEMA, summarise
from bus_toolkit.selftest.trial import Spec, Task, Trial, lost, start, work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bus_toolkit.batch.runner import Progress
    from bus_toolkit.io import Item
    from bus_toolkit.selftest.options import SelftestOptions

SUMMARY = "summary.json"
OURS = frozenset({SUMMARY, PAGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class SelftestReport:
    """What came of a self-test. ``summary`` is what stands in ``summary.json``."""

    summary: Mapping[str, Any] = field(repr=False)

    @property
    def painted(self) -> int:
        """Strings that were painted."""
        return int(self.summary["strings"]["painted"])

    @property
    def lower_bound(self) -> float:
        """The lower bound of the share removed, 0 to 1; 0 when nothing was given out to measure it on."""
        return float(self.summary["strings"]["removal"]["interval"][0])


def selftest(options: SelftestOptions, *, progress: Progress = silent) -> SelftestReport:
    """Paint, clean, count, and write ``report.html`` and ``summary.json`` into ``options.folder`` (mode 0700).

    ``progress`` is told records that hold the outcome of a scan as it is and nothing else. When the run is stopped by
    ``KeyboardInterrupt``, what was done so far is written, marked as not complete, before that goes on its way.

    Raises
    ------
    ConfigError
        When there is nothing to read.
    EngineError
        When the OCR engine is not installed.
    OutputError
        When the folder for the report holds something else, or cannot be written.
    """
    started = time.monotonic()
    load_engine(options.engine, allow_download=options.allow_download)
    items = found_inputs(options.src, None).items
    drawn = draw(items, options.scans, options.seed)
    _open(options.folder)
    tasks = [Task(path=item.path, number=number, refused=item.skip) for number, item in enumerate(drawn, start=1)]
    trials: list[Trial] = []
    try:
        _run(tasks, options, trials, progress)
    except BaseException:
        # An hour's work is told of, whatever stopped it; an earlier report is not replaced by an empty one.
        if trials:
            _report(options, trials, len(items), len(tasks), started)
        raise
    return SelftestReport(summary=_report(options, trials, len(items), len(tasks), started))


def _report(
    options: SelftestOptions, trials: Sequence[Trial], found: int, wanted: int, started: float
) -> dict[str, Any]:
    seconds = time.monotonic() - started
    summary = summarise(trials, options, found=found, wanted=wanted, seconds=seconds)
    with atomic_text(options.folder / SUMMARY, mode=PRIVATE_MODE) as stream:
        json.dump(summary, stream, indent=2, ensure_ascii=False)
        stream.write("\n")
    write_page_of(options.folder / PAGE, summary, trials)
    return summary


def draw(items: Sequence[Item], number: int, seed: int) -> list[Item]:
    """``number`` of the items, the same for the same seed and names; scans that come or go change few of the others."""
    return sorted(items, key=lambda item: hashlib.sha256(f"{seed}/{item.file}".encode("utf-8", "replace")).digest())[
        :number
    ]


def _run(tasks: Sequence[Task], options: SelftestOptions, trials: list[Trial], progress: Progress) -> None:
    spec = Spec(
        policy=options.policy,
        engine=options.engine,
        allow_download=options.allow_download,
        seed=options.seed,
        strings=options.strings,
    )
    jobs = min(options.jobs, len(tasks))
    pool = Pool[Task, Trial](work=work, start=start, start_args=(spec,), lost=lost, jobs=jobs)
    progress(0, len(tasks), None)
    for trial in pool.run(tasks):
        trials.append(trial)
        progress(len(trials), len(tasks), Record(file="", outcome=trial.outcome))


def _open(folder: Path) -> None:
    """Make the folder, for its owner alone; one that holds anything else is left alone."""
    if folder.is_dir():
        sweep_temporary(folder)
    if folder.exists() and not (folder.is_dir() and _is_ours(folder)):
        msg = "the folder for the report must be new, empty, or one of an earlier self-test. Got one with other things"
        raise OutputError(msg)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=PRIVATE_FOLDER_MODE, exist_ok=True)
    folder.chmod(PRIVATE_FOLDER_MODE)


def _is_ours(folder: Path) -> bool:
    names = {path.name for path in folder.iterdir()}
    if not names:
        return True
    try:
        summary = json.loads((folder / SUMMARY).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return names <= OURS and isinstance(summary, dict) and summary.get("schema") == SCHEMA
