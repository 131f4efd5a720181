"""Types of attributes decide conditional actions; the table agrees with two others."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom.datadict import tag_for_keyword

from bus_toolkit.deidentify.private import safe_private
from bus_toolkit.deidentify.table import Action, action_for, by_tag, rows
from bus_toolkit.deidentify.types import OBJECTS, attribute_type
from bus_toolkit.profile import Dates, Profile

ROOT = Path(__file__).parents[2]
US_IMAGE = "1.2.840.10008.5.1.4.1.1.6.1"
SC = "1.2.840.10008.5.1.4.1.1.7"


def tag(keyword: str) -> int:
    found = tag_for_keyword(keyword)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("keyword", "kind"), [("SourceImageSequence", "3"), ("SeriesDate", "3"), ("ContentDate", "2C")]
)
def test_types_are_those_of_the_object(keyword: str, kind: str) -> None:
    assert attribute_type(US_IMAGE, (), tag(keyword)) == kind
    assert attribute_type("1.2.3", (), tag(keyword)) is None


def test_the_type_depends_on_the_object_and_on_the_place() -> None:
    kinds = {attribute_type(uid, (), tag("ContentDate")) for uid in OBJECTS}
    assert kinds == {"1", "2C"}
    inside = (tag("RequestAttributesSequence"),)
    assert attribute_type(US_IMAGE, inside, tag("ContentDate")) == "3"


def test_an_attribute_that_the_object_does_not_name_is_of_type_3() -> None:
    assert attribute_type(US_IMAGE, (), tag("BeamHoldTransitionDateTime")) == "3"
    assert {attribute_type(uid, (), tag("PatientComments")) for uid in OBJECTS} == {"3"}


def test_a_conditional_action_follows_the_type() -> None:
    conditional = [row for row in rows() if row.basic == "X/Z/D"]
    assert conditional
    for row in conditional:
        assert action_for(row, Profile(), "3") is Action.REMOVE
        assert action_for(row, Profile(), "2") is Action.ZERO
        assert action_for(row, Profile(), "1") is Action.DUMMY
        assert action_for(row, Profile(), None) is Action.DUMMY


def test_options_override_the_basic_action_and_the_weakest_removal_counts() -> None:
    table = by_tag()
    assert action_for(table[tag("StudyDate")], Profile(dates=Dates.MODIFIED), "2") is Action.CLEAN
    assert action_for(table[tag("StudyDate")], Profile(dates=Dates.FULL), "2") is Action.KEEP
    assert action_for(table[tag("PatientName")], Profile(dates=Dates.FULL, retain_uids=True), "2") is Action.ZERO
    serial = table[tag("DeviceSerialNumber")]
    assert action_for(serial, Profile(retain_device_identity=True), "3") is Action.KEEP
    assert action_for(serial, Profile(retain_institution_identity=True), "3") is not Action.KEEP
    both = Profile(dates=Dates.MODIFIED, retain_device_identity=True)
    calibrated = table[tag("DateOfLastCalibration")]
    assert action_for(calibrated, both, "3") is Action.KEEP


def test_safe_private_attributes_are_listed_by_creator_group_and_place() -> None:
    assert safe_private("GEMS_ACQU_01", 0x0019, 0x1023) == "DS"
    assert safe_private("GEMS_ACQU_01  ", 0x0019, 0x23) == "DS"
    assert safe_private("GEMS_ACQU_01", 0x0019, 0x22) is None
    assert safe_private("SOMEBODY", 0x0019, 0x23) is None


def test_the_table_agrees_with_two_others() -> None:
    if importlib.util.find_spec("dicomanonymizer") is None:
        pytest.skip("dicom-anonymizer is not installed (it comes with the extra dev)")
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, str(ROOT / "tools" / "check_table.py")], capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stdout
    assert "656 rows" in done.stdout
