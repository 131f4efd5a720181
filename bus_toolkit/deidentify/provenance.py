"""What the output says about its own de-identification, and only what this run did (PS3.15 E.1.1, PS3.3 C.12.1.1.7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

from pydicom.dataset import Dataset

from bus_toolkit._version import __version__
from bus_toolkit.deidentify.values import coded
from bus_toolkit.profile import BASIC_PROFILE, CLEAN_PIXEL_DATA, Dates, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPORAL: Final = {Dates.REMOVE: "REMOVED", Dates.MODIFIED: "MODIFIED", Dates.FULL: "UNMODIFIED"}
"""Terms of LongitudinalTemporalInformationModified (PS3.3 C.12.1.1.7)."""
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
    profile
        The options that were applied.
    """

    anonymise: bool = False
    pixels_checked: bool = False
    burned_in_before: bool = False
    profile: Profile = field(default_factory=Profile)

    @property
    def complete(self) -> bool:
        """Whether header and pixels are both done: the only ground for saying so in the output."""
        return self.anonymise and self.pixels_checked

    def codes(self) -> Iterator[Dataset]:
        """The profile and the options that were really applied (PS3.16 CID 7050)."""
        pixels = (CLEAN_PIXEL_DATA,) if self.complete else ()
        for option in (BASIC_PROFILE, *pixels, *self.profile.options()):
            yield coded("DCM", option.code, option.meaning)


def add_provenance(dataset: Dataset, evidence: Evidence) -> None:
    """Write what was done into a cleaned header.

    ``BurnedInAnnotation`` is NO on this run's evidence, stays YES where the input said so and nothing changed that, and
    is absent otherwise: an input's own NO is a claim that this run cannot repeat.
    """
    dataset.PatientIdentityRemoved = "YES" if evidence.complete else "NO"
    dataset.DeidentificationMethod = [f"bus_toolkit {__version__}", "DICOM PS3.15 E.1 Table E.1-1"]
    dataset.DeidentificationMethodCodeSequence = list(evidence.codes())
    dataset.LongitudinalTemporalInformationModified = TEMPORAL[evidence.profile.dates]
    if evidence.complete:
        dataset.BurnedInAnnotation = "NO"
        # Everything outside the ultrasound sector is background, and a slice of tissue shows no face.
        dataset.RecognizableVisualFeatures = "NO"
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
