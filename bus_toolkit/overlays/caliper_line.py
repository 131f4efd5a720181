"""Measuring lines: dotted, dashed or solid strokes that join two caliper marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.geometry import Box

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask
    from bus_toolkit.overlays.graphics_ink import Channel

OFFSETS: Final = np.array([-5.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 5.0], dtype=np.float32)
"""Pixels across the line at which it is sampled: two beside, five on it, two beside.

Five, because the middle of a mark is known to a pixel or two.
"""
CONTRAST: Final = 14.0
"""Dots stand out from both sides by this many grey levels at the 75th percentile."""
PERIODS: Final = (2.0, 16.0)
"""Pixels from dot to dot; 3 to 8 at the usual sizes, dashes up to 16."""
REGULAR: Final = 0.6
"""Share of the steps from dot to dot that are alike."""
COVERED: Final = 0.6
"""Share of the way that dots or stroke must cover (a line fades where tissue is as bright)."""
SOLID: Final = 0.88
"""Share of the way that is on in a solid line."""
LEVELS: Final = 110.0
"""Grey levels between the 10th and 90th percentile of the dots of one line."""
FEWEST: Final = 4
"""Dots that make a line."""
PIECE: Final = 40.0
"""Longest piece of a line in one box, in pixels."""
WAIST: Final = 6.0
"""A piece of a slanted line is cut so that the short side of its box stays near this, in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A stroke between two points: which samples are ink, and how well it keeps time (0 to 1)."""

    rows: npt.NDArray[np.float32]
    cols: npt.NDArray[np.float32]
    lit: npt.NDArray[np.bool_]
    score: float


def _sample(
    channel: Channel, start: tuple[float, float], end: tuple[float, float]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Rows, columns and levels ``(samples, offsets)`` at every pixel of the way."""
    length = max(2, int(np.hypot(end[0] - start[0], end[1] - start[1])) + 1)
    way = np.linspace(0.0, 1.0, length, dtype=np.float32)
    rows = start[0] + way * (end[0] - start[0])
    cols = start[1] + way * (end[1] - start[1])
    across = np.array([end[1] - start[1], start[0] - end[0]], dtype=np.float32) / max(length - 1, 1)
    map_rows = (rows[:, None] + across[0] * OFFSETS[None, :]).astype(np.float32)
    map_cols = (cols[:, None] + across[1] * OFFSETS[None, :]).astype(np.float32)
    # The nearest pixel, for anything smoother would change the level of dots one pixel wide.
    levels = cv2.remap(channel, map_cols, map_rows, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return rows.astype(np.float32), cols.astype(np.float32), levels.astype(np.float32)


def _beat(lit: npt.NDArray[np.bool_]) -> float:
    """How well the lit runs keep time, 0 to 1: share of equal steps, 0 when too few or too far apart."""
    edges = np.diff(np.concatenate(([0], lit.astype(np.int8), [0])))
    middles = (np.flatnonzero(edges == 1) + np.flatnonzero(edges == -1)) / 2.0
    if middles.size < FEWEST:
        return 0.0
    steps = np.diff(middles)
    period = float(np.median(steps))
    if not PERIODS[0] <= period <= PERIODS[1] or middles.size * period < COVERED * lit.size:
        return 0.0
    return float(np.mean(np.abs(steps - period) <= max(1.0, 0.2 * period)))


def trace(channel: Channel, start: tuple[float, float], end: tuple[float, float]) -> Line | None:
    """The stroke on the way from ``start`` to ``end`` (``(row, col)``), or None when there is none.

    Parameters
    ----------
    channel
        ``(rows, cols)`` uint8 in which ink is bright.
    start, end
        Ends of the free way, outside the marks.

    Returns
    -------
    A :class:`Line` whose score is the share of regular steps (dotted) or of lit samples (solid).
    """
    if np.hypot(end[0] - start[0], end[1] - start[1]) < FEWEST * PERIODS[0]:
        return None
    rows, cols, levels = _sample(channel, start, end)
    peak = levels[:, 2:7].max(axis=1)
    side = np.maximum(levels[:, :2].mean(axis=1), levels[:, 7:].mean(axis=1))
    stands = peak - side
    strong = float(np.percentile(stands, 75))
    if strong < CONTRAST:
        return None
    lit = stands >= max(0.5 * strong, 0.6 * CONTRAST)
    low, high = np.percentile(peak[lit], (10, 90))
    if high - low > LEVELS:
        return None
    if lit.mean() >= SOLID:
        return Line(rows=rows, cols=cols, lit=lit, score=float(lit.mean()))
    beat = _beat(lit)
    return Line(rows=rows, cols=cols, lit=lit, score=beat) if beat >= REGULAR else None


def straight_line(start: tuple[float, float], end: tuple[float, float], score: float) -> Line:
    """The line between two points as one that is lit all along."""
    length = max(2, int(np.hypot(end[0] - start[0], end[1] - start[1])) + 1)
    rows = np.linspace(start[0], end[0], length, dtype=np.float32)
    cols = np.linspace(start[1], end[1], length, dtype=np.float32)
    return Line(rows=rows, cols=cols, lit=np.ones(length, dtype=np.bool_), score=score)


def line_mask(channel: Channel, line: Line) -> Mask:
    """``(rows, cols)`` bool, True on the dots and dashes of a line: the bright pixels within two of it."""
    mask = np.zeros(channel.shape, dtype=np.bool_)
    height, width = channel.shape
    for row, col in zip(line.rows[line.lit], line.cols[line.lit], strict=True):
        top, left = max(0, round(float(row)) - 2), max(0, round(float(col)) - 2)
        part = channel[top : min(height, top + 5), left : min(width, left + 5)].astype(np.int16)
        if part.size:
            least = (int(part.max()) + int(np.median(part))) // 2
            mask[top : top + part.shape[0], left : left + part.shape[1]] |= part > least
    return mask


def pieces(line: Line, shape: tuple[int, int]) -> list[Box]:
    """Small boxes that together cover a line and little else, in order."""
    down, along = float(line.rows[-1] - line.rows[0]), float(line.cols[-1] - line.cols[0])
    length = max(float(np.hypot(down, along)), 1.0)
    slant = min(abs(down), abs(along)) / length
    step = max(2, int(min(PIECE, WAIST / max(slant, 0.01))))
    boxes: list[Box] = []
    for first in range(0, len(line.rows), step):
        last = min(first + step, len(line.rows) - 1)
        rows, cols = line.rows[first : last + 1], line.cols[first : last + 1]
        box = Box.from_list([rows.min() - 1.5, cols.min() - 1.5, rows.max() + 2.5, cols.max() + 2.5]).clip(shape)
        if box.area:
            boxes.append(box)
    return boxes
