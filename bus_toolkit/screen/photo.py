"""A photograph of a screen: haze without speckle, tilted edges, colours that the grey map does not have.

A scan is speckled wherever it is brighter than black, and what a console draws around it is flat to the last bit. A
camera leaves neither: bezel, room, reflections and moire are smooth but never flat, the lens blurs speckle, the
screen's edges lean, and light and moire give one grey value many colours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from bus_toolkit.screen.look import Sighting, ramp, reduced

if TYPE_CHECKING:
    import numpy.typing as npt

    from bus_toolkit.geometry import Pixels
    from bus_toolkit.screen.look import Grey, Look

SIDE = 512
"""Longer side, in pixels, at which photos are looked at: bright enough for edges, and free of JPEG's smallest steps."""
WINDOW = 9
SMOOTH_SHARE, FLAT_DEVIATION, LEAST_LEVEL = 0.06, 0.35, 25
"""A window is smooth when its deviation is below 6 % of its mean, above 0.35 (drawn grounds are flat), and its mean
above 25."""
HAZE = (0.22, 0.34, 0.5)
"""Smooth share of the picture that is enough by itself, for the scores 0, 0.5 and 1. Breast scans reach 0.28, photos
have a median of 0.41."""
SOME_HAZE = (0.08, 0.17, 0.3)
"""The same together with a second witness."""
LEANING = (0.5, 0.75, 1.1)
"""Length of the longest leaning line over the shorter side. Breast scans reach 0.87, but with little haze."""
LEAN = (0.7, 15.0)
"""Degrees off the picture's rows or columns between which a line leans: the sides of a sector lean more."""
HOUGH_VOTES, HOUGH_SHARE, HOUGH_GAP = 60, 0.3, 8
CANNY = (20.0, 50.0)
STRAY = (1.5, 2.6, 5.0)
"""Eightieth percentile, in grey values, of the distance of a pixel's colour from the usual colour at its brightness.
Breast scans in PNG reach 1.4; colour flow has more, but no haze."""
STEP = 8
"""Width, in grey values, of the classes of brightness in which colours are compared."""
MIN_SIDE = 96


def photo(look: Look) -> Sighting:
    """A photograph of a screen.

    Score: the larger of two, each 0.5 at its operating point: how much of the picture is smooth without being flat;
    and the lesser of a smaller such share and of a second witness, a long line that leans or stray colours. There is
    no box.
    """
    if min(look.grey.shape) < MIN_SIDE:
        return Sighting(score=0.0)
    grey = reduced(look.grey, SIDE)
    haze = smooth_share(grey)
    alone, some = ramp(haze, *HAZE), ramp(haze, *SOME_HAZE)
    if some <= alone:
        return Sighting(score=alone)
    witness = ramp(leaning_line(grey), *LEANING)
    if look.rgb is not None and witness < some:
        size = grey.shape[1], grey.shape[0]
        rgb = np.asarray(cv2.resize(look.rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        witness = max(witness, ramp(stray_colour(rgb), *STRAY))
    return Sighting(score=max(alone, min(some, witness)))


def smooth_share(grey: Grey) -> float:
    """Share of ``(rows, cols)`` uint8 that is smooth, brighter than 25 and not flat."""
    picture = grey.astype(np.float32)
    mean = cv2.blur(picture, (WINDOW, WINDOW))
    variance = np.maximum(cv2.blur(picture * picture, (WINDOW, WINDOW)) - mean * mean, 0)
    deviation = np.sqrt(variance)
    smooth = (deviation < SMOOTH_SHARE * mean) & (deviation > FLAT_DEVIATION) & (mean > LEAST_LEVEL)
    return float(smooth.mean())


def leaning_line(grey: Grey) -> float:
    """Length of the longest straight edge that leans a little, over the shorter side of ``(rows, cols)`` uint8."""
    edges = cv2.Canny(cv2.GaussianBlur(grey, (0, 0), 1.5), *CANNY)
    side = min(grey.shape)
    found = cv2.HoughLinesP(edges, 1, np.pi / 360, HOUGH_VOTES, minLineLength=HOUGH_SHARE * side, maxLineGap=HOUGH_GAP)
    if found is None:
        return 0.0
    lines = np.asarray(found, dtype=np.float64).reshape(-1, 4)
    across, down = lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1]
    angle = np.rad2deg(np.arctan2(down, across)) % 90
    lean = np.minimum(angle, 90 - angle)
    length = np.hypot(across, down)[(lean > LEAN[0]) & (lean < LEAN[1])]
    return float(length.max() / side) if length.size else 0.0


def stray_colour(rgb: Pixels) -> float:
    """How far colours stray from the usual one at their brightness, grey values, of ``(rows, cols, 3)`` uint8."""
    colour = rgb.reshape(-1, 3).astype(np.float32)
    apart = colour[:, [0, 2]] - colour[:, [1]]
    classes = rgb[..., 1].ravel() // STEP
    stray: npt.NDArray[np.float32] = np.zeros(len(apart), dtype=np.float32)
    for level in np.unique(classes):
        here = classes == level
        stray[here] = np.hypot(*(apart[here] - np.median(apart[here], axis=0)).T)
    return float(np.percentile(stray, 80))
