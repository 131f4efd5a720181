"""What one process does with one input: read, run the pipeline, write, and tell."""

from __future__ import annotations

import errno
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import cv2

from bus_toolkit.batch.output import Writer
from bus_toolkit.batch.pipelines import build_pipeline
from bus_toolkit.errors import OutputError
from bus_toolkit.fan import CropFan
from bus_toolkit.io import read
from bus_toolkit.outcome import Outcome, Reason, Verdict
from bus_toolkit.overlays import FindText
from bus_toolkit.pipeline import Pipeline, Result, failure
from bus_toolkit.record import Record
from bus_toolkit.stage import Kind, Plan

if TYPE_CHECKING:
    from pathlib import Path

    from bus_toolkit.errors import InputError
    from bus_toolkit.io import Source
    from bus_toolkit.policy import Policy


SECOND_LOOK = "second-look"
"""Stage name of what is found in a picture after it was cleaned."""
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


class Worker:
    """Holds what is costly to make: the pipeline with its models, and the key."""

    def __init__(self, spec: Spec) -> None:
        # One thread a worker: the workers are the parallelism, and more threads only fight for the cores.
        cv2.setNumThreads(1)
        self.spec = spec
        self.pipeline = self._pipeline(crop=None)
        self.masked = self._pipeline(crop=False)
        (crop,) = (stage for stage in self.pipeline.stages if isinstance(stage, CropFan))
        self.writer = Writer.open(spec, crop)

    def _pipeline(self, *, crop: bool | None) -> Pipeline:
        spec = self.spec
        return build_pipeline(
            spec.policy, anonymise=spec.anonymise, engine=spec.engine, allow_download=spec.allow_download, crop=crop
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
            return (
                replace(record, id=self.writer.scan_id(record), patient=self.writer.patient(task))
                if self.writer
                else record
            )
        cpu_ms = {"read": 1000 * (time.process_time() - started)}
        record = replace(
            record,
            source_sha256=source.sha256,
            media=source.media,
            rows=source.scan.shape[0],
            cols=source.scan.shape[1],
            frames=len(source.scan.frames),
            spacing_mm=source.scan.acquisition.spacing_mm,
        )
        if self.writer is not None:
            source = self.writer.named(source, record)
        return self._processed(task, record, source, cpu_ms)

    def _processed(self, task: Task, record: Record, source: Source, cpu_ms: dict[str, float]) -> Record:
        result = self._result(source)
        cpu_ms.update(result.cpu_ms)
        record = replace(
            record,
            outcome=result.outcome,
            reasons=result.verdict.reasons,
            plans=result.plans,
            history=result.scan.history if result.scan is not None else (),
            cpu_ms=cpu_ms,
        )
        if self.writer is None:
            return record
        started = time.process_time()
        try:
            record = self.writer.write(record, task, source, result)
        except OutputError:
            raise
        except Exception as error:  # noqa: BLE001  a file that cannot be written is this file's trouble alone
            _stop_when_general(error)
            verdict = failure(error)
            record = replace(record, outcome=Outcome.FAILED, reasons=verdict.reasons)
        cpu_ms["write"] = 1000 * (time.process_time() - started)
        return record

    def _result(self, source: Source) -> Result:
        if self.writer is None:
            return self.pipeline.inspect(source.scan)
        if source.media != "dicom":
            return self.pipeline.run(source.scan)
        return second_look(self.masked, self.masked.run(source.scan))


def second_look(pipeline: Pipeline, result: Result) -> Result:
    """Look for text once more in what was cleaned: a header may say that pixels are clean only on such evidence."""
    if result.scan is None:
        return result
    (finder,) = (stage for stage in pipeline.stages if isinstance(stage, FindText))
    started = time.process_time()
    try:
        left = tuple(finding for finding in finder.examine(result.scan).findings if finding.kind is Kind.TEXT)
    except Exception as error:  # noqa: BLE001  what cannot be looked at is not vouched for
        return replace(result, verdict=failure(error), scan=None)
    result = replace(
        result,
        plans=(*result.plans, Plan(stage=SECOND_LOOK, findings=left)),
        cpu_ms={**result.cpu_ms, SECOND_LOOK: 1000 * (time.process_time() - started)},
    )
    if not left:
        return result
    reason = Reason(code="text-left", detail="text was still found in the picture after it was cleaned")
    return replace(result, verdict=Verdict(outcome=Outcome.QUARANTINED, reasons=(reason,)), scan=None)


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
