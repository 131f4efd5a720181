"""Dates: shifted by whole days with intervals kept, or not kept at all."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import UID

from bus_toolkit.deidentify import Key, deidentify_dataset, identity_of
from bus_toolkit.deidentify.dates import moved
from bus_toolkit.deidentify.key import MOST_DAYS
from bus_toolkit.profile import Dates, Profile

KEY = Key(bytes(range(32)))
MODIFIED = Profile(dates=Dates.MODIFIED)
FULL = Profile(dates=Dates.FULL)
DAYS = st.dates(min_value=date(1900, 1, 1))


def image(patient: str = "17", **facts: object) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.6.1")
    dataset.SOPInstanceUID = "1.2.3.1"
    dataset.StudyInstanceUID = "1.2.3.2"
    dataset.PatientID = patient
    for keyword, value in facts.items():
        setattr(dataset, keyword, value)
    return dataset


def put(dataset: Dataset, keyword: str, vr: str, text: str) -> Dataset:
    """With a value that the dictionary's checks would not let pass."""
    dataset.add(DataElement(Tag(keyword), vr, text, already_converted=True))
    return dataset


def day_of(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


@pytest.mark.parametrize(
    ("text", "vr", "after"),
    [
        ("20200301", "DA", "20200229"),
        ("2020.03.01", "DA", "20200229"),
        (" 20200301 ", "DA", "20200229"),
        ("20200301123456.789+0100", "DT", "20200229123456.789+0100"),
        ("2020030112", "DT", "2020022912"),
        ("20200301-0530", "DT", "20200229-0530"),
        ("202003", "DT", "202003"),
        ("2020", "DT", "2020"),
        ("123456.789", "TM", "123456.789"),
        ("12:34:56", "TM", "123456"),
        ("23", "TM", "23"),
        ("+0330", "SH", "+0330"),
    ],
)
def test_forms_that_the_standard_knows(text: str, vr: str, after: str) -> None:
    assert moved(text, vr, 1) == after


@pytest.mark.parametrize(
    ("text", "vr"),
    [
        ("20200230", "DA"),
        ("20200101-20200301", "DA"),
        ("2020.0301", "DA"),
        ("Jane Doe", "DA"),
        ("\u0662\u0660\u0662\u0660\u0660\u0663\u0660\u0661", "DA"),
        ("20201301", "DT"),
        ("20200301256000", "DT"),
        ("20200301+9900", "DT"),
        ("20200301120000.1234567", "DT"),
        ("2460", "TM"),
        ("120000 Doe", "TM"),
        ("12:3456", "LO"),
        ("UTC+1", "SH"),
        ("00010101", "DA"),
        ("0001", "DT"),
    ],
)
def test_anything_else_is_no_date_and_none_lies_before_the_year_one(text: str, vr: str) -> None:
    assert moved(text, vr, 400) is None


@given(day=DAYS, other=DAYS, days=st.integers(1, MOST_DAYS))
def test_intervals_stay(day: date, other: date, days: int) -> None:
    first, second = (moved(f"{each:%Y%m%d}", "DA", days) for each in (day, other))
    assert first is not None
    assert second is not None
    assert day_of(second) - day_of(first) == other - day
    assert day - day_of(first) == timedelta(days=days)


@given(day=DAYS, days=st.integers(0, MOST_DAYS))
def test_a_date_and_a_date_with_time_move_alike(day: date, days: int) -> None:
    alone, timed = moved(f"{day:%Y%m%d}", "DA", days), moved(f"{day:%Y%m%d}101112.5+0200", "DT", days)
    assert timed == f"{alone}101112.5+0200"


@given(patient=st.text("ABC123", min_size=1, max_size=5), other=st.text("xyz789", min_size=1, max_size=5))
def test_one_patient_has_one_shift_within_ten_years(patient: str, other: str) -> None:
    identity = ("id", patient, "")
    assert KEY.days(*identity) == Key(KEY.secret).days(*identity)
    assert 1 <= KEY.days(*identity) <= MOST_DAYS
    assert {Key(bytes([n]) * 32).days(*identity) for n in range(4)} != {KEY.days("id", other, "")}


def test_patients_differ_in_their_shift() -> None:
    assert len({KEY.days("id", str(number), "") for number in range(200)}) > 180


@given(days=st.lists(DAYS, min_size=2, max_size=4))
def test_intervals_stay_across_files_studies_and_depths_of_a_patient(days: list[date]) -> None:
    after = []
    for number, day in enumerate(days):
        item = Dataset()
        item.AcquisitionDateTime = f"{day:%Y%m%d}1200"
        dataset = image(StudyDate=f"{day:%Y%m%d}", StudyTime="1200", StudyInstanceUID=f"1.2.{number}")
        dataset.SharedFunctionalGroupsSequence = [item]
        result = deidentify_dataset(dataset, KEY, profile=MODIFIED)
        nested = result.SharedFunctionalGroupsSequence[0].AcquisitionDateTime
        assert nested == f"{result.StudyDate}1200"
        assert result.StudyTime == "1200"
        after.append(day_of(result.StudyDate))
    shift = timedelta(days=identity_of(image(), KEY, MODIFIED)["shift_days"])
    assert [day - shift for day in days] == after


def test_other_patients_move_otherwise() -> None:
    dates = {deidentify_dataset(image(str(n), StudyDate="20200301"), KEY, profile=MODIFIED).StudyDate for n in range(9)}
    assert len(dates) == 9
    assert "20200301" not in dates


def test_full_dates_stay_in_the_form_of_today() -> None:
    dataset = image(StudyDate="20200301", SeriesTime="101112", TimezoneOffsetFromUTC="+0100")
    put(dataset, "AcquisitionDate", "DA", "2020.03.01")
    result = deidentify_dataset(dataset, KEY, profile=FULL)
    assert (result.StudyDate, result.SeriesTime, result.AcquisitionDate) == ("20200301", "101112", "20200301")
    assert result.TimezoneOffsetFromUTC == "+0100"
    assert identity_of(dataset, KEY, FULL)["shift_days"] == 0


@pytest.mark.parametrize("profile", [MODIFIED, FULL])
def test_a_malformed_date_gets_the_basic_action(profile: Profile) -> None:
    dataset = image()
    for keyword in ("StudyDate", "SeriesDate"):
        put(dataset, keyword, "DA", "JANEDOE1")
    put(dataset, "ContentTime", "TM", "JANE")
    result = deidentify_dataset(dataset, KEY, profile=profile)
    assert not result.StudyDate
    assert "SeriesDate" not in result
    assert not result.get("ContentTime")


@pytest.mark.parametrize("profile", [MODIFIED, FULL])
def test_dates_of_the_person_are_no_temporal_information(profile: Profile) -> None:
    result = deidentify_dataset(image(PatientBirthDate="19500101", PatientBirthTime="0101"), KEY, profile=profile)
    assert not result.PatientBirthDate
    assert "PatientBirthTime" not in result


@pytest.mark.parametrize(("profile", "term"), [(Profile(), "REMOVED"), (MODIFIED, "MODIFIED"), (FULL, "UNMODIFIED")])
def test_what_became_of_time_is_said(profile: Profile, term: str) -> None:
    result = deidentify_dataset(image(StudyDate="20200301"), KEY, profile=profile)
    assert result.LongitudinalTemporalInformationModified == term
