"""Which options of PS3.15 are applied on top of the Basic Application Level Confidentiality Profile.

Only what is chosen, not how it is done: rules live in :mod:`bus_toolkit.deidentify`. Names and codes are those of
DICOM PS3.15 E.3 and PS3.16 CID 7050 (De-identification Method).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, final

from bus_toolkit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Dates(StrEnum):
    """What happens to dates and times."""

    REMOVE = "remove"
    """Gone, as the Basic Profile has it."""
    MODIFIED = "modified"
    """Shifted by whole days that the key gives each patient: intervals within one patient stay."""
    FULL = "full"
    """Kept as they are."""


class Option(NamedTuple):
    """A concept of PS3.16 CID 7050: its code in scheme DCM, its meaning there, and what it does in one sentence."""

    code: str
    meaning: str
    sentence: str


BASIC_PROFILE: Final = Option(
    "113100",
    "Basic Application Confidentiality Profile",
    "remove or replace what identifies, by Table E.1-1",
)
CLEAN_PIXEL_DATA: Final = Option(
    "113101",
    "Clean Pixel Data Option",
    "take text out of the pixels, and look again at what was written",
)
OPTIONS: Final[dict[str, Option]] = {
    "clean_graphics": Option(
        "113103", "Clean Graphics Option", "keep overlay planes in which no text is seen, instead of removing all"
    ),
    "clean_structured_content": Option(
        "113104",
        "Clean Structured Content Option",
        "keep coded and numeric content items, instead of removing all",
    ),
    "clean_descriptors": Option(
        "113105",
        "Clean Descriptors Option",
        "keep the words of descriptions that stand in the toolkit's own vocabulary, instead of removing all",
    ),
    "retain_full_dates": Option(
        "113106",
        "Retain Longitudinal Temporal Information Full Dates Option",
        "keep dates and times as they are",
    ),
    "retain_modified_dates": Option(
        "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option",
        "shift dates by whole days, the same for all files of a patient, so that intervals stay",
    ),
    "retain_patient_characteristics": Option(
        "113108", "Retain Patient Characteristics Option", "keep age, sex, size, weight and the like"
    ),
    "retain_device_identity": Option(
        "113109", "Retain Device Identity Option", "keep serial number, station name and the like"
    ),
    "retain_uids": Option("113110", "Retain UIDs Option", "keep the original UIDs"),
    "retain_safe_private": Option(
        "113111",
        "Retain Safe Private Option",
        "keep private attributes that the toolkit's list knows to be safe",
    ),
    "retain_institution_identity": Option(
        "113112", "Retain Institution Identity Option", "keep name and address of the institution"
    ),
}
"""By attribute of :class:`Profile`, in the order of their codes; the two for dates are one attribute there."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The chosen options. The default is the Basic Profile alone, which keeps least.

    Attributes
    ----------
    dates
        Retain Longitudinal Temporal Information: not at all, with modified dates, or with full dates.
    retain_patient_characteristics, retain_device_identity, retain_institution_identity, retain_uids
        Options of PS3.15 E.3.7, E.3.8, E.3.11 and E.3.9.
    retain_safe_private
        PS3.15 E.3.10, for the private attributes of the shipped list.
    clean_descriptors, clean_structured_content, clean_graphics
        PS3.15 E.3.5, E.3.4 and E.3.3.
    clean_pixel_data
        PS3.15 E.3.1. Always True: a picture is written only when its pixels were cleaned and looked at again.

    Raises
    ------
    ConfigError
        When ``dates`` is no :class:`Dates`, or ``clean_pixel_data`` is False.
    """

    dates: Dates = Dates.REMOVE
    retain_patient_characteristics: bool = False
    retain_device_identity: bool = False
    retain_institution_identity: bool = False
    retain_uids: bool = False
    retain_safe_private: bool = False
    clean_descriptors: bool = False
    clean_structured_content: bool = False
    clean_graphics: bool = False
    clean_pixel_data: bool = True

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "dates", Dates(self.dates))
        except ValueError:
            msg = f"deidentify.dates must be one of {', '.join(Dates)}. Got {self.dates!r}"
            raise ConfigError(msg) from None
        if not self.clean_pixel_data:
            msg = "deidentify.clean_pixel_data must be true: no picture is written unchecked. Got false"
            raise ConfigError(msg)

    def names(self) -> Iterator[str]:
        """Names in :data:`OPTIONS` of the options that apply, in order of their codes."""
        dates = {Dates.FULL: "retain_full_dates", Dates.MODIFIED: "retain_modified_dates"}.get(self.dates)
        chosen = {item.name for item in fields(self) if getattr(self, item.name) is True} | {dates}
        yield from (name for name in OPTIONS if name in chosen)

    def options(self) -> Iterator[Option]:
        """What applies besides the Basic Profile and the pixels, in order of the codes."""
        yield from (OPTIONS[name] for name in self.names())

    def describe(self) -> Iterator[str]:
        """One plain sentence for each option that applies."""
        for option in self.options():
            yield f"De-identify headers with the {option.meaning} (DCM {option.code}): {option.sentence}."
