"""A picture that is not ultrasound: a page, a drawn mask, a photograph, an X-ray or a slice of CT.

Ultrasound carries speckle everywhere that it shows anything, and its speckle is finer along the beam than across,
so that a scan changes faster from row to row than from column to column (Burckhardt 1978, doi 10.1109/T-SU.1978.30978).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from bus_toolkit.screen.look import NOTHING, Sighting, ramp, reduced_mask

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask
    from bus_toolkit.screen.look import Grey, Look

# Each triple gives the scores 0, 0.5 and 1. Beside it the extremes of 710 breast scans and of 24 ultrasound files of
# other organs, the latter without the three pictures that hardly show any echo.
WHITE_LEVEL = 200
WHITE = (0.3, 0.5, 0.8)
"""Share of the ultrasound area that is white: a page. Breast scans reach 0.16, others 0.16."""
LEVELS_SHARE = 0.97
LEVELS = (18.0, 9.0, 4.0)
"""Grey values that make up 97 % of it: a mask or a drawing. Breast scans have 78 and more, others 22."""
FLAT_STEP, FLAT_LEVEL = 1, 20
FLAT = (0.3, 0.45, 0.65)
"""Share of it that is bright and does not change from pixel to pixel. Breast scans reach 0.10, others 0.26."""
LAYERED = (0.35, 0.2, 0.0)
"""Logarithm of the change along columns over that along rows. Breast scans have 0.42 and more, others 0.12; the
photographs and slices at hand from -0.8 to 0.3."""
SMOOTH = (0.11, 0.08, 0.03)
"""Local contrast (deviation over mean, 7 by 7 pixels) that a tenth of it stays below. Where others are as little
layered as a photograph they have 0.12 and more."""
WINDOW = 7
MEAN_LEVEL = 20
MIN_SIDE = 96
"""Shorter side, in pixels, from which texture can be judged."""
MIN_PIXELS = 200


def not_ultrasound(look: Look) -> Sighting:
    """A picture without the look of ultrasound.

    Score: the largest of four, each 0.5 at its operating point: how much is white, how few grey values there are,
    how much is flat, and how smooth and unlayered the texture is (the lesser of the two). There is no box.
    """
    area = reduced_mask(look)
    if int(area.sum()) < MIN_PIXELS or int(look.small[area].max()) - int(look.small[area].min()) < MEAN_LEVEL:
        return NOTHING
    scores = [
        ramp(float((look.small[area] >= WHITE_LEVEL).mean()), *WHITE),
        ramp(_levels(look.grey, look.area), *LEVELS),
    ]
    if min(look.grey.shape) >= MIN_SIDE:
        scores += [_flat(look.small, area), _texture(look.small, area)]
    return Sighting(score=max(scores))


def _levels(grey: Grey, area: Mask) -> int:
    """How many grey values it takes to make up 97 % of the pixels."""
    counts = np.sort(cv2.calcHist([grey], [0], area.astype(np.uint8), [256], [0, 256]).ravel())[::-1]
    return int(np.searchsorted(np.cumsum(counts), LEVELS_SHARE * counts.sum())) + 1


def _flat(small: Grey, area: Mask) -> float:
    steps = cv2.max(cv2.absdiff(small[1:, 1:], small[:-1, 1:]), cv2.absdiff(small[1:, 1:], small[1:, :-1]))
    flat = (steps <= FLAT_STEP) & (small[1:, 1:] > FLAT_LEVEL)
    inside = area[1:, 1:]
    return ramp(float(flat[inside].mean()), *FLAT) if inside.any() else 0.0


def _texture(small: Grey, area: Mask) -> float:
    """The lesser of: unlayered, smooth."""
    picture = small.astype(np.float32)
    down = np.abs(np.diff(picture, axis=0))[:, :-1][area[:-1, :-1]]
    across = np.abs(np.diff(picture, axis=1))[:-1][area[:-1, :-1]]
    if down.size == 0:
        return 0.0
    layered = ramp(float(np.log((down.mean() + 0.1) / (across.mean() + 0.1))), *LAYERED)
    if layered == 0:
        return 0.0
    mean = cv2.blur(picture, (WINDOW, WINDOW))
    variance = cv2.blur(picture * picture, (WINDOW, WINDOW)) - mean * mean
    contrast = np.sqrt(np.maximum(variance, 0)) / (mean + 8)
    filled = area & (mean > MEAN_LEVEL)
    if int(filled.sum()) < MIN_PIXELS:
        return 0.0
    return min(layered, ramp(float(np.percentile(contrast[filled], 10)), *SMOOTH))
