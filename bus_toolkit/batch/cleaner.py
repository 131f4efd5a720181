"""One scan cleaned in memory as an ingest cleans it, up to the verdict on what would be written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, final

import numpy as np

from bus_toolkit.batch.pipelines import build_pipeline
from bus_toolkit.batch.vouch import Withdrawn
from bus_toolkit.deidentify import Identifiers
from bus_toolkit.geometry import Box, decode_mask
from bus_toolkit.io import Source
from bus_toolkit.outcome import Outcome
from bus_toolkit.overlays import FindText
from bus_toolkit.pipeline import failure
from bus_toolkit.stage import fan_of
from bus_toolkit.verify import look_again

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bus_toolkit.geometry import Fan, Mask
    from bus_toolkit.outcome import Reason
    from bus_toolkit.overlays.text_find import Witness
    from bus_toolkit.pipeline import Pipeline, Result
    from bus_toolkit.policy import Policy
    from bus_toolkit.scan import Scan
    from bus_toolkit.stage import Plan
    from bus_toolkit.verify import Leak


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cleaned:
    """How a scan ended.

    Attributes
    ----------
    outcome, reasons
        As an ingest would book them.
    scan
        What would be given away; None when nothing would.
    erased
        ``(rows, cols)`` bool in pixels of the scan that was given, True on what was filled, blanked or cropped away;
        None when nothing would be given away.
    fan
        The ultrasound sector as it was found, or None.
    plans
        Evidence and edits. Private: they hold recognised text.
    """

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    scan: Scan | None = None
    erased: Mask | None = None
    fan: Fan | None = None
    plans: tuple[Plan, ...] = field(default=(), repr=False)


class Cleaner(Protocol):
    """Cleans one scan; never raises for what is in it."""

    def clean(self, scan: Scan, *, whole: bool) -> Cleaned:
        """Clean a scan; ``whole`` keeps its geometry, as DICOM output does, instead of cropping it."""
        ...


def erased_by(plans: Sequence[Plan], shape: tuple[int, int]) -> Mask:
    """The union of what the edits of a kept scan fill, blank and cut away, ``(rows, cols)`` bool."""
    erased = np.zeros(shape, dtype=np.bool_)
    for plan in plans:
        if plan.stage not in {"fill", "crop-fan"}:
            continue
        if plan.params["mask"] is not None:
            erased |= decode_mask(plan.params["mask"])
        if plan.stage == "crop-fan":
            left = np.zeros(shape, dtype=np.bool_)
            left[Box.from_list(plan.params["box"]).clip(shape).slices] = True
            erased |= ~left
    return erased


@final
class IngestCleaner:
    """Cleans as the worker of an ingest does, by default of one with ``--anonymise``.

    The segmenter looks first; OCR's detector looks a second time at what would be written; when it sees text, both look
    at the original and the scan is cleaned again; what is seen then is withdrawn. A test holds that pictures are those
    that an ingest writes. Of a clip, the second look sees the frames that the first saw.

    Notes
    -----
    An ingest also compares what it reads in doubtful places with the names and numbers of the file itself: give them
    as ``identifiers``. The strings that the self-test paints are in no file, so that this guard does not help there:
    the share found can only be too low by that.
    """

    def __init__(
        self, policy: Policy, *, anonymise: bool = True, engine: str = "rapidocr", allow_download: bool = False
    ) -> None:
        self._policy, self._anonymise = policy, anonymise
        self._engine, self._allow_download = engine, allow_download
        self._first = {whole: self._pipeline(whole=whole, witness="none") for whole in (False, True)}
        (self._finder,) = (stage.second_look() for stage in self._first[True].stages if isinstance(stage, FindText))

    def _pipeline(self, *, whole: bool, witness: Witness) -> Pipeline:
        return build_pipeline(
            self._policy,
            anonymise=self._anonymise,
            engine=self._engine,
            allow_download=self._allow_download,
            crop=False if whole else None,
            witness=witness,
        )

    def clean(self, scan: Scan, *, whole: bool, identifiers: Identifiers | None = None) -> Cleaned:
        """See :class:`Cleaner`."""
        known = identifiers or Identifiers()
        result = self._first[whole].run(scan)
        try:
            if self._look_again(result, known):
                result = self._pipeline(whole=whole, witness="full").run(scan)
                if leaks := self._look_again(result, known):
                    result = replace(result, verdict=Withdrawn(leaks).verdict, scan=None)
        except Exception as error:  # noqa: BLE001  as the worker of an ingest: this scan's trouble alone
            result = replace(result, verdict=failure(error), scan=None)
        kept = result.outcome is Outcome.KEPT and result.scan is not None
        return Cleaned(
            outcome=result.outcome,
            reasons=result.verdict.reasons,
            scan=result.scan if kept else None,
            erased=erased_by(result.plans, scan.shape) if kept else None,
            fan=fan_of(result.plans),
            plans=result.plans,
        )

    def _look_again(self, result: Result, identifiers: Identifiers) -> list[Leak]:
        """What the second look sees in what would be written; nothing where nothing would be."""
        if result.outcome is not Outcome.KEPT or result.scan is None:
            return []
        written = Source(media=result.scan.source.media, scan=result.scan, dataset=None, sha256="")
        return look_again(written, self._finder, identifiers)
