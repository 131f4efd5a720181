"""Filling changes nothing but the mask, looks at nothing but the fan, and equals the whole-picture call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from bus_toolkit.fill.functional import fill_frames, grow_mask, inpaint, windows
from bus_toolkit.geometry import Box, mask_of_boxes

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask

SHAPE = (160, 220)
INNER = [Box(20, 20, 26, 60), Box(30, 100, 33, 103), Box(90, 40, 104, 160)]
SPOTS = [*INNER, Box(0, 200, 9, 220), Box(150, 0, 160, 30)]


def smooth(shape: tuple[int, ...] = SHAPE, seed: int = 0) -> Any:
    noise = np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 3)
    return cv2.normalize(blurred, None, 20, 220, cv2.NORM_MINMAX).astype(np.uint8)


def spots() -> Mask:
    return mask_of_boxes(SHAPE, SPOTS)


@pytest.mark.parametrize("radius", [1, 3, 6])
@pytest.mark.parametrize("shape", [SHAPE, (*SHAPE, 3)])
def test_windows_give_what_the_whole_picture_gives(shape: tuple[int, ...], radius: int) -> None:
    picture, mask = smooth(shape), mask_of_boxes(SHAPE, INNER)
    whole = cv2.inpaint(picture, mask.astype(np.uint8), radius, cv2.INPAINT_TELEA)
    difference = np.abs(inpaint(picture, mask, radius=radius).astype(int) - whole)
    assert difference.max() <= 2
    assert (difference > 0).mean() < 0.002


def test_only_the_mask_changes_and_the_input_does_not() -> None:
    picture, mask = smooth(), spots()
    before = picture.copy()
    filled = inpaint(picture, mask)
    assert np.array_equal(picture, before)
    assert np.array_equal(filled[~mask], picture[~mask])
    assert not np.array_equal(filled[mask], picture[mask])


def test_what_was_drawn_leaves_no_trace() -> None:
    picture, mask = smooth(), spots()
    white, black = picture.copy(), picture.copy()
    white[mask], black[mask] = 255, 0
    assert np.array_equal(inpaint(white, mask), inpaint(black, mask))


def test_bright_letters_disappear_into_the_tissue() -> None:
    clean = smooth()
    drawn = clean.copy()
    cv2.putText(drawn, "LT UOQ", (60, 90), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255,), 1, cv2.LINE_AA)
    mask = grow_mask(drawn != clean, 1)
    filled = inpaint(drawn, mask)
    assert np.abs(filled[mask].astype(int) - clean[mask]).mean() < 12


def test_windows_cover_the_mask_once() -> None:
    mask = spots()
    count = np.zeros(SHAPE, int)
    for box, own in windows(mask, 3):
        count[box.slices] += own
    assert np.array_equal(count, mask.astype(int))
    assert windows(np.zeros(SHAPE, bool), 3) == []


def test_only_the_neighbourhood_is_computed() -> None:
    mask = mask_of_boxes((600, 800), [Box(10, 10, 20, 40), Box(560, 700, 570, 760)])
    assert sum(box.area for box, _ in windows(mask, 3)) < 0.03 * mask.size


@pytest.mark.parametrize("background", [0, 255])
def test_the_border_of_the_fan_does_not_bleed(background: int) -> None:
    fan = mask_of_boxes(SHAPE, [Box(40, 40, 160, 180)])
    picture = np.where(fan, np.uint8(120), np.uint8(background))
    mask = mask_of_boxes(SHAPE, [Box(30, 90, 52, 130)])
    picture[mask] = 250
    filled = fill_frames(picture[np.newaxis], mask, fan, np.array([background], np.uint8))[0]
    assert np.abs(filled[mask & fan].astype(int) - 120).max() <= 4  # OpenCV's own rounding on a plain area
    assert (filled[mask & ~fan] == background).all()
    assert np.array_equal(filled[~mask], picture[~mask])


def test_without_a_fan_all_is_fan() -> None:
    picture, mask = smooth(), spots()
    assert np.array_equal(fill_frames(picture[None], mask, None, np.array([0], np.uint8))[0], inpaint(picture, mask))


def test_every_frame_of_a_clip_is_filled_from_itself() -> None:
    clip = np.stack([smooth((*SHAPE, 3), seed) for seed in range(3)])
    mask = spots()
    filled = fill_frames(clip, mask, None, np.array([0], np.uint8))
    for before, after in zip(clip, filled, strict=True):
        assert np.array_equal(after, inpaint(before, mask))


def test_colour_outside_the_fan_is_that_of_the_background() -> None:
    frames = np.full((2, *SHAPE, 3), 9, np.uint8)
    fan = mask_of_boxes(SHAPE, [Box(50, 0, 160, 220)])
    mask = mask_of_boxes(SHAPE, [Box(5, 5, 20, 90)])
    filled = fill_frames(frames, mask, fan, np.array([10, 24, 60], np.uint8))
    assert (filled[:, mask] == (10, 24, 60)).all()
    grey = fill_frames(frames[..., 0], mask, fan, np.array([10, 24, 60], np.uint8))
    assert (grey[:, mask] == 31).all()


def test_a_mask_without_surroundings_gets_the_median_or_stays() -> None:
    picture = np.full(SHAPE, 77, np.uint8)
    everything = np.ones(SHAPE, bool)
    assert np.array_equal(inpaint(picture, everything), picture)
    fan = mask_of_boxes(SHAPE, [Box(0, 0, 10, 10), Box(100, 100, 150, 150)])
    mask = mask_of_boxes(SHAPE, [Box(0, 0, 10, 10)])
    picture[mask] = 200
    assert (inpaint(picture, mask, fan)[mask] == 77).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (2, 50), (50, 1, 3)])
def test_tiny_pictures_are_accepted(shape: tuple[int, ...]) -> None:
    picture = np.full(shape, 5, np.uint8)
    mask = np.zeros(shape[:2], bool)
    assert np.array_equal(inpaint(picture, mask), picture)
    mask[0, 0] = True
    assert inpaint(picture, mask).shape == shape


def test_growing_is_round() -> None:
    mask = mask_of_boxes((21, 21), [Box(10, 10, 11, 11)])
    grown = grow_mask(mask, 4)
    assert grown[10, 6]
    assert grown[14, 10]
    assert not grown[6, 6]
    assert np.array_equal(grow_mask(mask, 0), mask)
