"""Labels of scans: from folder names, or from a CSV file."""

from __future__ import annotations

import csv
import unicodedata
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING, Final, final

from bus_toolkit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

CLASSES: Final = ("benign", "malignant", "normal")
UNLABELLED: Final = "unlabelled"
REQUIRED: Final = frozenset({"file", "label"})
COLUMNS: Final = frozenset({*REQUIRED, "patient"})


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a labels file; ``number`` counts as an editor does."""

    number: int
    label: str
    patient: str = field(default="", repr=False)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """A labels file, by normalised file name."""

    rows: Mapping[str, Row] = field(default_factory=dict, repr=False)

    def match(self, files: Iterable[str]) -> dict[str, Row]:
        """The rows by the names of ``files``; files without a row are left out.

        Raises
        ------
        ConfigError
            When a row names a file that is not among ``files``.
        """
        names = {_normal(file): file for file in files}
        unknown = [row.number for key, row in self.rows.items() if key not in names]
        if unknown:
            shown = ", ".join(str(number) for number in sorted(unknown)[:5])
            msg = (
                f"every row of the labels file must name an input in the folder. Got {len(unknown)} other, rows {shown}"
            )
            raise ConfigError(msg)
        return {names[key]: row for key, row in self.rows.items()}


def label_of_folders(parts: Iterable[str]) -> str:
    """The label that the last of ``parts`` (folder names, outermost first) gives, in any case of letters."""
    for part in reversed(tuple(parts)):
        if part.lower() in CLASSES:
            return part.lower()
    return UNLABELLED


def load_labels(path: Path) -> Labels:
    """Read ``file,label[,patient]`` (UTF-8, heading first; ``file`` relative to the source folder).

    ``label`` is benign, malignant, normal or unlabelled.

    Raises
    ------
    ConfigError
        When the file cannot be read, a column is missing, unknown or twice there, a label is unknown, a file
        is named twice or not at all, or a row has another number of fields. Rows are named by number, never by content.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        msg = "the labels file must be a readable UTF-8 CSV file. Got one that cannot be read"
        raise ConfigError(msg) from None
    reader = csv.reader(StringIO(text, newline=""))
    try:
        heading = [name.strip().lower() for name in next(reader, [])]
        _check_heading(heading)
        rows: dict[str, Row] = {}
        for values in reader:
            if any(value.strip() for value in values):
                _add(rows, heading, values, reader.line_num)
    except csv.Error:
        msg = f"the labels file must be CSV. Got something else at line {reader.line_num}"
        raise ConfigError(msg) from None
    return Labels(rows=rows)


def _check_heading(heading: list[str]) -> None:
    if not set(heading) >= REQUIRED or not set(heading) <= COLUMNS or len(set(heading)) != len(heading):
        missing = sorted(REQUIRED - set(heading))
        msg = (
            "the columns of the labels file must be file, label and optionally patient. "
            f"Got {len(heading)} columns, missing {missing or 'none'}, unknown {len(set(heading) - COLUMNS)}"
        )
        raise ConfigError(msg)


def _add(rows: dict[str, Row], heading: list[str], values: list[str], number: int) -> None:
    if len(values) != len(heading):
        msg = f"every row of the labels file must have {len(heading)} fields. Got {len(values)} in row {number}"
        raise ConfigError(msg)
    row = {name: value.strip() for name, value in zip(heading, values, strict=True)}
    label = row["label"].lower()
    if label not in (*CLASSES, UNLABELLED):
        msg = f"a label must be one of {', '.join((*CLASSES, UNLABELLED))}. Got something else in row {number}"
        raise ConfigError(msg)
    key = _normal(row["file"])
    if not key or key in rows:
        msg = f"every row must name one file, and each file once. Got another in row {number}"
        raise ConfigError(msg)
    rows[key] = Row(number=number, label=label, patient=row.get("patient", ""))


def _normal(name: str) -> str:
    """Separators of either kind, no leading ``./``, composed accents: as people and programs write one name."""
    plain = unicodedata.normalize("NFC", name.replace("\\", "/"))
    while plain.startswith("./"):
        plain = plain[2:]
    return plain
