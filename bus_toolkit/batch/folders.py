"""The output folder and its private sibling: opened, locked, checked, and swept."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bus_toolkit._version import __version__
from bus_toolkit.atomic import PRIVATE_FOLDER_MODE, PRIVATE_MODE, sweep_temporary
from bus_toolkit.audit.ledger import Ledger
from bus_toolkit.deidentify import Key
from bus_toolkit.deidentify.key import KEY_NAME
from bus_toolkit.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bus_toolkit.batch.options import Options
    from bus_toolkit.record import Record

CERTIFICATE = ("certificate.json", "certificate.html")
"""What vouches for the folder as it was; gone as soon as a run may change anything in it."""
OWNED = ("images", "dicom", "manifest.csv", "run.json", "report.html", *CERTIFICATE)
"""What a run makes in the output folder; nothing else there is ever touched."""
PRIVATE_OWNED = ("review", "review.html", "ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm")
"""What ``--fresh`` removes from the private folder.

Keys stay, so that pseudonyms stay the same and old ones can be looked up; so do ``strays`` and ``withdrawn``, which
may be all that is left of something and the evidence of what went wrong.
"""
WITHDRAWN = "withdrawn"


@contextmanager
def opened(options: Options) -> Iterator[tuple[Ledger, Key, Path]]:
    """The ledger, the key and its file of a run, with the output locked against a second run."""
    _check_foreign(options)
    try:
        options.private.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
        options.private.chmod(PRIVATE_FOLDER_MODE)
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError:
        msg = "the output folder must be one that can be written. Got one that cannot"
        raise OutputError(msg) from None
    with locked(options.private):
        if options.fresh:
            _throw_away(options)
        _sweep(options)
        key_path = options.key or options.private / KEY_NAME
        key = Key.load(key_path) if options.key else Key.load_or_create(key_path)
        with Ledger(options.private / "ledger.sqlite") as ledger:
            ledger.agree(_facts(options, key))
            remove_certificate(options.output)
            yield ledger, key, key_path


def _check_foreign(options: Options) -> None:
    out, private = options.output, options.private
    if out.exists() and not out.is_dir():
        msg = "the output must be a folder. Got a file"
        raise OutputError(msg)
    if any((private / name).exists() for name in ("ledger.sqlite", "lock")):
        return
    # A key that was laid into the private folder before the first run is welcome there.
    for what, folder, welcome in (("output", out, set[str]()), ("private", private, {KEY_NAME})):
        if folder.is_dir() and {path.name for path in folder.iterdir()} - welcome:
            msg = f"the {what} folder must be new, empty, or one that an earlier run made. Got one with other things"
            raise OutputError(msg)


def _sweep(options: Options) -> None:
    """Remove what a killed run left half-written."""
    for folder in (options.output, options.private):
        sweep_temporary(folder)
    for path in options.private.glob(f".{KEY_NAME}.*"):
        path.unlink(missing_ok=True)


@contextmanager
def locked(private: Path) -> Iterator[None]:
    """Hold the private folder against every other run.

    Raises
    ------
    OutputError
        When another run holds it, or the folder cannot be written.
    """
    try:
        descriptor = os.open(private / "lock", os.O_CREAT | os.O_RDWR, PRIVATE_MODE)
    except OSError:
        msg = "the private folder must be one that can be written. Got one that cannot"
        raise OutputError(msg) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            msg = "the output folder must not be in use by another run. Got one that is"
            raise OutputError(msg) from None
        yield
    finally:
        os.close(descriptor)


def _throw_away(options: Options) -> None:
    for folder, names in ((options.output, OWNED), (options.private, PRIVATE_OWNED)):
        for name in names:
            path = folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _facts(options: Options, key: Key) -> dict[str, str]:
    """What must not change within one output: scans that were cleaned in different ways are not mixed."""
    return {
        "policy": options.policy.hash,
        "key": key.fingerprint,
        "--anonymise setting": str(options.anonymise),
        "engine": options.engine,
        "toolkit version": __version__,
        "source folder": key.pseudonym("source", str(options.src)),
    }


def forget_outputs(options: Options, old: Record | None, *, keep: Record) -> None:
    """Remove what an earlier version of an input left under names that the new one does not use."""
    if old is None:
        return
    for folder, names, kept in (
        (options.output, (old.image, old.dicom), (keep.image, keep.dicom)),
        (options.private, (old.before, old.after), (keep.before, keep.after)),
    ):
        for name in names:
            if name and name not in kept:
                (folder / name).unlink(missing_ok=True)


def remove_certificate(out: Path) -> None:
    """Take the certificate away: it vouches for the folder as it was."""
    for name in CERTIFICATE:
        (out / name).unlink(missing_ok=True)


def withdraw(out: Path, private: Path, name: str) -> None:
    """Move what lies under ``out / name`` to ``withdrawn/`` of the private folder, for the owner's eyes alone.

    A link is moved as the link that it is. What was withdrawn under that name before stays, under a number.

    Raises
    ------
    OSError
        When it cannot be moved.
    """
    target = private / WITHDRAWN / name
    target.parent.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
    number = 1
    while target.is_symlink() or target.exists():
        number += 1
        target = (private / WITHDRAWN / name).with_name(f"{PurePosixPath(name).name}.{number}")
    shutil.move(out / name, target)
    if target.is_file() and not target.is_symlink():
        target.chmod(PRIVATE_MODE)


def set_strays_aside(options: Options, named: set[str]) -> int:
    """Move pictures that are not in ``named`` to the private folder; how many there were.

    A run that was killed may leave one whose input is gone since. Nobody vouches for it, so it must not stay in a
    folder that is given away; nothing is deleted, either.
    """
    strays = 0
    for top in ("images", "dicom"):
        for path in sorted((options.output / top).rglob("*")):
            name = path.relative_to(options.output).as_posix()
            if path.is_dir() or name in named:
                continue
            target = options.private / "strays" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, target)
            if not target.is_symlink():
                target.chmod(PRIVATE_MODE)
            strays += 1
    return strays
