"""What all challenges share: console screens, tints, marks in vivid colours, places for regions, JPEG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from bus_toolkit.geometry import Box, Pixels
from bus_toolkit.stage import Kind
from bus_toolkit.synth.fields import to_pixels
from bus_toolkit.synth.glyphs import PORTABLE, choose_font
from bus_toolkit.synth.marks import depth_scale, grey_bar, text_stamp
from bus_toolkit.synth.scene import compress_jpeg, paint_random
from bus_toolkit.synth.stamps import Ink, paint
from bus_toolkit.synth.words import make_text

if TYPE_CHECKING:
    from bus_toolkit.synth.stamps import Colour, Stamp

MARKS: dict[Kind, float] = {
    Kind.TEXT: 1.0,
    Kind.LOGO: 0.4,
    Kind.CALIPER: 0.7,
    Kind.BODYMARK: 0.4,
    Kind.SCALE: 0.4,
    Kind.GREY_BAR: 0.3,
    Kind.GRAPHIC: 0.2,
}
"""How often each kind of mark is drawn where marks are drawn, relative to how often that is."""
JPEG_SHARE = 0.4
CONSOLE_SHARE = 0.35


def vivid_ink(rng: np.random.Generator) -> Colour:
    """A saturated colour of any hue."""
    hsv = np.array([[[rng.uniform(0, 180), rng.uniform(150, 255), rng.uniform(190, 255)]]], dtype=np.uint8)
    red, green, blue = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0]
    return int(red), int(green), int(blue)


def tint(rng: np.random.Generator, grey: Pixels, *, strong: bool = True) -> Pixels:
    """A coloured grey map of one hue: ``(rows, cols)`` to ``(rows, cols, 3)``, black and white stay what they are."""
    hue, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.45 if strong else 0.2)
    gains = depth * np.cos(hue - np.array([0, 2 * np.pi / 3, 4 * np.pi / 3]))
    level = grey.astype(np.float64)[..., np.newaxis] / 255
    # Most colour at mid grey: maps run from black over the tint to white.
    return to_pixels(255 * np.clip(level + gains * level * (1 - 0.6 * level), 0, 1))


def marked(rng: np.random.Generator, image: Pixels, share: float) -> Pixels:
    """The picture, in ``share`` of all cases with marks, half of them in vivid colours."""
    if rng.random() >= share:
        return image
    return paint_random(rng, image, chances=MARKS, families=PORTABLE).image


def region_in(rng: np.random.Generator, image: Pixels, *, least: float = 0.25, most: float = 0.7) -> Box:
    """A region of interest whose sides take ``least`` to ``most`` of the picture's."""
    rows, cols = image.shape[:2]
    height, width = round(rows * rng.uniform(least, most)), round(cols * rng.uniform(least, most))
    row, col = (int(rng.integers(2, max(3, side - size - 2))) for side, size in ((rows, height), (cols, width)))
    return Box(row, col, row + height, col + width).clip(image.shape)


def console(rng: np.random.Generator, image: Pixels) -> Pixels:
    """The picture on a console's screen: a dark page with a banner, a list of settings, a scale and a grey bar."""
    rows, cols = image.shape[:2]
    top, bottom = round(rows * rng.uniform(0.06, 0.2)), round(rows * rng.uniform(0.02, 0.15))
    left, right = round(cols * rng.uniform(0.05, 0.3)), round(cols * rng.uniform(0.05, 0.25))
    value = 0 if rng.random() < 0.7 else int(rng.integers(5, 50))  # noqa: PLR2004 - black, or dark grey
    screen = np.full((rows + top + bottom, cols + left + right, *image.shape[2:]), value, dtype=np.uint8)
    screen[top : top + rows, left : left + cols] = image
    font, height = choose_font(rng, PORTABLE), int(np.clip(top // 4, 8, 18))
    ink = Ink(colour=(230, 230, 230) if rng.random() < 0.6 else vivid_ink(rng))  # noqa: PLR2004
    stamps: list[Stamp] = [
        text_stamp(make_text(rng, "name"), (3, 6), font, height, ink),
        text_stamp(make_text(rng, "date"), (3, int(0.7 * screen.shape[1])), font, height, ink),
    ]
    for line in range(int(rng.integers(2, 7))):
        at = (top + line * round(1.8 * height), screen.shape[1] - right + 6)
        stamps.append(text_stamp(make_text(rng, "technical"), at, font, max(8, height - 3), ink))
    stamps += depth_scale((top, left - 4), float(rows - 2), ink, ticks=int(rng.integers(4, 9)), side=-1)
    stamps.append(grey_bar((top, 4), max(24, rows // 4), 8))
    return paint(screen, stamps).image


def maybe_console(rng: np.random.Generator, image: Pixels) -> Pixels:
    """On a console's screen in a third of all cases."""
    return console(rng, image) if rng.random() < CONSOLE_SHARE else image


def maybe_jpeg(rng: np.random.Generator, image: Pixels) -> Pixels:
    """Through JPEG in four of ten cases."""
    return compress_jpeg(image, int(rng.integers(70, 97))) if rng.random() < JPEG_SHARE else image
