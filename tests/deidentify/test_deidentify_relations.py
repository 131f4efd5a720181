"""Relations hold, promises follow evidence, and of real files only technical values come through."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import UID

from bus_toolkit.deidentify import Key, deidentify_dataset, patient_pseudonym
from bus_toolkit.deidentify.reading import values_of
from bus_toolkit.deidentify.table import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = Key(bytes(range(32)))
US_IMAGE = UID("1.2.840.10008.5.1.4.1.1.6.1")
TEXTUAL = {"AE", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
SHIPPED = ("examples_rgb_color", "examples_palette", "examples_jpeg2k", "examples_ybr_color", "ExplVR_BigEnd")
"""Ultrasound files inside the pydicom package."""


def image(**facts: Any) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = US_IMAGE
    dataset.SOPInstanceUID = "1.2.3.1"
    dataset.StudyInstanceUID = "1.2.3.2"
    dataset.SeriesInstanceUID = "1.2.3.3"
    for keyword, value in facts.items():
        setattr(dataset, keyword, value)
    return dataset


def test_references_are_mapped_like_what_they_refer_to() -> None:
    first = image(SOPInstanceUID="1.2.5.1", FrameOfReferenceUID="1.2.5.9")
    reference = image()
    item, series = Dataset(), Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = US_IMAGE, "1.2.5.1"
    series.SeriesInstanceUID, series.ReferencedInstanceSequence = "1.2.3.3", [item]
    reference.ReferencedSeriesSequence = [series]
    reference.FrameOfReferenceUID = "1.2.5.9"
    one, two = deidentify_dataset(first, KEY), deidentify_dataset(reference, Key(KEY.secret))
    found = two.ReferencedSeriesSequence[0]
    assert found.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == one.SOPInstanceUID
    assert found.ReferencedInstanceSequence[0].ReferencedSOPClassUID == US_IMAGE
    assert found.SeriesInstanceUID == one.SeriesInstanceUID == two.SeriesInstanceUID
    assert one.StudyInstanceUID == two.StudyInstanceUID
    assert one.FrameOfReferenceUID == two.FrameOfReferenceUID
    uids = {one.SOPInstanceUID, one.StudyInstanceUID, one.SeriesInstanceUID, one.FrameOfReferenceUID}
    assert len(uids) == 4
    assert all(UID(uid).is_valid and uid.startswith("2.25.") for uid in uids)


def test_the_same_patient_gets_the_same_pseudonym_and_another_one_another() -> None:
    same = [
        image(PatientID="17", PatientName="Doe^Jane"),
        image(PatientID=" 17 ", PatientName="Doe^J", SOPInstanceUID="1.2.9"),
    ]
    others = [
        image(PatientID="18"),
        image(PatientID="17", IssuerOfPatientID="B"),
        image(PatientName="Doe^Jane"),
        image(PatientName="Doe^Jane", PatientBirthDate="19500101"),
        image(),
        image(StudyInstanceUID="1.2.7"),
    ]
    assert len({patient_pseudonym(dataset, KEY) for dataset in same}) == 1
    assert len({patient_pseudonym(dataset, KEY) for dataset in (same[0], *others)}) == 7
    unnamed = [image(PatientName="DOE^JANE^^"), image(PatientName="Doe^Jane", SOPInstanceUID="1.2.9")]
    assert len({patient_pseudonym(dataset, KEY) for dataset in unnamed}) == 1
    result = deidentify_dataset(same[0], KEY)
    assert result.PatientName == result.PatientID == patient_pseudonym(same[1], KEY)


def test_dates_are_gone() -> None:
    result = deidentify_dataset(image(StudyDate="20200101", ContentDate="20200101", SeriesDate="20200101"), KEY)
    assert result.StudyDate is None or result.StudyDate == ""
    assert not result.ContentDate
    assert "SeriesDate" not in result


@pytest.mark.parametrize(("anonymise", "checked"), [(False, False), (True, False), (False, True)])
def test_without_evidence_nothing_is_promised(*, anonymise: bool, checked: bool) -> None:
    for before, after in (("NO", None), ("YES", "YES"), (None, None)):
        dataset = image(**({"BurnedInAnnotation": before} if before else {}), PatientIdentityRemoved="YES")
        result = deidentify_dataset(dataset, KEY, anonymise=anonymise, pixels_checked=checked)
        assert result.PatientIdentityRemoved == "NO"
        assert result.get("BurnedInAnnotation") == after
        assert [item.CodeValue for item in result.DeidentificationMethodCodeSequence] == ["113100"]


def test_with_evidence_it_is_said() -> None:
    result = deidentify_dataset(image(BurnedInAnnotation="YES"), KEY, anonymise=True, pixels_checked=True)
    assert result.PatientIdentityRemoved == "YES"
    assert result.BurnedInAnnotation == "NO"
    assert result.LongitudinalTemporalInformationModified == "REMOVED"
    assert [item.CodeValue for item in result.DeidentificationMethodCodeSequence] == ["113100", "113101"]
    assert result.ContributingEquipmentSequence[0].ManufacturerModelName == "bus_toolkit"


def test_known_codes_stay_with_the_carried_meaning_and_others_go() -> None:
    breast, local = Dataset(), Dataset()
    breast.CodeValue, breast.CodingSchemeDesignator, breast.CodeMeaning = "T-04000", "SRT", "Breast of Jane Doe"
    local.CodeValue, local.CodingSchemeDesignator, local.CodeMeaning = "DOE", "99LOCAL", "Jane Doe"
    result = deidentify_dataset(image(AnatomicRegionSequence=[breast, local]), KEY)
    assert [(item.CodeValue, item.CodeMeaning) for item in result.AnatomicRegionSequence] == [("T-04000", "Breast")]
    assert "ViewCodeSequence" not in deidentify_dataset(image(ViewCodeSequence=[local]), KEY)


def test_image_type_keeps_the_standards_terms() -> None:
    def kept(*values: str) -> list[str]:
        return list(deidentify_dataset(image(ImageType=list(values)), KEY).ImageType)

    assert kept("ORIGINAL", "PRIMARY", "BREAST", "0001") == ["ORIGINAL", "PRIMARY", "BREAST", "0001"]
    assert kept("ORIGINAL", "PRIMARY", "JANE DOE", "0001") == ["ORIGINAL", "PRIMARY", "", "0001"]
    assert kept("JANE", "DOE", "DOE", "DOE") == ["DERIVED", "PRIMARY"]


def said(dataset: Dataset) -> Iterator[tuple[str, bytes]]:
    """Every text of a header that is long enough to be searched for, with its keyword."""
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from said(item)
        elif element.VR in TEXTUAL:
            for value in values_of(element):
                text = str(value).strip(" \x00")
                if len(text) >= 5 and not text.startswith("1.2.840.10008."):
                    yield element.keyword or "private", text.encode()


@pytest.mark.parametrize("name", SHIPPED)
def test_of_a_real_file_only_technical_values_come_through(name: str) -> None:
    path = get_testdata_file(f"{name}.dcm", download=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the original is like is not asked here
        dataset = dcmread(path)
        found = [*said(dataset), *said(dataset.file_meta)]
    stream = BytesIO()
    deidentify_dataset(dataset, KEY).save_as(stream, implicit_vr=False, little_endian=True)
    written = stream.getvalue()
    left = {keyword for keyword, text in found if text in written}
    assert len(found) > 15
    assert left <= {record["keyword"] for record in read_rows("keep_list.csv")}
    assert left & {"Manufacturer", "ManufacturerModelName"}  # one has the maker for its institution, too
