"""Measurements as operators leave them: marks anywhere, and their number on any side, touching the mark or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bus_toolkit.stage import Kind
from bus_toolkit.synth import caliper, random_ink, text_stamp
from bus_toolkit.synth.marks import LINES, MARKS
from bus_toolkit.synth.scene import without_box

if TYPE_CHECKING:
    from bus_toolkit.synth import Font, Ink, Stamp
    from bus_toolkit.synth.marks import Point

SIGNS: Final = "12341234ABCDabDdLx+"
"""What stands beside a mark: mostly its number."""


def measurements(
    rng: np.random.Generator, shape: tuple[int, int], font: Font, *, numbered: bool | None = None
) -> list[Stamp]:
    """One to three measurements on a picture of ``(rows, cols)``, in one style; None: some are numbered."""
    ink = without_box(random_ink(rng))
    mark, line = MARKS[int(rng.integers(len(MARKS)))], LINES[int(rng.integers(len(LINES)))]
    size, width, step = rng.uniform(6, 26), float(rng.choice([1, 1, 1.5, 2, 3])), rng.uniform(3, 10)
    smooth = bool(rng.random() < 0.5)  # noqa: PLR2004
    signed = bool(rng.random() < 0.75) if numbered is None else numbered  # noqa: PLR2004
    stamps: list[Stamp] = []
    centre = rng.uniform(0.1, 0.9, 2) * shape
    for _ in range(int(rng.integers(1, 4))):
        angle, half = rng.uniform(0, np.pi), rng.uniform(size, 0.3 * min(shape))
        way = half * np.array([np.sin(angle), np.cos(angle)])
        start, stop = _point(centre - way), _point(centre + way)
        stamps += caliper(start, stop, ink, mark=mark, line=line, size=size, width=width, step=step, smooth=smooth)
        if signed:
            sign = SIGNS[int(rng.integers(len(SIGNS)))]
            ends = (start, stop) if rng.random() < 0.3 else (start,)  # noqa: PLR2004
            stamps += [_beside(rng, sign, end, size, (font, ink)) for end in ends]
        if rng.random() < 0.6:  # noqa: PLR2004
            centre = centre + rng.normal(0, 0.3 * half, 2)
    return stamps


def _point(place: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Point:
    return float(place[0]), float(place[1])


def _beside(rng: np.random.Generator, sign: str, at: Point, size: float, style: tuple[Font, Ink]) -> Stamp:
    """The sign in one of the four corners of a mark, or on its side."""
    height = int(np.clip(size * rng.uniform(0.6, 1.6), 6, 40))
    across, gap = 0.6 * height, rng.uniform(-0.25, 0.4) * size
    side, level = (-1 if rng.random() < 0.5 else 1), rng.choice([-1.0, 0.0, 1.0], p=[0.5, 0.15, 0.35])  # noqa: PLR2004
    reach = gap if level else gap + size / 2
    col = at[1] + reach if side > 0 else at[1] - reach - across
    row = at[0] - height / 2 + level * (height / 2 + gap)
    return text_stamp(sign, (round(row), round(col)), style[0], height, style[1], kind=Kind.CALIPER, role="digit")
