"""The checks of one written file. Nothing is changed, and no report holds a value."""

from __future__ import annotations

import html
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from bus_toolkit.deidentify.leak import Leak
from bus_toolkit.deidentify.raster import PNG_SIGNATURE, check_no_metadata
from bus_toolkit.deidentify.search import OWN, Search
from bus_toolkit.errors import OutputError
from bus_toolkit.profile import Profile

if TYPE_CHECKING:
    from pathlib import Path

    from bus_toolkit.deidentify import Identifiers

BASIC: Final = Profile()
_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})")


def check_dicom_file(path: Path, identifiers: Identifiers, *, profile: Profile = BASIC) -> list[Leak]:
    """Check a written DICOM file: its structure, and every byte of it for the identifiers of its source.

    The preamble is zero; the file meta is the writer's; every attribute has a rule that leaves something; UIDs are the
    key's; the pixel data hold the picture and nothing else; no identifier stands in a value, and none of seven bytes or
    more (eleven in uncompressed pixels) stands anywhere in any encoding.
    """
    from bus_toolkit.deidentify.check_bytes import dicom_leaks

    return list(dict.fromkeys(dicom_leaks(path, identifiers, profile)))


def check_png_file(path: Path, identifiers: Identifiers) -> list[Leak]:
    """Check a written PNG file: picture chunks alone, and no identifier of seven bytes or more in its bytes."""
    data = path.read_bytes()
    try:
        check_no_metadata(data)
    except OutputError:
        return [Leak(what="structure", where="PNG chunks")]
    hit = Search(identifiers, packed=True).in_bytes(memoryview(data)[len(PNG_SIGNATURE) :])
    return [Leak(what=hit.what, where="PNG picture data")] if hit else []


def check_text_file(path: Path, identifiers: Identifiers) -> list[Leak]:
    """Check a text file (CSV, JSON, HTML): no identifier of seven bytes or more in its bytes, in any encoding.

    What a run writes in words is made of the toolkit's own sentences, pseudonyms and numbers. A short name such as Gray
    may stand in them by design, so short words are no evidence there.
    """
    data, search = path.read_bytes(), Search(identifiers)
    plain = data.decode("utf-8", "replace")
    for form in dict.fromkeys((plain, html.unescape(plain), unquote(plain), _without_escapes(plain))):
        hit = search.in_writing(form.encode("utf-8", "replace") if form is not plain else data)
        if hit:
            return [Leak(what=hit.what, where="text")]
    return []


def _without_escapes(text: str) -> str:
    """A text of JSON with the letters that its escapes stand for (RFC 8259, section 7)."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "\\u" in text else text


def check_name(name: str, identifiers: Identifiers) -> list[Leak]:
    """Check the name of an output, relative to its folder."""
    parts = PurePosixPath(name).parts[1:]
    stems = "/".join(PurePosixPath(part).stem for part in parts)
    data = stems.encode("utf-8", "replace")
    found = identifiers.found_in(OWN.sub(b" ", data).decode()) or Search(identifiers).in_writing(data)
    return [Leak(what="identifier", where="file name")] if found else []
