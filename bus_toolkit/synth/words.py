"""What a machine writes onto a picture. Every person, place and number is made up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from bus_toolkit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

Role: TypeAlias = Literal[
    "name", "id", "date", "time", "place", "laterality", "clock", "annotation", "measurement", "technical"
]
FAMILY_STARTS = ("BRAX", "QUIL", "ZOND", "MORV", "TESS", "WEX", "KLIN", "PARV", "ORL", "DUNT", "FENN", "GRUB")
FAMILY_ENDS = ("LEY", "MORE", "WICK", "OVA", "ENSKI", "ARDO", "INI", "BERG", "STED", "OUGH", "ANTI", "EN")
GIVEN = ("ADA", "BELA", "CORA", "DORI", "ELKE", "FARA", "GITA", "HEDY", "INES", "JUNO", "KAIA", "LENA", "MIRA", "NOOR")
PLACES = ("NORTH VALE CLINIC", "ST. ELSEWHERE", "Lakeside Imaging", "UZ Fictie", "Hosp. Inventado", "RIVERBEND MED CTR")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
SIDES = ("RT", "LT", "RIGHT", "LEFT", "R", "L", "rt", "lt", "Right", "Left")
AREAS = ("BREAST", "AXILLA", "UOQ", "LOQ", "UIQ", "LIQ", "RETROAR", "AX TAIL", "NIPPLE", "breast", "axilla")
WORDS = ("SAG", "TRANS", "RAD", "ANTIRAD", "LONG", "MASS", "CYST", "LN", "PALP", "FN 3CM", "BX SITE", "F/U", "DIST")
TECHNICAL = (
    "FR {a}Hz", "MI 1.{d}", "TIs 0.{d}", "Gn {a}", "DR {a}", "{a} dB", "Map E/{d}", "{d}.{d} cm", "L{a}-{d}",
    "D {d}.{d} cm", "Frq {a}.0", "AO% 100", "B", "CHI", "Res", "2D {a}%", "P Low", "SRI II {d}", "Pers {d}", "THI",
)  # fmt: skip
LOGOS = ("SONARIA", "ECHOLINE S8", "VOXUS", "UltraPeak", "MEDIWAVE", "ACUNOVA", "LUMISON X7", "qscan", "HALO 9")


def _pick(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[int(rng.integers(len(words)))]


def _digits(rng: np.random.Generator, count: int) -> str:
    return "".join(str(digit) for digit in rng.integers(0, 10, size=count))


def _name(rng: np.random.Generator) -> str:
    family, given = _pick(rng, FAMILY_STARTS) + _pick(rng, FAMILY_ENDS), _pick(rng, GIVEN)
    forms = (f"{family}, {given}", f"{family}^{given}", f"{given} {family}", f"{family} {given[0]}.", family.title())
    more = (f"{family.title()}, {given.title()}", f"Name: {given.title()} {family.title()}", f"MRS {family}")
    return _pick(rng, forms + more)


def _id(rng: np.random.Generator) -> str:
    forms = (
        _digits(rng, 7),
        f"ID: {_digits(rng, 6)}",
        f"MRN {_digits(rng, 8)}",
        f"{_digits(rng, 3)}-{_digits(rng, 5)}",
    )
    return _pick(rng, (*forms, f"A{_digits(rng, 6)}", f"Acc#{_digits(rng, 5)}"))


def _date(rng: np.random.Generator) -> str:
    year, month, day = int(rng.integers(1995, 2030)), int(rng.integers(1, 13)), int(rng.integers(1, 29))
    forms = (f"{year}-{month:02d}-{day:02d}", f"{day:02d}/{month:02d}/{year}", f"{day:02d}.{month:02d}.{year}")
    more = (
        f"{MONTHS[month - 1]} {day:02d} {year}",
        f"{month:02d}/{day:02d}/{year % 100:02d}",
        f"{year}{month:02d}{day:02d}",
    )
    return _pick(rng, (*forms, *more, f"DOB {day:02d}-{MONTHS[month - 1].title()}-{year - 40}"))


def _time(rng: np.random.Generator) -> str:
    hour, minute, second = int(rng.integers(7, 20)), int(rng.integers(60)), int(rng.integers(60))
    suffix = "PM" if hour >= 12 else "AM"  # noqa: PLR2004 - noon
    return _pick(
        rng, (f"{hour:02d}:{minute:02d}:{second:02d}", f"{(hour - 1) % 12 + 1}:{minute:02d}:{second:02d} {suffix}")
    )


def _clock(rng: np.random.Generator) -> str:
    side, hour = _pick(rng, SIDES), int(rng.integers(1, 13))
    minute = _pick(rng, ("00", "30"))
    forms = (
        f"{side} {hour}:{minute}",
        f"{side}{hour}",
        f"{side} {hour} O'CLOCK",
        f"{hour} OC {side}",
        f"{side}{hour}:{minute}",
    )
    return _pick(rng, (*forms, f"{side} {hour}H {int(rng.integers(1, 9))}CM"))


def _laterality(rng: np.random.Generator) -> str:
    return _pick(rng, (_pick(rng, SIDES), f"{_pick(rng, SIDES)} {_pick(rng, AREAS)}"))


def _annotation(rng: np.random.Generator) -> str:
    return _pick(rng, (_pick(rng, WORDS), f"{_pick(rng, SIDES)} {_pick(rng, AREAS)} {_pick(rng, WORDS)}"))


def _measurement(rng: np.random.Generator) -> str:
    value, number = f"{rng.uniform(0.2, 4.5):.2f}", int(rng.integers(1, 4))
    forms = (
        f"{number} L {value} cm",
        f"D{number} {value}cm",
        f"+ Dist {value} cm",
        f"{number}: {float(value) * 10:.1f} mm",
    )
    return _pick(rng, (*forms, f"x A {value} cm2", f"Vol {value} ml"))


def _technical(rng: np.random.Generator) -> str:
    return _pick(rng, TECHNICAL).format(a=int(rng.integers(10, 99)), d=int(rng.integers(1, 10)))


MAKERS: dict[Role, Callable[[np.random.Generator], str]] = {
    "name": _name,
    "id": _id,
    "date": _date,
    "time": _time,
    "place": lambda rng: _pick(rng, PLACES),
    "laterality": _laterality,
    "clock": _clock,
    "annotation": _annotation,
    "measurement": _measurement,
    "technical": _technical,
}
ROLES: tuple[Role, ...] = tuple(MAKERS)


def make_text(rng: np.random.Generator, role: Role) -> str:
    """A made-up string of the wanted sort.

    Raises
    ------
    ConfigError
        When ``role`` is unknown.
    """
    if role not in MAKERS:
        msg = f"role must be one of {', '.join(ROLES)}. Got {role!r}"
        raise ConfigError(msg)
    return MAKERS[role](rng)


def make_logo_name(rng: np.random.Generator) -> str:
    """A made-up vendor."""
    return _pick(rng, LOGOS)
