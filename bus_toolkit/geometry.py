"""Boxes, polygons, masks and THE coordinate convention of the whole toolkit.

Every coordinate is ``(row, col)`` in pixels, the origin is the top left corner of the top left pixel, and every
interval is half-open: ``Box(0, 0, 1, 1)`` is exactly the first pixel. Masks are ``bool`` arrays of shape
``(rows, cols)`` in which ``True`` marks the thing that the mask is named after.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from bus_toolkit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""``(rows, cols)`` grey or ``(rows, cols, 3)`` RGB, uint8."""
Mask: TypeAlias = npt.NDArray[np.bool_]
"""``(rows, cols)`` bool."""
Polygon: TypeAlias = tuple[tuple[float, float], ...]
"""Vertices ``(row, col)``; closed by joining the last to the first."""


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A half-open rectangle ``[row0, row1) x [col0, col1)`` in pixels. May be empty, never inverted.

    Raises
    ------
    ConfigError
        When ``row1 < row0`` or ``col1 < col0``.
    """

    row0: int
    col0: int
    row1: int
    col1: int

    def __post_init__(self) -> None:
        if self.row1 < self.row0 or self.col1 < self.col0:
            msg = f"a box must have row0 <= row1 and col0 <= col1. Got {self.as_list()}"
            raise ConfigError(msg)

    @property
    def height(self) -> int:
        """Rows covered."""
        return self.row1 - self.row0

    @property
    def width(self) -> int:
        """Columns covered."""
        return self.col1 - self.col0

    @property
    def area(self) -> int:
        """Pixels covered."""
        return self.height * self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index a ``(rows, cols, ...)`` array with this to get the covered part (the box must not be negative)."""
        return slice(self.row0, self.row1), slice(self.col0, self.col1)

    def as_list(self) -> list[int]:
        """``[row0, col0, row1, col1]``."""
        return [self.row0, self.col0, self.row1, self.col1]

    @classmethod
    def from_list(cls, values: Sequence[float]) -> Box:
        """Inverse of :meth:`as_list`; a fractional box grows outwards to whole pixels."""
        row0, col0, row1, col1 = values
        return cls(int(np.floor(row0)), int(np.floor(col0)), int(np.ceil(row1)), int(np.ceil(col1)))

    @classmethod
    def whole(cls, shape: Sequence[int]) -> Box:
        """The box of a whole ``(rows, cols, ...)`` array."""
        return cls(0, 0, int(shape[0]), int(shape[1]))

    def shift(self, rows: int, cols: int) -> Box:
        """The same box moved down by ``rows`` and right by ``cols``."""
        return Box(self.row0 + rows, self.col0 + cols, self.row1 + rows, self.col1 + cols)

    def grow(self, pixels: int) -> Box:
        """Larger by ``pixels`` on every side; a negative number shrinks, down to empty."""
        row0, col0 = self.row0 - pixels, self.col0 - pixels
        return Box(row0, col0, max(row0, self.row1 + pixels), max(col0, self.col1 + pixels))

    def clip(self, shape: Sequence[int]) -> Box:
        """The part inside a ``(rows, cols, ...)`` array; empty when there is none."""
        rows, cols = int(shape[0]), int(shape[1])
        row0, col0 = min(max(self.row0, 0), rows), min(max(self.col0, 0), cols)
        row1, col1 = min(max(self.row1, row0), rows), min(max(self.col1, col0), cols)
        return Box(row0, col0, row1, col1)

    def intersect(self, other: Box) -> Box:
        """The common part; empty when there is none."""
        row0, col0 = max(self.row0, other.row0), max(self.col0, other.col0)
        return Box(row0, col0, max(row0, min(self.row1, other.row1)), max(col0, min(self.col1, other.col1)))

    def union(self, other: Box) -> Box:
        """The smallest box around both."""
        return Box(
            min(self.row0, other.row0),
            min(self.col0, other.col0),
            max(self.row1, other.row1),
            max(self.col1, other.col1),
        )

    def iou(self, other: Box) -> float:
        """Intersection over union, 0 to 1; 0 for two empty boxes."""
        common = self.intersect(other).area
        total = self.area + other.area - common
        return common / total if total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where an array sits in the frame that was read: ``offset`` is its top left pixel there.

    ``frame_shape`` is ``(rows, cols)`` of the frame that was read.
    """

    offset: tuple[int, int] = (0, 0)
    frame_shape: tuple[int, int]

    def to_frame(self, box: Box) -> Box:
        """Map a box of the array to the frame that was read."""
        return box.shift(*self.offset)

    def crop(self, box: Box) -> Placement:
        """The placement of the part ``box`` of the present array."""
        offset = (self.offset[0] + box.row0, self.offset[1] + box.col0)
        return Placement(offset=offset, frame_shape=self.frame_shape)


def mask_of_boxes(shape: Sequence[int], boxes: Iterable[Box]) -> Mask:
    """Mask of ``shape[:2]``, True under any of ``boxes``; what lies outside the array is ignored."""
    mask = np.zeros((int(shape[0]), int(shape[1])), dtype=np.bool_)
    for box in boxes:
        mask[box.clip(mask.shape).slices] = True
    return mask


def box_of_mask(mask: Mask) -> Box:
    """The smallest box around the True pixels; an empty box at the origin when there are none."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return Box(0, 0, 0, 0)
    return Box(int(rows[0]), int(cols[0]), int(rows[-1]) + 1, int(cols[-1]) + 1)


def encode_mask(mask: Mask) -> dict[str, Any]:
    """A mask as JSON: ``{"shape": [rows, cols], "bits": base64 of zlib of packed bits}``."""
    packed = zlib.compress(np.packbits(mask).tobytes(), 6)
    return {"shape": [int(n) for n in mask.shape], "bits": base64.b64encode(packed).decode("ascii")}


def decode_mask(data: Mapping[str, Any]) -> Mask:
    """Inverse of :func:`encode_mask`.

    Raises
    ------
    ConfigError
        When the data do not hold a mask of the shape that they name.
    """
    try:
        rows, cols = (int(n) for n in data["shape"])
        packed = np.frombuffer(zlib.decompress(base64.b64decode(data["bits"])), dtype=np.uint8)
        if packed.size != -(-rows * cols // 8):
            raise ValueError(packed.size)  # noqa: TRY301  becomes the one message below
        flat = np.unpackbits(packed, count=rows * cols)
        return cast("Mask", flat.reshape(rows, cols).astype(np.bool_))
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        msg = "an encoded mask must have 'shape' and 'bits' that agree. Got something else"
        raise ConfigError(msg) from error


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fan:
    """The insonified area of a picture, as a stage found it.

    Attributes
    ----------
    mask
        ``(rows, cols)`` bool, True where the picture is ultrasound.
    box
        The smallest box around the mask.
    polygon
        A simplified outline of the mask.
    shape
        ``"linear"``, ``"curved"``, ``"sector"``, ``"full"`` (fills the picture) or ``"unknown"``.
    background
        The colour of what lies outside: one grey value or three of RGB, 0 to 255.
    score
        Confidence, 0 to 1; documented in :mod:`bus_toolkit.fan`.
    """

    mask: Mask
    box: Box
    polygon: Polygon
    shape: str
    background: tuple[int, ...]
    score: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; :meth:`from_json` gives the same fan back."""
        return {
            "mask": encode_mask(self.mask),
            "box": self.box.as_list(),
            "polygon": [list(point) for point in self.polygon],
            "shape": self.shape,
            "background": list(self.background),
            "score": self.score,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fan:
        """Inverse of :meth:`to_json`."""
        return cls(
            mask=decode_mask(data["mask"]),
            box=Box.from_list(data["box"]),
            polygon=tuple((float(row), float(col)) for row, col in data["polygon"]),
            shape=str(data["shape"]),
            background=tuple(int(value) for value in data["background"]),
            score=float(data["score"]),
        )
