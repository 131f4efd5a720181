"""The frames of one DICOM file, decoded when somebody asks for them, one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, cast, final

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.errors import InputError
from bus_toolkit.io.dicom_pixels import PixelHeader, encoded_frames, iter_frames
from bus_toolkit.io.dicom_tone import Tone, is_fixed, tone_of
from bus_toolkit.io.quiet import quiet
from bus_toolkit.io.tone import COLOUR_NDIM, Samples, is_grey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydicom.dataset import Dataset

    from bus_toolkit.geometry import Pixels
    from bus_toolkit.io.pixel_bytes import PixelBytes

LOOKED_AT: Final = 31
"""Frames of a long clip that are kept for looking, besides the middle one and the one that differs most from it."""
THUMBNAIL: Final = 8
"""Frames are compared on every eighth pixel: what comes and goes and matters is larger than that."""
PLACES: Final = 8
"""Places of eight by eight pixels that a short text fills."""
UNUSUAL: Final = 1.3
LEAST_NEWS: Final = 3.0
"""Grey levels."""
MOST_OUTLIERS: Final = 12
"""Each costs a look for text."""
CHANNELS: Final = 3


@final
@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame as it is stored and as it is shown.

    Attributes
    ----------
    stored
        ``(rows, cols)`` stored values or palette indices, or ``(rows, cols, 3)`` RGB; YBR was turned into RGB.
    shown
        uint8, ``(rows, cols)`` or ``(rows, cols, 3)``, as a viewer shows it.
    """

    stored: Samples
    shown: npt.NDArray[np.uint8]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a clip is judged by, whatever its length.

    Attributes
    ----------
    frames
        All frames of a short clip; of a long one 31 evenly spread ones, the middle one, and the one that differs most
        from it. uint8 ``(frames, rows, cols)`` or ``(frames, rows, cols, 3)``.
    middle
        Index in ``frames`` of the clip's middle frame.
    extremes
        Smallest and largest value of each pixel over all frames; None when ``frames`` is all there is.
    outliers
        Indices in ``frames`` of those that differ from the frame before in a small place, more than the clip's frames
        do: where something was drawn, or ceased to be.
    """

    frames: npt.NDArray[np.uint8]
    middle: int
    extremes: tuple[Pixels, Pixels] | None
    outliers: tuple[int, ...] = ()


@final
class Clip:
    """The frames of one file. Holds where they are, never all of them.

    Parameters
    ----------
    dataset
        The header that describes them.
    header
        Its Image Pixel module, as checked.
    pixels
        Where the pixel data are.

    Raises
    ------
    InputError
        While frames are read: ``"truncated"``, ``"corrupt"``, ``"mixed-sizes"``, ``"no-decoder"``.
    """

    def __init__(self, dataset: Dataset, header: PixelHeader, pixels: PixelBytes) -> None:
        self.header, self.pixels = header, pixels
        self._dataset = dataset
        self._tone: Tone | None = None
        self._grey = False
        self._still: Samples | None = None

    def __repr__(self) -> str:
        return f"Clip({self.length} frames)"

    @property
    def length(self) -> int:
        """Number of frames."""
        return self.header.frames

    def _stored(self) -> Iterator[Samples]:
        """Stored values of every frame, native byte order, colour always with three channels."""
        if self._still is not None:
            yield self._still
            return
        frames = iter_frames(self._dataset, self.header, self.pixels)
        for _ in range(self.length):
            # Not around the loop: whoever takes the frames would then run under it, and it could end out of turn.
            with quiet():
                frame = next(frames, None)
            if frame is None:
                code, message = "truncated", "The file holds fewer frames than its header says."
                raise InputError(code, message)
            yield self._as_one(frame)

    def _as_one(self, frame: Samples) -> Samples:
        if frame.shape[:2] != (self.header.rows, self.header.cols):
            code, message = "mixed-sizes", "The frames of the file differ in size."
            raise InputError(code, message)
        if frame.dtype.byteorder not in "=|":
            frame = frame.astype(frame.dtype.newbyteorder("="))
        if self.header.samples == CHANNELS and frame.ndim < COLOUR_NDIM:
            frame = np.repeat(frame[..., np.newaxis], CHANNELS, axis=2)
        return frame

    def _prepare(self) -> Tone:
        """Find out what can be known of all frames only: the scale of deep pixels, and whether colour is colour."""
        if self._tone is not None:
            return self._tone
        if self.length == 1 and self._still is None:
            self._still = next(self._stored())
        low, high, grey, dtype = 0, 0, True, np.dtype(np.uint8)
        fixed = is_fixed(self._dataset, self.header)
        for number, frame in enumerate(self._stored()):
            dtype = frame.dtype
            low = min(int(frame.min()), low if number else int(frame.min()))
            high = max(int(frame.max()), high)
            grey = grey and frame.ndim == COLOUR_NDIM and is_grey(frame)
            if fixed and not grey:
                break
        if fixed:
            low, high = 0, np.iinfo(np.uint8).max
        with quiet():
            self._tone = tone_of(self._dataset, self.header, dtype, low, high)
        self._grey = grey
        return self._tone

    def _framed(self, stored: Samples, tone: Tone) -> Frame:
        shown = tone.shown(stored[..., 0] if self._grey else stored)
        return Frame(stored=stored, shown=shown)

    def frames(self) -> Iterator[Frame]:
        """Every frame in order, decoded anew at each call."""
        tone = self._prepare()
        yield from (self._framed(stored, tone) for stored in self._stored())

    def encoded(self) -> Iterator[bytes]:
        """The bytes of every frame as they are stored: a compressed stream, or plain values."""
        yield from encoded_frames(self.header, self.pixels)

    def stored_for(self, shown: npt.NDArray[np.uint8], before: Frame) -> Samples:
        """Stored values of an edited frame.

        Where it shows what ``before`` shows, the stored value is that of ``before``, bit for bit; elsewhere it is the
        one that is shown most like it.
        """
        changed = shown != before.shown
        where = changed.any(axis=2) if changed.ndim == COLOUR_NDIM else changed
        if not where.any():
            return before.stored
        result = before.stored.copy()
        values = self._prepare().stored(shown[where], result.dtype)
        result[where] = values[:, np.newaxis] if self._grey else values
        return result

    def look(self) -> Look:
        """See :class:`Look`. Reads every frame once, and those of deep pixels twice."""
        if self.length == 1:
            return Look(frames=np.stack([frame.shown for frame in self.frames()]), middle=0, extremes=None)
        gathered = _Gathering(self.length)
        for number, frame in enumerate(self.frames()):
            gathered.add(number, frame.shown)
        outliers = gathered.outliers()
        missing = {gathered.most_different(), *outliers} - set(gathered.kept)
        if missing:
            for number, frame in enumerate(islice(self.frames(), max(missing) + 1)):
                if number in missing:
                    gathered.kept[number] = frame.shown
        numbers = sorted(gathered.kept)
        extremes = (cast("Pixels", gathered.least), cast("Pixels", gathered.most))
        return Look(
            frames=np.stack([gathered.kept[number] for number in numbers]),
            middle=numbers.index(self.length // 2),
            extremes=extremes if len(numbers) < self.length else None,
            outliers=tuple(numbers.index(number) for number in outliers),
        )


class _Gathering:
    """What is kept of a clip while its frames pass."""

    def __init__(self, length: int) -> None:
        self.middle = length // 2
        spread = range(length) if length <= LOOKED_AT + 1 else np.linspace(0, length - 1, LOOKED_AT).round().tolist()
        self.wanted = {*map(int, spread), self.middle}
        self.kept: dict[int, npt.NDArray[np.uint8]] = {}
        self.before: npt.NDArray[np.uint8] | None = None
        self.news: list[float] = []
        self.thumbs: list[npt.NDArray[np.uint8]] = []
        self.least: npt.NDArray[np.uint8] | None = None
        self.most: npt.NDArray[np.uint8] | None = None

    def add(self, number: int, frame: npt.NDArray[np.uint8]) -> None:
        if self.least is None or self.most is None:
            self.least, self.most = frame.copy(), frame.copy()
        else:
            np.minimum(self.least, frame, out=self.least)
            np.maximum(self.most, frame, out=self.most)
        self.thumbs.append(frame[::THUMBNAIL, ::THUMBNAIL].copy())
        self.news.append(0.0 if self.before is None else _news(self.before, frame))
        self.before = frame
        if number in self.wanted:
            self.kept[number] = frame.copy()

    def most_different(self) -> int:
        middle = self.thumbs[self.middle].astype(np.int16)
        return int(np.argmax([np.abs(thumb - middle).mean() for thumb in self.thumbs]))

    def outliers(self) -> list[int]:
        """Frames with more news than the clip's usual, those with most first in line when there are too many."""
        usual = float(np.median(self.news[1:]))
        found = [number for number, news in enumerate(self.news) if news > UNUSUAL * usual + LEAST_NEWS]
        return sorted(sorted(found, key=lambda number: -self.news[number])[:MOST_OUTLIERS])


def _news(before: npt.NDArray[np.uint8], frame: npt.NDArray[np.uint8]) -> float:
    """How much the places that changed most changed, beyond what a frame changes everywhere; in grey levels."""
    change = cv2.absdiff(before, frame)
    if change.ndim == COLOUR_NDIM:
        change = change.max(axis=2)
    size = (max(1, change.shape[1] // THUMBNAIL), max(1, change.shape[0] // THUMBNAIL))
    blocks = np.sort(cv2.resize(change, size, interpolation=cv2.INTER_AREA), axis=None)
    return float(blocks[-PLACES:].mean()) - float(blocks[len(blocks) // 2])
