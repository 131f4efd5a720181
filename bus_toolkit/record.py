"""One input's line in the books: what the private ledger keeps and what the public manifest is made from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bus_toolkit.annotation import Annotation
from bus_toolkit.annotation.lines import annotation_of
from bus_toolkit.outcome import Outcome, Reason
from bus_toolkit.scan import Applied
from bus_toolkit.stage import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything that is known about one input after it was worked on.

    Attributes
    ----------
    file
        Path relative to the source folder, POSIX. Private.
    source_sha256
        Hex digest of the input bytes. Private: whoever has the input can recompute it.
    size, mtime_ns
        Of the input file, to tell whether it changed since. Private.
    id
        Pseudonymous id of the scan, unique in a run.
    label
        ``"benign"``, ``"malignant"``, ``"normal"``, another folder label, or ``"unlabelled"``.
    patient
        Pseudonym, or empty when the input does not tell.
    media
        ``"dicom"``, ``"png"``, ...; empty when the input was not recognised.
    outcome, reasons
        How it ended and why; safe to publish.
    plans
        Evidence and edits by stage, with recognised text. Private.
    annotation
        What the recognised text says, in closed vocabularies; see :attr:`published_annotation`.
    history
        What was done to the pixels, edit by edit, with digests before and after; empty when nothing was.
    image, dicom
        Paths relative to the output folder; empty when there is none.
    image_sha256, dicom_sha256
        Hex digests of what was written.
    rows, cols, frames
        Size of what was written, or of what was read when nothing was; 0 when it could not be read.
    spacing_mm
        Pixel spacing (row, col) in mm or None.
    fingerprint
        Hex; near-duplicates have close ones. Empty when there is none.
    identity
        Who and what the input was about, for looking up and for searching what was written: plain JSON. Private.
    before, after
        Review pictures, paths relative to the private folder; empty when there are none.
    cpu_ms
        CPU milliseconds by stage.
    """

    file: str
    source_sha256: str = ""
    size: int = 0
    mtime_ns: int = 0
    id: str = ""
    label: str = "unlabelled"
    patient: str = ""
    media: str = ""
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    plans: tuple[Plan, ...] = field(default=(), repr=False)
    annotation: Annotation = field(default=Annotation(), repr=False)
    history: tuple[Applied, ...] = ()
    image: str = ""
    dicom: str = ""
    image_sha256: str = ""
    dicom_sha256: str = ""
    rows: int = 0
    cols: int = 0
    frames: int = 0
    spacing_mm: tuple[float, float] | None = None
    fingerprint: str = ""
    identity: Mapping[str, Any] = field(default_factory=dict, repr=False)
    before: str = ""
    after: str = ""
    cpu_ms: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Nothing private."""
        return f"Record({self.id}, {self.outcome})"

    @property
    def published_annotation(self) -> Annotation:
        """What may be told of the annotation: all of a kept or rejected scan, nothing of one nobody can vouch for."""
        return self.annotation if self.outcome in {Outcome.KEPT, Outcome.REJECTED} else Annotation()

    def dumps(self) -> str:
        """One line of JSON with everything, private parts too."""
        data: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        data["outcome"] = str(self.outcome)
        data["reasons"] = [asdict(reason) for reason in self.reasons]
        data["plans"] = [plan.to_json(private=True) for plan in self.plans]
        data["annotation"] = self.annotation.to_json()
        data["history"] = [{**asdict(line), "params": dict(line.params)} for line in self.history]
        data["cpu_ms"] = dict(self.cpu_ms)
        data["identity"] = dict(self.identity)
        return json.dumps(data, separators=(",", ":"), sort_keys=True)

    @classmethod
    def loads(cls, line: str) -> Record:
        """Inverse of :meth:`dumps`.

        A line of a version that did not read annotations gets what its recognised text says.
        """
        data = json.loads(line)
        data["outcome"] = Outcome(data["outcome"])
        data["reasons"] = tuple(Reason(**item) for item in data["reasons"])
        data["plans"] = tuple(Plan.from_json(item) for item in data["plans"])
        said = data.get("annotation")
        data["annotation"] = annotation_of(data["plans"]) if said is None else Annotation.from_json(said)
        data["history"] = tuple(Applied(**item) for item in data["history"])
        if data["spacing_mm"] is not None:
            data["spacing_mm"] = (float(data["spacing_mm"][0]), float(data["spacing_mm"][1]))
        return cls(**data)
