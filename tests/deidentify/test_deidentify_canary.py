"""Unique tokens planted wherever a header can hold something: none of them comes out, at any depth."""

from __future__ import annotations

import struct
import warnings
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.datadict import DicomDictionary, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian

from bus_toolkit.deidentify import Key, deidentify_dataset
from bus_toolkit.deidentify.plan import How, Rule, plan
from bus_toolkit.deidentify.table import by_tag
from bus_toolkit.io.dicom_write import encode_dicom
from bus_toolkit.profile import Profile
from bus_toolkit.scan import Scan

KEY = Key(bytes(range(32)))
US_IMAGE = UID("1.2.840.10008.5.1.4.1.1.6.1")
REGIONS = 0x00186011
NESTING = (REGIONS, 0x00081115, 0x0008114A, 0x00081199, 0x00082112, 0x00081140, 0x0040A730, 0x00081072)
"""Sequences that the profile keeps or dummies, besides one that it removes in this IOD."""
TEXT_KEPT = {0x00080070, 0x00081090}
"""Maker and model: text that stays on purpose (identifiers in it are tested on their own)."""
SCAN = Scan.from_array(np.zeros((4, 6), np.uint8))


def ruled() -> dict[int, Rule]:
    rules = plan("1.2.840.10008.5.1.4.1.1.6.1", (), Profile())
    return {tag: rule for tag, rule in rules.items() if rule is not None}


class Tokens:
    """Makes values that are unique and valid for their value representation, and remembers their bytes."""

    def __init__(self) -> None:
        self.made: dict[bytes, str] = {}

    def _note(self, where: str, raw: bytes) -> None:
        self.made[raw] = where

    def value(self, vr: str, where: str) -> Any:
        n = len(self.made)
        text = f"QX{n:06d}ZJ"
        made: tuple[Any, bytes]
        if vr in {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}:
            made = text, text.encode()
        elif vr == "UI":
            uid = f"1.2.826.0.1.3680043.2.77.{n}.5"
            made = uid, uid.encode()
        elif vr in {"DA", "DT", "TM"}:
            clock = f"{n // 3600 % 24:02d}{n // 60 % 60:02d}{n % 60:02d}.{730000 + n:06d}"
            day = f"{1700 + n % 97}0{1 + n % 9}{10 + n % 19}"
            value = {"DA": day, "TM": clock, "DT": day + clock}[vr]
            made = value, value.encode()
        elif vr in {"IS", "DS"}:
            made = str(713000000 + n), str(713000000 + n).encode()
        elif vr in {"FD", "FL", "UL", "SL", "AT", "UV", "SV"}:
            code = {"FD": "<d", "FL": "<f", "UL": "<L", "SL": "<l", "UV": "<Q", "SV": "<q"}.get(vr, "")
            number = 3000001.0 + n * 17 if vr in {"FD", "FL"} else 0x5E000001 + n * 257
            made = number, struct.pack(code, number) if code else struct.pack("<HH", number >> 16, number & 0xFFFF)
        elif vr in {"OB", "OW", "OD", "OF", "OL", "OV", "UN"}:
            raw = f"{text:<16}".encode()
            made = raw, raw
        else:  # AS, US, SS: too short to be unique
            return {"AS": "047Y", "US": 47, "SS": 47}[vr]
        self._note(where, made[1])
        return made[0]

    def plant(self, dataset: Dataset, tag: int, vr: str) -> None:
        dataset.add(DataElement(Tag(tag), vr, self.value(vr, f"{tag:08X} {vr}")))

    def plant_item(self) -> Dataset:
        item = Dataset()
        self.plant(item, 0x00100010, "PN")
        self.plant(item, 0x00080080, "LO")
        self.plant_private(item)
        return item

    def plant_private(self, dataset: Dataset) -> None:
        dataset.add(DataElement(Tag(0x00090010), "LO", self.value("LO", "private creator")))
        self.plant(dataset, 0x00091001, "LO")
        self.plant(dataset, 0x00091002, "UN")
        nested = Dataset()
        self.plant(nested, 0x00100020, "LO")
        dataset.add(DataElement(Tag(0x00091003), "SQ", Sequence([nested])))

    def found_in(self, data: bytes) -> list[str]:
        return [where for raw, where in self.made.items() if raw in data]


def vr_of(tag: int) -> str:
    return dictionary_VR(tag).split(" or ")[0]


def plant_table(tokens: Tokens, *, lowest_group: int = 0x0008) -> Dataset:
    """Every attribute of the table, and what the table names by groups."""
    dataset = Dataset()
    for tag, row in by_tag().items():
        if tag >> 16 < lowest_group:
            continue
        vr = vr_of(tag) if row.keyword else "LO"
        if vr == "SQ":
            dataset.add(DataElement(Tag(tag), "SQ", Sequence([tokens.plant_item(), tokens.plant_item()])))
        else:
            tokens.plant(dataset, tag, vr)
    tokens.plant_private(dataset)
    for tag, vr in (
        (0x50003000, "OW"),
        (0x50102500, "LO"),
        (0x60003000, "OW"),
        (0x60104000, "LT"),
        (0x60001500, "LO"),
        (0x00120999, "LO"),
        (0x00120998, "UN"),
        (0x00080000, "UL"),
        (0x7FE00001, "OV"),
        (0x00281300, "UN"),
    ):
        tokens.plant(dataset, tag, vr)
    return dataset


def plant_image(tokens: Tokens) -> Dataset:
    """The table at four depths, in an object that is an ultrasound image."""
    dataset = plant_table(tokens)
    deepest = dataset
    for tag in (REGIONS, 0x00081115, 0x0008114A):
        inner = plant_table(tokens)
        deepest.add(DataElement(Tag(tag), "SQ", Sequence([inner])))
        deepest = inner
    dataset.SOPClassUID = US_IMAGE
    dataset.Modality = "US"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 4, 6, 1
    return dataset


def in_a_file(dataset: Dataset, tokens: Tokens) -> bytes:
    """The bytes of a file with tokens in its preamble, its group 2 and behind its end."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = US_IMAGE
    meta.MediaStorageSOPInstanceUID = UID(tokens.value("UI", "meta instance"))
    meta.ImplementationClassUID = UID(tokens.value("UI", "meta implementation"))
    meta.ImplementationVersionName = tokens.value("SH", "meta version")
    for keyword in ("SourceApplicationEntityTitle", "SendingApplicationEntityTitle", "ReceivingApplicationEntityTitle"):
        setattr(meta, keyword, tokens.value("AE", keyword))
    meta.PrivateInformationCreatorUID = UID(tokens.value("UI", "meta private creator"))
    meta.PrivateInformation = tokens.value("OB", "meta private")
    dataset.file_meta = meta
    dataset.preamble = (tokens.value("LO", "preamble").encode() * 20)[:128]
    stream = BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def write(dataset: Dataset) -> bytes:
    return encode_dicom(source_dataset=dataset, scan=SCAN, key=KEY, anonymise=True, pixels_checked=True)


def test_no_token_of_a_file_survives() -> None:
    tokens = Tokens()
    raw = in_a_file(plant_image(tokens), tokens)
    assert len(tokens.made) > 2400
    lost = set(tokens.made.values()) - set(tokens.found_in(raw))
    # The writer that the test uses leaves group lengths out and takes the instance from the data set.
    assert lost == {"00080000 UL", "meta instance"}
    assert tokens.found_in(write(dcmread(BytesIO(raw)))) == []


def test_no_token_survives_in_memory_even_in_command_groups() -> None:
    tokens = Tokens()
    dataset = plant_table(tokens, lowest_group=0)
    dataset.SOPClassUID = US_IMAGE
    dataset.Rows, dataset.Columns = 4, 6
    assert tokens.found_in(write(dataset)) == []


@pytest.mark.parametrize("sop_class", ["1.2.840.10008.5.1.4.1.1.6.2", "1.2.840.10008.5.1.4.1.1.88.11"])
def test_no_token_survives_where_types_are_not_known(sop_class: str) -> None:
    tokens = Tokens()
    dataset = plant_image(tokens)
    dataset.SOPClassUID = UID(sop_class)
    assert tokens.found_in(write(dataset)) == []


def test_no_token_survives_in_what_the_table_does_not_name() -> None:
    tokens = Tokens()
    dataset = Dataset()
    numeric = {tag for tag, rule in ruled().items() if rule.how in {How.NUMBER, How.ORDINAL, How.LUT}}
    skipped = numeric | TEXT_KEPT | {0x00080005}
    for tag in DicomDictionary:
        if tag >> 16 < 0x0008 or tag in skipped or tag >= 0xFFFE0000 or vr_of(tag) == "NONE":
            continue
        vr = vr_of(tag)
        if vr == "SQ":
            dataset.add(DataElement(Tag(tag), "SQ", Sequence([tokens.plant_item()])))
        else:
            tokens.plant(dataset, tag, vr)
    dataset.SOPClassUID = US_IMAGE
    dataset.Rows, dataset.Columns = 4, 6
    assert len(tokens.made) > 4000
    assert tokens.found_in(write(dataset)) == []


def test_no_token_survives_under_a_wrong_value_representation() -> None:
    tokens = Tokens()
    dataset = Dataset()
    wrong = {"US": "LO", "UL": "LT", "FD": "OB", "SL": "SH", "CS": "OB", "LO": "OB", "SQ": "UT", "UI": "LO", "OW": "LO"}
    for tag in ruled():
        vr = wrong.get(vr_of(tag), "UT")
        value = tokens.value(vr, f"{tag:08X} {vr}")
        dataset.add(DataElement(Tag(tag), vr, value))
    dataset[0x00080016] = DataElement(Tag(0x00080016), "UI", US_IMAGE)
    dataset[0x00280010] = DataElement(Tag(0x00280010), "US", 4)
    dataset[0x00280011] = DataElement(Tag(0x00280011), "US", 6)
    # A maker's name is text whatever it says; here it comes as OB, and bytes are no text.
    assert tokens.found_in(write(dataset)) == []


def test_names_in_number_strings_do_not_survive() -> None:
    dataset = Dataset()
    dataset.SOPClassUID = US_IMAGE
    dataset.Rows, dataset.Columns = 4, 6
    raw = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw.add(DataElement(Tag(0x00180000 + 0x1063), "DS", "DOEJANE", already_converted=True))
        dataset.add(raw[0x00181063])
        dataset.add(DataElement(Tag(0x00200011), "IS", "DOEJANE", already_converted=True))
        dataset.add(DataElement(Tag(0x00080060), "CS", "DOEJANE", already_converted=True))
    data = write(dataset)
    assert b"DOEJANE" not in data
    back = dcmread(BytesIO(data))
    assert "FrameTime" not in back
    assert back.SeriesNumber is None


def test_kept_text_goes_when_it_holds_an_identifier() -> None:
    dataset = Dataset()
    dataset.SOPClassUID = US_IMAGE
    dataset.PatientName = "Doe^Jane"
    dataset.PatientID = "AB-12345"
    dataset.Manufacturer = "Siemens (jane's)"
    dataset.ManufacturerModelName = "S2000 ab12345"
    result = deidentify_dataset(dataset, KEY)
    assert result.Manufacturer is None
    assert "ManufacturerModelName" not in result
    dataset.Manufacturer, dataset.ManufacturerModelName = "Siemens", "S2000"
    result = deidentify_dataset(dataset, KEY)
    assert (result.Manufacturer, result.ManufacturerModelName) == ("Siemens", "S2000")


def test_series_and_instance_numbers_that_are_ids_are_emptied() -> None:
    dataset = Dataset()
    dataset.SOPClassUID = US_IMAGE
    dataset.PatientID = "00 4711"
    dataset.AccessionNumber = "815"
    dataset.StudyID = "600"
    dataset.SeriesNumber = 815
    dataset.InstanceNumber = 7
    dataset.FrameTime = "600"
    dataset.Rows = 600
    result = deidentify_dataset(dataset, KEY)
    assert result.SeriesNumber is None
    assert (result.InstanceNumber, result.FrameTime, result.Rows) == (7, 600, 600)


def test_unknown_sop_class_is_refused() -> None:
    dataset = Dataset()
    dataset.SOPClassUID = UID("1.2.3.4")
    from bus_toolkit.errors import InputError

    with pytest.raises(InputError) as caught:
        deidentify_dataset(dataset, KEY)
    assert caught.value.code == "unknown_sop_class"
    assert "1.2.3.4" not in str(caught.value)


def test_very_deep_nesting_is_taken_out_and_does_not_raise() -> None:
    tokens = Tokens()
    inner = tokens.plant_item()
    for _ in range(150):
        outer = Dataset()
        outer.add(DataElement(Tag(REGIONS), "SQ", Sequence([inner])))
        inner = outer
    inner.SOPClassUID = US_IMAGE
    inner.Rows, inner.Columns = 4, 6
    data = write(inner)
    assert tokens.found_in(data) == []
    assert data.count(struct.pack("<HH", 0x0018, 0x6011)) == 64


def test_the_name_in_another_character_set_does_not_survive() -> None:
    name = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    dataset = Dataset()
    dataset.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    dataset.SOPClassUID = US_IMAGE
    dataset.PatientName = name
    dataset.PatientID = "1"
    dataset.Manufacturer = "山田 Medical"
    dataset.Rows, dataset.Columns = 4, 6
    tokens = Tokens()
    data = write(dcmread(BytesIO(in_a_file(dataset, tokens))))
    for codec in ("utf-8", "iso2022_jp", "shift_jis", "euc_jp", "utf-16-le"):
        assert "山田".encode(codec)[-4:] not in data
    assert b"Yamada" not in data


def test_kept_text_outside_ascii_is_written_as_utf8() -> None:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID = US_IMAGE
    dataset.Manufacturer = "Kr\u00e4mer"
    dataset.Rows, dataset.Columns = 4, 6
    back = dcmread(BytesIO(write(dataset)))
    assert back.SpecificCharacterSet == "ISO_IR 192"
    assert back.Manufacturer == "Kr\u00e4mer"


TAGS = sorted(tag for tag in by_tag() if tag >> 16 >= 0x0008 and by_tag()[tag].keyword)


@st.composite
def planted(draw: st.DrawFn, tokens: Tokens, depth: int) -> Dataset:
    dataset = Dataset()
    for tag in draw(st.lists(st.sampled_from(TAGS), max_size=4)):
        if vr_of(tag) != "SQ":
            tokens.plant(dataset, tag, vr_of(tag))
    if draw(st.booleans()):
        tokens.plant_private(dataset)
    if draw(st.booleans()):
        tokens.plant(dataset, draw(st.sampled_from([0x00120998, 0x60003000, 0x50000010])), "UN")
    if depth:
        for tag in draw(st.lists(st.sampled_from([*NESTING, 0x00091010, 0x00081110, 0x00400275]), max_size=2)):
            items = [draw(planted(tokens, depth - 1)) for _ in range(draw(st.integers(0, 2)))]
            dataset.add(DataElement(Tag(tag), "SQ", Sequence(items)))
    return dataset


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_token_survives_random_nesting(data: st.DataObject) -> None:
    tokens = Tokens()
    dataset = data.draw(planted(tokens, 5))
    dataset.SOPClassUID = US_IMAGE
    dataset.Rows, dataset.Columns = 4, 6
    assert tokens.found_in(write(dataset)) == []


def test_the_input_is_not_changed() -> None:
    tokens = Tokens()
    raw = in_a_file(plant_image(tokens), tokens)
    dataset, untouched = dcmread(BytesIO(raw)), dcmread(BytesIO(raw))
    write(dataset)
    assert dataset == untouched


def test_the_same_input_gives_the_same_bytes() -> None:
    tokens = Tokens()
    dataset = plant_image(tokens)
    assert write(dataset) == write(dataset)
