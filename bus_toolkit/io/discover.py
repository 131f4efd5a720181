"""Find every input of a folder, and say of everything else why it is none. Nothing is lost silently."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.io.labels import UNLABELLED, Labels, label_of_folders, load_labels
from bus_toolkit.io.reasons import REASONS, reason_of
from bus_toolkit.io.sniff import HEAD_BYTES, PICTURES, sniff

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPANION: Final = re.compile(r"^(?P<main>.+?)_(?:mask|tumou?r|other)_?\d*$", re.IGNORECASE)
"""``x_mask``, ``x_mask_1``, ``x_tumor``, ``x_other``, ``x_other1``: masks that collections lay beside ``x``."""
PICTURE_ENDINGS: Final = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm", ".dicom", ".ima"})
"""What calls itself a scan; when its content is none, that is a failure to be told and not a file to be ignored."""
SYSTEM_FILES: Final = frozenset({"thumbs.db", "desktop.ini", "icon\r", "ehthumbs.db"})
SYSTEM_FOLDERS: Final = frozenset({"__macosx", "$recycle.bin", "system volume information"})
IGNORED_KINDS: Final = frozenset(
    {"dicomdir", "document", "text", "hidden", "system", "special", "link-inside", "link-loop"}
)
"""Kinds that cannot hold a scan, or only one that is read elsewhere; all other unread kinds are failed inputs."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    r"""One input.

    Attributes
    ----------
    path
        Where it is. Private.
    file
        POSIX path relative to the root (the name alone for a single file); bytes that are not UTF-8 are written
        ``\xNN``. Private.
    label
        ``"benign"``, ``"malignant"``, ``"normal"`` or ``"unlabelled"``.
    patient
        From the labels file, or empty. Private.
    skip
        Why it cannot be read, or None when it may be tried.
    """

    path: Path = field(repr=False)
    file: str = field(repr=False)
    label: str = UNLABELLED
    patient: str = field(default="", repr=False)
    skip: InputError | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Something that lies in the folder and is no input; ``file`` as in :class:`Item`."""

    file: str = field(repr=False)
    code: str
    message: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """All that lies under a root, each thing exactly once, each part sorted by ``file``.

    Attributes
    ----------
    items
        The inputs; those with ``skip`` count as failed.
    companions
        Masks that lie beside their picture.
    ignored
        What is no input: hidden and system files, text, office documents, DICOMDIR, links to what is read anyway.
    """

    items: tuple[Item, ...]
    companions: tuple[str, ...] = field(default=(), repr=False)
    ignored: tuple[Ignored, ...] = ()

    def counts(self) -> dict[str, int]:
        """How many of each: ``items``, ``companions`` and one ``ignored:<code>`` for each code."""
        codes = Counter(f"ignored:{entry.code}" for entry in self.ignored)
        return {"items": len(self.items), "companions": len(self.companions), **dict(sorted(codes.items()))}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """One name met on the walk and its kind: a kind of sniff, or a key of ``REASONS``."""

    path: Path
    file: str
    kind: str


def discover(root: Path, *, labels: Path | None = None) -> Discovery:
    """List what lies under ``root``; reads the first kilobyte of each file.

    What a file is comes from its content. A label comes from the labels file where that has a row for the file,
    else from the nearest folder named ``benign``, ``malignant`` or ``normal`` (any case), the root's own name
    included, else it is ``"unlabelled"``.

    A name such as ``x_mask.png`` or ``x_tumor.png`` is a companion only when another picture named ``x`` lies in
    the same folder. Alone it is an input: leaving out a scan is the worse mistake, and a lone mask does not
    look like ultrasound to the screens.

    Links to folders are not followed, so loops end nothing. A link to a file is followed when the file lies in the
    same tree but under a hidden folder (as large-file stores keep them).

    Parameters
    ----------
    root
        A folder, or a single file.
    labels
        CSV with the columns ``file`` and ``label`` and optionally ``patient``; see :mod:`bus_toolkit.io.labels`.

    Raises
    ------
    ConfigError
        When ``root`` does not exist, or the labels file is not as it must be.
    """
    root = Path(root)
    if not root.exists():
        msg = "the source must be a folder or file that exists. Got a path that leads to nothing"
        raise ConfigError(msg)
    found = sorted(_walk(root) if root.is_dir() else _single(root), key=lambda entry: entry.file)
    table = load_labels(labels) if labels is not None else Labels()
    mains = _mains(found)
    items, companions, ignored = [], [], []
    base = root.resolve() if root.is_dir() else root.resolve().parent
    for entry in found:
        if entry.kind in IGNORED_KINDS and not _poses_as_picture(entry):
            code, message = REASONS[entry.kind]
            ignored.append(Ignored(file=entry.file, code=code, message=message))
        elif _is_companion(entry, mains):
            companions.append(entry.file)
        else:
            items.append(_item(entry, base))
    return Discovery(items=_with_labels(items, table), companions=tuple(companions), ignored=tuple(ignored))


def _item(entry: _Found, base: Path) -> Item:
    skip = None if entry.kind in (*PICTURES, "dicom") else reason_of(entry.kind)
    return Item(
        path=entry.path, file=entry.file, label=label_of_folders((base.name, *Path(entry.file).parts[:-1])), skip=skip
    )


def _with_labels(items: list[Item], table: Labels) -> tuple[Item, ...]:
    named = table.match({item.file for item in items})
    return tuple(
        replace(item, label=named[item.file].label, patient=named[item.file].patient) if item.file in named else item
        for item in items
    )


def _poses_as_picture(entry: _Found) -> bool:
    """Text under a name such as ``scan.png``: somebody expects a scan there."""
    return entry.kind in ("text", "document") and Path(entry.file).suffix.lower() in PICTURE_ENDINGS


def _mains(found: list[_Found]) -> dict[str, set[str]]:
    """Folder by folder, the names (without ending) of all pictures."""
    names: dict[str, set[str]] = {}
    for entry in found:
        if entry.kind in (*PICTURES, "dicom"):
            place = Path(entry.file)
            names.setdefault(str(place.parent), set()).add(place.stem)
    return names


def _is_companion(entry: _Found, mains: dict[str, set[str]]) -> bool:
    place = Path(entry.file)
    match = COMPANION.match(place.stem)
    if match is None or entry.kind not in PICTURES:
        return False
    return match["main"] in mains.get(str(place.parent), set())


def _single(path: Path) -> Iterator[_Found]:
    yield _Found(path=path, file=_plain(path.name), kind=_kind_of_file(path))


def _walk(root: Path) -> Iterator[_Found]:
    top = root.resolve()
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError:
            yield _Found(path=folder, file=_relative(folder, root), kind="unreadable-folder")
            continue
        for entry in entries:
            path = Path(entry.path)
            kind = _kind_of_entry(entry, top)
            if kind == "folder":
                folders.append(path)
            else:
                yield _Found(path=path, file=_relative(path, root), kind=kind)


def _kind_of_entry(entry: os.DirEntry[str], top: Path) -> str:
    name = entry.name.lower()
    if name.startswith("."):
        return "hidden"
    if name in SYSTEM_FILES or name in SYSTEM_FOLDERS:
        return "system"
    try:
        if entry.is_symlink():
            return _kind_of_link(Path(entry.path), top)
        if entry.is_dir(follow_symlinks=False):
            return "folder"
    except OSError:
        return "unreadable"
    return _kind_of_file(Path(entry.path))


def _kind_of_link(path: Path, top: Path) -> str:
    """Where a link leads decides; only a file in a hidden corner of the same tree is read through it."""
    try:
        target = path.resolve(strict=True)
    except RuntimeError:
        return "link-loop"
    except OSError as error:
        return "link-loop" if error.errno == errno.ELOOP else "link-broken"
    if target.is_dir():
        if path.parent.resolve().is_relative_to(target):
            return "link-loop"
        return "link-inside" if target.is_relative_to(top) else "link-outside"
    if not target.is_relative_to(top):
        return "link-outside"
    stored_away = any(part.startswith(".") for part in target.relative_to(top).parts)
    return _kind_of_file(target) if stored_away else "link-inside"


def _kind_of_file(path: Path) -> str:
    if path.name.upper() == "DICOMDIR":
        return "dicomdir"
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            return "special"
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError:
        return "unreadable"
    return sniff(head) if head else "empty"


def _relative(path: Path, root: Path) -> str:
    return _plain(path.relative_to(root).as_posix())


def _plain(name: str) -> str:
    """A name that every file format can hold."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
