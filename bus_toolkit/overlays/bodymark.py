"""Which drawn curve is a body mark, which an outline, which a box, which something else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bus_toolkit.overlays.outline import touches
from bus_toolkit.stage import Kind

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask
    from bus_toolkit.overlays.outline import Stroke

BAND: Final = 0.25
"""A body mark lies in the outer quarter of the picture, or outside the sector."""
LARGEST: Final = 0.3
"""A body mark takes no more than this share of the picture's height and width."""
LOWER: Final = 0.5
"""At the sides, a body mark lies in the lower half of the picture."""
LINE: Final = 0.6
"""A straight slanted stroke in the sector up to this share of the picture's longer side measures something."""
INSIDE: Final = 0.5
"""Share of its box that a stroke must have in the sector to count as lying inside."""


def kind_of(stroke: Stroke, shape: tuple[int, int], fan: Mask | None) -> Kind:
    """The kind of a drawn curve by where it lies and what it looks like.

    Parameters
    ----------
    stroke
        From :func:`bus_toolkit.overlays.outline.find_strokes`.
    shape
        ``(rows, cols)`` of the picture.
    fan
        ``(rows, cols)`` bool, True inside the sector, or None when it is not known.
    """
    if stroke.boxy:
        return Kind.GRAPHIC
    box = stroke.box
    small = box.height <= LARGEST * shape[0] and box.width <= LARGEST * shape[1]
    inside = fan is None or float(fan[box.slices].mean()) >= INSIDE
    if small and (touches(box, shape) or not inside or _in_band(stroke, shape)):
        return Kind.BODYMARK
    if not inside:
        return Kind.GRAPHIC
    if stroke.closed or stroke.bent:
        return Kind.OUTLINE
    return Kind.CALIPER if max(box.height, box.width) <= LINE * max(shape) else Kind.GRAPHIC


def _in_band(stroke: Stroke, shape: tuple[int, int]) -> bool:
    """Whether the middle of a stroke lies near the bottom or a lower side of the picture."""
    row = (stroke.box.row0 + stroke.box.row1) / 2 / shape[0]
    col = (stroke.box.col0 + stroke.box.col1) / 2 / shape[1]
    return row >= 1 - BAND or (row >= LOWER and not BAND / 2 <= col <= 1 - BAND / 2)
