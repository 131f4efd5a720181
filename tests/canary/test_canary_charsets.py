"""Names in every character set of the standard, also in one that the file does not name: none comes out in any."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Any

import pytest
from pydicom import dcmwrite
from pydicom.charset import python_encoding
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from bus_toolkit.deidentify import deidentify_dataset
from bus_toolkit.profile import Profile
from tests.canary.plant_headers import KEY, as_image, cleaned, load

NAMES: dict[str, tuple[str | list[str], str]] = {
    "ascii": ("ISO 2022 IR 6", "Quilmore^Cora"),
    "latin 1": ("ISO_IR 100", "Buc^J\u00e9r\u00f4me\u00e9e"),
    "latin 1, extended": (["", "ISO 2022 IR 100"], "Buc^J\u00e9r\u00f4me\u00e9e"),
    "latin 2": ("ISO 2022 IR 101", "W\u0142asow\u0105^\u0141ukasz"),
    "cyrillic": (
        ["", "ISO 2022 IR 144"],
        "\u041b\u044e\u043ac\u0435\u043c\u0431\u0443\u0440\u0433^\u0418\u0432\u0430\u043d",
    ),
    "greek": ("ISO 2022 IR 126", "\u0394\u03b9\u03bf\u03bd\u03c5\u03c3\u03b9\u03bf\u03c2^\u0391\u03bd\u03bd\u03b1"),
    "arabic": ("ISO_IR 127", "\u0642\u0628\u0627\u0646\u064a^\u0644\u0646\u0632\u0627\u0631"),
    "hebrew": ("ISO_IR 138", "\u05e9\u05e8\u05d5\u05df^\u05d3\u05d1\u05d5\u05e8\u05d4"),
    "kanji": (
        ["", "ISO 2022 IR 87"],
        "Yamada^Tarou=\u5c71\u7530\u82b1^\u592a\u90ce=\u3084\u307e\u3060^\u305f\u308d\u3046",
    ),
    "kanji, katakana": (
        ["ISO 2022 IR 13", "ISO 2022 IR 87"],
        "\uff94\uff8f\uff80\uff9e^\uff80\uff9b\uff73=\u5c71\u7530\u82b1^\u592a\u90ce",
    ),
    "korean": (["", "ISO 2022 IR 149"], "Hong^Gildong=\u6d2a\u5409\u6d1e^\u5409\u6d1e=\ud64d\uae38\ub3d9^\uae38\ub3d9"),
    "gb 2312": (["", "ISO 2022 IR 58"], "Zhang^XiaoDong=\u5f20\u5c0f\u4e1c^\u5c0f\u4e1c="),
    "gb 18030": ("GB18030", "Wang^XiaoDong=\u738b\u5c0f\u4e1c^\u5c0f\u4e1c"),
    "gbk": ("GBK", "Wang^XiaoDong=\u738b\u5c0f\u4e1c^\u5c0f\u4e1c"),
    "utf-8": ("ISO_IR 192", "Wang^XiaoDong=\u738b\u5c0f\u4e1c^\u5c0f\u4e1c"),
    "thai": ("ISO_IR 166", "\u0e19\u0e32\u0e22\u0e2a\u0e21^\u0e0a\u0e32\u0e22"),
    "turkish": ("ISO_IR 148", "\u00c7avu\u015fo\u011flu^\u0130\u015f\u0131l"),
}
CODECS = (
    *("ascii", "latin-1", "iso8859-2", "iso8859-5", "iso8859-7", "iso8859-6", "iso8859-8", "iso8859-9", "tis-620"),
    *("utf-8", "utf-16-le", "utf-16-be", "shift_jis", "euc_jp", "iso2022_jp", "euc_kr", "gb2312", "gb18030"),
)
PLACES = {
    "a name": ("PatientName", "PN"),
    "a comment": ("PatientComments", "LT"),
    "an institution": ("InstitutionName", "LO"),
    "a physician": ("ReferringPhysicianName", "PN"),
    "an unnamed text": ("ContentDescription", "LO"),
}


def parts(name: str) -> set[str]:
    return {part for group in name.split("=") for part in group.split("^") if len(part) >= 2}


def forms(name: str) -> set[bytes]:
    """The parts of a name in every encoding that can hold them, but for escapes at their ends."""
    found = set()
    for part in parts(name):
        for codec in CODECS:
            try:
                raw = part.encode(codec)
            except UnicodeEncodeError:
                continue
            raw = raw.removesuffix(b"\x1b(B").partition(b"\x1b$B")[2] or raw
            if len(raw) >= 4:
                found.add(raw.lower())
    return found


def image(charset: Any, name: str) -> Dataset:
    dataset = as_image(Dataset())
    dataset.SpecificCharacterSet = charset
    for keyword, vr in PLACES.values():
        setattr(dataset, keyword, name.partition("=")[0] if vr == "LO" else name)
    item = Dataset()
    item.PatientName = name
    dataset.ReferencedSeriesSequence = [item]
    dataset.PatientID, dataset.SOPInstanceUID = "1", "1.2.3"
    return dataset


def stored(dataset: Dataset, syntax: Any = ExplicitVRLittleEndian) -> bytes:
    stream = BytesIO()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def check(data: bytes, name: str) -> None:
    lower = data.lower()
    assert [form for form in forms(name) if form in lower] == []


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=["explicit", "implicit"])
@pytest.mark.parametrize("case", NAMES)
def test_no_name_survives_in_any_encoding(case: str, syntax: Any) -> None:
    charset, name = NAMES[case]
    raw = stored(image(charset, name), syntax)
    assert any(form in raw.lower() for form in forms(name)), "the search must find what is there"
    check(cleaned(load(raw)), name)


@pytest.mark.parametrize("case", NAMES)
def test_no_name_survives_under_a_wrong_character_set(case: str) -> None:
    """The file says one character set and means another, none, or one that does not exist."""
    charset, name = NAMES[case]
    for told in ("", "ISO_IR 100", "ISO_IR 192", "ISO 2022 IR 87", "ISO_IR 999", "GB18030"):
        raw = stored(image(charset, name))
        first = charset if isinstance(charset, str) else "\\".join(charset)
        wanted = first.encode() + b" " * (len(first) % 2)
        place = raw.index(wanted, 132)
        padded = told.encode() + b" " * (len(told) % 2)
        raw = raw[: place - 2] + len(padded).to_bytes(2, "little") + padded + raw[place + len(wanted) :]
        check(cleaned(load(raw)), name)


@pytest.mark.parametrize("case", [case for case in NAMES if case != "ascii"])
def test_a_name_in_the_text_that_is_kept_goes_in_any_script(case: str) -> None:
    charset, name = NAMES[case]
    for group in name.split("="):
        for part in group.split("^"):
            if not part:
                continue
            dataset = image(charset, name)
            dataset.ManufacturerModelName = f"US {part} 3"
            profile = Profile(clean_descriptors=True)
            result = deidentify_dataset(load(stored(dataset)), KEY, profile=profile)
            assert not result.get("ManufacturerModelName"), group


def test_kept_text_outside_ascii_is_written_as_utf8() -> None:
    dataset = as_image(Dataset())
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.Manufacturer = "Kr\u00e4mer"
    back: Any = load(cleaned(dataset))
    assert back.SpecificCharacterSet == "ISO_IR 192"
    assert back.Manufacturer == "Kr\u00e4mer"


def test_the_character_set_itself_is_no_hiding_place() -> None:
    dataset = as_image(Dataset())
    raw = stored(dataset)
    start = raw.index(b"\x08\0\x16\0UI")
    value = b"QX000001ZJ"
    raw = raw[:start] + b"\x08\0\x05\0CS" + len(value).to_bytes(2, "little") + value + raw[start:]
    assert b"QX000001ZJ" not in cleaned(load(raw))


def test_the_list_of_character_sets_is_that_of_the_library() -> None:
    named = {term for charset, _ in NAMES.values() for term in ([charset] if isinstance(charset, str) else charset)}
    assert named <= {*python_encoding, "GBK", ""}
