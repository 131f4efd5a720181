"""Clean Descriptors: of a description stay the words of the vocabulary, and nothing else ever."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import UID

from bus_toolkit.deidentify import Identifiers, Key, deidentify_dataset
from bus_toolkit.deidentify.descriptors import LONGEST, cleaned, vocabulary
from bus_toolkit.profile import Profile

KEY = Key(bytes(range(32)))
CLEAN = Profile(clean_descriptors=True)
NOBODY = Identifiers()


def image(**facts: object) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.6.1")
    for keyword, value in facts.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("US Breast left", "US Breast left"),
        ("US BREAST Doe, Jane LEFT", "US BREAST LEFT"),
        ("US BREAST/AXILLA R/O Mrs Miller", "US BREAST/AXILLA"),
        ("Mama esquerda - D. Maria", "Mama esquerda"),
        ("Ecografía mamaria de Juana", "Ecografía mamaria"),
        (unicodedata.normalize("NFD", "Ecografía mamaria"), "Ecografía mamaria"),
        ("\u00e9chographie du sein gauche, Mme Dupont", "\u00e9chographie sein gauche"),
        ("Brust links 12.03.2021 Station 7", "Brust links"),
        ("3D volume of 4711", "3D of"),
        ("4711", ""),
        ("JaneDoe_breast", "breast"),
        ("", ""),
    ],
)
def test_words_of_the_vocabulary_stay_in_their_order(text: str, after: str) -> None:
    assert cleaned(text, NOBODY).replace(" / ", "/") == after


def test_a_word_that_is_part_of_the_name_goes() -> None:
    dataset = image(PatientName="Needle^Linda", StudyDescription="Needle biopsy breast")
    assert deidentify_dataset(dataset, KEY, profile=CLEAN).StudyDescription == "biopsy breast"


def test_words_that_are_an_id_together_go_together() -> None:
    identifiers = Identifiers.of(image(PatientID="breast-left"))
    assert cleaned("breast left", identifiers) == ""
    assert cleaned("breast right", identifiers) == "breast right"


@given(st.text(max_size=200))
def test_nothing_but_vocabulary_comes_out(text: str) -> None:
    after = cleaned(text, NOBODY)
    assert len(after) <= LONGEST
    assert {word.casefold() for word in after.split()} <= vocabulary() | set("/-+&,")


@given(st.lists(st.sampled_from(sorted(vocabulary())), max_size=30), st.sampled_from([16, 64]))
def test_what_is_clean_is_not_cut_within_a_word_and_stays_when_cleaned_again(words: list[str], longest: int) -> None:
    once = cleaned(" ".join(words), NOBODY, longest)
    assert len(once) <= longest
    assert cleaned(once, NOBODY, longest) == once


def test_no_digits_stand_in_the_vocabulary_but_in_terms() -> None:
    assert {word for word in vocabulary() if not word.isalpha()} == {"2d", "3d", "4d"}
    assert len(vocabulary()) > 250
    assert all(word == word.casefold() == unicodedata.normalize("NFC", word) for word in vocabulary())


def test_with_the_option_descriptions_and_free_text_are_cleaned_and_without_it_gone() -> None:
    dataset = image(
        StudyDescription="US breast of Jane Doe",
        SeriesDescription="Jane Doe",
        PatientComments="left mass, call 555-4711",
        ProtocolName="Breast",
        AnnotationGroupLabel="Doe",
        ReasonForVisit="screening",
        PixelDataProviderURL="urn:doe",
        ImageComments=" ",
    )
    kept = deidentify_dataset(dataset, KEY, profile=CLEAN)
    assert (kept.StudyDescription, kept.PatientComments, kept.ProtocolName) == ("US breast of", "left mass", "Breast")
    assert kept.ReasonForVisit == "screening"
    assert "SeriesDescription" not in kept
    assert "PixelDataProviderURL" not in kept
    assert kept.AnnotationGroupLabel == "REMOVED"
    basic = deidentify_dataset(dataset, KEY)
    assert not {"StudyDescription", "SeriesDescription", "PatientComments", "ProtocolName"} & set(basic.dir())


def test_a_short_kind_of_text_gets_no_more_than_it_may_hold() -> None:
    kept = deidentify_dataset(image(StructureSetLabel="breast left axis"), KEY, profile=CLEAN)
    assert kept.StructureSetLabel == "breast left axis"
    assert cleaned("ultrasound breast", NOBODY, 16) == "ultrasound"


def test_personal_names_are_no_descriptions() -> None:
    kept = deidentify_dataset(image(OperatorsName="Breast", PatientBirthName="Left"), KEY, profile=CLEAN)
    assert not kept.get("OperatorsName")
    assert "PatientBirthName" not in kept
