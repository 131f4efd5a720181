r"""The CSV files of a run: UTF-8, ``\n`` line ends, a header row, written whole or not at all.

As in the manifest, a cell that a spreadsheet would run as a formula gets an apostrophe in front, and loses it when it
is read.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from bus_toolkit.atomic import atomic_text
from bus_toolkit.errors import InputError
from bus_toolkit.manifest import from_cell, to_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table. Text is guarded; numbers are written as Python does, so that the same float is read again."""
    with atomic_text(path) as stream:
        for row in (header, *rows):
            stream.write(",".join(to_cell(cell) for cell in row) + "\n")


def read_table(path: Path, header: Sequence[str]) -> list[dict[str, str]]:
    """Read a table that has these columns, in this order.

    Raises
    ------
    InputError
        With code ``"table"`` when it cannot be read, or has other columns.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = list(csv.reader(stream, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"a table must be a readable CSV file in UTF-8. Got a {type(error).__name__}"
        raise InputError("table", msg) from None
    if not lines or lines[0] != list(header) or any(len(line) != len(header) for line in lines):
        msg = f"a table must have the columns {','.join(header)} in each row. Got others"
        raise InputError("table", msg)
    return [{name: from_cell(cell) for name, cell in zip(header, line, strict=True)} for line in lines[1:]]
