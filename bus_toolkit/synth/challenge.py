"""Pictures that a screen has to tell apart, made over any scan: other modes, other layouts, photos, and plain scans.

Each recipe takes a source of chance, a plain scan and a second one, and gives a picture. What is true of it stands
in :data:`CHALLENGES`. Fonts, colours, widths and places are drawn at random, so that nothing is tuned to one machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from bus_toolkit.geometry import Box, Mask, Pixels
from bus_toolkit.stage import Kind
from bus_toolkit.synth.challenge_layout import console, marked, maybe_console, maybe_jpeg, region_in, tint, vivid_ink
from bus_toolkit.synth.fields import smooth_field, to_pixels
from bus_toolkit.synth.marks import contour_of, outline
from bus_toolkit.synth.modes import colour_bar, doppler, dual_view, elastography, mmode, spectral
from bus_toolkit.synth.photo import photograph
from bus_toolkit.synth.stamps import COLOURS, Ink, paint

if TYPE_CHECKING:
    from collections.abc import Callable

    from bus_toolkit.synth.modes import Flow

Recipe: TypeAlias = "Callable[[np.random.Generator, Pixels, Pixels], Pixels]"
GREYS = (70, 235)
"""Grey values in which boxes of colour regions are drawn."""
FILLS = (
    (255, 255, 255),
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (255, 255, 0),
    (0, 255, 255),
    (255, 0, 255),
    (128, 0, 0),
)


@dataclass(frozen=True, slots=True)
class Challenge:
    """How a kind of picture is made, and the kinds that are true of it; none for a plain scan."""

    make: Recipe
    shows: frozenset[Kind]


def _rgb(image: Pixels) -> Pixels:
    return image if image.ndim == 3 else np.repeat(image[..., np.newaxis], 3, axis=2)  # noqa: PLR2004 - RGB


def _grey(image: Pixels) -> Pixels:
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)  # noqa: PLR2004


# Plain scans


def plain(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """The scan as it is, or on a console's screen."""
    return maybe_jpeg(rng, maybe_console(rng, image))


def tinted(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """The scan in a coloured grey map of any hue, often with marks in another colour."""
    picture = tint(rng, _grey(image))
    return maybe_jpeg(rng, maybe_console(rng, marked(rng, picture, 0.3)))


def with_marks(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """The scan with text, calipers, a body mark, scales and bars, many in vivid colours."""
    return maybe_jpeg(rng, maybe_console(rng, marked(rng, image, 0.7)))


# Colour flow


def _flow(rng: np.random.Generator, image: Pixels, flow: Flow) -> Pixels:
    region = region_in(rng, image)
    amount = float(np.exp(rng.uniform(np.log(0.004), np.log(0.3))))
    colour = vivid_ink(rng) if rng.random() < 0.6 else (int(rng.integers(*GREYS)),) * 3  # noqa: PLR2004
    stamps = doppler(rng, region, Ink(colour=colour), flow=flow, amount=amount, steered=bool(rng.random() < 0.4))  # noqa: PLR2004
    frame = stamps if rng.random() < 0.8 else stamps[:1]  # noqa: PLR2004 - some machines hide the frame
    if rng.random() < 0.4:  # noqa: PLR2004
        frame = [*frame, colour_bar((4, max(0, image.shape[1] - 20)), max(20, image.shape[0] // 5), 12, flow=flow)]
    picture = paint(tint(rng, _grey(image), strong=False) if rng.random() < 0.2 else image, frame).image  # noqa: PLR2004
    return maybe_jpeg(rng, maybe_console(rng, marked(rng, picture, 0.2)))


def flow_velocity(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """Colour Doppler: towards and away."""
    return _flow(rng, image, "velocity")


def flow_power(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """Power Doppler."""
    return _flow(rng, image, "power")


def grey_box(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """The box of a colour region without any flow, drawn in a grey."""
    value = int(rng.integers(*GREYS))
    region = region_in(rng, image, least=0.3)
    frame = doppler(rng, region, Ink(colour=(value,) * 3), amount=0.0, steered=bool(rng.random() < 0.3))  # noqa: PLR2004
    return maybe_jpeg(rng, maybe_console(rng, marked(rng, paint(image, frame).image, 0.15)))


def colour_box(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """The same in a colour, bright or dim."""
    dim = rng.uniform(0.35, 1.0)
    colour = tuple(round(dim * channel) for channel in vivid_ink(rng))
    region = region_in(rng, image, least=0.3)
    steered = bool(rng.random() < 0.3)  # noqa: PLR2004
    frame = doppler(rng, region, Ink(colour=(colour[0], colour[1], colour[2])), amount=0.0, steered=steered)
    return maybe_jpeg(rng, maybe_console(rng, marked(rng, paint(image, frame).image, 0.15)))


# Elastography


def _mapped(rng: np.random.Generator, image: Pixels) -> Pixels:
    region = region_in(rng, image, least=0.35, most=0.9)
    return paint(image, [elastography(rng, region, opacity=float(rng.uniform(0.25, 0.75)))]).image


def elastography_over(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """A map of hardness over part of the scan."""
    return maybe_jpeg(rng, maybe_console(rng, marked(rng, _mapped(rng, image), 0.2)))


def elastography_beside(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """The scan, and beside it the same scan under a map of hardness."""
    views = [_rgb(image), _mapped(rng, _rgb(image))]
    if rng.random() < 0.5:  # noqa: PLR2004
        views.reverse()
    return maybe_jpeg(rng, maybe_console(rng, dual_view(views[0], views[1], gap=int(rng.integers(0, 16))).image))


# Two views


def _pair(rng: np.random.Generator, left: Pixels, right: Pixels) -> Pixels:
    height = min(left.shape[0], right.shape[0])
    fitted = [_fit(view, height) for view in (left, right)]
    if any(view.ndim == 3 for view in fitted):  # noqa: PLR2004 - RGB
        fitted = [_rgb(view) for view in fitted]
    gap = int(rng.choice([0, 0, 1, 2, 4, 8, 16, 30]))
    divider = int(rng.choice([0, 0, 0, 60, 128, 255])) if gap <= 4 else 0  # noqa: PLR2004 - wide gaps are background
    return maybe_jpeg(rng, maybe_console(rng, dual_view(fitted[0], fitted[1], gap=gap, divider=divider).image))


def _fit(view: Pixels, height: int) -> Pixels:
    """Resized to a height; a view much wider than high is cut, as a console's two views are."""
    width = max(32, round(view.shape[1] * height / view.shape[0]))
    sized = cv2.resize(view, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(sized[:, : max(32, round(1.3 * height))], dtype=np.uint8)


def dual_different(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:
    """Two scans side by side, with or without a gap, of different widths."""
    return _pair(rng, image, other)


def dual_narrow(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:
    """Two scans side by side, each cut to its middle half."""
    views = []
    for view in (image, other):
        cut = view.shape[1] // 4
        views.append(np.ascontiguousarray(view[:, cut:-cut]))
    return _pair(rng, views[0], views[1])


def dual_twice(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """The same scan twice, once with marks or a colour box, or mirrored."""
    second = np.ascontiguousarray(image[:, ::-1]) if rng.random() < 0.3 else marked(rng, image, 0.4)  # noqa: PLR2004
    return _pair(rng, image, second)


# Traces over time


def _trace(rng: np.random.Generator, kind: Kind, image: Pixels) -> Pixels:
    """A panel of time below a smaller picture, as a console lays it out, with or without a frame."""
    rows, cols = int(rng.integers(420, 800)), int(rng.integers(560, 1060))
    screen = np.zeros((rows, cols, 3), dtype=np.uint8)
    split = int(rows * rng.uniform(0.35, 0.6))
    size = min((split - 12) / image.shape[0], 0.7 * cols / image.shape[1])
    small = _rgb(np.asarray(cv2.resize(image, None, fx=size, fy=size, interpolation=cv2.INTER_AREA), dtype=np.uint8))
    at = int(rng.integers(0, cols - small.shape[1]))
    screen[6 : 6 + small.shape[0], at : at + small.shape[1]] = small
    left, right = (int(cols * rng.uniform(0.0, 0.08)) for _ in range(2))
    panel = Box(split, left, rows - int(rows * rng.uniform(0.0, 0.08)), cols - right)
    stamp = mmode(rng, panel, image) if kind is Kind.MMODE else spectral(rng, panel)
    screen = paint(screen, [stamp]).image
    if rng.random() < 0.5:  # noqa: PLR2004
        corners = (panel.col0, panel.row0), (panel.col1 - 1, panel.row1 - 1)
        screen = np.asarray(cv2.rectangle(screen, *corners, (int(rng.integers(80, 220)),) * 3, 1), dtype=np.uint8)
    return maybe_jpeg(rng, marked(rng, screen, 0.2))


def mmode_below(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """An M-mode below a small picture."""
    return _trace(rng, Kind.MMODE, image)


def spectral_below(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """A spectrum below a small picture."""
    return _trace(rng, Kind.SPECTRAL, image)


def mmode_full(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """An M-mode alone."""
    rows, cols = int(rng.integers(260, 600)), int(rng.integers(480, 1000))
    panel = paint(np.zeros((rows, cols), dtype=np.uint8), [mmode(rng, Box(0, 0, rows, cols), image)]).image
    return maybe_jpeg(rng, maybe_console(rng, panel))


def spectral_full(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """A spectrum alone."""
    rows, cols = int(rng.integers(220, 560)), int(rng.integers(480, 1000))
    panel = paint(np.zeros((rows, cols), dtype=np.uint8), [spectral(rng, Box(0, 0, rows, cols))]).image
    return maybe_jpeg(rng, maybe_console(rng, panel))


# Hardly any echo


def _air(rng: np.random.Generator, shape: tuple[int, int]) -> Pixels:
    """A probe in air: equidistant echoes of its own face that fade within a few, then noise."""
    rows, cols = shape
    depth = np.arange(rows)[:, np.newaxis]
    period, decay = rng.uniform(0.02, 0.05) * rows, rng.uniform(0.04, 0.12) * rows
    rings = (0.5 + 0.5 * np.cos(2 * np.pi * depth / period)) ** 2 * np.exp(-depth / decay)
    wave = 1 + 0.08 * smooth_field(rng, shape, (rows, cols / 6))
    noise = rng.rayleigh(rng.uniform(0.5, 4.0), shape)
    return to_pixels(rng.uniform(140, 250) * rings * wave + noise)


def blank_air(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """A probe in air, or all dark with noise."""
    air = _air(rng, image.shape[:2])
    if rng.random() < 0.3:  # noqa: PLR2004
        air = to_pixels(rng.rayleigh(rng.uniform(0.5, 5.0), image.shape[:2]))
    return maybe_jpeg(rng, maybe_console(rng, air))


def blank_partial(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """A probe of which more than three quarters have lost contact: what is left is a strip of tissue."""
    grey = _grey(image)
    air = _air(rng, grey.shape)
    cols = grey.shape[1]
    width = cols * rng.uniform(0.08, 0.22)
    middle = rng.uniform(0, cols)
    contact = 1 / (1 + np.exp((np.abs(np.arange(cols) - middle) - width / 2) / (0.02 * cols)))
    return maybe_jpeg(rng, maybe_console(rng, to_pixels(grey * contact + air * (1 - contact))))


# Photographs


def photo(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """A telephone's photo of a screen that shows the scan."""
    screen = console(rng, image) if rng.random() < 0.7 else image  # noqa: PLR2004
    return photograph(rng, marked(rng, screen, 0.3)).image


# Drawn segmentations


def lesion_in(rng: np.random.Generator, image: Pixels) -> Mask:
    """A lesion somewhere: a wobbling ellipse, ``(rows, cols)`` bool."""
    rows, cols = image.shape[:2]
    row, col = rows * rng.uniform(0.25, 0.6), cols * rng.uniform(0.25, 0.75)
    high, wide = rows * rng.uniform(0.06, 0.22), cols * rng.uniform(0.06, 0.22)
    grid_row, grid_col = np.mgrid[:rows, :cols]
    wobble = 0.15 * smooth_field(rng, (rows, cols), (rows * 0.08, cols * 0.08))
    return np.asarray(np.hypot((grid_row - row) / high, (grid_col - col) / wide) < 1 + wobble, dtype=np.bool_)


def filled_mask(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """A lesion painted over in one colour or white, opaque or not."""
    lesion = lesion_in(rng, image)
    colour = np.array(FILLS[int(rng.integers(len(FILLS)))])
    grey = bool((colour == colour[0]).all())
    opacity = 1.0 if grey or rng.random() < 0.5 else float(rng.uniform(0.35, 0.8))  # noqa: PLR2004
    picture = _rgb(image).copy()
    picture[lesion] = to_pixels(picture[lesion] * (1 - opacity) + colour * opacity)
    done = _grey(picture) if grey and image.ndim == 2 else picture  # noqa: PLR2004 - grey
    return maybe_jpeg(rng, marked(rng, done, 0.15))


def mask_picture(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """A segmentation alone: white or coloured on black."""
    colour = np.array(FILLS[int(rng.integers(len(FILLS)))])
    picture = np.zeros((*image.shape[:2], 3), dtype=np.uint8)
    for _ in range(int(rng.integers(1, 3))):
        picture[lesion_in(rng, image)] = colour
    return maybe_jpeg(rng, _grey(picture) if bool((colour == colour[0]).all()) else picture)


def lesion_outline(rng: np.random.Generator, image: Pixels, other: Pixels) -> Pixels:  # noqa: ARG001 - a recipe
    """A closed curve around a lesion, solid, in a colour or white."""
    colours = list(COLOURS.values())
    ink = Ink(colour=colours[int(rng.integers(len(colours)))])
    points = contour_of(lesion_in(rng, image), 1.0, rng)
    stamp = outline(points, ink, line="solid", width=float(rng.uniform(1, 3)))
    return maybe_jpeg(rng, paint(image, [stamp]).image)


CHALLENGES: dict[str, Challenge] = {
    "plain": Challenge(plain, frozenset()),
    "tinted": Challenge(tinted, frozenset()),
    "with marks": Challenge(with_marks, frozenset()),
    "colour Doppler": Challenge(flow_velocity, frozenset({Kind.DOPPLER})),
    "power Doppler": Challenge(flow_power, frozenset({Kind.DOPPLER})),
    "box in grey": Challenge(grey_box, frozenset({Kind.DOPPLER})),
    "box in colour": Challenge(colour_box, frozenset({Kind.DOPPLER})),
    "elastography over": Challenge(elastography_over, frozenset({Kind.ELASTOGRAPHY})),
    "elastography beside": Challenge(elastography_beside, frozenset({Kind.ELASTOGRAPHY, Kind.DUAL_VIEW})),
    "two views": Challenge(dual_different, frozenset({Kind.DUAL_VIEW})),
    "two narrow views": Challenge(dual_narrow, frozenset({Kind.DUAL_VIEW})),
    "one view twice": Challenge(dual_twice, frozenset({Kind.DUAL_VIEW})),
    "M-mode below": Challenge(mmode_below, frozenset({Kind.MMODE})),
    "M-mode alone": Challenge(mmode_full, frozenset({Kind.MMODE})),
    "spectrum below": Challenge(spectral_below, frozenset({Kind.SPECTRAL})),
    "spectrum alone": Challenge(spectral_full, frozenset({Kind.SPECTRAL})),
    "air or dark": Challenge(blank_air, frozenset({Kind.BLANK})),
    "contact lost": Challenge(blank_partial, frozenset({Kind.BLANK})),
    "photo of a screen": Challenge(photo, frozenset({Kind.PHOTO})),
    "filled mask": Challenge(filled_mask, frozenset({Kind.MASK})),
    "mask picture": Challenge(mask_picture, frozenset({Kind.NOT_ULTRASOUND})),
    "closed outline": Challenge(lesion_outline, frozenset({Kind.OUTLINE})),
}
"""Every kind of picture by its name in tables."""
