"""Plots as numbers: where dots and whiskers go; the template draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH: Final = 480
ROWS: Final = 190
LEFT: Final = 46
RIGHT: Final = 12
TOP: Final = 12
FLOOR: Final = 150
"""All in units of the plot's view box; ``FLOOR`` is where the axis lies."""
TICKS: Final = (0, 25, 50, 75, 100)


def _height(share: float) -> float:
    return round(FLOOR - share * (FLOOR - TOP), 1)


def dot_plot(cells: Sequence[Mapping[str, Any]], rate: str) -> dict[str, Any]:
    """A dot with a whisker for each band that has a share, over an axis of 0 to 100 %.

    Parameters
    ----------
    cells
        Rows of a table of the summary.
    rate
        ``"removal"`` or ``"leak"``.
    """
    step = (WIDTH - LEFT - RIGHT) / max(1, len(cells))
    bands = []
    for number, cell in enumerate(cells):
        band: dict[str, Any] = {
            "x": round(LEFT + (number + 0.5) * step, 1),
            "name": str(cell["name"]),
            "strings": cell["painted"],
            "share": cell[rate]["share"],
        }
        if cell[rate]["share"] is not None:
            low, high = cell[rate]["interval"]
            band |= {"y": _height(cell[rate]["share"]), "low": _height(low), "high": _height(high)}
        bands.append(band)
    return {
        "width": WIDTH,
        "rows": ROWS,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "floor": FLOOR,
        "ticks": [{"value": tick, "y": _height(tick / 100)} for tick in TICKS],
        "bands": bands,
    }
