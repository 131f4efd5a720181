"""The table is the standard's, whole, and agrees with the dictionary; the keep-list never contradicts it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR, keyword_for_tag

from bus_toolkit.deidentify.plan import How, Rule, iod_types, known_codes, plan
from bus_toolkit.deidentify.table import Action, Row, by_tag, read_rows, resolve, rows
from bus_toolkit.errors import ConfigError
from bus_toolkit.profile import Profile


def ruled() -> dict[int, Rule]:
    rules = plan("1.2.840.10008.5.1.4.1.1.6.1", (), Profile())
    return {tag: rule for tag, rule in rules.items() if rule is not None}


def row(keyword: str) -> Row:
    return next(row for row in rows() if row.keyword == keyword)


def test_every_row_is_there_once() -> None:
    assert len(rows()) == 656
    assert len({row.tag for row in rows()}) == 656
    assert len(by_tag()) == 652


def test_actions_have_the_standards_counts() -> None:
    counts = Counter(row.basic for row in rows())
    assert counts == {
        "X": 416,
        "D": 93,
        "U": 55,
        "Z": 42,
        "X/D": 23,
        "X/Z": 11,
        "X/Z/D": 8,
        "Z/D": 6,
        "X/Z/U*": 2,
    }


def test_tags_and_keywords_agree_with_the_dictionary() -> None:
    wrong = {tag: row.keyword for tag, row in by_tag().items() if row.keyword and keyword_for_tag(tag) != row.keyword}
    assert wrong == {}


def test_rows_that_the_dictionary_does_not_know_are_removed() -> None:
    unknown = [row for row in by_tag().values() if not row.keyword]
    assert len(unknown) == 25
    assert {row.basic for row in unknown} == {"X"}


def test_the_open_rows() -> None:
    assert [row.tag for row in rows()[-4:]] == ["50xxxxxx", "60xx3000", "60xx4000", "private"]


@pytest.mark.parametrize(
    ("keyword", "basic", "options"),
    [
        ("PatientName", "Z", {}),
        ("PatientID", "Z/D", {}),
        ("PatientComments", "X", {"descriptors": "C"}),
        ("StudyDescription", "X", {"descriptors": "C"}),
        ("StudyInstanceUID", "U", {"uids": "K"}),
        ("StudyDate", "Z", {"full_dates": "K", "modified_dates": "C"}),
        ("SourceImageSequence", "X/Z/U*", {"uids": "K"}),
        ("InstitutionName", "X/Z/D", {"institution": "K"}),
        ("DeviceSerialNumber", "X/Z/D", {"device": "K"}),
        ("PatientAge", "X", {"patient": "K"}),
        ("ContentSequence", "D", {"structured_content": "C"}),
        ("GraphicAnnotationSequence", "D", {"graphics": "C"}),
    ],
)
def test_known_rows(keyword: str, basic: str, options: dict[str, str]) -> None:
    assert row(keyword).basic == basic
    assert dict(row(keyword).options) == options


@pytest.mark.parametrize(
    ("action", "of_type_1", "of_type_2", "of_type_3", "of_unknown"),
    [
        ("X", "X", "X", "X", "X"),
        ("U", "U", "U", "U", "U"),
        ("X/Z", "Z", "Z", "X", "Z"),
        ("X/D", "D", "D", "X", "D"),
        ("X/Z/D", "D", "Z", "X", "D"),
        ("Z/D", "D", "Z", "Z", "D"),
        ("X/Z/U*", "U", "Z", "X", "U"),
    ],
)
def test_conditional_actions_follow_the_type(
    action: str, of_type_1: str, of_type_2: str, of_type_3: str, of_unknown: str
) -> None:
    found = [resolve(action, kind) for kind in ("1", "1C", "2", "2C", "3", None)]
    assert found == [of_type_1, of_type_1, of_type_2, of_type_2, of_type_3, of_unknown]


def test_an_action_that_the_standard_does_not_have_is_an_error() -> None:
    with pytest.raises(ConfigError, match="must be made of"):
        resolve("Q", "3")


@given(st.sampled_from([row.basic for row in rows()]), st.sampled_from(["1", "1C", "2", "2C", "3", None]))
def test_no_row_of_the_basic_profile_keeps(action: str, kind: str | None) -> None:
    assert resolve(action, kind) not in {Action.KEEP, Action.CLEAN}


def test_the_keep_list_names_nothing_that_the_table_names() -> None:
    kept = {int(record["tag"], 16): record["keyword"] for record in read_rows("keep_list.csv")}
    assert not kept.keys() & by_tag().keys()
    assert {tag: keyword_for_tag(tag) for tag in kept} == kept


def test_keep_rules_fit_the_value_representation() -> None:
    numeric = {"US", "UL", "SS", "SL", "FL", "FD", "IS", "DS", "AT", "US or SS"}
    allowed = {
        How.NUMBER: numeric,
        How.ORDINAL: {"IS"},
        How.MATCH: {"CS", "LO"},
        How.TEXT: {"LO"},
        How.KNOWN_UID: {"UI"},
        How.IMAGE_TYPE: {"CS"},
        How.LUT: {"OW", "US or OW"},
        How.SEQUENCE: {"SQ"},
        How.CODES: {"SQ"},
        How.EMPTY: {"LO"},
    }
    for record in read_rows("keep_list.csv"):
        how = How(record["rule"].split(" ")[0])
        assert dictionary_VR(int(record["tag"], 16)) in allowed[how], record["keyword"]


def test_free_text_that_stays_is_the_maker_and_the_model_alone() -> None:
    texts = {record["keyword"] for record in read_rows("keep_list.csv") if record["rule"] == "text"}
    assert texts == {"Manufacturer", "ManufacturerModelName"}


def test_match_rules_match_whole_values_of_bounded_length() -> None:
    for rule in ruled().values():
        if rule.how is How.MATCH:
            assert rule.pattern is not None
            assert not rule.pattern.fullmatch("DOE")
            assert not rule.pattern.fullmatch("US DOE")


def test_types_name_real_attributes() -> None:
    known = {keyword_for_tag(tag) for tag in ruled()}
    assert iod_types().keys() <= known | {"AcquisitionContextSequence"}


def test_codes_are_short_enough_to_write() -> None:
    for (scheme, value), meaning in known_codes().items():
        assert scheme in {"DCM", "SCT", "SRT"}
        assert 0 < len(value) <= 16
        assert 0 < len(meaning) <= 64
