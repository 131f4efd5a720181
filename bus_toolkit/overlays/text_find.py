"""Find text in one picture: arrays in, findings out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from bus_toolkit.geometry import Box
from bus_toolkit.overlays.text_logo import is_logo
from bus_toolkit.stage import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bus_toolkit.geometry import Pixels
    from bus_toolkit.overlays.engines.base import Detection, TextEngine

SMALL_PICTURE: Final = 400
"""Pictures whose shorter side is below this are looked at enlarged: their text is small."""
LARGEST_SCALE: Final = 2.0
TILE: Final = 1024
"""A picture is looked at in tiles of at most this side: memory stays bounded (about 0.5 GB at 1024x1024)."""
TILE_OVERLAP: Final = 128
"""Tiles share this many pixels, more than the height of any line."""
LARGEST_SIDE: Final = 4096
"""Beyond this a picture is looked at in reduced size."""
TALL: Final = 45
"""Text overlays are lower than this (rows, at 600 rows of picture); what is taller must be read to count."""
MERGED: Final = 0.6
"""Two boxes of which one covers this share of the other are one line."""
READ_SURE: Final = 0.8
"""A tall or doubtful box counts when it is read with this confidence."""
MARGIN: Final = 1
"""Pixels by which a box is grown for reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One piece of text. ``text`` is private."""

    box: Box
    score: float
    text: str = field(default="", repr=False)


def scale_for(shape: tuple[int, int]) -> float:
    """How much larger a picture of ``(rows, cols)`` is looked at: 1 to 2 for small ones, less than 1 for huge ones."""
    if max(shape) > LARGEST_SIDE:
        return LARGEST_SIDE / max(shape)
    return float(min(LARGEST_SCALE, max(1.0, SMALL_PICTURE / max(1, min(shape)))))


def tiles_of(shape: tuple[int, int], side: int) -> tuple[Box, ...]:
    """Overlapping boxes of at most ``side`` pixels a side that cover ``(rows, cols)``."""
    rows, cols = (_starts(length, side) for length in shape)
    return tuple(Box(row, col, min(row + side, shape[0]), min(col + side, shape[1])) for row in rows for col in cols)


def _starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [0]
    count = int(np.ceil((length - TILE_OVERLAP) / (side - TILE_OVERLAP)))
    return [round(start) for start in np.linspace(0, length - side, count)]


def unite(lines: Iterable[Line]) -> list[Line]:
    """Join boxes that cover most of each other; the better read one gives text and score."""
    united: list[Line] = []
    for line in sorted(lines, key=lambda line: (-line.box.area, line.box)):
        for index, other in enumerate(united):
            if line.box.intersect(other.box).area >= MERGED * line.box.area:
                best = max(line, other, key=lambda one: (bool(one.text), one.score))
                united[index] = Line(box=other.box.union(line.box), score=best.score, text=best.text)
                break
        else:
            united.append(line)
    return sorted(united, key=lambda line: line.box)


def crop_of(image: Pixels, box: Box) -> Pixels:
    """The part of ``image`` in ``box`` and a margin."""
    return image[box.grow(MARGIN).clip(image.shape).slices]


def detect_lines(image: Pixels, engine: TextEngine) -> list[Detection]:
    """All that the engine's detector sees, boxes in pixels of ``image``."""
    shape = (image.shape[0], image.shape[1])
    scale = scale_for(shape)
    found: list[Detection] = []
    for tile in tiles_of(shape, max(1, round(TILE / scale))):
        found += [
            replace(seen, box=seen.box.shift(tile.row0, tile.col0))
            for seen in engine.detect(image[tile.slices], scale=scale)
        ]
    return found


def read_lines(image: Pixels, found: Sequence[Detection], engine: TextEngine) -> list[Line]:
    """Read what was detected, and drop what is too tall to be text and says nothing."""
    readings = engine.recognise([crop_of(image, seen.box) for seen in found])
    tall = TALL * max(1.0, min(image.shape[:2]) / 600)
    lines = []
    for seen, reading in zip(found, readings, strict=True):
        readable = reading.confidence >= READ_SURE and any(sign.isalnum() for sign in reading.text)
        if min(seen.box.height, seen.box.width) <= tall or (readable and seen.box.height <= 2 * tall):
            lines.append(Line(box=seen.box, score=max(seen.score, reading.confidence), text=reading.text))
    return lines


def find_text(image: Pixels, engine: TextEngine) -> list[Line]:
    """Lines of text in one picture.

    Parameters
    ----------
    image
        ``(rows, cols)`` grey or ``(rows, cols, 3)`` RGB, uint8.
    engine
        What detects and reads.
    """
    return unite(read_lines(image, detect_lines(image, engine), engine))


def findings_from(lines: Iterable[Line], shape: tuple[int, int], detector: str) -> tuple[Finding, ...]:
    """Turn lines into findings of kind text or logo."""
    return tuple(
        Finding(
            kind=Kind.LOGO if is_logo(line.text, line.box, shape) else Kind.TEXT,
            box=line.box,
            score=round(line.score, 4),
            detector=detector,
            text=line.text,
        )
        for line in lines
    )
