"""Where a finished scan goes, under which name, and what is written of it."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np

from bus_toolkit.atomic import PRIVATE_FOLDER_MODE, PRIVATE_MODE, atomic_path, atomic_write_bytes
from bus_toolkit.audit.preview import draw_before, encode_jpeg
from bus_toolkit.batch.identity import identity_of_source, patient_of, scan_id
from bus_toolkit.batch.vouch import Voucher
from bus_toolkit.deidentify import Key
from bus_toolkit.fan import CropFan
from bus_toolkit.io.write import encode_png
from bus_toolkit.outcome import Outcome
from bus_toolkit.scan import SourceRef
from bus_toolkit.screen import fingerprint
from bus_toolkit.stage import fan_of, findings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bus_toolkit.batch.worker import Spec, Task
    from bus_toolkit.geometry import Pixels
    from bus_toolkit.io import Source
    from bus_toolkit.pipeline import Pipeline, Result
    from bus_toolkit.profile import Profile
    from bus_toolkit.record import Record
    from bus_toolkit.scan import Scan


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes one scan's pictures below ``out`` and its review pictures below ``private``.

    ``masked`` is the pipeline that keeps the geometry, ``crop`` the stage that cuts the picture of a DICOM scan.
    """

    out: Path
    private: Path
    key: Key
    masked: Pipeline
    crop: CropFan
    profile: Profile
    transfer_syntax: str | None
    voucher: Voucher

    @classmethod
    def open(cls, spec: Spec, pipeline: Pipeline, masked: Pipeline) -> Writer | None:
        """A writer, or None where nothing shall be written."""
        if spec.out is None or spec.private is None or spec.key is None:
            return None
        (crop,) = (stage for stage in pipeline.stages if isinstance(stage, CropFan))
        return cls(
            out=spec.out,
            private=spec.private,
            key=Key.load(spec.key),
            masked=masked,
            crop=crop,
            profile=spec.policy.deidentify,
            transfer_syntax=spec.transfer_syntax,
            voucher=Voucher.of(masked, spec.policy.deidentify),
        )

    def booked(self, record: Record, task: Task, source: Source | None = None) -> Record:
        """The record with its pseudonyms and, privately, with what it was about."""
        return replace(
            record,
            id=scan_id(record, self.key),
            patient=patient_of(task, source, self.key),
            identity=identity_of_source(
                source, task, self.key, profile=self.profile, names_kept=not self.crop.anonymise
            ),
        )

    def named(self, source: Source, record: Record) -> Source:
        """The same input, its scan under its pseudonym."""
        digest = self.key.pseudonym("digest", record.source_sha256)
        ref = SourceRef(id=scan_id(record, self.key), digest=digest, media=source.media)
        return replace(source, scan=replace(source.scan, source=ref))

    def write(self, record: Record, task: Task, source: Source, result: Result) -> Record:
        """Write what the result allows; the record comes back with names, digests and the fingerprint.

        Raises
        ------
        Withdrawn
            When something of the source is left in what was written; then nothing is left below ``out``.
        """
        before = source.scan.frames[source.middle]
        after: Pixels | None = None
        if result.outcome is Outcome.KEPT and result.scan is not None:
            after = self._cropped(result.scan, source, result).frames[source.middle]
            record = self._write_kept(record, task, source, result, after)
        record = replace(record, fingerprint=fingerprint(after if after is not None else self._raw_fan(before, result)))
        return self.review(record, before, after, result)

    def _cropped(self, scan: Scan, source: Source, result: Result) -> Scan:
        # A DICOM file keeps its geometry; the picture made of it for training is cropped as the policy says.
        if source.clip is None:
            return scan
        return self.crop.apply(scan, self.crop.examine(scan, result.plans))

    def _name(self, record: Record, task: Task, folder: str, suffix: str) -> str:
        return f"{folder}/{record.label}/{record.id if self.crop.anonymise else task.stem}{suffix}"

    @contextmanager
    def _place(self, name: str) -> Iterator[Path]:
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            yield temporary

    def _write_kept(self, record: Record, task: Task, source: Source, result: Result, picture: Pixels) -> Record:
        """Write under temporary names, read again, and give the files their names only when nothing was found."""
        identifiers = self.voucher.identifiers(record)
        image = self._name(record, task, "images", ".png")
        rows, cols = picture.shape[:2]
        with ExitStack() as places:
            path = places.enter_context(self._place(image))
            data = encode_png(picture)
            path.write_bytes(data)
            record = replace(
                record, image=image, image_sha256=hashlib.sha256(data).hexdigest(), rows=int(rows), cols=int(cols)
            )
            self.voucher.check_picture(path, identifiers, look=source.clip is None)
            if source.clip is not None:
                record = self._write_dicom(places, record, task, source, result)
            self.voucher.check_names((record.image, record.dicom) if self.crop.anonymise else (), identifiers)
        return record

    def _write_dicom(self, places: ExitStack, record: Record, task: Task, source: Source, result: Result) -> Record:
        from bus_toolkit.deidentify import deidentify_dataset
        from bus_toolkit.io.dicom_write import write_dicom

        if source.dataset is None or source.clip is None:
            return record
        identifiers = self.voucher.identifiers(record)
        name = self._name(record, task, "dicom", ".dcm")
        path = places.enter_context(self._place(name))
        header = deidentify_dataset(
            source.dataset,
            self.key,
            profile=self.profile,
            anonymise=self.crop.anonymise,
            pixels_checked=True,  # the file takes its name only when the check below has found nothing
            identifiers=identifiers,
            keep_overlay=self.voucher.is_free_of_text,
        )
        written = write_dicom(
            path,
            header=header,
            clip=source.clip,
            edit=lambda scan: self.masked.edit(scan, result.plans),
            syntax=self.transfer_syntax,
        )
        self.voucher.check_dicom(path, identifiers)
        return replace(record, dicom=name, dicom_sha256=written.sha256)

    @staticmethod
    def _raw_fan(before: Pixels, result: Result) -> Pixels:
        fan = fan_of(result.plans)
        if fan is None or fan.box.area == 0:
            return before
        return np.ascontiguousarray(before[fan.box.slices])

    def review(self, record: Record, before: Pixels, after: Pixels | None, result: Result) -> Record:
        """Write the private pictures of before and after; the record comes back with their names."""
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
