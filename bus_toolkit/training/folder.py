"""The folder of a run: what is in it, who may work in it, and what a stopped run left there.

RUN/config.json              recipe, classes, seeds, hashes, versions, command; the only file that may hold paths
RUN/splits.csv               who was learned from, chosen on, tested on
RUN/members/run-0/           one training: ``model.keras``, ``history.csv``, ``predictions.csv`` (written last)
RUN/cache/                   decoded pictures while the run works
"""

from __future__ import annotations

import fcntl
import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.atomic import atomic_text, sweep_temporary
from bus_toolkit.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CONFIG: Final = "config.json"
SPLITS: Final = "splits.csv"
MEMBERS: Final = "members"
CACHE: Final = "cache"
LOCK: Final = "lock"
MODEL: Final = "model.keras"
HISTORY: Final = "history.csv"
PREDICTIONS: Final = "predictions.csv"
STATE: Final = "checkpoint.json"
LOGS: Final = "tensorboard"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths of a run."""

    path: Path

    @property
    def config(self) -> Path:
        """``config.json``."""
        return self.path / CONFIG

    @property
    def splits(self) -> Path:
        """``splits.csv``."""
        return self.path / SPLITS

    @property
    def cache(self) -> Path:
        """Folder of decoded pictures, unless another is asked for."""
        return self.path / CACHE

    def member(self, name: str) -> Path:
        """Folder of one training."""
        return self.path / MEMBERS / name

    def is_done(self, name: str) -> bool:
        """Whether that training is finished."""
        return (self.member(name) / PREDICTIONS).is_file()

    def read_config(self) -> dict[str, Any]:
        """What ``config.json`` says.

        Raises
        ------
        OutputError
            When it is missing or no JSON object.
        """
        try:
            config = json.loads(self.config.read_text("utf-8"))
        except (OSError, ValueError):
            config = None
        if not isinstance(config, dict):
            msg = f"a run to go on with must have a readable {CONFIG}. Got none"
            raise OutputError(msg)
        return config

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Write ``config.json``, whole or not at all."""
        with atomic_text(self.config) as stream:
            stream.write(json.dumps(config, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def opened(path: Path, *, resume: bool) -> Iterator[RunFolder]:
    """The folder of a run, locked against a second process, and swept of what a killed one left half-written.

    Raises
    ------
    OutputError
        When it is not new or empty (a run of which no epoch was learned counts as empty) and ``resume`` was not said;
        there is nothing to go on with; another process works in it; or it cannot be written.
    """
    folder = RunFolder(path)
    there = path.is_dir() and any(one.name != LOCK for one in path.iterdir())
    if resume and not folder.config.is_file():
        msg = "--resume must be given the folder of a run that was begun. Got another"
        raise OutputError(msg)
    begun_in_vain = there and not resume and _is_begun_in_vain(folder)
    if (there or path.is_file()) and not (resume or begun_in_vain):
        msg = "--out must be a new or empty folder (--resume goes on with a run). Got one with something in it"
        raise OutputError(msg)
    try:
        path.mkdir(parents=True, exist_ok=True)
        stream = (path / LOCK).open("w")
    except OSError as error:
        msg = f"--out must be a folder that can be written. Got {error.strerror or 'one that cannot'}"
        raise OutputError(msg) from None
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            msg = "one process at a time must work on a run. Got a second one"
            raise OutputError(msg) from None
        sweep_temporary(path)
        if begun_in_vain:
            _throw_away(folder)
        yield folder
        (path / LOCK).unlink(missing_ok=True)


def _is_begun_in_vain(folder: RunFolder) -> bool:
    """Whether this is a run of which no epoch was learned, because its weights could not be had for instance."""
    ours = {CONFIG, SPLITS, MEMBERS, CACHE, LOCK}
    if not folder.config.is_file() or not {one.name for one in folder.path.iterdir()} <= ours:
        return False
    return not any((folder.path / MEMBERS).glob("*/*"))


def _throw_away(folder: RunFolder) -> None:
    for name in (MEMBERS, CACHE):
        shutil.rmtree(folder.path / name, ignore_errors=True)
    for path in (folder.config, folder.splits):
        path.unlink(missing_ok=True)


def sweep_cache(folder: RunFolder) -> None:
    """Remove decoded pictures: a finished run needs them no more."""
    shutil.rmtree(folder.cache, ignore_errors=True)
