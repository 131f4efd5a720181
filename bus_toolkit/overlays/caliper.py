"""Caliper marks: plus and x crosses, found by their four arms.

A plus is a point from which a thin ridge runs in each of four directions, all of one level and of one length. Tissue
has thin ridges too, but next to never four that meet; on 480 and 230 scans nothing but letters and drawn lines
passed the first test (:data:`ARM_CONTRAST`), so the checks after it are about letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final, cast

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.geometry import Box
from bus_toolkit.overlays.graphics_ink import Channel, grown, ridge, shifted

ARM_CONTRAST: Final = {"plus": 16, "x": 20}
"""The weakest arm must stand out by this many grey levels on average (tissue stayed below 8 on most scans)."""
WEAKEST: Final = {"plus": 7, "x": 12}
"""The same for a mark that a measuring line may still lift."""
CAP: Final = 60
"""Contrast beyond this says nothing more."""
LONGEST: Final = 24
"""Arms are followed this far, in pixels."""
SHORTEST: Final = 3
"""An arm, counted from the centre, is at least this long, in pixels."""
SHORTEST_X: Final = 4
"""Diagonal arms are at least this long along each axis; smaller ones are corners of letters."""
DOUBT: Final = 0.45
"""What a mark counts whose arms are not all alike: not enough alone, enough at the end of a measuring line."""
SPREAD: Final = 60
"""Grey levels between the 10th and 90th percentile of the arms; 15 with JPEG noise, 50 when scaled down."""
MAX_CANDIDATES: Final = 100
"""The strongest so many points are looked at closely; a text screen gives many, a scan a handful."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """One way to draw a cross: along and across directions of its two strokes, and the scale of its arms."""

    name: str
    reach: int
    run: int
    middle: int

    @property
    def strokes(self) -> tuple[tuple[tuple[int, int], tuple[int, int]], ...]:
        """``((along, across), ...)`` as steps ``(rows, cols)``."""
        if self.name == "plus":
            return (((0, 1), (1, 0)), ((1, 0), (0, 1)))
        return (((1, 1), (1, -1)), ((1, -1), (1, 1)))


STYLES: Final = (
    Style(name="plus", reach=2, run=3, middle=3),
    Style(name="plus", reach=3, run=5, middle=6),
    Style(name="x", reach=2, run=3, middle=3),
)
"""Strokes up to 3 px with arms from 4 px; strokes up to 5 px with arms from 8 px; diagonal strokes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One cross: centre ``(row, col)``, lengths of its four arms in pixels, level of its ink, and its score."""

    row: int
    col: int
    arms: tuple[int, int, int, int]
    level: float
    contrast: float
    spread: float
    style: str
    channel: int
    score: float

    @property
    def size(self) -> int:
        """Typical length of an arm, in pixels along an axis."""
        return int(np.median(self.arms))

    @property
    def box(self) -> Box:
        """Around the arms and their thickness: symmetric, for a digit may hide an arm and a line lengthen one."""
        across, down = (
            min(max(pair), self.size + 1) if max(pair) >= self.size else self.size
            for pair in (self.arms[:2], self.arms[2:])
        )
        if self.style == "x":
            across = down = max(across, down)
        return Box(self.row - down, self.col - across, self.row + down + 1, self.col + across + 1).grow(1)


def _arm_means(ridges: Channel, along: tuple[int, int], style: Style) -> tuple[Channel, Channel]:
    """Mean ridge over the arm behind and the arm ahead of every pixel."""
    if 0 in along:
        means = cv2.blur(ridges, (style.run, 1) if along[1] else (1, style.run))
    else:
        kernel = np.eye(style.run, dtype=np.float32) / style.run
        means = cv2.filter2D(ridges, -1, kernel if along[1] > 0 else np.ascontiguousarray(kernel[:, ::-1]))
    pad = style.middle
    padded = grown(cast("Channel", means), pad, 0)
    rows, cols = along[0] * pad, along[1] * pad
    return shifted(padded, pad, -rows, -cols), shifted(padded, pad, rows, cols)


def _peaks(response: Channel, least: int) -> list[tuple[int, int, int]]:
    """``(response, row, col)`` of the local maxima of at least ``least``, strongest first."""
    kernel = np.ones((7, 7), dtype=np.uint8)
    if int(response.max()) < least:
        return []
    top = (response >= least) & (response == cv2.dilate(response, kernel))
    places = [(int(response[row, col]), int(row), int(col)) for row, col in np.argwhere(top)]
    return sorted(places, reverse=True)[:MAX_CANDIDATES]


def _follow(ridges: Channel, start: tuple[int, int], step: tuple[int, int], least: float) -> int:
    """Length of the arm from ``start`` in direction ``step``, in steps; 0 when none starts within three."""
    reach = np.arange(1, LONGEST + 1)
    rows, cols = start[0] + reach * step[0], start[1] + reach * step[1]
    inside = (rows >= 0) & (rows < ridges.shape[0]) & (cols >= 0) & (cols < ridges.shape[1])
    good = np.zeros(LONGEST, dtype=np.bool_)
    good[inside] = ridges[rows[inside], cols[inside]] >= least
    if not good[SHORTEST - 1 :].any() or not good[:SHORTEST].any():
        return 0
    first = int(np.flatnonzero(good)[0])
    stops = np.flatnonzero(~good[first:])
    return first + int(stops[0]) if stops.size else LONGEST


def _levels(
    channel: Channel, start: tuple[int, int], arms: tuple[int, ...], steps: list[tuple[int, int]]
) -> npt.NDArray[np.float64]:
    """Levels under the four arms, each as long as a typical one, the middle left out."""
    typical = int(np.median(arms))
    taken = [
        channel[start[0] + step[0] * far, start[1] + step[1] * far]
        for arm, step in zip(arms, steps, strict=True)
        for far in range(min(2, arm), min(arm, typical) + 1)
    ]
    return np.asarray(taken, dtype=np.float64)


def evenness(arms: tuple[int, int, int, int]) -> float:
    """How far four arms make a cross: 1 when alike in length.

    :data:`DOUBT` when three are alike and the fourth fades, runs into a digit or on as a line; 0 for anything else.
    """
    ordered = sorted(arms)
    if ordered[1] >= LONGEST:
        return 0.0  # two long lines that cross
    slack = max(2, round(0.3 * ordered[1]))
    if ordered[0] >= SHORTEST and ordered[3] - ordered[0] <= slack:
        return 1.0
    if ordered[0] >= SHORTEST and ordered[2] - ordered[0] <= slack:
        return DOUBT
    slack = max(2, round(0.3 * ordered[2]))
    if ordered[1] > SHORTEST and ordered[3] - ordered[1] <= slack and ordered[0] > 0:
        return DOUBT
    return 0.0


def _closed(channel: Channel, row: int, col: int, levels: npt.NDArray[np.float64]) -> bool:
    """Whether the middle is ink too; the diagonals of a small ring look like an open x."""
    return float(channel[row, col]) >= float(np.median(levels)) - SPREAD / 2


def _response(channel: Channel, style: Style, ridges: list[Channel]) -> Channel:
    """How well every pixel is the centre of a cross: the weakest of its arms and of three of its dark corners.

    A digit may stand in the fourth.
    """
    found: Channel | None = None
    for ridged, (along, _) in zip(ridges, style.strokes, strict=True):
        weakest = cv2.min(*_arm_means(ridged, along, style))
        found = cast("Channel", weakest if found is None else cv2.min(found, weakest))
    pad = style.middle + 1
    padded = grown(channel, pad)
    corners = ((-1, -1), (-1, 1), (1, -1), (1, 1)) if style.name == "plus" else ((-1, 0), (1, 0), (0, -1), (0, 1))
    ink = cv2.dilate(channel, np.ones((3, 3), dtype=np.uint8))
    drops = [cv2.subtract(ink, shifted(padded, pad, rows * pad, cols * pad)) for rows, cols in corners]
    low, high = cv2.min(drops[0], drops[1]), cv2.max(drops[0], drops[1])
    low_too, high_too = cv2.min(drops[2], drops[3]), cv2.max(drops[2], drops[3])
    second = cv2.min(cv2.max(low, low_too), cv2.min(high, high_too))
    return cast("Channel", cv2.min(cast("Channel", found), second))


def _look(
    channel: Channel, style: Style, ridges: list[Channel], peak: tuple[int, int, int], number: int
) -> Mark | None:
    """The mark at one peak of the response, or None when its arms do not make one."""
    response, row, col = peak
    least = max(6.0, 0.35 * response)
    steps: list[tuple[int, int]] = []
    lengths: list[int] = []
    for (ridged, (along, _)), sign in product(zip(ridges, style.strokes, strict=True), (-1, 1)):
        steps.append((sign * along[0], sign * along[1]))
        lengths.append(_follow(ridged, (row, col), steps[-1], least))
    arms = (lengths[0], lengths[1], lengths[2], lengths[3])
    even = evenness(arms)
    if not even:
        return None
    levels = _levels(channel, (row, col), arms, steps)
    if style.name == "x" and (min(arms) < SHORTEST_X or not _closed(channel, row, col, levels)):
        return None
    low, level, high = np.percentile(levels, (10, 50, 90))
    spread = float(high - low)
    score = 0.5 * even * min(response / ARM_CONTRAST[style.name], 2.0) * min(1.0, SPREAD / max(spread, 1.0))
    return Mark(
        row=row,
        col=col,
        arms=arms,
        level=float(level),
        contrast=float(response),
        spread=spread,
        style=style.name,
        channel=number,
        score=score,
    )


def find_marks(channel: Channel, number: int = 0) -> list[Mark]:
    """Every cross in a channel, best first, no two on one place.

    Parameters
    ----------
    channel
        ``(rows, cols)`` uint8 in which ink is bright.
    number
        Goes into :attr:`Mark.channel`.
    """
    marks: list[Mark] = []
    for style in STYLES:
        ridges = [ridge(channel, style.reach, across, CAP) for _, across in style.strokes]
        for peak in _peaks(_response(channel, style, ridges), WEAKEST[style.name]):
            mark = _look(channel, style, ridges, peak, number)
            if mark is not None:
                marks.append(mark)
    return distinct(marks)


def distinct(marks: list[Mark]) -> list[Mark]:
    """The marks without those that lie on a better one."""
    kept: list[Mark] = []
    for mark in sorted(marks, key=lambda one: (-one.score, one.row, one.col)):
        if all(max(abs(mark.row - one.row), abs(mark.col - one.col)) > max(3, one.size // 2) for one in kept):
            kept.append(mark)
    return kept
