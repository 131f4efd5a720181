"""A finished folder as whoever receives it finds it: what lies there, and whether each file is what it should be."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, final

from bus_toolkit.deidentify import Identifiers
from bus_toolkit.deidentify.leak import Leak
from bus_toolkit.errors import BusToolkitError
from bus_toolkit.verify.files import check_dicom_file, check_name, check_png_file, check_text_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from bus_toolkit.overlays import FindText
    from bus_toolkit.profile import Profile

PLACES, DIGESTS, NAMES, PNG, DICOM, BYTES, PIXELS, TEXTS = (
    *("places", "digests", "names", "png", "dicom", "identifiers", "pixels", "texts"),
)
PICTURE: Final = re.compile(r"(images/[^/]+/[a-z][a-z2-7]{16}\.png|dicom/[^/]+/[a-z][a-z2-7]{16}\.dcm)")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """Something that did not pass: in which check, in which file, and what.

    ``owner`` is the id of the scan that the file belongs to, or empty. ``name`` is private unless ``known``: a file
    that nobody made may be named after a person.
    """

    check: str
    name: str = field(repr=False)
    leak: Leak
    owner: str = ""
    known: bool = True

    @property
    def shown(self) -> str:
        """How the file may be called in a message."""
        return self.name if self.known else "a file that the manifest does not name"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FileTask:
    """One file to check: its name, whose it is, its digest in the books, and what must not be found in it."""

    name: str
    owner: str
    sha256: str
    look: bool
    identifiers: Identifiers | None = field(default=None, repr=False)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Which checks were done on one file, and what did not pass."""

    task: FileTask
    checks: tuple[str, ...]
    finds: tuple[Find, ...] = ()


def entries(out: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Everything below ``out``, folders too, by its name relative to it; links are not followed."""
    for parent, folders, names in os.walk(out):
        for name in sorted((*folders, *names)):
            path = os.path.join(parent, name)  # noqa: PTH118 - a name need not be UTF-8 and is not looked into
            yield os.path.relpath(path, out).replace(os.sep, "/"), os.lstat(path)


def check_places(out: Path, named: Mapping[str, str], own: Iterable[str], labels: Iterable[str]) -> Iterator[Find]:
    """Whether there is nothing but what was written, and all of that.

    Parameters
    ----------
    out
        The folder.
    named
        Owner by name of each file that the manifest names.
    own
        The run's own files at the top.
    labels
        Labels of the manifest: their folders may be empty.
    """
    expected = {**named, **dict.fromkeys(own, "")}
    folders = {"images", "dicom"} | {f"{top}/{label}" for top in ("images", "dicom") for label in labels}
    folders |= {str(parent) for name in expected for parent in PurePosixPath(name).parents}
    seen = set()
    for name, facts in entries(out):
        kind = facts.st_mode
        if stat.S_ISDIR(kind):
            if name not in folders:
                yield _place(name, "a folder that the run did not make", known=False)
            continue
        if name not in expected:
            yield _place(name, _stranger(name, kind), known=False)
            continue
        seen.add(name)
        if not stat.S_ISREG(kind):
            yield _place(name, "a link or special file in the place of a file", owner=expected[name])
        elif _attributes(out / name):
            yield _place(name, "extended attributes of a file", owner=expected[name])
    for name in sorted(set(named) - seen):
        yield _place(name, "a file that is missing", owner=named[name])


def _place(name: str, where: str, *, owner: str = "", known: bool = True) -> Find:
    return Find(check=PLACES, name=name, leak=Leak(what="structure", where=where), owner=owner, known=known)


def _stranger(name: str, kind: int) -> str:
    if not stat.S_ISREG(kind):
        return "a link or special file"
    return "a hidden file" if PurePosixPath(name).name.startswith(".") else "a file that the manifest does not name"


def _attributes(path: Path) -> bool:
    """Whether a file carries attributes of its owner's making, which travel with some copies (xattr(7))."""
    if not hasattr(os, "listxattr"):
        return False
    try:
        return any(name.startswith("user.") for name in os.listxattr(path, follow_symlinks=False))
    except OSError:
        return False


def check_file(out: Path, task: FileTask, *, profile: Profile, finder: FindText | None) -> Checked:
    """All checks of one picture or DICOM file.

    Without identifiers only what needs none is checked; without a ``finder`` the pixels are not looked at. What cannot
    be checked does not pass.
    """
    path, done = out / task.name, [DIGESTS, NAMES]
    known = task.identifiers if task.identifiers is not None else Identifiers()
    finds: list[Find] = []

    def add(check: str, *leaks: Leak) -> None:
        finds.extend(Find(check=check, name=task.name, leak=leak, owner=task.owner) for leak in leaks)

    with path.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != task.sha256:
            add(DIGESTS, Leak(what="structure", where="bytes that are not those that were written"))
    if not PICTURE.fullmatch(task.name):
        add(NAMES, Leak(what="structure", where="file name"))
    add(NAMES, *check_name(task.name, known))
    is_dicom = task.name.endswith(".dcm")
    leaks = check_dicom_file(path, known, profile=profile) if is_dicom else check_png_file(path, known)
    form = DICOM if is_dicom else PNG
    done += [form] if task.identifiers is None else [form, BYTES]
    for leak in leaks:
        add(form if leak.what == "structure" else BYTES, leak)
    if finder is not None and task.look:
        done.append(PIXELS)
        add(PIXELS, *_look(path, finder, known))
    return Checked(task=task, checks=tuple(done), finds=tuple(finds))


def _look(path: Path, finder: FindText, known: Identifiers) -> list[Leak]:
    from bus_toolkit.io import read
    from bus_toolkit.verify.pixels import look_again

    try:
        return look_again(read(path), finder, known)
    except BusToolkitError:
        return [Leak(what="structure", where="pixels that cannot be looked at")]


def check_texts(out: Path, digests: Mapping[str, str], known: Identifiers | None) -> Iterator[Find]:
    """The files that describe the run: unchanged, and with no identifier of any source.

    ``digests`` is by name, and empty text where nobody knows it.
    """
    for name, digest in digests.items():
        path = out / name
        if path.is_symlink() or not path.is_file():
            continue  # told by check_places
        if digest and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            leak = Leak(what="structure", where="bytes that are not those that were written")
            yield Find(check=DIGESTS, name=name, leak=leak)
        for leak in check_text_file(path, known) if known is not None else ():
            yield Find(check=TEXTS, name=name, leak=leak)
