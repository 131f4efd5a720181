"""Descriptions cut down to words that are known to name no one (PS3.15 E.3.5, Clean Descriptors Option).

What stays is chosen, not what goes: a word stays when it stands in ``descriptor_words.csv`` and is no part of a name,
id or place of the same header. So a name that nobody knew of cannot stay.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from bus_toolkit.deidentify.table import read_rows

if TYPE_CHECKING:
    from bus_toolkit.deidentify.identifiers import Identifiers

LONGEST: Final = 64
"""Characters of LO; of longer kinds of text no more is kept."""
_PIECE: Final = re.compile(r"[^\W_]+|[^\w\s]")
_JOINING: Final = frozenset("/-+&,")


@lru_cache(maxsize=1)
def vocabulary() -> frozenset[str]:
    """The words that may stay, case-folded."""
    return frozenset(word for row in read_rows("descriptor_words.csv") for word in row["words"].split())


def cleaned(text: str, identifiers: Identifiers, longest: int = LONGEST) -> str:
    """The words of ``text`` that may stay, in their order, with one space between; empty when none may.

    At most ``longest`` characters of whole words.
    """
    kept: list[str] = []
    for piece in _PIECE.findall(unicodedata.normalize("NFC", text)):
        if piece in _JOINING or (piece.casefold() in vocabulary() and not identifiers.found_in(piece)):
            kept.append(piece)
        else:
            # What stood on both sides of a word that went was not joined.
            kept.append("")
    words = [
        piece
        for number, piece in enumerate(kept)
        if piece and (piece not in _JOINING or (_is_word(kept, number - 1) and _is_word(kept, number + 1)))
    ]
    while words and (len(" ".join(words)) > longest or words[-1] in _JOINING):
        words.pop()
    # Words that name nobody one by one may be an id together.
    short = " ".join(words)
    return "" if identifiers.found_in(short) else short


def _is_word(pieces: list[str], number: int) -> bool:
    return 0 <= number < len(pieces) and bool(pieces[number]) and pieces[number] not in _JOINING
