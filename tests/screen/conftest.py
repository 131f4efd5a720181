"""Made pictures for the screens: speckle in layers, and what may lie on it."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

Picture = np.ndarray


def _tissue(rows: int = 360, cols: int = 480, seed: int = 0) -> Picture:
    """Layered speckle, finer along rows than along columns: ``(rows, cols)`` uint8."""
    rng = np.random.default_rng(seed)
    field = rng.normal(size=(2, rows, cols)).astype(np.float32)
    speckle = [cv2.GaussianBlur(part, (0, 0), sigmaX=3.0, sigmaY=1.4) for part in field]
    amplitude = np.hypot(speckle[0], speckle[1])
    layers = cv2.GaussianBlur(rng.normal(size=(rows, cols)).astype(np.float32), (0, 0), sigmaX=60, sigmaY=9)
    loud = 20 * np.log10(amplitude / amplitude.mean() + 0.05) + 8 * layers / layers.std()
    return np.clip(105 + 3.2 * loud, 4, 250).astype(np.uint8)


@pytest.fixture
def tissue() -> Callable[..., Picture]:
    return _tissue


@pytest.fixture
def rgb() -> Callable[[Picture], Picture]:
    return lambda grey: np.repeat(grey[..., np.newaxis], 3, axis=2)


@pytest.fixture
def jpeg() -> Callable[..., Picture]:
    def encode(picture: Picture, quality: int = 85) -> Picture:
        coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])

    return encode


def _flow(picture: Picture, centre: tuple[int, int] = (200, 180)) -> Picture:
    """A red vessel that turns yellow in the middle, and a blue one beside it."""
    rows, cols = np.mgrid[: picture.shape[0], : picture.shape[1]]
    out = picture.copy()
    for col, hue in ((centre[1], "red"), (centre[1] + 70, "blue")):
        depth = np.clip(1 - np.hypot((rows - centre[0]) / 12, (cols - col) / 26), 0, 1)
        inside = depth > 0
        value = (90 + 165 * depth).astype(np.uint8)
        zero = np.zeros_like(value)
        warm = np.stack([value, (220 * depth**2).astype(np.uint8), zero], axis=2)
        cold = np.stack([zero, (160 * depth**2).astype(np.uint8), value], axis=2)
        out[inside] = (warm if hue == "red" else cold)[inside]
    return out


@pytest.fixture
def with_flow() -> Callable[..., Picture]:
    return _flow


@pytest.fixture
def with_map() -> Callable[..., Picture]:
    def lay(picture: Picture, box: tuple[int, int, int, int], alpha: float = 0.6) -> Picture:
        rows, cols = box[2] - box[0], box[3] - box[1]
        noise = np.random.default_rng(3).normal(size=(rows, cols)).astype(np.float32)
        smooth = cv2.GaussianBlur(noise, (0, 0), 25)
        level = ((smooth - smooth.min()) / np.ptp(smooth) * 255).astype(np.uint8)
        colours = cv2.applyColorMap(level, cv2.COLORMAP_JET)[..., ::-1]
        out = picture.copy()
        part = out[box[0] : box[2], box[1] : box[3]]
        out[box[0] : box[2], box[1] : box[3]] = (alpha * colours + (1 - alpha) * part).astype(np.uint8)
        return out

    return lay
