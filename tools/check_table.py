"""Check the toolkit's copy of PS3.15 Table E.1-1 against two others that were made apart from it.

    python tools/check_table.py

Basic Profile actions against the table of edition 2026c inside the PyPI package dicom-anonymizer (BSD licence; in the
extra ``dev``), keywords and names against pydicom's dictionary. Prints each difference; exit 1 when there is one that
no reason below explains.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as other
from pydicom.datadict import dictionary_description, dictionary_has_tag, keyword_for_tag

from bus_toolkit.deidentify.table import by_tag, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

ACTIONS = {
    "D": other.D_TAGS,
    "Z": other.Z_TAGS,
    "X": other.X_TAGS,
    "U": other.U_TAGS,
    "Z/D": other.Z_D_TAGS,
    "X/Z": other.X_Z_TAGS,
    "X/D": other.X_D_TAGS,
    "X/Z/D": other.X_Z_D_TAGS,
    "X/Z/U*": other.X_Z_U_STAR_TAGS,
}
EXPLAINED: dict[int, str] = {}
"""Differences that are right, by tag, with the reason."""


def theirs() -> dict[int, str]:
    """Basic Profile action by tag; rows that name many attributes have four numbers there, and are left out."""
    return {tag[0] << 16 | tag[1]: action for action, tags in ACTIONS.items() for tag in tags if len(tag) == 2}  # noqa: PLR2004


def differences() -> Iterator[tuple[int, str]]:
    """Every difference with its tag."""
    ours, found = by_tag(), theirs()
    for tag in sorted({*ours, *found}):
        action = ours[tag].basic if tag in ours else "no row"
        if action != found.get(tag, "no row") and not (tag in ours and ours[tag].edition == "2024b"):
            yield tag, f"basic action {action}, theirs {found.get(tag, 'no row')}"
        if tag in ours and dictionary_has_tag(tag) and ours[tag].keyword != keyword_for_tag(tag):
            yield tag, f"keyword {ours[tag].keyword or 'missing'}, pydicom's {keyword_for_tag(tag)}"
        if tag in ours and dictionary_has_tag(tag) and _plain(ours[tag].name) != _plain(dictionary_description(tag)):
            yield tag, "another name than pydicom's"
        if tag in ours and not dictionary_has_tag(tag) and ours[tag].basic != "X":
            yield tag, f"not in pydicom's dictionary, and its action is {ours[tag].basic}"


def _plain(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def main() -> int:
    """Print the differences."""
    found = list(differences())
    for tag, words in found:
        sys.stdout.write(f"{tag:08X}  {words}{'  explained: ' + EXPLAINED[tag] if tag in EXPLAINED else ''}\n")
    open_ones = sum(tag not in EXPLAINED for tag, _ in found)
    sys.stdout.write(f"{len(rows())} rows, {len(found)} differences, {open_ones} of them not explained\n")
    return 1 if open_ones else 0


if __name__ == "__main__":
    sys.exit(main())
