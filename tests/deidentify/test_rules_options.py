"""What each option of PS3.15 keeps, in which form, and that it is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import UID

from bus_toolkit.deidentify import Key, deidentify_dataset, identity_of
from bus_toolkit.profile import OPTIONS, Dates, Profile

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask

KEY = Key(bytes(range(32)))
BASIC = Profile()
GRAPHICS = Profile(clean_graphics=True)
CONTENT = Profile(clean_structured_content=True)


def image(**facts: Any) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.6.1")
    dataset.SOPInstanceUID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.1", "1.2.3.2", "1.2.3.3"
    for keyword, value in facts.items():
        setattr(dataset, keyword, value)
    return dataset


def code(scheme: str, value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def codes_of(result: Dataset) -> list[str]:
    return [str(item.CodeValue) for item in result.DeidentificationMethodCodeSequence]


@pytest.mark.parametrize("name", [name for name in OPTIONS if not name.endswith("dates")])
def test_each_option_is_recorded_with_its_code(name: str) -> None:
    result = deidentify_dataset(image(), KEY, profile=Profile(**{name: True}), anonymise=True, pixels_checked=True)
    assert codes_of(result) == ["113100", "113101", OPTIONS[name].code]
    assert result.DeidentificationMethodCodeSequence[2].CodeMeaning == OPTIONS[name].meaning


@pytest.mark.parametrize(("dates", "code"), [(Dates.FULL, "113106"), (Dates.MODIFIED, "113107")])
def test_dates_are_recorded_with_their_code(dates: Dates, code: str) -> None:
    assert codes_of(deidentify_dataset(image(), KEY, profile=Profile(dates=dates))) == ["113100", code]


PATIENT = Profile(retain_patient_characteristics=True)


@pytest.mark.parametrize(
    ("age", "kept"), [("089Y", "089Y"), ("090Y", "090Y"), ("101Y", "090Y"), ("014D", "014D"), ("Doe", None)]
)
def test_an_age_stays_but_none_above_89(age: str, kept: str | None) -> None:
    dataset = image()
    dataset.add(DataElement(Tag("PatientAge"), "AS", age, already_converted=True))
    assert deidentify_dataset(dataset, KEY, profile=PATIENT).get("PatientAge") == kept
    assert "PatientAge" not in deidentify_dataset(dataset, KEY)


def test_characteristics_stay_when_well_formed_and_texts_about_the_patient_are_cleaned() -> None:
    dataset = image(PatientName="Doe^Jane", PatientSex="F", PatientSize="1.7", PatientWeight="61", EthnicGroup="Doe")
    dataset.Allergies = "contrast, says Jane"
    dataset.add(DataElement(Tag("SmokingStatus"), "CS", "No, Dr. Wu", already_converted=True))
    result = deidentify_dataset(dataset, KEY, profile=PATIENT)
    assert (result.PatientSex, result.PatientSize, result.PatientWeight) == ("F", 1.7, 61)
    assert result.Allergies == "contrast"
    assert "EthnicGroup" not in result
    assert "SmokingStatus" not in result
    assert not deidentify_dataset(dataset, KEY).PatientSex


def test_device_identity_stays_and_addresses_in_the_network_do_not() -> None:
    profile = Profile(retain_device_identity=True)
    dataset = image(DeviceSerialNumber="SN-77", StationName="US3", StationAETitle="AE3", PatientName="Ulm^Ida")
    dataset.DetectorID = "Ulm 3"
    dataset.PerformedStationNameCodeSequence = [code("99L", "US3", "third room"), code("99L", "U", "of Ida Ulm")]
    result = deidentify_dataset(dataset, KEY, profile=profile)
    assert (result.DeviceSerialNumber, result.StationName) == ("SN-77", "US3")
    assert "StationAETitle" not in result
    assert "DetectorID" not in result
    assert [item.CodeMeaning for item in result.PerformedStationNameCodeSequence] == ["third room"]
    assert "StationName" not in deidentify_dataset(dataset, KEY)


def test_institution_identity_stays_with_its_own_codes() -> None:
    dataset = image(InstitutionName="St. Mary", InstitutionAddress="1 Road\r\nTown", InstitutionalDepartmentName="US")
    dataset.InstitutionCodeSequence = [code("99L", "M", "M\u00e4ria")]
    result = deidentify_dataset(dataset, KEY, profile=Profile(retain_institution_identity=True))
    assert (result.InstitutionName, result.InstitutionAddress) == ("St. Mary", "1 Road\r\nTown")
    assert result.InstitutionCodeSequence[0].CodeMeaning == "M\u00e4ria"
    assert result.SpecificCharacterSet == "ISO_IR 192"
    basic = deidentify_dataset(dataset, KEY)
    assert not {"InstitutionAddress", "InstitutionalDepartmentName", "InstitutionName"} & set(basic.dir())


def test_uids_stay_when_they_are_valid() -> None:
    item = Dataset()
    item.ReferencedSOPInstanceUID, item.ReferencedSOPClassUID = "1.2.3.9", "1.2.840.10008.5.1.4.1.1.6.1"
    dataset = image(ReferencedImageSequence=[item])
    dataset.add(DataElement(Tag("FrameOfReferenceUID"), "UI", "1.2.03.DOE", already_converted=True))
    result = deidentify_dataset(dataset, KEY, profile=Profile(retain_uids=True))
    assert (result.SOPInstanceUID, result.StudyInstanceUID, result.SeriesInstanceUID) == (
        "1.2.3.1",
        "1.2.3.2",
        "1.2.3.3",
    )
    assert result.ReferencedImageSequence[0].ReferencedSOPInstanceUID == "1.2.3.9"
    assert str(result.FrameOfReferenceUID).startswith("2.25.")
    assert deidentify_dataset(dataset, KEY).SOPInstanceUID != "1.2.3.1"


def test_safe_private_numbers_stay_with_their_creator_at_any_depth() -> None:
    def block() -> Dataset:
        dataset = Dataset()
        dataset.add(DataElement(Tag(0x00E10010), "LO", "ELSCINT1"))
        dataset.add(DataElement(Tag(0x00E11021), "DS", "3.5"))
        dataset.add(DataElement(Tag(0x00E11050), "LO", "Jane Doe"))
        dataset.add(DataElement(Tag(0x00E11077), "LO", "Jane Doe"))
        return dataset

    dataset = image(SharedFunctionalGroupsSequence=[block()])
    dataset.update(block())
    result = deidentify_dataset(dataset, KEY, profile=Profile(retain_safe_private=True))
    for level in (result, result.SharedFunctionalGroupsSequence[0]):
        private = {int(element.tag): element.value for element in level if element.tag.is_private}
        assert private == {0x00E10010: "ELSCINT1", 0x00E11021: 3.5}
    assert not [element for element in deidentify_dataset(dataset, KEY) if element.tag.is_private]


def number(value: str, unit: str = "mm", name: str = "410668003") -> Dataset:
    item, measured = Dataset(), Dataset()
    item.ValueType, item.RelationshipType = "NUM", "CONTAINS"
    item.ConceptNameCodeSequence = [code("SCT", name, "Length of Jane Doe")]
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = value, [code("UCUM", unit, "of Jane Doe")]
    item.MeasuredValueSequence = [measured]
    return item


def test_content_keeps_codes_and_numbers_and_no_text() -> None:
    text, place, group, local = Dataset(), Dataset(), Dataset(), number("4", name="99")
    text.ValueType, text.ConceptNameCodeSequence, text.TextValue = "TEXT", [code("DCM", "121206", "x")], "Jane Doe"
    place.ValueType, place.ConceptNameCodeSequence = "CODE", [code("SCT", "363698007", "x")]
    place.ConceptCodeSequence = [code("SCT", "76752008", "Breast of Jane Doe")]
    group.ValueType, group.ConceptNameCodeSequence = "CONTAINER", [code("DCM", "125007", "x")]
    group.ContentSequence = [number("12.5"), number("47114711"), text, local, number("1", unit="Doe")]
    dataset = image(PatientID="471147", ContentSequence=[text, place, group, number("471147")])
    kept = deidentify_dataset(dataset, KEY, profile=CONTENT).ContentSequence
    assert [item.ValueType for item in kept] == ["CODE", "CONTAINER"]
    assert kept[0].ConceptCodeSequence[0].CodeMeaning == "Breast"
    (measure,) = kept[1].ContentSequence
    assert measure.MeasuredValueSequence[0].NumericValue == 12.5
    assert measure.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeMeaning == "mm"
    assert "Doe" not in str(kept)
    assert "Doe" not in str(deidentify_dataset(dataset, KEY))


def test_acquisition_context_of_codes_stays_with_the_option() -> None:
    item = Dataset()
    item.ValueType, item.ConceptNameCodeSequence = "CODE", [code("SCT", "272741003", "x")]
    item.ConceptCodeSequence = [code("SCT", "7771000", "x")]
    dataset = image(AcquisitionContextSequence=[item])
    kept = deidentify_dataset(dataset, KEY, profile=CONTENT).AcquisitionContextSequence
    assert kept[0].ConceptCodeSequence[0].CodeMeaning == "Left"
    assert not deidentify_dataset(dataset, KEY).get("AcquisitionContextSequence")


def overlay(group: int, plane: Mask) -> Dataset:
    dataset = Dataset()
    frames, rows, cols = plane.shape if plane.ndim == 3 else (1, *plane.shape)
    for element, vr, value in (
        (0x0010, "US", rows),
        (0x0011, "US", cols),
        (0x0015, "IS", frames),
        (0x0022, "LO", "Jane Doe"),
        (0x0040, "CS", "G"),
        (0x0050, "SS", [1, 1]),
        (0x0100, "US", 1),
        (0x0102, "US", 0),
        (0x1500, "LO", "Jane Doe"),
        (0x3000, "OW", np.packbits(plane.ravel(), bitorder="little").tobytes() + b"DOE JANE"),
        (0x4000, "LT", "Jane Doe"),
    ):
        dataset.add(DataElement(Tag(group, element), vr, value))
    return dataset


def test_planes_without_text_stay_alone_and_exact() -> None:
    plane = np.zeros((9, 12), np.bool_)
    plane[2:5, 3:9] = True
    written = np.zeros((9, 12), np.bool_)
    written[0] = True
    dataset = image()
    dataset.update(overlay(0x6000, plane))
    dataset.update(overlay(0x6002, written))
    dataset.update(overlay(0x6004, np.stack([plane, written])))
    seen: list[Mask] = []

    def keep(mask: Mask) -> bool:
        seen.append(mask)
        return not mask[0].any()

    result = deidentify_dataset(dataset, KEY, profile=GRAPHICS, keep_overlay=keep)
    groups = {element.tag.group for element in result if element.tag.group >> 8 == 0x60}
    assert groups == {0x6000}
    assert np.array_equal(result.overlay_array(0x6000).astype(bool), plane)
    assert np.array_equal(seen[0], plane)
    assert "Doe" not in str(result)
    assert b"DOE" not in result[0x60003000].value


def test_without_eyes_or_option_no_plane_stays_and_embedded_ones_never() -> None:
    plane = np.ones((4, 4), np.bool_)
    dataset = image()
    dataset.update(overlay(0x6000, plane))
    embedded = image()
    embedded.update(overlay(0x6000, plane))
    del embedded[0x60003000]
    embedded[0x60000102].value = 12
    results = [
        deidentify_dataset(dataset, KEY, profile=GRAPHICS),
        deidentify_dataset(dataset, KEY, keep_overlay=lambda _: True),
        deidentify_dataset(embedded, KEY, profile=GRAPHICS, keep_overlay=lambda _: True),
    ]
    assert [element for result in results for element in result if element.tag.group >> 8 == 0x60] == []


def test_what_a_lookup_shows() -> None:
    dataset = image(PatientID="17", IssuerOfPatientID="A", PatientName="Doe^Jane", PatientBirthDate="19500101")
    dataset.FrameOfReferenceUID = "1.2.3.4"
    found = identity_of(dataset, KEY, Profile(dates=Dates.MODIFIED))
    days = found.pop("shift_days")
    assert days == KEY.days("id", "17", "A")
    assert found == {
        "patient_id": "17",
        "issuer": "A",
        "patient_name": "Doe^Jane",
        "birth_date": "19500101",
        "study_date": "",
        "uids": {"study": "1.2.3.2", "series": "1.2.3.3", "frame_of_reference": "1.2.3.4", "instance": "1.2.3.1"},
    }
