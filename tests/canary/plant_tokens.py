"""Unique tokens that are valid for their value representation, and the search for them in every byte of an output."""

from __future__ import annotations

import base64
import binascii
import html
import re
import struct
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TEXT_VRS: Final = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
BINARY: Final = {"FD": "<d", "FL": "<f", "UL": "<L", "SL": "<l", "UV": "<Q", "SV": "<q"}
BLOBS: Final = frozenset({"OB", "OW", "OD", "OF", "OL", "OV", "UN"})
SHORT: Final[dict[str, Any]] = {"AS": "047Y", "US": 48879, "SS": 24301}
"""Too short to be unique; where they stand is looked at instead (see ``plant_walk``)."""
VRS: Final = (*sorted(TEXT_VRS), "AS", "DA", "DT", "TM", "DS", "IS", "UI", "AT", *BINARY, "US", "SS", *sorted(BLOBS))

WORD: Final = rb"qx(\d{6})zj"
"""Every text token, whatever its case, turned about or not; case is folded before the search."""
NUMBER: Final = rb"(?<!\d)713\d{6}(?!\d)"
UID: Final = rb"1\.2\.826\.0\.1\.3680043\.2\.77\.\d+\.5"
MARKS: Final = re.compile(rb"|".join((WORD, rb"jz(\d{6})xq", NUMBER, UID)))

_HEX: Final = re.compile(rb"(?:[0-9a-fA-F]{2}[ :,-]?){8,}")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{11,}")
_SEPARATORS: Final = re.compile(rb"(?<=\d)[-./: ,_](?=\d)")
_ESCAPED: Final = re.compile(rb"\\u00([0-9a-fA-F]{2})")


def _hex(data: bytes) -> Iterator[bytes]:
    for run in _HEX.findall(data):
        digits = re.sub(rb"[ :,-]", b"", run)
        for start in (0, 1):
            part = digits[start:]
            yield binascii.unhexlify(part[: len(part) // 2 * 2])


def _base64(data: bytes) -> Iterator[bytes]:
    for run in _BASE64.findall(data):
        plain = run.translate(bytes.maketrans(b"-_", b"+/"))
        for start in range(4):
            part = plain[start:]
            yield base64.b64decode(part[: len(part) // 4 * 4])


def views(data: bytes) -> Iterator[tuple[str, bytes]]:
    """What a reader could make of some bytes: themselves, and the forms in which text is commonly wrapped.

    Tokens are ASCII, so without zero bytes UTF-16 of either order, and UTF-32, become plain.
    """
    yield "bytes", data
    yield "utf-16", data.replace(b"\0", b"")
    yield "hex", b"\n".join(_hex(data))
    packed = b"\n".join(_base64(data))
    yield "base64", packed
    yield "base64 of utf-16", packed.replace(b"\0", b"")
    if b"&" in data:
        yield "html", html.unescape(data.decode("latin-1")).encode("utf-8", "replace")
    if b"\\u00" in data:
        yield "json", _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), data)
    if b"%" in data:
        yield "url", unquote_to_bytes(data)
    yield "separated digits", _SEPARATORS.sub(b"", data)


class Tokens:
    """Makes values, remembers them, and finds them again."""

    def __init__(self, first: int = 0) -> None:
        self.first = first
        self.made: dict[bytes, str] = {}
        self.count = 0
        """How many values were planted, the short ones that are not unique among them."""
        self._clocks: set[bytes] = set()

    def __len__(self) -> int:
        return self.count

    def text(self, where: str) -> str:
        """A token as text."""
        return str(self.value("LO", where))

    def value(self, vr: str, where: str) -> Any:
        """A new value that is valid for a value representation."""
        self.count += 1
        if vr in SHORT:
            return SHORT[vr]
        made, raw = self._new(vr, self.first + len(self.made))
        self.made[raw] = where
        if vr in {"DA", "DT", "TM"}:
            self._clocks.add(raw)
        return made

    @staticmethod
    def _new(vr: str, n: int) -> tuple[Any, bytes]:
        text = f"QX{n:06d}ZJ"
        if vr in TEXT_VRS:
            return {"PN": f"{text}^{text[::-1]}", "UR": f"http://{text}.example/"}.get(vr, text), text.encode()
        if vr in BLOBS:
            return f"{text:<16}".encode(), text.encode()
        if vr in {*BINARY, "AT"}:
            return _binary(vr, n)
        clock = f"{n // 3600 % 24:02d}{n // 60 % 60:02d}{n % 60:02d}.{(730000 + n) % 1000000:06d}"
        day = f"{1700 + n // 252 % 97}{1 + n // 28 % 9:02d}{1 + n % 28:02d}"
        number = str(713000000 + n)
        uid = f"1.2.826.0.1.3680043.2.77.{n}.5"
        value = {"UI": uid, "DA": day, "TM": clock, "DT": day + clock, "IS": number, "DS": number}[vr]
        return value, value.encode()

    def found_in(self, data: bytes, *, less: Iterable[str] = ()) -> list[str]:
        """Where the tokens were planted that are in ``data``, with the form in which they are; none when clean."""
        spared, found = set(less), dict[str, str]()
        for form, view in views(data):
            for mark in self._marks(view):
                found.setdefault(self._where(mark), form)
        # Binary numbers are in no other form than their own.
        for raw, where in self.made.items():
            if not MARKS.fullmatch(raw.lower()) and raw not in self._clocks and raw in data:
                found.setdefault(where, "bytes")
        return [f"{where} ({form})" for where, form in found.items() if where not in spared]

    def lost(self, data: bytes) -> list[str]:
        """Where the tokens were planted that are not in ``data``: a canary that is not there sees nothing."""
        return [where for raw, where in self.made.items() if raw not in data]

    def _marks(self, view: bytes) -> Iterator[bytes]:
        for match in MARKS.finditer(view.lower()):
            mark = match[0][::-1].upper() if match[0].startswith(b"jz") else match[0].upper()
            if mark in self.made or not mark.isdigit():
                yield mark
        if self._clocks:
            yield from (run for run in set(_runs(view)) if run in self._clocks)

    def _where(self, mark: bytes) -> str:
        # A token of another set is a find all the same; a number is one only when it was planted.
        return self.made.get(mark, "a token that was not planted here")


def _binary(vr: str, n: int) -> tuple[Any, bytes]:
    if vr == "AT":
        number = 0x5E000001 + n * 257
        return number, struct.pack("<HH", number >> 16, number & 0xFFFF)
    # The mantissa is full, so that the bytes are not mostly zero.
    value = {"FD": 30000001.0 + n * 17 + 1 / 3, "FL": 3000001.0 + n * 17}.get(vr, 0x5E5E0001 + n * 257)
    raw = struct.pack(BINARY[vr], value)
    return struct.unpack(BINARY[vr], raw)[0], raw


def _runs(view: bytes) -> Iterator[bytes]:
    """Runs of digits that may be dates and times: as they are, and their beginnings of eight digits."""
    for run in re.findall(rb"(?<![\d.])\d{6,14}(?:\.\d{6})?(?![\d])", view):
        yield run
        yield run[:8]


def encoded(token: str) -> dict[str, bytes]:
    """A token in the forms that the search must see through."""
    raw = token.encode()
    return {
        "ascii": b"--" + raw + b"--",
        "utf-8": "é".encode() + raw,
        "utf-16le": token.encode("utf-16-le"),
        "utf-16be": token.encode("utf-16-be"),
        "hex": raw.hex().encode(),
        "HEX, apart": raw.hex(":").upper().encode(),
        "base64": base64.b64encode(b"x" + raw + b"y"),
        "base64 of utf-16": base64.b64encode(b"abc" + token.encode("utf-16-le") + b"z"),
        "html": "".join(f"&#{ord(sign)};" for sign in token).encode(),
        "html, in hex": "".join(f"&#x{ord(sign):x};" for sign in token).encode(),
        "json": "".join(f"\\u{ord(sign):04x}" for sign in token).encode(),
        "url": "".join(f"%{byte:02x}" for byte in raw).encode(),
        "lower": token.lower().encode(),
        "turned about": raw[::-1],
    }
