"""The whole run: discover, skip what is done, work, book each result, and write what others read."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from bus_toolkit.batch import folders
from bus_toolkit.batch.finish import RunFacts, finish
from bus_toolkit.batch.identity import named_patient, scan_id
from bus_toolkit.batch.naming import make_tasks
from bus_toolkit.batch.pool import Pool
from bus_toolkit.batch.worker import Spec, Task, lost, start, work
from bus_toolkit.errors import ConfigError
from bus_toolkit.io import discover
from bus_toolkit.outcome import Outcome
from bus_toolkit.overlays.engines import load_engine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bus_toolkit.audit.ledger import Ledger
    from bus_toolkit.batch.options import Options
    from bus_toolkit.deidentify import Key
    from bus_toolkit.io import Discovery
    from bus_toolkit.record import Record

MAY_HAVE_PASSED = frozenset(
    {"unexpected", "worker-died", "detector-error", "unreadable", "no-decoder", "link-broken", "link-outside"}
)
"""Reasons that need not lie in the bytes of an input: such a scan is tried again, though the file has not changed."""


class Progress(Protocol):
    """Is told how far a run is."""

    def __call__(self, done: int, total: int, record: Record | None) -> None:
        """``done`` of ``total`` inputs are finished; ``record`` is the latest, None at the start."""
        ...


def silent(done: int, total: int, record: Record | None) -> None:
    """Progress that nobody looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What came of a run.

    ``summary`` is what stands in ``run.json``; ``resumed`` inputs were done by an earlier run; ``gone`` ones are no
    longer in the source, and their pictures were moved to the private folder.
    """

    summary: Mapping[str, Any] = field(repr=False)
    outcomes: Mapping[str, int]
    resumed: int
    gone: int = 0

    @property
    def needs_attention(self) -> bool:
        """Whether some scans were quarantined or failed."""
        return any(self.outcomes.get(str(kind), 0) for kind in (Outcome.QUARANTINED, Outcome.FAILED))


def ingest(options: Options, *, progress: Progress = silent) -> RunReport:
    """Clean ``options.src`` into ``options.output``.

    A run that was stopped at any point goes on where it was; what is done and unchanged is not done again.

    Raises
    ------
    ConfigError
        When there is nothing to read, or the labels file is not right.
    EngineError
        When the OCR engine is not installed. What it misses later on quarantines scan by scan.
    OutputError
        When the output was made under another policy, key, engine or version, belongs to somebody else, is in use
        by another run, or cannot be written.
    """
    started = time.monotonic()
    load_engine(options.engine, allow_download=options.allow_download)
    found = found_inputs(options.src, options.labels)
    with folders.opened(options) as (ledger, key, key_path):
        tasks = make_tasks(found.items, ledger.records())
        todo = [task for task in tasks if not _is_done(task, ledger, options, key)]
        resumed = len(tasks) - len(todo)
        progress(resumed, len(tasks), None)
        spec = Spec(
            policy=options.policy,
            anonymise=options.anonymise,
            engine=options.engine,
            allow_download=options.allow_download,
            key=key_path,
            out=options.output,
            private=options.private,
            transfer_syntax=options.transfer_syntax,
        )
        jobs = min(options.jobs, len(todo))
        pool = Pool[Task, "Record"](work=work, start=start, start_args=(spec,), lost=lost, jobs=jobs)
        if todo:
            for done, result in enumerate(pool.run(todo), start=resumed + 1):
                record = result if result.id else replace(result, id=scan_id(result, key))
                folders.forget_outputs(options, ledger.get(record.file), keep=record)
                ledger.put(record)
                progress(done, len(tasks), record)
        gone = _forget_the_gone(ledger, tasks)
        facts = RunFacts(
            inputs=len(tasks),
            aside=_aside(found),
            seconds=time.monotonic() - started,
            worked=len(todo),
        )
        summary = finish(options, ledger, key, facts)
    return RunReport(summary=summary, outcomes=summary["outcomes"], resumed=resumed, gone=gone)


def found_inputs(src: Path, labels: Path | None) -> Discovery:
    """What lies below ``src``.

    Raises
    ------
    ConfigError
        When there is no input: an empty mount or a wrong folder must not pass for a run in which all went well.
    """
    found = discover(src, labels=labels)
    if not found.items:
        others = len(found.companions) + len(found.ignored)
        msg = f"the source must hold at least one scan. Got none, and {others} other files"
        raise ConfigError(msg)
    return found


def _forget_the_gone(ledger: Ledger, tasks: list[Task]) -> int:
    """Drop the records of inputs that are no longer in the source; how many there were.

    Somebody may have taken a patient out. What was written of such an input is then named by no record, and is set
    aside with the strays: not given away, and not lost.
    """
    present = {task.file for task in tasks}
    gone = [file for file in ledger.files() if file not in present]
    for file in gone:
        ledger.delete(file)
    return len(gone)


def _aside(found: Discovery) -> dict[str, int]:
    """What lies in the source and is no input, in words, with how many of each."""
    words = {name.removeprefix("ignored:"): number for name, number in found.counts().items() if number}
    words.pop("items", None)
    masks = words.pop("companions", 0)
    return {**({"companion masks": masks} if masks else {}), **words}


def _is_done(task: Task, ledger: Ledger, options: Options, key: Key) -> bool:
    record = ledger.get(task.file)
    if record is None or record.label != task.label or _try_again(task, record):
        return False
    if record.media != "dicom" and record.patient != named_patient(task.patient, key):
        return False
    try:
        stat = task.path.lstat() if task.refused is not None else task.path.stat()
    except OSError:
        return False
    if (stat.st_size, stat.st_mtime_ns) != (record.size, record.mtime_ns):
        return False
    return all((options.output / name).is_file() for name in (record.image, record.dicom) if name)


def _try_again(task: Task, record: Record) -> bool:
    codes = {reason.code for reason in record.reasons}
    return codes != {task.refused.code} if task.refused is not None else bool(codes & MAY_HAVE_PASSED)
