"""What the table does not name, what the object's types decide, provenance, and character sets: one rule, one test."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian

from bus_toolkit.deidentify import Key, deidentify_dataset
from bus_toolkit.deidentify.palettes import cut_table
from bus_toolkit.deidentify.plan import How, beyond, plan
from bus_toolkit.io.quiet import quiet
from bus_toolkit.profile import Profile

KEY = Key(bytes(range(32)))
CLEAN = Profile(clean_descriptors=True)
US_IMAGE = "1.2.840.10008.5.1.4.1.1.6.1"
PET_IMAGE = "1.2.840.10008.5.1.4.1.1.128"


def image(sop_class: str = US_IMAGE, **facts: Any) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = UID(sop_class)
    for keyword, value in facts.items():
        setattr(dataset, keyword, value)
    return dataset


def item(**facts: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in facts.items():
        setattr(dataset, keyword, value)
    return dataset


GONE = {
    "private": [(0x00090010, "LO", "ACME"), (0x00091001, "LO", "Jane Doe")],
    "unknown": [(0x00120998, "UN", b"Jane Doe"), (0x00100010 + 0xF, "LO", "Jane Doe")],
    "group length": [(0x00080000, "UL", 4711), (0x00100000, "UL", 4711)],
    "curve": [(0x50000010, "US", 1), (0x50003000, "OW", b"Jane Doe")],
    "overlay": [(0x60003000, "OW", b"Jane Doe"), (0x60004000, "LT", "Jane Doe")],
    "icon": [(0x00880200, "SQ", [item(PixelData=b"Jane Doe")])],
    "encapsulated document title": [(0x00420010, "ST", "Jane Doe")],
    "waveform annotation": [(0x0040B020, "SQ", [item(UnformattedTextValue="Jane Doe")])],
    "waveform": [(0x54000100, "SQ", [item(WaveformOriginality="ORIGINAL")])],
    "signatures": [(0xFFFAFFFA, "SQ", [item(MACIDNumber=1)])],
    "signature parameters": [(0x4FFE0001, "SQ", [item(MACIDNumber=1, MACAlgorithm="MD5")])],
    "encrypted attributes": [(0x04000500, "SQ", [item(EncryptedContentTransferSyntaxUID="1.2.840.10008.1.2")])],
    "original attributes": [(0x04000561, "SQ", [item(ModifyingSystem="Jane Doe")])],
    "pixel data": [(0x7FE00008, "OF", b"Jane Doe"), (0x7FE00001, "OV", b"Jane Doe")],
    "retired": [(0x00280005, "US", 3), (0x00080001, "UL", 3)],
    "number": [(0x00181801, "CS", "YES"), (0x0018106E, "UL", 4711), (0x00189073, "FD", 4.5)],
}


@pytest.mark.parametrize("what", GONE)
@pytest.mark.parametrize("profile", [Profile(), CLEAN])
def test_gone_at_every_depth(what: str, profile: Profile) -> None:
    inner = Dataset()
    for tag, vr, value in GONE[what]:
        inner.add(DataElement(Tag(tag), vr, value, already_converted=vr == "LO"))
    dataset = image(SharedFunctionalGroupsSequence=[inner])
    dataset.update(inner)
    result = deidentify_dataset(dataset, KEY, profile=profile)
    for level in (result, result.SharedFunctionalGroupsSequence[0]):
        assert not [tag for tag, _, _ in GONE[what] if tag in level]


def test_an_encapsulated_document_is_a_dummy() -> None:
    dataset = image("1.2.840.10008.5.1.4.1.1.104.1", EncapsulatedDocument=b"%PDF Jane Doe ")
    assert deidentify_dataset(dataset, KEY).EncapsulatedDocument == b"\x00\x00"


def test_the_text_of_a_report_is_a_dummy() -> None:
    content = item(ValueType="TEXT", TextValue="Jane Doe", PersonName="Doe^Jane", Date="20200301")
    result = deidentify_dataset(image("1.2.840.10008.5.1.4.1.1.88.11", ContentSequence=[content]), KEY)
    assert "Doe" not in str(result)
    assert "20200301" not in str(result)


def test_a_sequence_that_the_table_does_not_name_is_cleaned_and_goes_when_nothing_is_left() -> None:
    known = item(CodeValue="76752008", CodingSchemeDesignator="SCT", CodeMeaning="of Jane Doe")
    local = item(CodeValue="D", CodingSchemeDesignator="99L", CodeMeaning="Jane Doe")
    dataset = image(ProcedureCodeSequence=[local, known], PatientBreedCodeSequence=[local])
    dataset.FrameDisplaySequence = [item(PatientName="Doe")]
    result = deidentify_dataset(dataset, KEY)
    for keyword in ("ProcedureCodeSequence", "PatientBreedCodeSequence", "FrameDisplaySequence"):
        for code in result.get(keyword) or []:
            assert (code.CodeValue, code.CodeMeaning) == ("76752008", "Breast")
        assert "Doe" not in str(result.get(keyword))
    assert "PatientBreedCodeSequence" not in result
    assert beyond(0x00100010 - 2, Profile()) is None


def test_a_uid_that_the_table_does_not_name_is_mapped_unless_the_standard_registers_it() -> None:
    rule = beyond(0x00083002, Profile())
    assert rule is not None
    assert rule.how is How.OTHER_UID
    dataset = image(AvailableTransferSyntaxUID="1.2.840.10008.1.2.4.50")
    assert deidentify_dataset(dataset, KEY).AvailableTransferSyntaxUID == "1.2.840.10008.1.2.4.50"
    dataset.AvailableTransferSyntaxUID = "1.2.3.4711"
    assert deidentify_dataset(dataset, KEY).AvailableTransferSyntaxUID == KEY.uid("1.2.3.4711")


def test_conditional_actions_follow_the_type_in_the_object_at_hand() -> None:
    series_date, content_date = 0x00080021, 0x00080023
    there = plan(US_IMAGE, (), Profile())
    elsewhere = plan(PET_IMAGE, (), Profile())
    assert there[series_date] is None  # X/D, type 3
    assert (there[content_date] or there).how is How.EMPTY  # type: ignore[union-attr]  # Z/D, type 2C
    assert {elsewhere[tag].how for tag in (series_date, content_date)} == {How.DUMMY}  # type: ignore[union-attr]


def test_many_places_share_few_plans() -> None:
    plans = {id(plan(US_IMAGE, (0x00081115, tag), Profile())) for tag in range(0x00180000, 0x00180200)}
    assert len(plans) == 1


@pytest.mark.parametrize(("complete", "seen"), [(True, ("NO", "NO", "YES")), (False, (None, None, "NO"))])
def test_what_is_promised_follows_this_runs_evidence(*, complete: bool, seen: tuple[str | None, ...]) -> None:
    said = image(BurnedInAnnotation="NO", RecognizableVisualFeatures="NO", PatientIdentityRemoved="YES")
    result = deidentify_dataset(said, KEY, anonymise=complete, pixels_checked=complete)
    keywords = ("BurnedInAnnotation", "RecognizableVisualFeatures", "PatientIdentityRemoved")
    assert tuple(result.get(keyword) for keyword in keywords) == seen


def test_what_calls_itself_de_identified_is_processed_all_the_same() -> None:
    method = item(CodeValue="113101", CodingSchemeDesignator="DCM", CodeMeaning="Jane Doe")
    dataset = image(PatientIdentityRemoved="YES", DeidentificationMethod="by Jane Doe", PatientName="Doe^Jane")
    dataset.DeidentificationMethodCodeSequence = [method]
    dataset.ContributingEquipmentSequence = [item(Manufacturer="Doe Inc", InstitutionName="Doe")]
    dataset.LongitudinalTemporalInformationModified = "UNMODIFIED"
    dataset.StudyDescription = "Jane Doe"
    result = deidentify_dataset(dataset, KEY)
    assert "Doe" not in str(result)
    assert [code.CodeValue for code in result.DeidentificationMethodCodeSequence] == ["113100"]
    assert result.LongitudinalTemporalInformationModified == "REMOVED"
    (equipment,) = result.ContributingEquipmentSequence
    assert equipment.ManufacturerModelName == "bus_toolkit"
    assert equipment.SoftwareVersions


def test_a_table_is_cut_behind_its_last_entry() -> None:
    dataset = Dataset()
    dataset.RedPaletteColorLookupTableDescriptor = [4, 0, 16]
    assert cut_table(dataset, 0x00281201, b"12345678JANE") == b"12345678"
    assert cut_table(dataset, 0x00281201, b"123456") is None
    assert cut_table(Dataset(), 0x00281201, b"12345678") is None
    dataset.RedPaletteColorLookupTableDescriptor = [4, 0, 8]
    assert cut_table(dataset, 0x00281201, b"123456") == b"1234"
    assert cut_table(dataset, 0x00283006, b"123456") is None
    dataset.LUTDescriptor = [2, 0, 16]
    assert cut_table(dataset, 0x00283006, [1, 2, 0x4A41]) == [1, 2]


def test_a_segmented_table_is_cut_behind_its_last_segment() -> None:
    dataset = Dataset()
    dataset.RedPaletteColorLookupTableDescriptor = [6, 0, 16]
    segments = np.array([0, 2, 7, 9, 1, 4, 300], "<u2").tobytes()
    assert cut_table(dataset, 0x00281221, segments + b"JANE") == segments
    assert cut_table(dataset, 0x00281221, segments[:-2]) is None
    assert cut_table(dataset, 0x00281221, np.array([2, 1, 0, 0], "<u2").tobytes()) is None


def test_without_tables_of_another_kind_a_palette_stays() -> None:
    dataset = image(RedPaletteColorLookupTableDescriptor=[4, 0, 16], RedPaletteColorLookupTableData=bytes(8) + b"Jane")
    assert deidentify_dataset(dataset, KEY).RedPaletteColorLookupTableData == bytes(8)


CHARSETS = {
    "Japanese": (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎", "山田"),
    "Korean": (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동", "홍길동"),
    "Greek": ("ISO_IR 126", "Διονυσιος", "Διονυσιος"),
    "UTF-8": ("ISO_IR 192", "Wang^XiaoDong=王^小东", "王"),
}


def through_a_file(dataset: Dataset) -> Dataset:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPInstanceUID = "1.2.3"
    stream = BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return dcmread(BytesIO(stream.getvalue()))


@pytest.mark.parametrize("script", CHARSETS)
def test_names_of_every_script_are_found_in_text_that_stays(script: str) -> None:
    charset, name, part = CHARSETS[script]
    facts = {"SpecificCharacterSet": charset, "PatientName": name, "ManufacturerModelName": f"M7 {part}"}
    result = deidentify_dataset(through_a_file(image(**facts)), KEY)
    assert "ManufacturerModelName" not in result
    assert "SpecificCharacterSet" not in result


@pytest.mark.parametrize("script", CHARSETS)
def test_text_of_every_script_that_stays_is_written_as_utf8(script: str) -> None:
    charset, _, part = CHARSETS[script]
    source = through_a_file(image(SpecificCharacterSet=charset, PatientName="Doe", ManufacturerModelName=part))
    result = through_a_file(deidentify_dataset(source, KEY))
    assert result.SpecificCharacterSet == "ISO_IR 192"
    assert result.ManufacturerModelName == part


@pytest.mark.parametrize("charset", ["ISO_IR 999", "Jane Doe", None])
def test_a_wrong_or_missing_character_set_neither_stays_nor_stops_the_run(charset: str | None) -> None:
    dataset = through_a_file(image(SpecificCharacterSet="ISO_IR 100", PatientName="Müller", Manufacturer="Müller AG"))
    with quiet():
        if charset is None:
            del dataset.SpecificCharacterSet
        else:
            dataset.add(DataElement(Tag("SpecificCharacterSet"), "CS", charset, already_converted=True))
    result = deidentify_dataset(dataset, KEY)
    assert result.get("SpecificCharacterSet") in {None, "ISO_IR 192"}
    assert not result.Manufacturer
