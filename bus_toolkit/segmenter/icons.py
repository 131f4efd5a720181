"""Filled icons: body marks as solid little drawings, as many machines have them instead of line drawings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from bus_toolkit.stage import Kind
from bus_toolkit.synth import Ink, Stamp, make_stamp

if TYPE_CHECKING:
    from bus_toolkit.geometry import Pixels

PROBE = 255
"""Coverage of the line that stands for the probe; the body is fainter."""


def filled_icon(rng: np.random.Generator, shape: tuple[int, int], colour: tuple[int, int, int]) -> Stamp:
    """A solid breast, or a pair, with a nipple and the probe on it, anywhere on a picture of ``(rows, cols)``."""
    size = int(np.clip(rng.uniform(0.06, 0.18) * min(shape), 14, 120))
    cover = np.zeros((size, size * 2), dtype=np.uint8)
    body = float(rng.uniform(90, 210))
    sides = (0.5,) if rng.random() < 0.5 else (0.27, 0.73)  # noqa: PLR2004 - one or two
    for side in sides:
        _breast(cover, (int(side * 2 * size), size // 2), int(size * rng.uniform(0.32, 0.45)), body)
    _probe(rng, cover)
    at = (int(rng.integers(0, max(1, shape[0] - size))), int(rng.integers(0, max(1, shape[1] - 2 * size))))
    return make_stamp(Kind.BODYMARK, cover, at, Ink(colour=colour), role="icon")


def _breast(cover: Pixels, centre: tuple[int, int], radius: int, body: float) -> None:
    cv2.circle(cover, centre, radius, (body,), -1, cv2.LINE_AA)
    cv2.circle(cover, centre, radius, (min(255.0, body + 60),), 1, cv2.LINE_AA)
    cv2.circle(cover, centre, max(1, radius // 5), (max(30.0, body - 60),), -1, cv2.LINE_AA)


def _probe(rng: np.random.Generator, cover: Pixels) -> None:
    middle = np.array([rng.uniform(0.3, 1.7) * cover.shape[0], rng.uniform(0.25, 0.75) * cover.shape[0]])
    angle, half = rng.uniform(0, np.pi), cover.shape[0] * rng.uniform(0.1, 0.22)
    way = half * np.array([np.cos(angle), np.sin(angle)])
    start, stop = ((round(float(x)), round(float(y))) for x, y in (middle - way, middle + way))
    cv2.line(cover, start, stop, (float(PROBE),), int(rng.integers(1, 4)), cv2.LINE_AA)
