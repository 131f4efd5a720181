"""JPEG and JPEG-LS streams without anything that is not picture (ISO/IEC 10918-1 Annex B, ISO/IEC 14495-1 Annex C).

Kept are the frame and scan headers, restart intervals, and the tables that a later scan refers to before they are
defined anew. Application and comment segments go, and so do reserved ones, other extensions and tables that nothing
uses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bus_toolkit.io.stream_segments import corrupt

if TYPE_CHECKING:
    from collections.abc import Iterator

SOI: Final = b"\xff\xd8"
EOI_BYTES: Final = b"\xff\xd9"
TEM, RST0, RST7, EOI, SOS, DQT, DHT, DAC = 0x01, 0xD0, 0xD7, 0xD9, 0xDA, 0xDB, 0xC4, 0xCC
DNL, DRI, APP0, APP14, LSE = 0xDC, 0xDD, 0xE0, 0xEE, 0xF8
FRAMES: Final = frozenset({*range(0xC0, 0xD0), 0xF7}) - {DHT, 0xC8, DAC}
"""Frame headers: SOF0 to SOF15 and that of JPEG-LS."""
EXACT: Final = {DNL: 4, DRI: 4, LSE: 13}
"""Segments of one length: numbers of lines, restart intervals, and coding parameters of JPEG-LS (LSE of type 1)."""
LSE_PARAMETERS: Final = 1
MARK: Final = 0xFF
"""First byte of every marker."""
END_OF_SCAN: Final = re.compile(rb"\xff(?=[\x80-\xcf\xd8-\xfe])")
"""A marker. Behind an FF, a smaller byte belongs to the entropy-coded data: zero in JPEG, below 80 in JPEG-LS."""
DQT_VALUES: Final = 64
DHT_COUNTS: Final = 16
HEAD: Final = 4
"""Bytes of a marker and its length."""

JFIF: Final = b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
"""A JFIF 1.01 segment without density and thumbnail: all that it still says is that the colours are YCbCr."""
ADOBE_NAME: Final = b"Adobe"
ADOBE_LENGTH: Final = 12


@dataclass(slots=True, eq=False)
class _Table:
    """One quantisation or coding table: its marker, its class and number in one byte, and whether a scan uses it."""

    marker: int
    name: int
    data: bytes
    used: bool = False


@dataclass(slots=True)
class _Reader:
    """What is known of a stream so far; ``parts`` are bytes that stay, or the tables of one segment."""

    parts: list[bytes | list[_Table]] = field(default_factory=list)
    tables: dict[tuple[int, int], _Table] = field(default_factory=dict)
    quantised: dict[int, int] = field(default_factory=dict)


def clean_jpeg(frame: bytes) -> bytes:
    """The stream from its start marker to its end marker.

    Raises
    ------
    InputError
        ``"corrupt"``.
    """
    reader, position = _Reader(), len(SOI)
    while True:
        position = _skip_fill(frame, position)
        marker = frame[position + 1]
        if marker == EOI:
            return b"".join((SOI, *map(_written, reader.parts), EOI_BYTES))
        if marker == TEM or RST0 <= marker <= RST7:
            position += 2
            continue
        length = int.from_bytes(frame[position + 2 : position + HEAD], "big")
        end = position + 2 + length
        if length < len(SOI) or end > len(frame):
            raise corrupt()
        _take(reader, marker, frame[position:end])
        position = end
        if marker == SOS:
            end = _scan_end(frame, position)
            reader.parts.append(frame[position:end])
            position = end


def _written(part: bytes | list[_Table]) -> bytes:
    """The bytes of a part; of a segment of tables those that are used, and nothing when none is."""
    if isinstance(part, bytes):
        return part
    body = b"".join(table.data for table in part if table.used)
    return bytes((MARK, part[0].marker)) + (len(body) + 2).to_bytes(2, "big") + body if body else b""


def _skip_fill(frame: bytes, position: int) -> int:
    """Where the next marker is; any number of FF bytes may stand before it."""
    while frame[position : position + 2] == b"\xff\xff":
        position += 1
    if len(frame) < position + 2 or frame[position] != MARK:
        raise corrupt()
    return position


def _take(reader: _Reader, marker: int, segment: bytes) -> None:
    """Book one segment: kept, kept as far as it is used, made bare, or left out."""
    if marker in {DQT, DHT}:
        found = list(_tables(marker, segment[HEAD:]))
        reader.tables |= {(marker, table.name): table for table in found}
        if found:
            reader.parts.append(found)
    elif marker in FRAMES:
        reader.quantised = _quantised(segment)
        reader.parts.append(segment)
    elif marker == SOS:
        _use(reader, segment)
        reader.parts.append(segment)
    elif marker in EXACT:
        if len(segment) != EXACT[marker] + 2 or (marker == LSE and segment[HEAD] != LSE_PARAMETERS):
            raise corrupt()
        reader.parts.append(segment)
    elif marker == DAC:
        reader.parts.append(segment)
    else:
        reader.parts.append(_colours(marker, segment[HEAD:]))


def _colours(marker: int, body: bytes) -> bytes:
    """A bare segment where the original says how the colours are stored, else nothing."""
    if marker == APP0 and body.startswith(b"JFIF\x00"):
        return b"\xff\xe0" + (len(JFIF) + 2).to_bytes(2, "big") + JFIF
    if marker == APP14 and body.startswith(ADOBE_NAME) and len(body) >= ADOBE_LENGTH:
        bare = ADOBE_NAME + b"\x00\x64" + bytes(4) + body[ADOBE_LENGTH - 1 : ADOBE_LENGTH]
        return b"\xff\xee" + (len(bare) + 2).to_bytes(2, "big") + bare
    return b""


def _tables(marker: int, body: bytes) -> Iterator[_Table]:
    """The tables of a segment; in each the first byte holds class or precision, and number."""
    position = 0
    while position < len(body):
        name = body[position]
        if marker == DQT:
            length = 1 + DQT_VALUES * (2 if name >> 4 else 1)
        else:
            length = 1 + DHT_COUNTS + sum(body[position + 1 : position + 1 + DHT_COUNTS])
        data = body[position : position + length]
        if len(data) < length:
            raise corrupt()
        # Two tables of one number and another precision are one and the same place.
        yield _Table(marker, name & 0x0F if marker == DQT else name, data)
        position += length


def _quantised(segment: bytes) -> dict[int, int]:
    """Number of the quantisation table by component, from a frame header (B.2.2)."""
    count = segment[9] if len(segment) > 9 else 0  # noqa: PLR2004 - where the header has it
    parts = segment[10:]
    if len(parts) != 3 * count:
        raise corrupt()
    return {parts[3 * index]: parts[3 * index + 2] for index in range(count)}


def _use(reader: _Reader, segment: bytes) -> None:
    """Mark the tables that a scan refers to (B.2.3)."""
    count = segment[HEAD] if len(segment) > HEAD else 0
    if len(segment) != HEAD + 1 + 2 * count + 3:
        raise corrupt()
    for index in range(count):
        component, pair = segment[HEAD + 1 + 2 * index : HEAD + 3 + 2 * index]
        wanted = [(DQT, reader.quantised.get(component, 0)), (DHT, pair >> 4), (DHT, 0x10 | pair & 0x0F)]
        for key in wanted:
            if key in reader.tables:
                reader.tables[key].used = True


def _scan_end(frame: bytes, position: int) -> int:
    """Where the entropy-coded data end: at the first marker that is no stuffed byte and no restart."""
    found = END_OF_SCAN.search(frame, position)
    if found is None:
        raise corrupt()
    return found.start()
