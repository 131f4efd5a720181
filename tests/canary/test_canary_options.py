"""With an option of PS3.15 on: what it covers survives in the right form, all other tokens are gone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pydicom.dataset import Dataset

from bus_toolkit.deidentify import deidentify_dataset
from bus_toolkit.deidentify.table import by_tag
from bus_toolkit.profile import Dates, Profile
from tests.canary.plant_headers import (
    GONE_NESTING,
    KEPT_NESTING,
    KEY,
    OTHER_KEY,
    PRIVATE_SEQUENCE,
    as_image,
    cleaned,
    in_a_file,
    join,
    load,
    nest,
    numeric_tags,
    plant_private,
    plant_table,
    short_left,
    table_tags,
    vr_of,
    walk,
)
from tests.canary.plant_tokens import BLOBS, TEXT_VRS, Tokens

COLUMNS = {
    "uids": Profile(retain_uids=True),
    "device": Profile(retain_device_identity=True),
    "institution": Profile(retain_institution_identity=True),
    "patient": Profile(retain_patient_characteristics=True),
    "full_dates": Profile(dates=Dates.FULL),
    "modified_dates": Profile(dates=Dates.MODIFIED),
    "descriptors": Profile(clean_descriptors=True),
    "structured_content": Profile(clean_structured_content=True),
    "graphics": Profile(clean_graphics=True),
    "safe_private": Profile(retain_safe_private=True),
}
EVERYTHING = Profile(
    dates=Dates.FULL,
    retain_patient_characteristics=True,
    retain_device_identity=True,
    retain_institution_identity=True,
    retain_uids=True,
    retain_safe_private=True,
    clean_descriptors=True,
    clean_structured_content=True,
    clean_graphics=True,
)
SET_ANEW = {0x00100010, 0x00100020, 0x00080016}
"""Name and id are pseudonyms whatever the options say; the class is what it is."""
TIMEZONE = 0x00080201
"""Of the kind SH, and kept when it is an offset from UTC; a token is none."""
CLOCKS = {"DA", "DT", "TM"}
NESTINGS = ((), KEPT_NESTING[:1], KEPT_NESTING, GONE_NESTING[:1], (PRIVATE_SEQUENCE,))


def covered(column: str, action: str = "K") -> set[int]:
    return {tag for tag in table_tags() if by_tag()[tag].options.get(column) == action} - SET_ANEW


def kept_by(profile: Profile) -> set[int]:
    """What the table's columns say may stay as it is under a profile."""
    return set().union(*(covered(column) for column in COLUMNS if _asks(profile, column)))


def _asks(profile: Profile, column: str) -> bool:
    return any(name.endswith(column) or f"_{column}_" in name for name in profile.names())


def planted(tokens: Tokens) -> Dataset:
    whole = Dataset()
    for tags in NESTINGS:
        where = "".join(f"{tag:08X}/" for tag in tags)
        table = plant_table(tokens, where)
        plant_private(table, tokens, where)
        join(whole, nest(table, *tags))
    return as_image(whole)


@pytest.mark.parametrize("column", COLUMNS)
def test_what_an_option_does_not_cover_is_gone(column: str) -> None:
    tokens = Tokens()
    raw = in_a_file(planted(tokens), tokens)
    allowed = covered(column) | (covered(column, "C") if column == "modified_dates" else set())
    data = cleaned(load(raw), profile=COLUMNS[column])
    # A date that was shifted may fall on a day that another attribute had: dates are compared in place, below.
    dates = {where for where in tokens.made.values() if where[-2:] in CLOCKS} if column == "modified_dates" else set()
    spared = {where for where in tokens.made.values() if _tag(where) in allowed} | dates
    assert tokens.found_in(data, less=spared) == []
    assert short_left(load(data), lambda tag: tag in allowed or tag in numeric_tags()) == []


def _tag(where: str) -> int:
    parts = where.rpartition("/")[2].split()
    return int(parts[-2], 16) if len(parts) > 1 and len(parts[-2]) == 8 else 0


@pytest.mark.parametrize("column", [*COLUMNS, "everything"])
def test_no_value_stays_where_no_option_keeps_it(column: str) -> None:
    """In place, element by element, at every depth."""
    tokens = Tokens()
    before = planted(tokens)
    profile = COLUMNS.get(column, EVERYTHING)
    allowed = kept_by(profile) | numeric_tags() | SET_ANEW | {0x00080005}
    allowed |= covered("modified_dates", "C") if profile.dates is Dates.MODIFIED else set()
    rows = set(table_tags())
    old = {str(element.value) for path, element in walk(before) if path[-1] in rows and element.VR != "SQ"}
    left = {
        "/".join(f"{tag:08X}" for tag in path)
        for path, element in walk(deidentify_dataset(before, KEY, profile=profile, anonymise=True))
        if path[-1] in rows - allowed and element.VR != "SQ" and str(element.value) in old - {"", "None"}
    }
    assert left == set()


@pytest.mark.parametrize("column", ["uids", "device", "institution", "patient", "full_dates"])
def test_what_an_option_keeps_survives_as_it_is(column: str) -> None:
    tags = [tag for tag in covered(column) if vr_of(tag) not in {"SQ", *BLOBS} and by_tag()[tag].keyword]
    tags = [tag for tag in tags if tag != TIMEZONE]
    assert len(tags) >= 7
    before = as_image(join(plant_table(Tokens(), tags=tags), nest(plant_table(Tokens(9000), tags=tags), *KEPT_NESTING)))
    after = load(cleaned(before, profile=COLUMNS[column]))
    left = {path: element.value for path, element in walk(after)}
    for path, element in walk(before):
        if path[-1] in tags:
            assert str(left.get(path)) == str(element.value), "/".join(f"{tag:08X}" for tag in path)


def test_dates_and_times_are_shifted_together_by_whole_days() -> None:
    tags = [tag for tag in covered("modified_dates", "C") if vr_of(tag) in CLOCKS]
    tokens = Tokens()
    before = as_image(join(plant_table(tokens, tags=tags), nest(plant_table(tokens, tags=tags), *KEPT_NESTING[:2])))
    before.PatientID = "a patient"
    shifts = {}
    for key in (KEY, OTHER_KEY):
        after = deidentify_dataset(before, key, profile=COLUMNS["modified_dates"], anonymise=True)
        left = {path: str(element.value) for path, element in walk(after)}
        moved = set()
        for path, element in walk(before):
            old, new = str(element.value), left.get(path, "")
            if element.VR == "TM" and path[-1] in tags:
                assert new == old, path
            elif element.VR in {"DA", "DT"} and path[-1] in tags:
                moved.add(_day(old) - _day(new))
                assert old[8:] == new[8:], path
        assert len(moved) == 1
        shifts[key.fingerprint] = moved.pop()
    assert len(set(shifts.values())) == 2
    assert timedelta(0) not in shifts.values()


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))


def test_descriptors_keep_their_words_and_lose_the_tokens() -> None:
    tags = [tag for tag in covered("descriptors", "C") if vr_of(tag) in TEXT_VRS - {"CS", "PN", "AE", "UR"}]
    assert len(tags) > 60
    tokens = Tokens()
    before = as_image(Dataset())
    for tag in tags:
        before.add_new(tag, vr_of(tag), f"left {tokens.text(f'{tag:08X} {vr_of(tag)}')}")
    after = deidentify_dataset(before, KEY, profile=COLUMNS["descriptors"], anonymise=True)
    assert {tag: str(after[tag].value) for tag in tags if tag in after} == dict.fromkeys(tags, "left")
    assert tokens.found_in(cleaned(before, profile=COLUMNS["descriptors"])) == []


def test_a_word_of_the_vocabulary_that_is_a_name_in_this_file_goes() -> None:
    before = as_image(Dataset())
    before.StudyDescription = "left heart, Klein, inner"
    profile = COLUMNS["descriptors"]
    assert deidentify_dataset(before, KEY, profile=profile).StudyDescription == "left heart inner"
    item = Dataset()
    item.OperatorsName = "Heart^Inner^Mae"
    before.ReferencedSeriesSequence = [item]
    assert deidentify_dataset(before, KEY, profile=profile).StudyDescription == "left"


def test_without_the_option_descriptors_go_whole() -> None:
    before = as_image(Dataset())
    before.StudyDescription, before.SeriesDescription = "left breast", "right"
    data = cleaned(before)
    assert b"breast" not in data
    assert b"right" not in data


def test_everything_on_keeps_no_name_no_id_and_no_private_token() -> None:
    tokens = Tokens()
    before = planted(tokens)
    raw = in_a_file(before, tokens)
    data = cleaned(load(raw), profile=EVERYTHING)
    allowed = kept_by(EVERYTHING)
    spared = {where for where in tokens.made.values() if _tag(where) in allowed}
    # Whole sequences that an option keeps are cleaned inside by the same rules.
    assert tokens.found_in(data, less=spared) == []
    assert [path for path, element in walk(load(data)) if element.tag.is_private] == []
