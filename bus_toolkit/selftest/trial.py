"""One scan of a self-test: cleaned as it is, painted, cleaned again, and scored."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bus_toolkit.batch.cleaner import IngestCleaner
from bus_toolkit.io import read
from bus_toolkit.outcome import Outcome, Reason
from bus_toolkit.overlays import FindText
from bus_toolkit.overlays.engines import load_engine
from bus_toolkit.pipeline import failure
from bus_toolkit.scan import Scan
from bus_toolkit.selftest.painting import ROOM, ink_of, plan_identities
from bus_toolkit.selftest.score import Scored, Touched, back_in_place, score, touched
from bus_toolkit.synth import paint, paint_clip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bus_toolkit.batch.cleaner import Cleaned, Cleaner
    from bus_toolkit.errors import InputError
    from bus_toolkit.geometry import Mask, Pixels
    from bus_toolkit.io import Source
    from bus_toolkit.policy import Policy
    from bus_toolkit.selftest.painting import Identity

    Reader = Callable[[Pixels], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One scan to try. ``number`` is all that the report knows of it; ``refused`` is known before reading."""

    path: Path = field(repr=False)
    number: int
    refused: InputError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a worker needs to know; it is sent to each process."""

    policy: Policy
    engine: str
    allow_download: bool
    seed: int
    strings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of one scan. Holds nothing of its name.

    ``outcome`` and ``reasons`` are those of the scan as it is; only a kept one is painted. ``painted_outcome`` and
    ``painted_reasons`` are those of the painted one, None when it was not painted. ``touched`` is None when nothing
    would be given away.
    """

    number: int
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    painted_outcome: Outcome | None = None
    painted_reasons: tuple[Reason, ...] = ()
    strings: tuple[Scored, ...] = ()
    touched: Touched | None = None


def paint_scan(scan: Scan, identities: Sequence[Identity]) -> Scan:
    """The scan with strings burnt in, at the same place in every frame. Its extremes over time are painted, too."""
    stamps = [identity.stamp for identity in identities]
    frames, _ = paint_clip(scan.frames, stamps)
    extremes = None
    if scan.extremes is not None:
        low, high = (paint(one, stamps).image for one in scan.extremes)
        extremes = (low, high)
    return replace(scan, frames=frames, extremes=extremes)


def try_scan(
    source: Source, number: int, cleaner: Cleaner, reader: Reader, *, seed: int, strings: int, room: float = ROOM
) -> Trial:
    """Try one scan; the same seed and pixels give the same result.

    Parameters
    ----------
    source
        What was read. A clip is painted in every frame that is looked at.
    number
        Of the scan in the report.
    cleaner, reader
        What cleans, and what reads all text on a picture.
    seed, strings, room
        Of the painting, how many strings, and the share of the sector that they may cover.
    """
    scan, whole = source.scan, source.clip is not None
    as_is = cleaner.clean(scan, whole=whole)
    trial = Trial(number=number, outcome=as_is.outcome, reasons=as_is.reasons)
    if as_is.scan is None or as_is.erased is None:
        return trial
    sector = as_is.fan.mask if as_is.fan is not None and as_is.fan.mask.any() else np.ones(scan.shape, dtype=np.bool_)
    rng = np.random.default_rng((seed, int(scan.digest(), 16)))
    identities = plan_identities(rng, scan.frames[source.middle], sector, strings, room=room)
    if not identities:
        return trial
    painted = paint_scan(scan, identities)
    cleaned = cleaner.clean(painted, whole=whole)
    after = back_in_place(cleaned.scan, source.middle, scan.shape) if cleaned.scan is not None else None
    before = painted.frames[source.middle]
    return replace(
        trial,
        painted_outcome=cleaned.outcome,
        painted_reasons=cleaned.reasons,
        strings=tuple(score(identity, cleaned, before, after, reader) for identity in identities),
        touched=_touched(sector, identities, as_is.erased, cleaned),
    )


def _touched(sector: Mask, identities: Sequence[Identity], unpainted: Mask, cleaned: Cleaned) -> Touched | None:
    if cleaned.erased is None:
        return None
    ink = ink_of(identities, (sector.shape[0], sector.shape[1]))
    return touched(sector, ink, [identity.box for identity in identities], cleaned.erased, unpainted)


class TextReader:
    """All that OCR reads on a picture, sure or not. The segmenter does not look: it has had its turn."""

    def __init__(self, engine: str, *, allow_download: bool = False) -> None:
        self._engine = load_engine(engine, allow_download=allow_download)
        self._finder = FindText(engine=engine, allow_download=allow_download, segmenter=False)

    def __call__(self, picture: Pixels) -> tuple[str, ...]:
        """Read a picture, ``(rows, cols)`` or ``(rows, cols, 3)``, as a page and as one line."""
        plan, doubts = self._finder.look(Scan.from_array(np.ascontiguousarray(picture)))
        (line,) = self._engine.recognise([picture])
        return (*(finding.text for finding in plan.findings), *doubts, line.text)


class Worker:
    """Holds what is costly to make."""

    def __init__(self, spec: Spec) -> None:
        # One thread a worker: the workers are the parallelism.
        cv2.setNumThreads(1)
        self.spec = spec
        self.cleaner: Cleaner = IngestCleaner(spec.policy, engine=spec.engine, allow_download=spec.allow_download)
        self.reader: Reader = TextReader(spec.engine, allow_download=spec.allow_download)

    def work(self, task: Task) -> Trial:
        """What came of one scan; whatever is wrong with it is told in the trial."""
        try:
            if task.refused is not None:
                raise task.refused  # noqa: TRY301  becomes a verdict like every other trouble of this scan
            return try_scan(
                read(task.path),
                task.number,
                self.cleaner,
                self.reader,
                seed=self.spec.seed,
                strings=self.spec.strings,
                # What is quarantined for too much fill says nothing about finding.
                room=self.spec.policy.fill.max_fraction / 2,
            )
        except Exception as error:  # noqa: BLE001  one scan's trouble must not end the run
            verdict = failure(error)
            return Trial(number=task.number, outcome=verdict.outcome, reasons=verdict.reasons)


def lost(task: Task) -> Trial:
    """The trial of a scan whose worker process died twice."""
    reason = Reason(code="worker-died", detail="the process that worked on it died, twice")
    return Trial(number=task.number, outcome=Outcome.FAILED, reasons=(reason,))


_worker: Worker | None = None


def start(spec: Spec) -> None:
    """Make this process's worker; a process pool calls it once in each process."""
    global _worker  # noqa: PLW0603  a process pool has no other place for what a process keeps
    _worker = Worker(spec)


def work(task: Task) -> Trial:
    """Try one scan with this process's worker."""
    if _worker is None:
        msg = "a worker must be started before it works"
        raise RuntimeError(msg)
    return _worker.work(task)
