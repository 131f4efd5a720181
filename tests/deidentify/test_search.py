"""What is searched for is found in every form, and nothing is found where nothing is."""

import base64
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from bus_toolkit.deidentify import Identifiers
from bus_toolkit.deidentify.identifier_forms import date_forms, dates_in
from bus_toolkit.deidentify.search import Search

HEADER = Dataset()
HEADER.PatientName = "Müllerström^Grigorij=山田太郎^花子"
HEADER.PatientID = "20-4711-9981"
HEADER.PatientBirthDate = "19670412"
HEADER.StudyInstanceUID = "1.2.840.113619.2.55.77001"
HEADER.OtherPatientIDsSequence = [Dataset()]
HEADER.OtherPatientIDsSequence[0].PatientID = "NESTED-88123"
KNOWN = Identifiers.of(HEADER)
SEARCH = Search(KNOWN, packed=True)
FORMS = (
    "müllerström".encode(),
    "MÜLLERSTRÖM".encode(),
    "Müllerström".encode("latin-1"),
    "Müllerström".encode("utf-16-le"),
    "Müllerström".encode("utf-16-be"),
    b"Muellerstroem",
    b"Mullerstrom",
    "山田太郎".encode(),
    b"Grigorij",
    b"20-4711-9981",
    b"2047119981",
    b"nested-88123",
    b"1967-04-12",
    b"12.04.1967",
    b"04/12/1967",
    b"19670412",
    b"1.2.840.113619.2.55.77001",
    b"Mullerstrom".hex().encode(),
    base64.b64encode(b"Mullerstrom"),
    base64.b64encode(b"-Mullerstrom"),
    base64.b64encode(b"--Mullerstrom"),
)


@settings(max_examples=100, deadline=None)
@given(form=st.sampled_from(FORMS), before=st.binary(max_size=40), after=st.binary(max_size=20))
def test_a_planted_form_is_found_at_any_offset(form: bytes, before: bytes, after: bytes) -> None:
    assert SEARCH.in_bytes(before + form + after) is not None


@settings(max_examples=50, deadline=None)
@given(offset=st.integers(0, 40), pixels=st.booleans())
def test_long_terms_are_found_in_pixels_too(offset: int, pixels: bool) -> None:  # noqa: FBT001 - hypothesis
    data = bytes(offset) + b"1.2.840.113619.2.55.77001" + bytes(9)
    hit = SEARCH.in_bytes(data, pixels=pixels)
    assert hit is not None
    assert (hit.what, hit.offset) == ("uid", offset)


def test_noise_and_dark_pixels_hold_nothing() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        assert SEARCH.in_bytes(rng.bytes(300_000)) is None
        dark = rng.integers(40, 60, 300_000, np.uint8).tobytes()
        assert SEARCH.in_bytes(dark, pixels=True) is None


def test_a_flat_background_is_no_id() -> None:
    search = Search(Identifiers(ids=frozenset({"11111111111"})))
    assert search.in_bytes(b"1" * 50, pixels=True) is None
    assert search.in_bytes(b"1" * 50) is not None


def test_own_random_names_hold_no_short_term_by_chance() -> None:
    search = Search(Identifiers(ids=frozenset({"1234567"}), words=frozenset({"melissa"})))
    own = b"2.25.991234567998 pabcmelissa234567 " + b"1234567" + b"a" * 57
    assert search.in_bytes(own) is not None
    assert search.in_writing(own) is None
    assert search.in_writing(own + b" 1234567.") is not None


@pytest.mark.parametrize("number", ["123456789012345678", "1234567890123456"])
def test_a_long_number_is_not_taken_for_a_digest(number: str) -> None:
    search = Search(Identifiers(ids=frozenset({number})))
    assert search.in_writing(f"a {number} b".encode()) is not None


@given(st.dates(min_value=date(1900, 1, 2), max_value=date(2099, 12, 31)))
def test_every_form_of_a_date_is_read_again(day: date) -> None:
    told = f"{day:%Y%m%d}"
    if told not in {"19700101", "20000101"}:
        assert all(told in dates_in(form) for form in date_forms(told) if form != f"{day:%d%m%Y}")


def test_nothing_is_shown() -> None:
    shown = repr(SEARCH) + repr(KNOWN) + repr(SEARCH.in_bytes(b"x Grigorij"))
    assert not any(word in shown.casefold() for word in ("grigorij", "4711", "1967"))
