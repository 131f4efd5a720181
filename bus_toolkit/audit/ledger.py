"""The private ledger: one row per input in an SQLite file, so that a run that was killed goes on where it was.

Only the parent process of a run opens it. Why write-ahead logging with an exclusive lock: a commit is one append, so a
record costs no wait for the disk; what was committed survives ``kill -9`` at any instant, as the kernel has it by then;
a power cut loses at most the last records, whose scans are then done again, and never harms the file
(https://www.sqlite.org/wal.html). The exclusive lock keeps a second run away from the same output, and makes SQLite do
without the shared-memory file, which network file systems do not support.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from bus_toolkit.atomic import PRIVATE_MODE
from bus_toolkit.errors import OutputError
from bus_toolkit.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

SCHEMA_VERSION: Final = 2
_APPLICATION_ID: Final = 0x62757374  # "bust", so that another SQLite file is not taken for a ledger
_SCHEMA = f"""
BEGIN;
CREATE TABLE inputs (
    file BLOB PRIMARY KEY,   -- bytes of the relative path: a file name need not be UTF-8
    id TEXT NOT NULL,
    label TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reasons TEXT NOT NULL,   -- codes, with a space between
    record TEXT NOT NULL     -- everything, as JSON
);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""


class Ledger:
    """The books of one output folder. A context manager; closing it early or twice does no harm.

    Parameters
    ----------
    path
        The SQLite file; made with mode 0600 when it is not there. Its folder must exist.

    Raises
    ------
    OutputError
        When the file is not a ledger, has another schema version, is in use by another run, or cannot be written.
        The same goes for every method.
    """

    def __init__(self, path: Path) -> None:
        with _as_output_error():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, PRIVATE_MODE))
            path.chmod(PRIVATE_MODE)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=0)
        try:
            with _as_output_error():
                self._set_up()
        except BaseException:
            self._db.close()
            raise

    def _set_up(self) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        if self._number("application_id") not in {0, _APPLICATION_ID}:
            msg = "the ledger must be one of this toolkit. Got another kind of database"
            raise OutputError(msg)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        found = self._number("user_version")
        tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not found and not tables:
            self._db.executescript(_SCHEMA)
        elif found != SCHEMA_VERSION:
            msg = f"the ledger must have schema version {SCHEMA_VERSION}. Got {found}: use --fresh or another output"
            raise OutputError(msg)

    def _number(self, pragma: str) -> int:
        return int(self._db.execute(f"PRAGMA {pragma}").fetchone()[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the file free. What was put is in it already."""
        self._db.close()

    def put(self, record: Record) -> None:
        """Add the record of one input, or replace it; one transaction."""
        codes = " ".join(reason.code for reason in record.reasons)
        values = (_key(record.file), record.id, record.label, str(record.outcome), codes, record.dumps())
        with _as_output_error():
            self._db.execute("INSERT OR REPLACE INTO inputs VALUES (?, ?, ?, ?, ?, ?)", values)

    def get(self, file: str) -> Record | None:
        """The record of one input, by its path relative to the source; None when there is none."""
        with _as_output_error():
            found = self._db.execute("SELECT record FROM inputs WHERE file = ?", (_key(file),)).fetchone()
            return Record.loads(found[0]) if found else None

    def delete(self, file: str) -> None:
        """Forget one input; no harm when it is not there."""
        with _as_output_error():
            self._db.execute("DELETE FROM inputs WHERE file = ?", (_key(file),))

    def records(self) -> Iterator[Record]:
        """Every record, sorted by the bytes of ``file``, one at a time: with masks they can be large together.

        Do not write to the ledger before the iterator is used up.
        """
        with _as_output_error():
            for (line,) in self._db.execute("SELECT record FROM inputs ORDER BY file"):
                yield Record.loads(line)

    def files(self) -> list[str]:
        """The paths of all inputs that have a record, sorted by their bytes."""
        with _as_output_error():
            return [os.fsdecode(key) for (key,) in self._db.execute("SELECT file FROM inputs ORDER BY file")]

    def __len__(self) -> int:
        with _as_output_error():
            return int(self._db.execute("SELECT count(*) FROM inputs").fetchone()[0])

    def meta(self, key: str) -> str | None:
        """What was noted under ``key``, or None."""
        with _as_output_error():
            found = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
            return str(found[0]) if found else None

    def set_meta(self, key: str, value: str) -> None:
        """Note ``value`` under ``key``, in place of what was there."""
        with _as_output_error():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def agree(self, facts: Mapping[str, str]) -> None:
        """Hold a run to what the first one was made with, such as policy hash and key fingerprint.

        A fact that is not noted yet is noted; all in one transaction.

        Raises
        ------
        OutputError
            When a fact is noted with another value; the message names the facts, never their values.
        """
        known = {key: self.meta(key) for key in facts}
        other = sorted(key for key, value in facts.items() if known[key] not in {None, value})
        if other:
            msg = f"the output must be made with one and the same {', '.join(other)}. Got another: use --fresh"
            raise OutputError(msg)
        with _as_output_error(), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", sorted(facts.items()))


def _key(file: str) -> bytes:
    return os.fsencode(file)


@contextmanager
def _as_output_error() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        busy = error.sqlite_errorcode in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
        got = "one that another run is using" if busy else "one that cannot be used"
        msg = f"the ledger must be a file that can be written. Got {got}"
        raise OutputError(msg) from None
    except (sqlite3.DatabaseError, OSError) as error:
        msg = f"the ledger must be a sound SQLite file that can be written. Got a {type(error).__name__}"
        raise OutputError(msg) from None
