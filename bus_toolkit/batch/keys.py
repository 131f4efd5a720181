"""The keys of a private folder: the one in use and those that it replaced."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, final

from bus_toolkit.atomic import PRIVATE_FOLDER_MODE, PRIVATE_MODE, atomic_write_bytes
from bus_toolkit.batch.folders import locked
from bus_toolkit.deidentify import Key
from bus_toolkit.deidentify.key import KEY_NAME
from bus_toolkit.errors import OutputError

OTHERS: Final = 0o077


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """What may be told of a stored key: its fingerprint, when its file was written (UTC), and the file's mode."""

    fingerprint: str
    written: datetime
    mode: int
    archived: bool = False

    @property
    def exposed(self) -> bool:
        """Whether others than the owner may read it; no run uses such a key."""
        return bool(self.mode & OTHERS)


def facts_of(path: Path, *, archived: bool = False) -> KeyFacts:
    """Facts of one key file, whoever may read it.

    Raises
    ------
    OutputError
        When there is none, or it holds no key.
    """
    try:
        stat, text = path.stat(), path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        msg = "the key must be a file that can be read. Got none, or one that cannot"
        raise OutputError(msg) from None
    return KeyFacts(
        fingerprint=Key.parse(text).fingerprint,
        written=datetime.fromtimestamp(stat.st_mtime, UTC),
        mode=stat.st_mode & 0o777,
        archived=archived,
    )


def create(path: Path) -> Key:
    """Make a key in ``path`` (0600). A folder that is missing is made for its owner alone; one that is there stays.

    Raises
    ------
    OutputError
        When something has that name already, or the place cannot be written.
    """
    try:
        path.parent.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".bus-clean-", dir=path.parent) as folder:
            made = Path(folder) / KEY_NAME
            key = Key.create(made)
            _take_name(made, path)
    except FileExistsError:
        msg = "the place of a new key must be free. Got one where there is something"
        raise OutputError(msg) from None
    except OSError:
        msg = "the key must be stored in a folder that can be written. Got one that cannot"
        raise OutputError(msg) from None
    return key


def _take_name(made: Path, path: Path) -> None:
    """Rename without ever replacing: a link fails where a file stands. Where there are no links, look first."""
    try:
        os.link(made, path)
    except FileExistsError:
        raise
    except OSError:
        if path.exists() or path.is_symlink():
            raise FileExistsError from None
        made.rename(path)


def archived_paths(private: Path) -> list[Path]:
    """Key files that a rotation put aside, the latest first."""
    paths = [path for path in private.glob(f"{KEY_NAME}.*") if path.is_file()]
    return sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def facts_in(place: Path) -> list[KeyFacts]:
    """Facts of a key file, or of every key of a private folder, the one in use first.

    Raises
    ------
    OutputError
        When there is no key.
    """
    if not place.is_dir():
        return [facts_of(place)]
    _check_private(place)
    return [facts_of(place / KEY_NAME), *(facts_of(path, archived=True) for path in archived_paths(place))]


def keys_in(private: Path, given: Path | None = None) -> list[Key]:
    """Every key that may have made a pseudonym: ``given`` or the one in use first, then those put aside.

    Raises
    ------
    OutputError
        When there is none, or one is open to others.
    """
    paths = [given] if given is not None else [private / KEY_NAME] * (private / KEY_NAME).exists()
    keys = [Key.load(path) for path in (*paths, *archived_paths(private))]
    if not keys:
        msg = "the private folder must hold a key, or --key must give one. Got neither"
        raise OutputError(msg)
    return list(dict.fromkeys(keys))


def rotate(private: Path) -> tuple[KeyFacts, KeyFacts]:
    """Put a new key in the place of the one in use, which is kept as ``key.<fingerprint>``; facts of old and new.

    The old key is safe before the new one takes its place, so a rotation that is killed loses neither.

    Raises
    ------
    OutputError
        When the folder holds no key, is in use by a run, or cannot be written.
    """
    _check_private(private)
    path = private / KEY_NAME
    with locked(private):
        old = Key.load(path)
        archive = private / f"{KEY_NAME}.{old.fingerprint}"
        try:
            atomic_write_bytes(archive, path.read_bytes(), mode=PRIVATE_MODE)
            fresh = path.with_name(f".{KEY_NAME}.new")
            fresh.unlink(missing_ok=True)
            Key.create(fresh)
            fresh.replace(path)
        except OSError:
            msg = "the private folder must be one that can be written. Got one that cannot"
            raise OutputError(msg) from None
        return facts_of(archive, archived=True), facts_of(path)


def _check_private(private: Path) -> None:
    if not (private / KEY_NAME).is_file():
        msg = (
            "the folder must be a private folder with a key in it. Got one without: runs that were given --key keep "
            "none there"
        )
        raise OutputError(msg)
