"""Pictures that are more than plain B-mode: colour flow, elastography, two views, traces over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import cv2
import numpy as np

from bus_toolkit.geometry import Box, Mask, Pixels
from bus_toolkit.stage import Kind
from bus_toolkit.synth.fields import smooth_field, to_pixels
from bus_toolkit.synth.marks import Point, stroke_stamp
from bus_toolkit.synth.stamps import Ink, Overlay, Painted, Stamp, Stroke

if TYPE_CHECKING:
    import numpy.typing as npt

Flow: TypeAlias = Literal["power", "velocity"]
SLOPE = 0.25
"""Largest sideways shift of a steered Doppler box over its height."""


def _ramp(values: npt.NDArray[np.floating], stops: tuple[tuple[int, int, int], ...]) -> npt.NDArray[np.float64]:
    """Colours along ``stops`` for values 0 to 1."""
    places = np.linspace(0, 1, len(stops))
    channels = [np.interp(values, places, [stop[channel] for stop in stops]) for channel in range(3)]
    return np.stack(channels, axis=-1)


POWER = ((90, 10, 0), (190, 40, 0), (240, 120, 10), (255, 220, 90))
TOWARDS = ((110, 0, 0), (220, 30, 10), (255, 150, 30), (255, 240, 120))
AWAY = ((0, 0, 110), (20, 40, 220), (40, 140, 255), (150, 240, 255))
STIFFNESS = ((20, 20, 200), (20, 200, 220), (40, 220, 60), (240, 220, 30), (220, 30, 20))


def doppler(
    rng: np.random.Generator,
    region: Box,
    ink: Ink,
    *,
    flow: Flow = "power",
    amount: float = 0.05,
    steered: bool = False,
) -> list[Stamp]:
    """A colour-flow box: its frame, and blobs of flow in it.

    Both stamps are of kind doppler and have the region as their box; roles are ``"frame"`` and ``"flow"``.
    ``amount`` is the share of the region that has colour, 0 for none at all (a frame alone).
    """
    lean = region.height * rng.uniform(-SLOPE, SLOPE) if steered else 0.0
    slope = float(np.clip(lean, -region.width / 2, region.width / 2))
    top, bottom, left, right = region.row0, region.row1 - 1, region.col0, region.col1 - 1
    inset = abs(slope)
    corners: list[Point] = [
        (top, left + max(slope, 0)),
        (top, right - inset + max(slope, 0)),
        (bottom, right - inset + max(-slope, 0)),
        (bottom, left + max(-slope, 0)),
    ]
    path = np.array([[col - left, row - top] for row, col in corners])
    inside = np.zeros((region.height, region.width), dtype=np.uint8)
    cv2.fillPoly(inside, [np.rint(path).astype(np.int32).reshape(-1, 1, 2)], (255.0,))
    frame = stroke_stamp(Kind.DOPPLER, [Stroke((*corners, corners[0]), 1.0)], ink, role="frame", smooth=False)
    stamps = [_boxed(frame, region)]
    if amount > 0:
        stamps.insert(0, _boxed(_flow(rng, region, inside > 0, flow, amount), region))
    return stamps


def _boxed(stamp: Stamp, box: Box) -> Stamp:
    return Stamp(kind=stamp.kind, at=stamp.at, alpha=stamp.alpha, colour=stamp.colour, role=stamp.role, box=box)


def _flow(rng: np.random.Generator, region: Box, inside: Mask, flow: Flow, amount: float) -> Stamp:
    shape = (region.height, region.width)
    scale = max(4.0, region.height * rng.uniform(0.05, 0.15))
    field = smooth_field(rng, shape, (scale, scale * rng.uniform(1, 3))) + 0.25 * smooth_field(rng, shape, (2, 3))
    level = float(np.quantile(field, 1 - amount))
    seen = (field > level) & inside
    speed = np.clip((field - level) / max(float(field.max()) - level, 1e-6), 0, 1)
    colour = _ramp(speed, POWER if flow == "power" else TOWARDS)
    if flow == "velocity":
        back = smooth_field(rng, shape, (scale * 4, scale * 4)) > 0.3  # noqa: PLR2004 - somewhat less than half
        colour = np.where(back[..., np.newaxis], _ramp(speed, AWAY), colour)
    alpha = np.where(seen, 255, 0).astype(np.uint8)
    return Stamp(kind=Kind.DOPPLER, at=(region.row0, region.col0), alpha=alpha, colour=to_pixels(colour), role="flow")


def colour_bar(at: tuple[int, int], length: int, width: int, *, flow: Flow = "power") -> Stamp:
    """The colour map of a flow picture as a bar."""
    values = np.linspace(1, 0, length)
    ramp = _ramp(values, POWER)
    if flow == "velocity":
        ramp = np.where((values > 0.5)[:, np.newaxis], _ramp(values * 2 - 1, TOWARDS), _ramp(1 - values * 2, AWAY))  # noqa: PLR2004
    colour = np.repeat(to_pixels(ramp)[:, np.newaxis], width, axis=1)
    alpha = np.full((length, width), 255, dtype=np.uint8)
    return Stamp(kind=Kind.GREY_BAR, at=at, alpha=alpha, colour=colour, role="colour")


def elastography(rng: np.random.Generator, region: Box, *, opacity: float = 0.45) -> Stamp:
    """A stiffness map laid over a region, half transparent."""
    shape = (region.height, region.width)
    field = smooth_field(rng, shape, (region.height * 0.25, region.width * 0.25))
    stiffness = np.clip(0.5 + field * 0.25, 0, 1)
    alpha = np.full(shape, round(255 * opacity), dtype=np.uint8)
    colour = to_pixels(_ramp(stiffness, STIFFNESS))
    return Stamp(
        kind=Kind.ELASTOGRAPHY, at=(region.row0, region.col0), alpha=alpha, colour=colour, role="map", box=region
    )


def spectral(rng: np.random.Generator, region: Box) -> Stamp:
    """A spectral Doppler strip: speeds over time on both sides of a baseline, on black with the noise of the gain.

    Arteries beat, veins sway; the band of speeds under the envelope is narrow or broad, flow the other way is mirrored
    faintly or strongly. Some strips show the baseline and the lines of a grid.
    """
    rows, cols = region.height, region.width
    base = round(rows * rng.uniform(0.25, 0.97))
    reach = (base if base > rows / 2 else rows - base) * rng.uniform(0.4, 0.9)
    envelope = reach * _beats(rng, cols)
    speed = (base - np.arange(rows))[:, np.newaxis] * (1 if base > rows / 2 else -1)
    share = speed / np.maximum(envelope, 1)
    band = rng.uniform(0.15, 1.2)
    power = np.where((share > 0) & (share < 1), np.exp(-np.abs(1 - share) / band), 0.0)
    mirror = np.where((share < 0) & (share > -1), np.exp(-np.abs(1 + share) / band), 0.0) * rng.choice([0.0, 0.15, 0.5])
    grain = rng.gamma(2.0, 0.5, (rows, cols))
    grain = np.asarray(cv2.GaussianBlur(grain.astype(np.float32), (0, 0), rng.uniform(0.4, 1.2)), dtype=np.float64)
    trace = rng.uniform(120, 230) * (power + mirror) * grain + rng.uniform(0, 10) * grain
    trace[np.abs(speed[:, 0]) < rng.uniform(0, 0.04) * rows] *= 0.15  # what the wall filter takes out
    if rng.random() < 0.7:  # noqa: PLR2004
        trace[base : base + 1] = rng.uniform(90, 230)
    if rng.random() < 0.3:  # noqa: PLR2004
        trace[:: max(8, rows // int(rng.integers(4, 9)))] = rng.uniform(40, 90)
    return _strip(Kind.SPECTRAL, region, trace)


def _beats(rng: np.random.Generator, cols: int) -> npt.NDArray[np.float64]:
    """An envelope of speeds over time, 0 to 1."""
    time = np.linspace(0, rng.uniform(2.5, 9), cols) + 0.05 * smooth_field(rng, (1, cols), (1, cols / 6))[0]
    phase = time % 1.0
    if rng.random() < 0.25:  # noqa: PLR2004 - a vein
        return np.asarray(np.clip(0.6 + 0.25 * np.sin(2 * np.pi * time), 0.05, 1), dtype=np.float64)
    rise = np.clip(phase * rng.uniform(5, 12), 0, 1)
    beat = rise * (np.exp(-rng.uniform(1.5, 6) * phase) + rng.uniform(0, 0.35))
    return np.asarray(beat / max(float(beat.max()), 1e-6), dtype=np.float64)


def mmode(rng: np.random.Generator, region: Box, image: Pixels) -> Stamp:
    """An M-mode strip: one beam of the picture over time, layers that move with a beat, speckle drawn out along it."""
    rows, cols = region.height, region.width
    grey = (image if image.ndim == 2 else image.mean(axis=2)).astype(np.float32)  # noqa: PLR2004 - grey
    wide = grey.shape[1]
    # The beam stays nearly where it is: tissue slides through it by a little.
    start = rng.uniform(0.2, 0.7) * wide
    across = start + rng.uniform(0.001, 0.012) * wide * smooth_field(rng, (1, cols), (1, cols / 5))
    depth = np.linspace(0, 1, rows)[:, np.newaxis]
    beat = _beats(rng, cols) if rng.random() < 0.6 else 0.5 + 0.5 * np.sin(np.linspace(0, rng.uniform(6, 40), cols))  # noqa: PLR2004
    moving = np.exp(-(((depth - rng.uniform(0.2, 0.8)) / rng.uniform(0.1, 0.5)) ** 2))
    down = np.clip(depth + rng.uniform(0.01, 0.12) * moving * (beat - 0.5), 0, 1) * (grey.shape[0] - 1)
    trace = cv2.remap(
        grey, np.broadcast_to(across, down.shape).astype(np.float32), down.astype(np.float32), cv2.INTER_LINEAR
    )
    speckle = cv2.GaussianBlur(
        rng.standard_normal((rows, cols)).astype(np.float32), (0, 0), sigmaX=rng.uniform(1, 4), sigmaY=0.8
    )
    return _strip(Kind.MMODE, region, trace * (1 + 0.12 * speckle / max(float(speckle.std()), 1e-6)))


def _strip(kind: Kind, region: Box, grey: npt.NDArray[np.floating]) -> Stamp:
    colour = np.repeat(to_pixels(grey)[..., np.newaxis], 3, axis=2)
    alpha = np.full(grey.shape, 255, dtype=np.uint8)
    return Stamp(kind=kind, at=(region.row0, region.col0), alpha=alpha, colour=colour, role="strip", box=region)


def dual_view(left: Pixels, right: Pixels, *, gap: int = 6, divider: int = 0) -> Painted:
    """Two pictures of the same kind and height side by side, a strip of grey ``divider`` between them.

    The overlay of kind dual view has the whole picture as its box and the strip as its mask.
    """
    shape = (left.shape[0], gap, *left.shape[2:])
    strip = np.full(shape, divider, dtype=np.uint8)
    image = np.concatenate([left, strip, right], axis=1)
    mask = np.zeros(image.shape[:2], dtype=np.bool_)
    mask[:, left.shape[1] : left.shape[1] + gap] = True
    overlay = Overlay(kind=Kind.DUAL_VIEW, box=Box.whole(image.shape), mask=mask, role="divider")
    return Painted(image=image, overlays=(overlay,))
