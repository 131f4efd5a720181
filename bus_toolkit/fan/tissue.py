"""Lit tissue on a coarse grid: erosion, largest component, dilation, hole filling.

The second half of the fan recipe of Shamout et al. 2021 ("The NYU Breast Ultrasound Dataset v1.0", technical report).
On a grid of share-of-lit-pixels speckle is solid, and strokes, ticks and grey bars are too thin to survive the erosion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from bus_toolkit.geometry import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bus_toolkit.fan.background import Background
    from bus_toolkit.geometry import Mask, Pixels

COARSE = 400
"""Longer side of the grid on which the shape is found; finer costs time and gains under a pixel."""
DENSITY = 0.35
"""Share of lit pixels in a coarse cell that makes it tissue."""
WRITTEN_DENSITY = 0.1
"""Share of bright pixels in a coarse cell that makes it written."""
PLAIN_DENSITY = 0.9
"""Share of noiseless pixels in a coarse cell that makes it empty screen."""
OPENING = 7
"""Coarse pixels; strokes, ticks and grey bars are thinner (16 px bars on 640 to 1024 px screens)."""
MIN_SHARE = 0.02
"""Share of the picture that the lit part of a fan must cover."""
PART_SHARE = 0.08
"""Area, relative to the largest part, from which a further part may belong to the same fan (split by a shadow)."""
PART_THICKNESS = 0.15
"""Thickness, relative to the largest part, from which it may; a row of buttons or a grey bar is thinner."""
SAME_SPAN = 0.6
"""Overlap of the spans of two parts side by side, or one below the other, that belong to the same fan."""
BODY = 0.3
"""Share of the usual row or column of tissue that one must hold to be part of its body; attached things hold less."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coarse:
    """The picture on the coarse grid; every mask ``(rows, cols)`` bool.

    Attributes
    ----------
    tissue
        The lit part of the fan.
    firm
        The part of it that is well above the background.
    written
        Bright things that are not part of it.
    plain
        Empty screen: no noise at all.
    scale
        Pixels of the picture a coarse pixel, down and across.
    """

    tissue: Mask
    firm: Mask
    written: Mask
    plain: Mask
    scale: tuple[float, float]


def _shrink(mask: Mask, size: tuple[int, int], density: float) -> Pixels:
    """1 where the share of True in a cell of a coarser grid, ``size`` ``(cols, rows)``, is at least ``density``."""
    cell = max(1, round(mask.shape[1] / size[0]))
    share = cv2.blur(mask.view(np.uint8) * np.uint8(255), (cell, cell)) if cell > 1 else mask.view(np.uint8) * 255
    share = cv2.resize(share, size, interpolation=cv2.INTER_NEAREST_EXACT)
    return (share >= density * 255).view(np.uint8)


def _overlap(start: int, length: int, other_start: int, other_length: int) -> float:
    """Common part of two intervals, relative to the longer one."""
    common = min(start + length, other_start + other_length) - max(start, other_start)
    return max(0, common) / max(length, other_length)


def _belongs(main: Sequence[int], part: Sequence[int], share: float) -> bool:
    """Whether a part (left, top, width, height; area relative to the main part) is a piece of the fan split off."""
    left, top, width, height = part
    main_left, main_top, main_width, main_height = main
    if share < PART_SHARE:
        return False
    beside = _overlap(main_top, main_height, top, height) >= SAME_SPAN and width >= PART_THICKNESS * main_width
    below = _overlap(main_left, main_width, left, width) >= SAME_SPAN and height >= PART_THICKNESS * main_height
    return beside or below


def _main_part(lit: Pixels) -> Mask | None:
    """The largest connected part, with what a shadow has split off from it, holes filled; None when it is too small."""
    outlines, _ = cv2.findContours(lit, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return None
    areas = [cv2.contourArea(outline) for outline in outlines]
    main = int(np.argmax(areas))
    if areas[main] < MIN_SHARE * lit.size:
        return None
    boxes = [cv2.boundingRect(outline) for outline in outlines]
    chosen = [
        outline
        for index, outline in enumerate(outlines)
        if index == main or _belongs(boxes[main], boxes[index], areas[index] / areas[main])
    ]
    return cast("Mask", cv2.drawContours(np.zeros_like(lit), chosen, -1, 1, cv2.FILLED).astype(np.bool_))


def coarse_of(background: Background) -> Coarse | None:
    """Find the lit tissue; None when nothing of the size of a fan is lit."""
    rows, cols = background.foreground.shape
    factor = max(1.0, max(rows, cols) / COARSE)
    size = (max(1, round(cols / factor)), max(1, round(rows / factor)))
    lit = cv2.morphologyEx(
        _shrink(background.foreground, size, DENSITY), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8), borderValue=0
    )
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (OPENING, OPENING))
    # Beyond the picture counts as lit for the erosion: a picture cut through the tissue is tissue up to its border.
    tissue = _main_part(cast("Pixels", cv2.dilate(cv2.erode(lit, kernel), kernel)))
    if tissue is None:
        return None
    near = cv2.dilate(tissue.view(np.uint8), np.ones((5, 5), np.uint8)).astype(np.bool_)
    firm = cv2.morphologyEx(_shrink(background.firm, size, DENSITY), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return Coarse(
        tissue=tissue,
        firm=tissue & firm.astype(np.bool_),
        written=_shrink(background.bright, size, WRITTEN_DENSITY).astype(np.bool_) & ~near,
        plain=_shrink(background.plain, size, PLAIN_DENSITY).astype(np.bool_),
        scale=(rows / size[1], cols / size[0]),
    )


def body_box(tissue: Mask) -> Box:
    """The box of the tissue without what sticks out of it along a small part of a side."""
    down, across = tissue.sum(axis=1), tissue.sum(axis=0)
    rows = np.flatnonzero(down >= BODY * np.median(down[down > 0]))
    cols = np.flatnonzero(across >= BODY * np.median(across[across > 0]))
    return Box(int(rows[0]), int(cols[0]), int(rows[-1]) + 1, int(cols[-1]) + 1)
