"""Elastography: a dense map of many hues laid over a rectangle of the tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from bus_toolkit.geometry import Box
from bus_toolkit.screen.colour import chroma_of, hue_of
from bus_toolkit.screen.look import NOTHING, SMALL_SIDE, Sighting, ramp

if TYPE_CHECKING:
    from bus_toolkit.screen.colour import Colours
    from bus_toolkit.screen.look import Look

CHROMA = 30
"""Largest minus smallest channel from which a pixel is coloured: maps are laid on half transparent, so it is low."""
MIN_SHARE = 0.03
"""Smallest share of the picture that a map takes."""
EXTENT = (0.55, 0.75, 0.95)
"""Share of its box that the coloured part fills, for the scores 0, 0.5 and 1: a map fills its rectangle, flow does
not."""
SECTORS = 12
SECTOR_SHARE = 0.04
"""Hue is counted in 12 sectors of 30 degrees; a sector counts when it holds this share of the coloured pixels."""
SECTORS_USED = (2, 4, 7)
"""Sectors in use for the scores 0, 0.5 and 1: soft to hard runs from red over green to blue; a tint uses one."""
MIDDLE_HUES = slice(2, 7)
MIDDLE_SHARE = (0.05, 0.15, 0.35)
"""Share of hues from yellow to cyan (60 to 210 degrees), between the two ends, for the scores 0, 0.5 and 1: flow
jumps from red to blue and shows few of them."""


def elastography(look: Look, colours: Colours | None) -> Sighting:
    """A dense, rectangular map of many hues.

    Score: the least of three, each 0.5 at its operating point: how well the coloured part fills its box, how many
    hues it uses, and how much of it lies in the middle of the range. The box is around the map.
    """
    if look.rgb is None or colours is None or (colours.chroma >= CHROMA).mean() < MIN_SHARE / 2:
        return NOTHING
    factor = SMALL_SIDE / max(look.grey.shape)
    size = look.small.shape[1], look.small.shape[0]
    rgb = cv2.resize(look.rgb, size, interpolation=cv2.INTER_AREA) if factor < 1 else look.rgb
    coloured = (chroma_of(rgb) >= CHROMA).astype(np.uint8)  # type: ignore[arg-type]
    kernel = np.ones((3, 3), dtype=np.uint8)
    solid = cv2.morphologyEx(cv2.morphologyEx(coloured, cv2.MORPH_CLOSE, kernel), cv2.MORPH_OPEN, kernel)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=4)
    if len(stats) == 1:
        return NOTHING
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    left, top, wide, high, area = (int(n) for n in stats[largest])
    if area < MIN_SHARE * labels.size:
        return NOTHING
    hues = hue_of(rgb[labels == largest])
    share = np.bincount((hues / (360 / SECTORS)).astype(int) % SECTORS, minlength=SECTORS) / max(len(hues), 1)
    score = min(
        ramp(area / (wide * high), *EXTENT),
        ramp(float((share >= SECTOR_SHARE).sum()), *SECTORS_USED),
        ramp(float(share[MIDDLE_HUES].sum()), *MIDDLE_SHARE),
    )
    return Sighting(score=score, box=look.enlarge(Box(top, left, top + high, left + wide)))
