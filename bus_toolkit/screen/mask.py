"""A part of the picture painted over in one colour, as a segmentation is shown: opaque, or as a veil of one hue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from bus_toolkit.geometry import Box, box_of_mask
from bus_toolkit.screen.colour import chroma_of, hue_of, hue_spread
from bus_toolkit.screen.look import NOTHING, Sighting, ramp, reduced_mask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bus_toolkit.geometry import Mask, Pixels
    from bus_toolkit.screen.look import Look

FLAT_STEP, FLAT_LEVEL = 6, 60
"""Largest difference of neighbours, and least brightness, of a part painted in one colour."""
VEIL = 45
"""Largest minus smallest channel from which a pixel may lie under a veil of colour."""
ONE_HUE = 14.0
"""Degrees by which the hue under a veil spreads at most: flow runs through more."""
FAR_HUE = 25.0
"""Degrees from the usual hue of the rest from which it is not the tint of the grey map."""
SIZE = (0.003, 0.007, 0.015)
"""Share of the ultrasound area that is painted, for the scores 0, 0.5 and 1: icons and letters are smaller."""
LARGEST = 0.4
"""A larger part is not a lesion but the tint of the scan or a page."""
SOLID = (0.7, 0.8, 0.92)
"""Share of its convex hull that a part fills: icons and saturated echoes are ragged."""
EXTENT = 0.9
"""A part that fills more of its box is a plate, a bar or a map."""
SLENDER = 3.5
"""A part longer than so many times its width is a bar, a streak or a word."""
VEIL_STEP = 25
"""Grey values of colourfulness by which a veil stands out from what is just beside it: a tint rises slowly."""
OPENING = 5


def mask(look: Look) -> Sighting:
    """The largest part that is painted over in one colour or white.

    Score: the lesser of its size and of how solid it is, each 0.5 at its operating point. The box is around it. A part
    painted black cannot be told from a cyst and is not looked for.
    """
    area = reduced_mask(look)
    total = int(area.sum())
    if total == 0 or min(look.small.shape) < 2 * OPENING:
        return NOTHING
    best, ground = NOTHING, box_of_mask(area)
    for layer in _layers(look):
        count, labels, stats, _ = cv2.connectedComponentsWithStats(layer, connectivity=4)
        for number in range(1, count):
            left, top, wide, high, pixels = (int(n) for n in stats[number])
            share = pixels / total
            if not SIZE[0] < share <= LARGEST or _is_bar(pixels, wide, high):
                continue
            # A large part may pass for the background: the area has a hole there, its box has not.
            place = Box(top, left, top + high, left + wide)
            if place.intersect(ground) != place:
                continue
            part = labels == number
            score = min(ramp(share, *SIZE), ramp(_solidity(part), *SOLID))
            if score > best.score:
                best = Sighting(score=score, box=look.enlarge(place))
    return best


def _layers(look: Look) -> Iterator[Pixels]:
    """What may be painted, ``(rows, cols)`` uint8 of the reduced size: flat parts, and parts of one hue."""
    size = look.small.shape[1], look.small.shape[0]
    picture = look.small[..., np.newaxis]
    if look.rgb is not None:
        picture = np.asarray(cv2.resize(look.rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    kernel = np.ones((3, 3), dtype=np.uint8)
    span = cv2.subtract(cv2.dilate(picture, kernel), cv2.erode(picture, kernel)).reshape(*look.small.shape, -1)
    bright = look.small > FLAT_LEVEL
    yield _opened((span.max(axis=2) <= FLAT_STEP) & bright)
    if look.rgb is None:
        return
    veiled = chroma_of(picture) >= VEIL
    if not veiled.any():
        return
    hues = np.zeros(look.small.shape, dtype=np.float32)
    hues[veiled] = hue_of(picture[veiled])
    # Each of six sectors, and those that lie between them, so that no hue is cut in two.
    for first in range(0, 360, 30):
        sector = veiled & ((hues - first) % 360 < 60)  # noqa: PLR2004 - degrees
        if sector.mean() > SIZE[0] / 2 and hue_spread(picture[sector]) <= ONE_HUE and not _is_tint(picture, sector):
            yield _with_an_edge(_opened(sector), chroma_of(picture))


def _is_tint(picture: Pixels, sector: Mask) -> bool:
    """Whether the rest of the picture has the same hue, only fainter."""
    rest = ~sector & (chroma_of(picture) > 8)  # noqa: PLR2004 - a hue can be told
    if rest.sum() < sector.sum():
        return False
    angles = [np.deg2rad(hue_of(picture[part])) for part in (sector, rest)]
    means = [np.arctan2(np.sin(angle).mean(), np.cos(angle).mean()) for angle in angles]
    apart = abs(float(np.rad2deg(means[0] - means[1])) + 180) % 360 - 180
    return abs(apart) < FAR_HUE


def _opened(part: Mask) -> Pixels:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (OPENING, OPENING))
    closed = cv2.morphologyEx(part.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), dtype=np.uint8))
    return np.asarray(cv2.morphologyEx(closed, cv2.MORPH_OPEN, kernel), dtype=np.uint8)


def _is_bar(pixels: int, wide: int, high: int) -> bool:
    """A plate, a bar, a map or a streak."""
    return pixels > EXTENT * wide * high or max(wide, high) > SLENDER * min(wide, high)


def _with_an_edge(layer: Pixels, chroma: Pixels) -> Pixels:
    """The parts of a layer that are more colourful than what is just beside them."""
    count, labels = cv2.connectedComponents(layer, connectivity=4)
    kept = np.zeros_like(layer)
    for number in range(1, count):
        part = (labels == number).astype(np.uint8)
        near = cv2.dilate(part, np.ones((5, 5), dtype=np.uint8))
        ring = (cv2.dilate(near, np.ones((5, 5), dtype=np.uint8)) > 0) & (near == 0)
        if ring.any() and float(np.median(chroma[part > 0])) - float(np.median(chroma[ring])) >= VEIL_STEP:
            kept |= part
    return kept


def _solidity(part: Mask) -> float:
    """Share of its convex hull that a part fills."""
    outer, _ = cv2.findContours(part.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(np.concatenate(outer))
    filled = cv2.fillConvexPoly(np.zeros(part.shape, dtype=np.uint8), hull, (1.0,))
    return float(part.sum() / max(1, int(filled.sum())))
