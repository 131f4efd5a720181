"""Drawn graphics: what was painted is found with its strokes, and speckle and letters are left alone."""

import json

import cv2
import numpy as np
import pytest

from bus_toolkit.errors import ConfigError
from bus_toolkit.geometry import Box, Fan, decode_mask
from bus_toolkit.overlays import FindGraphics
from bus_toolkit.overlays.graphics import is_word
from bus_toolkit.scan import Scan
from bus_toolkit.stage import Finding, Kind, Plan


def speckle(rows: int = 300, cols: int = 400, seed: int = 3) -> np.ndarray:
    """Rayleigh speckle, wider than high, with bright lying streaks as fascia gives them."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.rayleigh(1.0, (rows, cols)).astype(np.float32), (0, 0), sigmaX=2.2, sigmaY=1.1)
    streaks = np.zeros((rows, cols), np.float32)
    for row in range(30, rows, 60):
        first = int(rng.integers(0, cols // 2))
        cv2.line(streaks, (first, row), (first + cols // 3, row + int(rng.integers(-6, 7))), 160.0, 3)
    picture = noise * 40 + cv2.GaussianBlur(streaks, (0, 0), sigmaX=4.0, sigmaY=1.3)
    return np.clip(picture, 1, 255).astype(np.uint8)


def plus(picture: np.ndarray, row: int, col: int, *, arm: int = 8, ink: object = 230, wide: int = 1) -> None:
    picture[row - arm : row + arm + 1, col - wide : col + wide + 1] = ink
    picture[row - wide : row + wide + 1, col - arm : col + arm + 1] = ink


def cross(picture: np.ndarray, row: int, col: int, *, arm: int = 7, ink: object = 230) -> None:
    for step in range(-arm, arm + 1):
        for sign in (-1, 1):
            picture[row + step, col + sign * step : col + sign * step + 2] = ink


def dots(
    picture: np.ndarray, start: tuple[int, int], end: tuple[int, int], *, step: int = 5, ink: object = 230
) -> None:
    length = np.hypot(end[0] - start[0], end[1] - start[1])
    for share in np.arange(0, length, step) / length:
        row, col = (round(a + share * (b - a)) for a, b in zip(start, end, strict=True))
        picture[row : row + 2, col : col + 2] = ink


def look(picture: np.ndarray, seen: tuple[Plan, ...] = (), *, segmenter: bool = True) -> Plan:
    return FindGraphics(segmenter=segmenter).examine(Scan.from_array(picture), seen)


def boxes(plan: Plan, kind: Kind) -> list[Box]:
    return [finding.box for finding in plan.findings if finding.kind is kind and finding.box is not None]


def strokes(plan: Plan, kind: Kind) -> np.ndarray:
    return decode_mask(plan.params["masks"][str(kind)])


def covers(found: list[Box], row: int, col: int) -> bool:
    return any(box.row0 <= row < box.row1 and box.col0 <= col < box.col1 for box in found)


@pytest.mark.parametrize("seed", range(6))
def test_speckle_and_streaks_are_left_alone(seed: int) -> None:
    plan = look(speckle(seed=seed))
    assert plan.findings == ()
    assert plan.params == {}


@pytest.mark.parametrize(("arm", "wide"), [(4, 0), (6, 1), (8, 1), (12, 2)])
def test_plus_marks_of_many_sizes(arm: int, wide: int) -> None:
    picture = speckle()
    plus(picture, 80, 100, arm=arm, wide=wide)
    plus(picture, 170, 280, arm=arm, wide=wide)
    found = boxes(look(picture), Kind.CALIPER)
    assert len(found) == 2
    for box, (row, col) in zip(sorted(found), ((80, 100), (170, 280)), strict=True):
        assert box.iou(Box(row - arm, col - arm, row + arm + 1, col + arm + 1)) > 0.6


@pytest.mark.parametrize(
    "ink", [(255, 255, 0), (0, 255, 0), (0, 255, 255), (255, 40, 40), (90, 90, 255), (200, 200, 200)]
)
def test_marks_in_colour(ink: tuple[int, int, int]) -> None:
    picture = np.stack([speckle()] * 3, axis=-1)
    plus(picture, 80, 100, ink=ink)
    found = boxes(look(picture), Kind.CALIPER)
    assert covers(found, 80, 100)
    assert len(found) == 1


def test_a_pair_of_x_marks_is_found_and_a_lone_one_is_a_letter() -> None:
    picture = speckle()
    cross(picture, 80, 100)
    assert boxes(look(picture), Kind.CALIPER) == []
    cross(picture, 170, 200)
    assert len(boxes(look(picture), Kind.CALIPER)) == 2


def test_measuring_line_comes_in_small_pieces_with_exact_strokes() -> None:
    picture = speckle()
    clean = picture.copy()
    plus(picture, 60, 80)
    plus(picture, 220, 300)
    dots(picture, (70, 94), (210, 287))
    plan = look(picture, segmenter=False)
    found = boxes(plan, Kind.CALIPER)
    assert covers(found, 60, 80)
    assert covers(found, 220, 300)
    assert covers(found, 140, 190)
    assert max(box.area for box in found) < 30 * 30, "a box around the whole measurement would hold the lesion"
    drawn, mask = picture != clean, strokes(plan, Kind.CALIPER)
    assert (mask & drawn).sum() > 0.85 * drawn.sum()
    assert (mask & ~cv2.dilate(drawn.astype(np.uint8), np.ones((3, 3))).astype(bool)).sum() < 0.1 * drawn.sum()


def test_measuring_line_without_known_marks() -> None:
    picture = speckle()
    dots(picture, (100, 60), (140, 300))
    found = boxes(look(picture), Kind.CALIPER)
    assert covers(found, 120, 180)


def test_a_weak_mark_at_the_end_of_a_line_counts() -> None:
    picture = speckle()
    plus(picture, 80, 100)
    plus(picture, 80, 250)
    picture[77:84, 251:262] = 230  # a digit hides one arm
    alone = len(boxes(look(picture, segmenter=False), Kind.CALIPER))
    dots(picture, (80, 112), (80, 240))
    assert alone == 1
    assert covers(boxes(look(picture), Kind.CALIPER), 80, 246)


def test_long_lines_that_cross_are_no_mark() -> None:
    picture = speckle()
    picture[40:260, 150:152] = 230
    picture[140:142, 40:360] = 230
    assert boxes(look(picture), Kind.CALIPER) == []


def test_words_are_not_calipers() -> None:
    picture = speckle()
    cross(picture, 80, 100)
    cross(picture, 80, 140)
    word = Finding(kind=Kind.TEXT, box=Box(70, 85, 92, 160), score=0.9, detector="eye", text="XAXILLA")
    assert boxes(look(picture), Kind.CALIPER)
    assert boxes(look(picture, (Plan(stage="find-text", findings=(word,)),)), Kind.CALIPER) == []


def test_a_lone_plus_read_as_text_is_still_a_caliper() -> None:
    picture = speckle()
    plus(picture, 80, 100)
    sign = Finding(kind=Kind.TEXT, box=Box(70, 85, 92, 112), score=0.9, detector="eye", text="1+")
    assert boxes(look(picture, (Plan(stage="find-text", findings=(sign,)),)), Kind.CALIPER)


@pytest.mark.parametrize(
    ("text", "word"), [("1 +", False), ("x", False), ("++ 12", False), ("RT2", True), ("axilla", True)]
)
def test_what_counts_as_a_word(text: str, word: bool) -> None:  # noqa: FBT001
    assert is_word(text) is word


def test_marks_outside_the_sector_are_no_calipers() -> None:
    picture = np.zeros((300, 400), np.uint8)
    picture[:, 100:] = speckle(cols=300)
    plus(picture, 80, 30)
    plus(picture, 200, 50, arm=5)
    mask = np.zeros(picture.shape, np.bool_)
    mask[:, 100:] = True
    fan = Fan(mask=mask, box=Box(0, 100, 300, 400), polygon=(), shape="linear", background=(0,), score=1.0)
    seen = (Plan(stage="find-fan", params={"fan": fan.to_json()}),)
    assert boxes(look(picture), Kind.CALIPER)
    assert boxes(look(picture, seen), Kind.CALIPER) == []
    plus(picture, 250, 30)
    dots(picture, (92, 30), (238, 30))
    assert covers(boxes(look(picture, seen), Kind.CALIPER), 80, 30), "the sector may have been found too small"


def test_outline_has_a_polygon_round_its_region() -> None:
    picture = speckle()
    cv2.ellipse(picture, (180, 130), (60, 40), 0, 0, 360, 235, 2)
    plan = look(picture)
    outlines = [finding for finding in plan.findings if finding.kind is Kind.OUTLINE]
    assert outlines
    assert outlines[0].box is not None
    assert outlines[0].box.iou(Box(89, 119, 172, 242)) > 0.8
    assert outlines[0].polygon is not None
    inside = cv2.pointPolygonTest(np.array(outlines[0].polygon, np.float32), (130.0, 180.0), measureDist=False)
    assert inside > 0
    assert strokes(plan, Kind.OUTLINE).sum() < 1500, "strokes only, not what they enclose"


def test_dotted_outline() -> None:
    picture = speckle()
    for angle in np.linspace(0, 2 * np.pi, 48, endpoint=False):
        row, col = round(130 + 40 * np.sin(angle)), round(180 + 50 * np.cos(angle))
        picture[row : row + 2, col : col + 2] = 235
    assert boxes(look(picture), Kind.OUTLINE)


def test_body_mark_in_the_corner_even_when_cut_off() -> None:
    for col in (330, 398):
        picture = speckle()
        cv2.circle(picture, (col, 250), 30, 225, 1)
        cv2.line(picture, (col - 30, 250), (col + 30, 250), 225, 1)
        plan = look(picture)
        assert {finding.kind for finding in plan.findings} == {Kind.BODYMARK}
        assert covers(boxes(plan, Kind.BODYMARK), 250, col - 29)


def test_box_of_a_region_is_a_graphic_and_no_outline() -> None:
    picture = speckle()
    cv2.rectangle(picture, (100, 60), (260, 180), 235, 1)
    kinds = {finding.kind for finding in look(picture).findings}
    assert kinds == {Kind.GRAPHIC}


@pytest.mark.parametrize("axis", [False, True])
def test_depth_scale_beside_the_sector(axis: bool) -> None:  # noqa: FBT001
    picture = np.zeros((300, 440), np.uint8)
    picture[:, :400] = speckle()
    for row in range(10, 291, 14):
        picture[row : row + 2, 420:426] = 200
    if axis:
        picture[10:292, 419] = 200
    plan = look(picture)
    assert {finding.kind for finding in plan.findings} == {Kind.SCALE}
    assert boxes(plan, Kind.SCALE)[0].height > 260


def test_crosses_on_a_scale_are_ticks() -> None:
    picture = np.zeros((300, 440), np.uint8)
    picture[:, :400] = speckle()
    for number, row in enumerate(range(10, 291, 14)):
        if number % 5 == 2:
            plus(picture, row, 422, arm=5)
        else:
            picture[row : row + 2, 421:424] = 200
    plan = look(picture)
    assert boxes(plan, Kind.SCALE)
    assert boxes(plan, Kind.CALIPER) == []


@pytest.mark.parametrize("across", [False, True])
def test_grey_bar(across: bool) -> None:  # noqa: FBT001
    picture = np.zeros((300, 440), np.uint8)
    picture[:, :400] = speckle()
    picture[40:200, 415:430] = np.linspace(255, 0, 160).astype(np.uint8)[:, np.newaxis]
    if across:
        picture = np.ascontiguousarray(picture.T)
    found = boxes(look(picture), Kind.GREY_BAR)
    truth = Box(415, 40, 430, 200) if across else Box(40, 415, 200, 430)
    assert len(found) == 1
    assert found[0].iou(truth) > 0.8


def test_clip_shows_what_stands_still() -> None:
    frames = np.stack([speckle(seed=seed) for seed in range(5)])
    for frame in frames:
        plus(frame, 80, 100)
    plus(frames[2], 200, 300)
    plan = FindGraphics().examine(Scan(frames=frames))
    found = boxes(plan, Kind.CALIPER)
    assert covers(found, 80, 100)
    assert not covers(found, 200, 300)


def test_plan_survives_json_and_nothing_is_edited() -> None:
    picture = speckle()
    plus(picture, 80, 100)
    scan, stage = Scan.from_array(picture), FindGraphics()
    plan = stage.examine(scan)
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    assert stage.apply(scan, plan) is scan
    assert not stage.edits
    assert list(stage.describe())


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (2, 40), (40, 2, 3), (64, 64), (7, 300, 3)])
def test_tiny_and_empty_pictures(shape: tuple[int, ...]) -> None:
    assert look(np.zeros(shape, np.uint8)).findings == ()
    assert look(np.full(shape, 255, np.uint8)).findings == ()


def test_least_score_is_checked_and_used() -> None:
    with pytest.raises(ConfigError, match="least must be between 0 and 1"):
        FindGraphics(least=1.5)
    picture = speckle()
    cross(picture, 80, 100)
    weak = FindGraphics(least=0.1).examine(Scan.from_array(picture))
    assert any(finding.score < 0.5 for finding in weak.findings)
