from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from bus_toolkit.geometry import Box, mask_of_boxes
from bus_toolkit.overlays.engines.base import Detection, Reading
from bus_toolkit.overlays.text_find import (
    LARGEST_SIDE,
    Line,
    bridge,
    contrast_of,
    detect_lines,
    find_text,
    findings_from,
    read_lines,
    scale_for,
    tiles_of,
    unite,
)
from bus_toolkit.stage import Kind


@dataclass
class Bright:
    """Detects one box around all that is white, and reads the same words always."""

    name: str = "bright"
    text: str = "MARIA"
    confidence: float = 0.9
    score: float = 0.95

    def detect(self, image: Any, *, scale: Any = 1.0) -> Any:
        self.scale = scale
        rows, cols = np.nonzero(image.reshape(*image.shape[:2], -1).max(axis=2) == 255)
        if rows.size == 0:
            return ()
        return (Detection(box=Box(rows.min(), cols.min(), rows.max() + 1, cols.max() + 1), score=self.score),)

    def recognise(self, crops: Any) -> Any:
        return tuple(Reading(text=self.text, confidence=self.confidence) for _ in crops)


def picture(box: Any, shape: Any = (600, 700)) -> Any:
    image = np.zeros(shape, np.uint8)
    image[box.slices] = 255
    image[box.row0 + 2 : box.row1 - 2 : 3, box.col0 + 2 : box.col1 - 2] = 20
    return image


@pytest.mark.parametrize(
    ("shape", "scale"), [((600, 800), 1.0), ((240, 300), 2.0), ((400, 900), 1.2), ((1, 1), 2.0), ((8192, 100), 0.5)]
)
def test_small_pictures_are_looked_at_enlarged_and_huge_ones_reduced(shape: Any, scale: Any) -> None:
    assert scale_for(shape) == pytest.approx(scale)
    assert max(shape) * scale_for(shape) <= max(LARGEST_SIDE, 2 * max(shape))


@pytest.mark.parametrize("shape", [(10, 10), (1024, 1024), (1025, 300), (3000, 2300)])
def test_tiles_cover_everything_and_overlap(shape: Any) -> None:
    tiles = tiles_of(shape, 1024)
    assert mask_of_boxes(shape, tiles).all()
    assert all(tile.height <= 1024 and tile.width <= 1024 for tile in tiles)
    tops = sorted({tile.row0 for tile in tiles})
    assert all(later + 128 <= earlier + 1024 for earlier, later in pairwise(tops))


@pytest.mark.parametrize("box", [Box(0, 0, 12, 60), Box(588, 640, 600, 700), Box(300, 200, 316, 300)])
def test_boxes_are_in_pixels_of_the_picture_and_inside_it(box: Any) -> None:
    (seen,) = detect_lines(picture(box), Bright(), 1.0)
    assert seen.box == box


def test_a_line_in_a_tile_of_a_large_picture_lands_where_it_is() -> None:
    box = Box(1500, 1600, 1516, 1700)
    found = detect_lines(picture(box, (1800, 2000)), Bright(), 1.0)
    assert {seen.box for seen in found} == {box}


def read(box: Any, **engine: Any) -> Any:
    image, made = picture(box), Bright(**engine)
    return read_lines(image, [Detection(box=box, score=made.score)], made)


@pytest.mark.parametrize(
    ("box", "engine", "kept"),
    [
        (Box(100, 100, 116, 200), {}, True),
        (Box(100, 100, 116, 200), {"score": 0.6}, True),
        (Box(100, 100, 116, 200), {"confidence": 0.3}, True),
        (Box(100, 100, 116, 200), {"score": 0.6, "confidence": 0.3}, False),
        (Box(100, 100, 116, 200), {"score": 0.6, "text": "-.-"}, False),
        (Box(100, 100, 160, 300), {"confidence": 0.3}, False),
        (Box(100, 100, 160, 300), {"text": "3"}, False),
        (Box(100, 100, 160, 300), {}, True),
        (Box(100, 100, 400, 500), {}, False),
    ],
)
def test_what_is_doubtful_or_tall_must_be_read(box: Any, engine: Any, kept: Any) -> None:
    assert bool(read(box, **engine)) is kept


def test_the_score_is_the_better_of_detector_and_sure_reading() -> None:
    box = Box(100, 100, 116, 200)
    assert read(box, score=0.6)[0].score == 0.9
    assert read(box, score=0.95, confidence=0.99)[0].score == 0.99
    assert read(box, score=0.88, confidence=0.5)[0].score == 0.88


def test_what_has_no_contrast_is_not_text() -> None:
    grey = np.full((50, 90), 100, np.uint8)
    grey[20:30, 20:60] = 125
    box = Box(15, 15, 35, 65)
    assert contrast_of(grey, box) == 25
    assert read_lines(grey, [Detection(box=box, score=0.99)], Bright()) == []


def test_boxes_that_cover_each_other_become_one_with_the_better_reading() -> None:
    lines = [
        Line(box=Box(10, 10, 30, 100), score=0.9, detector="a"),
        Line(box=Box(12, 60, 28, 104), score=0.8, text="RT", detector="b"),
        Line(box=Box(200, 10, 220, 100), score=0.7, detector="c"),
    ]
    first, second = unite(lines)
    assert first == Line(box=Box(10, 10, 30, 104), score=0.8, text="RT", detector="a+b")
    assert second == lines[2]
    assert unite(reversed(lines)) == [first, second]


def test_a_thorough_look_is_a_second_larger_one() -> None:
    scales = []

    class Counting(Bright):
        def detect(self, image: Any, *, scale: Any = 1.0) -> Any:
            scales.append(scale)
            return super().detect(image, scale=scale)

    image = picture(Box(100, 100, 116, 200), (520, 540))
    once, twice = (find_text(image, Counting(), thorough=thorough) for thorough in (False, True))
    assert once == twice
    assert scales == [1.0, 1.0, 1.5]


def test_findings_carry_kind_and_private_text() -> None:
    lines = [
        Line(box=Box(0, 0, 16, 16), score=0.9, text="Q", detector="rapidocr"),
        Line(box=Box(9, 300, 20, 380), score=1.0, text="JOSE", detector="rapidocr"),
    ]
    logo, text = findings_from(lines, (480, 640))
    assert (logo.kind, text.kind) == (Kind.LOGO, Kind.TEXT)
    assert text.text == "JOSE"
    assert "JOSE" not in repr(text)
    assert "JOSE" not in str(text.to_json())
    assert "JOSE" not in repr(lines[1])


def test_words_of_one_line_are_bridged_and_other_lines_are_not() -> None:
    def line(row: int, left: int, right: int, text: str) -> Line:
        return Line(box=Box(row, left, row + 12, right), score=0.9, text=text, detector="test")

    joined = bridge(
        [line(40, 70, 110, "ADA"), line(40, 10, 60, "DOE,"), line(41, 180, 200, "far"), line(56, 10, 60, "B")]
    )
    assert [(one.box, one.text) for one in joined] == [
        (Box(40, 10, 52, 110), "DOE, ADA"),
        (Box(41, 180, 53, 200), "far"),
        (Box(56, 10, 68, 60), "B"),
    ]


def test_of_two_readings_of_one_place_the_longer_one_stays() -> None:
    box = Box(10, 10, 30, 120)
    word = Line(box=box, score=0.9, text="Frq 14.0", detector="words")
    sign = Line(box=Box(12, 100, 28, 112), score=1.0, text="0", detector="signs")
    (joined,) = unite([sign, word])
    assert (joined.text, joined.box) == ("Frq 14.0", box)
