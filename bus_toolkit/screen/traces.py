"""M-mode and spectral Doppler: a panel of time below, or instead of, the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bus_toolkit.geometry import Box
from bus_toolkit.screen.look import ECHO_LEVEL, NOTHING, Sighting, reduced_mask
from bus_toolkit.screen.time_axis import spectrum, stillness
from bus_toolkit.stage import OPERATING_POINT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bus_toolkit.screen.look import Look

WIDE = 0.5
"""Smallest share of the picture's width that a panel of time takes."""
ASPECT = 1.3
"""A panel below a picture is at least this much wider than high."""
LOW = 0.25
"""Its upper edge lies below this share of the picture's height, for the picture itself is above it."""
TALL = 0.15
"""Smallest share of the picture's height."""
SPECTRUM = 0.3
"""Share of a framed panel that shows echo, below which it is a spectrum on black, above which an M-mode."""
FRAMED = 0.8
"""Score of a panel that is known by its frame and its place alone."""
ABOVE_SHARE = 0.01
"""Least share of the picture that must show echo above a panel."""
EMPTY = 0.02
"""Share of lit columns up to which a row lies between a picture and a panel: a scale's digit may stand there."""
RECTANGULAR = 0.9
"""Share of its box that the ultrasound area takes when it is a rectangle: sectors take 0.4 to 0.8."""
MIN_ROWS = 20


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel of time: what was seen, and whether it is a spectrum (else an M-mode).

    ``only_still`` tells that it is all of the picture and known by nothing but how still it is.
    """

    sighting: Sighting
    is_spectrum: bool
    only_still: bool = False


def panel(look: Look, frames: Sequence[Box]) -> Panel:
    """The panel of time that a picture shows.

    Score: 0.8 for a wide drawn frame below a picture; else the larger of how still its columns are (M-mode) and how
    much it is like a spectrum, of what lies below an empty row, or of the whole ultrasound.

    Parameters
    ----------
    look
        The picture.
    frames
        Rectangles of thin lines on it.
    """
    rows, cols = look.grey.shape
    for box in frames:
        if not _is_panel(box, rows, cols) or _echo(look, Box(0, box.col0, box.row0, box.col1)) < ABOVE_SHARE:
            continue
        if _beside(look, box) > SPECTRUM:
            continue
        return Panel(Sighting(score=FRAMED, box=box), _echo(look, box) < SPECTRUM)
    best, area = Panel(NOTHING, is_spectrum=False), reduced_mask(look)
    for number, box in enumerate(_candidates(look)):
        part = look.small[box.slices]
        # A panel of time is a rectangle: the black beside a sector is no silence.
        square = number > 0 or float(area[box.slices].mean()) >= RECTANGULAR
        still, (trace, likeness) = stillness(part), spectrum(part, look.background) if square else (0.0, 0.0)
        score = max(still, trace)
        if score > best.sighting.score:
            best = Panel(
                Sighting(score=score, box=look.enlarge(box)),
                max(trace, likeness) >= OPERATING_POINT,
                number == 0 and trace < OPERATING_POINT,
            )
    return best


def _is_panel(box: Box, rows: int, cols: int) -> bool:
    wide = box.width >= WIDE * cols and box.width >= ASPECT * box.height
    return wide and box.row0 >= LOW * rows and box.height >= TALL * rows


def _echo(look: Look, box: Box) -> float:
    part = look.grey[box.clip(look.grey.shape).slices].astype(np.int16)
    return float((np.abs(part - look.background) > ECHO_LEVEL).mean()) if part.size else 0.0


def _beside(look: Look, box: Box) -> float:
    """Share of echo just above and below: tissue goes on there around a box that is drawn on it."""
    gap = max(4, look.grey.shape[0] // 50)
    above = Box(max(0, box.row0 - gap), box.col0, max(0, box.row0 - 2), box.col1)
    below = Box(box.row1 + 2, box.col0, box.row1 + gap, box.col1)
    return max(_echo(look, above), _echo(look, below))


def _candidates(look: Look) -> Iterator[Box]:
    """Boxes of the reduced picture: the whole ultrasound, and what lies below each empty row."""
    lit = np.abs(look.small.astype(np.int16) - look.background) > ECHO_LEVEL
    rows, cols = lit.shape
    yield _around(lit, 0, rows) or Box(0, 0, rows, cols)
    empty = lit.mean(axis=1) <= EMPTY
    for row in np.flatnonzero(empty[1:] & ~empty[:-1]) + 1:
        below = _around(lit, int(row), rows)
        if below is None or not lit[:row].mean() * row / rows >= ABOVE_SHARE:
            continue
        if _is_panel(below, rows, cols):
            yield below


def _around(lit: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], row0: int, row1: int) -> Box | None:
    """The box of rows and columns between two rows that show more than stray pixels."""
    part = lit[row0:row1]
    down, across = np.flatnonzero(part.mean(axis=1) > EMPTY), np.flatnonzero(part.mean(axis=0) > EMPTY)
    if down.size < MIN_ROWS or across.size < MIN_ROWS:
        return None
    return Box(row0 + int(down[0]), int(across[0]), row0 + int(down[-1]) + 1, int(across[-1]) + 1)
