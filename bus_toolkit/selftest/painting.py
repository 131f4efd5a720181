"""Which identities are painted where: fonts, sizes, inks and places at random, every one of them made up."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from bus_toolkit.geometry import Box
from bus_toolkit.overlays.engines.segmenter import WEIGHTS
from bus_toolkit.selftest.places import Place, Places, fits
from bus_toolkit.stage import Kind
from bus_toolkit.synth import COLOURS, Ink, choose_font, draw_text, make_stamp, make_text, paint, random_ink
from bus_toolkit.synth.glyphs import system_fonts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bus_toolkit.geometry import Mask, Pixels
    from bus_toolkit.synth import Font, Stamp
    from bus_toolkit.synth.words import Role

ROLES: Final[tuple[Role, ...]] = ("name", "name", "id", "id", "date", "date", "time", "laterality")
"""What is painted, and how often."""
HEIGHTS: Final = (6, 40)
"""Pixels of a capital letter, least and most; drawn so that each doubling is as frequent as the next."""
FAINT_SHARE: Final = 0.35
"""How often the ink is fainter than machines draw it."""
FAINT: Final = (0.2, 0.75)
"""Opacity of faint ink, least and most."""
LEAST_CONTRAST: Final = 25
"""Grey levels below which nobody can read a string over speckle: it would be no leak, and is not painted."""
APART: Final = 4
"""Pixels between the boxes of two strings, at least."""
TRIES: Final = 60
"""Fonts, words, inks and positions that are tried for a height and place before another place is taken."""
SMALLER: Final = 0.7
"""What has no room anywhere is tried so much smaller."""
ROOM: Final = 0.05
"""Share of the sector that all strings may cover: half of what a policy usually fills before it quarantines."""
NEW_SHARE: Final = 0.5
"""How often a font of this machine is taken from those that the segmenter did not learn from."""
RIM: Final = 3
"""Pixels around a string that count as its surroundings."""
SOLID: Final = 128
"""Coverage (of 255) from which a pixel belongs to the body of a stroke."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Identity:
    """One made-up string, painted.

    Attributes
    ----------
    stamp
        What is painted.
    ink
        ``(rows, cols)`` bool of the picture, True on every pixel by which the string can be read: strokes with their
        soft edge, halo or shadow, but not the plate behind it.
    box
        Around all that was painted, inside the picture.
    text, role
        What it says. Made up, but hidden from reprs all the same.
    height
        Of a capital letter as drawn, in pixels.
    contrast
        Grey levels (brightest channel) between the strokes and what is around them, 0 to 255.
    place
        See :data:`bus_toolkit.selftest.places.PLACES`.
    colour, backing
        Name of the ink's colour, and what lies behind it.
    font
        Family of the letters; ``"system-new"`` is a font of this machine that the segmenter did not learn from.
    """

    stamp: Stamp
    ink: Mask
    box: Box
    text: str = field(repr=False)
    role: str
    height: int
    contrast: int
    place: Place
    colour: str
    backing: str
    font: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Draft:
    """A string that has a look but no position yet. ``coverage`` is that of :func:`bus_toolkit.synth.draw_text`."""

    text: str = field(repr=False)
    role: str
    coverage: Pixels
    ink: Ink
    height: int
    font: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sheet:
    """What is painted on: ``room`` are the pixels of the sector that may be covered."""

    rng: np.random.Generator
    picture: Pixels
    places: Places
    room: float


def plan_identities(
    rng: np.random.Generator, picture: Pixels, sector: Mask, strings: int, *, room: float = ROOM
) -> tuple[Identity, ...]:
    """Choose strings for a picture; fewer than ``strings`` where there is no room for more.

    Parameters
    ----------
    rng
        Source of everything random; the same state gives the same strings.
    picture
        uint8 ``(rows, cols)`` or ``(rows, cols, 3)``; of a clip its middle frame. Only looked at.
    sector
        ``(rows, cols)`` bool, True in the ultrasound sector.
    strings
        How many.
    room
        Share of the sector that all boxes together may cover, 0 to 1. Where a string is too large, it is made smaller.

    Returns
    -------
    tuple of Identity
        Their boxes do not touch one another.
    """
    sheet = _Sheet(rng=rng, picture=picture, places=Places.of(sector), room=room * float(sector.sum()))
    chosen: list[Identity] = []
    for _ in range(strings):
        found = _place_somewhere(sheet, chosen)
        if found is not None:
            chosen.append(found)
    return tuple(chosen)


def _place_somewhere(sheet: _Sheet, others: Sequence[Identity]) -> Identity | None:
    height = _height(sheet.rng, sheet.picture.shape[0])
    while height >= HEIGHTS[0]:
        for place in sheet.places.order(sheet.rng):
            found = _place_at(sheet, place, height, others)
            if found is not None:
                return found
        height = round(height * SMALLER)
    return None


def _height(rng: np.random.Generator, rows: int) -> int:
    most = max(HEIGHTS[0] + 1, min(HEIGHTS[1], rows // 8))
    return round(float(np.exp(rng.uniform(np.log(HEIGHTS[0]), np.log(most)))))


def _place_at(sheet: _Sheet, place: Place, height: int, others: Sequence[Identity]) -> Identity | None:
    shape, sector = sheet.picture.shape, sheet.places.sector
    left = sheet.room - sum(int(sector[other.box.slices].sum()) for other in others)
    for _ in range(TRIES):
        draft = _draft(sheet.rng, height)
        at = sheet.places.position(sheet.rng, place, (draft.coverage.shape[0], draft.coverage.shape[1]))
        if not fits(sector, place, Box(0, 0, *draft.coverage.shape).shift(*at)):
            continue
        stamp = make_stamp(Kind.TEXT, draft.coverage, at, draft.ink, role=draft.role, text=draft.text)
        box = Box(0, 0, *stamp.alpha.shape).shift(*stamp.at).clip(shape)
        if sector[box.slices].sum() > left or any(box.grow(APART).intersect(other.box).area for other in others):
            continue
        identity = _painted(sheet.picture, draft, stamp, at, place)
        if identity is not None:
            return identity
    return None


def _draft(rng: np.random.Generator, height: int) -> _Draft:
    role = ROLES[int(rng.integers(len(ROLES)))]
    text, ink = make_text(rng, role), random_ink(rng)
    font, family = _font(rng)
    if rng.random() < FAINT_SHARE:
        ink = replace(ink, opacity=float(rng.uniform(*FAINT)))
    coverage = draw_text(text, font, height)
    return _Draft(text=text, role=role, coverage=coverage, ink=ink, height=_drawn(font, height), font=family)


def _font(rng: np.random.Generator) -> tuple[Font, str]:
    """A font and what it is called. Half of this machine's are ones that the segmenter never saw, if there are any."""
    font = choose_font(rng)
    new = new_fonts()
    if font.family == "system" and new and rng.random() < NEW_SHARE:
        font = replace(font, name=new[int(rng.integers(len(new)))])
    return font, "system-new" if font.name in new else font.family


@lru_cache(maxsize=1)
def new_fonts() -> tuple[str, ...]:
    """Fonts of this machine that the card of the segmenter says it did not learn from."""
    card = json.loads(WEIGHTS.with_suffix(".json").read_text("utf-8"))
    left_out = tuple(str(name) for name in card.get("fonts_left_out", ()))
    return tuple(path for path in system_fonts() if Path(path).name.startswith(left_out)) if left_out else ()


def _drawn(font: Font, height: int) -> int:
    """How high a capital comes out: a bitmap font knows but a few sizes."""
    return int(draw_text("H", font, height).shape[0])


def _painted(picture: Pixels, draft: _Draft, stamp: Stamp, at: tuple[int, int], place: Place) -> Identity | None:
    """The string as it comes out, or None when it cannot be seen."""
    shape = (picture.shape[0], picture.shape[1])
    strokes = _onto(shape, draft.coverage, at)
    readable = strokes > 0 if draft.ink.backing == "box" else _onto(shape, stamp.alpha, stamp.at) > 0
    body = strokes >= SOLID
    if not body.any():
        return None
    box = Box(0, 0, *stamp.alpha.shape).shift(*stamp.at).clip(shape)
    contrast = _contrast(picture, stamp, body, readable, box.grow(RIM).clip(shape))
    if contrast < LEAST_CONTRAST:
        return None
    return Identity(
        stamp=stamp,
        ink=readable,
        box=box,
        text=draft.text,
        role=draft.role,
        height=draft.height,
        contrast=contrast,
        place=place,
        colour=_name_of(draft.ink),
        backing=draft.ink.backing,
        font=draft.font,
    )


def _onto(shape: tuple[int, int], small: Pixels, at: tuple[int, int]) -> Pixels:
    """A small array at its place on an empty one of ``shape``."""
    whole = np.zeros(shape, dtype=np.uint8)
    box = Box(0, 0, *small.shape).shift(*at)
    seen = box.clip(shape)
    if seen.intersect(box).area:
        whole[seen.slices] = small[seen.shift(-at[0], -at[1]).slices]
    return whole


def _contrast(picture: Pixels, stamp: Stamp, body: Mask, readable: Mask, window: Box) -> int:
    """Grey levels between strokes and what a reader sees around them: plate or halo, or the picture itself."""
    part = paint(picture[window.slices], [stamp.shift(-window.row0, -window.col0)]).image
    seen = (part if part.ndim == 2 else part.max(axis=2)).astype(np.float64)  # noqa: PLR2004 - grey
    strokes, around = body[window.slices], ~readable[window.slices]
    if not around.any():
        return 0
    return round(abs(float(seen[strokes].mean()) - float(seen[around].mean())))


def _name_of(ink: Ink) -> str:
    return next((name for name, colour in COLOURS.items() if colour == ink.colour), "other")


def ink_of(identities: Sequence[Identity], shape: tuple[int, int]) -> Mask:
    """Every pixel that was painted on, plates included, ``(rows, cols)`` bool."""
    painted = np.zeros(shape, dtype=np.bool_)
    for identity in identities:
        painted |= _onto(shape, identity.stamp.alpha, identity.stamp.at) > 0
    return painted
