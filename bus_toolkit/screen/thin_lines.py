"""Thin straight lines along rows and columns, and the rectangles that they make.

A colour-flow region is marked by a line of one to three pixels. Its brightness hardly matters: what tells it from
tissue is that over a long way it differs from both its sides in the same sense.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bus_toolkit.geometry import Box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bus_toolkit.geometry import Mask
    from bus_toolkit.screen.look import Grey

STEP = 2
"""Distance, in pixels, of the two sides that a line is compared with: right for lines of 1 to 3 pixels."""
CONTRAST = 5
"""Grey values by which a line must differ from both sides."""
GAP = 9
"""Longest gap, in pixels, that is bridged: where text, a caliper or flow crosses the line."""
FILLED = 0.75
"""Share of a line's pixels that must show it before the gaps are bridged."""
SAME, MOSTLY, SOLID = 25, 0.6, 7
"""A drawn line keeps within so many grey values of its median on 60 % of its pixels; it ends where so many in a row
no longer do."""
MIN_SIDE = 0.1
"""Shortest side of a box, as a share of the picture's shorter side."""
MAX_LEAN = 0.6
"""Columns that a box may lean for each row of its height: beams are steered by 30 degrees at most."""
LEANING_LINES = 16
"""Longest level lines among which boxes that lean are looked for: their search costs most."""
SAMPLES = 48
"""Points of a leaning line that are looked at."""
MAX_LINES = 60
"""Longest lines kept in each direction: bounds the search in a picture made of nothing but lines."""
CORNER = 5
"""How far, in pixels, a line across may lie from the end of a side, and still meet it at a corner."""
BROKEN = 0.45
"""Share of a side's pixels that stand out when it is too broken to be found as a line; by chance it is about 0.2."""
OVERSHOOT = 0.3
"""How far a side may run beyond the corner, or stop short of it, as a share of the side: tissue that happens to go
on in a straight line makes it longer, flow and text that lie on it make it shorter."""
EVEN_RUN, EVEN, UNEVEN = 9, 5, 12
"""A line of a grey that the tissue has as well stands out by being even: over so many pixels along it its values lie
within 5 grey values, those of both sides, two pixels away, do not lie within 12."""
COLOUR_CONTRAST = 10
"""The same as CONTRAST for the colourfulness (largest minus smallest channel), which tissue does not have at all."""


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line at row (or column) ``at``, over ``[start, stop)`` of the other axis."""

    at: int
    start: int
    stop: int

    @property
    def length(self) -> int:
        """Pixels from end to end."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """The thin lines of a picture.

    ``along_rows`` and ``along_cols`` are each longest first. ``level`` and ``upright`` are ``(rows, cols)`` bool, True
    where a pixel stands out along a row or along a column: what broken lines and lines that lean are made of.
    """

    along_rows: list[Line]
    along_cols: list[Line]
    level: Mask
    upright: Mask


def ridges(grey: Grey, contrast: int = CONTRAST) -> Mask:
    """``(rows, cols)`` bool, True where a pixel is brighter, or darker, than both pixels two rows away.

    Transpose the picture for lines along columns.
    """
    mask = np.zeros(grey.shape, dtype=np.bool_)
    if grey.shape[0] > 2 * STEP:
        middle, above, below = grey[STEP:-STEP], grey[: -2 * STEP], grey[2 * STEP :]
        bright = cv2.subtract(middle, cv2.max(above, below))
        dark = cv2.subtract(cv2.min(above, below), middle)
        mask[STEP:-STEP] = cv2.max(bright, dark) > contrast
    return mask


def even_runs(grey: Grey) -> Mask:
    """``(rows, cols)`` bool, True where a row is even over a few pixels and the rows two away on both sides are not."""
    kernel = np.ones((1, EVEN_RUN), dtype=np.uint8)
    span = cv2.subtract(cv2.dilate(grey, kernel), cv2.erode(grey, kernel))
    mask = np.zeros(grey.shape, dtype=np.bool_)
    if grey.shape[0] > 2 * STEP:
        sides = cv2.min(span[: -2 * STEP], span[2 * STEP :])
        mask[STEP:-STEP] = (span[STEP:-STEP] <= EVEN) & (sides >= UNEVEN)
    return cv2.dilate(mask.astype(np.uint8), kernel) > 0


def lines_along_rows(ridge: Mask, grey: Grey, min_length: int) -> list[Line]:
    """Thin lines along rows, longest first, at most 60, from what :func:`ridges` gave on ``grey``."""
    marked = ridge.astype(np.uint8)
    if marked.shape[1] < min_length:
        return []
    # Counting marks in a sliding window is far cheaper than morphology, and leaves only a few rows for the latter.
    share = cv2.boxFilter(marked, cv2.CV_16U, (min_length, 1), normalize=False, borderType=cv2.BORDER_CONSTANT)
    lines: list[Line] = []
    for row in np.flatnonzero(share.max(axis=1) >= FILLED * min_length):
        closed = cv2.morphologyEx(marked[row : row + 1], cv2.MORPH_CLOSE, np.ones((1, GAP), dtype=np.uint8))[0]
        edges = np.flatnonzero(np.diff(closed, prepend=0, append=0))
        lines += [
            _trimmed(Line(int(row), int(start), int(stop)), grey[row])
            for start, stop in zip(edges[::2], edges[1::2], strict=True)
            if stop - start >= min_length and marked[row, start:stop].mean() >= FILLED
        ]
    return _thinned(sorted(lines, key=lambda line: (-line.length, line.at, line.start)))


def _trimmed(line: Line, values: Grey) -> Line:
    """A line of one brightness without what tissue that happens to go on straight has added to its ends."""
    part = values[line.start : line.stop].astype(np.int16)
    same = np.abs(part - np.median(part)) <= SAME
    if same.mean() < MOSTLY:
        return line
    solid = np.flatnonzero(np.convolve(same, np.ones(SOLID), mode="valid") == SOLID)
    if solid.size == 0:
        return line
    return Line(line.at, line.start + int(solid[0]), line.start + int(solid[-1]) + SOLID)


def _thinned(lines: list[Line]) -> list[Line]:
    """Of lines side by side, which one thick line leaves, the longest."""
    kept: list[Line] = []
    for line in lines:
        beside = any(
            abs(line.at - other.at) <= STEP and line.start < other.stop and other.start < line.stop for other in kept
        )
        if not beside:
            kept.append(line)
        if len(kept) == MAX_LINES:
            break
    return kept


def find_lines(grey: Grey, colourfulness: Grey | None = None) -> Lines:
    """Thin lines along rows and along columns.

    Parameters
    ----------
    grey
        ``(rows, cols)`` uint8.
    colourfulness
        ``(rows, cols)`` uint8, largest minus smallest channel: shows a coloured line where tissue is as bright.
    """
    min_length = max(16, int(MIN_SIDE * min(grey.shape)))
    if min(grey.shape) < 2 * min_length:
        nothing = np.zeros(grey.shape, dtype=np.bool_)
        return Lines([], [], nothing, nothing)
    turned = np.ascontiguousarray(grey.T)
    level, upright = ridges(grey) | even_runs(grey), ridges(turned) | even_runs(turned)
    if colourfulness is not None:
        level |= ridges(colourfulness, COLOUR_CONTRAST)
        upright |= ridges(np.ascontiguousarray(colourfulness.T), COLOUR_CONTRAST)
    return Lines(
        lines_along_rows(level, grey, min_length), lines_along_rows(upright, turned, min_length), level, upright.T
    )


def rectangles(lines: Lines) -> list[tuple[Box, float]]:
    """Rectangles that thin lines make, with the drawn share of their outline (0.7 to 1), best first.

    Three sides are enough, for the fourth may lie on the rim of the picture or under something else. Boxes that lean,
    as a steered beam makes them, are among them when both level sides are drawn.
    """
    found = dict(_pairs(lines.along_cols, lines.along_rows, lines.level))
    for turned, drawn in _pairs(lines.along_rows, lines.along_cols, lines.upright.T):
        box = Box(turned.col0, turned.row0, turned.col1, turned.row1)
        found[box] = max(drawn, found.get(box, 0.0))
    for box, drawn in _leaning(lines):
        found[box] = max(drawn, found.get(box, 0.0))
    return sorted(found.items(), key=lambda item: (-round(item[1], 2), -item[0].area, item[0]))


def _leaning(lines: Lines) -> Iterator[tuple[Box, float]]:
    """Boxes around two level lines of one length whose ends are joined by lines that lean alike."""
    ordered = sorted(lines.along_rows[:LEANING_LINES], key=lambda line: line.at)
    pairs = [pair for pair in combinations(ordered, 2) if _may_lean(*pair, min(lines.upright.shape))]
    if not pairs:
        return
    wider = cv2.dilate(lines.upright.astype(np.uint8), np.ones((1, 3), dtype=np.uint8)) > 0
    for top, bottom in pairs:
        left = _seen(wider, top.at, top.start, bottom.at, bottom.start)
        if left < FILLED:
            continue
        right = _seen(wider, top.at, top.stop - 1, bottom.at, bottom.stop - 1)
        if right < FILLED:
            continue
        level, height = top.length + bottom.length, bottom.at - top.at
        box = Box(top.at, min(top.start, bottom.start), bottom.at + 1, max(top.stop, bottom.stop))
        yield box, (level + height * (left + right)) / (level + 2 * height)


def _may_lean(top: Line, bottom: Line, side: int) -> bool:
    """Whether two level lines are as long as each other and lie as the two ends of a leaning box do."""
    height = bottom.at - top.at
    lean, lean_right = bottom.start - top.start, bottom.stop - top.stop
    return height >= MIN_SIDE * side and abs(lean - lean_right) <= 2 * GAP and 1 < abs(lean) <= MAX_LEAN * height


def _seen(upright: Mask, row0: int, col0: int, row1: int, col1: int) -> float:
    """Largest share of a leaning line that is seen, each end moved as far as a gap may have lengthened it."""
    rows = np.unique(np.linspace(row0 + 2, row1 - 2, SAMPLES).round().astype(int))
    moves = np.arange(-GAP, GAP + 1, 2)
    heads, tails = (ends.reshape(-1, 1) for ends in np.meshgrid(col0 + moves, col1 + moves))
    cols = np.round(heads + (tails - heads) * ((rows - row0) / (row1 - row0))).astype(int)
    return float(upright[rows, np.clip(cols, 0, upright.shape[1] - 1)].mean(axis=1).max())


def _pairs(sides: list[Line], across: list[Line], level: Mask) -> Iterator[tuple[Box, float]]:
    """Boxes between two lines along columns (``sides``) that lines along rows join.

    These are ``across``, or where they are too broken to be found, what is left of them in ``level``.
    """
    for one, other in combinations(sides, 2):
        left, right = (one, other) if one.at < other.at else (other, one)
        start, stop = max(left.start, right.start), min(left.stop, right.stop)
        slack = OVERSHOOT * max(0, stop - start)
        if right.at - left.at < 2 * CORNER or stop - start < 2 * CORNER:
            continue
        if max(abs(left.start - right.start), abs(left.stop - right.stop)) > CORNER + slack:
            continue
        joins = [line for line in across if _joins(line, left, right)]
        heads = [line.at for line in joins if abs(line.at - start) <= CORNER + slack]
        tails = [line.at for line in joins if abs(line.at - stop) <= CORNER + slack]
        # The outermost join is the box's; where one is missing, the end that both sides reach.
        top = min(heads) if heads else _broken(level, start, left.at, right.at)
        bottom = max(tails) if tails else _broken(level, stop - 1, left.at, right.at)
        box = Box(top, left.at, bottom + 1, right.at + 1)
        drawn = _drawn(box, (left, right), joins, level)
        if drawn >= FILLED - 0.05:
            yield box, drawn


def _broken(level: Mask, row: int, col0: int, col1: int) -> int:
    """The row near an end of two sides on which most pixels between them stand out."""
    first = max(0, row - CORNER)
    shares = level[first : row + CORNER + 1, col0 : col1 + 1].mean(axis=1)
    return first + int(shares.argmax()) if shares.size and float(shares.max()) >= BROKEN else row


def _joins(line: Line, left: Line, right: Line) -> bool:
    """Whether a line across reaches from one side to the other and does not run far beyond."""
    width = right.at - left.at
    short = max(0, line.start - left.at) + max(0, right.at - line.stop)
    beyond = max(0, left.at - line.start) + max(0, line.stop - right.at)
    return short <= OVERSHOOT * width and beyond <= 2 * OVERSHOOT * width


def _drawn(box: Box, sides: tuple[Line, Line], joins: list[Line], level: Mask) -> float:
    """Share of the outline of ``box`` that the lines cover."""
    shown = float(sum(_overlap(side, box.row0, box.row1) for side in sides))
    for edge in (box.row0, box.row1 - 1):
        near = [_overlap(line, box.col0, box.col1) for line in joins if abs(line.at - edge) <= STEP]
        pieces = level[max(0, edge - 1) : edge + 2, box.col0 : box.col1].mean(axis=1)
        share = float(pieces.max()) if pieces.size else 0.0
        shown += max(max(near, default=0), share * box.width if share >= BROKEN else 0.0)
    return shown / (2 * box.height + 2 * box.width)


def _overlap(line: Line, start: int, stop: int) -> int:
    return max(0, min(line.stop, stop) - max(line.start, start))
