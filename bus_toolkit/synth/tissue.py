"""A slice of breast in beam space: layers, lesion and what a lesion does to the beam behind it. All in decibel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import cv2
import numpy as np

from bus_toolkit.errors import ConfigError
from bus_toolkit.synth.fields import Field, displace, filaments, smooth_field

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask

LesionKind: TypeAlias = Literal["benign", "malignant", "normal", "cyst"]
LESION_KINDS: tuple[LesionKind, ...] = ("benign", "malignant", "normal", "cyst")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice:
    """What the beams meet.

    ``level_db`` is the scattering strength (0 is bright gland), ``path_db`` the two-way loss or gain of the beam; both
    ``(samples, lines)`` float32. ``lesion`` is True inside the lesion. Depths of the layers are 0 to 1.
    """

    level_db: Field
    path_db: Field
    lesion: Mask
    layers: dict[str, float]


def _soft(depth: Field, start: float, stop: float, edge: float) -> Field:
    """1 between two depths, 0 outside, with edges ``edge`` wide."""
    rise = 1 / (1 + np.exp(-np.clip((depth - start) / edge, -30, 30)))
    fall = 1 / (1 + np.exp(-np.clip((stop - depth) / edge, -30, 30)))
    return np.asarray(rise * fall, dtype=np.float32)


def make_layers(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Field, dict[str, float]]:
    """Skin, fat with septa, gland with ducts, retromammary fat, muscle with fascia streaks, chest wall.

    Returns
    -------
    tuple
        ``(samples, lines)`` decibel, and the depth, 0 to 1, at which each layer begins.
    """
    rows, cols = shape
    skin = rng.uniform(0.025, 0.05)
    fat = skin + rng.uniform(0.06, 0.25)
    gland = fat + rng.uniform(0.2, 0.35)
    muscle = gland + rng.uniform(0.03, 0.08)
    wall = muscle + rng.uniform(0.12, 0.3)
    layers = {"fat": skin, "gland": fat, "retromammary": gland, "muscle": muscle, "chest_wall": wall}
    depth = np.repeat(np.linspace(0, 1, rows, dtype=np.float32)[:, np.newaxis], cols, axis=1)
    level = np.zeros(shape, dtype=np.float32)
    for (start, stop), part in (
        ((skin, fat), _fat(rng, shape)),
        ((fat, gland), _gland(rng, shape)),
        ((gland, muscle), _fat(rng, shape) - 3),
        ((muscle, wall), _muscle(rng, shape)),
        ((wall, 9.0), _behind_wall(rng, shape)),
    ):
        level += _soft(depth, start, stop, rng.uniform(0.006, 0.02)) * part
    for line in (fat, gland, muscle, wall):
        strength = rng.uniform(2, 12) * (0.5 + 0.5 * np.clip(smooth_field(rng, (1, cols), (1, cols / 5)), -1, 1))
        level += np.exp(-0.5 * ((depth - line) / rng.uniform(0.003, 0.006)) ** 2) * strength
    down = smooth_field(rng, shape, (rows * 0.6, cols * 0.5)) * rows * rng.uniform(0.008, 0.03)
    down += smooth_field(rng, shape, (rows * 0.2, cols * 0.17)) * rows * rng.uniform(0.005, 0.014)
    down += smooth_field(rng, (1, cols), (1, cols)) * rows * 0.02
    # The skin lies flat against the probe: the warp fades in below it.
    down *= np.clip((depth - skin) / 0.1, 0, 1)
    level = displace(level, down.astype(np.float32), smooth_field(rng, shape, (rows / 4, cols / 4)) * cols * 0.01)
    return _skin(rng, level, depth, skin), layers


def _fat(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    rows, cols = shape
    septa = filaments(rng, shape, (rows * 0.11, cols * 0.28), 0.05)
    fine = filaments(rng, shape, (rows * 0.03, cols * 0.1), 0.14)
    lobes = smooth_field(rng, shape, (rows * 0.08, cols * 0.16))
    return np.asarray(rng.uniform(-17, -12) + 24 * septa + 14 * fine + 1.5 * lobes, dtype=np.float32)


def _gland(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    rows, cols = shape
    clumps = smooth_field(rng, shape, (rows * 0.09, cols * 0.16))
    strands = filaments(rng, shape, (rows * 0.025, cols * 0.11), 0.2)
    strands += filaments(rng, shape, (rows * 0.045, cols * 0.17), 0.1)
    septa = filaments(rng, shape, (rows * 0.08, cols * 0.3), 0.06)
    ducts = np.clip(smooth_field(rng, shape, (rows * 0.03, cols * 0.07)) - rng.uniform(0.7, 1.8), 0, 1)
    level = rng.uniform(-12, -6) + 3.5 * clumps + 14 * strands + 16 * septa - 12 * ducts
    return np.asarray(level, dtype=np.float32)


def _muscle(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    rows, cols = shape
    fascia = filaments(rng, shape, (rows * 0.04, cols * 0.5), 0.09)
    fibres = filaments(rng, shape, (rows * 0.018, cols * 0.17), 0.22)
    return np.asarray(rng.uniform(-20, -14) + 24 * fascia + 18 * fibres, dtype=np.float32)


def _behind_wall(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    rows, cols = shape
    pleura = filaments(rng, shape, (rows * 0.15, cols * 0.7), 0.05)
    echoes = filaments(rng, shape, (rows * 0.03, cols * 0.15), 0.15)
    haze = smooth_field(rng, shape, (rows * 0.15, cols * 0.15))
    return np.asarray(rng.uniform(-28, -18) + 16 * pleura + 7 * echoes + 3 * haze, dtype=np.float32)


def _skin(rng: np.random.Generator, level: Field, depth: Field, thickness: float) -> Field:
    inside = _soft(depth, -1.0, thickness, 0.003)
    band = rng.uniform(-9, -3) + 6 * np.exp(-0.5 * ((depth - 0.004) / 0.004) ** 2)
    band += rng.uniform(4, 9) * np.exp(-0.5 * ((depth - thickness) / 0.004) ** 2)
    return np.asarray(level * (1 - inside) + band * inside, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesion:
    """Where and how large, in samples and lines, and how it looks; see :func:`draw_lesion`."""

    kind: LesionKind
    centre: tuple[float, float]
    radii: tuple[float, float]
    tilt: float


def choose_lesion(
    rng: np.random.Generator, shape: tuple[int, int], kind: LesionKind, layers: dict[str, float]
) -> Lesion:
    """Place a lesion in or about the gland: benign ones lie flat, malignant ones tend to stand.

    Raises
    ------
    ConfigError
        When ``kind`` is not one of :data:`LESION_KINDS`.
    """
    if kind not in LESION_KINDS:
        msg = f"lesion must be one of {', '.join(LESION_KINDS)}. Got {kind!r}"
        raise ConfigError(msg)
    rows, cols = shape
    size = min(rows, cols) * rng.uniform(0.07, 0.2)
    aspect = {"malignant": rng.uniform(0.7, 1.3), "cyst": rng.uniform(1.0, 1.8)}.get(kind, rng.uniform(1.3, 2.2))
    radii = (size / np.sqrt(aspect), size * np.sqrt(aspect))
    row = rng.uniform(layers["gland"], layers["muscle"]) * rows
    lowest = layers["fat"] * rows + radii[0] * 1.1
    col = cols * rng.uniform(0.25, 0.75)
    return Lesion(kind=kind, centre=(max(row, lowest), col), radii=radii, tilt=rng.uniform(-0.35, 0.35))


def _outline(rng: np.random.Generator, kind: LesionKind, angle: Field) -> Field:
    """Relative radius by angle: smooth, lobed or spiculated."""
    rough = {"cyst": 0.02, "benign": 0.05}.get(kind, 0.13)
    radius = np.ones_like(angle)
    for order in range(2, 8):
        strength = rough * rng.standard_normal() / np.sqrt(order - 1)
        radius += strength * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
    if kind == "malignant":
        for _ in range(int(rng.integers(4, 11))):
            away = np.angle(np.exp(1j * (angle - rng.uniform(-np.pi, np.pi))))
            radius += rng.uniform(0.1, 0.4) * np.exp(-0.5 * (away / rng.uniform(0.06, 0.16)) ** 2)
    return np.asarray(np.clip(radius, 0.4, 1.9), dtype=np.float32)


def draw_lesion(rng: np.random.Generator, level: Field, lesion: Lesion) -> tuple[Field, Field, Mask]:
    """Put a lesion into a slice.

    Cysts are empty with a sharp wall, bright behind them and with thin shadows at their edges; benign masses are even,
    somewhat darker than gland; malignant ones are dark, uneven, with blurred spiculated margins, a bright rim and a
    shadow (the signs of the BI-RADS lexicon, D'Orsi et al., ACR BI-RADS Atlas 2013, ultrasound section).

    Returns
    -------
    tuple
        New level in dB, path gain in dB, and the mask of the lesion.
    """
    if lesion.kind == "normal":
        return level, np.zeros_like(level), np.zeros(level.shape, dtype=np.bool_)
    rows, cols = level.shape
    row, col = np.meshgrid(
        np.arange(rows, dtype=np.float32) - np.float32(lesion.centre[0]),
        np.arange(cols, dtype=np.float32) - np.float32(lesion.centre[1]),
        indexing="ij",
    )
    cos, sin = np.cos(lesion.tilt), np.sin(lesion.tilt)
    away_row, away_col = (row * cos - col * sin) / lesion.radii[0], (row * sin + col * cos) / lesion.radii[1]
    reach = np.hypot(away_row, away_col) / _outline(rng, lesion.kind, np.arctan2(away_row, away_col).astype(np.float32))
    edge = {"cyst": 0.03, "benign": 0.05}.get(lesion.kind, rng.uniform(0.08, 0.16))
    inside = 1 / (1 + np.exp(np.clip((reach - 1) / edge, -30, 30)))
    texture = smooth_field(rng, (rows, cols), (rows * 0.04, cols * 0.05))
    near = reach < 2  # noqa: PLR2004 - twice its radius
    around = float(np.median(level[near])) if bool(near.any()) else -6.0
    if lesion.kind == "cyst":
        core = np.full_like(level, rng.uniform(-60, -38))
    elif lesion.kind == "benign":
        core = np.asarray(around - rng.uniform(8, 15) + 1.6 * texture, dtype=np.float32)
    else:
        core = np.asarray(around - rng.uniform(11, 19) + 4 * texture, dtype=np.float32)
    rim = np.exp(-0.5 * ((reach - 1.12) / 0.09) ** 2) * {"cyst": 3.0, "benign": 4.0}.get(lesion.kind, 6.0)
    blended = level * (1 - inside) + core * inside + rim * (1 - inside)
    mask = np.asarray(reach < 1, dtype=np.bool_)
    return np.asarray(blended, dtype=np.float32), _path(rng, lesion, mask, row, col), mask


def _path(rng: np.random.Generator, lesion: Lesion, mask: Mask, row: Field, col: Field) -> Field:
    """Gain or loss behind the lesion: what each line met so far, spread a little sideways as a beam is wide."""
    full = {"cyst": rng.uniform(7, 12), "benign": rng.uniform(-2, 5)}.get(lesion.kind, rng.uniform(-20, -9))
    met = np.cumsum(mask, axis=0, dtype=np.float32) / np.float32(2 * lesion.radii[0])
    path = full * np.clip(met, 0, 1) * np.exp(-np.clip(row, 0, None) / (lesion.radii[0] * rng.uniform(4, 9)))
    if lesion.kind in ("cyst", "benign"):
        for side in (-1.0, 1.0):
            thin = np.exp(-0.5 * ((col - side * lesion.radii[1] * 0.97) / (lesion.radii[1] * 0.07)) ** 2)
            path = path - rng.uniform(2, 6) * thin * (row > 0)
    spread = max(lesion.radii[1] * 0.06, 0.8)
    return np.asarray(cv2.GaussianBlur(path.astype(np.float32), (0, 0), sigmaX=spread, sigmaY=spread), dtype=np.float32)


def make_slice(rng: np.random.Generator, shape: tuple[int, int], kind: LesionKind) -> Slice:
    """Layers, lesion, depth loss that the gain does not make up for, and dark lines where the probe lost contact."""
    rows, cols = shape
    level, layers = make_layers(rng, shape)
    level, path, mask = draw_lesion(rng, level, choose_lesion(rng, shape, kind, layers))
    depth = np.linspace(0, 1, rows, dtype=np.float32)[:, np.newaxis]
    knee = rng.uniform(0.35, 0.75)
    path -= np.clip(depth - knee, 0, None) / (1 - knee) * rng.uniform(4, 20)
    path += smooth_field(rng, (rows, 1), (rows * 0.25, 1)) * 1.5
    shade = smooth_field(rng, (1, cols), (1, cols * 0.15))
    path += np.clip(shade, -2.5, 0.3) * rng.uniform(1, 4) * np.clip(depth * 4, 0, 1)
    path += smooth_field(rng, (1, cols), (1, 3)) * 0.35
    return Slice(level_db=level, path_db=np.asarray(path, dtype=np.float32), lesion=mask, layers=layers)
