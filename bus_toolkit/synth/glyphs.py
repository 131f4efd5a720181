"""Letters: every font that is at hand without asking the network, drawn to a coverage picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bus_toolkit.errors import ConfigError

if TYPE_CHECKING:
    from bus_toolkit.geometry import Pixels

Family: TypeAlias = Literal["hershey", "bundled", "bitmap", "system"]
FAMILIES: tuple[Family, ...] = ("hershey", "bundled", "bitmap", "system")
PORTABLE: tuple[Family, ...] = ("bundled", "bitmap")
"""Families that come with Pillow: the same letters on every machine (OpenCV 5 draws other ones than OpenCV 4)."""
HERSHEY = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_PLAIN,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_COMPLEX_SMALL,
)
SYSTEM_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "C:/Windows/Fonts")
CAP_SHARE = 0.72
"""Height of a capital over the nominal size; Latin sans fonts lie between 0.69 and 0.74."""
BITMAP_CAP = 7
"""Height of a capital in Pillow's bitmap font, in pixels."""
FAINT = 24
"""Coverage below this (of 255) is dropped: it can hardly be seen, and a mask should not claim it."""


@dataclass(frozen=True, slots=True)
class Font:
    """One way to draw letters.

    ``name`` is a file, a Hershey number or empty; ``weight`` is extra stroke in pixels; ``smooth`` tells whether edges
    are anti-aliased.
    """

    family: Family
    name: str = ""
    weight: int = 0
    smooth: bool = True


@lru_cache(maxsize=1)
def system_fonts() -> tuple[str, ...]:
    """Font files on this machine that hold Latin letters, sorted; empty where there are none."""
    found: list[str] = []
    for folder in SYSTEM_FOLDERS:
        root = Path(folder)
        if root.is_dir():
            found += [str(path) for path in root.rglob("*") if path.suffix.lower() in (".ttf", ".otf")]
    return tuple(sorted(path for path in found if _is_latin(path)))


def _is_latin(path: str) -> bool:
    """Whether different letters come out different (a symbol font or a missing glyph would not tell them apart)."""
    try:
        font = ImageFont.truetype(path, 20)
        shapes = {bytes(font.getmask(letter)) for letter in "ARg58:"}
        # Upright letters of ordinary width; script and ornament fonts fail this.
        return len(shapes) == len("ARg58:") and 8 <= font.getbbox("H")[2] <= 22  # noqa: PLR2004 - at size 20
    except (OSError, ValueError):
        return False


def choose_font(rng: np.random.Generator, families: tuple[Family, ...] = FAMILIES) -> Font:
    """A font at random from the families that this machine has.

    Raises
    ------
    ConfigError
        When a family is unknown or none is named.
    """
    if not families or not set(families) <= set(FAMILIES):
        msg = f"font families must be some of {', '.join(FAMILIES)}. Got {families!r}"
        raise ConfigError(msg)
    usable = [family for family in families if family != "system" or system_fonts()] or ["bundled"]
    family: Family = usable[int(rng.integers(len(usable)))]
    weight = int(rng.choice([0, 0, 1]))
    smooth = bool(rng.random() < 0.8)  # noqa: PLR2004 - most machines smooth their letters
    if family == "hershey":
        return Font(family, str(HERSHEY[int(rng.integers(len(HERSHEY)))]), weight, smooth)
    if family == "system":
        names = system_fonts()
        return Font(family, names[int(rng.integers(len(names)))], 0, smooth)
    return Font(family, "", weight if family == "bundled" else 0, smooth and family != "bitmap")


def draw_text(text: str, font: Font, height: int) -> Pixels:
    """Coverage of one line of text, cropped to its ink.

    Parameters
    ----------
    text
        Printable ASCII; what has no ink gives an empty array.
    font
        See :func:`choose_font`.
    height
        Height of a capital letter in pixels, at least 4.

    Returns
    -------
    Pixels
        uint8 ``(rows, cols)``, 0 (no ink) or 24 to 255.

    Raises
    ------
    ConfigError
        When ``height`` is too small.
    """
    if height < 4:  # noqa: PLR2004 - no font is legible below
        msg = f"letters must be at least 4 pixels high. Got {height}"
        raise ConfigError(msg)
    if font.family == "hershey":
        ink = _hershey(text, font, height)
    elif font.family == "bitmap":
        ink = _bitmap(text, height)
    else:
        ink = _outline_font(text, font, height)
    return crop_ink(ink)


def crop_ink(ink: Pixels) -> Pixels:
    """Drop faint coverage and the empty margin."""
    ink = np.where(ink >= FAINT, ink, 0).astype(np.uint8)
    rows, cols = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if rows.size == 0:
        return np.zeros((0, 0), dtype=np.uint8)
    return ink[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]


@lru_cache(maxsize=256)
def _hershey_scale(font: Font, height: int) -> float:
    """The scale that gives capitals of a height: measured, since OpenCV 4 and 5 draw other letters for one name."""
    scale = height / 21.0
    for _ in range(2):
        drawn = int((_put("H", font, scale, height) >= FAINT).any(axis=1).sum())
        scale *= height / max(drawn, 1)
    return scale


def _put(text: str, font: Font, scale: float, height: int) -> Pixels:
    face, thickness = int(font.name or 0), 1 + font.weight
    width = cv2.getTextSize(text, face, scale, thickness)[0][0]
    canvas = np.zeros((height * 5, width * 2 + 8 * height), dtype=np.uint8)
    kind = cv2.LINE_AA if font.smooth else cv2.LINE_8
    drawn = cv2.putText(canvas, text, (2 * height, 3 * height), face, scale, 255.0, thickness, kind)
    return np.asarray(drawn, dtype=np.uint8)


def _hershey(text: str, font: Font, height: int) -> Pixels:
    return _put(text, font, _hershey_scale(font, height), height)


def _bitmap(text: str, height: int) -> Pixels:
    mask = ImageFont.load_default_imagefont().getmask(text)
    ink = np.asarray(mask, dtype=np.uint8).reshape(mask.size[1], mask.size[0])
    factor = max(1, round(height / BITMAP_CAP))
    return np.repeat(np.repeat((ink > 0).astype(np.uint8) * 255, factor, axis=0), factor, axis=1).astype(np.uint8)


@lru_cache(maxsize=256)
def _load(name: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.truetype(name, size) if name else ImageFont.load_default(size)


def _outline_font(text: str, font: Font, height: int) -> Pixels:
    face = _load(font.name, max(5, round(height / CAP_SHARE)))
    box = face.getbbox(text, stroke_width=font.weight) if isinstance(face, ImageFont.FreeTypeFont) else (0, 0, 9, 9)
    canvas = Image.new("L", (int(box[2] - box[0]) + 8, int(box[3] - box[1]) + 8), 0)
    pen = ImageDraw.Draw(canvas)
    pen.fontmode = "L" if font.smooth else "1"
    # Half a pixel of stroke is bold enough for small letters: thin the full pixel by its alpha.
    if font.weight:
        fill = 255 if height > 14 else 150  # noqa: PLR2004 - above, a full pixel does not close the letters
        pen.text((4 - box[0], 4 - box[1]), text, fill=fill, font=face, stroke_width=font.weight)
    pen.text((4 - box[0], 4 - box[1]), text, fill=255, font=face)
    return np.asarray(canvas, dtype=np.uint8)
