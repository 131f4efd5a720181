"""Chains of dots or dashes that stand alone: measuring lines whose marks were not seen, and dotted outlines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from bus_toolkit.geometry import Box

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask
    from bus_toolkit.overlays.graphics_ink import Components

DOT: Final = 9
"""Largest side of a dot or dash, in pixels."""
EDGE: Final = 3
"""Dots closer than this to the picture's edge are the teeth of a crop, in pixels."""
MOST_DOTS: Final = 1500
"""With more small things than this the picture is a text screen or noise, and chains mean nothing."""
STEPS: Final = (2.5, 14.0)
"""Pixels from the middle of a dot to the next."""
SLACK: Final = 1.6
"""Pixels by which the next dot may lie off the place where it is expected."""
LEVELS: Final = 30
"""Grey levels by which neighbours in a chain may differ."""
SHORTEST: Final = 7
"""Dots in a chain at score 0.5 (tissue gave chains of up to five)."""
SURE: Final = 14
"""Dots in a chain at score 1."""
MARK: Final = 28
"""Largest side of a mark at the end of a measuring line, in pixels."""
BESIDE: Final = 6.0
"""Pixels by which such a mark may lie off the place where the next dots would be."""
STRAIGHT: Final = 2.5
"""Pixels by which the dots of a measuring line lie off it at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Dots in order: middles ``(dots, 2)`` as ``(row, col)``, their component numbers, and the score (0.5 to 1)."""

    middles: npt.NDArray[np.float64]
    numbers: tuple[int, ...]
    score: float

    @property
    def straight(self) -> bool:
        """Whether all dots lie on one line."""
        centred = self.middles - self.middles.mean(axis=0)
        spread = np.linalg.svd(centred, full_matrices=False)[2]
        return bool(np.abs(centred @ spread[1]).max() <= STRAIGHT)


class _Dots:
    """The small components of a channel, and which of them lies at a place."""

    def __init__(self, things: Components, skip: Mask | None) -> None:
        stats = things.stats
        small = (stats[:, 2:4].max(axis=1) <= DOT) & (np.arange(len(stats)) > 0)
        self.numbers = np.flatnonzero(small)
        left, top, wide, high = (stats[self.numbers, index].astype(np.float64) for index in range(4))
        self.middles = np.stack([top + (high - 1) / 2, left + (wide - 1) / 2], axis=1)
        places = np.rint(self.middles).astype(np.int64)
        rows, cols = things.channel.shape
        keep = (places.min(axis=1) >= EDGE) & (places[:, 0] < rows - EDGE) & (places[:, 1] < cols - EDGE)
        if skip is not None:
            keep &= ~skip[places[:, 0], places[:, 1]]
        if not keep.all():
            self.numbers, self.middles, places = self.numbers[keep], self.middles[keep], places[keep]
        self.levels = things.channel[places[:, 0], places[:, 1]].astype(np.int64)
        self.cells: dict[tuple[int, int], list[int]] = {}
        for index, (row, col) in enumerate(places // CELL):
            self.cells.setdefault((int(row), int(col)), []).append(index)

    def near(self, row: float, col: float, reach: float) -> list[int]:
        """Dots within ``reach`` of a place."""
        found = []
        cells = range(int(row - reach) // CELL, int(row + reach) // CELL + 1)
        for cell_row in cells:
            for cell_col in range(int(col - reach) // CELL, int(col + reach) // CELL + 1):
                for index in self.cells.get((cell_row, cell_col), ()):
                    away = self.middles[index]
                    if abs(away[0] - row) <= reach and abs(away[1] - col) <= reach:
                        found.append(index)
        return found

    def alike(self, first: int, second: int) -> bool:
        return abs(int(self.levels[first]) - int(self.levels[second])) <= LEVELS


CELL: Final = 8
"""Side of the cells in which dots are looked up, in pixels."""


def _grow(dots: _Dots, first: int, second: int, used: set[int]) -> list[int]:
    """The chain that begins with two dots, as long as the next one lies where the last step points."""
    chain = [first, second]
    while True:
        step = dots.middles[chain[-1]] - dots.middles[chain[-2]]
        row, col = dots.middles[chain[-1]] + step
        following = [
            index
            for index in dots.near(float(row), float(col), SLACK)
            if index not in used and index not in chain and dots.alike(index, chain[-1])
        ]
        if not following:
            return chain
        chain.append(min(following, key=lambda index: float(np.hypot(*(dots.middles[index] - (row, col))))))


def find_chains(things: Components, skip: Mask | None = None) -> list[Chain]:
    """Rows of at least :data:`SHORTEST` dots at equal steps, straight or gently bent.

    Parameters
    ----------
    things
        From :func:`bus_toolkit.overlays.graphics_ink.components`.
    skip
        ``(rows, cols)`` bool, True on what is explained already.
    """
    dots = _Dots(things, skip)
    if len(dots.numbers) > MOST_DOTS:
        return []
    used: set[int] = set()
    chains: list[Chain] = []
    for first in range(len(dots.numbers)):
        if first in used:
            continue
        best: list[int] = []
        row, col = dots.middles[first]
        for second in dots.near(float(row), float(col), STEPS[1]):
            away = float(np.hypot(*(dots.middles[second] - dots.middles[first])))
            if second in used or not STEPS[0] <= away <= STEPS[1] or not dots.alike(first, second):
                continue
            ahead = _grow(dots, first, second, used)
            if len(ahead) > 3:  # noqa: PLR2004  worth a look the other way
                ahead = _grow(dots, second, first, used)[:1:-1] + ahead
            best = max(best, ahead, key=len)
        if len(best) >= SHORTEST:
            used.update(best)
            score = 0.5 + 0.5 * min(1.0, (len(best) - SHORTEST) / (SURE - SHORTEST))
            numbers = tuple(int(dots.numbers[index]) for index in best)
            chains.append(Chain(middles=dots.middles[best], numbers=numbers, score=score))
    return chains


def end_marks(things: Components, chain: Chain) -> list[tuple[Box, Mask]]:
    """Small things of the chain's level at its two ends: marks of whatever shape, as box and mask of that box."""
    step = np.median(np.diff(chain.middles, axis=0), axis=0)
    level = float(np.median([things.channel[int(row), int(col)] for row, col in chain.middles]))
    stats = things.stats
    sizes = stats[:, 2:4].max(axis=1)
    small = (sizes <= MARK) & (sizes > DOT // 2) & ~np.isin(np.arange(len(stats)), chain.numbers)
    small[0] = False
    found = []
    for place in (chain.middles[0] - 1.5 * step, chain.middles[-1] + 1.5 * step):
        down = np.maximum(stats[:, 1] - place[0], place[0] - (stats[:, 1] + stats[:, 3] - 1))
        along = np.maximum(stats[:, 0] - place[1], place[1] - (stats[:, 0] + stats[:, 2] - 1))
        for number in np.flatnonzero(small & (np.maximum(down, along) <= BESIDE)):
            left, top, wide, high = (int(value) for value in stats[number, :4])
            box = Box(top, left, top + high, left + wide)
            mask = things.labels[box.slices] == number
            if abs(float(np.median(things.channel[box.slices][mask])) - level) <= 2 * LEVELS:
                found.append((box, mask))
    return found


def chain_mask(things: Components, chain: Chain) -> Mask:
    """``(rows, cols)`` bool, True on the dots of a chain."""
    mask = np.zeros(things.labels.shape, dtype=np.bool_)
    for number in chain.numbers:
        left, top, wide, high = (int(value) for value in things.stats[number, :4])
        box = Box(top, left, top + high, left + wide)
        mask[box.slices] |= things.labels[box.slices] == number
    return mask
