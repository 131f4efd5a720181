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
LEAST_GLUED: Final = 3
"""Fewest letters of a term within a word that several terms make up: Sara is not made of two regions."""
SHORT_GLUED: Final = frozenset({"lt", "rt", "fn", "cm", "mm", "oc", "ax", "bx"})
"""Shorter terms that are often glued to others and begin or end hardly any name."""
HELPERS: Final = frozenset({"sign", "times", "measure", "depth"})
"""Sorts that vouch for no neighbour."""
PLACES: Final = frozenset({"quadrant", "region", "breast"})
"""Before terms of these sorts an L or R is often glued: ``LLOQ``."""
LEAST_MISREAD: Final = 4
"""Fewest letters of a term that is known again by its look."""
NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)?$")
PIECES: Final = re.compile(r"\d{1,2}(?::\d{2})+|\d+(?:[.,]\d+)?|o'c(?:lock)?|[^\W\d_]+|[^\w\s]|_")
JOINTS: Final = re.compile(r"(?<=[^\W\d_])[-./](?!\S*\d)")
"""Dots, dashes and strokes after a letter."""
MONTH: Final = (
    "(?:jan|fev|feb|mar|apr|abr|avr|may|mai|jun|jul|aug|ago|aou|sep|set|oct|out|okt|nov|dec|dez|dic)[a-z]{0,6}"
)
DATE: Final = re.compile(
    r"(?<!\d)(?:\d{1,2}([./-])\d{1,2}\1(?:\d{2}){1,2}|\d{4}([./-])\d{1,2}\2\d{1,2})(?!\d)"
    rf"|(?<!\d)\d{{1,2}}[-./ ]?{MONTH}[-./ ]{{0,2}}\d{{2,4}}(?!\d)|(?<![a-z]){MONTH} \d{{1,2}},? \d{{4}}(?!\d)"
)
"""A date, in figures or with the month's name. What stands beside one is the machine's, and its time is the time of
day."""
DAYTIME: Final = re.compile(r"(?<!\d)\d{1,2}[:h.]\d{2}(?:[:m.]\d{2}s?)?\s*[ap]\.?m\b|(?<!\d)\d{1,2}(?::\d{2}){2,}")
"""A time with seconds, or with AM or PM."""
NAME: Final = re.compile(r"\S*\^\S*")
"""A person's name as DICOM writes it, components parted by carets."""
POUNDS: Final = re.compile(r"(?<=\d)\s*lbs?\b")
"""A weight; elsewhere LB is the left breast."""
FIXES: Final = (
    # An O read for a nought, an I or L read for a one.
    (re.compile(r"(?<=\d)o(?=[\d.,:]|\s*(?:h\b|hs\b|uhr|cm|mm|o'?\s?c))"), "0"),
    (re.compile(r"(?<![^\W_])[i|](?=[012o]\s*(?::|h\b|hs\b|uhr|o'?\s?c|[.,]\d))"), "1"),
    (re.compile(r"(?<![^\W_])l(?=[0o]\s*(?::|h\b|uhr|o'?\s?c))"), "1"),
    # LT in small letters, read with an I or a one; a speck between two letters.
    (re.compile(r"(?<![^\W_])([lr])\s?[.,]\s?t(?=\d)"), r"\1t"),
    (re.compile(r"(?<![^\W_])[i1|!]t(?=[\s\d.]|$)"), "lt"),
    (re.compile(r"(?<![^\W_])[1il|][il|](?=\s*(?::\d|h\b|hs\b|uhr|o'?\s?c[l1i]))|(?<![^\W\d_])1[il|](?=:)"), "11"),
    (re.compile(r"(?<![^\W_])1o(?=:)"), "10"),
    (re.compile(r"(?<=\d)[;](?=\d{2}(?!\d))"), ":"),
    (re.compile(r"(?<=\d:)(?:oo|o0|0o)(?![^\W_])"), "00"),
    (re.compile(r"(?<=\d:3)o(?![^\W_])"), "0"),
    # Every form of O'CLOCK.
    (re.compile(r"(?<=\d)\s*[o0]\s?['.]?\s?[cg][l1i|][o0][cg][kr]?(?![^\W_])"), " oclock"),
    (re.compile(r"(?<=\d)\s*[o0]\s?['.]?\s?c(?![^\W_])"), " oclock"),
    # The zoom of a machine is no first side of a lesion.
    (re.compile(r"(?<![\d.,])[1-9]x(?=\s+\d)"), "zoom"),
    # Hours with glued minutes; 10N4: at 10 o'clock, 4 cm from the nipple.
    (re.compile(r"(?<!\d)(\d{1,2})h([0-5]\d)(?!\d)"), r"\1:\2 h"),
    (re.compile(r"(?<![^\W_])d[1-9](?=\s*[:=]\s*\d|\s+\d)"), "dist"),
    (re.compile(r"(?<=\d)n(?=\s?\+?\s?\d)"), " n "),
)
"""What recognition makes of figures, and what operators write without a space, into what the grammar knows."""
LOOKS: Final = str.maketrans({"1": "i", "l": "i", "|": "i", "0": "o", "5": "s", "7": "t", "8": "b"})
"""Signs that recognition mixes up, as one of them."""
MIXED: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes
    ----------
    sort
        ``number``, ``time`` (parted by colons), ``sign``, ``other``, ``letter``, or the sort of a term.
    meaning
        Of a term, the sign itself, or nothing. Never a word that the vocabulary does not have.
    value
        Of a number; hours of a time.
    minutes
        Of a time.
    exact
        Whether a number was written with decimals.
    weak
        Whether a term may as well be somebody's name.
    """

    sort: str
    meaning: str = ""
    value: float = 0.0
    minutes: int = 0
    exact: bool = False
    weak: bool = False


def plain(text: str) -> str:
    """Lower case, without accents, quotes and dashes of one form, and figures where letters were read for them."""
    flat = unicodedata.normalize("NFKD", text[:MOST_SIGNS].casefold())
    flat = "".join(sign for sign in flat if not unicodedata.combining(sign))
    flat = flat.translate({0x2019: "'", 0x2018: "'", 0x60: "'", 0xB4: "'", 0x2013: "-", 0x2014: "-", 0xD7: "x"})
    flat = POUNDS.sub(" pounds", NAME.sub(" ^ ", DAYTIME.sub(" ^ ", flat)))
    for pattern, right in FIXES:
        flat = pattern.sub(right, flat)
    return MIXED.sub(lambda found: _known_again(found.group()), flat)


def tokens_of(text: str) -> list[Token]:
    """The tokens of a line of text, longest phrases first."""
    flat = plain(text)
    dated = DATE.search(flat) is not None
    flat = DATE.sub(" ^ ", flat)
    # Dots end abbreviations and dashes part words: "LT. BREAST", "ANTI-RADIAL".
    pieces = PIECES.findall(JOINTS.sub(" ", flat))
    words = [part for piece in pieces for part in _unglued(piece)]
    tokens: list[Token] = []
    at = 0
    while at < len(words):
        token, used = _longest(words, at)
        tokens.append(Token("other") if dated and token.sort == "time" else token)
        at += used
    return _without_names(tokens)


def _longest(words: list[str], at: int) -> tuple[Token, int]:
    """The longest phrase that begins here, else a number, a sign, or a word that nothing is known of."""
    for count in range(min(LONGEST, len(words) - at), 0, -1):
        term = TERMS.get(tuple(words[at : at + count]))
        if term is not None:
            return Token(term.sort, term.meaning, weak=term.weak), count
    return _single(words[at]), 1


def _single(word: str) -> Token:
    if ":" in word and word[0].isdigit():
        hours, minutes = word.split(":")
        return Token("time", value=float(hours), minutes=int(minutes))
    if NUMBER.match(word) and word.isascii():
        return Token("number", value=float(word.replace(",", ".")), exact=not word.isdigit())
    if word == "^" or len(word) > 1 or not word.isascii():
        return Token("other")
    return Token("neutral") if word.isalnum() else Token("sign", word)


def _without_names(tokens: list[Token]) -> list[Token]:
    """Weak terms beside unknown words are unknown, too, and so are those that no sure term vouches for."""
    if not any(token.sort == "other" for token in tokens):
        return tokens
    tokens = _without_weak(_without_weak(tokens)[::-1])[::-1]
    kept: list[Token] = []
    run: list[Token] = []
    for token in [*tokens, Token("other")]:
        if token.sort != "other":
            run.append(token)
            continue
        sure = any(one.meaning and not one.weak and one.sort not in HELPERS for one in run)
        kept += [one if sure or not one.weak else Token("other") for one in run]
        kept.append(token)
        run = []
    return kept[:-1]


def _without_weak(tokens: list[Token]) -> list[Token]:
    """The same without weak terms that follow an unknown word, with signs or words that say nothing between or not."""
    kept: list[Token] = []
    beside = False
    for token in tokens:
        kept.append(Token("other") if beside and token.weak else token)
        beside = kept[-1].sort == "other" or (beside and token.sort in {"sign", "neutral"})
    return kept


@lru_cache(maxsize=4096)
def _known_again(word: str) -> str:
    """The term that a word looks like, when signs were mixed up in it: ``ax1lla``, ``brea5t``."""
    if len(word) < LEAST_MISREAD or word.isdigit() or (word,) in TERMS or _split(word):
        return word
    return LIKE.get(word.translate(LOOKS), word)


@lru_cache(maxsize=4096)
def _unglued(word: str) -> tuple[str, ...]:
    """A word that OCR has glued together of several terms, taken apart; any other word as it is."""
    if (word,) in TERMS or not word.isalpha():
        return (word,)
    place = TERMS.get((word[1:],))
    if word[0] in "lr" and len(word) > LEAST_GLUED and place and place.sort in PLACES and not place.weak:
        return (word[0], word[1:])
    return _split(word) or (word,)


def _split(word: str) -> tuple[str, ...]:
    """The fewest terms that make up the whole word, or nothing."""
    if (word,) in TERMS:
        return (word,) if len(word) >= LEAST_GLUED or word in SHORT_GLUED else ()
    best: tuple[str, ...] = ()
    for cut in range(2, len(word) - 1):
        first = _split(word[:cut]) if (word[:cut],) in TERMS else ()
        rest = _split(word[cut:]) if first else ()
        if rest and (not best or len(rest) + 1 < len(best)):
            best = (*first, *rest)
    return best


LIKE: Final = {
    words[0].translate(LOOKS): words[0]
    for words, term in TERMS.items()
    if len(words) == 1 and len(words[0]) >= LEAST_MISREAD and term.sort != "neutral" and not term.weak
}
"""Terms of one word by their look."""
