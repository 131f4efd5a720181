"""What looks drawn and is not: bright lines, needles, calcifications, edges. Painted without any truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from bus_toolkit.synth.fields import smooth_field, to_pixels

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from bus_toolkit.geometry import Pixels

    Floats = npt.NDArray[np.float32]

CHANCE = 0.35
"""How often each sort is painted."""


def add_negatives(rng: np.random.Generator, image: Pixels) -> Pixels:
    """Paint things of tissue and probe over a copy of a picture, uint8 grey or RGB; the overlays come later."""
    light = np.zeros(image.shape[:2], dtype=np.float32)
    for paint in _SORTS:
        if rng.random() < CHANCE:
            light = np.maximum(light, paint(rng, image.shape[:2]))
    if not light.any():
        return image
    # Echoes have speckle: it tells them from what a machine draws.
    speckle = 1 + 0.25 * smooth_field(rng, image.shape[:2], (1.5, 2.5))
    shine = light * np.clip(speckle, 0.2, 1.6)
    if image.ndim == 3:  # noqa: PLR2004 - RGB
        tone = image.reshape(-1, 3).mean(axis=0)
        return to_pixels(np.maximum(image, shine[..., np.newaxis] * tone / max(float(tone.max()), 1.0)))
    return to_pixels(np.maximum(image, shine))


def _stroke(
    rng: np.random.Generator, shape: tuple[int, int], path: npt.NDArray[np.floating], width: float, level: float
) -> Floats:
    """A soft line; it fades along its length."""
    canvas = np.zeros(shape, dtype=np.uint8)
    points = np.rint(path[:, ::-1] * 8).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(canvas, [points], False, (255.0,), max(1, round(width)), cv2.LINE_AA, 3)  # noqa: FBT003
    soft = cv2.GaussianBlur(canvas.astype(np.float32) / 255, (0, 0), float(rng.uniform(0.5, 1.6)))
    fade = np.clip(0.75 + 0.5 * smooth_field(rng, shape, (shape[0] / 6, shape[1] / 6)), 0.0, 1.0)
    return np.asarray(soft / max(float(soft.max()), 1e-6) * fade * level, dtype=np.float32)


def _streaks(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Specular lines: fascia, Cooper's ligaments, reverberation."""
    light = np.zeros(shape, dtype=np.float32)
    for _ in range(int(rng.integers(1, 7))):
        row, col = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        length, bend = rng.uniform(10, shape[1] * 0.5), rng.normal(0, 0.12)
        t = np.linspace(-0.5, 0.5, 24)
        slope = rng.normal(0, 0.35)
        path = np.stack([row + length * (slope * t + bend * (t**2 - 0.08)), col + length * t], axis=1)
        light = np.maximum(light, _stroke(rng, shape, path, rng.uniform(1, 4), rng.uniform(120, 255)))
    return light


def _needle(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """A biopsy needle: long, straight, bright, with echoes of itself below."""
    row, slope = rng.uniform(0, shape[0] * 0.8), rng.uniform(-0.6, 0.6)
    start, stop = rng.uniform(-0.2, 0.3) * shape[1], rng.uniform(0.5, 1.2) * shape[1]
    level, gap = rng.uniform(160, 255), rng.uniform(4, 14)
    light = np.zeros(shape, dtype=np.float32)
    for echo in range(int(rng.integers(1, 4))):
        path = np.array([[row + echo * gap, start], [row + echo * gap + slope * (stop - start), stop]])
        light = np.maximum(light, _stroke(rng, shape, path, rng.uniform(1, 3), level * 0.6**echo))
    return light


def _grains(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Calcifications: bright grains of one to four pixels, in a cluster."""
    light = np.zeros(shape, dtype=np.float32)
    centre, spread = rng.uniform(0, 1, 2) * shape, rng.uniform(4, 60)
    for _ in range(int(rng.integers(3, 25))):
        row, col = np.rint(centre + rng.normal(0, spread, 2)).astype(int)
        if 0 <= row < shape[0] and 0 <= col < shape[1]:
            cv2.circle(light, (int(col), int(row)), int(rng.integers(0, 3)), (float(rng.uniform(140, 255)),), -1)
    return np.asarray(cv2.GaussianBlur(light, (0, 0), float(rng.uniform(0.4, 1.0))), dtype=np.float32)


def _skin(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """The bright double line of the skin, and the transducer's own face above it."""
    row, sag = rng.uniform(0, shape[0] * 0.12), rng.normal(0, shape[0] * 0.03)
    t = np.linspace(-0.5, 0.5, 32)
    light = np.zeros(shape, dtype=np.float32)
    for line in range(int(rng.integers(1, 4))):
        level_row = row + line * rng.uniform(4, 14) + sag * (t**2)
        path = np.stack([level_row, (t + 0.5) * shape[1]], axis=1)
        light = np.maximum(light, _stroke(rng, shape, path, rng.uniform(1, 5), rng.uniform(120, 255)))
    return light


def _wall(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """The bright rim of a cyst: a smooth closed curve that no machine drew."""
    centre, radii = rng.uniform(0.1, 0.9, 2) * shape, rng.uniform(8, max(9.0, shape[0] / 5), 2)
    angle = np.linspace(0, 2 * np.pi, 48)
    wobble = 1 + 0.1 * np.sin(angle * rng.integers(2, 5) + rng.uniform(0, 6))
    ring = np.stack([np.sin(angle) * radii[0], np.cos(angle) * radii[1]], axis=1) * wobble[:, np.newaxis]
    return _stroke(rng, shape, centre + ring, rng.uniform(1, 4), rng.uniform(110, 220))


_SORTS: tuple[Callable[[np.random.Generator, tuple[int, int]], Floats], ...] = (
    _streaks,
    _needle,
    _grains,
    _skin,
    _wall,
)
