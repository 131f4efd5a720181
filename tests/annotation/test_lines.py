"""Boxes into lines of writing, and what they say of a scan."""

from __future__ import annotations

import pytest

from bus_toolkit.annotation import Annotation
from bus_toolkit.annotation.lines import annotation_of, lines_of
from bus_toolkit.geometry import Box, Fan, mask_of_boxes
from bus_toolkit.stage import Finding, Kind, Plan

SECTOR = Box(40, 0, 400, 500)


def seen(text: str, row: int = 50, col: int = 10, *, kind: Kind = Kind.TEXT, height: int = 16) -> Finding:
    box = Box(row, col, row + height, col + 9 * len(text))
    return Finding(kind=kind, box=box, score=0.9, detector="eye", text=text)


def read(*findings: Finding, fan: bool = True) -> Annotation:
    outline = tuple((float(row), float(col)) for row, col in ((40, 0), (40, 500), (400, 500), (400, 0)))
    mask = mask_of_boxes((400, 500), [SECTOR])
    sector = Fan(mask=mask, box=SECTOR, polygon=outline, shape="linear", background=(0,), score=1.0)
    params = {"fan": sector.to_json()} if fan else {}
    return annotation_of((Plan(stage="find-fan", params=params), Plan(stage="find-text", findings=findings)))


def test_lines_come_from_top_to_bottom_and_words_from_left_to_right() -> None:
    findings = [seen("CM FN", 82, 38), seen("LT BREAST", 60), seen("3", 80), seen("2:00", 61, 100)]
    assert lines_of(findings) == ["LT BREAST 2:00", "3 CM FN"]
    assert read(*findings) == Annotation(laterality="left", clock="2:00", distance_from_nipple_mm=30.0)


def test_what_stands_far_off_on_the_same_row_is_another_line() -> None:
    findings = [seen("LT BREAST", 4), seen("10:30", 4, 300)]
    assert lines_of(findings) == ["LT BREAST", "10:30"]
    assert read(*findings) == Annotation(laterality="left")


def test_the_banner_is_read_too_but_not_its_date_time_depth_and_indices() -> None:
    banner = [seen("12.03.2024", 4, 200), seen("10:30", 4, 300), seen("MI 1.2", 20, 300), seen("4.0 cm", 20, 400)]
    assert read(seen("RT BREAST 3:00", 4), *banner) == Annotation(laterality="right", clock="3:00")
    assert read(*banner) == Annotation()


def test_a_date_and_its_time_that_touch_an_annotation_give_no_clock() -> None:
    assert read(seen("LT BREAST", 4), seen("12/03/2024 10:30", 4, 100)) == Annotation(laterality="left")


@pytest.mark.parametrize(("row", "side"), [(10, None), (200, "right")])
def test_a_lone_letter_counts_inside_the_sector_only(row: int, side: str | None) -> None:
    assert read(seen("R", row)).laterality == side
    assert read(seen("R", row), fan=False).laterality == "right"


def test_a_letter_outside_that_goes_on_is_part_of_its_line() -> None:
    assert read(seen("R", 10), seen("BREAST 3:00", 10, 28)) == Annotation(laterality="right", clock="3:00")


def test_only_text_is_read_and_what_was_not_located_too() -> None:
    nowhere = Finding(kind=Kind.TEXT, box=None, score=0.9, detector="eye", text="LT  AXILLA")
    assert lines_of([nowhere, seen("RT 3:00", kind=Kind.LOGO), seen("")]) == ["LT AXILLA"]


def test_a_name_between_says_nothing() -> None:
    findings = [seen("LEFTWICH, MARIA DIREITO", 4), seen("R. AXELROD", 24), seen("LT BREAST", 60)]
    assert read(*findings) == Annotation(laterality="left")
