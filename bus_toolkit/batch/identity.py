"""Who one input is about: its pseudonyms, and what must not be found in anything that is written of it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from bus_toolkit.deidentify import Identifiers

if TYPE_CHECKING:
    from bus_toolkit.batch.worker import Task
    from bus_toolkit.deidentify import Key
    from bus_toolkit.io import Source
    from bus_toolkit.profile import Profile
    from bus_toolkit.record import Record


def scan_id(record: Record, key: Key) -> str:
    """Pseudonym of one input, from its bytes and its place in the source.

    The bytes of the name, not its letters: two names that differ only in how an accent is composed are two inputs.
    """
    return key.pseudonym("scan", record.source_sha256, record.file.encode("utf-8", "surrogatepass").hex())


def named_patient(patient: str, key: Key) -> str:
    """Pseudonym of a patient whom the labels file names; the same as of a DICOM file with that PatientID."""
    return key.pseudonym("patient", "id", patient, "") if patient else ""


def patient_of(task: Task, source: Source | None, key: Key) -> str:
    """Pseudonym of the patient by the header, else by the labels file; empty when neither tells."""
    if source is not None and source.dataset is not None:
        from bus_toolkit.deidentify import patient_pseudonym

        return patient_pseudonym(source.dataset, key)
    return named_patient(task.patient, key)


def identity_of_source(
    source: Source | None, task: Task, key: Key, *, profile: Profile, names_kept: bool
) -> dict[str, Any]:
    """What the private books keep of one input, as plain JSON.

    Under ``"identifiers"`` all that is searched for in what is written: names, ids, dates and UIDs of the header, texts
    that a raster file carried, and the words of its path, unless names are kept anyway. For DICOM also what a lookup
    shows.
    """
    names = () if names_kept else PurePosixPath(task.file).parts
    texts = (*(source.texts if source is not None else ()), *((task.patient,) if task.patient else ()))
    identifiers = Identifiers.of_texts(texts, names=names)
    if source is None or source.dataset is None:
        return {"identifiers": identifiers.to_json()}
    from bus_toolkit.deidentify import identity_of

    identifiers = Identifiers.of(source.dataset, profile=profile).merged([identifiers])
    return {"identifiers": identifiers.to_json(), **identity_of(source.dataset, key, profile)}
