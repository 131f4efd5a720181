"""Where strings are painted, by where the ultrasound sector lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, final

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.geometry import Box, box_of_mask

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask

Place: TypeAlias = Literal["tissue", "sector-edge", "outside", "picture-edge"]
PLACES: Final[dict[Place, float]] = {"tissue": 0.5, "sector-edge": 0.15, "outside": 0.15, "picture-edge": 0.2}
"""Wholly over the sector; across its edge; wholly beside it; cut by the edge of the picture. With how often each comes
first; where there is no room (a sector that fills the picture has nothing beside it), another is taken."""
LEAST_BESIDE: Final = 0.01
"""Share of the picture outside the sector from which there is an outside."""
ACROSS: Final = (0.1, 0.9)
"""Share of a string's box inside the sector for which it lies across its edge."""
SHOWN: Final = (0.35, 0.8)
"""Share of a cut string that is left to see along the side that is cut."""
ON_SECTOR: Final = 0.5
"""Share of a cut string's rest that lies on the sector, where the sector reaches the edge at all."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Places:
    """A sector and what follows from it.

    ``sector`` is ``(rows, cols)`` bool; ``edge`` are ``(points, 2)`` pixels along its edge, less those on the edge of
    the picture; ``beside`` tells whether there is anything outside, ``reaches`` whether the sector meets the edge.
    """

    sector: Mask
    edge: npt.NDArray[np.int64]
    beside: bool

    @classmethod
    def of(cls, sector: Mask) -> Places:
        """Of a mask that is not empty."""
        inner = cv2.erode(
            sector.view(np.uint8), np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=1
        )
        edge = np.argwhere(sector & ~inner.astype(np.bool_))
        return cls(sector=sector, edge=edge, beside=float((~sector).mean()) >= LEAST_BESIDE)

    def order(self, rng: np.random.Generator) -> list[Place]:
        """The places that there are, in an order drawn by their weights."""
        there: list[Place] = [
            place for place in PLACES if place in {"tissue", "picture-edge"} or (self.beside and len(self.edge))
        ]
        weights = np.array([PLACES[place] for place in there])
        drawn = rng.choice(len(there), size=len(there), replace=False, p=weights / weights.sum())
        return [there[int(index)] for index in drawn]

    def position(self, rng: np.random.Generator, place: Place, size: tuple[int, int]) -> tuple[int, int]:
        """A corner for a string of ``size`` that may well be right for ``place``; :func:`fits` has the last word."""
        rows, cols = self.sector.shape
        if place == "picture-edge":
            return self._cut(rng, size)
        if place == "sector-edge":
            row, col = self.edge[int(rng.integers(len(self.edge)))]
            shift = rng.uniform(0.2, 0.8, size=2)
            return round(row - shift[0] * size[0]), round(col - shift[1] * size[1])
        room = box_of_mask(self.sector) if place == "tissue" else Box(0, 0, rows, cols)
        return (
            int(rng.integers(room.row0, max(room.row0, room.row1 - size[0]) + 1)),
            int(rng.integers(room.col0, max(room.col0, room.col1 - size[1]) + 1)),
        )

    def _cut(self, rng: np.random.Generator, size: tuple[int, int]) -> tuple[int, int]:
        rows, cols = self.sector.shape
        side, shown = int(rng.integers(4)), rng.uniform(*SHOWN)
        row = int(rng.integers(0, max(0, rows - size[0]) + 1))
        col = int(rng.integers(0, max(0, cols - size[1]) + 1))
        corners = (
            (round((shown - 1) * size[0]), col),
            (row, round((shown - 1) * size[1])),
            (round(rows - shown * size[0]), col),
            (row, round(cols - shown * size[1])),
        )
        return corners[side]


def fits(sector: Mask, place: Place, strokes: Box) -> bool:
    """Whether a string whose ink fills ``strokes`` (may reach beyond the picture) lies where ``place`` says."""
    seen = strokes.clip(sector.shape)
    if seen.area == 0:
        return False
    share = float(sector[seen.slices].mean())
    if place == "picture-edge":
        reaches = any(bool(side.any()) for side in (sector[0], sector[-1], sector[:, 0], sector[:, -1]))
        return seen.area < strokes.area and (share >= ON_SECTOR or not reaches)
    if seen != strokes:
        return False
    return {"tissue": share == 1.0, "outside": share == 0.0, "sector-edge": ACROSS[0] <= share <= ACROSS[1]}[place]
