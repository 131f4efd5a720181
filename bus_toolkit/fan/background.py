"""What is background, what is a flat panel of the screen, and what has been written or insonified.

The first half of the fan recipe: the non-zero mask, or where the background is not zero, the mask of pixels that
differ from its modal value (Shamout et al. 2021, "The NYU Breast Ultrasound Dataset v1.0", technical report).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask, Pixels

RGB_NDIM = 3
FLAT_RANGE = 2
"""Grey levels within a 3x3 neighbourhood that still count as flat: what JPEG leaves of a plain area."""
TOLERANCE = 3
"""Grey levels from the background that are still background: compression noise, measured on real screens."""
BRIGHT = 48
"""Grey levels from the background that only drawing or lit tissue reaches; noise in a dark far field does not."""
MIN_BACKGROUND_SHARE = 0.02
"""Share of the picture that a flat value must cover to be its background. Pictures cropped to the tissue have less
(480 BUSI scans: 0 to 9 %, and then it is the black of shadows), and black is assumed."""
FIRM = 16
"""Grey levels from the background that the noise of block compression around the fan does not reach."""
MIN_PANEL_SHARE = 0.015
"""Share of the picture that a flat, lit value must cover to be a banner or button row rather than tissue."""
SATURATED = 250
"""A flat area as bright as this is saturated tissue or flow, never a panel."""
COLOURFUL = 140
"""Largest less smallest channel above which a flat area is saturated colour flow rather than background."""
CANDIDATES = 6
"""Flat values that are looked at for the background."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Background:
    """What lies behind the picture.

    Attributes
    ----------
    colour
        One grey value or three of RGB, 0 to 255.
    foreground
        ``(rows, cols)`` bool, True where something differs from the background and is not a flat panel.
    firm
        ``(rows, cols)`` bool, the part of the foreground that compression noise does not reach.
    bright
        ``(rows, cols)`` bool, what stands out: drawing, panels, or lit tissue.
    plain
        ``(rows, cols)`` bool, True where all pixels around are equal: no noise, so no receiver was listening.
    """

    colour: tuple[int, ...]
    foreground: Mask
    firm: Mask
    bright: Mask
    plain: Mask


def brightest_channel(picture: Pixels) -> Pixels:
    """``(rows, cols)`` uint8: the largest channel, so that saturated colours count as much as white."""
    if picture.ndim != RGB_NDIM:
        return picture
    red, green, blue = cv2.split(picture)
    return cast("Pixels", cv2.max(cv2.max(red, green), blue))


def _spread(level: Pixels) -> Pixels:
    """``(rows, cols)`` uint8: largest less smallest value in the 3x3 neighbourhood."""
    kernel = np.ones((3, 3), np.uint8)
    return cast("Pixels", cv2.subtract(cv2.dilate(level, kernel), cv2.erode(level, kernel)))


def _colour_at(picture: Pixels, where: Mask) -> tuple[int, ...]:
    """The median colour of ``picture`` where the mask is True; black when it is True nowhere."""
    if picture.ndim == RGB_NDIM:
        if not where.any():
            return (0, 0, 0)
        return tuple(int(value) for value in np.median(picture[where], axis=0))
    return (int(np.median(picture[where])),) if where.any() else (0,)


def _choose(picture: Pixels, level: Pixels, flat: Mask, share: npt.NDArray[np.float64]) -> tuple[int, tuple[int, ...]]:
    """Level and colour of the background: the flat value that covers most of the picture and of its border."""
    border = np.concatenate([level[0], level[-1], level[:, 0], level[:, -1]])
    on_border = np.convolve(np.bincount(border, minlength=256), np.ones(3), mode="same") / border.size
    exact = np.bincount(level[flat], minlength=256) / level.size
    weight = np.where(share >= MIN_BACKGROUND_SHARE, share + on_border + exact, 0.0)
    for value in np.argsort(-weight, kind="stable")[:CANDIDATES]:
        if weight[value] <= 0:
            break
        colour = _colour_at(picture, flat & (level == value))
        if max(colour) - min(colour) < COLOURFUL:
            return int(value), colour
    return 0, _colour_at(picture, np.zeros(level.shape, np.bool_))


def separate(picture: Pixels) -> Background:
    """Tell background and flat panels from everything else.

    Parameters
    ----------
    picture
        ``(rows, cols)`` grey or ``(rows, cols, 3)`` RGB, uint8.

    Returns
    -------
    Background
        Colour and masks.
    """
    level = brightest_channel(picture)
    spread = _spread(level)
    flat = spread <= FLAT_RANGE
    counts = np.bincount(level[flat], minlength=256).astype(np.float64)
    share = np.convolve(counts, np.ones(3), mode="same") / level.size
    back, colour = _choose(picture, level, flat, share)
    distance = cv2.absdiff(level, np.full_like(level, back))
    foreground = distance > TOLERANCE
    panels = (share >= MIN_PANEL_SHARE) & (np.abs(np.arange(256) - back) > TOLERANCE)
    panels[SATURATED:] = False
    bright = distance > BRIGHT
    if panels.any():
        on_panel = flat & panels[level]
        foreground &= ~on_panel
        bright |= on_panel
    return Background(
        colour=colour,
        foreground=foreground,
        firm=foreground & (distance > FIRM),
        bright=bright,
        plain=spread == 0,
    )
