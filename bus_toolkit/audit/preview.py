"""Small pictures for people: the original with what was found drawn on it, and JPEG bytes for review and report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import cv2
import numpy as np

from bus_toolkit.audit.colours import FAN_COLOUR, KIND_COLOURS, Colour
from bus_toolkit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from bus_toolkit.geometry import Fan, Pixels
    from bus_toolkit.stage import Finding

MAX_SIDE: Final = 480
"""Pixels: two pictures side by side on a laptop's screen, and 10 px letters of an 800 px original can still be told."""
JPEG_QUALITY: Final = 80
_GREY: Final = 2
_KEY_ROW: Final = 18
_KEY_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_KEY_SCALE: Final = 0.4
_SWATCH: Final = 10
_PAD: Final = 6
_BLACK: Final[Colour] = (0, 0, 0)
_INK: Final[Colour] = (235, 235, 235)
_RIM: Final = 3
"""Black behind each line, wider than it, so that it shows on bright tissue as well."""
_GAP: Final = 2
"""Pixels between a finding and the line around it, so that it can still be seen."""
_SHIFT: Final = 4  # bits behind the binary point in coordinates for OpenCV


def shrink(pixels: Pixels, max_side: int = MAX_SIDE) -> Pixels:
    """The same picture with its longer side at most ``max_side``; never enlarged. Grey stays grey, RGB stays RGB.

    Raises
    ------
    ConfigError
        When ``pixels`` is not uint8 of shape ``(rows, cols)`` or ``(rows, cols, 3)``, or has no pixel.
    """
    good = pixels.ndim == _GREY or (pixels.ndim == _GREY + 1 and pixels.shape[2] == len(_INK))
    if pixels.dtype != np.uint8 or not good or pixels.size == 0 or max_side < 1:
        msg = f"a picture must be uint8, grey or RGB, not empty. Got {pixels.dtype} of shape {pixels.shape}"
        raise ConfigError(msg)
    factor = max_side / max(pixels.shape[:2])
    if factor >= 1:
        return pixels
    rows, cols = (max(1, round(n * factor)) for n in pixels.shape[:2])
    return cast("Pixels", cv2.resize(pixels, (cols, rows), interpolation=cv2.INTER_AREA))


def draw_before(pixels: Pixels, findings: Sequence[Finding], fan: Fan | None, max_side: int = MAX_SIDE) -> Pixels:
    """The original, shrunk, with the fan's outline, a box around each finding, and a key of the colours beneath.

    Parameters
    ----------
    pixels
        uint8, ``(rows, cols)`` or ``(rows, cols, 3)`` RGB: what was examined.
    findings, fan
        In the pixels of ``pixels``. A finding without a box is named in the key only.
    max_side
        Of the picture, in pixels; the key comes on top of that.

    Returns
    -------
    Pixels
        ``(rows, cols, 3)`` RGB, uint8.

    Raises
    ------
    ConfigError
        As :func:`shrink`.
    """
    small = shrink(pixels, max_side)
    canvas = np.array(small if small.ndim > _GREY else np.repeat(small[..., np.newaxis], 3, axis=2))
    lines = list(_lines(findings, fan, (canvas.shape[0] / pixels.shape[0], canvas.shape[1] / pixels.shape[1])))
    # All rims before all colours, so that no rim of one box covers the line of its neighbour.
    for points, _ in lines:
        _draw(canvas, points, _BLACK, _RIM)
    for points, colour in lines:
        _draw(canvas, points, colour, 1)
    return np.vstack([canvas, _key(findings, canvas.shape[1], fan=fan is not None)])


def encode_jpeg(pixels: Pixels, quality: int = JPEG_QUALITY) -> bytes:
    """JPEG bytes without any metadata. ``pixels`` as :func:`shrink`; ``quality`` 0 to 100.

    Raises
    ------
    ConfigError
        As :func:`shrink`.
    """
    checked = shrink(pixels, max(pixels.shape[:2], default=1))
    ordered = cv2.cvtColor(checked, cv2.COLOR_RGB2BGR) if checked.ndim > _GREY else checked
    done, data = cv2.imencode(".jpg", ordered, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        msg = f"a picture must fit into a JPEG file. Got shape {pixels.shape}"
        raise ConfigError(msg)
    return bytes(data)


def _lines(
    findings: Sequence[Finding], fan: Fan | None, scale: tuple[float, float]
) -> Iterator[tuple[npt.NDArray[np.float64], Colour]]:
    """Closed lines as ``(points, 2)`` of (row, col) in the shrunk picture, and their colours."""
    if fan is not None and fan.polygon:
        yield np.array(fan.polygon) * scale, FAN_COLOUR
    for finding in findings:
        colour = KIND_COLOURS[finding.kind]
        if finding.polygon:
            yield np.array(finding.polygon) * scale, colour
        if finding.box is not None:
            row0, col0, row1, col1 = np.array(finding.box.as_list()) * (*scale, *scale)
            # Through the middle of pixels, so that the line is one pixel wide and bright.
            top, left = np.floor(row0 - _GAP) + 0.5, np.floor(col0 - _GAP) + 0.5
            bottom, right = np.ceil(row1 + _GAP) - 0.5, np.ceil(col1 + _GAP) - 0.5
            yield np.array([(top, left), (top, right), (bottom, right), (bottom, left)]), colour


def _draw(canvas: Pixels, points: npt.NDArray[np.float64], colour: Colour, thickness: int) -> None:
    # A coordinate names the corner of a pixel, OpenCV names its centre: hence the half. OpenCV wants (col, row).
    inside = np.clip(points[:, ::-1] - 0.5, 0, (canvas.shape[1] - 1, canvas.shape[0] - 1))
    fixed = np.round(inside * (1 << _SHIFT)).astype(np.int32)[:, np.newaxis]
    cv2.polylines(canvas, [fixed], True, colour, thickness, cv2.LINE_AA, _SHIFT)  # noqa: FBT003 - OpenCV has no name


def _key(findings: Sequence[Finding], cols: int, *, fan: bool) -> Pixels:
    """A strip ``cols`` wide that names the colours in use; of no height when there is nothing to name."""
    kinds = {finding.kind for finding in findings}
    entries = [("sector", FAN_COLOUR)] if fan else []
    entries += [(str(kind).replace("_", " "), colour) for kind, colour in KIND_COLOURS.items() if kind in kinds]
    places, row, col = [], 0, _PAD
    for name, colour in entries:
        width = _SWATCH + _PAD + cv2.getTextSize(name, _KEY_FONT, _KEY_SCALE, 1)[0][0] + 2 * _PAD
        if col > _PAD and col + width > cols:
            row, col = row + 1, _PAD
        places.append((name, colour, row, col))
        col += width
    strip = np.zeros(((row + 1) * _KEY_ROW if entries else 0, cols, 3), dtype=np.uint8)
    for name, colour, line, left in places:
        top = line * _KEY_ROW + (_KEY_ROW - _SWATCH) // 2
        strip[top : top + _SWATCH, left : left + _SWATCH] = colour
        origin = (left + _SWATCH + _PAD, top + _SWATCH - 1)
        cv2.putText(strip, name, origin, _KEY_FONT, _KEY_SCALE, _INK, 1, cv2.LINE_AA)
    return strip
