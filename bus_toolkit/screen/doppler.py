"""Colour or power Doppler: flow colours inside the fan, or the thin box that marks the colour region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bus_toolkit.geometry import Box
from bus_toolkit.screen.colour import flow_parts
from bus_toolkit.screen.look import ECHO_LEVEL, NOTHING, Sighting, ramp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bus_toolkit.screen.colour import Colours
    from bus_toolkit.screen.look import Look

FLOW_PIXELS = 40
"""Fewest flow pixels at the operating point: one small vessel."""
FLOW_SHARE = 0.0003
"""The same as a share of the fan."""
SURE_FLOW_SHARE = 0.005
"""Share of the fan from which there is no doubt left."""
BOX_SIDE = 56
"""Shortest side of a colour box in pixels: over shorter ones streaks line up by chance (in 3 of about 150 phantoms,
all of fewer than 250 rows), and even in pictures of 288x384 real boxes are longer."""
BOX_SHARES = (0.01, 0.85)
"""Smallest and largest share of the fan that a colour box takes; beyond, it is a frame around the whole picture."""
BOX_INSIDE = 0.85
"""Share of a colour box that must lie in the fan."""
RING = 6
"""Width, in pixels, of the ring around a box in which tissue must go on."""
RING_ECHO = 0.35
"""Share of a side of that ring which must show echo: a frame around the picture, or a panel, has background there."""
RING_SIDES = 2
"""Sides of the ring that must: the box may touch the rim of the fan, and a shadow may lie beside it."""
DRAWN = (0.65, 0.75, 1.0)
"""Drawn share of the outline for the scores 0, 0.5 and 1."""


def flow(look: Look, colours: Colours | None) -> Sighting:
    """Flow colours inside the fan.

    Score: 0.5 at 40 pixels or 0.03 % of the fan of flow, whichever is more; 1 at 0.5 % of the fan. The box is
    around all parts that look like flow.
    """
    parts = [] if colours is None else flow_parts(look, colours)
    if not parts:
        return NOTHING
    area = int(look.area.sum())
    pixels = sum(number for _, number in parts)
    middle = max(FLOW_PIXELS, FLOW_SHARE * area)
    score = ramp(pixels, 0, middle, max(3 * middle, SURE_FLOW_SHARE * area))
    box = parts[0][0]
    for other, _ in parts[1:]:
        box = box.union(other)
    return Sighting(score=score, box=box)


def colour_box(look: Look, frames: Sequence[tuple[Box, float]]) -> Sighting:
    """The box of thin lines that marks a colour region, drawn inside the tissue.

    Score: 0.5 when 75 % of its outline is seen, 1 when all of it is. The box is the rectangle itself.

    Parameters
    ----------
    look
        The picture.
    frames
        Rectangles of thin lines on it and the drawn share of each, as :func:`thin_lines.rectangles` gives them.
    """
    area = int(look.area.sum())
    for box, drawn in frames:
        share = box.area / max(area, 1)
        if not BOX_SHARES[0] <= share <= BOX_SHARES[1] or min(box.height, box.width) < BOX_SIDE:
            continue
        if look.area[box.slices].mean() < BOX_INSIDE or not _lies_in_tissue(look, box):
            continue
        return Sighting(score=ramp(drawn, *DRAWN), box=box)
    return NOTHING


def _lies_in_tissue(look: Look, box: Box) -> bool:
    """Whether echo goes on outside at least two sides of a box, as far as they are in the picture."""
    outer = box.grow(RING)
    sides = (
        Box(outer.row0, box.col0, box.row0 - 2, box.col1),
        Box(box.row1 + 2, box.col0, outer.row1, box.col1),
        Box(box.row0, outer.col0, box.row1, box.col0 - 2),
        Box(box.row0, box.col1 + 2, box.row1, outer.col1),
    )
    return sum(_echo(look, side.clip(look.grey.shape)) >= RING_ECHO for side in sides) >= RING_SIDES


def _echo(look: Look, box: Box) -> float:
    """Share of a box that shows echo."""
    values = look.grey[box.slices].astype(np.int16)
    return float((np.abs(values - look.background) > ECHO_LEVEL).mean()) if values.size else 0.0
