"""What the learned segmenter adds to the classical detectors of drawn things: marks, contours and icons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from bus_toolkit.geometry import Box, Mask, box_of_mask
from bus_toolkit.stage import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bus_toolkit.overlays.drawn import Drawn, Piece

SURE: Final = 0.8
"""Pieces of calipers and contours with a lower peak count for nothing alone."""
MARK: Final = (5, 32)
"""Least and most rows and columns of a caliper's mark."""
MARK_SURE: Final = 0.97
"""Peak of the surest mark of a measurement, at least."""
SQUARE: Final = 1.7
"""A mark is at most this much longer than wide."""
MARK_AREA: Final = 18
"""Least pixels of a mark."""
LINE: Final = 60
LINE_SURE: Final = 0.992
LINE_AREA: Final = 200
"""A piece this long with this peak and so many pixels is a measurement of itself, its marks and their line in one. On
617 scans of BUSI and BrEaST without calipers the longest piece of this peak was 54 pixels long."""
LEAST_CALIPER: Final = 130
"""Likely pixels of all sure pieces of a measurement together: its marks and their line."""
CONTOUR_SIDE: Final = 0.04
CONTOUR_AREA: Final = 250
"""A contour has this many likely pixels in all, and spans this share of the picture's shorter side both ways."""
ICON_SURE: Final = 0.9
ICON_AREA: Final = 90
"""Least pixels of a drawn sign or icon."""
ICON_SIDES: Final = (0.03, 0.35)
"""Sides of a body mark over those of the picture."""
ICON_RATIO: Final = 3.0
SOFT: Final = 3
"""Pixels around a stroke that another detector found in which likely pixels belong to it."""
NEAR: Final = 9
"""Pixels between pieces of one thing."""
REACH: Final = 29
"""Side of the square around each sure pixel of a measurement in which a doubtful piece belongs to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighted:
    """Something that was seen: kind, boxes, exact pixels (``(rows, cols)`` bool), score 0.5 to 1."""

    kind: Kind
    boxes: tuple[Box, ...]
    mask: Mask
    score: float


def learned(drawn: Drawn, explained: Mask, elsewhere: Mask, *, measured: bool = False) -> Iterator[Sighted]:
    """Calipers, contours and drawn signs.

    Parameters
    ----------
    drawn
        What the segmenter saw.
    explained
        ``(rows, cols)`` bool, True where text or something else was found already: letters have arms, too.
    elsewhere
        ``(rows, cols)`` bool, True where no caliper and no contour can be: far from the sector, along its border, at
        the ticks of a scale.
    measured
        Whether another detector found a caliper on the picture: then no marks of its own are asked of what looks like
        one here. A mark, its line and its number are often one piece.
    """
    # The classical strokes are exact, the learned ones a little wider.
    around = np.ones((2 * SOFT + 1, 2 * SOFT + 1), dtype=np.uint8)
    held = cv2.dilate(explained.astype(np.uint8), around) > 0
    icons = list(_icons(drawn, held))
    for icon in icons:
        for box in icon.boxes:
            held[box.slices] = True
    yield from _calipers(drawn, held | elsewhere, measured=measured)
    yield from _contours(drawn, held | elsewhere)
    yield from icons


def _free(pieces: Sequence[Piece], held: Mask, sure: float) -> list[Piece]:
    """Sure pieces that lie mostly where nothing else was found."""
    return [
        piece
        for piece in pieces
        if piece.peak >= sure and 2 * int(held[piece.box.slices][piece.mask].sum()) < piece.area
    ]


def _calipers(drawn: Drawn, held: Mask, *, measured: bool) -> Iterator[Sighted]:
    pieces = _free(drawn.pieces["caliper"], held, SURE)
    area = sum(piece.area for piece in pieces)
    marks = [piece for piece in pieces if _is_mark(piece)]
    best = max((piece.peak for piece in marks), default=0.0)
    # Dots and lines alone may be a scale or an edge; a lone mark may be a letter. A measurement has two ends.
    alone = area >= LEAST_CALIPER and len(marks) >= 2 and best >= MARK_SURE  # noqa: PLR2004
    if not pieces or not (alone or measured or any(_is_line(piece, drawn.masks["outline"]) for piece in pieces)):
        return
    near = cv2.dilate(_mask_of(pieces, held.shape).astype(np.uint8), np.ones((REACH, REACH), dtype=np.uint8)) > 0
    weak = [piece for piece in _free(drawn.pieces["caliper"], held, 0.0) if piece.peak < SURE]
    pieces += [piece for piece in weak if near[piece.box.slices][piece.mask].any()]
    mask = _mask_of(pieces, held.shape)
    boxes = tuple(box for piece in pieces if piece.area >= MARK_AREA for box in small_boxes(piece.mask, piece.box))
    yield Sighted(kind=Kind.CALIPER, boxes=boxes, mask=mask, score=_score(best or pieces[0].peak, SURE))


def small_boxes(mask: Mask, box: Box) -> Iterator[Box]:
    """Boxes that hold little but the stroke: one around a slanted line would hold the lesion that it measures."""
    inner = box_of_mask(mask)
    mask, box = mask[inner.slices], inner.shift(box.row0, box.col0)
    if not mask.any():
        return
    if min(box.height, box.width) <= MARK[1] * 0.7 or box.area <= MARK[1] ** 2:
        yield box
        return
    rows, cols = box.height // 2, box.width // 2
    for top, height in ((0, rows), (rows, box.height - rows)):
        for left, width in ((0, cols), (cols, box.width - cols)):
            part = Box(top, left, top + height, left + width)
            yield from small_boxes(mask[part.slices], part.shift(box.row0, box.col0))


def _is_line(piece: Piece, contours: Mask) -> bool:
    """Whether a piece is a whole measurement, and not the dashes of a contour, which look like both."""
    long = max(piece.box.height, piece.box.width) >= LINE
    sure = piece.peak >= LINE_SURE and piece.area >= LINE_AREA
    return long and sure and 2 * int(contours[piece.box.slices][piece.mask].sum()) < piece.area


def _is_mark(piece: Piece) -> bool:
    low, high = sorted((piece.box.height, piece.box.width))
    return MARK[0] <= low and high <= MARK[1] and high <= SQUARE * low and piece.area >= MARK_AREA


def _contours(drawn: Drawn, held: Mask) -> Iterator[Sighted]:
    for pieces in _together(_free(drawn.pieces["outline"], held, SURE), held.shape):
        mask = _mask_of(pieces, held.shape)
        box = box_of_mask(mask)
        least = CONTOUR_SIDE * min(held.shape)
        if sum(piece.area for piece in pieces) >= CONTOUR_AREA and min(box.height, box.width) >= least:
            best = max(piece.peak for piece in pieces)
            yield Sighted(kind=Kind.OUTLINE, boxes=(box,), mask=mask, score=_score(best, SURE))


def _icons(drawn: Drawn, explained: Mask) -> Iterator[Sighted]:
    for pieces in _together(_free(drawn.pieces["graphic"], explained, ICON_SURE), explained.shape):
        if sum(piece.area for piece in pieces) < ICON_AREA:
            continue
        mask = _mask_of(pieces, explained.shape)
        box = box_of_mask(mask)
        kind = Kind.BODYMARK if _is_icon(box, explained.shape) else Kind.GRAPHIC
        score = _score(max(piece.peak for piece in pieces), ICON_SURE)
        yield Sighted(kind=kind, boxes=(box,), mask=mask, score=score)


def _is_icon(box: Box, shape: tuple[int, ...]) -> bool:
    least, most = ICON_SIDES
    sides = (box.height / shape[0], box.width / shape[1])
    long, short = max(box.height, box.width), min(box.height, box.width)
    return least <= min(sides) and max(sides) <= most and long <= ICON_RATIO * short


def _together(pieces: Sequence[Piece], shape: tuple[int, ...]) -> list[list[Piece]]:
    """Pieces that lie near each other, as groups."""
    if not pieces:
        return []
    grown = cv2.dilate(_mask_of(pieces, shape).astype(np.uint8), np.ones((NEAR, NEAR), dtype=np.uint8))
    labels = cv2.connectedComponents(grown, connectivity=8)[1]
    groups: dict[int, list[Piece]] = {}
    for piece in pieces:
        groups.setdefault(int(labels[piece.box.slices][piece.mask][0]), []).append(piece)
    return list(groups.values())


def _mask_of(pieces: Sequence[Piece], shape: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, dtype=np.bool_)
    for piece in pieces:
        mask[piece.box.slices] |= piece.mask
    return mask


def _score(peak: float, sure: float) -> float:
    """0.5 where a piece begins to count, 1 where the network has no doubt."""
    return float(np.clip(0.5 + 0.5 * (peak - sure) / (1 - sure), 0.5, 1.0))
