"""Strings that no vocabulary holds: a segmenter must see letters, not words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bus_toolkit.synth import ROLES, make_text

if TYPE_CHECKING:
    import numpy as np

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS: Final = "0123456789"
SIGNS: Final = ".,:;-+/()%#*^=_<>'x"
ACCENTED: Final = "ÁÂÃÄÅÇÉÊÍÑÓÔÕÖÚÜÀÈÌÒÙß"
"""Capitals of Latin languages; each may be drawn small as well."""
WORDS: Final = (
    "MAMA", "MAMA DIR", "MAMA ESQ", "DIREITA", "ESQUERDA", "AXILA", "QSE", "QSL", "QIE", "H", "SEIN", "SEIN DROIT",
    "GAUCHE", "BRUST", "RECHTS", "LINKS", "ACHSEL", "MAMELON", "DERECHA", "IZQUIERDA", "PEZON", "NÓDULO", "CISTO",
    "LINFONODO", "QUISTE", "RADIAL", "ANTIRADIAL", "TRANSV", "LONGIT", "Data", "Nome", "Idade", "Fecha", "Hora",
)  # fmt: skip
"""Words that Brazilian, French, German and Spanish operators write, beside the English ones of the phantoms."""


def make_string(rng: np.random.Generator) -> str:
    """A string of 1 to 18 signs: a word, a made-up entry of a banner, or signs without any sense."""
    draw = rng.random()
    if draw < 0.3:  # noqa: PLR2004 - shares of the four sorts
        return make_text(rng, ROLES[int(rng.integers(len(ROLES)))])
    if draw < 0.45:  # noqa: PLR2004
        words = [WORDS[int(rng.integers(len(WORDS)))] for _ in range(int(rng.integers(1, 3)))]
        return _cased(rng, " ".join(words))
    if draw < 0.6:  # noqa: PLR2004
        # What stands beside a caliper, and what the edge has left of a word.
        return _signs(rng, int(rng.integers(1, 3)), DIGITS if rng.random() < 0.6 else LETTERS)  # noqa: PLR2004
    pool = (LETTERS, LETTERS + DIGITS, DIGITS + ".,:/-", LETTERS + ACCENTED, LETTERS + DIGITS + SIGNS)
    pieces = int(rng.integers(1, 4))
    chosen = pool[int(rng.integers(len(pool)))]
    return _cased(rng, " ".join(_signs(rng, int(rng.integers(1, 8)), chosen) for _ in range(pieces)))


def _signs(rng: np.random.Generator, count: int, pool: str) -> str:
    return "".join(pool[int(index)] for index in rng.integers(0, len(pool), size=count))


def _cased(rng: np.random.Generator, text: str) -> str:
    return (text, text, text.title(), text.lower())[int(rng.integers(4))]
