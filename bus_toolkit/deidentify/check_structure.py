"""Whether a written DICOM data set holds what the rules allow, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydicom.datadict import dictionary_has_tag, keyword_for_tag
from pydicom.uid import UID

from bus_toolkit.deidentify.leak import Leak
from bus_toolkit.deidentify.plan import beyond, plan
from bus_toolkit.deidentify.private import safe_private
from bus_toolkit.deidentify.reading import element_at, texts
from bus_toolkit.io.dicom_write import IMPLEMENTATION_CLASS_UID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

    from bus_toolkit.profile import Profile

OWN_ROOT: Final = "2.25."
"""Root of the UIDs that the key makes."""
META: Final = frozenset(
    {
        *("FileMetaInformationGroupLength", "FileMetaInformationVersion", "MediaStorageSOPClassUID"),
        *("MediaStorageSOPInstanceUID", "TransferSyntaxUID", "ImplementationClassUID", "ImplementationVersionName"),
    }
)
ADDED: Final = frozenset(
    {
        *("PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence"),
        *("LongitudinalTemporalInformationModified", "BurnedInAnnotation", "RecognizableVisualFeatures"),
        *("ContributingEquipmentSequence", "SpecificCharacterSet", "PatientName", "PatientID", "PixelData"),
        *("DerivationDescription", "LossyImageCompression", "LossyImageCompressionRatio"),
        *("LossyImageCompressionMethod",),
    }
)
"""What the toolkit itself puts in, from its own closed vocabulary or under the key."""
CODE_VALUES: Final = (0x00080100, 0x00080119, 0x00080120)
CODE_PARTS: Final = frozenset({0x00080100, 0x00080102, 0x00080104})
"""CodeValue, CodingSchemeDesignator, CodeMeaning: all that is written of a code (PS3.3 table 8.8-1)."""
OVERLAYS: Final = range(0x6000, 0x6020)
OVERLAY_ELEMENTS: Final = frozenset({0x10, 0x11, 0x15, 0x40, 0x50, 0x51, 0x100, 0x102, 0x3000})
DEEPEST: Final = 64


def place(tag: int) -> str:
    """How a report calls an attribute: by the standard's keyword, never by what a file says."""
    if tag >> 16 & 1:
        return "a private attribute"
    known = keyword_for_tag(tag) if dictionary_has_tag(tag) else ""
    return f"attribute {known}" if known else f"group {tag >> 16:04X}"


def meta_leaks(meta: Dataset) -> Iterator[Leak]:
    """Whether the file meta group is the writer's own (PS3.10 7.1)."""
    for element in meta:
        if element.keyword not in META:
            yield Leak(what="structure", where="file meta")
    if str(meta.get("ImplementationClassUID", "")) != IMPLEMENTATION_CLASS_UID:
        yield Leak(what="structure", where="file meta")


def structure_leaks(dataset: Dataset, profile: Profile) -> Iterator[Leak]:
    """Attributes, at every depth, for which no rule leaves anything; and UIDs that the key did not make."""
    sop_class = next(iter(texts(dataset, 0x00080016)), "")
    yield from _level(dataset, sop_class, (), profile)
    yield from _claims(dataset)


def _level(dataset: Dataset, sop_class: str, path: tuple[int, ...], profile: Profile) -> Iterator[Leak]:
    rules = plan(sop_class, path, profile)
    for each in dataset.keys():  # noqa: SIM118 - iterating a Dataset itself parses every value
        tag = int(each)
        if not path and keyword_for_tag(tag) in ADDED:
            continue
        allowed = rules[tag] if tag in rules else beyond(tag, profile)
        if allowed is None and not _optional(dataset, tag, profile):
            yield Leak(what="structure", where=place(tag))
            continue
        if str(getattr(dataset.get_item(tag), "VR", "")) not in {"SQ", "UI"}:
            continue  # the search in values reads it
        element = element_at(dataset, tag)
        if element is None:
            yield Leak(what="structure", where=place(tag))
        elif element.VR == "SQ" and len(path) < DEEPEST:
            for item in element.value or []:
                coded = any(code in item for code in CODE_VALUES)
                yield from _code(item) if coded else _level(item, sop_class, (*path, tag), profile)
        elif element.VR == "UI" and not profile.retain_uids:
            yield from _uids(element, tag)


def _code(item: Dataset) -> Iterator[Leak]:
    """Whether an item that is a code is nothing else; whose words it holds is told by the search in values."""
    for tag in item.keys():  # noqa: SIM118 - see above
        if int(tag) not in CODE_PARTS:
            yield Leak(what="structure", where=place(int(tag)))


def _optional(dataset: Dataset, tag: int, profile: Profile) -> bool:
    """Whether an option that is on lets an attribute without a rule stay."""
    group, element = tag >> 16, tag & 0xFFFF
    if profile.clean_graphics and group in OVERLAYS:
        return element in OVERLAY_ELEMENTS
    if not profile.retain_safe_private or not group & 1:
        return False
    if 0x10 <= element <= 0xFF:  # noqa: PLR2004 - private creators, PS3.5 7.8.1
        return True
    creator = next(iter(texts(dataset, group << 16 | element >> 8)), "")
    return safe_private(creator, group, element) is not None


def _uids(element: DataElement, tag: int) -> Iterator[Leak]:
    values = element.value if isinstance(element.value, list) or hasattr(element.value, "append") else [element.value]
    for value in values or []:
        if value and not UID(str(value)).type and not str(value).startswith(OWN_ROOT):
            yield Leak(what="uid", where=place(tag))


def _claims(dataset: Dataset) -> Iterator[Leak]:
    """Whether a file that says that its identity is removed says how, of header and pixels (PS3.15 E.1.1)."""
    codes = {
        next(iter(texts(item, 0x00080100)), "") for item in dataset.get("DeidentificationMethodCodeSequence") or []
    }
    needed = {"113100", "113101"} if dataset.get("PatientIdentityRemoved") == "YES" else {"113100"}
    if not needed <= codes or (dataset.get("BurnedInAnnotation") == "NO" and "113101" not in codes):
        yield Leak(what="structure", where="attribute DeidentificationMethodCodeSequence")
