"""Hardly any echo: nothing was scanned, or the probe lost contact with all or most of its face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bus_toolkit.geometry import box_of_mask
from bus_toolkit.screen.look import ECHO_LEVEL, Sighting, ramp, reduced_mask

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask
    from bus_toolkit.screen.look import Look

# Each triple gives the scores 0, 0.5 and 1. Beside it the extremes of 710 breast scans and of 24 files of other organs.
FILLED = (0.10, 0.06, 0.02)
"""Share of the picture that is filled with echo. Breast scans have 0.49 and more, whole screens of others 0.11."""
BRIGHT = (70.0, 45.0, 20.0)
"""Distance from the background, in grey values, of the brightest 1 %; the smallest was 100."""
PERCENT = 99.0
CONTACT = (0.5, 0.38, 0.25)
"""Share of columns of the ultrasound area with echo beyond the skin. Breast scans have 0.85 and more, others 0.53."""
DEPTH = (0.5, 0.42, 0.3)
"""Share of its depth that echo reaches: a probe in air shows a few echoes of its own face. Breast scans have 0.56."""
BEYOND = (0.2, 1.0)
"""Depths, as shares, between which a column must show echo, on 15 % of its pixels: a cyst may take most of them."""
COLUMN_ECHO = 0.15
ROW_ECHO = 0.2
"""Share of a row that must show echo."""
MIN_ROWS = 24
"""Rows of the area, at the reduced size, from which depths can be told apart."""


def blank(look: Look) -> Sighting:
    """Hardly any echo.

    Score: the largest of four, each 0.5 at its operating point: how little of the picture is filled with echo, how
    dark the brightest hundredth of the ultrasound area is, how few of its columns show echo beyond the skin, and how
    little of its depth echo reaches. There is no box, for the point is what is missing.
    """
    area = reduced_mask(look)
    filled = float((look.content & area).mean())
    distance = np.abs(look.small.astype(np.int16) - look.background)
    inside = distance[area]
    bright = float(np.percentile(inside, PERCENT)) if inside.size else 0.0
    return Sighting(score=max(ramp(filled, *FILLED), ramp(bright, *BRIGHT), _reach((distance > ECHO_LEVEL), area)))


def _reach(lit: Mask, area: Mask) -> float:
    """Score of lost contact: few columns with echo, or echo close to the probe only."""
    box = box_of_mask(area)
    if box.height < MIN_ROWS:
        return 0.0
    inside, shown = area[box.slices], (lit & area)[box.slices]
    middle = slice(int(BEYOND[0] * box.height), int(BEYOND[1] * box.height))
    deep = inside[middle].sum(axis=0)
    whole = deep > (middle.stop - middle.start) / 3
    share = shown[middle].sum(axis=0)[whole] / deep[whole]
    contact = float((share >= COLUMN_ECHO).mean()) if share.size else 1.0
    rows = np.flatnonzero(shown.sum(axis=1) > ROW_ECHO * np.maximum(inside.sum(axis=1), 1))
    depth = (int(rows[-1]) + 1) / box.height if rows.size else 0.0
    return max(ramp(contact, *CONTACT), ramp(depth, *DEPTH))
