"""How much one input may ask for, checked on headers before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from bus_toolkit.errors import ConfigError, InputError

MEBI = 2**20


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits against decompression bombs and against inputs that the machine cannot hold.

    Attributes
    ----------
    max_file_bytes
        Largest file that is read into memory, and largest stream that a deflated DICOM file may unfold to.
    max_stream_bytes
        Largest DICOM file, which is read frame by frame.
    max_frame_pixels
        Largest ``rows * cols`` of one frame: 8192 x 8192. The largest ultrasound picture met in the public
        collections that the toolkit was measured on has 1.9 million pixels.
    max_total_pixels
        Largest ``frames * rows * cols``: 5461 frames of 1024 x 768. They are never all in memory; this bounds the time.

    Raises
    ------
    ConfigError
        When a limit is below 1.
    """

    max_file_bytes: int = 2048 * MEBI
    max_stream_bytes: int = 65536 * MEBI
    max_frame_pixels: int = 64 * MEBI
    max_total_pixels: int = 4096 * MEBI

    def __post_init__(self) -> None:
        smallest = min(self.max_file_bytes, self.max_stream_bytes, self.max_frame_pixels, self.max_total_pixels)
        if smallest < 1:
            msg = f"limits must be at least 1. Got {smallest}"
            raise ConfigError(msg)

    def check_bytes(self, size: int) -> None:
        """Refuse an empty or too large file.

        Raises
        ------
        InputError
            ``"empty"`` or ``"too-large"``.
        """
        if size == 0:
            code, message = "empty", "The file is empty."
            raise InputError(code, message)
        if size > self.max_file_bytes:
            code, message = "too-large", f"The file holds more than the {self.max_file_bytes} bytes that are allowed."
            raise InputError(code, message)

    def check_stream(self, size: int) -> None:
        """Refuse an empty DICOM file, or one too large even to be read frame by frame.

        Raises
        ------
        InputError
            ``"empty"`` or ``"too-large"``.
        """
        self.check_bytes(min(size, self.max_file_bytes))
        if size > self.max_stream_bytes:
            code, message = "too-large", f"The file holds more than the {self.max_stream_bytes} bytes that are allowed."
            raise InputError(code, message)

    def check_pixels(self, rows: int, cols: int, frames: int = 1) -> None:
        """Refuse a picture without pixels or with too many; call it before decoding.

        Raises
        ------
        InputError
            ``"no-pixels"`` or ``"too-large"``.
        """
        if rows < 1 or cols < 1 or frames < 1:
            code, message = "no-pixels", "The header says that there are no rows, no columns or no frames."
            raise InputError(code, message)
        if rows * cols > self.max_frame_pixels:
            code, message = "too-large", f"One frame has more than the {self.max_frame_pixels} pixels that are allowed."
            raise InputError(code, message)
        if rows * cols * frames > self.max_total_pixels:
            code = "too-large"
            message = f"All frames together have more than the {self.max_total_pixels} pixels that are allowed."
            raise InputError(code, message)
