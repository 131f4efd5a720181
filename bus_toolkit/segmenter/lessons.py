"""What the segmenter learns from: overlays painted over backgrounds, cut into squares, with their exact truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.overlays.engines.segmenter import CLASSES, planes_of
from bus_toolkit.segmenter.icons import filled_icon
from bus_toolkit.segmenter.measured import measurements
from bus_toolkit.segmenter.negatives import add_negatives
from bus_toolkit.segmenter.strings import make_string
from bus_toolkit.stage import Kind
from bus_toolkit.synth import (
    CHANCES,
    COLOURS,
    FAMILIES,
    Font,
    Ink,
    Painted,
    Stamp,
    choose_font,
    compress_jpeg,
    draw_text,
    paint,
    plan_random,
    random_ink,
    text_stamp,
)
from bus_toolkit.synth.fields import to_pixels

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bus_toolkit.geometry import Mask, Pixels
    from bus_toolkit.synth import Overlay

Floats = npt.NDArray[np.float32]

CROPS_A_PICTURE: Final = 3
"""Squares cut from one painted picture: painting costs more than cutting."""
ON_INK: Final = 0.7
"""Share of the squares that are centred on something drawn; the rest lie anywhere."""
UNPAINTED: Final = 0.06
"""Share of pictures that nothing is painted on."""
SEEN_ALPHA: Final = 0.35
"""Share of a pixel that ink must cover after a change of size to count as drawn."""
HEIGHTS: Final = (6, 44)
"""Capitals of the additional strings, in pixels."""
WINDOW: Final = 640
"""Most rows and columns of a painted picture."""
ICONS: Final = 0.1
"""Share of pictures with a filled icon."""
MEASURED: Final = 0.45
"""Share of pictures with measurements beside those of the phantoms' recipe."""
ONLY_MEASURED: Final = 0.2
"""Share of pictures with numbered measurements and nothing else: elsewhere a digit is lost among the strings."""
DARK: Final = {"black": (0, 0, 0), "dark": (40, 40, 40), "slate": (90, 90, 100), "dim": (120, 120, 120)}
"""Inks beside those of the phantoms: dark ones, as some machines write on bright tissue or in menus."""
GREY_NDIM: Final = 2


def class_of(kind: Kind, role: str) -> str | None:
    """The class of a painted thing; None for what is part of the picture (flow, maps, traces over time)."""
    if kind in {Kind.TEXT, Kind.LOGO} or role == "digit":
        return "text"
    if kind is Kind.CALIPER:
        return "caliper"
    if kind is Kind.OUTLINE:
        return "outline"
    if kind in {Kind.BODYMARK, Kind.GRAPHIC, Kind.SCALE, Kind.GREY_BAR} or role == "frame":
        return "graphic"
    return None


def truth_of(overlays: Sequence[Overlay], shape: tuple[int, int]) -> Mask:
    """``(classes, rows, cols)`` bool, True on what was drawn; what a later thing covers is no longer there."""
    truth = np.zeros((len(CLASSES), *shape), dtype=np.bool_)
    for overlay in overlays:
        truth[:, overlay.mask] = False
        name = class_of(overlay.kind, overlay.role)
        if name is not None:
            truth[CLASSES.index(name)] |= overlay.mask
    return truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """Makes lessons.

    Attributes
    ----------
    backgrounds
        Pictures without overlays, uint8 grey or RGB, at least 32 pixels a side.
    side
        Rows and columns of a square.
    fonts_left_out
        Names of font files (as :attr:`bus_toolkit.synth.Font.name` ends) kept for measuring, and the numbers of
        OpenCV's Hershey faces.
    """

    backgrounds: Sequence[Pixels] = field(repr=False)
    side: int = 256
    fonts_left_out: Collection[str] = ()

    def batch(self, seed: tuple[int, ...], size: int) -> tuple[Floats, npt.NDArray[np.uint8]]:
        """Squares: float32 ``(size, side, side, 2)``, 0 to 1, and uint8 truth ``(size, side, side, classes)``, 0 or 1.

        The same seed gives the same squares on the same machine (fonts are the machine's).
        """
        rng = np.random.default_rng(seed)
        seen: list[Floats] = []
        truths: list[Mask] = []
        while len(seen) < size:
            image, truth = self.picture(rng)
            for _ in range(min(CROPS_A_PICTURE, size - len(seen))):
                part = _square(rng, truth, self.side)
                seen.append(planes_of(np.ascontiguousarray(image[part])).transpose(1, 2, 0))
                truths.append(truth[:, *part].transpose(1, 2, 0))
        return np.stack(seen), np.stack(truths).astype(np.uint8)

    def picture(self, rng: np.random.Generator) -> tuple[Pixels, Mask]:
        """One painted picture, uint8 grey or RGB, at least ``side`` pixels a side, and its truth (see `truth_of`)."""
        image = self.backgrounds[int(rng.integers(len(self.backgrounds)))]
        image = _larger(_framed(rng, _toned(rng, _window(rng, _turned(rng, image)))), self.side)
        image = add_negatives(rng, image)
        painted = self._paint(rng, image)
        truth = truth_of(painted.overlays, painted.image.shape[:2])
        return _captured(rng, painted.image, truth, self.side)

    def _paint(self, rng: np.random.Generator, image: Pixels) -> Painted:
        if rng.random() < UNPAINTED:
            return paint(image, ())
        if rng.random() < ONLY_MEASURED:
            font, shape = self._font(rng), (image.shape[0], image.shape[1])
            groups = [measurements(rng, shape, font, numbered=True) for _ in range(int(rng.integers(1, 4)))]
            return paint(image, [stamp for group in groups for stamp in group])
        chances = {kind: min(1.0, share * float(rng.uniform(0.5, 1.5))) for kind, share in CHANCES.items()}
        stamps = list(plan_random(rng, image, chances=chances))
        font = self._font(rng)
        stamps = [stamp for stamp in stamps if stamp.kind is not Kind.TEXT] if rng.random() < 0.3 else stamps  # noqa: PLR2004
        for _ in range(int(rng.integers(0, 9))):
            stamps.append(self._string(rng, image.shape[:2], font if rng.random() < 0.5 else self._font(rng)))  # noqa: PLR2004
        if rng.random() < MEASURED:
            stamps += measurements(rng, (image.shape[0], image.shape[1]), self._font(rng))
        if rng.random() < ICONS:
            stamps.append(filled_icon(rng, (image.shape[0], image.shape[1]), random_ink(rng).colour))
        return paint(image, stamps)

    def _font(self, rng: np.random.Generator) -> Font:
        while True:
            font = choose_font(rng, FAMILIES)
            if not font.name.rpartition("/")[2].startswith(tuple(self.fonts_left_out) or ("\0",)):
                return font

    def _string(self, rng: np.random.Generator, shape: tuple[int, int], font: Font) -> Stamp:
        height = int(np.exp(rng.uniform(*np.log(HEIGHTS))))
        text = make_string(rng)
        ink = random_ink(rng) if rng.random() < 0.75 else _any_ink(rng)  # noqa: PLR2004
        size = draw_text(text, font, height).shape
        row = int(rng.integers(-size[0] // 3, max(shape[0] - size[0] // 2, 1)))
        col = int(rng.integers(-size[1] // 3, max(shape[1] - size[1] // 2, 1)))
        return text_stamp(text, (row, col), font, height, ink)


def _any_ink(rng: np.random.Generator) -> Ink:
    """Any colour and opacity, dark ones too."""
    palette = {**COLOURS, **DARK}
    name = list(palette)[int(rng.integers(len(palette)))]
    colour = palette[name] if rng.random() < 0.7 else tuple(int(c) for c in rng.integers(0, 256, 3))  # noqa: PLR2004
    backing = "halo" if max(colour) < 60 else ("none", "shadow", "box")[int(rng.integers(3))]  # noqa: PLR2004
    behind = (255, 255, 255) if max(colour) < 130 else (0, 0, int(rng.integers(0, 140)))  # noqa: PLR2004
    return Ink(
        colour=(colour[0], colour[1], colour[2]),
        opacity=float(rng.uniform(0.55, 1.0)),
        backing="box" if max(colour) < 130 and rng.random() < 0.5 else backing,  # type: ignore[arg-type]  # noqa: PLR2004
        back_colour=behind,
        blur=float(rng.uniform(0.3, 1.0)) if rng.random() < 0.4 else 0.0,  # noqa: PLR2004
    )


def _turned(rng: np.random.Generator, image: Pixels) -> Pixels:
    """Another size and side."""
    scale = float(np.exp(rng.uniform(np.log(0.55), np.log(1.7))))
    size = (max(32, round(image.shape[1] * scale)), max(32, round(image.shape[0] * scale * rng.uniform(0.85, 1.18))))
    how = cv2.INTER_AREA if scale < 1 else (cv2.INTER_LINEAR, cv2.INTER_CUBIC)[int(rng.integers(2))]
    resized = np.asarray(cv2.resize(image, size, interpolation=how), dtype=np.uint8)
    return np.ascontiguousarray(resized[:, ::-1]) if rng.random() < 0.5 else resized  # noqa: PLR2004


def _window(rng: np.random.Generator, image: Pixels) -> Pixels:
    """A part of a large picture: painting all of it would be for little."""
    top, left = (int(rng.integers(0, max(1, length - WINDOW + 1))) for length in image.shape[:2])
    return np.ascontiguousarray(image[top : top + WINDOW, left : left + WINDOW])


def _toned(rng: np.random.Generator, image: Pixels) -> Pixels:
    """Another gain and grey map; sometimes a tint, as many machines show."""
    if image.ndim > GREY_NDIM and rng.random() < 0.5:  # noqa: PLR2004
        image = np.asarray(image.max(axis=2), dtype=np.uint8)
    tone = (image / np.float32(255)) ** float(np.exp(rng.uniform(-0.6, 0.5))) * float(rng.uniform(0.6, 1.25))
    if rng.random() < 0.5:  # noqa: PLR2004
        tone = tone + rng.uniform(0, 0.12)
    if image.ndim == GREY_NDIM and rng.random() < 0.3:  # noqa: PLR2004
        tint = rng.uniform(0.55, 1.0, 3)
        tint /= tint.max()
        lift = rng.uniform(0, 0.12, 3) * (rng.random() < 0.4)  # noqa: PLR2004
        tone = tone[..., np.newaxis] * tint + lift
    return to_pixels(tone * 255)


def _framed(rng: np.random.Generator, image: Pixels) -> Pixels:
    """Sometimes a margin of one tone around it, and corners as a curved probe leaves; some tones are colours."""
    ground = _ground(rng)
    if rng.random() < 0.25:  # noqa: PLR2004
        image = _on(image, ground if rng.random() < 0.5 else (0, 0, 0), _sector(rng, image.shape[:2]))  # noqa: PLR2004
    if rng.random() < 0.35:  # noqa: PLR2004
        top, bottom, left, right = (int(rng.integers(0, 90)) for _ in range(4))
        inside = np.pad(np.ones(image.shape[:2], dtype=np.bool_), ((top, bottom), (left, right)))
        image = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT).astype(np.uint8)
        image = _on(image, ground, inside)
    return image


def _ground(rng: np.random.Generator) -> tuple[int, int, int]:
    """What lies around the picture: mostly black, else grey of any tone or a colour."""
    chance = rng.random()
    if chance < 0.5:  # noqa: PLR2004
        return (0, 0, 0)
    if chance < 0.8:  # noqa: PLR2004
        tone = int(rng.integers(1, 50) if rng.random() < 0.5 else rng.integers(50, 235))  # noqa: PLR2004
        return (tone, tone, tone)
    red, green, blue = (int(part) for part in rng.integers(0, int(rng.integers(30, 256)), 3))
    return (red, green, blue)


def _sector(rng: np.random.Generator, shape: tuple[int, ...]) -> Mask:
    """``(rows, cols)`` bool, True inside a sector of a curved probe."""
    rows, cols = shape
    mask = np.zeros((rows, cols), dtype=np.uint8)
    apex = (int(cols * rng.uniform(0.3, 0.7)), int(-rows * rng.uniform(0.1, 1.5)))
    reach = rows - apex[1]
    span = float(np.degrees(np.arctan2(cols / 2, reach)) * rng.uniform(0.7, 1.0))
    cv2.ellipse(mask, apex, (reach, reach), 90.0, -span, span, (1.0,), -1)
    return mask > 0


def _on(image: Pixels, ground: tuple[int, int, int], inside: Mask) -> Pixels:
    """The picture with another ground; it becomes RGB when the ground is a colour."""
    if image.ndim == GREY_NDIM and len(set(ground)) == 1:
        return np.where(inside, image, ground[0]).astype(np.uint8)
    rgb = image if image.ndim > GREY_NDIM else np.repeat(image[..., np.newaxis], 3, axis=2)
    return np.where(inside[..., np.newaxis], rgb, np.asarray(ground, dtype=np.uint8)).astype(np.uint8)


def _larger(image: Pixels, side: int) -> Pixels:
    """Black below and to the right where a picture is smaller than a square."""
    below, right = (max(0, side + 8 - length) for length in image.shape[:2])
    if not below and not right:
        return image
    return np.asarray(cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT), dtype=np.uint8)


def _captured(rng: np.random.Generator, image: Pixels, truth: Mask, side: int) -> tuple[Pixels, Mask]:
    """What screen shots and exports do afterwards: another size, blur, JPEG, noise, another gain."""
    if rng.random() < 0.25:  # noqa: PLR2004
        least = max(0.75, (side + 1) / min(image.shape[:2]))
        scale = float(rng.uniform(least, max(least, 1.35)))
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
        layers = [cv2.resize(layer.astype(np.float32), size, interpolation=cv2.INTER_LINEAR) for layer in truth]
        truth = np.stack(layers) > SEEN_ALPHA
    if rng.random() < 0.35:  # noqa: PLR2004
        image = compress_jpeg(image, int(rng.integers(35, 96)))
    if rng.random() < 0.3:  # noqa: PLR2004
        noise = rng.normal(0, rng.uniform(1, 7), image.shape[:2])
        image = to_pixels(image + (noise[..., np.newaxis] if image.ndim > GREY_NDIM else noise))
    if rng.random() < 0.2:  # noqa: PLR2004
        image = to_pixels(image * float(rng.uniform(0.55, 1.1)))
    return image, truth


def _square(rng: np.random.Generator, truth: Mask, side: int) -> tuple[slice, slice]:
    """A place for a square: mostly round something drawn, of any class with equal chance."""
    rows, cols = truth.shape[1:]
    top, left = int(rng.integers(0, rows - side + 1)), int(rng.integers(0, cols - side + 1))
    present = [index for index in range(len(truth)) if truth[index].any()]
    if present and rng.random() < ON_INK:
        places = np.argwhere(truth[present[int(rng.integers(len(present)))]])
        row, col = places[int(rng.integers(len(places)))]
        shift = rng.integers(-side // 2, side // 2, 2) + side // 2
        top = int(np.clip(row - shift[0], 0, rows - side))
        left = int(np.clip(col - shift[1], 0, cols - side))
    return slice(top, top + side), slice(left, left + side)
