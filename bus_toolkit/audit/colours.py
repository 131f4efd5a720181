"""The colours of the review: one for each kind of finding; the same on pictures and pages."""

from __future__ import annotations

from typing import Final, TypeAlias

from bus_toolkit.stage import Kind

Colour: TypeAlias = tuple[int, int, int]
"""RGB, 0 to 255."""

FAN_COLOUR: Final[Colour] = (64, 200, 255)
"""Outline of the ultrasound sector."""

KIND_COLOURS: Final[dict[Kind, Colour]] = {
    Kind.TEXT: (255, 92, 92),
    Kind.LOGO: (255, 170, 60),
    Kind.CALIPER: (255, 232, 64),
    Kind.OUTLINE: (176, 255, 64),
    Kind.MASK: (220, 255, 150),
    Kind.BODYMARK: (255, 120, 220),
    Kind.SCALE: (200, 160, 110),
    Kind.GREY_BAR: (170, 190, 200),
    Kind.GRAPHIC: (255, 255, 255),
    Kind.DOPPLER: (110, 150, 255),
    Kind.ELASTOGRAPHY: (60, 230, 170),
    Kind.DUAL_VIEW: (190, 140, 255),
    Kind.MMODE: (120, 220, 90),
    Kind.SPECTRAL: (90, 235, 235),
    Kind.BLANK: (150, 150, 150),
    Kind.NOT_ULTRASOUND: (255, 130, 150),
    Kind.PHOTO: (255, 200, 150),
}
"""Bright enough to stand out from black: at least 5:1 (WCAG 2.2, 1.4.11 asks for 3:1). Lines get a black rim too."""


def hex_of(colour: Colour) -> str:
    """``"#rrggbb"``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
