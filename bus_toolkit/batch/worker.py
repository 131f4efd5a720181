"""What one process does with one input: read, run the pipeline, write, and tell."""

from __future__ import annotations

import errno
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import cv2

from bus_toolkit.annotation.lines import annotation_of
from bus_toolkit.batch.output import Writer
from bus_toolkit.batch.pipelines import build_pipeline
from bus_toolkit.batch.vouch import CODES, Withdrawn
from bus_toolkit.errors import OutputError
from bus_toolkit.io import read
from bus_toolkit.outcome import Outcome, Reason
from bus_toolkit.pipeline import failure
from bus_toolkit.record import Record

if TYPE_CHECKING:
    from pathlib import Path

    from bus_toolkit.errors import InputError
    from bus_toolkit.io import Source
    from bus_toolkit.overlays.text_find import Witness
    from bus_toolkit.pipeline import Pipeline, Result
    from bus_toolkit.policy import Policy


OWN_TROUBLE = frozenset({errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL})
"""Errors of the file system that come of one output's name; every other one would meet all outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One input. ``stem`` is the name of its output when names are kept; ``refused`` is known before reading."""

    path: Path = field(repr=False)
    file: str = field(repr=False)
    label: str
    patient: str = field(default="", repr=False)
    stem: str = field(default="", repr=False)
    refused: InputError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a worker needs to know; it is sent to each process. Without ``out`` nothing is written."""

    policy: Policy
    anonymise: bool = False
    engine: str = "rapidocr"
    allow_download: bool = False
    key: Path | None = None
    out: Path | None = None
    private: Path | None = None
    transfer_syntax: str | None = None


class Worker:
    """Holds what is costly to make: the pipelines with their models, and the key."""

    def __init__(self, spec: Spec) -> None:
        # One thread a worker: the workers are the parallelism, and more threads only fight for the cores.
        cv2.setNumThreads(1)
        self.spec = spec
        # What is written is looked at again by the OCR detector, which costs four times the segmenter: it need not look
        # before as well, but where it saw text that was left. Without output there is no second look.
        first: Witness = "full" if spec.out is None else "none"
        self.pipeline = self._pipeline(crop=None, witness=first)
        self.masked = self._pipeline(crop=False, witness=first)
        self.writer = Writer.open(spec, self.pipeline, self.masked)

    def _pipeline(self, *, crop: bool | None, witness: Witness) -> Pipeline:
        spec = self.spec
        return build_pipeline(
            spec.policy,
            anonymise=spec.anonymise,
            engine=spec.engine,
            allow_download=spec.allow_download,
            crop=crop,
            witness=witness,
        )

    def work(self, task: Task) -> Record:
        """What came of one input; whatever is wrong with it is told in the record.

        Raises
        ------
        OutputError
            When the output cannot be written at all (disk full, folder gone): the run must stop, for every further
            scan would be booked as failed.
        """
        record = Record(file=task.file, label=task.label, outcome=Outcome.FAILED, **_stat(task))
        started = time.process_time()
        try:
            source = _read(task)
        except Exception as error:  # noqa: BLE001  a file that cannot be read is this file's trouble alone
            verdict = failure(error)
            record = replace(record, outcome=verdict.outcome, reasons=verdict.reasons)
            return self.writer.booked(record, task) if self.writer else record
        cpu_ms = {"read": 1000 * (time.process_time() - started)}
        record = replace(
            record,
            source_sha256=source.sha256,
            media=source.media,
            rows=source.scan.shape[0],
            cols=source.scan.shape[1],
            frames=source.clip.length if source.clip is not None else len(source.scan.frames),
            spacing_mm=source.scan.acquisition.spacing_mm,
        )
        return self._processed(task, record, source, cpu_ms)

    def _processed(self, task: Task, record: Record, source: Source, cpu_ms: dict[str, float]) -> Record:
        if self.writer is None:
            return self._read(_told(record, self.pipeline.inspect(source.scan), cpu_ms))
        source = self.writer.named(source, record)
        result = (self.masked if source.clip is not None else self.pipeline).run(source.scan)
        record = self._read(_told(record, result, cpu_ms))
        started = time.process_time()
        try:
            booked = self.writer.booked(record, task, source)
            try:
                record = self.writer.write(booked, task, source, result)
            except Withdrawn as found:
                record = self._written_with_care(self.writer, booked, task, source, _withdrawn(result, found))
        except OutputError:
            raise
        except Exception as error:  # noqa: BLE001  a file that cannot be written is this file's trouble alone
            _stop_when_general(error)
            verdict = failure(error)
            record = replace(record, outcome=verdict.outcome, reasons=verdict.reasons)
            record = record if record.id else self.writer.booked(record, task)
        cpu_ms["write"] = 1000 * (time.process_time() - started)
        return replace(record, cpu_ms={**record.cpu_ms, **cpu_ms})

    def _written_with_care(
        self, writer: Writer, record: Record, task: Task, source: Source, withdrawn: Result
    ) -> Record:
        """Write a scan of which the second look saw that something was left.

        When that was text, the witness that saw it looks at the original, too, and the scan is cleaned again. What it
        cannot clean is withdrawn for good.
        """
        result = withdrawn
        if any(reason.code == CODES["text"] for reason in withdrawn.verdict.reasons):
            careful = self._pipeline(crop=False if source.clip is not None else None, witness="full")
            result = careful.run(source.scan)
        try:
            return writer.write(self._read(_judged(record, result)), task, source, result)
        except Withdrawn as found:
            result = _withdrawn(result, found)
            return writer.write(self._read(_judged(record, result)), task, source, result)

    def _read(self, record: Record) -> Record:
        """The record with what the text says that was recognised, where the policy wants it told."""
        if not self.spec.policy.output.annotations:
            return record
        return replace(record, annotation=annotation_of(record.plans))


def _withdrawn(result: Result, found: Withdrawn) -> Result:
    return replace(result, verdict=found.verdict, scan=None)


def _judged(record: Record, result: Result) -> Record:
    """The record with another result of the same scan."""
    history = result.scan.history if result.scan is not None else record.history
    return replace(record, outcome=result.outcome, reasons=result.verdict.reasons, plans=result.plans, history=history)


def _told(record: Record, result: Result, cpu_ms: dict[str, float]) -> Record:
    """The record with what the pipeline saw and decided."""
    return replace(
        record,
        outcome=result.outcome,
        reasons=result.verdict.reasons,
        plans=result.plans,
        history=result.scan.history if result.scan is not None else (),
        cpu_ms={**cpu_ms, **result.cpu_ms},
    )


def _read(task: Task) -> Source:
    if task.refused is not None:
        raise task.refused
    return read(task.path)


def _stop_when_general(error: Exception) -> None:
    if isinstance(error, OSError) and error.errno not in OWN_TROUBLE:
        msg = f"the output folder must be one that can be written. Got an error: {error.strerror or 'of no known kind'}"
        raise OutputError(msg) from None


def _stat(task: Task) -> dict[str, Any]:
    try:
        # Of a link that is refused, the link itself: it may lead to nothing.
        stat = task.path.stat() if task.refused is None else task.path.lstat()
    except OSError:
        return {}
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def lost(task: Task) -> Record:
    """The record of an input whose worker process died twice."""
    reason = Reason(code="worker-died", detail="the process that worked on it died, twice")
    return Record(file=task.file, label=task.label, outcome=Outcome.FAILED, reasons=(reason,), **_stat(task))


_worker: Worker | None = None


def start(spec: Spec) -> None:
    """Make this process's worker; a process pool calls it once in each process."""
    global _worker  # noqa: PLW0603  a process pool has no other place for what a process keeps
    _worker = Worker(spec)


def work(task: Task) -> Record:
    """Work on one task with this process's worker."""
    if _worker is None:
        msg = "a worker must be started before it works"
        raise RuntimeError(msg)
    return _worker.work(task)
