"""Write a file so that it is either the old one or the whole new one, whatever happens in between."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLIC_MODE: Final = 0o644
PRIVATE_MODE: Final = 0o600
PRIVATE_FOLDER_MODE: Final = 0o700
TEMPORARY: Final = re.compile(r"\.[0-9a-f]{8}\.part")
"""Names of files that are being written."""


@contextmanager
def atomic_path(path: Path, *, mode: int = PUBLIC_MODE, durable: bool = True) -> Iterator[Path]:
    """Give a temporary path in the same folder; what lies there takes the name ``path`` when the block ends well.

    The file is flushed to the disk, renamed in one step (``rename`` of POSIX), and the folder flushed after it.
    When the block raises, the temporary file is removed and ``path`` is untouched. When the process is killed,
    :func:`sweep_temporary` finds what is left. The file has ``mode`` from its first instant, less what the umask takes.
    Without ``durable`` nothing is flushed: whole or not there all the same, but a power cut may lose it.

    Raises
    ------
    OSError
        When the folder is missing or cannot be written.
    """
    path = Path(path)
    temporary = path.parent / f".{secrets.token_hex(4)}.part"
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
    try:
        yield temporary
        if durable:
            _flush(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        _flush(path.parent)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def atomic_text(path: Path, *, mode: int = PUBLIC_MODE) -> Iterator[TextIO]:
    r"""Open a UTF-8 text file for :func:`atomic_path`.

    Newlines are written as they are given (``"\n"``). What cannot be encoded (file names that are not UTF-8) is
    written as a backslash escape.
    """
    with (
        atomic_path(path, mode=mode) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
    ):
        yield stream


def atomic_write_bytes(path: Path, data: bytes, *, mode: int = PUBLIC_MODE) -> None:
    """Write ``data`` to ``path`` whole or not at all; see :func:`atomic_path`."""
    with atomic_path(path, mode=mode) as temporary:
        temporary.write_bytes(data)


def sweep_temporary(folder: Path) -> int:
    """Remove temporary files that a killed run left anywhere under ``folder``; return how many.

    Call it only where no other run is writing. Links are not followed.
    """
    count = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            if TEMPORARY.fullmatch(name):
                Path(parent, name).unlink(missing_ok=True)
                count += 1
    return count
