"""Text into tokens: numbers, terms of the vocabulary, signs, and everything else without its letters."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bus_toolkit.annotation.vocabulary import LONGEST, TERMS

MOST_SIGNS: Final = 400
"""Longest text that is looked at; operators write less."""
LEAST_GLUED: Final = 2
"""Fewest letters of a term within a word that several terms make up."""
NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)?$")
PIECES: Final = re.compile(r"\d{1,2}(?::\d{2})+|\d+(?:[.,]\d+)?|o'c(?:lock)?|[^\W\d_]+|[^\w\s]|_")
JOINTS: Final = re.compile(r"(?<=[^\W\d_])[-./](?!\S*\d)")
"""Dots, dashes and strokes after a letter."""
ZERO: Final = re.compile(r"(?<=\d)o(?=[\d.,]|\s*(?:h\b|uhr|cm|mm|o'?c))|\b0(?='?\s?c(?:lock)?\b)")
"""An O read for a nought, and a nought read for the O of O'CLOCK."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes
    ----------
    sort
        ``number``, ``time`` (parted by colons), ``sign``, ``other``, or the sort of a term.
    meaning
        Of a term, the sign itself, or nothing. Never a word that the vocabulary does not have.
    value
        Of a number; hours of a time.
    minutes
        Of a time.
    """

    sort: str
    meaning: str = ""
    value: float = 0.0
    minutes: int = 0


def plain(text: str) -> str:
    """Lower case, without accents, quotes and dashes of one form, and noughts where an O was read for one."""
    flat = unicodedata.normalize("NFKD", text[:MOST_SIGNS].casefold())
    flat = "".join(sign for sign in flat if not unicodedata.combining(sign))
    flat = flat.translate({0x2019: "'", 0x2018: "'", 0x60: "'", 0xB4: "'", 0x2013: "-", 0x2014: "-", 0xD7: "x"})
    return ZERO.sub(lambda found: "0" if found.group() == "o" else "o", flat)


def tokens_of(text: str) -> list[Token]:
    """The tokens of a line of text, longest phrases first."""
    # Dots end abbreviations and dashes part words: "LT. BREAST", "ANTI-RADIAL".
    pieces = PIECES.findall(JOINTS.sub(" ", plain(text)))
    words = [part for piece in pieces for part in _unglued(piece)]
    tokens: list[Token] = []
    at = 0
    while at < len(words):
        token, used = _longest(words, at)
        tokens.append(token)
        at += used
    return tokens


def _longest(words: list[str], at: int) -> tuple[Token, int]:
    """The longest phrase that begins here, else a number, a sign, or a word that nothing is known of."""
    for count in range(min(LONGEST, len(words) - at), 0, -1):
        term = TERMS.get(tuple(words[at : at + count]))
        if term is not None:
            return Token(term.sort, term.meaning), count
    return _single(words[at]), 1


def _single(word: str) -> Token:
    if ":" in word and word[0].isdigit():
        parts = word.split(":")
        if len(parts) > 2:  # noqa: PLR2004 - with seconds it is the time of day
            return Token("other")
        return Token("time", value=float(parts[0]), minutes=int(parts[1]))
    if NUMBER.match(word) and word.isascii():
        return Token("number", value=float(word.replace(",", ".")))
    if len(word) == 1 and not word.isalnum():
        return Token("sign", word)
    return Token("other")


@lru_cache(maxsize=4096)
def _unglued(word: str) -> tuple[str, ...]:
    """A word that OCR has glued together of several terms, taken apart; any other word as it is."""
    if (word,) in TERMS or not word.isalpha() or len(word) < 2 * LEAST_GLUED:
        return (word,)
    parts = _split(word)
    return parts or (word,)


def _split(word: str) -> tuple[str, ...]:
    """The fewest terms that make up the whole word, or nothing."""
    if (word,) in TERMS:
        return (word,)
    best: tuple[str, ...] = ()
    for cut in range(LEAST_GLUED, len(word) - LEAST_GLUED + 1):
        if (word[:cut],) in TERMS:
            rest = _split(word[cut:])
            if rest and (not best or len(rest) + 1 < len(best)):
                best = (word[:cut], *rest)
    return best
