"""M-mode and spectral Doppler: a wide panel of time below, or instead of, the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from bus_toolkit.geometry import Box
from bus_toolkit.screen.look import ECHO_LEVEL, NOTHING, Sighting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bus_toolkit.screen.look import Look

WIDE = 0.6
"""Smallest share of the picture's width that a panel of time takes."""
ASPECT = 1.6
"""A panel is at least this much wider than high."""
LOW = 0.25
"""Its upper edge lies below this share of the picture's height, for the picture itself is above it."""
TALL = 0.15
"""Smallest share of the picture's height."""
NARROW = 0.75
"""The picture above is at most this much as wide as the panel."""
SPECTRUM = 0.3
"""Share of a panel that shows echo, below which it is a spectrum on black, above which an M-mode."""
SOLID = 0.8
"""Share of its box that an unframed M-mode panel fills."""
FRAMED, UNFRAMED = 0.8, 0.6
"""Scores of a panel with a drawn frame, and of one that only its layout shows."""
ABOVE_SHARE = 0.01
"""Least share of the picture that must show echo above a panel."""


def panel(look: Look, frames: Sequence[Box]) -> tuple[Sighting, bool]:
    """A panel of time, and whether it is a spectrum (True) or an M-mode (False).

    Score: 0.8 for a panel with a drawn frame, 0.6 for one known by the layout alone: a wide rectangle filled with
    echo below a narrower picture; 0 else.

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
        return Sighting(score=FRAMED, box=box), _echo(look, box) < SPECTRUM
    return _unframed(look), False


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


def _unframed(look: Look) -> Sighting:
    count, _, stats, _ = cv2.connectedComponentsWithStats(look.content.astype(np.uint8), connectivity=4)
    rows, cols = look.small.shape
    parts = [(Box(int(y), int(x), int(y + h), int(x + w)), int(n)) for x, y, w, h, n in stats[1:count]]
    for low, pixels in parts:
        if not _is_panel(low, rows, cols) or pixels < SOLID * low.area:
            continue
        for high, _ in parts:
            if high.row1 <= low.row0 and high.width <= NARROW * low.width and high.height >= TALL * rows:
                return Sighting(score=UNFRAMED, box=look.enlarge(low))
    return NOTHING
