"""What belonged together still does, and nothing else: across files, folders, runs, processes, options and keys."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset

from bus_toolkit.deidentify import Key, deidentify_dataset
from bus_toolkit.profile import Dates, Profile
from tests.canary.conftest import ingest, write_key
from tests.canary.plant_headers import KEPT_NESTING, KEY, OTHER_KEY, US_IMAGE, as_image, walk
from tests.canary.plant_streams import frames, image
from tests.canary.plant_tokens import Tokens
from tests.canary.test_canary_pixels import stored

if TYPE_CHECKING:
    from pathlib import Path

MODIFIED = Profile(dates=Dates.MODIFIED)


def scan(patient: str, study: int, series: int, instance: int, day: str = "20200115") -> Dataset:
    """One of a patient's scans; the same numbers give the same UIDs, whoever the patient is."""
    dataset = as_image(Dataset())
    dataset.PatientID, dataset.PatientName = patient, f"{patient}^Name"
    dataset.StudyInstanceUID = f"1.2.3.{study}"
    dataset.SeriesInstanceUID = f"1.2.3.{study}.{series}"
    dataset.SOPInstanceUID = f"1.2.3.{study}.{series}.{instance}"
    dataset.FrameOfReferenceUID = f"1.2.9.{study}"
    dataset.StudyDate = dataset.ContentDate = day
    dataset.StudyTime, dataset.AcquisitionDateTime = "101112.5", f"{day}101112.500000"
    return dataset


def referring(to: Dataset) -> Dataset:
    """A scan that names another in every nested way."""
    item, series, study = Dataset(), Dataset(), Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = US_IMAGE, to.SOPInstanceUID
    series.SeriesInstanceUID, series.ReferencedInstanceSequence = to.SeriesInstanceUID, [item]
    study.StudyInstanceUID, study.ReferencedSeriesSequence = to.StudyInstanceUID, [series]
    dataset = scan(to.PatientID, 77, 1, 1)
    dataset.ReferencedImageSequence = [item]
    dataset.SourceImageSequence = [item]
    dataset.ReferencedSeriesSequence = [series]
    dataset.StudiesContainingOtherReferencedInstancesSequence = [study]
    dataset.FrameOfReferenceUID = to.FrameOfReferenceUID
    return dataset


def uids(dataset: Dataset) -> set[str]:
    return {
        str(value)
        for _, element in walk(dataset)
        if element.VR == "UI"
        for value in (element.value if isinstance(element.value, list) else [element.value])
        if value and str(value).startswith("2.25.")
    }


def test_references_point_to_the_new_uids() -> None:
    target = scan("A", 1, 2, 3)
    new, referrer = (deidentify_dataset(dataset, KEY) for dataset in (target, referring(target)))
    named = {path[-1]: str(element.value) for path, element in walk(referrer) if len(path) > 1 and element.VR == "UI"}
    assert named[0x00081155] == new.SOPInstanceUID
    assert named[0x0020000E] == new.SeriesInstanceUID
    assert named[0x0020000D] == new.StudyInstanceUID
    assert referrer.FrameOfReferenceUID == new.FrameOfReferenceUID
    every = [str(element.value) for path, element in walk(referrer) if path[-1] == 0x00081155]
    assert set(every) == {new.SOPInstanceUID}
    assert len(every) >= 2


def test_two_patients_share_nothing_and_another_key_gives_other_values() -> None:
    first, second = scan("A", 1, 1, 1), scan("B", 2, 1, 1)
    made = {
        (patient.PatientID, key.fingerprint): deidentify_dataset(patient, key)
        for patient in (first, second)
        for key in (KEY, OTHER_KEY)
    }
    everything = [uids(result) | {str(result.PatientID)} for result in made.values()]
    for number, one in enumerate(everything):
        assert len(one) >= 5
        for other in everything[number + 1 :]:
            assert one.isdisjoint(other)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dates(date(1950, 1, 1), date(2035, 12, 31)), min_size=2, max_size=6),
    st.binary(min_size=32, max_size=32),
    st.integers(0, 3),
)
def test_intervals_stay_under_modified_dates(days: list[date], secret: bytes, deep: int) -> None:
    key = Key(secret)
    shifts = set()
    for number, day in enumerate(days):
        dataset = scan("A", number, 1, 1, f"{day:%Y%m%d}")
        inner = dataset
        for tag in KEPT_NESTING[:deep]:
            item = Dataset()
            item.ContentDate = f"{day:%Y%m%d}"
            inner.add_new(tag, "SQ", [item])
            inner = item
        result = deidentify_dataset(dataset, key, profile=MODIFIED)
        for path, element in walk(result):
            if path[-1] in {0x00080020, 0x00080023, 0x0008002A}:
                value = str(element.value)
                shifts.add(date(int(value[:4]), int(value[4:6]), int(value[6:8])) - day)
        assert result.StudyTime == "101112.5"
        assert str(result.AcquisitionDateTime)[8:] == "101112.500000"
        assert result.LongitudinalTemporalInformationModified == "MODIFIED"
    assert len(shifts) == 1
    assert next(iter(shifts)).days != 0


def test_shifts_differ_between_patients() -> None:
    moved = {str(deidentify_dataset(scan(f"P{n}", 1, 1, 1), KEY, profile=MODIFIED).StudyDate) for n in range(20)}
    assert len(moved) > 10


@pytest.mark.parametrize("profile", [Profile(), MODIFIED, Profile(dates=Dates.FULL), Profile(retain_uids=True)])
def test_the_same_input_gives_the_same_output_under_every_option(profile: Profile) -> None:
    first, again = (deidentify_dataset(scan("A", 1, 1, 1), Key(KEY.secret), profile=profile) for _ in range(2))
    assert first == again


def _in_a_process(number: int) -> tuple[str, str, str]:
    result = deidentify_dataset(scan("A", 1, 1, number), Key(KEY.secret), profile=MODIFIED)
    return str(result.PatientID), str(result.StudyInstanceUID), str(result.StudyDate)


def test_worker_processes_map_alike() -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        made = set(pool.map(_in_a_process, range(4)))
    assert made == {_in_a_process(9)}


def fill(src: Path, patients: tuple[str, ...]) -> None:
    for patient in patients:
        for instance in (1, 2):
            pixels = frames(rows=120, cols=160, seed=40 + instance + 10 * patients.index(patient))
            dataset = image(pixels, "native", Tokens())
            made: Any = scan(patient, 1 + patients.index(patient), 1, instance)
            for element in made:
                if element.tag.group not in {0x0028, 0x7FE0}:
                    dataset.add(element)
            folder = src / f"folder {instance} of {patient}"
            folder.mkdir(parents=True)
            stored(dataset, folder / f"{patient}_{instance}.dcm")


@pytest.mark.slow
def test_runs_folders_and_numbers_of_processes_map_alike(tmp_path: Path) -> None:
    made = {}
    for run, (jobs, secret) in enumerate(((0, b"k" * 32), (2, b"k" * 32), (0, b"j" * 32))):
        src = tmp_path / f"src {run}"
        fill(src, ("ANNA", "BERTA"))
        key = write_key(tmp_path / f"key {run}", secret)
        done = ingest(src, tmp_path / f"out {run}", "--jobs", str(jobs), key=key)
        assert len(done.records) == 4, done.said
        read = [dcmread(path) for path in sorted((done.out / "dicom").rglob("*.dcm"))]
        made[run] = {(str(one.PatientID), str(one.StudyInstanceUID), str(one.SOPInstanceUID)) for one in read}
        assert len(made[run]) == 4
        assert len({patient for patient, _, _ in made[run]}) == 2
        assert len({(patient, study) for patient, study, _ in made[run]}) == 2
    assert made[0] == made[1]
    assert {part for row in made[0] for part in row}.isdisjoint({part for row in made[2] for part in row})
