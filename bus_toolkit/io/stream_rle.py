"""Run-length frames without anything that is not picture (DICOM PS3.5 Annex G).

A frame is a header of 16 numbers, how many segments there are and where each begins, and the segments, which unfold to
one byte of each pixel. Bytes of a segment behind its last pixel, between segments and behind the last one are not
picture, and neither are offsets of segments that are not there.
"""

from __future__ import annotations

import struct
from typing import Final

from bus_toolkit.io.stream_segments import corrupt

HEAD: Final = 64
MOST_SEGMENTS: Final = 15
LITERAL: Final = 128
"""Below: so many bytes and one follow as they are. Above: the next byte is repeated. The number itself does nothing."""
FULL: Final = 257


def clean_rle(frame: bytes, pixels: int) -> bytes:
    """The frame with its segments in a row and zeros where nothing is said; each must unfold to ``pixels`` bytes.

    Raises
    ------
    InputError
        ``"corrupt"``.
    """
    if len(frame) < HEAD:
        raise corrupt()
    count, *starts = struct.unpack_from("<16I", frame)
    if not 1 <= count <= MOST_SEGMENTS:
        raise corrupt()
    ends = [*starts[1:count], len(frame)]
    segments = [_segment(frame, start, end, pixels) for start, end in zip(starts, ends, strict=False)]
    offsets, place = [0] * MOST_SEGMENTS, HEAD
    for number, segment in enumerate(segments):
        offsets[number] = place
        place += len(segment)
    return struct.pack("<16I", count, *offsets) + b"".join(segments)


def _segment(frame: bytes, start: int, end: int, pixels: int) -> bytes:
    """The bytes that unfold to the pixels, and a zero where their number is odd."""
    if not HEAD <= start < end <= len(frame):
        raise corrupt()
    position, done = start, 0
    while done < pixels and position < end:
        sign = frame[position]
        if sign < LITERAL:
            position, done = position + sign + 2, done + sign + 1
        elif sign > LITERAL:
            position, done = position + 2, done + FULL - sign
        else:
            position += 1
    if done != pixels or position > end:
        raise corrupt()
    return frame[start:position] + bytes((position - start) % 2)
