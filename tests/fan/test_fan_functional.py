"""The fan is found on made pictures of each shape and background, and nothing of it is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from bus_toolkit.fan.functional import crop_frames, find_fan, left_over, polygon_of_mask
from bus_toolkit.geometry import Box, Fan, mask_of_boxes

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask

SHAPE = (480, 640)


def wedge(apex: tuple[int, int], half_angle: float, inner: float, outer: float) -> Mask:
    rows, cols = np.indices(SHAPE)
    radius = np.hypot(rows - apex[0], cols - apex[1])
    angle = np.arctan2(cols - apex[1], rows - apex[0])
    return (radius >= inner) & (radius <= outer) & (np.abs(angle) <= np.radians(half_angle))


def rectangle(row0: int, col0: int, row1: int, col1: int) -> Mask:
    return mask_of_boxes(SHAPE, [Box(row0, col0, row1, col1)])


SHAPES = {
    "linear": rectangle(60, 140, 430, 520),
    "curved": wedge((-60, 320), 32, 130, 500),
    "sector": wedge((40, 320), 42, 0, 400),
}


def speckle(shape: tuple[int, ...], seed: int = 0) -> Any:
    noise = np.random.default_rng(seed).rayleigh(56, shape).astype(np.float32)
    return np.clip(cv2.GaussianBlur(noise, (0, 0), 1.0), 5, 255)


def screen(mask: Mask, background: int = 0, seed: int = 0) -> Any:
    """A grey picture with speckle under ``mask``."""
    return np.where(mask, speckle(mask.shape, seed), background).astype(np.uint8)


def iou(fan: Fan, mask: Mask) -> float:
    return float((fan.mask & mask).sum() / (fan.mask | mask).sum())


def kept(fan: Fan, mask: Mask) -> float:
    return float((fan.mask & mask).sum() / mask.sum())


def write(picture: Any, text: str, row: int, col: int, size: float = 0.6) -> Any:
    cv2.putText(picture, text, (col, row), cv2.FONT_HERSHEY_SIMPLEX, size, (230, 230, 230), 1, cv2.LINE_AA)
    return picture


@pytest.mark.parametrize("background", [0, 40])
@pytest.mark.parametrize("kind", SHAPES)
def test_each_shape_is_found_on_black_and_grey(kind: str, background: int) -> None:
    fan = find_fan(screen(SHAPES[kind], background))
    assert fan is not None
    assert fan.shape == kind
    assert fan.background == (background,)
    assert iou(fan, SHAPES[kind]) > 0.96
    assert kept(fan, SHAPES[kind]) > 0.985
    assert fan.score > 0.85


def test_a_coloured_background_is_named_by_its_colour() -> None:
    mask = SHAPES["curved"]
    picture = np.repeat(screen(mask)[..., None], 3, axis=2)
    picture[~mask] = (10, 24, 60)
    fan = find_fan(picture)
    assert fan is not None
    assert fan.background == (10, 24, 60)
    assert iou(fan, mask) > 0.96


@pytest.mark.parametrize("kind", SHAPES)
def test_what_stands_in_the_margin_is_not_part_of_the_fan(kind: str) -> None:
    mask = SHAPES[kind]
    picture = screen(mask)
    write(picture, "DOE JANE 123-45-67", 24, 20)
    write(picture, "12/05/2021", 24, 500)
    write(picture, "MI 1.1  TIS 0.4", 470, 480, size=0.5)
    margin = np.zeros(SHAPE, np.uint8)
    margin[100:300, 8:20] = np.linspace(255, 0, 200)[:, None]
    for row in range(80, 420, 34):
        margin[row, 600:612] = 200
    picture = np.maximum(picture, margin)
    fan = find_fan(picture)
    assert fan is not None
    assert fan.shape == kind
    assert iou(fan, mask) > 0.95
    written = (picture > 60) & ~mask
    assert (written & fan.mask).sum() <= 0.01 * written.sum()


def test_a_banner_of_another_colour_is_not_tissue() -> None:
    mask = rectangle(90, 100, 470, 540)
    picture = np.repeat(screen(mask)[..., None], 3, axis=2)
    picture[:60] = (40, 60, 110)
    write(picture, "GENERAL HOSPITAL", 38, 180)
    fan = find_fan(picture)
    assert fan is not None
    assert fan.background == (0, 0, 0)
    assert iou(fan, mask) > 0.96


def test_dark_regions_inside_stay_inside() -> None:
    mask = SHAPES["curved"]
    picture = screen(mask)
    cv2.ellipse(picture, (330, 260), (70, 40), 0, 0, 360, 0, cv2.FILLED)
    picture[150:, 300:330] = 0  # a shadow down to the arc
    fan = find_fan(picture)
    assert fan is not None
    assert kept(fan, mask) > 0.985


def test_a_shadow_through_the_whole_depth_does_not_split_the_fan() -> None:
    mask = SHAPES["linear"]
    picture = screen(mask)
    picture[:, 300:340] = 0
    fan = find_fan(picture)
    assert fan is not None
    assert iou(fan, mask) > 0.96


def test_a_cropped_picture_is_the_fan_itself() -> None:
    fan = find_fan(speckle(SHAPE).astype(np.uint8))
    assert fan is not None
    assert fan.shape == "full"
    assert fan.mask.all()
    assert fan.polygon
    assert set(fan.polygon) == {(0.0, 0.0), (0.0, 640.0), (480.0, 0.0), (480.0, 640.0)}


@pytest.mark.parametrize("dark", [np.s_[300:], np.s_[:, :70], np.s_[:, 560:], np.s_[340:, :200]])
def test_a_cropped_picture_keeps_its_dark_parts(dark: Any) -> None:
    picture = speckle(SHAPE)
    picture[dark] = np.random.default_rng(1).integers(0, 3, picture[dark].shape)
    fan = find_fan(picture.astype(np.uint8))
    assert fan is not None
    assert fan.mask.mean() > 0.97


def test_tissue_that_fades_is_followed_until_something_is_written() -> None:
    depth = np.clip(1.4 - np.indices(SHAPE)[0] / 260, 0, 1)
    faded = np.where(rectangle(60, 140, 400, 520), speckle(SHAPE) * depth, 0)
    ragged = faded * (speckle(SHAPE, 3) > 60 * (np.indices(SHAPE)[0] > 200))
    written = write(ragged.astype(np.uint8), "DOE JANE", 440, 200)
    fan = find_fan(written)
    assert fan is not None
    assert fan.box.row1 < 428
    assert fan.mask[60:300, 145:515].all()


def test_a_plausible_region_shows_the_depth_of_a_dark_fan() -> None:
    mask = SHAPES["curved"]
    apex, outer = (-60, 320), 500
    lit = mask & wedge(apex, 32, 130, 300)
    half = round(outer * np.sin(np.radians(32)))
    region = Box(round(apex[0] + 130 * np.cos(np.radians(32))), 320 - half, apex[0] + outer, 320 + half)
    alone, helped = find_fan(screen(lit)), find_fan(screen(lit), [region])
    assert alone is not None
    assert helped is not None
    assert iou(alone, lit) > 0.93
    assert iou(helped, mask) > 0.93


@pytest.mark.parametrize(
    "region", [Box(0, 0, 480, 640), Box(500, 700, 900, 1200), Box(10, 10, 10, 10), Box(300, 20, 470, 120)]
)
def test_an_implausible_region_changes_nothing(region: Box) -> None:
    picture = screen(SHAPES["linear"])
    alone, helped = find_fan(picture), find_fan(picture, [region])
    assert alone is not None
    assert helped is not None
    assert np.array_equal(alone.mask, helped.mask)


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (15, 15), (16, 16), (40, 500), (64, 64, 3), (1, 1, 3)])
@pytest.mark.parametrize("value", [0, 255, 37])
def test_flat_and_tiny_pictures_are_accepted(shape: tuple[int, ...], value: int) -> None:
    find_fan(np.full(shape, value, np.uint8))


def test_black_has_no_fan_and_text_alone_is_none() -> None:
    assert find_fan(np.zeros(SHAPE, np.uint8)) is None
    assert find_fan(write(np.zeros(SHAPE, np.uint8), "NO IMAGE", 240, 200)) is None


def test_compression_noise_does_not_move_the_outline() -> None:
    mask = SHAPES["sector"]
    done, data = cv2.imencode(".jpg", screen(mask), [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert done
    fan = find_fan(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))
    assert fan is not None
    assert iou(fan, mask) > 0.94
    assert kept(fan, mask) > 0.985


def test_pixels_that_are_not_square_are_allowed() -> None:
    mask = cv2.resize(SHAPES["sector"].view(np.uint8), (640, 600), interpolation=cv2.INTER_NEAREST).astype(bool)
    fan = find_fan(screen(mask))
    assert fan is not None
    assert iou(fan, mask) > 0.95


def test_the_fan_survives_json() -> None:
    fan = find_fan(screen(SHAPES["curved"], 40))
    assert fan is not None
    again = Fan.from_json(fan.to_json())
    assert np.array_equal(again.mask, fan.mask)
    assert (again.box, again.polygon, again.shape, again.background) == (
        fan.box,
        fan.polygon,
        fan.shape,
        fan.background,
    )


def test_a_polygon_has_half_open_corners() -> None:
    assert set(polygon_of_mask(mask_of_boxes((10, 10), [Box(2, 3, 7, 9)]))) == {
        (2.0, 3.0),
        (2.0, 9.0),
        (7.0, 3.0),
        (7.0, 9.0),
    }
    assert polygon_of_mask(np.zeros((4, 4), bool)) == ()


def test_painting_and_cutting_frames() -> None:
    frames = np.arange(2 * 6 * 8 * 3, dtype=np.uint8).reshape(2, 6, 8, 3)
    outside = ~mask_of_boxes((6, 8), [Box(1, 2, 5, 7)])
    before = frames.copy()
    cut = crop_frames(frames, Box(0, 1, 6, 8), outside, np.array([1, 2, 3], np.uint8))
    assert np.array_equal(frames, before)
    assert cut.shape == (2, 6, 7, 3)
    assert np.array_equal(cut[:, 1:5, 1:6], frames[:, 1:5, 2:7])
    assert (cut[:, 0] == (1, 2, 3)).all()


def test_a_crop_of_next_to_nothing_is_left_alone() -> None:
    assert left_over(Box(3, 0, 98, 100), (100, 100)) == Box(0, 0, 100, 100)
    assert left_over(Box(10, -5, 90, 120), (100, 100)) == Box(10, 0, 90, 100)
