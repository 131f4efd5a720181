"""Where ink can be told from tissue: grey and colour channels, and thin ridges in them.

Ink is drawn by a computer: strokes one to five pixels wide, of one level from end to end, with sharp edges. Echoes
are textured, blurred sideways by the beam, and hardly ever form a thin upright line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from bus_toolkit.geometry import Pixels

Channel: TypeAlias = npt.NDArray[np.uint8]
"""``(rows, cols)`` uint8 in which ink is bright."""

RGB_NDIM: Final = 3
COLOUR: Final = 70
"""Chroma (largest minus smallest of red, green and blue) that no tint of 230 scans by other makers reached."""
FEW: Final = 12
"""So many coloured pixels are needed before the colour channel is looked at."""


def luma(picture: Pixels) -> Channel:
    """Brightness of a grey or RGB picture, ``(rows, cols)`` uint8 (ITU-R BT.601 weights)."""
    if picture.ndim == RGB_NDIM:
        return cast("Channel", cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY))
    return np.ascontiguousarray(picture)


def chroma(picture: Pixels) -> Channel | None:
    """How far each pixel is from grey, ``(rows, cols)`` uint8, or None when nothing is strongly coloured."""
    if picture.ndim != RGB_NDIM:
        return None
    red, green, blue = cv2.split(np.ascontiguousarray(picture))
    spread = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
    if cv2.countNonZero(cv2.threshold(spread, COLOUR, 255, cv2.THRESH_BINARY)[1]) < FEW:
        return None
    return cast("Channel", spread)


def channels(picture: Pixels) -> list[Channel]:
    """The channels in which ink is looked for: brightness, and colour when the picture has any."""
    colour = chroma(picture)
    return [luma(picture)] if colour is None else [luma(picture), colour]


def grown(channel: Channel, pad: int, value: int | None = None) -> Channel:
    """``channel`` with ``pad`` more pixels on every side: ``value``, or the nearest pixel."""
    how = cv2.BORDER_REPLICATE if value is None else cv2.BORDER_CONSTANT
    return cast("Channel", cv2.copyMakeBorder(channel, pad, pad, pad, pad, how, value=float(value or 0)))


def shifted(padded: Channel, pad: int, rows: int, cols: int) -> Channel:
    """View of ``padded`` (grown by ``pad`` on every side) moved up by ``rows`` and left by ``cols``."""
    height, width = padded.shape[0] - 2 * pad, padded.shape[1] - 2 * pad
    return padded[pad + rows : pad + rows + height, pad + cols : pad + cols + width]


def ridge(channel: Channel, reach: int, across: tuple[int, int], cap: int = 255) -> Channel:
    """How much brighter a pixel is than both pixels ``reach`` steps to its sides.

    Parameters
    ----------
    channel
        ``(rows, cols)`` uint8.
    reach
        Steps to either side, in pixels; a stroke up to ``2 * reach - 1`` wide gives its full contrast.
    across
        One step ``(rows, cols)`` across the stroke: ``(1, 0)`` for a horizontal stroke.
    cap
        Upper limit of the result, so that one bright pixel cannot stand for a whole stroke.

    Returns
    -------
    ``(rows, cols)`` uint8, 0 where either side is at least as bright.
    """
    padded = grown(channel, reach)
    rows, cols = reach * across[0], reach * across[1]
    sides = cv2.max(shifted(padded, reach, rows, cols), shifted(padded, reach, -rows, -cols))
    return cast("Channel", np.minimum(cv2.subtract(channel, sides), np.uint8(cap)))


THIN: Final = 5
"""Ink strokes are narrower than this many pixels."""
CONTRAST: Final = 60
"""Grey levels by which a stroke stands out above the opening of the picture."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Components:
    """Connected thin bright things of a channel.

    ``labels`` is ``(rows, cols)`` int32, 0 where there is none; ``stats`` is ``(count, 5)`` int32 with left, top,
    width, height and area, row 0 for what is none.
    """

    channel: Channel
    labels: npt.NDArray[np.int32]
    stats: npt.NDArray[np.int32]


def components(channel: Channel) -> Components:
    """Things narrower than :data:`THIN` in some direction that stand out by :data:`CONTRAST`, 8-connected."""
    kernel = np.ones((THIN, THIN), dtype=np.uint8)
    top_hat = cv2.morphologyEx(channel, cv2.MORPH_TOPHAT, kernel)
    lines = cv2.threshold(top_hat, CONTRAST - 1, 1, cv2.THRESH_BINARY)[1]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(lines, connectivity=8)
    return Components(
        channel=channel, labels=cast("npt.NDArray[np.int32]", labels), stats=cast("npt.NDArray[np.int32]", stats)
    )
