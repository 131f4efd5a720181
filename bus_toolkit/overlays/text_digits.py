"""Find the digit or letter beside a caliper's cross: alone in tissue, it is not text to a text detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.geometry import Box

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask, Pixels

GREY_NDIM: Final = 2
STROKE: Final = 9
"""Strokes are thinner than this (pixels)."""
CONTRAST: Final = 30
"""A cross is this much brighter than what is around it (grey levels)."""
ARM: Final = 11
"""The lines of a cross are at least this long (pixels); half of those in a BUSI sample are 17 or longer."""
CORNER: Final = 4
"""Beside the lines of a cross, this far from its centre on the diagonals, there is background."""
FILLED_CORNERS: Final = 2
"""A digit or its line may fill this many of the four."""
FLAT: Final = 0.9
"""Share of an arm that has the level of the cross."""
BESIDE: Final = 40
"""A character differs by this much from what is beside its strokes (median); tissue has no such sharp pieces."""
CROSSES: Final = 16
"""No picture shows more crosses than this; more means that they are none."""
REACH: Final = 34
"""A digit lies within this many pixels of the centre of its cross."""
LEVEL: Final = 18
"""Drawing has one colour; compression moves it by up to this many levels (in a BUSI sample, along the arms of crosses,
7 in the median and 17 in nine of ten)."""
LEVEL_OF_COLOUR: Final = 60
"""Compression halves the resolution of colour, so coloured drawing varies more."""
TINT: Final = 40
"""Channels that differ by more make a colour; less is grey or a tinted grey."""
HEIGHT: Final = (7, 28)
WIDTH: Final = (3, 20)
SHARE_OF_BOX: Final = (0.2, 0.95)
"""A digit covers this share of its box."""
PAPER: Final = 3
"""Empty pixels left around a digit when it is shown to the recogniser."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Glyph:
    """What may be a character: its box, and the character alone, white on black, ``(rows, cols)`` uint8."""

    box: Box
    picture: Pixels


def brightest(image: Pixels) -> Pixels:
    """The largest channel of each pixel, ``(rows, cols)`` uint8: coloured drawing is as bright there as white."""
    if image.ndim == GREY_NDIM:
        return image
    red, green, blue = cv2.split(image)
    return cast("Pixels", cv2.max(cv2.max(red, green), blue))


def find_crosses(level: Pixels) -> list[tuple[int, int]]:
    """Centres ``(row, col)`` of upright bright crosses with thin arms; none when there are too many to be calipers."""
    if min(level.shape) < ARM:
        return []
    square = np.ones((STROKE, STROKE), np.uint8)
    ink = (cv2.morphologyEx(level, cv2.MORPH_TOPHAT, square) >= CONTRAST).astype(np.uint8)
    across = cv2.erode(ink, np.ones((1, ARM), np.uint8))
    down = cv2.erode(ink, np.ones((ARM, 1), np.uint8))
    near = np.ones((3, 3), np.uint8)
    both = cv2.min(cv2.min(cv2.dilate(across, near), cv2.dilate(down, near)), ink)
    count, _, _, centres = cv2.connectedComponentsWithStats(both, connectivity=8)
    found = []
    for col, row in np.asarray(centres)[1:count].round().astype(int).tolist():
        if not _is_flat(level, row, col):
            continue
        spots = [(row + up, col + left) for up in (-CORNER, CORNER) for left in (-CORNER, CORNER)]
        inside = [spot for spot in spots if 0 <= spot[0] < ink.shape[0] and 0 <= spot[1] < ink.shape[1]]
        if sum(bool(ink[spot]) for spot in inside) <= FILLED_CORNERS:
            found.append((row, col))
    return found if len(found) <= CROSSES else []


def _is_flat(level: Pixels, row: int, col: int) -> bool:
    """Whether the arms of a cross have one level, as drawing has and tissue has not."""
    half = ARM // 2
    middle = int(np.median(level[max(0, row - 1) : row + 2, max(0, col - 1) : col + 2]))
    lines = (
        level[max(0, row - 1) : row + 2, max(0, col - half) : col + half + 1].T,
        level[max(0, row - half) : row + half + 1, max(0, col - 1) : col + 2],
    )
    # A centre may be a pixel off an arm: the best of three lines counts at every step along it.
    apart = [np.abs(line.astype(np.int16) - middle).min(axis=1) for line in lines]
    return all(bool((line <= LEVEL).mean() >= FLAT) for line in apart)


def find_glyphs(image: Pixels) -> list[Glyph]:
    """What may be characters beside crosses, in the colour of their cross.

    Parameters
    ----------
    image
        ``(rows, cols)`` grey or ``(rows, cols, 3)`` RGB, uint8.
    """
    found: dict[Box, Glyph] = {}
    for row, col in find_crosses(brightest(image)):
        window = Box(row - REACH, col - REACH, row + REACH + 1, col + REACH + 1).clip(image.shape)
        part = image[window.slices].astype(np.int16)
        at = (row - window.row0, col - window.col0)
        ink = _like_cross(part, at)
        _erase_cross(ink, at)
        for box, picture in _characters(ink, part):
            placed = box.shift(window.row0, window.col0)
            found[placed] = Glyph(box=placed, picture=picture)
    return list(found.values())


def _like_cross(part: npt.NDArray[np.int16], at: tuple[int, int]) -> Mask:
    """Pixels of ``part`` in the colour that the cross at ``at`` has."""
    row, col = at
    middle = part[max(0, row - 1) : row + 2, max(0, col - 1) : col + 2].reshape(-1, *part.shape[2:])
    colour = np.median(middle, axis=0).astype(np.int16)
    apart = np.abs(part - colour)
    if part.ndim == GREY_NDIM:
        return cast("Mask", apart <= LEVEL)
    limit = LEVEL if np.ptp(colour) <= TINT else LEVEL_OF_COLOUR
    return cast("Mask", apart.max(axis=2) <= limit)


def _erase_cross(ink: Mask, at: tuple[int, int]) -> None:
    """Clear the arms of the cross at ``at``, as far as they run."""
    row, col = at
    arms = (ink[row, col:], ink[row, col::-1], ink[row:, col], ink[row::-1, col])
    right, left, down, up = (int(np.argmin(np.append(arm, False))) for arm in arms)
    left, right = (min(side, max(ARM, min(left, right) + 2)) for side in (left, right))
    up, down = (min(side, max(ARM, min(up, down) + 2)) for side in (up, down))
    ink[max(0, row - 2) : row + 3, max(0, col - left) : col + right + 1] = False
    ink[max(0, row - up) : row + down + 1, max(0, col - 2) : col + 3] = False


def _characters(ink: Mask, part: npt.NDArray[np.int16]) -> list[tuple[Box, Pixels]]:
    """Components of the size and shape of a character that the window does not cut."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    found = []
    for index in range(1, count):
        col, row, width, height, area = (int(value) for value in stats[index])
        cut = row == 0 or col == 0 or row + height == ink.shape[0] or col + width == ink.shape[1]
        sized = HEIGHT[0] <= height <= HEIGHT[1] and WIDTH[0] <= width <= WIDTH[1] and height >= width
        if cut or not sized or not SHARE_OF_BOX[0] <= area / (width * height) <= SHARE_OF_BOX[1]:
            continue
        box = Box(row, col, row + height, col + width)
        if not _stands_out(labels == index, box, part):
            continue
        shown = np.pad((labels[box.slices] == index).astype(np.uint8) * 255, PAPER)
        found.append((box, shown))
    return found


def _stands_out(strokes: Mask, box: Box, part: npt.NDArray[np.int16]) -> bool:
    """Whether a character differs sharply from what is right beside its strokes."""
    window = box.grow(3).clip(strokes.shape).slices
    near = np.ones((3, 3), np.uint8)
    once = cv2.dilate(strokes[window].astype(np.uint8), near)
    beside = cv2.dilate(once, near) > once
    inside, around = part[window][strokes[window]], part[window][beside]
    apart = np.abs(np.median(inside, axis=0) - around)
    return bool(np.median(apart if apart.ndim == 1 else apart.max(axis=1)) >= BESIDE)
