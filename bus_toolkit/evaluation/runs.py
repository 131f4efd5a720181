"""The folder of a training run, as far as evaluation reads it.

RUN/config.json              what was trained, on what; classes in their order
RUN/splits.csv               id, image, label, group, patient, part, fold: what each scan served for, in each fold
RUN/members/NAME/            one for each run or fold: predictions.csv, history.csv, model.keras
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from bus_toolkit.atomic import atomic_text
from bus_toolkit.errors import InputError
from bus_toolkit.evaluation.clusters import clusters
from bus_toolkit.evaluation.pool import Pool, pool
from bus_toolkit.evaluation.predictions import FloatArray, Predictions, read_predictions, write_predictions
from bus_toolkit.manifest import from_cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CONFIG: Final = "config.json"
SPLITS: Final = "splits.csv"
MEMBERS: Final = "members"
MODEL: Final = "model.keras"
HISTORY: Final = "history.csv"
PREDICTIONS: Final = "predictions.csv"
SPLIT_COLUMNS: Final = ("id", "image", "label", "group", "patient", "part", "fold")
HISTORY_COLUMNS: Final = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds", "learning_rate")
PARTS: Final = ("train", "val", "test")
_LEAST_CLASSES: Final = 2


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """What one scan served for in one fold: a row of ``splits.csv``."""

    id: str
    image: str
    label: str
    group: str
    patient: str
    part: str
    fold: str


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """One trained model: what it said, and how it learned.

    Attributes
    ----------
    name
        Of its folder.
    predictions
        Of all parts that it wrote.
    history
        Column to float64, ``(epochs,)``; empty when there is none (an ensemble was not trained).
    """

    name: str
    predictions: Predictions
    history: Mapping[str, FloatArray] = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """A run folder that was read and checked.

    Attributes
    ----------
    folder
        Where it lies.
    config
        What ``config.json`` says.
    members
        Those that are finished, in the order of their numbers.
    missing
        Names of members that the config tells of and that are not finished.
    splits
        Rows of ``splits.csv``; none when there is no such file.
    """

    folder: Path
    config: Mapping[str, Any]
    members: tuple[Member, ...]
    missing: tuple[str, ...]
    splits: tuple[Assigned, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in the order of the model's outputs."""
        return tuple(self.config["classes"])

    @property
    def name(self) -> str:
        """What the run is called."""
        return str(self.config.get("name") or self.folder.name)

    def tested(self) -> Pool:
        """What each member says about the scans it was tested on.

        Raises
        ------
        InputError
            With code ``"run"`` when no scan was tested on, or members contradict each other about a scan.
        """
        return pool_of([member.predictions.part("test") for member in self.members])


def pool_of(members: Sequence[Predictions]) -> Pool:
    """:func:`bus_toolkit.evaluation.pool.pool` of what was read from files."""
    try:
        return pool(members)
    except ValueError as error:
        msg = f"the run cannot be scored: {error}"
        raise InputError("run", msg) from None


def read_run(folder: Path) -> Run:
    """Read a run folder: of the members that its config tells of, those that are finished; if it tells none, all.

    Raises
    ------
    InputError
        With code ``"run"`` when it is not one, or no member is finished; ``"predictions"`` when one is broken.
    """
    config = _read_config(folder / CONFIG)
    expected = _expected(config)
    names = [name for name in _member_names(folder) if not expected or name in expected]
    if not names:
        msg = f"a run must have a finished member ({MEMBERS}/NAME/{PREDICTIONS}). Got none: was it trained to its end?"
        raise InputError("run", msg)
    return Run(
        folder=folder,
        config=config,
        members=tuple(_read_member(folder / MEMBERS / name, config["classes"]) for name in names),
        missing=tuple(name for name in expected if name not in names),
        splits=_read_splits(folder / SPLITS),
    )


def write_run(run: Run) -> None:
    """Write ``config.json`` and each member's predictions, so that :func:`read_run` gives the run again.

    What an earlier call wrote of members that the run no longer has is removed. Nothing else is: a folder of such a
    member that holds more than its predictions was not written here.

    Raises
    ------
    InputError
        With code ``"run"`` when there is such a folder; then nothing is written.
    OSError
        When they cannot be written, or removed.
    """
    kept = {member.name for member in run.members}
    stale = [run.folder / MEMBERS / name for name in _member_names(run.folder) if name not in kept]
    if not all(map(_is_written_here, stale)):
        msg = f"a run must be written over members that have nothing but {PREDICTIONS}. Got one with other files"
        raise InputError("run", msg)
    for member in run.members:
        folder = run.folder / MEMBERS / member.name
        folder.mkdir(parents=True, exist_ok=True)
        write_predictions(folder / PREDICTIONS, member.predictions)
    with atomic_text(run.folder / CONFIG) as stream:
        stream.write(json.dumps(run.config, indent=2, ensure_ascii=False) + "\n")
    for folder in stale:
        (folder / PREDICTIONS).unlink()
        folder.rmdir()


def all_members(run: Run) -> list[str]:
    """Names of all members of a run, finished or not, in the order of its config."""
    return _expected(run.config) or [member.name for member in run.members]


def is_made(folder: Path, key: str) -> bool:
    """Whether ``config.json`` of a folder has ``key``, by which a made run is told from a trained one."""
    try:
        return key in json.loads((folder / CONFIG).read_text("utf-8"))
    except (OSError, ValueError, TypeError):
        return False


def leaking(splits: Sequence[Assigned]) -> int:
    """How many scans are tested on although a near-duplicate, or a scan of the same patient, was learned from.

    A scan counts once for each fold that it is tested in.
    """
    count = 0
    for fold in sorted({row.fold for row in splits}):
        rows = [row for row in splits if row.fold == fold]
        number = clusters([row.group for row in rows], [row.patient for row in rows])
        tested = np.array([row.part == "test" for row in rows])
        learned = np.unique(number[~tested])
        count += int(np.isin(number[tested], learned).sum())
    return count


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        msg = f"a run must be a folder with a readable {CONFIG}. Got a {type(error).__name__}"
        raise InputError("run", msg) from None
    classes = config.get("classes") if isinstance(config, dict) else None
    good = isinstance(classes, list) and all(isinstance(name, str) and name for name in classes)
    if not good or len(set(classes or ())) != len(classes or ()) or len(classes or ()) < _LEAST_CLASSES:
        msg = f"{CONFIG} must name two or more classes. Got something else"
        raise InputError("run", msg)
    return dict(config)


def _expected(config: Mapping[str, Any]) -> list[str]:
    """The members that the config tells of; none when it does not tell."""
    members = config.get("members")
    return [str(name) for name in members] if isinstance(members, list) else []


def _is_written_here(folder: Path) -> bool:
    """Whether a member's folder holds its predictions and nothing else, and no link leads to either."""
    alone = [path.name for path in folder.iterdir()] == [PREDICTIONS]
    return alone and not folder.is_symlink() and not (folder / PREDICTIONS).is_symlink()


def _member_names(folder: Path) -> list[str]:
    found = [path.parent.name for path in (folder / MEMBERS).glob(f"*/{PREDICTIONS}")]
    return sorted(found, key=lambda name: (len(name), name))


def _read_member(folder: Path, classes: Sequence[str]) -> Member:
    predictions = read_predictions(folder / PREDICTIONS, classes)
    history = folder / HISTORY
    return Member(name=folder.name, predictions=predictions, history=_read_history(history) if history.exists() else {})


def _read_history(path: Path) -> dict[str, FloatArray]:
    rows = _read_table(path, "history")
    try:
        return {name: np.array([float(row[name] or "nan") for row in rows]) for name in HISTORY_COLUMNS}
    except (KeyError, ValueError):
        msg = f"{HISTORY} must have numbers in the columns {', '.join(HISTORY_COLUMNS)}. Got something else"
        raise InputError("run", msg) from None


def _read_splits(path: Path) -> tuple[Assigned, ...]:
    if not path.exists():
        return ()
    rows = _read_table(path, "splits")
    if any(name not in row for row in rows for name in SPLIT_COLUMNS) or any(row["part"] not in PARTS for row in rows):
        msg = f"{SPLITS} must have the columns {', '.join(SPLIT_COLUMNS)}, and parts {', '.join(PARTS)}. Got others"
        raise InputError("run", msg)
    return tuple(Assigned(**{name: row[name] for name in SPLIT_COLUMNS}) for row in rows)


def _read_table(path: Path, what: str) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = list(csv.reader(stream, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{what} of a run must be a readable CSV file in UTF-8. Got a {type(error).__name__}"
        raise InputError("run", msg) from None
    header = lines[0] if lines else []
    if any(len(line) != len(header) for line in lines):
        msg = f"{what} of a run must have as many cells in each row as in its header. Got another number"
        raise InputError("run", msg)
    return [dict(zip(header, map(from_cell, line), strict=True)) for line in lines[1:]]
