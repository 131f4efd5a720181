"""From stored sample values to uint8 grey or RGB: one documented rule for each case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

Samples = npt.NDArray[Any]
"""Any integer or float array."""

WHITE: Final = 255
DEPTHS: Final = (1, 8, 10, 12, 14, 16, 32)
"""Bit depths that unsigned samples are taken to have when nothing else tells."""
PROBE_STEP: Final = 16
"""Every so many rows are compared first: a coloured picture is known as such after a sixteenth of the work."""
ALPHA_CHANNELS: Final = 4
COLOUR_NDIM: Final = 3


def to_uint8(samples: Samples, *, depth: int | None = None) -> npt.NDArray[np.uint8]:
    """Scale samples linearly to 0..255, rounding to nearest.

    Unsigned integers keep black at 0: full scale is ``2**depth - 1``, where an unnamed ``depth`` is the smallest
    of :data:`DEPTHS` (8 and above) that holds the largest sample, because 10 and 12 bit data usually come in 16 bit
    containers; 8 bit samples are returned as they are. Bool becomes 0 and 255. Signed integers and floats have no
    known black, so their smallest finite value becomes 0 and their largest 255 (a flat array becomes 0).

    Parameters
    ----------
    samples
        Any shape. The rule looks at all of it: give a clip whole, never frame by frame.
    depth
        Significant bits of unsigned samples, 1 to 32, when the header tells.
    """
    if samples.dtype == np.bool_:
        return samples.astype(np.uint8) * np.uint8(WHITE)
    if samples.dtype.kind == "u":
        bits = depth or depth_for(int(samples.max(initial=0)))
        if samples.dtype == np.uint8 and bits == 8:  # noqa: PLR2004 - a byte
            return cast("npt.NDArray[np.uint8]", samples)
        low, high = 0.0, float(2**bits - 1)
    else:
        low, high = _finite_range(samples)
    return stretch(samples, low, high)


def depth_for(largest: int) -> int:
    """The smallest of :data:`DEPTHS`, 8 and above, that holds the largest sample."""
    return next(bits for bits in DEPTHS[1:] if largest < 2**bits)


def _finite_range(samples: Samples) -> tuple[float, float]:
    if samples.dtype.kind == "f":
        samples = samples[np.isfinite(samples)]
    if samples.size == 0:
        return 0.0, 0.0
    return float(samples.min()), float(samples.max())


def stretch(samples: Samples, low: float, high: float) -> npt.NDArray[np.uint8]:
    """Map ``low..high`` to 0..255, rounding and clipping; row blocks keep the float copy small."""
    result = np.zeros(samples.shape, dtype=np.uint8)
    if high <= low:
        return result
    for index in range(len(samples)):
        part = np.nan_to_num(samples[index].astype(np.float64), nan=low, posinf=high, neginf=low)
        result[index] = np.clip(np.rint((part - low) * (WHITE / (high - low))), 0, WHITE).astype(np.uint8)
    return result


def over_black(samples: Samples) -> Samples:
    """Lay ``(rows, cols, 4)`` unsigned RGBA over black, so that what was transparent stays unseen.

    Dropping the alpha channel instead would show pixels that whoever made the file had hidden.
    """
    full = np.iinfo(samples.dtype).max
    colour, alpha = samples[..., :3], samples[..., 3:]
    if alpha.min() == full:
        return colour
    mixed = colour.astype(np.uint64) * alpha.astype(np.uint64)
    return ((mixed + full // 2) // full).astype(samples.dtype)


def is_grey(colour: Samples) -> bool:
    """Whether the three channels of ``(rows, cols, 3)`` are equal everywhere."""
    probe = colour[::PROBE_STEP]
    if not _equal_channels(probe):
        return False
    return _equal_channels(colour)


def _equal_channels(colour: Samples) -> bool:
    if colour.dtype in (np.uint8, np.uint16):
        first, second, third = cv2.split(np.ascontiguousarray(colour))
        return bool(np.array_equal(first, second) and np.array_equal(first, third))
    return bool((colour[..., 0] == colour[..., 1]).all() and (colour[..., 0] == colour[..., 2]).all())


def stack(frames: Iterable[Samples], count: int) -> Samples:
    """Gather ``count`` frames of one size: grey when every one is grey, else RGB.

    Parameters
    ----------
    frames
        ``(rows, cols)`` or ``(rows, cols, 3)`` of one dtype. A colour frame with equal channels counts as grey;
        a tint of one level in one pixel makes the clip RGB.
    count
        Frames that must come; further ones are not looked at.

    Returns
    -------
    numpy.ndarray
        ``(count, rows, cols)`` or ``(count, rows, cols, 3)``, of the frames' dtype.

    Raises
    ------
    InputError
        ``"truncated"`` when fewer frames come, ``"corrupt"`` when their sizes differ.
    """
    result: Samples | None = None
    for done, frame in enumerate(frames):
        plain = frame[..., 0] if frame.ndim == COLOUR_NDIM and is_grey(frame) else frame
        if result is None:
            result = np.empty((count, *plain.shape), dtype=plain.dtype)
        result = _put(result, done, plain)
        if done + 1 == count:
            return result
    code, message = "truncated", "The file holds fewer frames than its header says."
    raise InputError(code, message)


def _put(result: Samples, index: int, frame: Samples) -> Samples:
    """Write one frame, widening a grey clip to RGB at its first coloured frame."""
    if frame.shape[:2] != result.shape[1:3]:
        code, message = "mixed-sizes", "The frames of the file differ in size."
        raise InputError(code, message)
    if frame.ndim == COLOUR_NDIM and result.ndim == COLOUR_NDIM:
        wide = np.empty((*result.shape, 3), dtype=result.dtype)
        wide[:index] = result[:index, ..., np.newaxis]
        result = wide
    result[index] = frame if frame.ndim == result.ndim - 1 else frame[..., np.newaxis]
    return result
