"""Smooth random fields: the raw material of tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from bus_toolkit.geometry import Pixels

Field: TypeAlias = npt.NDArray[np.float32]
"""``(rows, cols)`` float32."""


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], scale: tuple[float, float]) -> Field:
    """Gaussian field of mean 0 and standard deviation 1 that varies over about ``scale`` (rows, cols) pixels.

    Drawn on a coarse grid and interpolated, so that wide structures cost no more than narrow ones.
    """
    pad = 3
    grid = [max(2, round(2 * n / max(s, 1.0))) + 2 * pad for n, s in zip(shape, scale, strict=True)]
    coarse = cv2.GaussianBlur(rng.standard_normal(grid).astype(np.float32), (0, 0), 1.0)[pad:-pad, pad:-pad]
    field = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    spread = float(field.std())
    return np.asarray((field - field.mean()) / max(spread, 1e-6), dtype=np.float32)


def filaments(
    rng: np.random.Generator,
    shape: tuple[int, int],
    scale: tuple[float, float],
    thickness: float,
) -> Field:
    """Curved threads, 0 to 1: where a smooth field crosses zero, as fascia and septa do in a slice of tissue.

    ``thickness`` is the standard deviation of the thread's profile, in units of the field. Threads fade where they run
    along the beam, since a smooth surface sends the echo back only when it faces the probe; a second field cuts them
    into pieces.
    """
    field = smooth_field(rng, shape, scale)
    present = smooth_field(rng, shape, (scale[0] * 2, scale[1] * 1.5))
    steep = np.abs(np.diff(field, axis=0, prepend=field[:1]))
    sideways = np.abs(np.diff(field, axis=1, prepend=field[:, :1]))
    facing = steep**2 / np.maximum(steep**2 + 0.5 * sideways**2, 1e-12)
    thread = np.exp(-0.5 * (field / thickness) ** 2) * facing
    return np.asarray(thread / (1 + np.exp(-3.0 * present)), dtype=np.float32)


def displace(field: Field, down: Field, right: Field) -> Field:
    """Sample ``field`` at ``(row + down, col + right)``; edges are mirrored."""
    rows, cols = field.shape
    grid_col, grid_row = np.meshgrid(np.arange(cols, dtype=np.float32), np.arange(rows, dtype=np.float32))
    moved = cv2.remap(field, grid_col + right, grid_row + down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, dtype=np.float32)


def to_pixels(values: npt.NDArray[np.floating]) -> Pixels:
    """Round and clip to uint8."""
    return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)
