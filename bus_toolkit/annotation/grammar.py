"""Tokens into fields: rules that each read one construction, tried in order at every place of a line.

A rule names the sorts of the tokens that it wants, one after the other, and what they mean together. The first rule
that fits takes its tokens; a token that no rule takes says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.annotation.fields import (
    MOST_DISTANCE,
    MOST_LENGTH,
    Annotation,
    merge,
)
from bus_toolkit.annotation.tokens import Token, tokens_of
from bus_toolkit.annotation.vocabulary import GERMAN_UIQ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

HOURS: Final = 12
MILLIMETRES: Final = {"mm": 1.0, "cm": 10.0}
DECIMALS: Final = 2
"""Decimals of a millimetre that are kept."""
Said = dict[str, Any]
"""Fields that a rule has read."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One construction.

    Attributes
    ----------
    wants
        Sorts of tokens one after the other; ``a|b`` is either, ``=`` before a word wants that meaning.
    says
        The fields that these tokens give; None when they do not hold together after all.
    """

    wants: tuple[str, ...]
    says: Callable[[Sequence[Token]], Said | None]

    def fits(self, tokens: Sequence[Token], at: int) -> bool:
        """Whether the tokens from ``at`` on are what the rule wants."""
        seen = tokens[at : at + len(self.wants)]
        return len(seen) == len(self.wants) and all(map(_is, self.wants, seen))


def _is(want: str, token: Token) -> bool:
    return any(token.meaning == one[1:] if one[0] == "=" else token.sort == one for one in want.split("|"))


def _clock(hour: float, minutes: float = 0) -> Said | None:
    if not 1 <= hour <= HOURS or hour % 1 or minutes not in {0, 30}:
        return None
    return {"clock": f"{int(hour)}:{int(minutes):02d}"}


def _distance(value: float, unit: str) -> Said | None:
    length = round(value * MILLIMETRES[unit], DECIMALS)
    return {"distance_from_nipple_mm": length} if length <= MOST_DISTANCE else None


def _lengths(unit: str, *values: float) -> Said | None:
    lengths = tuple(round(value * MILLIMETRES[unit], DECIMALS) for value in values)
    return {"measurements_mm": lengths} if all(0 < length <= MOST_LENGTH for length in lengths) else None


def _nothing(_: Sequence[Token]) -> Said:
    return {}


def _term(tokens: Sequence[Token]) -> Said:
    return {tokens[0].sort: tokens[0].meaning}


MARKED: Final = "measure|=+|number|letter|=x"
"""What stands before a length of a lesion: a word for it, the mark of its caliper or that one's number."""
RULES: Final = (
    # How deep the machine looks, how far the focus is: lengths, but not of a lesion.
    Rule(("depth", "number", "unit"), _nothing),
    Rule(("depth", "sign", "number", "unit"), _nothing),
    # 3 CM FN; 3 CM N; FN 3 CM; N+3.
    Rule(("number", "unit", "from_nipple|nipple"), lambda t: _distance(t[0].value, t[1].meaning)),
    Rule(("from_nipple|nipple", "number", "unit"), lambda t: _distance(t[1].value, t[2].meaning)),
    Rule(("from_nipple|nipple", "sign", "number", "unit"), lambda t: _distance(t[2].value, t[3].meaning)),
    Rule(("number", "from_nipple"), lambda t: _distance(t[0].value, "cm")),
    Rule(("from_nipple", "number"), lambda t: _distance(t[1].value, "cm")),
    # 12 x 8 x 7 mm; 1.2 cm x 0.8 cm.
    Rule(
        ("number", "times", "number", "times", "number", "unit"),
        lambda t: _lengths(t[5].meaning, t[0].value, t[2].value, t[4].value),
    ),
    Rule(("number", "times", "number", "unit"), lambda t: _lengths(t[3].meaning, t[0].value, t[2].value)),
    Rule(
        ("number", "unit", "times", "number", "unit"),
        lambda t: _lengths(t[1].meaning, t[0].value, t[3].value) if t[1] == t[4] else None,
    ),
    # 10 o'clock; 10H; 10 h 30; 10:30 o'clock.
    Rule(("number", "clock", "number"), lambda t: _clock(t[0].value, t[2].value)),
    Rule(("number", "clock"), lambda t: _clock(t[0].value)),
    Rule(("time", "clock"), lambda t: _clock(t[0].value, t[0].minutes)),
    # 1 L 1.23 cm; Dist 12.3 mm; + 1.05 cm; D1: 1.1 cm.
    Rule((MARKED, "sign|letter", "number", "unit"), lambda t: _lengths(t[3].meaning, t[2].value)),
    Rule((MARKED, "number", "unit"), lambda t: _lengths(t[2].meaning, t[1].value)),
    Rule(("laterality|quadrant|orientation|region|procedure",), _term),
)


def _lone_letter(tokens: Sequence[Token], at: int) -> Said | None:
    """R and L mean a side when they stand alone, before BREAST, or before a place: ``R 10:00``, ``L AXILLA``."""
    if tokens[at].sort != "letter":
        return None
    after = tokens[at + 1].sort if at + 1 < len(tokens) else ""
    before = tokens[at - 1].sort if at else ""
    placed = after in {"breast", "region", "quadrant", "time", "orientation"} or before == "breast"
    hour = after == "number" and at + 2 < len(tokens) and tokens[at + 2].sort == "clock"
    return {"laterality": tokens[at].meaning} if len(tokens) == 1 or placed or hour else None


def _placed_time(tokens: Sequence[Token], at: int) -> Said | None:
    """``10:30`` is a clock position only beside a side, a breast or a distance; else it is a time of day."""
    token = tokens[at]
    beside = {"laterality", "breast", "from_nipple", "quadrant", "orientation", "letter"}
    if token.sort != "time" or not beside & {other.sort for other in tokens}:
        return None
    return _clock(token.value, token.minutes)


def _read(tokens: Sequence[Token]) -> list[Said]:
    said: list[Said] = []
    at = 0
    while at < len(tokens):
        used = 1
        for found, taken in _here(tokens, at):
            if found is not None:
                said.append(found)
                used = taken
                break
        at += used
    return said


def _here(tokens: Sequence[Token], at: int) -> Iterable[tuple[Said | None, int]]:
    for rule in RULES:
        if rule.fits(tokens, at):
            wanted = len(rule.wants)
            yield rule.says(tokens[at : at + wanted]), wanted
    yield _lone_letter(tokens, at), 1
    yield _placed_time(tokens, at), 1


def _german(line: str, said: Said) -> Said:
    """UIQ among German words is unten innen."""
    words = set(line.casefold().split())
    if said.get("quadrant") == "upper_inner" and "uiq" in words and words & GERMAN_UIQ:
        return {**said, "quadrant": "lower_inner"}
    return said


def parse(text: str) -> Annotation:
    """Read what operators write over breast scans, in English, Portuguese, Spanish, French and German.

    Parameters
    ----------
    text
        Recognised text of one scan; lines are parted by line ends. At most 400 signs of a line are looked at.

    Returns
    -------
    What the text says, in closed vocabularies and numbers. Nothing else of it is kept, so that a name in it cannot
    reach a table. A field is empty where the text says nothing, something out of range, or contradicts itself.

    Examples
    --------
    >>> parse("LT BREAST 10 O'CLOCK 3CMFN RAD")
    Annotation(laterality='left', clock='10:00', quadrant=None, distance_from_nipple_mm=30.0, orientation='radial', \
region=None, measurements_mm=(), procedure=None)
    """
    lines = text.splitlines()
    return merge(Annotation(**_german(line, said)) for line in lines for said in _read(tokens_of(line)))
