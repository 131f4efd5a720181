"""What every screen looks at: one picture, prepared once, at full and at reduced size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.geometry import Box, Mask, Pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

GREY_NDIM = 2
SMALL_SIDE = 256
"""Longer side of the reduced copy: layout and texture statistics need no more, and it keeps them below 1 ms."""
ECHO_LEVEL = 12
"""Grey values above the background from which a pixel counts as echo; below lie compression noise and dither."""
TEXT_OPENING = 5
"""Side of the opening, in pixels of the reduced copy, that takes letters and rulers away and leaves tissue."""
SMALL_PART = 0.08
"""Areas below this share of the largest one are not a picture of their own but text, a bar or a body mark."""
FLAT_SHARE = 0.04
"""Share of the picture that one grey value must take to be a drawn background; tissue seldom exceeds 2 %."""

Grey: TypeAlias = npt.NDArray[np.uint8]
"""``(rows, cols)`` uint8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one screen says: ``score`` 0 to 1 with 0.5 as the operating point, and where, if it can tell."""

    score: float
    box: Box | None = None


NOTHING = Sighting(score=0.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """One picture prepared for the screens.

    Attributes
    ----------
    grey
        ``(rows, cols)`` uint8: the largest of the three channels, so that drawn colour is as bright as drawn white.
    rgb
        ``(rows, cols, 3)`` uint8, or None when the picture is grey or all its channels are equal.
    area
        ``(rows, cols)`` bool, True where the picture is ultrasound: the fan when one is known, else the content, else
        all of it.
    small
        ``grey`` reduced by area to at most 256 pixels a side; never enlarged.
    content
        bool of the shape of ``small``, True on every large filled area, background and text left out; may be empty.
    background
        Grey value of what lies outside, 0 to 255.
    scale
        ``(rows, cols)`` pixels of ``grey`` for one of ``small``.
    """

    grey: Grey
    rgb: Pixels | None
    area: Mask
    small: Grey
    content: Mask
    background: int
    scale: tuple[float, float]

    def enlarge(self, box: Box) -> Box:
        """A box of ``small`` in pixels of ``grey``, grown outwards to whole pixels."""
        rows, cols = self.scale
        found = Box.from_list((box.row0 * rows, box.col0 * cols, box.row1 * rows, box.col1 * cols))
        return found.clip(self.grey.shape)


def reduced(grey: Grey, side: int) -> Grey:
    """``grey`` averaged down so that its longer side is at most ``side``; unchanged when it is already."""
    factor = side / max(grey.shape)
    if factor >= 1:
        return grey
    size = max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor))
    return cast("Grey", cv2.resize(grey, size, interpolation=cv2.INTER_AREA))


def background_of(grey: Grey) -> int:
    """Grey value of what lies around the ultrasound; 0 when no value stands out.

    A background is one value that takes a share of the picture that tissue cannot have; white and mid grey pages
    count as well.
    """
    counts = np.bincount(grey.ravel(), minlength=256)
    value = int(counts.argmax())
    return value if counts[value] >= FLAT_SHARE * grey.size else 0


def content_of(small: Grey, background: int) -> Mask:
    """Every large filled area of a reduced picture, ``(rows, cols)`` bool; text, rulers and thin bars are left out."""
    echo = (cv2.absdiff(small, np.full_like(small, background)) > ECHO_LEVEL).astype(np.uint8)
    # A drawn panel or banner is as bright as tissue, but flat.
    steps = cv2.max(cv2.absdiff(small, np.roll(small, 1, axis=0)), cv2.absdiff(small, np.roll(small, 1, axis=1)))
    echo &= cv2.dilate(steps, np.ones((3, 3), dtype=np.uint8)) > 1
    kernel = np.ones((TEXT_OPENING, TEXT_OPENING), dtype=np.uint8)
    closed = cv2.morphologyEx(echo, cv2.MORPH_CLOSE, kernel[:3, :3])
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    if count <= 1:
        return np.zeros(small.shape, dtype=np.bool_)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    keep = areas >= SMALL_PART * areas.max()
    return cast("Mask", keep[labels])


def look_at(pixels: Pixels, fan: Mask | None = None) -> Look:
    """Prepare one picture.

    Parameters
    ----------
    pixels
        ``(rows, cols)`` or ``(rows, cols, 3)`` RGB, uint8, not empty.
    fan
        ``(rows, cols)`` bool, True where the picture is ultrasound, when somebody knows.
    """
    rgb = None
    if pixels.ndim == GREY_NDIM:
        grey = np.ascontiguousarray(pixels)
    else:
        red, green, blue = cv2.split(np.ascontiguousarray(pixels))
        grey = cast("Grey", cv2.max(cv2.max(red, green), blue))
        if cv2.countNonZero(cv2.max(cv2.absdiff(red, green), cv2.absdiff(green, blue))):
            rgb = pixels
    small = reduced(grey, SMALL_SIDE)
    background = background_of(small)
    content = content_of(small, background)
    scale = grey.shape[0] / small.shape[0], grey.shape[1] / small.shape[1]
    usable = fan is not None and fan.shape == grey.shape and fan.any()
    hull = _hull(content) if content.any() else ~content
    area = cast("Mask", fan) if usable else _resized(hull, grey.shape)
    return Look(grey=grey, rgb=rgb, area=area, small=small, content=content, background=background, scale=scale)


def _hull(content: Mask) -> Mask:
    """Close what calipers, cysts and shadows cut out of a content mask."""
    size = max(3, min(content.shape) // 8) | 1
    padded = cv2.copyMakeBorder(content.astype(np.uint8), size, size, size, size, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((size, size), dtype=np.uint8))
    return closed[size:-size, size:-size] > 0


def _resized(mask: Mask, shape: Sequence[int]) -> Mask:
    if mask.shape == tuple(shape):
        return mask
    size = int(shape[1]), int(shape[0])
    return cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0


def ramp(value: float, low: float, middle: float, high: float) -> float:
    """A score from a measure: 0 at ``low`` and below, 0.5 at ``middle``, 1 at ``high`` and beyond.

    ``low > middle > high`` gives a falling ramp.
    """
    if low > high:
        return ramp(-value, -low, -middle, -high)
    return float(np.interp(value, (low, middle, high), (0.0, 0.5, 1.0)))


def reduced_mask(look: Look) -> Mask:
    """``look.area`` at the size of ``look.small``."""
    return _resized(look.area, look.small.shape)
