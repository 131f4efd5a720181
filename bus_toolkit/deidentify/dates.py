"""Dates and times: well-formed ones kept, or shifted by whole days.

Formats are those of DICOM PS3.5 6.2 (DA, DT, TM) with the forms of older editions (``1999.03.04``, ``12:30:00``). What
is not well-formed may hold anything and is not kept; nor is a range (``20200101-20200301``), which stands in queries
and never in a stored object.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

_DA: Final = re.compile(r"(\d{4})([.]?)(\d{2})\2(\d{2})", re.ASCII)
_TM: Final = re.compile(r"([01]\d|2[0-3])(?::?([0-5]\d)(?::?([0-5]\d|60)(?:\.(\d{1,6}))?)?)?", re.ASCII)
_DT: Final = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d{2})(?:(?P<day>\d{2})(?P<time>(?:[01]\d|2[0-3])(?:[0-5]\d(?:(?:[0-5]\d|60)(?:\.\d{1,6})?)?)?)?)?)?"
    r"(?P<zone>[+-](?:0\d|1[0-4])[0-5]\d)?",
    re.ASCII,
)
_ZONE: Final = re.compile(r"[+-](0\d|1[0-4])[0-5]\d", re.ASCII)
MID_YEAR: Final = (7, 2)
MID_MONTH: Final = 15


def _moved(year: int, month: int, day: int, days: int) -> date | None:
    try:
        return date(year, month, day) - timedelta(days=days)
    except (ValueError, OverflowError):
        return None


def moved_date(text: str, days: int) -> str | None:
    """A DA value ``days`` earlier as ``YYYYMMDD``; None when it is no date."""
    match = _DA.fullmatch(text.strip())
    moved = _moved(int(match[1]), int(match[3]), int(match[4]), days) if match else None
    return None if moved is None else f"{moved.year:04d}{moved:%m%d}"


def kept_time(text: str) -> str | None:
    """A TM value without colons; None when it is no time. Whole days leave it as it is."""
    text = text.strip()
    return text.replace(":", "") if _TM.fullmatch(text) else None


def moved_datetime(text: str, days: int) -> str | None:
    """A DT value ``days`` earlier, with its time, fraction and zone; None when it is none.

    Of a value without day or month, the middle of what it leaves open is moved and then cut to the same precision.
    """
    match = _DT.fullmatch(text.strip())
    if match is None:
        return None
    month, day = match["month"], match["day"]
    moved = _moved(
        int(match["year"]),
        int(month or MID_YEAR[0]),
        int(day or (MID_MONTH if month else MID_YEAR[1])),
        days,
    )
    if moved is None:
        return None
    digits = f"{moved.year:04d}{moved:%m%d}"[: 8 if day else 6 if month else 4]
    return f"{digits}{match['time'] or ''}{match['zone'] or ''}"


def kept_zone(text: str) -> str | None:
    """An offset from UTC such as ``+0330``; None when it is none."""
    return text.strip() if _ZONE.fullmatch(text.strip()) else None


def moved(text: str, vr: str, days: int) -> str | None:
    """A value of DA, DT, TM, or of SH for an offset from UTC, ``days`` earlier; None when it is not well-formed."""
    if vr == "DA":
        return moved_date(text, days)
    if vr == "DT":
        return moved_datetime(text, days)
    return kept_time(text) if vr == "TM" else kept_zone(text)
