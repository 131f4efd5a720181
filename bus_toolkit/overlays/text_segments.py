"""Lines of text from the segmenter's pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from bus_toolkit.geometry import Box, Mask
    from bus_toolkit.overlays.drawn import Drawn, Piece

SURE: Final = 0.85
"""A line has at least one piece whose peak reaches this."""
WEAK: Final = 0.6
"""Pieces with a lower peak belong to no line."""
BESIDE_MARK: Final = 0.25
"""The same beside the marks of a measurement, where their numbers stand."""
AROUND_MARK: Final = 41
"""Side of the square around each sure pixel of a caliper within which a number belongs to it."""
MARK_PEAK: Final = 0.92
"""Least peak of a piece of a caliper that counts as a mark here, and least pixels of all such pieces together: a speck
that looks like a mark makes no letter of the tissue beside it."""
MARKS_AREA: Final = 60
LEAST_AREA: Final = 10
"""Pixels of the sure pieces of a line: a lone digit 7 pixels high has twice as many."""
REACH: Final = (5, 41)
"""Columns, least and most, by which letters of one line may be apart; the height of the letters decides."""
STRIP_HEIGHT: Final = 14
STRIP_RATIO: Final = 2.5
SPECK: Final = 25
"""A piece at the upper or lower edge that is at most this high, and this much wider than high or only a speck, may be
the cut of a bright layer."""
WIDEST: Final = 20
"""Most columns of a cut letter that tell how high it was."""
STRIP_SURE: Final = 0.9955
"""Least peak of such a piece that is what an edge has left of a word. On 230 scans of BrEaST the surest of 127 cuts of
layers had 0.9950; of 35 cut strings that were painted over them 26 had more than this."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One line of text: its box, the mean of the peaks of its sure pieces (0 to 1), and their number.

    ``number`` tells whether it stands beside the mark of a measurement, as its number does.
    """

    box: Box
    score: float
    number: bool = False
    pieces: int = 1


def lines_of(drawn: Drawn, shape: tuple[int, int]) -> list[Segment]:
    """Lines of text, from top to bottom."""
    beside = _beside_marks(drawn, shape)
    pieces = [_raised(piece, beside) for piece in drawn.pieces["text"]]
    pieces = [piece for piece in pieces if piece.peak >= WEAK]
    if not pieces:
        return []
    whole = np.zeros(shape, dtype=np.uint8)
    for piece in pieces:
        whole[piece.box.slices][piece.mask] = 1
    heights = [_letter_height(piece, shape) for piece in pieces if piece.peak >= SURE]
    # An odd kernel: OpenCV shifts what an even one closes.
    reach = int(np.clip(np.median(heights or [1]) * 0.9, *REACH)) | 1
    joined = cv2.morphologyEx(np.pad(whole, reach), cv2.MORPH_CLOSE, np.ones((3, reach), dtype=np.uint8))
    labels = cv2.connectedComponents(joined[reach:-reach, reach:-reach], connectivity=8)[1]
    members: dict[int, list[Piece]] = {}
    for piece in pieces:
        members.setdefault(int(labels[piece.box.slices][piece.mask][0]), []).append(piece)
    found = [_line(group, beside) for group in members.values() if _counts(group, shape)]
    return sorted(found, key=lambda line: (line.box, line.score))


def _letter_height(piece: Piece, shape: tuple[int, int]) -> int:
    """Rows of a letter; of one that the upper or lower edge cuts, its columns tell more."""
    box = piece.box
    if box.row0 > 0 and box.row1 < shape[0]:
        return box.height
    return max(box.height, min(box.width, WIDEST))


def _beside_marks(drawn: Drawn, shape: tuple[int, int]) -> Mask:
    """Where the numbers of measurements may stand."""
    marks = np.zeros(shape, dtype=np.uint8)
    sure = [piece for piece in drawn.pieces["caliper"] if piece.peak >= MARK_PEAK]
    for piece in sure if sum(piece.area for piece in sure) >= MARKS_AREA else ():
        marks[piece.box.slices][piece.mask] = 1
    return cv2.dilate(marks, np.ones((AROUND_MARK, AROUND_MARK), dtype=np.uint8)) > 0


def _raised(piece: Piece, beside: Mask) -> Piece:
    """A likely piece beside a mark counts as sure."""
    if BESIDE_MARK <= piece.peak < SURE and bool(beside[piece.box.slices][piece.mask].all()):
        return replace(piece, peak=SURE)
    return piece


def _line(group: list[Piece], beside: Mask) -> Segment:
    box = group[0].box
    for piece in group[1:]:
        box = box.union(piece.box)
    sure = [piece for piece in group if piece.peak >= SURE]
    score = sum(piece.peak * piece.area for piece in sure) / sum(piece.area for piece in sure)
    return Segment(box, score, number=bool(beside[box.slices].all()), pieces=len(group))


def _counts(group: list[Piece], shape: tuple[int, int]) -> bool:
    sure = [piece for piece in group if piece.peak >= SURE]
    if sum(piece.area for piece in sure) < LEAST_AREA:
        return False
    strips = [piece for piece in sure if _is_strip(piece, shape)]
    return len(strips) < len(sure) or any(piece.peak >= STRIP_SURE for piece in strips)


def _is_strip(piece: Piece, shape: tuple[int, int]) -> bool:
    box = piece.box
    at_edge = box.row0 == 0 or box.row1 == shape[0]
    small = piece.area < SPECK or box.width >= STRIP_RATIO * box.height
    return at_edge and box.height <= STRIP_HEIGHT and small
