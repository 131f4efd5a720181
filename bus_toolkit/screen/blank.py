"""Hardly any echo: nothing was scanned, or the probe lost contact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bus_toolkit.screen.look import Sighting, ramp, reduced_mask

if TYPE_CHECKING:
    from bus_toolkit.screen.look import Look

FILLED = (0.10, 0.06, 0.02)
"""Share of the picture that is filled with echo for the scores 0, 0.5 and 1. Over 710 breast scans the smallest was
0.49, over whole screens of other organs 0.11."""
BRIGHT = (70.0, 45.0, 20.0)
"""Distance from the background, in grey values, of the brightest 1 % for the same scores; the smallest was 100."""
PERCENT = 99.0


def blank(look: Look) -> Sighting:
    """Hardly any echo.

    Score: the larger of two, each 0.5 at its operating point: how little of the picture is filled with echo, and
    how dark the brightest hundredth of the ultrasound area is. There is no box, for the point is what is missing.
    """
    area = reduced_mask(look)
    filled = float((look.content & area).mean())
    values = look.small[area].astype(np.int16)
    distance = np.abs(values - look.background)
    bright = float(np.percentile(distance, PERCENT)) if distance.size else 0.0
    return Sighting(score=max(ramp(filled, *FILLED), ramp(bright, *BRIGHT)))
