"""Fill a mask: inside the fan by inpainting, outside it in one flat colour.

Inpainting is the fast marching method of Telea 2004, "An image inpainting technique based on the fast marching method",
J. Graphics Tools 9(1), doi 10.1080/10867651.2004.10487596, as OpenCV has it. Only windows around the mask are computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.geometry import Box

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask, Pixels

RADII_AROUND = 3
"""Width of the rim of a window in radii: the method looks one radius beyond the mask and marches one further."""
RIM = 2


def grow_mask(mask: Mask, pixels: int) -> Mask:
    """``mask`` ``(rows, cols)`` bool, grown by an ellipse of ``pixels``: drawn things have soft edges."""
    if pixels == 0 or not mask.any():
        return mask.copy()
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return cast("Mask", cv2.dilate(mask.view(np.uint8), kernel).astype(np.bool_))


def windows(mask: Mask, radius: int) -> list[tuple[Box, Mask]]:
    """Split a mask into parts that do not influence each other.

    Returns
    -------
    list of (Box, Mask)
        For each part a window with a rim wide enough for ``radius``, and the part of the mask in it that is its own. A
        window may hold pixels of other parts; those are not its own.
    """
    rim = RADII_AROUND * radius + RIM
    kernel = np.ones((2 * rim + 1, 2 * rim + 1), np.uint8)
    reach = cv2.dilate(mask.view(np.uint8), kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(reach, connectivity=8)
    parts = []
    for label in range(1, count):
        col, row, width, height, _ = (int(value) for value in stats[label])
        box = Box(row, col, row + height, col + width)
        parts.append((box, mask[box.slices] & (labels[box.slices] == label)))
    return parts


def inpaint(picture: Pixels, mask: Mask, usable: Mask | None = None, *, radius: int = 3) -> Pixels:
    """Fill the pixels under ``mask`` from those around them.

    Parameters
    ----------
    picture
        ``(rows, cols)`` grey or ``(rows, cols, 3)`` RGB, uint8. Not changed.
    mask
        ``(rows, cols)`` bool, True where to fill.
    usable
        ``(rows, cols)`` bool, True where pixels may be looked at; None for everywhere. Pixels outside (the background
        around a fan) do not bleed into the fill.
    radius
        Pixels around a filled one that are looked at.

    Returns
    -------
    Pixels
        A new picture, equal to ``picture`` outside ``mask``. Where a window has nothing usable, the median of what is
        usable in the whole picture is taken, and the old pixel when there is nothing at all.
    """
    filled = picture.copy()
    for box, own in windows(mask, radius):
        unknown = mask[box.slices] if usable is None else mask[box.slices] | ~usable[box.slices]
        if unknown.all():
            known = ~mask if usable is None else usable & ~mask
            if known.any():
                filled[box.slices][own] = np.median(picture[known], axis=0).astype(np.uint8)
            continue
        part = picture[box.slices].copy()
        # At its border OpenCV starts from the values under the mask: a letter cut by the edge would seed its own fill.
        part[unknown] = np.median(part[~unknown], axis=0).astype(np.uint8)
        done = cv2.inpaint(part, unknown.astype(np.uint8), radius, cv2.INPAINT_TELEA)
        filled[box.slices][own] = done[own]
    return filled


def fill_frames(
    frames: npt.NDArray[np.uint8],
    mask: Mask,
    fan: Mask | None,
    colour: npt.NDArray[np.uint8],
    *,
    radius: int = 3,
) -> npt.NDArray[np.uint8]:
    """Fill ``mask`` in every frame: inside ``fan`` by inpainting, outside it in ``colour``.

    Parameters
    ----------
    frames
        ``(frames, rows, cols)`` grey or ``(frames, rows, cols, 3)`` RGB, uint8. Not changed.
    mask
        ``(rows, cols)`` bool, True where to fill.
    fan
        ``(rows, cols)`` bool, True inside; None when the picture is all fan.
    colour
        One grey value or three of RGB.
    radius
        See :func:`inpaint`.

    Returns
    -------
    npt.NDArray[np.uint8]
        New frames, bit-identical outside ``mask``.
    """
    filled = frames.copy()
    inside = mask if fan is None else mask & fan
    if inside.any():
        for index, frame in enumerate(frames):
            filled[index] = inpaint(frame, inside, fan, radius=radius)
    if fan is not None:
        flat = colour if filled.shape[3:] == colour.shape else np.uint8(np.rint(colour.mean()))
        filled[:, mask & ~fan] = flat
    return filled
