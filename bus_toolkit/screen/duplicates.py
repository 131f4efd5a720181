"""Near-duplicates: the same scan cropped, resized, brightened, written on or saved again.

A fingerprint is a small map of the picture with the local brightness and contrast taken out, so that gain does not
matter, and with thin bright marks taken out, so that what was drawn does not. Two are compared in two steps: a
coarse correlation between all pairs as one matrix product, and for the few pairs that pass, a correlation of the
fine maps over small shifts and scales, because a crop shifts and stretches them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bus_toolkit.geometry import Pixels

SIDE = 24
"""Rows and columns of the fine map. 32 finds no more near-duplicates and takes twice as long to align."""
COARSE_SIDE = 12
BASE = 128
"""Size at which marks and local brightness are taken out."""
MARK = 5
"""Side of the median, in pixels at that size, that takes out strokes of up to two pixels: letters and dotted lines."""
AROUND = 33
"""Side of the window of the local mean and deviation: a quarter of the picture."""
FLOOR = 6.0
"""Grey values added to the local deviation, so that noise in black is not stretched to full contrast."""
LEVELS, STEPS = 16, 3.0
"""A map is kept in 16 levels, 3 to a local standard deviation: finer levels change no comparison."""
HEX_DIGITS = SIDE * SIDE
COARSE_ALIKE = 0.6
"""Coarse correlation from which a pair is looked at closely. Over the 152 pairs of near-duplicates in 480 scans of
BUSI the smallest is 0.65; one pair of different scans in 6000 passes."""
HOPELESS = 0.45
"""Correlation at the best of the nine smallest shifts below which no larger shift or stretch helps."""
ALIKE = 0.68
"""Correlation of the aligned fine maps from which two scans are near-duplicates: finds 150 of those 152 pairs."""
SHIFT = 2
"""Largest shift, in pixels of the fine map: a crop by a twelfth of the picture on one side."""
SCALES = (0.94, 1.0, 1.06)
"""Stretch of one map against the other: a crop by a twentieth in all."""
STRUCTURE = 1.0
"""Standard deviation, in levels, below which a map shows nothing to compare: only an equal one is its duplicate."""
BLOCK = 2048
"""Fingerprints on each side of one block of the matrix product: keeps it to 16 MB."""
BATCH = 4096
"""Pairs aligned at a time: keeps that to 40 MB."""

Maps: TypeAlias = npt.NDArray[np.float32]


def fingerprint(pixels: Pixels) -> str:
    """A short code of what a picture shows, close for near-duplicates; compare with :func:`group` only.

    Parameters
    ----------
    pixels
        ``(rows, cols)`` grey or ``(rows, cols, 3)`` RGB, uint8, not empty: best cropped to the fan and cleaned.

    Returns
    -------
    str
        576 hexadecimal digits: 24 by 24 levels of 0 to 15, row by row.
    """
    grey = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)  # noqa: PLR2004  rows and cols
    base = cv2.resize(grey, (BASE, BASE), interpolation=cv2.INTER_AREA)
    plain = cv2.medianBlur(base, MARK).astype(np.float32)
    detail = plain - _smooth(plain)
    deviation = np.sqrt(np.maximum(_smooth(detail * detail), 0))
    even = cv2.resize(detail / (deviation + np.float32(FLOOR)), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    levels = np.clip(np.round(even * STEPS + (LEVELS - 1) / 2), 0, LEVELS - 1).astype(np.uint8).ravel()
    return bytes(levels[0::2] << 4 | levels[1::2]).hex()


def _smooth(picture: Maps) -> Maps:
    """Local mean; a box applied twice is close to a Gaussian and does not depend on the size of the window."""
    once = cv2.blur(picture, (AROUND, AROUND), borderType=cv2.BORDER_REPLICATE)
    return cast("Maps", cv2.blur(once, (AROUND, AROUND), borderType=cv2.BORDER_REPLICATE))


def group(fingerprints: Mapping[str, str]) -> dict[str, int]:
    """Put near-duplicates into one group, and what resembles nothing into a group of its own.

    Groups are closed over chains: when A resembles B and B resembles C, all three are one group. The result does not
    depend on the order of the mapping.

    Parameters
    ----------
    fingerprints
        Fingerprint by name, as :func:`fingerprint` gives it.

    Returns
    -------
    dict
        Number of the group by name. Groups are numbered from 0 in the order of their smallest name.

    Raises
    ------
    ConfigError
        When a fingerprint is not 576 hexadecimal digits.
    """
    names = sorted(fingerprints)
    if not names:
        return {}
    # Equal fingerprints need no comparison, and equal ones without structure could not be compared.
    codes = sorted(set(fingerprints.values()))
    maps = np.stack([_decode(code) for code in codes])
    parent = np.arange(len(codes))
    for one, other in _close_pairs(maps):
        first, second = _root(parent, one), _root(parent, other)
        parent[max(first, second)] = min(first, second)
    place = {code: index for index, code in enumerate(codes)}
    numbers: dict[int, int] = {}
    groups: dict[str, int] = {}
    for name in names:
        root = _root(parent, place[fingerprints[name]])
        groups[name] = numbers.setdefault(root, len(numbers))
    return groups


def similarity(one: str, other: str) -> float:
    """Correlation, -1 to 1, of two fingerprints at their best alignment; near-duplicates have 0.68 and more."""
    return float(_aligned(_decode(one)[np.newaxis], _decode(other)[np.newaxis])[0])


def _decode(code: str) -> Maps:
    try:
        packed = np.frombuffer(bytes.fromhex(code), dtype=np.uint8)
    except (ValueError, TypeError) as error:
        msg = f"a fingerprint must be {HEX_DIGITS} hexadecimal digits. Got something else"
        raise ConfigError(msg) from error
    if packed.size * 2 != HEX_DIGITS:
        msg = f"a fingerprint must be {HEX_DIGITS} hexadecimal digits. Got {2 * packed.size}"
        raise ConfigError(msg)
    levels = np.stack([packed >> 4, packed & 15], axis=1).reshape(SIDE, SIDE)
    return cast("Maps", levels.astype(np.float32) - np.float32((LEVELS - 1) / 2))


def _root(parent: npt.NDArray[np.int_], index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = int(parent[index])
    return index


def _close_pairs(maps: Maps) -> Iterator[tuple[int, int]]:
    """Indices of every pair of near-duplicates."""
    for one, other in _batches(_coarse_pairs(maps)):
        hopeful = _correlation(maps[one], maps[other], 1) >= HOPELESS
        one, other = one[hopeful], other[hopeful]  # noqa: PLW2901  the rest is of no use any more
        close = _aligned(maps[one], maps[other]) >= ALIKE
        yield from zip(one[close].tolist(), other[close].tolist(), strict=True)


def _coarse_pairs(maps: Maps) -> Iterator[tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]]:
    """Pairs whose coarse maps correlate, block by block."""
    factor = SIDE // COARSE_SIDE
    coarse = maps.reshape(-1, COARSE_SIDE, factor, COARSE_SIDE, factor).mean(axis=(2, 4)).reshape(len(maps), -1)
    coarse -= coarse.mean(axis=1, keepdims=True)
    coarse /= np.maximum(np.linalg.norm(coarse, axis=1, keepdims=True), 1e-6)
    coarse[maps.std(axis=(1, 2)) < STRUCTURE] = 0
    for row in range(0, len(maps), BLOCK):
        for col in range(row, len(maps), BLOCK):
            alike = coarse[row : row + BLOCK] @ coarse[col : col + BLOCK].T >= COARSE_ALIKE
            one, other = np.nonzero(np.triu(alike, 1) if row == col else alike)
            yield one + row, other + col


def _batches(
    pairs: Iterator[tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]],
) -> Iterator[tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]]:
    for one, other in pairs:
        for start in range(0, len(one), BATCH):
            yield one[start : start + BATCH], other[start : start + BATCH]


def _aligned(one: Maps, other: Maps) -> npt.NDArray[np.float32]:
    """Largest correlation of each pair over small shifts and scales, ``(pairs,)``."""
    best = np.full(len(one), -1.0, dtype=np.float32)
    for scale in SCALES:
        best = np.maximum(best, _correlation(one, _stretched(other, scale), SHIFT))
    return best


def _stretched(maps: Maps, scale: float) -> Maps:
    if scale == 1 or len(maps) == 0:
        return maps
    centre = (1 - scale) * (SIDE - 1) / 2
    matrix = np.array([[scale, 0, centre], [0, scale, centre]], dtype=np.float32)
    return np.stack([cv2.warpAffine(each, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE) for each in maps])


def _correlation(one: Maps, other: Maps, reach: int) -> npt.NDArray[np.float32]:
    """Largest correlation of each pair over shifts of up to ``reach`` pixels, of the part that overlaps."""
    best = np.full(len(one), -1.0, dtype=np.float32)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            first = _part(one, down, right)
            second = _part(other, -down, -right)
            length = np.sqrt((first * first).sum(axis=1) * (second * second).sum(axis=1))
            best = np.maximum(best, (first * second).sum(axis=1) / np.maximum(length, np.float32(1e-6)))
    return best


def _part(maps: Maps, down: int, right: int) -> Maps:
    """What is left of maps after a shift, ``(pairs, pixels)``, mean taken out."""
    rows = slice(max(0, down), SIDE + min(0, down))
    cols = slice(max(0, right), SIDE + min(0, right))
    flat = maps[:, rows, cols].reshape(len(maps), -1)
    return cast("Maps", flat - flat.mean(axis=1, keepdims=True))
