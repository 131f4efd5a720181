"""Words that the toolkit itself writes: in its own sentences they are nobody's name."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from bus_toolkit.deidentify.identifier_forms import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

ENDINGS: Final = (".py", ".html", ".toml")


@lru_cache(maxsize=1)
def own_words() -> frozenset[str]:
    """Every word in the toolkit's own files, case-folded: what its sentences and pages are made of.

    A source file called ``outside.png`` would otherwise be found in every report, which says what lies outside the
    sector. What describes a run holds no other words by design: ids, numbers, and labels out of four.
    """
    package = files("bus_toolkit")
    return frozenset(word for text in _texts(package) for word in words_of(text))


def _texts(folder: Traversable) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _texts(entry)
        elif entry.name.endswith(ENDINGS):
            yield entry.read_text(encoding="utf-8")
