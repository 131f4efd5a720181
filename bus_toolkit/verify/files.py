"""The checks of one written file. Nothing is changed, and no report holds a value."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from bus_toolkit.deidentify.raster import PNG_SIGNATURE, check_no_metadata
from bus_toolkit.deidentify.search import Search
from bus_toolkit.errors import OutputError
from bus_toolkit.profile import Profile
from bus_toolkit.verify.leak import Leak

if TYPE_CHECKING:
    from pathlib import Path

    from bus_toolkit.deidentify import Identifiers

BASIC: Final = Profile()
PSEUDONYM: Final = re.compile(rb"\b[a-z][a-z2-7]{16}\b|\b2\.25\.\d{1,39}\b|\b[0-9a-f]{16,128}\b|data:image/[^\"')]*")
"""What the key makes, digests, and pictures inside a page: random letters, in which short words turn up by chance."""


def check_dicom_file(path: Path, identifiers: Identifiers, *, profile: Profile = BASIC) -> list[Leak]:
    """Check a written DICOM file: its structure, and every byte of it for the identifiers of its source.

    The preamble is zero; the file meta is the writer's; every attribute has a rule that leaves something; UIDs are the
    key's; the pixel data hold the picture and nothing else; no identifier stands in a value, and none of seven bytes or
    more (eleven in uncompressed pixels) stands anywhere in any encoding.
    """
    from bus_toolkit.verify.dicom import dicom_leaks

    return list(dict.fromkeys(dicom_leaks(path, identifiers, profile)))


def check_png_file(path: Path, identifiers: Identifiers) -> list[Leak]:
    """Check a written PNG file: picture chunks alone, and no identifier of seven bytes or more in its bytes."""
    data = path.read_bytes()
    try:
        check_no_metadata(data)
    except OutputError:
        return [Leak(what="structure", where="PNG chunks")]
    hit = Search(identifiers).in_bytes(memoryview(data)[len(PNG_SIGNATURE) :])
    return [Leak(what=hit.what, where="PNG picture data")] if hit else []


def check_text_file(path: Path, identifiers: Identifiers) -> list[Leak]:
    """Check a text file (CSV, JSON, HTML): no identifier of seven bytes or more in its bytes, in any encoding.

    What a run writes in words is made of the toolkit's own sentences, pseudonyms and numbers. A short name such as Gray
    may stand in them by design, so short words are no evidence there.
    """
    hit = Search(identifiers).in_bytes(PSEUDONYM.sub(b" ", path.read_bytes()))
    return [Leak(what=hit.what, where="text")] if hit else []


def check_name(name: str, identifiers: Identifiers) -> list[Leak]:
    """Check the name of an output, relative to its folder."""
    parts = PurePosixPath(name).parts[1:]
    stems = "/".join(PurePosixPath(part).stem for part in parts)
    plain = PSEUDONYM.sub(b" ", stems.encode("utf-8", "replace")).decode()
    return [Leak(what="identifier", where="file name")] if identifiers.found_in(plain) else []
