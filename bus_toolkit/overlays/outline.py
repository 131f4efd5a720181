"""Drawn curves: thin strokes of one level, longer than a letter, and what they are.

Measured on 480 and 230 scans: of the thin bright components with a contrast of 60 grey levels and one level along
their whole length, tissue gave only flat lying streaks; everything that also reached 20 pixels upwards was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from bus_toolkit.geometry import Box, box_of_mask
from bus_toolkit.overlays.caliper_line import Line, straight_line

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask, Polygon
    from bus_toolkit.overlays.graphics_ink import Channel, Components

SHORT_SIDE: Final = 20
"""Pixels that a drawn curve reaches both ways (streaks of tissue: up to 18 upwards)."""
LONG_SIDE: Final = 30
"""Pixels that a drawn curve reaches one way at least; letters and digits are smaller."""
AT_EDGE: Final = 10
"""Pixels along its longer side that a curve cut off by the picture's edge must still show."""
EDGE_MARGIN: Final = 2
"""Pixels short of the edge that still count as touching it."""
CUT_HEIGHT: Final = 6
"""Pixels upwards that a curve cut off by the lower edge must still show."""
CUT_FLAT: Final = 0.9
"""Least :data:`FLAT` of a curve that is cut off."""
EDGE_CONTRAST: Final = 90
"""A cut off curve must stand out by this much."""
LEVEL_BAND: Final = 25
"""Width in grey levels of the band that holds the level of a stroke."""
FLAT: Final = 0.55
"""Share of the crest of a stroke within that band at score 0.5 (drawn: 0.65 to 1, less where tissue touches it)."""
FLAT_LINE: Final = 0.8
"""The same for a straight stroke, which a slanted streak of tissue can look like."""
PALER: Final = 60
"""Grey levels below its band that a stroke may be at its smooth edges."""
SPARSE: Final = 0.4
"""Largest share of its box that a stroke fills."""
BEND: Final = 6.0
"""Pixels by which a curve leaves its straight line."""
HOLE: Final = 150
"""Pixels that a closed curve encloses at least."""
STRAIGHT: Final = 0.85
"""Share of a stroke that lies on four straight runs when it is a box."""
GAP: Final = 7
"""Gaps up to one pixel less are bridged when a curve is tested for being closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """One connected drawn curve.

    ``mask`` has the shape of ``box``; ``polygon`` is the curve in picture coordinates when ``closed``, else the
    convex hull of what is seen of it.
    """

    box: Box
    mask: Mask
    level: float
    score: float
    closed: bool
    bent: bool
    boxy: bool
    polygon: Polygon

    @property
    def line(self) -> Line:
        """The straight line from end to end, in picture coordinates."""
        points = np.argwhere(self.mask)
        along = points @ np.array([1, 1 if np.cov(points.T)[0, 1] >= 0 else -1])
        first, last = points[int(along.argmin())], points[int(along.argmax())]
        start = (float(first[0]) + self.box.row0, float(first[1]) + self.box.col0)
        return straight_line(start, (float(last[0]) + self.box.row0, float(last[1]) + self.box.col0), self.score)


def flatness(channel: Channel, box: Box, mask: Mask) -> tuple[float, float]:
    """Share of the crest of a stroke in one band of levels, and the middle of the band."""
    part = channel[box.slices]
    crest = mask & (part >= cv2.dilate(part, np.ones((3, 3), dtype=np.uint8)) - np.minimum(part, 8))
    values = part[crest] if crest.any() else part[mask]
    counts = np.bincount(values, minlength=256).astype(np.float64)
    band = np.convolve(counts, np.ones(LEVEL_BAND), mode="same")
    return float(band.max() / values.size), float(band.argmax())


def _enclosed(mask: Mask) -> tuple[int, Polygon | None]:
    """Area that a stroke encloses once its gaps are bridged, and the outer curve relative to the mask."""
    pad = GAP
    grown = cv2.copyMakeBorder(mask.astype(np.uint8), pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (GAP, GAP))
    bridged = cv2.morphologyEx(grown, cv2.MORPH_CLOSE, kernel)
    contours, tree = cv2.findContours(bridged, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    family = np.asarray(tree).reshape(-1, 4)
    holes = [index for index in range(len(contours)) if family[index][3] >= 0]
    area = sum(int(cv2.contourArea(contours[index])) for index in holes)
    if not holes:
        return 0, None
    biggest = max(holes, key=lambda index: float(cv2.contourArea(contours[index])))
    outer = contours[int(family[biggest][3])]
    points = cv2.approxPolyDP(outer, 1.0, closed=True).reshape(-1, 2) - pad
    return area, tuple((float(row), float(col)) for col, row in points)


def _hull(mask: Mask) -> Polygon:
    points = cv2.convexHull(np.argwhere(mask).astype(np.int32)).reshape(-1, 2)
    return tuple((float(row), float(col)) for row, col in points)


def _is_box(mask: Mask) -> bool:
    """Whether a stroke is made of a few straight upright and level runs: a box drawn around a region."""
    across = mask.sum(axis=1)
    down = mask.sum(axis=0)
    rows = across >= max(8, 0.35 * mask.shape[1])
    cols = down >= max(8, 0.35 * mask.shape[0])
    on_runs = mask & (rows[:, None] | cols[None, :])
    return float(on_runs.sum()) >= STRAIGHT * float(mask.sum())


def _is_bent(mask: Mask) -> bool:
    """Whether a stroke leaves the straight line by more than :data:`BEND` pixels."""
    points = np.argwhere(mask).astype(np.float64)
    centred = points - points.mean(axis=0)
    if len(points) < AT_EDGE:
        return False
    normal = np.linalg.eigh(centred.T @ centred)[1][:, 0]
    return bool(np.abs(centred @ normal).max() > BEND)


def _big_enough(box: Box, shape: tuple[int, int]) -> bool:
    """Whether a component is larger than letters and steeper than streaks; cut off ones may be smaller."""
    long_side, short_side = max(box.height, box.width), min(box.height, box.width)
    if long_side >= LONG_SIDE and (short_side >= SHORT_SIDE or box.height > 3 * box.width):
        return True
    if long_side < AT_EDGE or not touches(box, shape):
        return False
    return box.height >= box.width or (box.row1 >= shape[0] - EDGE_MARGIN and box.height >= CUT_HEIGHT)


def touches(box: Box, shape: tuple[int, int], margin: int = EDGE_MARGIN) -> bool:
    """Whether a box reaches the edge of the picture (``margin`` pixels short of it counts)."""
    inner = Box(margin, margin, max(margin, shape[0] - margin), max(margin, shape[1] - margin))
    return box.intersect(inner) != box


def _stroke(channel: Channel, place: Box, mask: Mask) -> Stroke | None:
    """The ink in one component, or None when the component is tissue."""
    flat, level = flatness(channel, place, mask)
    if flat < (FLAT if _whole(place) else CUT_FLAT):
        return None
    part = channel[place.slices]
    ink = mask & (part >= level - PALER) & (part <= level + LEVEL_BAND)
    inner = box_of_mask(ink)
    box, ink = inner.shift(place.row0, place.col0), ink[inner.slices]
    bent = _is_bent(ink)
    if not _big_enough(box, channel.shape) or (flat < FLAT_LINE and not bent):
        return None
    area, curve = _enclosed(ink)
    closed = area >= HOLE and curve is not None
    around = curve if closed and curve is not None else _hull(ink)
    return Stroke(
        box=box,
        mask=ink,
        level=level,
        score=min(1.0, 0.5 + 0.5 * (flat - FLAT) / (1.0 - FLAT)),
        closed=closed,
        bent=bent,
        boxy=_is_box(ink),
        polygon=tuple((row + box.row0, col + box.col0) for row, col in around),
    )


def find_strokes(things: Components, skip: Mask | None = None) -> list[Stroke]:
    """Every drawn curve among the thin things of a channel.

    Parameters
    ----------
    things
        From :func:`bus_toolkit.overlays.graphics_ink.components`.
    skip
        ``(rows, cols)`` bool, True on what is explained already (text, calipers); touched curves are left out.

    Returns
    -------
    Strokes with a score of 0.5 to 1: how much of the crest is of one level.
    """
    channel, labels = things.channel, things.labels
    height, width = channel.shape
    found: list[Stroke] = []
    large = np.flatnonzero(things.stats[:, 2:4].max(axis=1) >= AT_EDGE)
    for number in large[large > 0]:
        left, top, wide, high, area = (int(value) for value in things.stats[number])
        box = Box(top, left, top + high, left + wide)
        if not _big_enough(box, (height, width)) or area > SPARSE * box.area + 3 * max(wide, high):
            continue
        mask = labels[box.slices] == number
        if skip is not None and (skip[box.slices] & mask).any():
            continue
        stroke = _stroke(channel, box, mask)
        if stroke is not None and (_whole(box) or _stands_out(channel, box, mask)):
            found.append(stroke)
    return found


def _whole(box: Box) -> bool:
    return max(box.height, box.width) >= LONG_SIDE


def _stands_out(channel: Channel, box: Box, mask: Mask) -> bool:
    around = channel[box.slices][~cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), dtype=np.uint8)).astype(np.bool_)]
    if around.size == 0:
        around = channel[box.grow(4).clip(channel.shape).slices].ravel()
    return float(np.median(channel[box.slices][mask])) - float(np.percentile(around, 90)) >= EDGE_CONTRAST
