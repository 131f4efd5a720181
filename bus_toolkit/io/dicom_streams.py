"""Pixel data that stays as it is, less what is not picture.

A compressed frame can carry text besides the picture: comment and application segments of JPEG, tables that nothing
refers to, comment segments of JPEG 2000, boxes around a JPEG 2000 codestream, bytes behind the end marker. All of that
goes; the picture is not decoded and not changed.

Sources: ISO/IEC 10918-1 Annex B (JPEG), ISO/IEC 14495-1 Annex C (JPEG-LS), ISO/IEC 15444-1 Annexes A and I (JPEG 2000).
"""

from __future__ import annotations

from typing import Final

from bus_toolkit.io.stream_j2k import J2K_SOC, JP2_SIGNATURE, clean_j2k, codestream_of
from bus_toolkit.io.stream_jpeg import SOI, clean_jpeg
from bus_toolkit.io.stream_segments import corrupt

__all__ = ["clean_frame"]

EVEN: Final = 2


def clean_frame(frame: bytes) -> bytes:
    """One compressed frame without anything that is not picture; an even number of bytes.

    Raises
    ------
    InputError
        ``"corrupt"`` when it is no JPEG, JPEG-LS or JPEG 2000 stream, or its segments do not follow each other.
    """
    if frame.startswith(SOI):
        cleaned = clean_jpeg(frame)
    elif frame.startswith(JP2_SIGNATURE):
        cleaned = clean_j2k(codestream_of(frame))
    elif frame.startswith(J2K_SOC):
        cleaned = clean_j2k(frame)
    else:
        raise corrupt()
    return cleaned + bytes(len(cleaned) % EVEN)
