"""JPEG 2000 codestreams without anything that is not picture (ISO/IEC 15444-1 Annexes A and I).

Kept are the marker segments without which the picture cannot be decoded. Comments, registration, packet lengths and
unknown segments go; the table of tile part lengths stays when every entry is the length of a tile part that was not
changed.
"""

from __future__ import annotations

from typing import Final

from bus_toolkit.io.stream_segments import corrupt

J2K_SOC: Final = b"\xff\x4f"
J2K_END: Final = b"\xff\xd9"
JP2_SIGNATURE: Final = b"\x00\x00\x00\x0cjP  "
TLM, SOT, SOD, EOC = 0x55, 0x90, 0x93, 0xD9
NEEDED: Final = frozenset(
    {
        *(0x51, 0x52, 0x53, 0x5E, 0x5C, 0x5D, 0x5F, 0x60, 0x61),  # SIZ COD COC RGN QCD QCC POC PPM PPT
        *(0x50, 0x59, 0x56),  # CAP CPF PRF, of high-throughput streams (ISO/IEC 15444-15)
    }
)
SOT_LENGTH: Final = 12
PSOT_AT: Final = 6
MARK: Final = 0xFF
LONG_BOX: Final = 16
SHORT_BOX: Final = 8


def codestream_of(frame: bytes) -> bytes:
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
    raise corrupt()


def clean_j2k(stream: bytes) -> bytes:
    """The codestream from its start marker to its end marker.

    Raises
    ------
    InputError
        ``"corrupt"``.
    """
    head, tables, tiles, position = [J2K_SOC], [], [], len(J2K_SOC)
    same = True
    while True:
        marker, end = _segment(stream, position)
        if marker == EOC:
            break
        if marker == SOT:
            part, end = _tile_part(stream, position)
            same = same and part == stream[position:end]
            tiles.append(part)
        elif marker == TLM:
            tables.append(stream[position:end])
        elif marker in NEEDED:
            head.append(stream[position:end])
        position = end
    lengths = [length for table in tables for length in _told(table)]
    kept = tables if same and lengths == [len(tile) for tile in tiles] else []
    return b"".join((*head, *kept, *tiles, J2K_END))


def _told(table: bytes) -> list[int]:
    """The lengths in a TLM segment (A.7.1)."""
    sizes = table[5]
    number, length = sizes >> 4 & 3, 4 if sizes >> 6 & 1 else 2
    step, body = number + length, table[6:]
    if len(body) % step:
        return []
    return [int.from_bytes(body[at + number : at + step], "big") for at in range(0, len(body), step)]


def _segment(stream: bytes, position: int) -> tuple[int, int]:
    """Second byte of the marker at ``position`` and where its segment ends."""
    if position + 2 > len(stream) or stream[position] != MARK:
        raise corrupt()
    marker = stream[position + 1]
    if marker in {EOC, SOD}:
        return marker, position + 2
    length = int.from_bytes(stream[position + 2 : position + 4], "big")
    end = position + 2 + length
    if length < 2 or end > len(stream):  # noqa: PLR2004 - a length counts its own two bytes
        raise corrupt()
    return marker, end


def _tile_part(stream: bytes, start: int) -> tuple[bytes, int]:
    """One tile part without comments, its length field set anew, and where the next one starts."""
    length = int.from_bytes(stream[start + PSOT_AT : start + PSOT_AT + 4], "big")
    stop = start + length if length else stream.rfind(J2K_END)
    if not start + SOT_LENGTH < stop <= len(stream):
        raise corrupt()
    kept, position = [], start + SOT_LENGTH
    while True:
        marker, end = _segment(stream, position)
        if marker == SOD:
            break
        if marker in NEEDED:
            kept.append(stream[position:end])
        position = end
    kept.append(stream[position:stop])
    body = b"".join(kept)
    head = stream[start : start + PSOT_AT] + (SOT_LENGTH + len(body)).to_bytes(4, "big")
    return head + stream[start + PSOT_AT + 4 : start + SOT_LENGTH] + body, stop
