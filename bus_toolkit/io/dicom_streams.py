"""Pixel data that stays as it is, less what is not picture.

A compressed frame can carry text besides the picture: comment and application segments of JPEG, comment segments of
JPEG 2000, boxes around a JPEG 2000 codestream, bytes behind the end marker. Uncompressed values can carry it in bits
that are not in use and in bytes behind the last pixel. All of that goes; the picture is not decoded and not changed.

Sources: ISO/IEC 10918-1 Annex B (JPEG), ISO/IEC 14495-1 Annex C (JPEG-LS), ISO/IEC 15444-1 Annexes A and I (JPEG 2000).
"""

from __future__ import annotations

from typing import Final

from bus_toolkit.errors import InputError

SOI: Final = b"\xff\xd8"
J2K_SOC: Final = b"\xff\x4f"
J2K_END: Final = b"\xff\xd9"
JP2_SIGNATURE: Final = b"\x00\x00\x00\x0cjP  "

TEM, RST0, RST7, EOI, SOS, COM = 0x01, 0xD0, 0xD7, 0xD9, 0xDA, 0xFE
APP0, APP14, APP15 = 0xE0, 0xEE, 0xEF
JPEG_RESERVED: Final = range(0xF9, 0xFE)
"""JPG9 to JPG13: no decoder reads them. (F7 and F8 are JPEG-LS; JPG0 to JPG6 are extensions no one uses.)"""
J2K_COM, J2K_SOT, J2K_SOD, J2K_EOC = 0x64, 0x90, 0x93, 0xD9
SOT_LENGTH: Final = 12
PSOT_AT: Final = 6
MARK: Final = 0xFF
"""First byte of every marker."""
FIRST_MARKER: Final = 0x80
"""Behind an FF, a smaller byte belongs to the entropy-coded data: zero in JPEG, below this in JPEG-LS."""
LONG_BOX: Final = 16
SHORT_BOX: Final = 8

JFIF: Final = b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
"""A JFIF 1.01 segment without density and thumbnail: all that it still says is that the colours are YCbCr."""
ADOBE_NAME: Final = b"Adobe"
ADOBE_LENGTH: Final = 12


def clean_frame(frame: bytes) -> bytes:
    """One compressed frame without anything that is not picture; an even number of bytes.

    Raises
    ------
    InputError
        ``"corrupt"`` when it is no JPEG, JPEG-LS or JPEG 2000 stream, or its segments do not follow each other.
    """
    if frame.startswith(SOI):
        cleaned = _clean_jpeg(frame)
    elif frame.startswith(JP2_SIGNATURE):
        cleaned = _clean_j2k(_codestream_of(frame))
    elif frame.startswith(J2K_SOC):
        cleaned = _clean_j2k(frame)
    else:
        raise _corrupt()
    return cleaned if len(cleaned) % 2 == 0 else cleaned + b"\x00"


def _corrupt() -> InputError:
    return InputError("corrupt", "A frame of the pixel data is not built as its transfer syntax says.")


def _clean_jpeg(frame: bytes) -> bytes:
    kept, position = [SOI], len(SOI)
    while True:
        position = _skip_fill(frame, position)
        marker = frame[position + 1]
        if marker == EOI:
            return b"".join((*kept, b"\xff\xd9"))
        if marker == TEM or RST0 <= marker <= RST7:
            position += 2
            continue
        length = int.from_bytes(frame[position + 2 : position + 4], "big")
        end = position + 2 + length
        if length < len(SOI) or end > len(frame):
            raise _corrupt()
        kept.append(_jpeg_segment(marker, frame[position:end]))
        position = end
        if marker == SOS:
            end = _scan_end(frame, position)
            kept.append(frame[position:end])
            position = end


def _skip_fill(frame: bytes, position: int) -> int:
    """Where the next marker is; any number of FF bytes may stand before it."""
    while frame[position : position + 2] == b"\xff\xff":
        position += 1
    if len(frame) < position + 2 or frame[position] != MARK:
        raise _corrupt()
    return position


def _jpeg_segment(marker: int, segment: bytes) -> bytes:
    """The segment itself where it is picture, a bare form where it says how the colours are stored, else nothing."""
    body = segment[4:]
    if marker == APP0 and body.startswith(b"JFIF\x00"):
        return b"\xff\xe0" + (len(JFIF) + 2).to_bytes(2, "big") + JFIF
    if marker == APP14 and body.startswith(ADOBE_NAME) and len(body) >= ADOBE_LENGTH:
        bare = ADOBE_NAME + b"\x00\x64" + bytes(4) + body[ADOBE_LENGTH - 1 : ADOBE_LENGTH]
        return b"\xff\xee" + (len(bare) + 2).to_bytes(2, "big") + bare
    if APP0 <= marker <= APP15 or marker == COM or marker in JPEG_RESERVED:
        return b""
    return segment


def _scan_end(frame: bytes, position: int) -> int:
    """Where the entropy-coded data end: at the first marker that is no stuffed byte and no restart."""
    while True:
        position = frame.find(b"\xff", position)
        if position < 0 or position + 1 >= len(frame):
            raise _corrupt()
        following = frame[position + 1]
        if following >= FIRST_MARKER and not RST0 <= following <= RST7 and following != MARK:
            return position
        position += 1 if following == MARK else 2


def _codestream_of(frame: bytes) -> bytes:
    """The codestream inside the boxes of a JP2 file (ISO/IEC 15444-1 Annex I)."""
    position = 0
    while position + SHORT_BOX <= len(frame):
        length, kind = int.from_bytes(frame[position : position + 4], "big"), frame[position + 4 : position + 8]
        head = SHORT_BOX
        if length == 1:
            length, head = int.from_bytes(frame[position + 8 : position + LONG_BOX], "big"), LONG_BOX
        end = len(frame) if length == 0 else position + length
        if kind == b"jp2c":
            return frame[position + head : end]
        if end < position + head:
            break
        position = end
    raise _corrupt()


def _clean_j2k(stream: bytes) -> bytes:
    kept, position = [J2K_SOC], len(J2K_SOC)
    while True:
        marker, end = _j2k_segment(stream, position)
        if marker == J2K_EOC:
            return b"".join((*kept, J2K_END))
        if marker == J2K_SOT:
            part, position = _tile_part(stream, position)
            kept.append(part)
            continue
        if marker != J2K_COM:
            kept.append(stream[position:end])
        position = end


def _j2k_segment(stream: bytes, position: int) -> tuple[int, int]:
    """Second byte of the marker at ``position`` and where its segment ends."""
    if position + 2 > len(stream) or stream[position] != MARK:
        raise _corrupt()
    marker = stream[position + 1]
    if marker in {J2K_EOC, J2K_SOD}:
        return marker, position + 2
    length = int.from_bytes(stream[position + 2 : position + 4], "big")
    end = position + 2 + length
    if length < 2 or end > len(stream):  # noqa: PLR2004 - a length counts its own two bytes
        raise _corrupt()
    return marker, end


def _tile_part(stream: bytes, start: int) -> tuple[bytes, int]:
    """One tile part without comments, its length field set anew, and where the next one starts."""
    length = int.from_bytes(stream[start + PSOT_AT : start + PSOT_AT + 4], "big")
    stop = start + length if length else stream.rfind(J2K_END)
    if not start + SOT_LENGTH < stop <= len(stream):
        raise _corrupt()
    kept, position = [], start + SOT_LENGTH
    while True:
        marker, end = _j2k_segment(stream, position)
        if marker == J2K_SOD:
            break
        if marker != J2K_COM:
            kept.append(stream[position:end])
        position = end
    kept.append(stream[position:stop])
    body = b"".join(kept)
    head = stream[start : start + PSOT_AT] + (SOT_LENGTH + len(body)).to_bytes(4, "big")
    return head + stream[start + PSOT_AT + 4 : start + SOT_LENGTH] + body, stop
