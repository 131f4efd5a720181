from typing import Any

import cv2
import numpy as np
import pytest

from bus_toolkit.geometry import Box
from bus_toolkit.overlays.text_digits import brightest, find_crosses, find_glyphs

CENTRE = (100, 150)


def tissue() -> Any:
    grey = np.random.default_rng(7).normal(90, 40, (200, 300))
    return np.clip(cv2.GaussianBlur(grey, (0, 0), 2), 0, 255).astype(np.uint8)


def with_caliper(image: Any, colour: Any = 230) -> Any:
    row, col = CENTRE
    image[row - 1 : row + 2, col - 9 : col + 10] = colour
    image[row - 9 : row + 10, col - 1 : col + 2] = colour
    ink = np.zeros(image.shape[:2], np.uint8)
    cv2.putText(ink, "2", (col + 6, row - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.55, 255, 2)
    image[ink > 127] = colour
    return image, ink > 127


@pytest.mark.parametrize("colour", [230, (240, 230, 20), (40, 220, 60)])
def test_the_digit_beside_a_cross_is_found_alone(colour: Any) -> None:
    picture = tissue() if isinstance(colour, int) else np.repeat(tissue()[..., np.newaxis], 3, axis=2)
    image, digit = with_caliper(picture, colour)
    rows, cols = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    truth = Box(rows[0], cols[0], rows[-1] + 1, cols[-1] + 1)
    best = max((glyph.box.iou(truth), glyph) for glyph in find_glyphs(image)[:1])
    assert best[0] > 0.8
    shown = best[1].picture
    assert shown.max() == 255
    assert not shown[0].any()
    assert shown.shape == (best[1].box.height + 6, best[1].box.width + 6)


def test_the_centre_of_the_cross_is_found_and_nothing_in_tissue() -> None:
    image, _ = with_caliper(tissue())
    (found,) = find_crosses(image)
    assert np.abs(np.subtract(found, CENTRE)).max() <= 1
    assert find_crosses(tissue()) == []
    assert find_glyphs(tissue()) == []


def test_tiny_and_empty_pictures_have_no_glyphs() -> None:
    for shape in ((1, 1), (3, 40), (11, 11), (1, 1, 3)):
        assert find_glyphs(np.zeros(shape, np.uint8)) == []


def test_the_brightest_channel_of_grey_is_the_picture_itself() -> None:
    grey = tissue()
    assert brightest(grey) is grey
    assert brightest(np.array([[[1, 9, 3]]], np.uint8)).tolist() == [[9]]
