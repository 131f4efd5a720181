r"""The CSV files of a run: UTF-8, ``\n`` line ends, a header row, written whole or not at all.

As in the manifest, a cell that a spreadsheet would run as a formula gets an apostrophe in front, and loses it when it
is read.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from bus_toolkit.atomic import atomic_text
from bus_toolkit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table. Text is guarded; numbers are written as Python does, so that the same float is read again."""
    with atomic_text(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([_guard(cell) for cell in row] for row in rows)


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
    return [{name: _bare(cell) for name, cell in zip(header, line, strict=True)} for line in lines[1:]]


def _guard(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def _bare(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
