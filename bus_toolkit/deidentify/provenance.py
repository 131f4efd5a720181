"""What the output says about its own de-identification, and only what this run did (PS3.15 E.1.1, PS3.3 C.12.1.1.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from pydicom.dataset import Dataset

from bus_toolkit._version import __version__
from bus_toolkit.deidentify.values import coded

if TYPE_CHECKING:
    from collections.abc import Iterator

BASIC_PROFILE: Final = ("113100", "Basic Application Confidentiality Profile")
CLEAN_PIXEL_DATA: Final = ("113101", "Clean Pixel Data Option")
DEIDENTIFYING_EQUIPMENT: Final = ("109104", "De-identifying Equipment")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What this run knows about one object.

    Attributes
    ----------
    anonymise
        Whether the run is meant to release.
    pixels_checked
        Whether its pixels were looked at and nothing that identifies is left.
    burned_in_before
        Whether the input itself said that text is burnt in.
    """

    anonymise: bool = False
    pixels_checked: bool = False
    burned_in_before: bool = False

    @property
    def complete(self) -> bool:
        """Whether header and pixels are both done: the only ground for saying so in the output."""
        return self.anonymise and self.pixels_checked

    def codes(self) -> Iterator[Dataset]:
        """The profile and the options that were really applied (PS3.16 CID 7050)."""
        yield coded("DCM", *BASIC_PROFILE)
        if self.complete:
            yield coded("DCM", *CLEAN_PIXEL_DATA)


def add_provenance(dataset: Dataset, evidence: Evidence) -> None:
    """Write what was done into a cleaned header.

    ``BurnedInAnnotation`` is NO on this run's evidence, stays YES where the input said so and nothing changed that, and
    is absent otherwise: an input's own NO is a claim that this run cannot repeat.
    """
    dataset.PatientIdentityRemoved = "YES" if evidence.complete else "NO"
    dataset.DeidentificationMethod = [f"bus_toolkit {__version__}", "DICOM PS3.15 E.1 Table E.1-1"]
    dataset.DeidentificationMethodCodeSequence = list(evidence.codes())
    dataset.LongitudinalTemporalInformationModified = "REMOVED"
    if evidence.complete:
        dataset.BurnedInAnnotation = "NO"
    elif evidence.burned_in_before:
        dataset.BurnedInAnnotation = "YES"
    dataset.ContributingEquipmentSequence = [_equipment()]


def _equipment() -> Dataset:
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [coded("DCM", *DEIDENTIFYING_EQUIPMENT)]
    item.Manufacturer = "bus_toolkit developers"
    item.ManufacturerModelName = "bus_toolkit"
    item.SoftwareVersions = __version__
    return item
