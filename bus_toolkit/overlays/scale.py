"""Depth scales (ticks at equal steps along a line) and grey or colour bars (a ramp that is constant across)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.geometry import Box
from bus_toolkit.overlays.graphics_ink import RGB_NDIM

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask, Pixels
    from bus_toolkit.overlays.graphics_ink import Components

TICK_THICK: Final = 6
"""Largest size of a tick along the scale, in pixels."""
TICK_LONG: Final = 22
"""Largest size of a tick across the scale, in pixels."""
TICKS: Final = 6
"""Ticks that make a scale."""
STEP: Final = 4
"""Least pixels from tick to tick."""
EXTENT: Final = 0.2
"""Share of the picture's side that a scale reaches along."""
PERIODS: Final = 2
"""Periods in one step: a tick may be hidden."""
REGULAR: Final = 0.8
"""Share of equal steps at score 0.5."""
INSIDE: Final = 0.5
"""A scale whose ticks lie in the sector by more than this share is tissue."""
MARGIN: Final = 0.12
"""Without a sector, a scale is looked for in this outer share of the picture."""

BAR_RUN: Final = 6
"""Pixels across over which a bar is constant."""
BAR_NOISE: Final = 4
"""Grey levels from pixel to pixel that compression leaves in a constant row."""
BAR_LENGTH: Final = 50
"""Least length of a bar, in pixels."""
BAR_ASPECT: Final = 2.5
"""A bar is longer than wide by this factor."""
BAR_RANGE: Final = 100
"""Grey or colour levels from end to end."""
BAR_SMOOTH: Final = 0.9
"""Share of the steps along a bar that are small."""
BAR_EDGE: Final = 25
"""Grey levels by which a bar differs from what lies beside it, where it is brighter than that."""
BAR_BESIDE: Final = 6
"""Pixels beside a bar within which its surroundings are looked at."""
BAR_STEPS: Final = 12
"""Different levels along a bar."""
BAR_FULL: Final = 0.8
"""Share of its box that a bar fills."""
DARK: Final = 10
"""Darker than this is background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A scale or bar: its box, exact mask over the whole picture, and score (0.5 to 1)."""

    box: Box
    mask: Mask
    score: float


def _ticks(things: Components, skip: Mask | None) -> npt.NDArray[np.int32]:
    """``(ticks, 4)``: top, left, height, width of every component of a tick's size, upright or lying."""
    stats = things.stats[1:]
    small = (stats[:, 2:4].min(axis=1) <= TICK_THICK) & (stats[:, 2:4].max(axis=1) <= TICK_LONG)
    ticks: npt.NDArray[np.int32] = stats[small][:, [1, 0, 3, 2]]
    if skip is None:
        return ticks
    free = ~skip[ticks[:, 0] + ticks[:, 2] // 2, ticks[:, 1] + ticks[:, 3] // 2]
    unexplained: npt.NDArray[np.int32] = ticks[free]
    return unexplained


def _regular(places: npt.NDArray[np.int32]) -> float:
    """Share of the steps from tick to tick that are one or two periods."""
    steps = np.diff(np.unique(places).astype(np.float64))
    if steps.size < TICKS - 1:
        return 0.0
    period = float(np.median(steps))
    if period < STEP:
        return 0.0
    whole = np.maximum(1.0, np.round(steps / period))
    near = np.abs(steps - whole * period) <= 1.0 + 0.03 * steps
    return float(np.mean(near & (whole <= PERIODS)))


def _columns(ticks: npt.NDArray[np.int32], height: int) -> list[tuple[npt.NDArray[np.int32], float]]:
    """Groups of ticks that line up below one another at equal steps, with the share of equal steps."""
    found: list[tuple[npt.NDArray[np.int32], float]] = []
    small = ticks[(ticks[:, 2] <= TICK_THICK) & (ticks[:, 3] <= TICK_LONG)]
    taken = np.zeros(len(small), dtype=np.bool_)
    for line in (small[:, 1], small[:, 1] + small[:, 3], small[:, 1] + small[:, 3] // 2):
        for place in np.flatnonzero(np.bincount(line) >= TICKS) if line.size else ():
            group = (np.abs(line - place) <= 1) & ~taken
            rows = small[group, 0] + small[group, 2] // 2
            if rows.size < TICKS or np.ptp(rows) < EXTENT * height:
                continue
            share = _regular(rows)
            if share >= REGULAR:
                taken |= group
                found.append((small[group], share))
    return found


def _outside(box: Box, ticks: npt.NDArray[np.int32], fan: Mask | None, shape: tuple[int, int]) -> bool:
    if fan is not None:
        rows, cols = ticks[:, 0] + ticks[:, 2] // 2, ticks[:, 1] + ticks[:, 3] // 2
        return float(fan[rows, cols].mean()) <= INSIDE
    middle = (box.col0 + box.col1) / 2 / shape[1]
    return min(middle, 1 - middle) <= MARGIN


def find_scales(things: Components, fan: Mask | None = None, skip: Mask | None = None) -> list[Scale]:
    """Upright and level scales of separate ticks.

    Parameters
    ----------
    things
        From :func:`bus_toolkit.overlays.graphics_ink.components`.
    fan
        ``(rows, cols)`` bool, True inside the sector: a scale lies outside or on its edge.
    skip
        ``(rows, cols)`` bool, True on what is explained already, such as text.

    Returns
    -------
    Scales whose score is 0.5 where :data:`REGULAR` of the steps are equal and 1 where all are.
    """
    found: list[Scale] = []
    rows, cols = things.channel.shape
    ticks = _ticks(things, skip)
    for turned in (False, True):
        tops = ticks[:, [1, 0, 3, 2]] if turned else ticks
        shape = (cols, rows) if turned else (rows, cols)
        turned_fan = fan.T if fan is not None and turned else fan
        for group, share in _columns(tops, shape[0]):
            low, high = group[:, :2].min(axis=0), (group[:, :2] + group[:, 2:4]).max(axis=0)
            box = Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]))
            if not _outside(box, group, turned_fan, shape):
                continue
            mask = np.zeros(shape, dtype=np.bool_)
            for top, left, tall, wide in group:
                mask[top : top + tall, left : left + wide] = True
            score = 0.5 + 0.5 * (share - REGULAR) / (1 - REGULAR)
            if turned:
                box, mask = Box(box.col0, box.row0, box.col1, box.row1), np.ascontiguousarray(mask.T)
            found.append(Scale(box=box, mask=mask, score=score))
    return found


def is_comb(mask: Mask) -> bool:
    """Whether a stroke is an axis with ticks at equal steps: a ruler.

    Parameters
    ----------
    mask
        ``(rows, cols)`` bool of the stroke alone, in its box.
    """
    upright = mask if mask.shape[0] >= mask.shape[1] else mask.T
    if upright.shape[1] > TICK_LONG or upright.shape[0] < TICKS * STEP:
        return False
    wide = upright.sum(axis=1)
    teeth = wide >= np.median(wide) + 2
    starts = np.flatnonzero(np.diff(np.concatenate(([0], teeth.astype(np.int8)))) == 1)
    return _regular(starts.astype(np.int32)) >= REGULAR


def _ramp(planes: npt.NDArray[np.uint8], box: Box) -> float:
    """Share of the steps along a candidate bar that go on in one direction or change colour; 0 when it is no ramp."""
    middle = planes[box.row0 : box.row1, (box.col0 + box.col1) // 2].astype(np.float32)
    reach = float(np.ptp(middle, axis=0).max())
    if reach < BAR_RANGE:
        return 0.0
    part = planes[box.row0 : box.row1, box.col0 + 1 : max(box.col0 + 2, box.col1 - 1)].astype(np.float32)
    line: npt.NDArray[np.float32] = np.median(part, axis=1)
    spread = np.abs(part - line[:, None, :]).max(axis=2)
    if float(np.percentile(spread, 90)) > BAR_NOISE or not _sharp_sides(planes, box, line):
        return 0.0
    if len(np.unique(np.round(line / 4), axis=0)) < BAR_STEPS:
        return 0.0
    coloured = line.shape[1] > 1 and float(np.ptp(line, axis=1).max()) >= BAR_RANGE
    steps = np.diff(line, axis=0)
    if coloured:
        return float(np.mean(np.abs(steps).max(axis=1) <= reach / 6))
    grey = steps.mean(axis=1)
    return float(max(np.mean(grey <= 1.0), np.mean(grey >= -1.0)))


def _sharp_sides(planes: npt.NDArray[np.uint8], box: Box, line: npt.NDArray[np.float32]) -> bool:
    """Whether the bar ends in a clear edge on both sides over most of its bright length; the picture's edge is one."""
    bright = line.max(axis=1) >= BAR_EDGE
    if not bright.any():
        return False
    for cols in (range(box.col0 - BAR_BESIDE, box.col0 - 1), range(box.col1 + 1, box.col1 + BAR_BESIDE)):
        beside = [col for col in cols if 0 <= col < planes.shape[1]]
        if len(beside) < len(cols):
            continue
        away = np.abs(planes[box.row0 : box.row1, beside].astype(np.float32) - line[:, None, :]).max(axis=(1, 2))
        if float(np.mean(away[bright] >= BAR_EDGE)) < BAR_SMOOTH:
            return False
    return True


def _upright_bars(picture: Pixels, fan: Mask | None) -> list[tuple[Box, float]]:
    if picture.shape[0] < BAR_LENGTH or picture.shape[1] < BAR_RUN:
        return []
    planes = picture if picture.ndim == RGB_NDIM else picture[:, :, np.newaxis]
    bright = planes[:, :, 0] if planes.shape[2] == 1 else planes.max(axis=2)
    flat = (bright > DARK).astype(np.uint8)
    for number in range(planes.shape[2]):
        steps = cv2.absdiff(planes[:, 1:, number], planes[:, :-1, number])
        flat[:, 1:] &= (steps <= BAR_NOISE).astype(np.uint8)
    if fan is not None:
        flat[fan] = 0
    upright = cv2.erode(flat, np.ones((BAR_LENGTH, BAR_RUN - 1), dtype=np.uint8))
    if not upright.any():
        return []
    whole = cv2.dilate(upright, np.ones((BAR_LENGTH, BAR_RUN - 1), dtype=np.uint8))
    found = []
    for left, top, wide, high, area in cv2.connectedComponentsWithStats(whole, connectivity=4)[2][1:]:
        if high < max(BAR_LENGTH, BAR_ASPECT * wide) or area < BAR_FULL * wide * high:
            continue
        box = Box(int(top), max(0, int(left) - 1), int(top + high), int(left + wide))
        smooth = _ramp(planes, box)
        if smooth >= BAR_SMOOTH:
            found.append((box, 0.5 + 0.5 * (smooth - BAR_SMOOTH) / (1 - BAR_SMOOTH)))
    return found


def find_bars(picture: Pixels, fan: Mask | None = None) -> list[tuple[Box, float]]:
    """Grey and colour bars outside the sector: boxes and scores (0.5 to 1, the share of smooth steps along it).

    Parameters
    ----------
    picture
        ``(rows, cols)`` or ``(rows, cols, 3)`` uint8.
    fan
        ``(rows, cols)`` bool, True inside the sector, or None.
    """
    found = _upright_bars(picture, fan)
    turned = np.ascontiguousarray(np.swapaxes(picture, 0, 1))
    for box, score in _upright_bars(turned, None if fan is None else fan.T):
        found.append((Box(box.col0, box.row0, box.col1, box.row1), score))
    return found
