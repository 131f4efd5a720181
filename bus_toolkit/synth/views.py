"""Where the beams lie in the picture: linear, curved and sector fans, and the full frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import cv2
import numpy as np

from bus_toolkit.errors import ConfigError

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask
    from bus_toolkit.synth.fields import Field

FanShape: TypeAlias = Literal["linear", "curved", "sector", "full"]
FAN_SHAPES: tuple[FanShape, ...] = ("linear", "curved", "sector", "full")
CUT_CHANCE = 0.25
"""Share of linear fans that open downwards (virtual convex), as breast probes can."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """A map from the picture to beam space.

    ``depth`` and ``line`` are ``(rows, cols)`` float32, 0 to 1 inside the fan; ``mask`` is True inside.
    ``beam_shape`` is the number of samples and lines that gives about one sample a pixel.
    """

    depth: Field
    line: Field
    mask: Mask
    beam_shape: tuple[int, int]

    def convert(self, beams: Field) -> Field:
        """Scan conversion: ``(samples, lines)`` to ``(rows, cols)``, bilinear; outside the fan is 0."""
        samples, lines = beams.shape
        picture = cv2.remap(
            beams,
            self.line * (lines - 1),
            self.depth * (samples - 1),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.where(self.mask, picture, np.float32(0))


def make_view(rng: np.random.Generator, shape: tuple[int, int], fan: FanShape) -> View:
    """Lay a fan of the wanted kind into a picture of ``shape`` (rows, cols), with margins for overlays.

    Raises
    ------
    ConfigError
        When ``fan`` is not one of :data:`FAN_SHAPES`.
    """
    if fan == "full":
        return _affine(shape, (0, 0, shape[0], shape[1]))
    if fan == "linear":
        top, left = round(shape[0] * rng.uniform(0.03, 0.12)), round(shape[1] * rng.uniform(0.04, 0.16))
        bottom, right = round(shape[0] * rng.uniform(0.86, 0.97)), round(shape[1] * rng.uniform(0.84, 0.96))
        if rng.random() < CUT_CHANCE:
            half = rng.uniform(0.10, 0.24)
            return _polar(shape, (top, left, bottom, right), half, inner=1.0 / rng.uniform(1.25, 1.7))
        return _affine(shape, (top, left, bottom, right))
    if fan in ("curved", "sector"):
        top, bottom = round(shape[0] * rng.uniform(0.02, 0.10)), round(shape[0] * rng.uniform(0.90, 0.98))
        margin = round(shape[1] * rng.uniform(0.02, 0.10))
        if fan == "curved":
            half, inner = rng.uniform(0.45, 0.62), rng.uniform(0.25, 0.45)
        else:
            half, inner = rng.uniform(0.60, 0.78), rng.uniform(0.02, 0.06)
        return _polar(shape, (top, margin, bottom, shape[1] - margin), half, inner=inner)
    msg = f"fan must be one of {', '.join(FAN_SHAPES)}. Got {fan!r}"
    raise ConfigError(msg)


def _grid(shape: tuple[int, int]) -> tuple[Field, Field]:
    # Pixel centres, since coordinates are of pixel corners.
    row, col = np.meshgrid(np.arange(shape[0]) + 0.5, np.arange(shape[1]) + 0.5, indexing="ij")
    return row.astype(np.float32), col.astype(np.float32)


def _affine(shape: tuple[int, int], frame: tuple[int, int, int, int]) -> View:
    top, left, bottom, right = frame
    row, col = _grid(shape)
    depth = np.asarray((row - top) / max(bottom - top, 1), dtype=np.float32)
    line = np.asarray((col - left) / max(right - left, 1), dtype=np.float32)
    return _view(depth, line, (bottom - top, right - left))


def _polar(shape: tuple[int, int], frame: tuple[int, int, int, int], half: float, *, inner: float) -> View:
    """A ring sector that touches the frame: ``half`` its half angle in rad, ``inner`` its inner over outer radius."""
    top, left, bottom, right = frame
    row, col = _grid(shape)
    # The arc's top is at its edges (inner * cos(half)), its bottom at the middle.
    radius = min((bottom - top) / (1 - inner * np.cos(half)), (right - left) / (2 * np.sin(half)))
    apex_row, apex_col = top - radius * inner * np.cos(half), (left + right) / 2
    distance = np.hypot(row - apex_row, col - apex_col)
    angle = np.arctan2(col - apex_col, row - apex_row)
    depth = (distance / radius - inner) / (1 - inner)
    line = angle / (2 * half) + 0.5
    return _view(depth, line, (round(radius * (1 - inner)), round(2 * half * radius * (1 + inner) / 2)))


def _view(depth: Field, line: Field, beam_shape: tuple[int, int]) -> View:
    mask = (depth >= 0) & (depth < 1) & (line >= 0) & (line < 1)
    return View(
        depth=np.clip(depth, 0, 1).astype(np.float32),
        line=np.clip(line, 0, 1).astype(np.float32),
        mask=np.asarray(mask, dtype=np.bool_),
        beam_shape=(max(beam_shape[0], 2), max(beam_shape[1], 2)),
    )
