"""Whether text that was recognised in pixels is close to something that identifies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bus_toolkit.deidentify.identifier_forms import dates_in, squeezed, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALIKE: Final = str.maketrans("oqdil|!szbg", "0001111528" + "9")
"""Characters that recognition mixes up, folded onto digits."""
SHORTEST_WORD: Final = 4
"""Recognition reads three letters into speckle and scales too often."""
SHORTEST_ID: Final = 4
LETTERS_PER_MISTAKE: Final = 5


def folded(text: str) -> str:
    """A text in which characters of like shape are one."""
    return squeezed(text).translate(_ALIKE)


def within(first: str, second: str, most: int) -> bool:
    """Whether two texts differ by at most ``most`` inserted, left out or changed characters (Levenshtein 1966)."""
    if abs(len(first) - len(second)) > most:
        return False
    row = list(range(len(second) + 1))
    for number, sign in enumerate(first, start=1):
        above, row[0] = row[0], number
        for place, other in enumerate(second, start=1):
            above, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, above + (sign != other))
        if min(row) > most:
            return False
    return row[-1] <= most


def resembles_any(text: str, *, words: Iterable[str], ids: Iterable[str], dates: Iterable[str]) -> bool:
    """Whether a word of ``text`` is close to one of ``words``, or the text holds an id or a date."""
    read = [folded(word) for word in words_of(text)]
    for word in words:
        wanted = folded(word)
        if len(wanted) < SHORTEST_WORD and word.isascii():
            continue
        most = len(wanted) // LETTERS_PER_MISTAKE
        if any(within(wanted, other, most) for other in read):
            return True
    tight = folded(text)
    if any(len(part) >= SHORTEST_ID and folded(part) in tight for part in ids):
        return True
    return not dates_in(text).isdisjoint(dates)
