"""Two views side by side: a seam, a gap, or the same view twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.geometry import Box, box_of_mask
from bus_toolkit.screen.look import NOTHING, Sighting, ramp, reduced_mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bus_toolkit.screen.look import Grey, Look

CENTRAL = (0.35, 0.65)
"""Where the border between two views lies, as a share of the width that both take."""
MIN_SIDE = 48
"""Fewest rows and columns, in pixels, in which two views can be told apart."""
AROUND = 15
"""Columns on each side, in pixels, with which a step is compared."""
BESIDE = 3
"""Columns next to the step that are left out of the comparison."""
BANDS = 4
"""Bands of depth in which a step is measured: a seam goes through all of them."""
STEP = (2.0, 3.0, 6.0)
"""How many times larger than around it the step between two columns is, for the scores 0, 0.5 and 1. Over 710 breast
scans the largest was 2.4; on the seams at hand 3.4 and more."""
ACROSS = (1.05, 1.2, 1.6)
"""The same for columns four apart: a drawn line is a step too, but the tissue on its two sides is the same."""
ACROSS_LINE = (1.1, 1.3, 2.0)
"""The same where the step has another one beside it, as a drawn line has."""
FAR = 4
"""Columns apart, in pixels, for a comparison across a drawn line."""
SIDE_REACH = 8
"""Pixels around the side of a map or a box in which a step is its own."""
MOST = 60
"""Grey values at which a difference is cut off, so that one bright mark cannot make a step."""
GAP_LEVEL = 4
"""Grey values from the background up to which a column is empty."""
GAP_EMPTY = 0.985
"""Share of its rows in which a gap's column is empty: a letter or a mark may lie in it."""
ALIKE = (0.5, 0.7, 0.9)
"""How alike the two sides are in width and height, for the scores 0, 0.5 and 1."""
MIN_VIEW = 0.1
"""Smallest share of the picture that each of two views takes."""
TWICE = (0.4, 0.55, 0.8)
"""Correlation of the two halves for the scores 0, 0.5 and 1. Over 710 breast scans the largest was 0.25."""
FULL = 0.97
"""Share of its box that an ultrasound area fills which has no shape of its own to be mirrored."""
TWICE_SIZE = (96, 128)
"""Rows and columns at which halves are compared."""


def dual_view(look: Look, drawn: Sequence[Box] = ()) -> Sighting:
    """Two views side by side.

    Score: the largest of three, each 0.5 at its operating point: a seam (how far the step between two neighbouring
    columns stands out, at every depth), a gap of background between two areas alike in size, and how well one half
    correlates with the other or with its mirror image. The box is around both views.

    Parameters
    ----------
    look
        The picture.
    drawn
        Boxes and maps on it, whose sides are no seams.
    """
    if min(look.grey.shape) < MIN_SIDE:
        return NOTHING
    box = box_of_mask(look.content)
    whole = look.enlarge(box)
    if min(whole.height, whole.width) < MIN_SIDE:
        return NOTHING
    sides = [col - whole.col0 for one in drawn for col in (one.col0, one.col1)]
    small = look.small[box.slices]
    score = max(seam(look.grey[whole.slices], sides), gap(look, box), twice(small))
    # A sector's own sides are each other's mirror image.
    if reduced_mask(look)[box.slices].mean() >= FULL:
        score = max(score, twice(_mirrored(small)))
    return Sighting(score=score, box=whole) if score > 0 else NOTHING


def _mirrored(small: Grey) -> Grey:
    """The same with its right half turned round."""
    half = small.shape[1] // 2
    return np.ascontiguousarray(np.hstack([small[:, :half], small[:, half:][:, ::-1]]))


def seam(grey: Grey, sides: Sequence[int] = ()) -> float:
    """Score of the sharpest full-height step between two neighbouring central columns of ``(rows, cols)`` uint8.

    Steps at the columns ``sides`` do not count.
    """
    cols = grey.shape[1]
    first, last = int(CENTRAL[0] * cols), int(CENTRAL[1] * cols)
    if first < AROUND + FAR or last - first < 1 or grey.shape[0] < BANDS:
        return 0.0
    part = grey[:, first - AROUND - FAR : last + AROUND + FAR]
    # The second smallest band: a seam runs through all depths, but one of them may be black on both sides.
    near = np.sort(_steps(part, 1, BANDS), axis=0)[1]
    across = _steps(part, FAR, 1)[0]
    best = 0.0
    for col in np.flatnonzero(near > STEP[0]):
        if any(abs(first - FAR + col - side) <= SIDE_REACH for side in sides):
            continue
        beside = np.r_[near[max(0, col - BESIDE) : col], near[col + 1 : col + BESIDE + 1]].max(initial=0.0)
        needed = ACROSS if beside < near[col] / 2 else ACROSS_LINE
        # All pairs that straddle a seam differ; of those around a drawn line one has both ends beside it.
        far = float(across[max(0, col - FAR + 1) : col + 1].min(initial=MOST))
        best = max(best, min(ramp(float(near[col]), *STEP), ramp(far, *needed)))
    return best


def _steps(grey: Grey, lag: int, bands: int) -> npt.NDArray[np.float64]:
    """``(bands, cols - lag - 2 * AROUND)``: step over ``lag`` columns, in units of the median step around it."""
    difference = cv2.min(cv2.absdiff(grey[:, lag:], grey[:, :-lag]), cast("Any", MOST))
    parts = np.array_split(difference, bands, axis=0)
    profile = np.stack([cv2.reduce(part, 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F)[0] for part in parts])
    window = np.lib.stride_tricks.sliding_window_view(profile, 2 * AROUND + 1, axis=1)
    beside = np.r_[0 : AROUND - BESIDE, AROUND + BESIDE + 1 : 2 * AROUND + 1]
    around = np.median(window[:, :, beside], axis=2)
    return cast("npt.NDArray[np.float64]", (profile[:, AROUND:-AROUND] + 0.5) / (around + 0.5))


def gap(look: Look, box: Box) -> float:
    """Score of a full-height column of background between two areas that are alike; ``box`` is around both."""
    part = look.small[box.slices].astype(np.int16)
    empty = (np.abs(part - look.background) <= GAP_LEVEL).mean(axis=0) >= GAP_EMPTY
    first, last = int(CENTRAL[0] * box.width), int(CENTRAL[1] * box.width)
    columns = np.flatnonzero(empty[first:last]) + first
    best = 0.0
    for col in columns[:: max(1, len(columns) // 8)]:
        content = look.content[box.slices]
        left, right = box_of_mask(content[:, :col]), box_of_mask(content[:, col:])
        if min(content[:, :col].sum(), content[:, col:].sum()) < MIN_VIEW * look.content.size:
            continue
        rows = left.height, right.height
        common = min(left.row1, right.row1) - max(left.row0, right.row0)
        wide = min(left.width, right.width) / max(left.width, right.width)
        best = max(best, min(ramp(wide, *ALIKE), ramp(common / max(rows), *ALIKE)))
    return best


def twice(small: Grey) -> float:
    """Score of how well the left half is found again in the right one, as when one of them carries a colour map."""
    if min(small.shape) < MIN_SIDE // 2:
        return 0.0
    rows, cols = TWICE_SIZE
    picture = cv2.resize(small, (cols, rows), interpolation=cv2.INTER_AREA).astype(np.float32)
    detail = picture - cv2.blur(picture, (9, 9))
    margin, half = 8, cols // 2
    template = detail[margin:-margin, margin : half - margin]
    if float(template.std()) < 1:
        return 0.0
    found = cv2.matchTemplate(detail[:, margin:], template, cv2.TM_CCOEFF_NORMED)
    shift = np.arange(found.shape[1])
    line = found.max(axis=0)
    near_half = np.abs(shift - half) <= margin
    # A periodic picture, such as a heart's trace, is alike at many shifts, two views at one only.
    elsewhere = line[(~near_half) & (shift > margin)]
    best = float(line[near_half].max(initial=0.0))
    if elsewhere.size and float(elsewhere.max()) > best / 2:
        return 0.0
    return ramp(best, *TWICE)
