"""What is seen of a scan when the lesion is not: its size, its border, what filling left, which grey levels it has.

Everything here takes a picture as ``(rows, cols)`` uint8 and gives plain numbers or masks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from bus_toolkit.training.pictures import Grey

Vector: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]
Rect: TypeAlias = tuple[int, int, int, int]
"""Top, left, bottom, right; the last two are outside."""

GRID: Final = 12
"""The border band is the outer ring of so many cells a side: 8.3 % of each side."""
COARSE: Final = 4
BLACK: Final = 3
"""Grey levels up to this are the background beside the tissue."""
FLAT_WINDOW: Final = 5
FLAT_FLOOR: Final = 0.5
FLAT_SHARE: Final = 0.02
"""An area is flat where the standard deviation in a window is below the floor and this share of the mean tone:
interpolation over a drawing is, and speckle is not."""
LEVELS: Final = 256
CHANGED: Final = 2
"""Grey levels: a pixel that differs by more was filled. Turning colour into grey twice may round by one."""

VIEWS: Final = {
    "size": "rows, columns and aspect ratio of the picture",
    "band": f"coarse tones of the outer {100 / GRID:.0f} % on each side, and how much of the picture is background",
    "flat": "how much of the picture's outer parts is unnaturally smooth, as filled areas are",
    "tones": "which grey levels occur at all, and how much of the border is at their ends",
    "filled": "how much was filled, and where, by comparison with the originals",
}
"""What each probe sees."""


def size_of(picture: Grey) -> Vector:
    """Logarithms of rows, columns and aspect ratio: float64, ``(3,)``."""
    rows, cols = picture.shape
    return np.log(np.array([rows, cols, cols / rows], dtype=np.float64))


def band_of(picture: Grey) -> Vector:
    """Mean and spread of each cell of the border band, and the share of background: float64, ``(89,)``.

    Background is black that hangs together with the picture's edge, so that a black cyst is none.
    """
    import cv2

    grey = picture.astype(np.float32)
    mean = cv2.resize(grey, (GRID, GRID), interpolation=cv2.INTER_AREA)
    square = cv2.resize(grey * grey, (GRID, GRID), interpolation=cv2.INTER_AREA)
    spread = np.sqrt(np.maximum(square - mean * mean, 0))
    ring = _ring(GRID)
    return np.concatenate([mean[ring], spread[ring], [_background(picture)]]).astype(np.float64)


def flat_map(picture: Grey) -> Mask:
    """True where the picture is unnaturally smooth and not background: ``(rows, cols)``."""
    import cv2

    grey = picture.astype(np.float32)
    window = (FLAT_WINDOW, FLAT_WINDOW)
    mean = cv2.blur(grey, window)
    spread = np.sqrt(np.maximum(cv2.blur(grey * grey, window) - mean * mean, 0))
    return (spread < FLAT_FLOOR + FLAT_SHARE * mean) & (mean > BLACK)


def flat_of(picture: Grey) -> Vector:
    """Square roots of the flat share of each outer cell of a grid of 4 by 4: float64, ``(12,)``; lesions lie within."""
    return _shares(flat_map(picture))[_ring(COARSE)]


def filled_of(mask: Mask) -> Vector:
    """Square roots of the filled share, over all and in each cell of a grid of 4 by 4: float64, ``(17,)``."""
    return np.concatenate([[np.sqrt(mask.mean())], _shares(mask).ravel()])


def tones_of(picture: Grey) -> Vector:
    """Which grey levels there are: float64, ``(7,)``.

    Lowest and highest level, share of levels between that never occur, unevenness of neighbouring levels (a stretched
    or tinted grey map leaves a comb); and of the border band the share at the lowest, at the highest level, and of 0.
    """
    counts = np.bincount(picture.ravel(), minlength=LEVELS).astype(np.float64)
    there = np.flatnonzero(counts)
    low, high = int(there[0]), int(there[-1])
    within = counts[low : high + 1]
    comb = np.abs(np.diff(within, 2)).sum() / max(1.0, 4 * within[1:-1].sum())
    border = picture[border_mask(picture.shape, (0, 0, *picture.shape))]
    ends = [float((border == level).mean()) for level in (low, high, 0)]
    return np.array([low, high, float((within == 0).mean()), comb, *np.sqrt(ends)])


def border_mask(shape: tuple[int, ...], rect: Rect) -> Mask:
    """True on the outer twelfth of each side of ``rect``, at least a pixel, and on all that lies outside of it."""
    top, left, bottom, right = rect
    down, across = max(1, round((bottom - top) / GRID)), max(1, round((right - left) / GRID))
    mask = np.ones(shape, dtype=bool)
    mask[top + down : bottom - down, left + across : right - across] = False
    return mask


def content_rect(shape: tuple[int, int], size: int, fit: str) -> Rect:
    """Where a picture of ``shape`` lies in the square that :func:`bus_toolkit.training.pictures.fit_square` makes."""
    if fit != "pad":
        return 0, 0, size, size
    scale = size / max(shape)
    rows, cols = (min(size, max(1, round(side * scale))) for side in shape)
    top, left = (size - rows) // 2, (size - cols) // 2
    return top, left, top + rows, left + cols


def blurred(picture: Grey, mask: Mask, sigma: float = 3.0) -> Grey:
    """The picture, smoothed further (Gaussian, ``sigma`` pixels) where the mask is true and two pixels around."""
    import cv2

    if not mask.any():
        return picture
    wide = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    return np.where(wide, cv2.GaussianBlur(picture, (0, 0), sigma), picture).astype(np.uint8)


def _ring(side: int) -> Mask:
    ring = np.ones((side, side), dtype=bool)
    ring[1:-1, 1:-1] = False
    return ring


def _shares(mask: Mask) -> Vector:
    import cv2

    shares = cv2.resize(mask.astype(np.float32), (COARSE, COARSE), interpolation=cv2.INTER_AREA)
    return np.sqrt(np.maximum(shares, 0)).astype(np.float64)


def _background(picture: Grey) -> float:
    import cv2

    _, parts = cv2.connectedComponents((picture <= BLACK).astype(np.uint8))
    edge = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    return float(np.isin(parts, edge[edge > 0]).mean())
