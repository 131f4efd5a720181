"""Forms in which names, ids and dates are written."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORD: Final = re.compile(r"[^\W_]+")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WORDY: Final = "|".join(_MONTHS)
_FORMS: Final = (
    (re.compile(r"(?<!\d)(\d{4})[-./ ]?(\d{2})[-./ ]?(\d{2})(?!\d{1,5}(?!\d))"), ("ymd",)),
    (re.compile(r"(?<!\d)(\d{1,2})[-./ ](\d{1,2})[-./ ](\d{4}|\d{2})(?!\d)"), ("dmy", "mdy")),
    (re.compile(rf"(?<!\d)(\d{{1,2}})[-./ ]?({_WORDY})[a-z]*[-., ]*(\d{{4}}|\d{{2}})(?!\d)", re.IGNORECASE), ("dmy",)),
    (re.compile(rf"\b({_WORDY})[a-z]*[-., ]*(\d{{1,2}})[-., ]+(\d{{4}}|\d{{2}})(?!\d)", re.IGNORECASE), ("mdy",)),
)
EARLIEST: Final = 1880
LATEST: Final = 2150
CENTURY: Final = 100
TURN: Final = 50
"""Years of two digits below this one count as of this century."""
PLACEHOLDER_DATES: Final = frozenset({"19000101", "19700101", "20000101", "00010101"})
"""Dates that programs write when they know none."""


def words_of(text: str) -> list[str]:
    """Runs of letters and digits, case-folded."""
    return [word.casefold() for word in _WORD.findall(text)]


def squeezed(text: str) -> str:
    """Letters and digits only, case-folded."""
    return "".join(_WORD.findall(text)).casefold()


def _number(text: str) -> int:
    return _MONTHS.index(text[:3].lower()) + 1 if text[:3].lower() in _MONTHS else int(text)


def _years(year: int) -> tuple[int, ...]:
    if year >= CENTURY:
        return (year,)
    return (2000 + year, 1900 + year) if year < TURN else (1900 + year,)


def _readings(match: re.Match[str], orders: tuple[str, ...]) -> Iterator[str]:
    for order in orders:
        parts = dict(zip(order, map(_number, match.groups()), strict=True))
        for year in _years(parts["y"]):
            try:
                found = date(year, parts["m"], parts["d"])
            except ValueError:
                continue
            if EARLIEST <= year <= LATEST:
                yield f"{found:%Y%m%d}"


def dates_in(text: str) -> frozenset[str]:
    """Every date that a text can be read to hold, as ``YYYYMMDD``; both readings where day and month may be swapped."""
    found = {
        reading for form, orders in _FORMS for match in form.finditer(text) for reading in _readings(match, orders)
    }
    return frozenset(found - PLACEHOLDER_DATES)


def date_forms(day: str) -> tuple[str, ...]:
    """Ways in which ``YYYYMMDD`` is written most, for a search in bytes; :func:`dates_in` reads more of them."""
    year, month, number = day[:4], day[4:6], day[6:]
    marked = [mark.join(order) for mark in "-/." for order in ((year, month, number), (number, month, year))]
    return (day, f"{number}{month}{year}", *marked, f"{month}/{number}/{year}")
