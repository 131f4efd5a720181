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

LINE_TOLERANCE = 2.4
"""Coarse pixels from a line that still lie on it: 8x8 blocks of compression frame a fan in steps of that size."""
MIN_SLOPE, MAX_SLOPE = 0.18, 4.0
"""Columns a row by which a side may lean outwards: 10 to 76 degrees from the vertical."""
MIN_SIDE_SHARE = 0.15
"""Share of the rows of the tissue that a leaning side must explain; below it a ragged shadow can pass for a side."""
MIN_MIRRORED_SHARE = 0.08
"""The same when the side leans as much as the other one does: fans are symmetrical, but often cut on one side."""
MIRRORED = 0.12
"""Relative difference of slopes up to which two sides lean as much."""
MIN_TRAVEL = 0.05
"""Share of the width by which a leaning side must move outwards; notches and grey bars at a side move less."""
MIN_SPAN_SHARE = 0.6
"""Share of the rows between the ends of a leaning side that must lie on it."""
MAX_ABOVE_SHARE = 0.05
"""Share of the rows whose tissue may stick out of a side before it ends: something small attached to the fan."""
MAX_OUTSIDE_SHARE = 0.4
"""The same for all rows, when something large is attached below the end of a strong side."""
STRONG_SIDE_SHARE = 0.3
SAMPLED_ROWS = 28
SECTOR_RATIO = 0.15
"""Inner over outer radius below which the rays start in a point: phased array. The tip is then kept whole."""
EDGE_TOLERANCE = 2.5
"""Coarse pixels from an edge or arc within which tissue reaches it."""
ARC_SHARE = 0.35
"""Share of the rays that must end on an arc; the others end in shadow or are cut off by the border of the picture."""
ARC_BLUR = 0.03
"""Share of the radius by which rays may end beyond the usual radius of an arc: blur, noise, an apex a little off."""
ARC_REACH = 0.9
"""Quantile of the ends of those rays at which the arc is drawn: hardly any tissue is cut, and no single mark counts."""
BEYOND_ARC = 0.1
"""Share of the rays that may go on beyond the outer arc: something is attached to it there."""
RAY_BINS = 48
STRETCHES = (1.0, *(round(0.7 + 0.05 * step, 2) for step in range(17) if step != 6))  # noqa: PLR2004 -- 1.0 comes first
"""Heights over widths of a pixel that are tried."""
CLEARLY = 0.1
"""Share of rays more by which another stretch must explain the outer arc."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A leaning side: column of the edge at row ``r`` is ``offset + slope * r``; ``support`` rows speak for it."""

    offset: float
    slope: float
    support: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rays:
    """Where the rays meet, ``(row, col)``, and the radii between which there is a picture; 0 and inf: no arc there.

    ``stretch`` is the factor on columns that makes the arcs round.
    """

    apex: tuple[float, float]
    inner: float
    outer: float
    stretch: float = 1.0


def row_extents(tissue: Mask, row0: int, row1: int) -> tuple[Floats, Floats, Floats]:
    """Rows from ``row0`` up to ``row1`` that hold tissue, the first tissue column in each and the last."""
    rows = np.flatnonzero(tissue[row0:row1].any(axis=1)) + row0
    part = tissue[rows]
    first = part.argmax(axis=1)
    last = tissue.shape[1] - 1 - part[:, ::-1].argmax(axis=1)
    return rows.astype(np.float64), first.astype(np.float64), last.astype(np.float64)


def fit_leaning(rows: Floats, cols: Floats, edge: float, width: int, slope_like: float | None = None) -> Side | None:
    """Fit a left side that leans outwards on its way down, or say that there is none.

    Parameters
    ----------
    rows, cols
        First tissue column in each row. For a right side, mirror the columns.
    edge
        Column at which the picture or panel cuts the fan off; rows there tell nothing about the side.
    width
        Columns of tissue.
    slope_like
        The slope (negative) of the other side, mirrored; None when that is not known.
    """
    free = np.flatnonzero(cols > edge + LINE_TOLERANCE)
    least = max(8, (MIN_SIDE_SHARE if slope_like is None else MIN_MIRRORED_SHARE) * rows.size)
    if free.size < least:
        return None
    picked = free[np.unique(np.linspace(0, free.size - 1, SAMPLED_ROWS).astype(int))]
    one, two = np.triu_indices(picked.size, 1)
    one, two = picked[one], picked[two]
    slope = (cols[two] - cols[one]) / (rows[two] - rows[one])
    steepest, flattest = -MIN_SLOPE, -MAX_SLOPE
    if slope_like is not None:
        steepest, flattest = slope_like * (1 - MIRRORED), slope_like * (1 + MIRRORED)
    good = (slope <= steepest) & (slope >= flattest) & (rows[two] - rows[one] >= least / 2)
    if not good.any():
        return None
    slope, offset = slope[good], (cols[one] - slope * rows[one])[good]
    distance = (cols - offset[:, None] - slope[:, None] * rows) / np.hypot(1, slope)[:, None]
    on_line = np.abs(distance) <= LINE_TOLERANCE
    beyond = distance < -2 * LINE_TOLERANCE
    outside = beyond.sum(axis=1)
    best = int(np.argmax(on_line.sum(axis=1) - outside))
    support = np.flatnonzero(on_line[best])
    span = support[-1] - support[0] + 1
    travel = float(-slope[best] * (rows[support[-1]] - rows[support[0]]))
    if support.size < max(least, MIN_SPAN_SHARE * span) or travel < MIN_TRAVEL * width:
        return None
    above = beyond[best, : support[-1]].sum()
    allowed = MAX_OUTSIDE_SHARE if support.size >= STRONG_SIDE_SHARE * rows.size else MAX_ABOVE_SHARE
    if above > MAX_ABOVE_SHARE * rows.size or outside[best] > allowed * rows.size:
        return None
    fitted = np.polyfit(rows[support], cols[support], 1)
    return Side(offset=float(fitted[1]), slope=float(fitted[0]), support=int(support.size - outside[best]))


def meet(left: Side, right: Side) -> tuple[float, float] | None:
    """The apex ``(row, col)`` in which two sides meet; None when they do not open downwards."""
    opening = right.slope - left.slope
    if opening < MIN_SLOPE:
        return None
    row = (left.offset - right.offset) / opening
    return row, left.offset + left.slope * row


def _commonest(values: Floats) -> tuple[float, float]:
    """The finite value near which most of ``values`` lie (the mean of those), and their share; zeros without any."""
    known = values[np.isfinite(values)]
    if known.size == 0:
        return 0.0, 0.0
    close = np.abs(known[:, None] - known[None, :]) <= EDGE_TOLERANCE
    best = int(close.sum(axis=1).argmax())
    return float(known[close[best]].mean()), float(close[best].sum()) / values.size


def _ends_of_columns(tissue: Mask) -> tuple[Floats, Floats, Floats]:
    """Columns of tissue, and the rows of the first and the last tissue in each: all that can lie on an arc."""
    cols = np.flatnonzero(tissue.any(axis=0))
    part = tissue[:, cols]
    last = tissue.shape[0] - 1 - part[::-1].argmax(axis=0)
    return cols.astype(np.float64), part.argmax(axis=0).astype(np.float64), last.astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Arc:
    """Points inside the wedge, relative to the apex, and the ray (of ``RAY_BINS``) on which each lies."""

    down: Floats
    across: Floats
    ray: npt.NDArray[np.intp]

    def reach(self, stretch: float) -> Floats:
        """The largest radius on each ray; minus infinity where there is no point."""
        found = np.full(RAY_BINS, -np.inf)
        np.maximum.at(found, self.ray, np.hypot(self.down, self.across * stretch))
        return found


def _arc(rows: Floats, cols: Floats, apex: tuple[float, float], left: Side, right: Side) -> _Arc:
    """Keep the points inside the wedge."""
    inside = (cols >= left.offset + left.slope * rows) & (cols <= right.offset + right.slope * rows) & (rows > apex[0])
    down, across = rows[inside] - apex[0], cols[inside] - apex[1]
    share = (across / down - left.slope) / (right.slope - left.slope)
    return _Arc(down=down, across=across, ray=np.minimum((share * RAY_BINS).astype(np.intp), RAY_BINS - 1))


def ring(tissue: Mask, left: Side, right: Side) -> Rays | None:
    """The arcs between which the tissue lies, around the apex in which the sides meet; None when they do not meet.

    An arc counts only when enough rays reach it; without one the radius is 0 or infinite, and a straight edge (flat
    array, picture cut off) or nothing ends the fan on that side. Pixels are not always square: the stretch is the one
    for which most rays agree on the outer arc, square pixels unless others do clearly better.
    """
    apex = meet(left, right)
    if apex is None:
        return None
    cols, first, last = _ends_of_columns(tissue)
    top, bottom = _arc(first, cols, apex, left, right), _arc(last, cols, apex, left, right)
    best, agreed = Rays(apex=apex, inner=0.0, outer=np.inf), 0.0
    for stretch in STRETCHES:
        far = bottom.reach(stretch)
        outer, share = _commonest(far)
        if share <= agreed + CLEARLY:
            continue
        agreed = share
        inner, upper_share = _commonest(top.reach(stretch))
        if upper_share < ARC_SHARE or inner < SECTOR_RATIO * outer:
            inner = 0.0
        near = far <= outer + max(2 * EDGE_TOLERANCE, ARC_BLUR * outer)
        outer = (
            float(np.quantile(far[near], ARC_REACH)) if share >= ARC_SHARE and (~near).mean() <= BEYOND_ARC else np.inf
        )
        best = Rays(apex=apex, inner=inner, outer=outer, stretch=stretch)
    return best


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
