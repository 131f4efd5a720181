"""From a picture file to the square of grey values that a model takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from bus_toolkit.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

FITS: Final = ("pad", "squash", "crop")
"""How a picture becomes a square: black added to the short sides; both sides stretched; the long sides cut."""

Grey: TypeAlias = npt.NDArray[np.uint8]


def decode(data: bytes) -> Grey:
    """Grey values, ``(rows, cols)`` uint8, of a picture file (PNG and what else OpenCV reads; colour by BT.601 luma).

    Raises
    ------
    InputError
        With code ``"picture"`` when it is none.
    """
    import cv2

    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if decoded is None:
        msg = "a picture of a clean folder must be a readable PNG file. Got something else"
        raise InputError("picture", msg)
    return cast("Grey", decoded)


def fit_square(picture: Grey, size: int, fit: str = "pad") -> Grey:
    """Bring a grey picture to ``(size, size)``.

    Shrinking averages over areas (OpenCV ``INTER_AREA``), so that speckle does not alias; enlarging is bilinear.

    Parameters
    ----------
    picture
        ``(rows, cols)`` uint8, not empty.
    size
        Pixels a side, 1 or more.
    fit
        ``"pad"`` keeps the aspect ratio and adds black evenly on the short sides; ``"crop"`` keeps it and cuts the
        long sides evenly; ``"squash"`` does not keep it.

    Raises
    ------
    ConfigError
        When ``fit`` is another word.
    """
    fitter: dict[str, Callable[[Grey, int], Grey]] = {"pad": _pad, "squash": _squash, "crop": _crop}
    if fit not in fitter:
        msg = f"fit must be one of {', '.join(FITS)}. Got another"
        raise ConfigError(msg)
    return fitter[fit](picture, size)


def _resize(picture: Grey, rows: int, cols: int) -> Grey:
    import cv2

    if picture.shape == (rows, cols):
        return picture
    shrinks = rows * cols < picture.size
    resized = cv2.resize(picture, (cols, rows), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return cast("Grey", resized)


def _scaled(picture: Grey, scale: float) -> Grey:
    rows, cols = (max(1, round(side * scale)) for side in picture.shape)
    return _resize(picture, rows, cols)


def _pad(picture: Grey, size: int) -> Grey:
    small = _scaled(picture, size / max(picture.shape))[:size, :size]
    square = np.zeros((size, size), np.uint8)
    top, left = ((size - side) // 2 for side in small.shape)
    square[top : top + small.shape[0], left : left + small.shape[1]] = small
    return square


def _squash(picture: Grey, size: int) -> Grey:
    return _resize(picture, size, size)


def _crop(picture: Grey, size: int) -> Grey:
    rows, cols = picture.shape
    side = min(rows, cols)
    top, left = (rows - side) // 2, (cols - side) // 2
    return _resize(picture[top : top + side, left : left + side], size, size)
