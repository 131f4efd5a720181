"""Headers full of tokens, and the way through de-identification that all tests of headers go."""

from __future__ import annotations

import warnings
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from pydicom import dcmread, dcmwrite
from pydicom.datadict import DicomDictionary, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian

from bus_toolkit.deidentify import Key, deidentify_dataset
from bus_toolkit.deidentify.table import by_tag, read_rows
from tests.canary.plant_tokens import SHORT, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

KEY: Final = Key(bytes(range(32)))
OTHER_KEY: Final = Key(bytes(32))
US_IMAGE: Final = UID("1.2.840.10008.5.1.4.1.1.6.1")
REGIONS: Final = 0x00186011
KEPT_NESTING: Final = (REGIONS, 0x00081115, 0x0008114A)
"""Sequences whose items stay and are cleaned: what is nested in them is reached."""
GONE_NESTING: Final = (0x00081110, 0x0040A730, 0x00400275)
"""Sequences that go as a whole under the Basic Profile, or leave one dummy item."""
PRIVATE_SEQUENCE: Final = 0x00091003
FREE_TEXT_KEPT: Final = frozenset({0x00080070, 0x00081090})
"""Maker and model stay on purpose, unless they hold an identifier."""


def vr_of(tag: int) -> str:
    """The first value representation that the dictionary gives; LO for attributes that it does not know yet."""
    return str(dictionary_VR(tag)).split(" or ")[0] if tag in DicomDictionary else "LO"


def table_tags(lowest_group: int = 0x0008) -> list[int]:
    """Every attribute that a row of Table E.1-1 names."""
    return [tag for tag in by_tag() if tag >> 16 >= lowest_group]


@lru_cache(maxsize=1)
def numeric_tags() -> frozenset[int]:
    """Attributes that the keep-list lets stay for their numbers alone: a number there is a measure, not a token."""
    kinds = {"number", "ordinal", "lut"}
    return frozenset(
        int(row["tag"], 16) for row in read_rows("keep_list.csv") if row["rule"].partition(" ")[0] in kinds
    )


def plant(dataset: Dataset, tag: int, vr: str, tokens: Tokens, where: str = "") -> None:
    """One token in one attribute."""
    dataset.add(DataElement(Tag(tag), vr, tokens.value(vr, f"{where}{tag:08X} {vr}")))


def plant_item(tokens: Tokens, where: str = "") -> Dataset:
    """An item of a sequence with a name, an institution and private elements."""
    item = Dataset()
    plant(item, 0x00100010, "PN", tokens, where)
    plant(item, 0x00080080, "LO", tokens, where)
    plant_private(item, tokens, where)
    return item


def plant_private(dataset: Dataset, tokens: Tokens, where: str = "") -> None:
    """A private block whose creator is a token, with text, bytes and a sequence."""
    plant(dataset, 0x00090010, "LO", tokens, f"{where}creator ")
    plant(dataset, 0x00091001, "LO", tokens, f"{where}private ")
    plant(dataset, 0x00091002, "UN", tokens, f"{where}private ")
    nested = Dataset()
    plant(nested, 0x00100020, "LO", tokens, f"{where}private/")
    dataset.add(DataElement(Tag(PRIVATE_SEQUENCE), "SQ", Sequence([nested])))


def plant_table(tokens: Tokens, where: str = "", *, tags: Iterable[int] | None = None) -> Dataset:
    """One data set with a token in every attribute of the table, or in those of ``tags``."""
    dataset = Dataset()
    for tag in table_tags() if tags is None else tags:
        vr = vr_of(tag)
        if vr == "SQ":
            items = [plant_item(tokens, f"{where}{tag:08X}/") for _ in range(2)]
            dataset.add(DataElement(Tag(tag), "SQ", Sequence(items)))
        else:
            plant(dataset, tag, vr, tokens, where)
    return dataset


def nest(inner: Dataset, *tags: int) -> Dataset:
    """A data set inside sequences, the first of ``tags`` outermost."""
    for tag in reversed(tags):
        outer = Dataset()
        if Tag(tag).is_private:
            outer.add(DataElement(Tag(tag >> 16, 0x0010), "LO", "ACME CORP 1.0"))
        outer.add(DataElement(Tag(tag), "SQ", Sequence([inner])))
        inner = outer
    return inner


def join(dataset: Dataset, other: Dataset) -> Dataset:
    """``dataset`` with the elements of ``other``; items of a sequence that both have stand one behind the other.

    Of other elements that both have, the first stays.
    """
    for element in other:
        if element.tag in dataset and element.VR == "SQ":
            dataset[element.tag].value = Sequence([*dataset[element.tag].value, *element.value])
        elif element.tag not in dataset:
            dataset.add(element)
    return dataset


def as_image(dataset: Dataset) -> Dataset:
    """Make it an ultrasound image of 4 by 6 pixels; what that needs is overwritten."""
    essential = ("SOPClassUID", "Modality", "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation")
    for keyword in (*essential, "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        # What stands there may be of a wrong kind, which a new value would take on.
        dataset.pop(keyword, None)
    dataset.SOPClassUID = US_IMAGE
    dataset.Modality = "US"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 4, 6, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    return dataset


def in_a_file(dataset: Dataset, tokens: Tokens, syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """The bytes of a file with tokens in its preamble, in all of its group 2, and behind its end."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", US_IMAGE)
    named = isinstance(dataset.get("SOPInstanceUID"), UID)
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID if named else UID(tokens.value("UI", "meta instance"))
    meta.ImplementationClassUID = UID(tokens.value("UI", "meta implementation"))
    meta.ImplementationVersionName = tokens.value("SH", "meta version")
    for keyword in ("SourceApplicationEntityTitle", "SendingApplicationEntityTitle", "ReceivingApplicationEntityTitle"):
        setattr(meta, keyword, tokens.value("AE", f"meta {keyword}"))
    for keyword in (
        "SourcePresentationAddress",
        "SendingPresentationAddress",
        "ReceivingPresentationAddress",
    ):
        setattr(meta, keyword, tokens.value("UR", f"meta {keyword}"))
    meta.PrivateInformationCreatorUID = UID(tokens.value("UI", "meta private creator"))
    meta.PrivateInformation = tokens.value("OB", "meta private")
    dataset.file_meta = meta
    dataset.preamble = (tokens.text("preamble").encode() * 20)[:128]
    stream = BytesIO()
    with warnings.catch_warnings():
        # What is broken on purpose is told of by the writer.
        warnings.simplefilter("ignore")
        dcmwrite(stream, dataset, enforce_file_format=named)
    padding = tokens.text("DataSetTrailingPadding").encode().ljust(32)
    trailing = b"\xfc\xff\xfc\xffOB\0\0" + len(padding).to_bytes(4, "little") + padding
    big_or_packed = syntax in {"1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"}
    return stream.getvalue() + (b"" if big_or_packed or syntax.is_implicit_VR else trailing)


def load(data: bytes) -> Dataset:
    """A file as the program meets it: read, nothing converted yet. What is broken on purpose is told of by nobody."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dcmread(BytesIO(data), force=True)


def reread(data: bytes) -> Dataset:
    """A file as another program meets it: every warning of the reader is an error."""
    dataset = dcmread(BytesIO(data))
    for _, element in walk(dataset):
        assert element.value is not NotImplemented
    return dataset


def cleaned(dataset: Dataset, **how: Any) -> bytes:
    """The bytes of the de-identified header in a file; any warning of the writer is an error."""
    result = deidentify_dataset(dataset, how.pop("key", KEY), anonymise=True, pixels_checked=True, **how)
    return written(result)


def written(result: Dataset) -> bytes:
    """A data set as a file with nothing of its own in group 2."""
    result.file_meta = FileMetaDataset()
    result.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    stream = BytesIO()
    dcmwrite(stream, result, enforce_file_format=True)
    return stream.getvalue()


def walk(dataset: Dataset, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], DataElement]]:
    """Every element at every depth with the tags that lead to it, its own the last."""
    for element in dataset:
        here = (*path, int(element.tag))
        yield here, element
        if element.VR == "SQ":
            for item in element.value:
                yield from walk(item, here)


def short_left(dataset: Dataset, allowed: Callable[[int], bool] = lambda _: False) -> list[str]:
    """Where values stand that are too short to be searched as bytes."""
    return [
        f"{path} {element.VR}"
        for path, element in walk(dataset)
        if element.VR in SHORT and element.value == SHORT[element.VR] and not allowed(path[-1])
    ]
