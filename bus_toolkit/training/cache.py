"""Pictures decoded once, in one memory-mapped array that all epochs, runs and folds read."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from bus_toolkit.atomic import PRIVATE_MODE, atomic_path
from bus_toolkit.errors import InputError
from bus_toolkit.training.pictures import decode, fit_square

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bus_toolkit.manifest import Row

VERSION: Final = 1
"""Goes up when the same file would give other pixels."""

Squares: TypeAlias = npt.NDArray[np.uint8]


def cache_key(rows: Sequence[Row], size: int, fit: str) -> str:
    """Name of the cache of these pictures: a digest of their digests in order, the size, the fit, and the version."""
    digest = hashlib.sha256(f"{VERSION} {size} {fit}\n".encode())
    for row in rows:
        digest.update(f"{row.sha256}\n".encode())
    return digest.hexdigest()[:32]


def load_pictures(
    rows: Sequence[Row],
    root: Path,
    folder: Path,
    *,
    size: int,
    fit: str = "pad",
    tell: Callable[[int, int], None] | None = None,
) -> Squares:
    """Map the pictures of these rows; decode them first when no cache of them is in ``folder``.

    Each file is held against the digest that the manifest has of it, so what is learned from is what was cleaned.

    Parameters
    ----------
    rows
        Rows of the manifest, each with a picture.
    root
        The manifest's folder.
    folder
        Where caches lie; made when missing. Only the owner may read the file: it holds the pictures.
    size, fit
        As for :func:`bus_toolkit.training.pictures.fit_square`.
    tell
        Called with how many are decoded, and of how many.

    Returns
    -------
    numpy.ndarray
        ``(n, size, size, 1)`` uint8, grey, in the order of the rows, mapped read-only.

    Raises
    ------
    InputError
        When a file is missing, is not what the manifest vouches for (code ``"digest"``), or cannot be decoded.
    OSError
        When the cache cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{cache_key(rows, size, fit)}.npy"
    shape = (len(rows), size, size, 1)
    if not _is_whole(path, shape):
        with atomic_path(path, mode=PRIVATE_MODE, durable=False) as temporary:
            _fill(temporary, shape, rows, root, fit=fit, tell=tell)
    return cast("Squares", np.load(path, mmap_mode="r"))


def _fill(
    path: Path,
    shape: tuple[int, int, int, int],
    rows: Sequence[Row],
    root: Path,
    *,
    fit: str,
    tell: Callable[[int, int], None] | None,
) -> None:
    array = new_array(path, shape, np.uint8)
    for place, row in enumerate(rows):
        array[place, :, :, 0] = fit_square(decode(read_vouched(row, root)), shape[1], fit)
        if tell is not None:
            tell(place + 1, len(rows))
    array.flush()


def new_array(path: Path, shape: tuple[int, ...], kind: npt.DTypeLike) -> Any:  # noqa: ANN401 (numpy's own has no type)
    """A mapped ``.npy`` file to be filled, anew at ``path``, its room on the disk taken beforehand.

    A mapped file without it kills the process where the disk is full, without a word.

    Raises
    ------
    OSError
        When there is no room.
    """
    # numpy makes the file anew; made first by us, it keeps the mode that it has.
    array: Any = np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, path.stat().st_size)
    return array


def read_vouched(row: Row, root: Path) -> bytes:
    """The bytes of a row's picture, relative to ``root``, the folder of its manifest.

    Raises
    ------
    InputError
        When the file is missing (code ``"picture"``), or is not what the manifest has the digest of (``"digest"``).
    """
    try:
        data = (root / row.image).read_bytes()
    except OSError as error:
        msg = f"each picture of the manifest must be there to be read. Got {error.strerror or 'an error'} for one"
        raise InputError("picture", msg) from None
    if hashlib.sha256(data).hexdigest() != row.sha256:
        msg = (
            "a picture must be the one that the manifest has the digest of. Got another: was it changed since cleaning?"
        )
        raise InputError("digest", msg)
    return data


def _is_whole(path: Path, shape: tuple[int, ...]) -> bool:
    try:
        mapped = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return False
    return bool(mapped.shape == shape and mapped.dtype == np.uint8)
