"""The quickest of the canaries: what stays on purpose goes when it is an identifier. All others: tests/canary."""

from __future__ import annotations

import struct
import warnings

import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID

from bus_toolkit.deidentify import Key, deidentify_dataset
from bus_toolkit.errors import InputError
from tests.canary.plant_headers import KEPT_NESTING, as_image, cleaned, plant_item, reread
from tests.canary.plant_tokens import Tokens

KEY = Key(bytes(range(32)))


def image() -> Dataset:
    return as_image(Dataset())


def test_names_in_number_strings_do_not_survive() -> None:
    dataset, raw = image(), Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw.add(DataElement(Tag(0x00181063), "DS", "DOEJANE", already_converted=True))
        dataset.add(raw[0x00181063])
        dataset.add(DataElement(Tag(0x00200011), "IS", "DOEJANE", already_converted=True))
        dataset.add(DataElement(Tag(0x00080060), "CS", "DOEJANE", already_converted=True))
    data = cleaned(dataset)
    assert b"DOEJANE" not in data
    back = reread(data)
    assert "FrameTime" not in back
    assert back.SeriesNumber is None


def test_kept_text_goes_when_it_holds_an_identifier() -> None:
    dataset = image()
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
    dataset = image()
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
    with pytest.raises(InputError) as caught:
        deidentify_dataset(dataset, KEY)
    assert caught.value.code == "unknown_sop_class"
    assert "1.2.3.4" not in str(caught.value)


def test_very_deep_nesting_is_taken_out_and_does_not_raise() -> None:
    tokens = Tokens()
    inner = plant_item(tokens)
    # An item of which nothing is left may go with its sequence; a number stays.
    inner.RegionDataType = 1
    for _ in range(150):
        outer = Dataset()
        outer.RegionDataType = 1
        outer.add(DataElement(Tag(KEPT_NESTING[0]), "SQ", Sequence([inner])))
        inner = outer
    data = cleaned(as_image(inner))
    assert tokens.found_in(data) == []
    assert 60 <= data.count(struct.pack("<HH", 0x0018, 0x6011)) <= 64
