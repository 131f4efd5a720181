"""Where the pixel data of one DICOM file lie, so that they can be read frame by frame."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Final, final

from pydicom.tag import Tag

from bus_toolkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydicom.dataset import Dataset

PIXEL_DATA: Final = 0x7FE00010
UNDEFINED: Final = 0xFFFFFFFF
DEFER: Final = 1 << 16
"""Values of more bytes than this stay in the file until somebody asks for them."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PixelBytes:
    """The value of PixelData: in memory, or a stretch of a file.

    ``length`` is None where it is not told (encapsulated data). ``vr`` is OB, OW or UN.
    """

    data: bytes | None = field(default=None, repr=False)
    path: Path | None = field(default=None, repr=False)
    offset: int = 0
    length: int | None = None
    vr: str = "OW"

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """A stream that stands at the first byte of the value.

        Raises
        ------
        InputError
            ``"unreadable"`` when the file is gone.
        """
        if self.data is not None:
            yield BytesIO(self.data)
            return
        try:
            stream = self.path.open("rb") if self.path is not None else BytesIO()
        except OSError:
            code, message = "unreadable", "The file cannot be opened or read."
            raise InputError(code, message) from None
        with stream:
            stream.seek(self.offset)
            yield stream

    @classmethod
    def of(cls, dataset: Dataset, path: Path | None = None) -> PixelBytes | None:
        """From a data set as it was read, with its value deferred or not; None where there is none."""
        raw = dataset.get_item(Tag(PIXEL_DATA), keep_deferred=True) if PIXEL_DATA in dataset else None
        if raw is None:
            return None
        vr = str(getattr(raw, "VR", None) or "OW")
        # Only what was left in the file has a length and no value.
        value, length = getattr(raw, "value", None), getattr(raw, "length", 0)
        if path is not None and value is None and length:
            offset = int(getattr(raw, "value_tell", 0))
            return cls(path=path, offset=offset, length=None if length == UNDEFINED else int(length), vr=vr)
        return cls(data=value if isinstance(value, bytes) else b"", vr=vr)

    @property
    def is_empty(self) -> bool:
        """Whether there is not a byte."""
        return self.data == b"" if self.data is not None else self.length == 0

    def starts_with(self, head: bytes) -> bool:
        """Whether the value begins with these bytes."""
        with self.open() as stream:
            return stream.read(len(head)) == head
