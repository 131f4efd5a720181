"""Write a small file so that it is either the old one or the whole new one, whatever happens in between."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLIC_MODE = 0o644
PRIVATE_MODE = 0o600


@contextmanager
def atomic_text(path: Path, *, mode: int = PUBLIC_MODE) -> Iterator[TextIO]:
    r"""Open a UTF-8 text file that takes the place of ``path`` when the block ends without an exception.

    The bytes go to a hidden temporary name in the same folder, are flushed to the disk, and the name is changed in
    one step (``rename`` of POSIX), after which the folder is flushed as well. Newlines are written as they are given
    (``"\n"``). What cannot be encoded (file names that are not UTF-8) is written as a backslash escape.

    Raises
    ------
    OSError
        When the folder is missing or cannot be written.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            yield stream
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
