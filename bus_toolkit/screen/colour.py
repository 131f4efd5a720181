"""Colour on a picture that should be grey: how strong it is, and which parts of it look like flow.

A tinted grey map (bluish, sepia) is one faint hue everywhere and does not reach the thresholds below; drawn text,
calipers and marks are vivid but of one colour, where flow runs through the range of its colour bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.geometry import Box

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask, Pixels
    from bus_toolkit.screen.look import Grey, Look

VIVID_CHROMA = 48
"""Largest minus smallest channel from which a pixel is vivid. Bluish grey maps of breast scans reach 30."""
VIVID_SATURATION = 0.4
"""Chroma over the largest channel from which a pixel is vivid; grey maps stay below 0.35."""
CORE = 6
"""Fewest pixels, after one erosion, of a part that can be judged: less is the stroke of a letter or noise."""
HUE_SPREAD = 8.0
"""Standard deviation of the hue, in degrees, inside a part, from which it runs through a colour bar. Drawn text
after JPEG stays below 3."""
MODE_REACH, MODE_SHARE = 24, 0.4
"""Drawn things have at least this share of their inside within so many grey values of their median colour; letters
in BUSI have 0.4 to 0.8, red or blue flow runs through brightnesses and has 0.1 to 0.4."""
DARK = 170.0
"""Slow flow is dark red or dark blue; nobody draws in colours darker than this."""
PURE = 0.75
"""Saturation of red and blue flow; dark blue banners and logos of consoles have about 0.6."""
PANEL, PANEL_EXTENT = 400, 0.9
"""A part of so many pixels that fills this share of its box is a banner or a button."""
BAR_ASPECT, BAR_EXTENT, BAR_MARGIN = 2.0, 0.85, 0.12
"""A colour bar is this much taller than wide, fills this share of its box, and lies in this outer share of columns."""
TINT_LEVEL, TINT_SHARE, TINT_LEAST = 96, 0.6, 0.05
"""Where more than 60 % of the pixels from grey value 96, and 5 % of all, are vivid, it may be a strong tint."""
TINT_SPREAD, TINT_RANGE = 14.0, 15.0
"""It is one when the hue spreads by less degrees, and the brightness by more grey values (standard deviations)."""
MOST_PARTS = 300
"""Largest parts that are looked at; bounds the time that a photograph takes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Colours:
    """The colour of a picture.

    ``chroma`` is ``(rows, cols)`` uint8, largest minus smallest channel. ``vivid`` is ``(rows, cols)`` bool, True
    where the colour is strong and not that of a tinted grey map.
    """

    chroma: Grey
    vivid: Mask


def colours_of(look: Look) -> Colours | None:
    """The colour of a picture, or None when it has none."""
    if look.rgb is None:
        return None
    chroma = chroma_of(look.rgb)
    vivid = chroma >= VIVID_CHROMA
    if vivid.any():
        vivid &= chroma >= np.float32(VIVID_SATURATION) * look.grey
    if vivid.mean() > TINT_LEAST and vivid[look.grey >= TINT_LEVEL].mean() > TINT_SHARE and _is_tint(look.rgb[vivid]):
        vivid = np.zeros_like(vivid)
    return Colours(chroma=chroma, vivid=vivid)


def chroma_of(rgb: Pixels) -> Grey:
    """Largest minus smallest channel of ``(rows, cols, 3)`` uint8, ``(rows, cols)`` uint8."""
    red, green, blue = cv2.split(rgb)
    return cast("Grey", cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)))


def hue_of(colours: Pixels) -> npt.NDArray[np.float32]:
    """Hue of ``(n, 3)`` RGB in degrees, 0 to 360, ``(n,)`` float32; 0 for grey."""
    if len(colours) == 0:
        return np.zeros(0, dtype=np.float32)
    scaled = colours.reshape(1, -1, 3).astype(np.float32) / np.float32(255)
    return cast("npt.NDArray[np.float32]", cv2.cvtColor(scaled, cv2.COLOR_RGB2HSV)[0, :, 0])


def hue_spread(colours: Pixels) -> float:
    """Circular standard deviation of the hue of ``(n, 3)`` RGB, degrees (Mardia and Jupp 2000, section 2.3.1)."""
    if len(colours) == 0:
        return 0.0
    angle = np.deg2rad(hue_of(colours))
    return _deviation(np.cos(angle).mean(), np.sin(angle).mean())


def _is_tint(colours: Pixels) -> bool:
    return hue_spread(colours) < TINT_SPREAD and float(colours.max(axis=1).std()) > TINT_RANGE


def _deviation(cosine: float, sine: float) -> float:
    length = min(max(float(np.hypot(cosine, sine)), 1e-6), 1.0)
    return float(np.rad2deg(np.sqrt(-2 * np.log(length))))


def flow_parts(look: Look, colours: Colours) -> list[tuple[Box, int]]:
    """The connected vivid parts inside the ultrasound area that look like flow: box and number of pixels.

    A part looks like flow when its inside runs through hues; red and blue parts also when it runs through
    brightnesses or is dark.
    """
    vivid = (colours.vivid & look.area).astype(np.uint8)
    core = cv2.erode(vivid, np.ones((3, 3), dtype=np.uint8), borderValue=0) > 0
    if look.rgb is None or not core.any():
        return []
    joined = cv2.dilate(vivid, np.ones((3, 3), dtype=np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    pixels = np.bincount(labels[vivid > 0], minlength=count)
    which = labels[core]
    order = np.argsort(which, kind="stable")
    picked = look.rgb[core][order]
    number = np.bincount(which, minlength=count)
    starts = np.concatenate(([0], np.cumsum(number)))
    parts: list[tuple[Box, int]] = []
    for part in np.argsort(-number, kind="stable")[:MOST_PARTS]:
        if number[part] < CORE:
            break
        left, top, wide, high = (int(n) for n in stats[part, :4])
        box, size = Box(top, left, top + high, left + wide), int(pixels[part])
        if _is_drawn(box, size, vivid.shape[1]) or not looks_like_flow(picked[starts[part] : starts[part + 1]]):
            continue
        parts.append((box, size))
    return parts


def looks_like_flow(colours: Pixels) -> bool:
    """Whether the inside of one vivid part, ``(n, 3)`` RGB, is coloured like flow rather than drawn."""
    angle = np.deg2rad(hue_of(colours))
    cosine, sine = float(np.cos(angle).mean()), float(np.sin(angle).mean())
    if _deviation(cosine, sine) >= HUE_SPREAD:
        return True
    hue = np.rad2deg(np.arctan2(sine, cosine)) % 360
    red_or_blue = hue < 45 or hue > 340 or 190 < hue < 270  # noqa: PLR2004  degrees on the colour circle
    high = colours.max(axis=1).astype(np.float64)
    pure = float(((high - colours.min(axis=1)) / np.maximum(high, 1)).mean()) >= PURE
    if not (red_or_blue and pure):
        return False
    away = np.abs(colours - np.median(colours, axis=0)).max(axis=1)
    return float(high.mean()) < DARK or float((away <= MODE_REACH).mean()) < MODE_SHARE


def _is_drawn(box: Box, pixels: int, cols: int) -> bool:
    """A colour bar at the side, or a banner."""
    extent = pixels / max(1, (box.height - 2) * (box.width - 2))
    if pixels >= PANEL and extent >= PANEL_EXTENT:
        return True
    beside = box.col1 < BAR_MARGIN * cols or box.col0 > (1 - BAR_MARGIN) * cols
    return beside and extent >= BAR_EXTENT and box.height >= BAR_ASPECT * box.width
