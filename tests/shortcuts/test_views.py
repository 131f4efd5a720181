"""What probes see, and that they do not see the lesion."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus_toolkit.shortcuts import views
from bus_toolkit.training.pictures import FITS, fit_square


def speckle(rows: int = 96, cols: int = 120, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(20, 120, (rows, cols), dtype=np.uint8)


@pytest.mark.parametrize("view", [views.size_of, views.band_of, views.flat_of])
def test_a_lesion_in_the_middle_is_not_seen(view: object) -> None:
    scan = speckle()
    lesion = scan.copy()
    lesion[30:66, 36:84] = 0
    assert np.array_equal(view(scan), view(lesion))  # type: ignore[operator]


def test_the_border_is_seen() -> None:
    scan = speckle()
    other = scan.copy()
    other[:6] = 200
    assert np.abs(views.band_of(scan) - views.band_of(other)).max() > 50
    assert views.band_of(scan).shape == (89,)


def test_background_hangs_together_with_the_edge() -> None:
    scan = speckle()
    scan[:, :12] = 0
    assert views.band_of(scan)[-1] == pytest.approx(0.1)


def test_what_was_interpolated_is_flat() -> None:
    import cv2

    scan = cv2.GaussianBlur(speckle(), (3, 3), 0)
    mask = np.zeros(scan.shape, np.uint8)
    mask[4:20, 60:90] = 1
    filled = cv2.inpaint(scan, mask, 3, cv2.INPAINT_TELEA)
    before, after = views.flat_map(scan), views.flat_map(filled)
    assert before.mean() < 0.001
    assert after[8:16, 66:84].mean() > 0.3
    assert not after[mask == 0].mean() > 0.01


def test_a_stretched_grey_map_shows() -> None:
    scan = speckle()
    wide = (scan.astype(np.uint16) * 2).astype(np.uint8)
    assert views.tones_of(wide)[2] == pytest.approx(0.5, abs=0.02)
    assert views.tones_of(scan)[2] == 0


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from(FITS))
def test_the_rectangle_is_where_the_picture_lies(rows: int, cols: int, fit: str) -> None:
    square = fit_square(np.full((rows, cols), 255, np.uint8), 32, fit)
    top, left, bottom, right = views.content_rect((rows, cols), 32, fit)
    inside = np.zeros((32, 32), dtype=bool)
    inside[top:bottom, left:right] = True
    assert np.array_equal(square > 0, inside)


def test_border_and_inside_are_all_there_is() -> None:
    mask = views.border_mask((48, 48), (12, 0, 36, 48))
    assert not mask[14:34, 4:44].any()
    assert mask.sum() == 48 * 48 - 20 * 40


def test_smoothing_touches_nothing_else() -> None:
    scan = speckle()
    mask = np.zeros(scan.shape, dtype=bool)
    assert views.blurred(scan, mask) is scan
    mask[40:44, 40:44] = True
    changed = views.blurred(scan, mask) != scan
    assert changed[40:44, 40:44].any()
    changed[38:46, 38:46] = False
    assert not changed.any()
