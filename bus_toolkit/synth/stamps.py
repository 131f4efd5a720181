"""Stamps: drawn things before they meet a picture, and the one function that puts them onto it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import cv2
import numpy as np

from bus_toolkit.errors import ConfigError
from bus_toolkit.geometry import Box, Mask, Pixels, box_of_mask
from bus_toolkit.synth.glyphs import FAINT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from bus_toolkit.stage import Kind

Colour: TypeAlias = tuple[int, int, int]
"""RGB, 0 to 255."""
Backing: TypeAlias = Literal["none", "halo", "shadow", "box"]
WHITE: Colour = (255, 255, 255)
COLOURS: dict[str, Colour] = {
    "white": WHITE,
    "light": (220, 220, 220),
    "grey": (160, 160, 160),
    "yellow": (255, 240, 40),
    "green": (60, 255, 80),
    "cyan": (70, 230, 255),
    "orange": (255, 165, 50),
    "blue": (110, 160, 255),
    "pink": (255, 130, 190),
}
SUPERSAMPLE = 4
"""Anti-aliasing draws this many times larger and averages."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stamp:
    """One drawn thing.

    Attributes
    ----------
    kind, role, text
        What it is; ``role`` is a free word such as ``"name"`` or ``"digit"``, ``text`` what can be read.
    at
        ``(row, col)`` of its top left pixel; may be negative, and then the picture's edge cuts it.
    alpha
        uint8 ``(rows, cols)``: 0 leaves the picture alone, 255 replaces it.
    colour
        uint8 ``(rows, cols, 3)`` RGB.
    box
        Where it is wider than its ink (a Doppler box, a dual view); None takes the ink's.
    """

    kind: Kind
    at: tuple[int, int]
    alpha: Pixels
    colour: Pixels
    role: str = ""
    text: str = field(default="", repr=False)
    box: Box | None = None

    @property
    def is_grey(self) -> bool:
        """Whether it has no colour, so that a grey picture can stay grey."""
        seen = self.colour[self.alpha > 0]
        return bool((seen == seen[:, :1]).all())

    def shift(self, rows: int, cols: int) -> Stamp:
        """The same stamp moved."""
        box = self.box.shift(rows, cols) if self.box else None
        at = (self.at[0] + rows, self.at[1] + cols)
        return Stamp(
            kind=self.kind, at=at, alpha=self.alpha, colour=self.colour, role=self.role, text=self.text, box=box
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overlay:
    """What a stamp became on a picture.

    ``mask`` is ``(rows, cols)`` bool, True on exactly the pixels that it drew on (a later stamp may cover them);
    ``box`` encloses it. ``text`` is
    the whole string, even where the edge cuts it. A stamp that fell outside the picture has an empty mask.
    """

    kind: Kind
    box: Box
    mask: Mask
    text: str = field(default="", repr=False)
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Painted:
    """A picture with things drawn over it, and what they are.

    ``image`` is grey when the picture and all stamps were, else RGB.
    """

    image: Pixels
    overlays: tuple[Overlay, ...]

    def mask(self, *kinds: Kind) -> Mask:
        """The union of the masks of these kinds, of all without any."""
        total = np.zeros(self.image.shape[:2], dtype=np.bool_)
        for overlay in self.overlays:
            if not kinds or overlay.kind in kinds:
                total |= overlay.mask
        return total


def paint(image: Pixels, stamps: Iterable[Stamp]) -> Painted:
    """Draw stamps, in their order, over a copy of a picture.

    Parameters
    ----------
    image
        uint8 ``(rows, cols)`` or ``(rows, cols, 3)`` RGB; a coloured stamp turns a grey one into RGB.
    stamps
        What to draw.

    Returns
    -------
    Painted
        Pixels outside the masks are those of ``image``.

    Raises
    ------
    ConfigError
        When ``image`` has another dtype or shape.
    """
    if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):  # noqa: PLR2004
        msg = f"image must be uint8 (rows, cols) or (rows, cols, 3). Got {image.dtype} of shape {image.shape}"
        raise ConfigError(msg)
    stamps = tuple(stamps)
    grey = image.ndim == 2 and all(stamp.is_grey for stamp in stamps)  # noqa: PLR2004
    canvas = image.copy() if grey or image.ndim == 3 else np.repeat(image[..., np.newaxis], 3, axis=2)  # noqa: PLR2004
    overlays = tuple(_apply(canvas, stamp) for stamp in stamps)
    return Painted(image=canvas, overlays=overlays)


def paint_clip(frames: npt.NDArray[np.uint8], stamps: Sequence[Stamp]) -> tuple[npt.NDArray[np.uint8], Painted]:
    """Draw the same stamps at the same place on every frame, as a machine burns them in.

    Returns
    -------
    tuple
        New frames, ``(frames, rows, cols)`` or ``(frames, rows, cols, 3)``, and the first of them as painted.
    """
    painted = [paint(frame, stamps) for frame in frames]
    return np.stack([one.image for one in painted]), painted[0]


def _apply(canvas: Pixels, stamp: Stamp) -> Overlay:
    mask = np.zeros(canvas.shape[:2], dtype=np.bool_)
    whole = Box(0, 0, *stamp.alpha.shape).shift(*stamp.at)
    seen = whole.clip(canvas.shape)
    if seen.area:
        part = seen.shift(-stamp.at[0], -stamp.at[1]).slices
        alpha = stamp.alpha[part].astype(np.float32) / 255
        colour = stamp.colour[part].astype(np.float32)
        under = canvas[seen.slices].astype(np.float32)
        if canvas.ndim == 2:  # noqa: PLR2004 - grey
            colour = colour[..., 0]
        else:
            alpha = alpha[..., np.newaxis]
        canvas[seen.slices] = np.rint(under * (1 - alpha) + colour * alpha).astype(np.uint8)
        mask[seen.slices] = stamp.alpha[part] > 0
    ink = box_of_mask(mask)
    box = ink if stamp.box is None else stamp.box.clip(canvas.shape)
    return Overlay(kind=stamp.kind, box=box, mask=mask, text=stamp.text, role=stamp.role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """How a shape becomes pixels: colour, opacity 0 to 1, and what lies behind it.

    ``blur`` is a standard deviation in pixels, as a resampled screen shot shows.
    """

    colour: Colour = WHITE
    opacity: float = 1.0
    backing: Backing = "none"
    back_colour: Colour = (0, 0, 0)
    blur: float = 0.0


def make_stamp(
    kind: Kind,
    coverage: Pixels,
    at: tuple[int, int],
    ink: Ink,
    *,
    role: str = "",
    text: str = "",
) -> Stamp:
    """Turn coverage (uint8 ``(rows, cols)``) into a stamp; ``at`` is where the coverage's corner lies."""
    pad = 4 if ink.backing != "none" or ink.blur else 0
    front = np.asarray(np.pad(coverage, pad) / 255 * ink.opacity, dtype=np.float32)
    back = _backing(front, ink.backing, pad)
    if ink.blur:
        front, back = (np.asarray(cv2.GaussianBlur(part, (0, 0), ink.blur), np.float32) for part in (front, back))
    alpha = front + back * (1 - front)
    share = front / np.maximum(alpha, 1e-6)
    colour = share[..., np.newaxis] * np.array(ink.colour) + (1 - share[..., np.newaxis]) * np.array(ink.back_colour)
    covered = np.rint(alpha * 255)
    return Stamp(
        kind=kind,
        at=(at[0] - pad, at[1] - pad),
        alpha=np.where(covered >= FAINT, covered, 0).astype(np.uint8),
        colour=np.clip(np.rint(colour), 0, 255).astype(np.uint8),
        role=role,
        text=text,
    )


def _backing(front: npt.NDArray[np.float32], backing: Backing, pad: int) -> npt.NDArray[np.float32]:
    if backing == "halo":
        return np.asarray(cv2.dilate(front, np.ones((3, 3), dtype=np.uint8)), dtype=np.float32)
    if backing == "shadow":
        return np.roll(front, (1, 1), axis=(0, 1))
    back = np.zeros_like(front)
    if backing == "box":
        back[pad - 3 : back.shape[0] - pad + 3, pad - 3 : back.shape[1] - pad + 3] = 1
    return back


@dataclass(frozen=True, slots=True)
class Stroke:
    """A polyline of ``(row, col)`` points, ``width`` pixels wide; ``fill`` fills it instead."""

    points: tuple[tuple[float, float], ...]
    width: float = 1.0
    fill: bool = False


def draw_strokes(strokes: Sequence[Stroke], *, smooth: bool = True) -> tuple[Pixels, tuple[int, int]]:
    """Coverage of strokes and where its corner lies.

    Returns
    -------
    tuple
        uint8 ``(rows, cols)`` and ``(row, col)``. Without ``smooth`` coverage is 0 or 255.
    """
    points = np.array([point for stroke in strokes for point in stroke.points])
    margin = round(max(stroke.width for stroke in strokes)) + 2
    low = np.floor(points.min(axis=0)).astype(int) - margin
    high = np.ceil(points.max(axis=0)).astype(int) + margin + 1
    factor = SUPERSAMPLE if smooth else 1
    canvas = np.zeros(((high - low) * factor).tolist(), dtype=np.uint8)
    for stroke in strokes:
        place = np.rint((np.array(stroke.points) - low + 0.5) * factor - 0.5).astype(np.int32)[:, ::-1]
        path = np.ascontiguousarray(place).reshape(-1, 1, 2)
        if stroke.fill:
            cv2.fillPoly(canvas, [path], (255.0,))
        else:
            cv2.polylines(canvas, [path], False, (255.0,), max(1, round(stroke.width * factor)))  # noqa: FBT003
    if smooth:
        size = (canvas.shape[1] // factor, canvas.shape[0] // factor)
        canvas = np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return canvas, (int(low[0]), int(low[1]))
