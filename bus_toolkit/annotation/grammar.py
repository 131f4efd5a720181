"""Tokens into fields: rules that each read one construction, tried in order at every place of a line.

A rule names the sorts of the tokens that it wants, one after the other, and what they mean together. The first rule
that fits takes its tokens; a token that no rule takes says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.annotation.fields import DECIMALS, MOST_DISTANCE, MOST_LENGTH, Annotation, merge
from bus_toolkit.annotation.tokens import Token, tokens_of
from bus_toolkit.annotation.vocabulary import GERMAN_UIQ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

HOURS: Final = 12
HALF_HOUR: Final = 30
MILLIMETRES: Final = {"mm": 1.0, "cm": 10.0}
MOST_MARKS: Final = 8
"""Highest number that a machine gives to a measurement; a higher one is the name of a probe."""
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
    unless
        Sorts of the token behind them with which they mean something else.
    """

    wants: tuple[str, ...]
    says: Callable[[Sequence[Token]], Said | None]
    unless: str = ""

    def fits(self, tokens: Sequence[Token], at: int) -> bool:
        """Whether the tokens from ``at`` on are what the rule wants."""
        end = at + len(self.wants)
        seen = tokens[at:end]
        if len(seen) != len(self.wants) or not all(map(_is, self.wants, seen)):
            return False
        return not (self.unless and end < len(tokens) and _is(self.unless, tokens[end]))


def _is(want: str, token: Token) -> bool:
    return any(token.meaning == one[1:] if one[0] == "=" else token.sort == one for one in want.split("|"))


def _clock(hour: float, minutes: float = 0) -> Said | None:
    if not 1 <= hour <= HOURS or hour % 1 or minutes not in {0, HALF_HOUR}:
        return None
    return {"clock": f"{int(hour)}:{int(minutes):02d}"}


def _time(token: Token) -> Said | None:
    """A clock position out of ``10``, ``10:30`` or ``1030``."""
    if token.sort == "time":
        return _clock(token.value, token.minutes)
    if token.exact:
        return None
    return _clock(*divmod(token.value, 100)) if token.value > HOURS else _clock(token.value)


def _between(one: Token, other: Token) -> Said | None:
    """``3-4 o'clock`` is half past three; what is farther apart is no position."""
    follows = other.value == one.value % HOURS + 1
    return _clock(one.value, HALF_HOUR) if follows and not (one.exact or other.exact) else None


def _distance(value: float, unit: str) -> Said | None:
    length = round(value * MILLIMETRES[unit], DECIMALS)
    return {"distance_from_nipple_mm": length} if length <= MOST_DISTANCE else None


def _lengths(unit: str, *values: float) -> Said | None:
    lengths = tuple(round(value * MILLIMETRES[unit], DECIMALS) for value in values)
    return {"measurements_mm": lengths} if all(0 < length <= MOST_LENGTH for length in lengths) else None


def _machine_made(number: Token, unit: Token) -> Said | None:
    """A length as machines write it, with decimals: ``1 4 cm`` are two figures of a scale."""
    return _lengths(unit.meaning, number.value) if number.exact else None


def _both(one: Said | None, other: Said | None) -> Said | None:
    return None if one is None or other is None else {**one, **other}


def _nothing(_: Sequence[Token]) -> Said:
    return {}


def _term(tokens: Sequence[Token]) -> Said:
    return {tokens[0].sort: tokens[0].meaning}


NO_HOUR: Final = "unit|times|from_nipple|nipple|short_nipple|other|time|clock"
"""What a number stands before that is no hour."""
NIPPLE: Final = "from_nipple|nipple|short_nipple"
RULES: Final = (
    # How deep the machine looks, how far the focus is: lengths, but not of a lesion.
    Rule(("depth", "number", "unit|times"), _nothing),
    Rule(("depth", "sign", "number", "unit|times"), _nothing),
    # 10N4, 10:00 N+5.
    Rule(
        ("number|time", "short_nipple", "number"),
        lambda t: _both(_time(t[0]), _distance(t[2].value, "cm")),
        unless="unit",
    ),
    Rule(
        ("number|time", "short_nipple", "=+", "number"),
        lambda t: _both(_time(t[0]), _distance(t[3].value, "cm")),
        unless="unit",
    ),
    Rule(("short_nipple", "=+", "number"), lambda t: _distance(t[2].value, "cm"), unless="unit"),
    # 3 CM FN; 3 CM N; FN 3 CM.
    Rule(("number", "unit", NIPPLE), lambda t: _distance(t[0].value, t[1].meaning)),
    Rule((NIPPLE, "number", "unit"), lambda t: _distance(t[1].value, t[2].meaning)),
    Rule((NIPPLE, "sign", "number", "unit"), lambda t: _distance(t[2].value, t[3].meaning)),
    Rule(("number", "from_nipple"), lambda t: _distance(t[0].value, "cm")),
    Rule(("from_nipple", "number"), lambda t: _distance(t[1].value, "cm")),
    # 12 x 8 x 7 mm; 1.2 cm x 0.8 cm.
    Rule(
        ("number", "times", "number", "times", "number", "unit"),
        lambda t: _lengths(t[5].meaning, t[0].value, t[2].value, t[4].value),
    ),
    Rule(("number", "times", "number", "unit"), lambda t: _lengths(t[3].meaning, t[0].value, t[2].value)),
    Rule(
        ("number", "unit", "times", "number", "unit", "times", "number", "unit"),
        lambda t: _lengths(t[1].meaning, t[0].value, t[3].value, t[6].value) if t[1] == t[4] == t[7] else None,
    ),
    Rule(
        ("number", "unit", "times", "number", "unit"),
        lambda t: _lengths(t[1].meaning, t[0].value, t[3].value) if t[1] == t[4] else None,
    ),
    # 10 o'clock; 10H; 10 h 30; 10:30 o'clock; 3-4 o'clock.
    Rule(("number", "sign", "number", "clock"), lambda t: _between(t[0], t[2]) if t[1].meaning in "-/" else None),
    Rule(("number", "clock", "number"), lambda t: _clock(t[0].value, t[2].value), unless="unit|times|from_nipple"),
    Rule(("number|time", "clock"), lambda t: _time(t[0])),
    Rule(("clock", "number"), lambda t: _time(t[1]), unless=NO_HOUR),
    # RT8; LT 3-4; LT BREAST 1030: operators leave o'clock out.
    Rule(
        ("laterality", "number", "sign", "number"),
        lambda t: _both(_term(t), _between(t[1], t[3])) if t[2].meaning in "-/" else None,
        unless=NO_HOUR,
    ),
    Rule(("laterality", "number"), lambda t: None if t[0].weak else _both(_term(t), _time(t[1])), unless=NO_HOUR),
    Rule(("laterality", "breast", "number"), lambda t: _both(_term(t), _time(t[2])), unless=NO_HOUR),
    # Dist 12.3 mm; + 1.05 cm; D1: 1.1 cm; L 1.23 cm.
    Rule(("measure", "sign", "number", "unit"), lambda t: _lengths(t[3].meaning, t[2].value)),
    Rule(("measure", "number", "unit"), lambda t: _lengths(t[2].meaning, t[1].value)),
    Rule(("=+|=x", "measure", "number", "unit"), lambda t: _lengths(t[3].meaning, t[2].value)),
    Rule(("=+|=x", "sign", "number", "unit"), lambda t: _lengths(t[3].meaning, t[2].value)),
    Rule(("=+|=x", "number", "unit"), lambda t: _lengths(t[2].meaning, t[1].value)),
    # The counter of a stored clip is no marker. AISSELLE D, QSE G.
    Rule(("=clip", "number"), _nothing),
    Rule(
        ("region|quadrant", "side_letter"),
        lambda t: {**_term(t), "laterality": t[1].meaning},
        unless="number|time|sign|other|unit",
    ),
    Rule(("laterality|quadrant|orientation|region|procedure",), _term),
)
MARKED: Final = (
    # 1 L 1.23 cm; 2 H 0.9 cm; 1 1.23 cm; L 1.23 cm.
    Rule(("number", "letter|clock|sign|measure", "number", "unit"), lambda t: _machine_made(t[2], t[3]), unless=NIPPLE),
    Rule(("number", "number", "unit"), lambda t: _machine_made(t[1], t[2]), unless=NIPPLE),
    Rule(("=left", "number", "unit"), lambda t: _machine_made(t[1], t[2]), unless=NIPPLE),
)
"""Lengths behind the number or letter of their caliper, where a line or the length before ends."""


def _marked(tokens: Sequence[Token], at: int) -> Iterable[tuple[Said | None, int]]:
    if at and tokens[at - 1].sort != "unit":
        return
    for rule in MARKED:
        mark = tokens[at]
        numbered = mark.sort == "number" and not mark.exact and 1 <= mark.value <= MOST_MARKS
        if (numbered or mark.sort == "letter") and rule.fits(tokens, at):
            yield rule.says(tokens[at : at + len(rule.wants)]), len(rule.wants)


def _lone_letter(tokens: Sequence[Token], at: int) -> Said | None:
    """R and L mean a side when they stand alone, before BREAST, or before a place: ``R 10:00``, ``L AXILLA``."""
    if tokens[at].sort != "letter":
        return None
    after = tokens[at + 1].sort if at + 1 < len(tokens) else ""
    before = tokens[at - 1].sort if at else ""
    placed = after in {"breast", "region", "quadrant", "time", "orientation"} or before == "breast"
    hour = after == "number" and at + 2 < len(tokens) and tokens[at + 2].sort in {"clock", "short_nipple"}
    return {"laterality": tokens[at].meaning} if len(tokens) == 1 or placed or hour else None


def _nipple(tokens: Sequence[Token], at: int) -> Said | None:
    """The nipple itself, where nothing is told of a distance."""
    far = {"unit", "number", "from_nipple"} & {token.sort for token in tokens}
    return None if far or tokens[at].sort != "nipple" else {"region": "nipple"}


def _placed_time(tokens: Sequence[Token], at: int) -> Said | None:
    """``10:30`` is a clock position only beside a side, a place or a distance; else it is a time of day."""
    token = tokens[at]
    beside = {"laterality", "from_nipple", "quadrant", "orientation", "letter"}
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
    yield from _marked(tokens, at)
    for rule in RULES:
        if rule.fits(tokens, at):
            wanted = len(rule.wants)
            yield rule.says(tokens[at : at + wanted]), wanted
    yield _lone_letter(tokens, at), 1
    yield _nipple(tokens, at), 1
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
    sure: list[Annotation] = []
    doubtful: list[Annotation] = []
    for line in text.splitlines():
        tokens = tokens_of(line)
        parts = [Annotation(**_german(line, said)) for said in _read(tokens)]
        # A letter that stands alone may be a piece of something else: it says a side when nothing else does.
        alone = len(tokens) == 1 and tokens[0].sort == "letter"
        (doubtful if alone else sure).extend(parts)
    read = merge(sure)
    return read if read.laterality or any(part.laterality for part in sure) else merge([*sure, *doubtful])
