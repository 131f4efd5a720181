"""A token in every attribute that Table E.1-1 names, at every depth: none comes out."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from tests.canary.plant_headers import (
    GONE_NESTING,
    KEPT_NESTING,
    PRIVATE_SEQUENCE,
    as_image,
    cleaned,
    in_a_file,
    join,
    load,
    nest,
    numeric_tags,
    plant,
    plant_private,
    plant_table,
    reread,
    short_left,
    table_tags,
)
from tests.canary.plant_tokens import Tokens

DEPTHS = {
    "top": (),
    "one deep": KEPT_NESTING[:1],
    "two deep": KEPT_NESTING[1:],
    "three deep": KEPT_NESTING,
    "in what goes": GONE_NESTING,
    "in a private sequence": (PRIVATE_SEQUENCE,),
    "private, private": (PRIVATE_SEQUENCE, PRIVATE_SEQUENCE),
    "private, standard": (PRIVATE_SEQUENCE, KEPT_NESTING[0]),
    "standard, private, standard": (KEPT_NESTING[0], PRIVATE_SEQUENCE, KEPT_NESTING[1]),
}
SYNTAXES = {"explicit": ExplicitVRLittleEndian, "implicit": ImplicitVRLittleEndian, "big": ExplicitVRBigEndian}


def planted(tokens: Tokens, *, private: bool = True) -> Dataset:
    """The whole table at every depth of :data:`DEPTHS`, in one image."""
    whole = Dataset()
    for name, tags in DEPTHS.items():
        table = plant_table(tokens, f"{name}: ")
        if private:
            plant_private(table, tokens, f"{name}: ")
        join(whole, nest(table, *tags))
    return as_image(whole)


def check(tokens: Tokens, data: bytes) -> None:
    assert tokens.found_in(data) == []
    assert short_left(load(data), numeric_tags().__contains__) == []


def test_no_token_of_the_table_survives_at_any_depth() -> None:
    tokens = Tokens()
    raw = in_a_file(planted(tokens), tokens)
    # What is planted is there, but for what makes the object an image.
    lost = set(tokens.made.values()) - {found.rpartition(" (")[0] for found in tokens.found_in(raw)}
    assert {where.rpartition(": ")[2] for where in lost} <= {"00080016 UI", "00080060 CS"}
    assert len(tokens) > 9000
    check(tokens, cleaned(load(raw)))


@pytest.mark.parametrize("name", SYNTAXES)
def test_no_token_survives_in_any_encoding_of_the_file(name: str) -> None:
    tokens = Tokens()
    dataset = as_image(join(plant_table(tokens), nest(plant_table(tokens), *KEPT_NESTING[:2])))
    raw = in_a_file(dataset, tokens, SYNTAXES[name])
    check(tokens, cleaned(load(raw)))


@pytest.mark.parametrize(
    "sop_class",
    [
        "1.2.840.10008.5.1.4.1.1.6.2",  # Enhanced US Volume
        "1.2.840.10008.5.1.4.1.1.3.1",  # US multi-frame
        "1.2.840.10008.5.1.4.1.1.7",  # Secondary capture
        "1.2.840.10008.5.1.4.1.1.88.11",  # Basic text SR
        "1.2.840.10008.5.1.4.1.1.104.1",  # Encapsulated PDF
    ],
)
def test_no_token_survives_in_objects_of_other_classes(sop_class: str) -> None:
    tokens = Tokens()
    dataset = as_image(join(plant_table(tokens), nest(plant_table(tokens), *KEPT_NESTING[:2])))
    dataset.SOPClassUID = UID(sop_class)
    check(tokens, cleaned(dataset))


def test_no_token_survives_when_the_input_says_that_it_is_clean() -> None:
    tokens = Tokens()
    dataset = as_image(plant_table(tokens))
    dataset.PatientIdentityRemoved, dataset.BurnedInAnnotation = "YES", "NO"
    dataset.DeidentificationMethod = tokens.text("method")
    check(tokens, cleaned(dataset))


def test_no_token_survives_in_several_values() -> None:
    """The second and later values of an attribute are values, too."""
    tokens = Tokens()
    dataset = as_image(Dataset())
    many = {"LO": "OtherPatientIDs", "PN": "OperatorsName", "SH": "StationName", "AE": "StationAETitle"}
    for vr, keyword in many.items():
        setattr(dataset, keyword, [tokens.value(vr, keyword) for _ in range(5)])
    dataset.ImageType = ["ORIGINAL", "PRIMARY", *(tokens.value("CS", "ImageType") for _ in range(4))]
    dataset.AcquisitionDate = tokens.value("DA", "AcquisitionDate")
    dataset.ReferencedFrameOfReferenceUID = tokens.value("UI", "frame of reference")
    dataset.PatientOrientation = [tokens.value("CS", "PatientOrientation") for _ in range(2)]
    dataset.Manufacturer = f"ACME {tokens.made and dataset.OtherPatientIDs[3]}"
    check(tokens, cleaned(dataset))


@pytest.mark.parametrize("vr", ["LO", "UT", "OB", "SH", "PN", "UI"])
def test_no_token_survives_under_a_wrong_value_representation(vr: str) -> None:
    tokens = Tokens()
    dataset = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for tag in {*table_tags(), *numeric_tags()}:
            plant(dataset, tag, vr, tokens)
    raw = in_a_file(as_image(dataset), tokens)
    assert tokens.found_in(cleaned(load(raw))) == []


def test_the_output_of_a_full_table_reads_without_a_warning() -> None:
    tokens = Tokens()
    data = cleaned(planted(tokens))
    back: Any = reread(data)
    assert back.PatientIdentityRemoved == "YES"
