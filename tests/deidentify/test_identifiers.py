"""What is gathered as identifying, and what is not."""

import json

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from bus_toolkit.deidentify import Identifiers
from bus_toolkit.profile import Profile

VOCABULARY = (
    *("LEFT BREAST", "RIGHT BREAST 12 O'CLOCK", "GAIN 45", "12 O'CLOCK", "Philips", "LOGIQ E9", "MI 0.9", "TIs 0.3"),
    *("DR 60", "FR 32 Hz", "Depth 3.5 cm", "RAD", "ARAD", "Dist 1.23 cm", "L12-5", "Map 4", "2D 67%", "Res", "SAMSUNG"),
)


def _header() -> Dataset:
    header = Dataset()
    header.PatientName = "Okafor^Ngozi=山田^花子"
    header.PatientID = "AB-4711"
    header.PatientBirthDate = "19670412"
    header.StudyDate = "20230131"
    return header


def test_names_of_every_spelling_are_gathered_apart() -> None:
    found = Identifiers.of(_header())
    assert found.names == {"okafor ngozi", "山田 花子"}
    assert {"okafor", "ngozi", "山田", "花子"} <= found.words


def test_a_list_of_references_does_not_push_out_the_name() -> None:
    header = _header()
    header.ReferencedImageSequence = [Dataset() for _ in range(5000)]
    for item in header.ReferencedImageSequence:
        item.ReferencedSOPInstanceUID = generate_uid()
    found = Identifiers.of(header)
    assert "okafor" in found.words
    assert len(found.uids) == 5000


def test_json_round_trip_and_union() -> None:
    found = Identifiers.of(_header())
    assert Identifiers.from_json(json.loads(json.dumps(found.to_json()))) == found
    other = Identifiers(words=frozenset({"lund"}))
    assert found.merged([other]) == Identifiers.union([found, other])
    assert "okafor" not in repr(found).casefold()


def test_what_an_option_keeps_is_not_searched_for() -> None:
    header = _header()
    header.InstitutionName = "Kantonsspital"
    assert "kantonsspital" in Identifiers.of(header).ids
    assert "kantonsspital" not in Identifiers.of(header, profile=Profile(retain_institution_identity=True)).ids


@pytest.mark.parametrize("text", ["seen by Li Wu today", "WU^LI", "12.04.1967", "ab4711", "AB 47-11", "山田さん"])
def test_found_in_texts(text: str) -> None:
    known = Identifiers.of(_header()).merged([Identifiers(names=frozenset({"li wu", "wu li"}))])
    assert known.found_in(text)


@pytest.mark.parametrize("text", ["0kafor", "OKAF0R", "Okafer", "A8-47l1", "12 Apr 1967"])
def test_what_recognition_misreads_is_known_again(text: str) -> None:
    assert Identifiers.of(_header()).resembles(text)


@pytest.mark.parametrize("text", VOCABULARY)
def test_words_of_the_screen_resemble_nobody(text: str) -> None:
    assert not Identifiers.of(_header()).resembles(text)


def test_raster_texts_and_paths() -> None:
    found = Identifiers.of_texts(["Okafor, Ngozi", "id 99887766 of June"], names=("ward7", "Lund_1967-04-12.png"))
    assert "okafor ngozi" in found.names
    assert "99887766" in found.ids
    assert "lund" in found.words
    assert found.dates == {"19670412"}
    assert not Identifiers.of_texts([], names=("malignant", "us1.png")).ids
