"""Whether a panel runs over time: an M-mode, whose depth profile hardly changes, or a spectrum on its baseline.

In an M-mode every column shows the same beam a moment later: a column is found again far away, band by band, moved by
what the tissue moved. In a B-mode neighbours are alike, and columns a quarter of the width apart are not. A spectrum
is lit from its baseline outwards, up to an edge beyond which there is nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.screen.look import ramp

if TYPE_CHECKING:
    from bus_toolkit.screen.look import Grey

SIDE = 128
"""Rows and columns at which profiles are compared."""
BANDS, REACH = 4, 6
"""Bands of depth that may move by themselves, and how far, in rows."""
LAGS = (16, 32, 48, 64, 96)
"""Columns between the profiles that are compared."""
FLOOR = 30.0
"""Added to the energy of a profile, so that black is like nothing."""
STILL = (0.55, 0.62, 0.72)
"""Median over the lags of the correlation of columns far apart for the scores 0, 0.5 and 1. Over 390 breast scans the
largest mean was 0.53, over made layers 0.6."""
LIT = 24
"""Grey values above the background from which a pixel of a spectrum is lit."""
BASELINES = 30
"""Places of the baseline that are tried, in the middle 80 % of the panel."""
DARK = (0.4, 0.55, 0.7)
"""Unlit share of a panel that is a spectrum."""
EXPLAINED = (0.7, 0.82, 0.93)
"""Share of what is lit that lies in runs that start at the baseline."""
SHARP = (3.0, 8.0, 20.0)
"""How many times brighter a run is just inside its outer end than just outside: attenuated tissue fades slowly."""
SHORT = 4
"""Rows of a run from which its end is looked at."""
ENDED = 0.15
"""Share of the columns that must have a run with an end."""
MIN_SIDE = 20


def stillness(grey: Grey) -> float:
    """Score of an M-mode: how well columns of ``(rows, cols)`` uint8 are found again far away; 0 below 20 pixels."""
    if min(grey.shape) < MIN_SIDE:
        return 0.0
    sized = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    detail = np.asarray(cv2.blur(sized - cv2.blur(sized, (1, 25)), (3, 1)), dtype=np.float32)
    # One view beside itself is found again at one lag; an M-mode at all.
    found = [_again(detail, lag) for lag in LAGS]
    return ramp(float(np.median(found)), *STILL)


def _again(detail: npt.NDArray[np.float32], lag: int) -> float:
    """Mean correlation of columns ``lag`` apart, each band moved by what fits best."""
    size = SIDE // BANDS
    padded = np.pad(detail[:, lag:], ((REACH, REACH), (0, 0)), mode="edge")
    here = detail[:, :-lag].reshape(BANDS, size, -1)
    energy = (here * here).sum(axis=1)
    best = np.full(energy.shape, -1.0)
    for shift in range(2 * REACH + 1):
        there = padded[shift : shift + SIDE].reshape(BANDS, size, -1)
        product = (here * there).sum(axis=1)
        best = np.maximum(best, product / (np.sqrt(energy * (there * there).sum(axis=1)) + FLOOR))
    return float(best.mean())


def spectrum(grey: Grey, background: int) -> tuple[float, float]:
    """Two scores of a spectrum on ``background``, 0 and 0 below 20 pixels.

    The second is the lesser of how dark the panel is and how much starts at one baseline: it tells a spectrum from an
    M-mode. The first is the least of these and of how sharply the runs end, which tissue that fades does not.
    """
    if min(grey.shape) < MIN_SIDE:
        return 0.0, 0.0
    sized = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    level = np.abs(sized.astype(np.int16) - background).astype(np.float32)
    lit = cv2.medianBlur((level > LIT).astype(np.uint8), 3)
    dark = ramp(1 - float(lit.mean()), *DARK)
    if dark == 0 or not lit.any():
        return 0.0, 0.0
    closed = np.asarray(cv2.morphologyEx(lit, cv2.MORPH_CLOSE, np.ones((7, 3), dtype=np.uint8)), dtype=np.uint8)
    places = np.unique(np.linspace(0.1 * SIDE, 0.9 * SIDE, BASELINES).round().astype(int))
    runs = [(_runs(closed[:place][::-1]), _runs(closed[place:])) for place in places]
    sums = [int(up.sum() + down.sum()) for up, down in runs]
    at = int(np.argmax(sums))
    up, down = runs[at]
    upwards = up.sum() >= down.sum()
    sharp = _sharpness(level, int(places[at]), up if upwards else down, upwards=bool(upwards))
    explained = min(1.0, sums[at] / float(closed.sum()))
    likeness = min(dark, ramp(explained, *EXPLAINED))
    return min(likeness, ramp(sharp, *SHARP)), likeness


def _runs(part: Grey) -> npt.NDArray[np.int_]:
    """Length of the lit run at the start of each column; its first rows may be dark, for slow flow is filtered out."""
    start = part.copy()
    start[:SHORT] = part[: 2 * SHORT].any(axis=0)
    return np.asarray(np.cumprod(start, axis=0).sum(axis=0), dtype=np.int_)


def _sharpness(level: npt.NDArray[np.float32], base: int, runs: npt.NDArray[np.int_], *, upwards: bool) -> float:
    """Median over the columns of the brightness of three pixels inside the end of a run over that just beyond."""
    way = -1 if upwards else 1
    ends = (base - 1 if upwards else base) + way * (runs - 1)
    # A run that reaches the edge of the panel has no end.
    cols = np.flatnonzero((runs >= SHORT) & (ends > SHORT) & (ends < SIDE - 1 - SHORT))
    if cols.size < ENDED * SIDE:
        return 0.0
    inside = np.mean([level[ends[cols] - way * step, cols] for step in range(3)], axis=0)
    beyond = np.mean([level[ends[cols] + way * step, cols] for step in range(2, 5)], axis=0)
    return float(np.median((inside + 1) / (beyond + 1)))
