r"""THE contract between cleaning and training: one row per input, in a CSV file that may be given away.

The file is RFC 4180 with ``\n`` line ends, UTF-8, a header row, and rows in the order of their ids, so that the same
run gives the same bytes. Its columns are the fields of :class:`Row`; :data:`COLUMNS` describes them for the docs.

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@`` as a formula. Such a cell gets an apostrophe in
front when it is written, and loses it when it is read (OWASP, "CSV Injection").
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field, fields
from itertools import pairwise
from math import isfinite
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from bus_toolkit.atomic import atomic_text
from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from bus_toolkit.record import Record

_PSEUDONYM = re.compile(r"[A-Za-z0-9._-]*\Z")
_DIGEST = re.compile(r"([0-9a-f]{64})?\Z")
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_MUST_QUOTE = re.compile(r'[",\r\n]')
_FIRST_DATA_ROW = 2
"""Rows are counted as a spreadsheet counts them: the header is row 1."""


class Column(NamedTuple):
    """One column: its name, its type in words, what it means."""

    name: str
    type: str
    meaning: str


def _is(kind: str, meaning: str) -> dict[str, str]:
    return {"type": kind, "meaning": meaning}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One input. The fields are the columns of the manifest, in order; see :data:`COLUMNS` for what they mean.

    Raises
    ------
    ConfigError
        When a value is not what its column allows, or the values do not fit each other: only a kept input has
        files; a file and its digest come together; an anonymised row names nothing but pseudonyms.
    """

    id: str = field(metadata=_is("text", "Pseudonymous id of the scan, unique in the file."))
    label: str = field(
        metadata=_is("text", "`benign`, `malignant`, `normal`, another label that was given, or `unlabelled`.")
    )
    outcome: Outcome = field(metadata=_is("text", "`kept`, `rejected`, `quarantined` or `failed`."))
    reasons: tuple[str, ...] = field(
        metadata=_is("text", "Codes of the reasons, sorted, with a space between; often empty.")
    )
    media: str = field(
        metadata=_is("text", "What the input was: `dicom`, `png`, `jpeg`, `tiff`, `bmp`; empty when not known.")
    )
    image: str = field(
        metadata=_is("text", "The cleaned picture, relative to the manifest's folder; empty when there is none.")
    )
    dicom: str = field(
        metadata=_is("text", "The cleaned DICOM file, relative to the manifest's folder; empty when there is none.")
    )
    patient: str = field(
        metadata=_is("text", "Pseudonym of the patient; empty when the input does not tell. Never split one.")
    )
    group: str = field(metadata=_is("text", "Near-duplicates share it; empty when there is none. Never split one."))
    rows: int = field(
        metadata=_is("whole number", "Rows of the picture in pixels; 0 when the input could not be read.")
    )
    cols: int = field(
        metadata=_is("whole number", "Columns of the picture in pixels; 0 when the input could not be read.")
    )
    frames: int = field(
        metadata=_is("whole number", "1 for a still, more for a clip; 0 when the input could not be read.")
    )
    spacing_row_mm: float | None = field(
        metadata=_is("number or empty", "Millimetres from one row to the next; empty: unknown.")
    )
    spacing_col_mm: float | None = field(
        metadata=_is("number or empty", "Millimetres from one column to the next; empty: unknown.")
    )
    anonymised: bool = field(
        metadata=_is("true or false", "Whether ids are pseudonyms and all outside the sector was removed.")
    )
    sha256: str = field(metadata=_is("64 hex digits or empty", "SHA-256 of the file in `image`."))
    dicom_sha256: str = field(metadata=_is("64 hex digits or empty", "SHA-256 of the file in `dicom`."))

    def __post_init__(self) -> None:
        _require(bool(self.id), "id must not be empty. Got nothing")
        for name in ("id", "label", "media", "patient", "group", "image", "dicom"):
            good = _encodable(getattr(self, name))
            _require(good, f"{name} must be text that UTF-8 can write, without NUL. Got other characters")
        for name in ("image", "dicom"):
            _require(_inside(getattr(self, name)), f"{name} must be a path inside the output folder. Got another")
        for code in self.reasons:
            _require(bool(code) and _PSEUDONYM.match(code) is not None, "reasons must be codes. Got something else")
        for name in ("rows", "cols", "frames"):
            _require(getattr(self, name) >= 0, f"{name} must be 0 or more. Got less")
        for name in ("spacing_row_mm", "spacing_col_mm"):
            value = getattr(self, name)
            _require(value is None or (isfinite(value) and value > 0), f"{name} must be above 0. Got another number")
        self._check_files()
        self._check_pseudonyms()

    def _check_files(self) -> None:
        for path, digest in (("image", "sha256"), ("dicom", "dicom_sha256")):
            value = getattr(self, digest)
            _require(_DIGEST.match(value) is not None, f"{digest} must be 64 hex digits or empty. Got something else")
            _require(bool(value) == bool(getattr(self, path)), f"{digest} must be there when {path} is. Got only one")
        if self.outcome is not Outcome.KEPT:
            _require(not (self.image or self.dicom), "image and dicom must be empty unless the scan was kept. Got some")

    def _check_pseudonyms(self) -> None:
        for name in ("id", "patient", "group") if self.anonymised else ():
            good = _PSEUDONYM.match(getattr(self, name)) is not None
            _require(good, f"{name} must be a pseudonym of letters, digits and ._- when anonymised. Got something else")


COLUMNS: tuple[Column, ...] = tuple(
    Column(item.name, item.metadata["type"], item.metadata["meaning"]) for item in fields(Row)
)
"""The columns of the manifest, in order."""


def row_of(record: Record, *, anonymised: bool, group: str = "") -> Row:
    """The public line of one record. Nothing of a :class:`Record` that is private is looked at.

    Raises
    ------
    ConfigError
        As :class:`Row`.
    """
    kept = record.outcome is Outcome.KEPT
    spacing = record.spacing_mm or (None, None)
    return Row(
        id=record.id,
        label=_utf8(record.label),
        outcome=record.outcome,
        reasons=tuple(sorted({reason.code for reason in record.reasons})),
        media=record.media,
        image=_utf8(record.image) if kept else "",
        dicom=_utf8(record.dicom) if kept else "",
        patient=record.patient,
        group=group,
        rows=record.rows,
        cols=record.cols,
        frames=record.frames,
        spacing_row_mm=spacing[0],
        spacing_col_mm=spacing[1],
        anonymised=anonymised,
        sha256=record.image_sha256 if kept and record.image else "",
        dicom_sha256=record.dicom_sha256 if kept and record.dicom else "",
    )


def write_manifest(path: Path, rows: Iterable[Row]) -> None:
    """Write the manifest atomically, rows sorted by id.

    Raises
    ------
    ConfigError
        When two rows have one id.
    OSError
        When the file cannot be written.
    """
    ordered = sorted(rows, key=lambda row: row.id)
    for one, other in pairwise(ordered):
        _require(one.id != other.id, "ids must be unique in a manifest. Got one twice")
    with atomic_text(path) as stream:
        stream.write(",".join(column.name for column in COLUMNS) + "\n")
        for row in ordered:
            stream.write(",".join(to_cell(getattr(row, column.name)) for column in COLUMNS) + "\n")


def read_manifest(path: Path) -> list[Row]:
    """Read and check a manifest; the inverse of :func:`write_manifest`. Line ends of either kind will do.

    Raises
    ------
    InputError
        With code ``"manifest"`` when the file cannot be read, its header is another one, or a row is not what it must
        be. The message has the row's number (the header is row 1) and never a value.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return _read_rows(csv.reader(stream, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"a manifest must be a readable CSV file in UTF-8. Got a {type(error).__name__}"
        raise InputError("manifest", msg) from None


def _read_rows(lines: Iterable[list[str]]) -> list[Row]:
    iterator = iter(lines)
    names = [column.name for column in COLUMNS]
    if next(iterator, None) != names:
        msg = f"the header of a manifest must be {','.join(names)}. Got another"
        raise InputError("manifest", msg)
    rows: list[Row] = []
    seen: set[str] = set()
    for number, cells in enumerate(iterator, start=_FIRST_DATA_ROW):
        try:
            row = _row_of_cells(cells)
            _require(row.id not in seen, "id must be unique in a manifest. Got one twice")
        except ConfigError as error:
            msg = f"row {number} of the manifest: {error}"
            raise InputError("manifest", msg) from None
        seen.add(row.id)
        rows.append(row)
    return rows


def _row_of_cells(cells: list[str]) -> Row:
    _require(len(cells) == len(COLUMNS), f"it must have {len(COLUMNS)} cells. Got {len(cells)}")
    values: dict[str, Any] = {}
    for column, cell in zip(COLUMNS, cells, strict=True):
        values[column.name] = _PARSERS.get(column.name, _parse_text)(column.name, from_cell(cell))
    return Row(**values)


def _parse_outcome(name: str, text: str) -> Outcome:
    _require(text in set(Outcome), f"{name} must be one of {', '.join(Outcome)}. Got something else")
    return Outcome(text)


def _parse_count(name: str, text: str) -> int:
    _require(re.fullmatch(r"[0-9]{1,9}", text) is not None, f"{name} must be a whole number. Got something else")
    return int(text)


def _parse_number(name: str, text: str) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        msg = f"{name} must be a number or empty. Got something else"
        raise ConfigError(msg) from None


def _parse_flag(name: str, text: str) -> bool:
    _require(text in {"true", "false"}, f"{name} must be true or false. Got something else")
    return text == "true"


def _parse_codes(_name: str, text: str) -> tuple[str, ...]:
    return tuple(text.split(" ")) if text else ()


def _parse_text(_name: str, text: str) -> str:
    return text


_PARSERS: Mapping[str, Callable[[str, str], Any]] = {
    "outcome": _parse_outcome,
    "reasons": _parse_codes,
    "rows": _parse_count,
    "cols": _parse_count,
    "frames": _parse_count,
    "spacing_row_mm": _parse_number,
    "spacing_col_mm": _parse_number,
    "anonymised": _parse_flag,
}


def from_cell(cell: str) -> str:
    """The text of a cell that :func:`to_cell` wrote, once a CSV reader has taken the quotes off."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def to_cell(value: object) -> str:
    """One cell of CSV: quoted where it must be, an apostrophe in front of what a spreadsheet would run."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = " ".join(value) if isinstance(value, tuple) else str(value)
    if _FORMULA.match(text):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if _MUST_QUOTE.search(text) else text


def _encodable(text: str) -> bool:
    return "\0" not in text and text == _utf8(text)


def _utf8(text: str) -> str:
    """The same text with an escape for each byte of a file name that was not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts


def _require(condition: bool, message: str) -> None:  # noqa: FBT001
    if not condition:
        raise ConfigError(message)
