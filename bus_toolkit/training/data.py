"""What there is to learn from: the manifest of a clean folder, and the rows of it that can be used."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.manifest import read_manifest
from bus_toolkit.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bus_toolkit.manifest import Row

MANIFEST: Final = "manifest.csv"
CLEANING: Final = "run.json"
"""What cleaning writes beside a manifest of how it was done."""
UNLABELLED: Final = "unlabelled"
_CLASS = re.compile(r"\w[\w .-]*\Z")
_FEWEST_CLASSES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """The scans of one manifest that can be learned from.

    Attributes
    ----------
    manifest
        The file; pictures lie relative to its folder.
    sha256
        Of the manifest's bytes.
    policy_hash
        Of the policy that it was cleaned under, from ``run.json`` beside it; empty when that is missing.
    rows
        Kept scans with a picture and a label, in the order of their ids.
    left_out
        How many rows are not used, by why: ``"not kept"``, ``"no picture"``, ``"no label"``.
    """

    manifest: Path
    sha256: str
    policy_hash: str
    rows: tuple[Row, ...]
    left_out: dict[str, int]

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, sorted: the order of the model's outputs."""
        return tuple(sorted({row.label for row in self.rows}))


def find_manifest(data: Path | None, *, cwd: Path) -> Path:
    """The manifest that is meant: a file, that of a folder, or the only ``*-clean/manifest.csv`` in ``cwd``.

    Raises
    ------
    ConfigError
        When it is missing, or when none is named and there is not exactly one; what there is is listed.
    """
    if data is not None:
        path = data / MANIFEST if data.is_dir() else data
        if not path.is_file():
            msg = f"--data must be a clean folder with a {MANIFEST}, or a manifest. Got neither"
            raise ConfigError(msg)
        return path
    found = sorted(cwd.glob(f"*-clean/{MANIFEST}"))
    if len(found) != 1:
        listed = "".join(f"\n  {path.relative_to(cwd)}" for path in found) or " none"
        msg = f"--data must be given unless one *-clean/{MANIFEST} lies in the working directory. Got{listed}"
        raise ConfigError(msg)
    return found[0]


def load_data(manifest: Path) -> Data:
    """Read a manifest and pick what can be used.

    Raises
    ------
    InputError
        As :func:`bus_toolkit.manifest.read_manifest`.
    ConfigError
        When fewer than two classes are left, or a label cannot be the name of a class.
    """
    rows = read_manifest(manifest)
    left_out = {"not kept": 0, "no picture": 0, "no label": 0}
    usable = [row for row in rows if not (why := _why_not(row)) or _count(left_out, why)]
    data = Data(
        manifest=manifest,
        sha256=hashlib.sha256(manifest.read_bytes()).hexdigest(),
        policy_hash=policy_hash_of(manifest),
        rows=tuple(sorted(usable, key=lambda row: row.id)),
        left_out={why: number for why, number in left_out.items() if number},
    )
    _check_classes(data.classes)
    return data


def _why_not(row: Row) -> str:
    if row.outcome is not Outcome.KEPT:
        return "not kept"
    if not row.image:
        return "no picture"
    return "no label" if row.label in {"", UNLABELLED} else ""


def _count(left_out: dict[str, int], why: str) -> bool:
    left_out[why] += 1
    return False


def _check_classes(classes: Iterable[str]) -> None:
    names = tuple(classes)
    if len(names) < _FEWEST_CLASSES:
        msg = f"there must be kept scans of two classes or more to learn from. Got {len(names)}"
        raise ConfigError(msg)
    if not all(_CLASS.match(name) for name in names):
        msg = "a label must begin with a letter or digit, and have no other signs than space . _ - in it. Got another"
        raise ConfigError(msg)


def policy_hash_of(manifest: Path) -> str:
    """The hash of the policy that a clean folder was cleaned under, from ``run.json`` beside its manifest.

    Empty when there is no such file, for a manifest may travel without it.

    Raises
    ------
    InputError
        With code ``"run"`` when the file is not what cleaning wrote.
    """
    path = manifest.with_name(CLEANING)
    if not path.is_file():
        return ""
    try:
        return str(json.loads(path.read_text("utf-8"))["policy"]["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        msg = f"{CLEANING} beside the manifest must be what cleaning wrote, or not be there. Got something else"
        raise InputError("run", msg) from None
