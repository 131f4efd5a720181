"""Fit the outline of a fan to a coarse tissue mask: sides, apex, arcs.

Scan lines leave a straight or curved surface along rays that meet in one (perhaps far away) apex, and depth is counted
along them. So every B-mode outline is the intersection of a rectangle, a wedge and a ring around the apex of the wedge;
a linear array has the rectangle alone. All coordinates here are of pixel centres on the coarse grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from bus_toolkit.geometry import Box, Mask

Floats: TypeAlias = npt.NDArray[np.float64]

LINE_TOLERANCE = 1.6
"""Coarse pixels from a line that still lie on it."""
MIN_SLOPE, MAX_SLOPE = 0.14, 4.0
"""Columns a row by which a side may lean outwards: 8 to 76 degrees from the vertical."""
MIN_SIDE_SHARE = 0.15
"""Share of the rows of the tissue that a leaning side must explain; below it a ragged shadow can pass for a side."""
MIN_SPAN_SHARE = 0.6
"""Share of the rows between the ends of a leaning side that must lie on it."""
MAX_OUTSIDE_SHARE = 0.25
"""Share of the rows whose tissue may stick out of a side: something attached to the fan."""
SAMPLED_ROWS = 28
SECTOR_RATIO = 0.15
"""Inner over outer radius below which the rays start in a point: phased array. The tip is then kept whole."""
EDGE_TOLERANCE = 2.5
"""Coarse pixels from an edge or arc within which tissue reaches it."""
ARC_SHARE = 0.4
"""Share of the rays that must end on an arc."""
RAY_BINS = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A leaning side: column of the edge at row ``r`` is ``offset + slope * r``; ``support`` rows speak for it."""

    offset: float
    slope: float
    support: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rays:
    """Where the rays meet, ``(row, col)``, and the radii between which there is a picture; 0 and inf: no arc there."""

    apex: tuple[float, float]
    inner: float
    outer: float


def row_extents(tissue: Mask, row0: int, row1: int) -> tuple[Floats, Floats, Floats]:
    """Rows from ``row0`` up to ``row1`` that hold tissue, the first tissue column in each and the last."""
    rows = np.flatnonzero(tissue[row0:row1].any(axis=1)) + row0
    part = tissue[rows]
    first = part.argmax(axis=1)
    last = tissue.shape[1] - 1 - part[:, ::-1].argmax(axis=1)
    return rows.astype(np.float64), first.astype(np.float64), last.astype(np.float64)


def fit_leaning(rows: Floats, cols: Floats, edge: float) -> Side | None:
    """Fit a left side that leans outwards on its way down, or say that there is none.

    Parameters
    ----------
    rows, cols
        First tissue column in each row. For a right side, mirror the columns.
    edge
        Column at which the picture or panel cuts the fan off; rows there tell nothing about the side.
    """
    free = np.flatnonzero(cols > edge + LINE_TOLERANCE)
    if free.size < max(8, MIN_SIDE_SHARE * rows.size):
        return None
    picked = free[np.unique(np.linspace(0, free.size - 1, SAMPLED_ROWS).astype(int))]
    one, two = np.triu_indices(picked.size, 1)
    one, two = picked[one], picked[two]
    slope = (cols[two] - cols[one]) / (rows[two] - rows[one])
    good = (slope <= -MIN_SLOPE) & (slope >= -MAX_SLOPE) & (rows[two] - rows[one] >= 0.1 * rows.size)
    if not good.any():
        return None
    slope, offset = slope[good], (cols[one] - slope * rows[one])[good]
    distance = (cols - offset[:, None] - slope[:, None] * rows) / np.hypot(1, slope)[:, None]
    on_line = np.abs(distance) <= LINE_TOLERANCE
    outside = (distance < -2 * LINE_TOLERANCE).sum(axis=1)
    best = int(np.argmax(on_line.sum(axis=1) - outside))
    support = np.flatnonzero(on_line[best])
    span = support[-1] - support[0] + 1
    if support.size < max(8, MIN_SIDE_SHARE * rows.size, MIN_SPAN_SHARE * span):
        return None
    if outside[best] > MAX_OUTSIDE_SHARE * rows.size or 2 * outside[best] > support.size:
        return None
    fitted = np.polyfit(rows[support], cols[support], 1)
    return Side(offset=float(fitted[1]), slope=float(fitted[0]), support=int(support.size - outside[best]))


def meet(left: Side, right: Side) -> tuple[float, float] | None:
    """The apex ``(row, col)`` in which two sides meet; None when they do not open downwards."""
    opening = right.slope - left.slope
    if opening < 2 * MIN_SLOPE:
        return None
    row = (left.offset - right.offset) / opening
    return row, left.offset + left.slope * row


def ring(tissue: Mask, apex: tuple[float, float]) -> Rays:
    """The arcs around ``apex`` between which the tissue lies.

    An arc counts only when enough rays reach it; without one the radius is 0 or infinite, and a straight edge (flat
    array, picture cut off) or nothing ends the fan on that side.
    """
    rows, cols = np.nonzero(tissue)
    down, across = rows - apex[0], cols - apex[1]
    radius = np.hypot(down, across)
    inner, outer = (float(value) for value in np.quantile(radius, [0.001, 0.999]))
    angle = np.arctan2(across, down)
    which = ((angle - angle.min()) / (np.ptp(angle) + 1e-6) * RAY_BINS).astype(int)
    far, near = np.zeros(RAY_BINS), np.full(RAY_BINS, np.inf)
    np.maximum.at(far, which, radius)
    np.minimum.at(near, which, radius)
    if (near <= inner + EDGE_TOLERANCE).mean() < ARC_SHARE or inner < SECTOR_RATIO * outer:
        inner = 0.0
    if (far >= outer - EDGE_TOLERANCE).mean() < ARC_SHARE:
        outer = np.inf
    return Rays(apex=apex, inner=inner, outer=outer)


def sharpness(tissue: Mask, box: Box) -> tuple[float, float, float, float]:
    """How much of each side of ``box`` tissue reaches, 0 to 1: top, left, bottom, right.

    An end of the insonified area is a straight line; tissue that fades into the dark ends raggedly.
    """
    part = tissue[box.slices]
    slack = int(np.ceil(EDGE_TOLERANCE))
    return (
        float(part[:slack].any(axis=0).mean()),
        float(part[:, :slack].any(axis=1).mean()),
        float(part[-slack:].any(axis=0).mean()),
        float(part[:, -slack:].any(axis=1).mean()),
    )
