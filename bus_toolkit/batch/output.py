"""Where a finished scan goes, under which name, and what is written of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np

from bus_toolkit.atomic import PRIVATE_FOLDER_MODE, PRIVATE_MODE, atomic_write_bytes
from bus_toolkit.audit.preview import draw_before, encode_jpeg
from bus_toolkit.deidentify import Key, patient_pseudonym
from bus_toolkit.io import write_png
from bus_toolkit.io.dicom_write import write_dicom
from bus_toolkit.outcome import Outcome
from bus_toolkit.scan import SourceRef
from bus_toolkit.screen import fingerprint
from bus_toolkit.stage import fan_of, findings_of

if TYPE_CHECKING:
    from pathlib import Path

    from bus_toolkit.batch.worker import Spec, Task
    from bus_toolkit.fan import CropFan
    from bus_toolkit.geometry import Pixels
    from bus_toolkit.io import Source
    from bus_toolkit.pipeline import Result
    from bus_toolkit.record import Record
    from bus_toolkit.scan import Scan


def shown_frame(frames: int) -> int:
    """Index of the frame that stands for a clip in pictures: the middle one."""
    return frames // 2


def scan_id(record: Record, key: Key) -> str:
    """Pseudonym of one input, from its bytes and its place in the source.

    The bytes of the name, not its letters: two names that differ only in how an accent is composed are two inputs.
    """
    return key.pseudonym("scan", record.source_sha256, record.file.encode("utf-8", "surrogatepass").hex())


def named_patient(patient: str, key: Key) -> str:
    """Pseudonym of a patient whom the labels file names; the same as of a DICOM file with that PatientID."""
    return key.pseudonym("patient", "id", patient, "") if patient else ""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes one scan's pictures below ``out`` and its review pictures below ``private``."""

    out: Path
    private: Path
    key: Key
    crop: CropFan

    @classmethod
    def open(cls, spec: Spec, crop: CropFan) -> Writer | None:
        """A writer, or None where nothing shall be written. ``crop`` makes the picture of a DICOM scan."""
        if spec.out is None or spec.private is None or spec.key is None:
            return None
        return cls(out=spec.out, private=spec.private, key=Key.load(spec.key), crop=crop)

    def scan_id(self, record: Record) -> str:
        """Pseudonym of one input, from its bytes and its place in the source."""
        return scan_id(record, self.key)

    def named(self, source: Source, record: Record) -> Source:
        """The same input, its scan under its pseudonym."""
        digest = self.key.pseudonym("digest", record.source_sha256)
        ref = SourceRef(id=self.scan_id(record), digest=digest, media=source.media)
        return replace(source, scan=replace(source.scan, source=ref))

    def write(self, record: Record, task: Task, source: Source, result: Result) -> Record:
        """Write what the result allows; the record comes back with names, digests and the fingerprint."""
        shown = shown_frame(len(source.scan.frames))
        record = replace(record, id=self.scan_id(record), patient=self.patient(task, source))
        before = source.scan.frames[shown]
        after: Pixels | None = None
        if result.outcome is Outcome.KEPT and result.scan is not None:
            picture = self._cropped(result, source)
            after = picture.frames[shown]
            record = self._write_kept(record, task, source, result.scan, after)
        record = replace(record, fingerprint=fingerprint(after if after is not None else self._raw_fan(before, result)))
        return self._write_review(record, before, after, result)

    def patient(self, task: Task, source: Source | None = None) -> str:
        """Pseudonym of the patient by the header, else by the labels file; empty when neither tells."""
        if source is not None and source.dataset is not None:
            return patient_pseudonym(source.dataset, self.key)
        return named_patient(task.patient, self.key)

    def _cropped(self, result: Result, source: Source) -> Scan:
        # A DICOM file keeps its geometry; the picture made of it for training is cropped as the policy says.
        scan = result.scan or source.scan
        if source.media != "dicom":
            return scan
        return self.crop.apply(scan, self.crop.examine(scan, result.plans))

    def _name(self, record: Record, task: Task, suffix: str) -> str:
        return f"{record.id if self.crop.anonymise else task.stem}{suffix}"

    def _write_kept(self, record: Record, task: Task, source: Source, scan: Scan, picture: Pixels) -> Record:
        image = f"images/{record.label}/{self._name(record, task, '.png')}"
        (self.out / image).parent.mkdir(parents=True, exist_ok=True)
        digest = write_png(self.out / image, picture)
        record = replace(
            record, image=image, image_sha256=digest, rows=int(picture.shape[0]), cols=int(picture.shape[1])
        )
        if source.dataset is None:
            return record
        dicom = f"dicom/{record.label}/{self._name(record, task, '.dcm')}"
        (self.out / dicom).parent.mkdir(parents=True, exist_ok=True)
        digest = write_dicom(
            self.out / dicom,
            source_dataset=source.dataset,
            scan=scan,
            key=self.key,
            anonymise=self.crop.anonymise,
            pixels_checked=True,  # a DICOM scan gets here only after the second look
        )
        return replace(record, dicom=dicom, dicom_sha256=digest)

    @staticmethod
    def _raw_fan(before: Pixels, result: Result) -> Pixels:
        fan = fan_of(result.plans)
        if fan is None or fan.box.area == 0:
            return before
        return np.ascontiguousarray(before[fan.box.slices])

    def _write_review(self, record: Record, before: Pixels, after: Pixels | None, result: Result) -> Record:
        (self.private / "review").mkdir(mode=PRIVATE_FOLDER_MODE, exist_ok=True)
        name = f"review/{record.id}-before.jpg"
        drawn = draw_before(before, findings_of(result.plans), fan_of(result.plans))
        atomic_write_bytes(self.private / name, encode_jpeg(drawn), mode=PRIVATE_MODE)
        record = replace(record, before=name)
        if after is None:
            return record
        name = f"review/{record.id}-after.jpg"
        atomic_write_bytes(self.private / name, encode_jpeg(draw_before(after, (), None)), mode=PRIVATE_MODE)
        return replace(record, after=name)
