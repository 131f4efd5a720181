"""Overlays at random, as varied as machines are: what a learned detector is trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bus_toolkit.geometry import Box, Mask, Pixels, box_of_mask
from bus_toolkit.stage import Kind
from bus_toolkit.synth.glyphs import FAMILIES, Family, Font, choose_font, draw_text
from bus_toolkit.synth.marks import (
    LINES,
    MARKS,
    across,
    bodymark,
    caliper,
    contour_of,
    depth_scale,
    graphic,
    grey_bar,
    logo,
    outline,
    text_stamp,
)
from bus_toolkit.synth.modes import Flow, colour_bar, doppler, elastography, mmode, spectral
from bus_toolkit.synth.stamps import COLOURS, Backing, Ink, Painted, Stamp, paint
from bus_toolkit.synth.words import Role, make_logo_name, make_text

if TYPE_CHECKING:
    from collections.abc import Mapping

CHANCES: dict[Kind, float] = {
    Kind.TEXT: 0.75,
    Kind.LOGO: 0.4,
    Kind.CALIPER: 0.4,
    Kind.OUTLINE: 0.12,
    Kind.BODYMARK: 0.15,
    Kind.SCALE: 0.25,
    Kind.GREY_BAR: 0.15,
    Kind.GRAPHIC: 0.15,
    Kind.DOPPLER: 0.1,
    Kind.ELASTOGRAPHY: 0.03,
    Kind.SPECTRAL: 0.02,
    Kind.MMODE: 0.02,
}
"""How often a kind is drawn. A choice for training, not what clinics show; about one picture in thirty stays clean."""
BANNER: tuple[Role, ...] = ("name", "id", "date", "time", "place", "technical", "technical")
INSIDE: tuple[Role, ...] = ("laterality", "laterality", "clock", "clock", "annotation", "measurement", "name", "date")
GREY_SHARE = 0.55
"""How often the colour is white or a grey for certain."""
SIZES = (8, 24)
"""Height of a capital letter in pixels, least and most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sheet:
    """What a recipe may look at: the source of chance, the picture, its fan, a lesion, and the fonts."""

    rng: np.random.Generator
    image: Pixels
    fan: Box
    lesion: Mask
    families: tuple[Family, ...]
    font: Font
    height: int

    @property
    def rows(self) -> int:
        return int(self.image.shape[0])

    @property
    def cols(self) -> int:
        return int(self.image.shape[1])

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def place(self, box: Box) -> tuple[float, float]:
        return float(self.rng.uniform(box.row0, box.row1)), float(self.rng.uniform(box.col0, box.col1))


def random_ink(rng: np.random.Generator, *, colours: Mapping[str, tuple[int, int, int]] | None = None) -> Ink:
    """A colour, mostly white or grey, a backing, mostly none, and sometimes a blur as a resampled screen shot has."""
    palette = dict(colours or COLOURS)
    names = list(palette)
    grey = rng.random() < GREY_SHARE
    plain = [name for name in ("white", "light", "grey") if name in palette]
    pool = plain if plain and grey else names
    name = pool[int(rng.integers(len(pool)))]
    backings: tuple[Backing, ...] = ("none", "none", "none", "halo", "shadow", "box")
    return Ink(
        colour=palette[name],
        opacity=float(rng.uniform(0.75, 1.0)),
        backing=backings[int(rng.integers(len(backings)))],
        blur=float(rng.uniform(0.3, 0.8)) if rng.random() < 0.3 else 0.0,  # noqa: PLR2004 - the smaller part
    )


def without_box(ink: Ink) -> Ink:
    """The same ink without a plate behind it: no machine draws marks and contours on plates."""
    return Ink(colour=ink.colour, opacity=ink.opacity, blur=ink.blur) if ink.backing == "box" else ink


def plan_random(
    rng: np.random.Generator,
    image: Pixels,
    *,
    fan_mask: Mask | None = None,
    lesion_mask: Mask | None = None,
    chances: Mapping[Kind, float] | None = None,
    families: tuple[Family, ...] = FAMILIES,
) -> tuple[Stamp, ...]:
    """Choose overlays for a picture.

    Parameters
    ----------
    rng
        Source of everything random; the same state gives the same stamps.
    image
        uint8 grey or RGB, at least 16 pixels a side; only looked at.
    fan_mask, lesion_mask
        ``(rows, cols)`` bool where known: banners go beside the fan, calipers and outlines onto the lesion.
    chances
        How often each kind is drawn, 0 to 1; a kind that is not named is not drawn. Default :data:`CHANCES`.
    families
        Fonts to draw from; :data:`bus_toolkit.synth.glyphs.PORTABLE` gives the same letters everywhere.
    """
    fan = box_of_mask(fan_mask) if fan_mask is not None and bool(fan_mask.any()) else Box.whole(image.shape)
    lesion = lesion_mask if lesion_mask is not None and bool(lesion_mask.any()) else _made_up_lesion(rng, image, fan)
    most = max(SIZES[0] + 1, min(SIZES[1], image.shape[0] // 14))
    sheet = _Sheet(
        rng=rng,
        image=image,
        fan=fan,
        lesion=lesion,
        families=families,
        font=choose_font(rng, families),
        height=int(rng.integers(SIZES[0], most + 1)),
    )
    wanted = CHANCES if chances is None else chances
    stamps: list[Stamp] = []
    # Colour and strips lie under marks and text, as on a machine.
    for kind, recipe in _RECIPES.items():
        if rng.random() < wanted.get(kind, 0.0):
            stamps += recipe(sheet)
    return tuple(stamps)


def paint_random(
    rng: np.random.Generator,
    image: Pixels,
    *,
    fan_mask: Mask | None = None,
    lesion_mask: Mask | None = None,
    chances: Mapping[Kind, float] | None = None,
    families: tuple[Family, ...] = FAMILIES,
) -> Painted:
    """Draw overlays at random over any picture; see :func:`plan_random`."""
    stamps = plan_random(rng, image, fan_mask=fan_mask, lesion_mask=lesion_mask, chances=chances, families=families)
    return paint(image, stamps)


def compress_jpeg(image: Pixels, quality: int) -> Pixels:
    """What JPEG at ``quality`` (1 to 100) leaves of a picture: ringing round letters, blocks. Same shape."""
    colour = image.ndim == 3  # noqa: PLR2004 - RGB
    packed = cv2.imencode(".jpg", image[..., ::-1] if colour else image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(packed, cv2.IMREAD_COLOR if colour else cv2.IMREAD_GRAYSCALE)
    pixels = np.asarray(decoded, dtype=np.uint8)
    return np.ascontiguousarray(pixels[..., ::-1] if colour else pixels)


def _made_up_lesion(rng: np.random.Generator, image: Pixels, fan: Box) -> Mask:
    """An ellipse somewhere: calipers measure something even on a picture whose lesion is not known."""
    mask = np.zeros(image.shape[:2], dtype=np.uint8)
    centre = (int(rng.uniform(0.2, 0.8) * fan.width) + fan.col0, int(rng.uniform(0.15, 0.8) * fan.height) + fan.row0)
    axes = (max(4, int(fan.width * rng.uniform(0.04, 0.25))), max(4, int(fan.height * rng.uniform(0.03, 0.2))))
    drawn = cv2.ellipse(mask, centre, axes, float(rng.uniform(-30, 30)), 0.0, 360.0, (1.0,), -1)
    return np.asarray(drawn, dtype=np.uint8) > 0


def _text(sheet: _Sheet) -> list[Stamp]:
    stamps = _banner(sheet) if sheet.chance(0.4) else []
    for _ in range(int(sheet.rng.integers(0 if stamps else 1, 4))):
        role = INSIDE[int(sheet.rng.integers(len(INSIDE)))]
        font = sheet.font if sheet.chance(0.7) else choose_font(sheet.rng, sheet.families)
        text = make_text(sheet.rng, role)
        ink = draw_text(text, font, sheet.height)
        # Some strings are cut by the edge, as cropped pictures show.
        low_col = -ink.shape[1] // 2 if sheet.chance(0.1) else sheet.fan.col0
        row = sheet.rng.integers(sheet.fan.row0, max(sheet.fan.row1 - ink.shape[0], sheet.fan.row0 + 1))
        col = sheet.rng.integers(low_col, max(sheet.fan.col1 - ink.shape[1], low_col + 1))
        stamps.append(text_stamp(text, (int(row), int(col)), font, sheet.height, random_ink(sheet.rng), role=role))
    return stamps


def _banner(sheet: _Sheet) -> list[Stamp]:
    """Lines of text in a corner, or a list at the side."""
    rng, ink = sheet.rng, random_ink(sheet.rng)
    height = max(8, round(sheet.height * 0.75))
    at_row, at_col = int(rng.integers(1, 8)), int(rng.integers(1, 10))
    if sheet.chance(0.4):
        at_col = max(1, int(sheet.cols * rng.uniform(0.6, 0.85)))
    if sheet.chance(0.3):
        at_row = int(sheet.rows * rng.uniform(0.3, 0.8))
    stamps = []
    for _ in range(int(rng.integers(1, 6))):
        role = BANNER[int(rng.integers(len(BANNER)))]
        stamps.append(text_stamp(make_text(rng, role), (at_row, at_col), sheet.font, height, ink, role=role))
        at_row += round(height * 1.6)
    return stamps


def _caliper(sheet: _Sheet) -> list[Stamp]:
    rng = sheet.rng
    mark = MARKS[int(rng.choice(len(MARKS), p=[0.4, 0.15, 0.15, 0.05, 0.05, 0.1, 0.1]))]
    line = LINES[int(rng.choice(len(LINES), p=[0.2, 0.6, 0.15, 0.05]))]
    ink, angle = without_box(random_ink(rng)), rng.uniform(-0.5, 0.5)
    size, width, step = rng.uniform(7, 20), float(rng.choice([1, 1, 1.5, 2, 2.5])), rng.uniform(3, 8)
    digits, smooth = sheet.chance(0.6), sheet.chance(0.6)
    stamps: list[Stamp] = []
    for index in range(int(rng.choice([1, 2, 2, 2, 3]))):
        start, stop = across(sheet.lesion, float(angle + index * np.pi / 2 + rng.normal(0, 0.15)))
        stamps += caliper(
            start,
            stop,
            ink,
            mark=mark,
            line=line,
            size=size,
            width=width,
            step=step,
            smooth=smooth,
            digit=(str(index + 1), sheet.font) if digits else None,
        )
    return stamps


def _outline(sheet: _Sheet) -> list[Stamp]:
    points = contour_of(sheet.lesion, 1.0, sheet.rng)
    line = LINES[int(sheet.rng.integers(1, len(LINES)))]
    return [
        outline(
            points,
            without_box(random_ink(sheet.rng)),
            line=line,
            step=sheet.rng.uniform(4, 9),
            width=sheet.rng.uniform(1, 2.5),
        )
    ]


def _bodymark(sheet: _Sheet) -> list[Stamp]:
    size = float(sheet.rng.uniform(0.07, 0.16) * sheet.rows)
    # Half of them lie in a lower corner, where an edge may cut them.
    corner = Box(int(sheet.rows * 0.85), int(sheet.cols * 0.8), sheet.rows, sheet.cols)
    at = sheet.place(corner if sheet.chance(0.5) else Box.whole(sheet.image.shape))
    return [bodymark(sheet.rng, at, size, random_ink(sheet.rng), width=sheet.rng.uniform(1, 1.8))]


def _scale(sheet: _Sheet) -> list[Stamp]:
    rng = sheet.rng
    side = 1 if sheet.chance(0.5) else -1
    col = sheet.fan.col1 + 3 if side > 0 else sheet.fan.col0 - 3
    # Room for the digits, also where the fan fills the picture.
    room = 26
    col = int(np.clip(col, room, max(sheet.cols - room, room)))
    length = max(20.0, sheet.fan.height - 2.0)
    font = sheet.font if sheet.chance(0.5) else None
    ticks, axis = int(rng.integers(2, 9)), sheet.chance(0.5)
    return depth_scale((sheet.fan.row0, col), length, random_ink(rng), ticks=ticks, side=side, axis=axis, font=font)


def _bar(sheet: _Sheet) -> list[Stamp]:
    rng = sheet.rng
    length, width = int(sheet.rows * rng.uniform(0.15, 0.4)), int(rng.integers(5, 16))
    col = int(rng.integers(2, 12)) if sheet.chance(0.5) else sheet.cols - width - int(rng.integers(2, 12))
    return [grey_bar((int(rng.integers(2, max(3, sheet.rows - length))), max(0, col)), max(8, length), width)]


def _logo(sheet: _Sheet) -> list[Stamp]:
    rng, height = sheet.rng, sheet.height
    name, font = make_logo_name(rng), choose_font(rng, sheet.families)
    at = (int(rng.integers(1, 8)), int(rng.integers(1, 8)))
    if sheet.chance(0.65):
        width = draw_text(name, font, height).shape[1]
        at = (int(rng.integers(-height // 2, 2)), -int(rng.integers(0, max(1, round(width * 0.8)))))
    return [logo(name, at, font, height, random_ink(rng), plate=sheet.chance(0.15))]


def _graphic(sheet: _Sheet) -> list[Stamp]:
    edge = Box(0, 0, max(sheet.rows // 8, 1), sheet.cols)
    at = sheet.place(edge if sheet.chance(0.5) else Box.whole(sheet.image.shape))
    return [graphic(sheet.rng, at, float(sheet.rng.uniform(6, 16)), random_ink(sheet.rng))]


def _region(sheet: _Sheet) -> Box:
    fan, rng = sheet.fan, sheet.rng
    height, width = int(fan.height * rng.uniform(0.25, 0.7)), int(fan.width * rng.uniform(0.25, 0.7))
    row = fan.row0 + int(rng.integers(0, max(fan.height - height, 1)))
    col = fan.col0 + int(rng.integers(0, max(fan.width - width, 1)))
    return Box(row, col, row + max(height, 8), col + max(width, 8)).clip(sheet.image.shape)


def _doppler(sheet: _Sheet) -> list[Stamp]:
    rng = sheet.rng
    flow: Flow = "power" if sheet.chance(0.5) else "velocity"
    amount = 0.0 if sheet.chance(0.1) else float(rng.uniform(0.002, 0.25))
    ink = Ink(colour=random_ink(rng).colour)
    stamps = doppler(rng, _region(sheet), ink, flow=flow, amount=amount, steered=sheet.chance(0.4))
    if sheet.chance(0.4):
        stamps.append(colour_bar((4, max(0, sheet.cols - 20)), max(20, sheet.rows // 5), 12, flow=flow))
    return stamps


def _lower(sheet: _Sheet) -> Box:
    return Box(int(sheet.rows * sheet.rng.uniform(0.6, 0.75)), 0, sheet.rows, sheet.cols)


_RECIPES = {
    Kind.SPECTRAL: lambda sheet: [spectral(sheet.rng, _lower(sheet))],
    Kind.MMODE: lambda sheet: [mmode(sheet.rng, _lower(sheet), sheet.image)],
    Kind.ELASTOGRAPHY: lambda sheet: [elastography(sheet.rng, _region(sheet), opacity=sheet.rng.uniform(0.25, 0.6))],
    Kind.DOPPLER: _doppler,
    Kind.GREY_BAR: _bar,
    Kind.SCALE: _scale,
    Kind.BODYMARK: _bodymark,
    Kind.OUTLINE: _outline,
    Kind.CALIPER: _caliper,
    Kind.GRAPHIC: _graphic,
    Kind.LOGO: _logo,
    Kind.TEXT: _text,
}
