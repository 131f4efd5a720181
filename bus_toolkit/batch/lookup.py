"""From a pseudonym back to what it stands for, for whoever holds the private folder.

Nothing is stored for this but the private books: every pseudonym is made again from them under each key at hand, the
ones put aside by a rotation too, and compared with what was asked.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, final

from bus_toolkit.audit.ledger import Ledger
from bus_toolkit.batch.folders import locked
from bus_toolkit.batch.identity import scan_id
from bus_toolkit.batch.keys import keys_in
from bus_toolkit.errors import OutputError
from bus_toolkit.screen import group

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from bus_toolkit.deidentify import Key
    from bus_toolkit.record import Record

PSEUDONYM: Final = re.compile(r"[a-z][a-z2-7]{16}")
SHOWN: Final = ("patient_id", "issuer", "patient_name", "birth_date", "study_date")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One input that a pseudonym stands for. Private, and silent: its repr shows no value.

    ``kind`` says what was asked for (``"scan"``, ``"patient"``, ``"group"``, ``"study UID"``, ...), ``key`` is the
    fingerprint of the key that made it, ``facts`` is plain JSON.
    """

    kind: str
    key: str
    facts: Mapping[str, Any] = field(repr=False)


@contextmanager
def books_of(private: Path) -> Iterator[Ledger]:
    """The ledger of a private folder, held against runs while it is open; nothing is made that is not there.

    Raises
    ------
    OutputError
        When there is no ledger, or a run uses it.
    """
    if not (private / "ledger.sqlite").is_file():
        msg = "the folder must be the private folder (OUT.private) of an output, with its ledger. Got one without"
        raise OutputError(msg)
    with locked(private), Ledger(private / "ledger.sqlite") as ledger:
        yield ledger


def look_up(private: Path, asked: Iterable[str], *, key: Path | None = None) -> dict[str, list[Match]]:
    """What each pseudonym stands for; an empty list for one that nothing matches.

    Parameters
    ----------
    private
        The private folder of an output.
    asked
        Ids of scans, patients or groups, new UIDs, or names of output files.
    key
        The key file that the runs were given, when there was one.

    Raises
    ------
    OutputError
        When the ledger or the key cannot be used.
    """
    keys = keys_in(private, key)
    with books_of(private) as ledger:
        records = list(ledger.records())
    found: dict[str, list[Match]] = {text: [] for text in asked}
    for one in keys:
        book = [_entry(record, one) for record in records]
        _name_groups(book, records, one)
        for text, matches in found.items():
            wanted = _wanted(text)
            matches += [
                Match(kind=kind, key=one.fingerprint, facts=facts)
                for facts in book
                for kind in _kinds(facts, wanted, text)
                if not any(match.facts["file"] == facts["file"] for match in matches)
            ]
    return found


def pseudonyms_of(
    private: Path, patient_id: str, *, issuer: str = "", key: Path | None = None
) -> list[tuple[str, str, int]]:
    """The pseudonym of a patient id under each key: fingerprint of the key, pseudonym, how many inputs have it.

    Raises
    ------
    OutputError
        When the ledger or the key cannot be used.
    """
    keys = keys_in(private, key)
    with books_of(private) as ledger:
        records = list(ledger.records())
    told = []
    for one in keys:
        name = one.pseudonym("patient", "id", patient_id, issuer)
        told.append((one.fingerprint, name, sum(_patient(record, one) == name for record in records)))
    return told


def _wanted(text: str) -> str:
    """The pseudonym in what was asked: itself, or the stem of a file's name."""
    stem = PurePosixPath(text).name.split(".")[0]
    return stem if PSEUDONYM.fullmatch(stem) else text


def _kinds(facts: Mapping[str, Any], wanted: str, text: str) -> Iterator[str]:
    """What of one input the text is, at most one thing."""
    names = {"scan": facts["scan"], "patient": facts["patient"], "group": facts["group"]}
    kind = next((kind for kind, value in names.items() if value and value == wanted), None)
    # The original too: an output that retains UIDs has no other.
    kind = kind or next((f"{name} UID" for name, pair in facts["uids"].items() if wanted in pair.values()), None)
    if kind is None and text and text in facts["outputs"]:
        kind = "file"
    if kind is not None:
        yield kind


def _entry(record: Record, key: Key) -> dict[str, Any]:
    """What a lookup tells of one input, under one key."""
    identity = record.identity
    uids = {name: uid for name, uid in identity.get("uids", {}).items() if uid}
    shift = key.days(*_person(record)) if identity.get("shift_days") else 0
    return {
        "file": record.file,
        "label": record.label,
        "outcome": str(record.outcome),
        "scan": scan_id(record, key),
        "patient": _patient(record, key),
        "group": "",
        "outputs": [name for name in (record.image, record.dicom) if name],
        **{name: identity.get(name, "") for name in SHOWN},
        "shift_days": shift,
        "uids": {name: {"original": uid, "new": key.uid(uid)} for name, uid in uids.items()},
    }


def _patient(record: Record, key: Key) -> str:
    """Pseudonym of the patient under ``key``; of a picture whose patient the labels file named, as it was booked."""
    person = _person(record)
    if person:
        return key.pseudonym("patient", *person)
    return record.patient if scan_id(record, key) == record.id else ""


def _person(record: Record) -> tuple[str, ...]:
    """What tells the patient from others, by the rule of :func:`bus_toolkit.deidentify.dataset.patient_identity`."""
    known = record.identity
    if known.get("patient_id"):
        return ("id", known["patient_id"], known.get("issuer", ""))
    if known.get("patient_name", "").rstrip("^= "):
        return ("name", known["patient_name"].rstrip("^= ").casefold(), known.get("birth_date", ""))
    uids = known.get("uids", {})
    study = uids.get("study") or uids.get("instance")
    return ("study", study) if study else ()


def _name_groups(book: list[dict[str, Any]], records: list[Record], key: Key) -> None:
    """Fill in the groups of near-duplicates as :func:`bus_toolkit.batch.finish.group_names` names them."""
    prints = {
        facts["scan"]: record.fingerprint for facts, record in zip(book, records, strict=True) if record.fingerprint
    }
    numbers = group(prints)
    first: dict[int, str] = {}
    for scan in sorted(prints):
        first.setdefault(numbers[scan], scan)
    for facts in book:
        if facts["scan"] in prints:
            facts["group"] = key.pseudonym("group", first[numbers[facts["scan"]]])
