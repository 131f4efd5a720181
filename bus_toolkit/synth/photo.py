"""Photographs of a screen: the same scan as a telephone sees it, with everything that this does to a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.errors import ConfigError
from bus_toolkit.synth.fields import smooth_field, to_pixels
from bus_toolkit.synth.scene import compress_jpeg

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask, Pixels, Polygon

Light: TypeAlias = npt.NDArray[np.float32]
"""``(rows, cols, 3)`` float32, linear light, 1 is the screen's white."""
DISPLAY_GAMMA = 2.2
"""Exponent between pixel values and light of a display (IEC 61966-2-1 comes close to it)."""
MIN_SIDE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """How a screen is photographed.

    Attributes
    ----------
    yaw, pitch, roll
        Degrees that the telephone is turned from facing the screen: keystone to the side, keystone up, tilt.
    fill
        Width of the screen's picture over that of the photo; above 1 no bezel is in view.
    pitch_pixels
        Pixels of the photo for one pixel of the display: near 1 makes the broadest moire.
    grid
        Modulation by the display's dots that the lens leaves, 0 to 1.
    blur
        Standard deviation of the lens's blur in pixels.
    vignette
        Share of light lost in the corners, 0 to 1.
    uneven
        Deviation of the smooth unevenness of the light, as a share.
    ambient
        Light that the screen reflects everywhere, as a share of white.
    glare
        Light of the brightest reflection of a lamp, as a share of white; 0 for none.
    cast
        Gains of red, green and blue.
    noise
        Sensor noise at white, in grey values.
    quality
        Of the JPEG, 1 to 100.
    """

    yaw: float = 8.0
    pitch: float = 4.0
    roll: float = 2.0
    fill: float = 0.85
    pitch_pixels: float = 0.9
    grid: float = 0.15
    blur: float = 0.7
    vignette: float = 0.2
    uneven: float = 0.06
    ambient: float = 0.02
    glare: float = 0.0
    cast: tuple[float, float, float] = (0.95, 1.0, 1.05)
    noise: float = 3.0
    quality: int = 85


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Photo:
    """A photograph of a screen.

    ``image`` is ``(rows, cols, 3)`` RGB uint8; ``corners`` are the four corners of the screen's picture in it, from
    the top left clockwise, ``(row, col)``; ``mask`` is ``(rows, cols)`` bool, True where it shows.
    """

    image: Pixels
    corners: Polygon
    mask: Mask


def random_camera(rng: np.random.Generator) -> Camera:
    """A telephone held by hand in front of a console, from a careful photo to a careless one."""
    glare = rng.uniform(0.05, 0.6) if rng.random() < 0.4 else 0.0  # noqa: PLR2004
    return Camera(
        yaw=float(rng.normal(0, 9)),
        pitch=float(rng.normal(0, 6)),
        roll=float(rng.normal(0, 2.5)),
        fill=float(rng.uniform(0.65, 1.25)),
        pitch_pixels=float(rng.uniform(0.55, 1.8)),
        grid=float(rng.uniform(0.02, 0.35)),
        blur=float(rng.uniform(0.3, 1.3)),
        vignette=float(rng.uniform(0.0, 0.45)),
        uneven=float(rng.uniform(0.02, 0.15)),
        ambient=float(10 ** rng.uniform(-2.6, -1.2)),
        glare=glare,
        cast=(float(rng.uniform(0.8, 1.1)), float(rng.uniform(0.9, 1.05)), float(rng.uniform(0.85, 1.2))),
        noise=float(rng.uniform(1, 7)),
        quality=int(rng.integers(55, 96)),
    )


def photograph(rng: np.random.Generator, image: Pixels, camera: Camera | None = None) -> Photo:
    """Photograph a screen that shows ``image``.

    The photo has the size of ``image``. Moire is not drawn: the display's dots, three coloured stripes to a pixel,
    are sampled by the photo's pixels, and beat where the two grids come close.

    Parameters
    ----------
    rng
        Source of everything random; the same state gives the same pixels with the same library versions.
    image
        ``(rows, cols)`` grey or ``(rows, cols, 3)`` RGB, uint8, at least 32 pixels a side.
    camera
        None draws one at random.

    Raises
    ------
    ConfigError
        When a side is too short.
    """
    rows, cols = image.shape[:2]
    if min(rows, cols) < MIN_SIDE:
        msg = f"an image must have at least {MIN_SIDE} pixels a side. Got {rows} x {cols}"
        raise ConfigError(msg)
    used = random_camera(rng) if camera is None else camera
    rgb = image if image.ndim == 3 else np.repeat(image[..., np.newaxis], 3, axis=2)  # noqa: PLR2004 - RGB
    light = np.asarray((rgb.astype(np.float32) / 255) ** np.float32(DISPLAY_GAMMA), dtype=np.float32)
    matrix = _homography(used, (rows, cols))
    rim = round(0.02 * cols) + int(rng.integers(0, max(2, cols // 12)))
    scene = _console(rng, light, rim)
    shift = np.array([[1, 0, -rim], [0, 1, -rim], [0, 0, 1]], dtype=np.float64)
    size = (cols, rows)
    room = _room(rng, (rows, cols))
    view = cv2.warpPerspective(scene, matrix @ shift, size, flags=cv2.INTER_AREA)
    solid = cv2.warpPerspective(np.ones(scene.shape[:2], np.float32), matrix @ shift, size)[..., np.newaxis]
    shown = cv2.warpPerspective(np.ones((rows, cols), np.uint8), matrix, size) > 0
    view = np.asarray(view * solid + room * (1 - solid), dtype=np.float32)
    view = np.where(shown[..., np.newaxis], view * _dots(matrix, (rows, cols), used), view)
    seen = cv2.GaussianBlur(np.asarray(view, dtype=np.float32), (0, 0), used.blur)
    corners = cv2.perspectiveTransform(
        np.array([[[0, 0], [cols, 0], [cols, rows], [0, rows]]], dtype=np.float64), matrix
    )[0]
    return Photo(
        image=_develop(rng, _lit(rng, np.asarray(seen, dtype=np.float32), used), used),
        corners=tuple((float(row), float(col)) for col, row in corners),
        mask=shown,
    )


def _homography(camera: Camera, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """From ``(col, row)`` of the screen's picture to ``(col, row)`` of the photo: a pinhole two widths away."""
    rows, cols = shape
    yaw, pitch, roll = (np.deg2rad(angle) for angle in (camera.yaw, camera.pitch, camera.roll))
    turn_yaw = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    turn_pitch = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    turn_roll = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    turn = turn_roll @ turn_pitch @ turn_yaw
    away = 2.0 * cols / camera.fill
    # The screen is the plane z = 0 round its own centre; the photo is as wide as the screen at ``fill`` 1.
    plane = np.column_stack([turn[:, 0], turn[:, 1], [0, 0, away]])
    lens = np.array([[2.0 * cols, 0, cols / 2], [0, 2.0 * cols, rows / 2], [0, 0, 1]])
    centre = np.array([[1, 0, -cols / 2], [0, 1, -rows / 2], [0, 0, 1]], dtype=np.float64)
    return np.asarray(lens @ plane @ centre, dtype=np.float64)


def _console(rng: np.random.Generator, light: Light, rim: int) -> Light:
    """The screen's picture inside its bezel of one dull colour, with a lit inner edge."""
    dull = rng.uniform(0.002, 0.08) if rng.random() < 0.8 else rng.uniform(0.2, 0.5)  # noqa: PLR2004 - pale plastic
    framed = cv2.copyMakeBorder(light, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=(dull, dull, dull * 1.05))
    edge = max(1, rim // 12)
    inner = np.s_[rim - edge : framed.shape[0] - rim + edge, rim - edge : framed.shape[1] - rim + edge]
    lit = framed[inner].copy()
    framed[inner] = dull * rng.uniform(0.3, 2.0)
    framed[inner][edge:-edge, edge:-edge] = lit[edge:-edge, edge:-edge]
    return np.asarray(framed, dtype=np.float32)


def _room(rng: np.random.Generator, shape: tuple[int, int]) -> Light:
    """What lies behind the console: blurred, some colour or none."""
    level = rng.uniform(0.005, 0.25)
    tint = 1 + rng.normal(0, 0.15, 3)
    field = smooth_field(rng, shape, (shape[0] * 0.4, shape[1] * 0.4))
    return np.asarray(np.clip(level * (1 + 0.4 * field), 0, 1)[..., np.newaxis] * tint, dtype=np.float32)


def _dots(matrix: npt.NDArray[np.float64], shape: tuple[int, int], camera: Camera) -> Light:
    """Gain of each channel by the display's stripes, as the photo's pixels sample them."""
    row, col = np.meshgrid(np.arange(shape[0]) + 0.5, np.arange(shape[1]) + 0.5, indexing="ij")
    back = np.linalg.inv(matrix)
    depth = back[2, 0] * col + back[2, 1] * row + back[2, 2]
    across = (back[0, 0] * col + back[0, 1] * row + back[0, 2]) / depth
    down = (back[1, 0] * col + back[1, 1] * row + back[1, 2]) / depth
    dots = camera.fill / camera.pitch_pixels
    lines = 1 + 0.6 * camera.grid * np.cos(2 * np.pi * dots * down)
    stripes = [1 + camera.grid * np.cos(2 * np.pi * (dots * across - part / 3)) for part in range(3)]
    return np.asarray(np.stack(stripes, axis=-1) * lines[..., np.newaxis], dtype=np.float32)


def _lit(rng: np.random.Generator, view: Light, camera: Camera) -> Light:
    """Uneven light, vignette, reflections."""
    rows, cols = view.shape[:2]
    row, col = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, cols), indexing="ij")
    gain = 1 - camera.vignette * (row**2 + col**2) / 2
    gain *= np.clip(1 + camera.uneven * smooth_field(rng, (rows, cols), (rows * 0.7, cols * 0.7)), 0.3, 2)
    haze = camera.ambient * np.clip(1 + 0.5 * smooth_field(rng, (rows, cols), (rows * 0.6, cols * 0.6)), 0.1, 3)
    if camera.glare > 0:
        at, wide = rng.uniform(-0.9, 0.9, 2), rng.uniform(0.05, 0.4, 2)
        haze += camera.glare * np.exp(-0.5 * (((row - at[0]) / wide[0]) ** 2 + ((col - at[1]) / wide[1]) ** 2))
    return np.asarray(view * gain[..., np.newaxis] + haze[..., np.newaxis], dtype=np.float32)


def _develop(rng: np.random.Generator, light: Light, camera: Camera) -> Pixels:
    """The sensor's noise, white balance, the curve of the picture, JPEG."""
    exposed = np.clip(light * np.asarray(camera.cast, dtype=np.float32), 0, 1)
    values = 255 * exposed ** (1 / DISPLAY_GAMMA)
    grain = rng.standard_normal(values.shape).astype(np.float32)
    # Noise reduction leaves blotches rather than dots.
    grain = 0.6 * grain + 1.2 * cv2.GaussianBlur(grain, (0, 0), 1.2)
    return compress_jpeg(to_pixels(values + camera.noise * grain * (0.4 + 0.6 * exposed)), camera.quality)
