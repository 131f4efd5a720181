"""Pictures of clean folders: those that a run was trained and tested on, and those of another folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

import numpy as np

from bus_toolkit.errors import InputError
from bus_toolkit.manifest import read_manifest
from bus_toolkit.outcome import Outcome
from bus_toolkit.training.cache import read_vouched
from bus_toolkit.training.pictures import decode, fit_square

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bus_toolkit.apply.trained import Trained
    from bus_toolkit.evaluation.predictions import IntArray
    from bus_toolkit.evaluation.runs import Run
    from bus_toolkit.manifest import Row
    from bus_toolkit.training.cache import Squares

CODE: Final = "manifest"


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """Pictures and their classes: uint8 ``(n, size, size, 1)`` and int64 ``(n,)``."""

    squares: Squares
    labels: IntArray


def manifest_of(run: Run) -> tuple[Path, list[Row]]:
    """The manifest that a run was trained on, and its rows.

    Raises
    ------
    InputError
        With code ``"manifest"`` when it is not where ``config.json`` says, or is another by now.
    """
    named = run.config.get("manifest")
    if not isinstance(named, str) or not named:
        msg = "config.json of the run must tell the manifest that it was trained on. Got none"
        raise InputError(CODE, msg)
    path = Path(named)
    try:
        known = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        msg = (
            "the manifest that the run was trained on must lie where its config.json says, with its pictures. "
            f"Got {error.strerror or 'an error'}: was the clean folder moved or removed?"
        )
        raise InputError(CODE, msg) from None
    if known != run.config.get("manifest_sha256"):
        msg = "the manifest must be the one that the run was trained on. Got another: was the folder cleaned anew?"
        raise InputError(CODE, msg)
    return path, read_manifest(path)


def fold_of(run: Run, member: str) -> str:
    """The fold in ``splits.csv`` that a member was trained on: its place among folds, ``"0"`` for repeated runs."""
    members = run.config.get("members")
    if not run.config.get("folds") or not isinstance(members, list) or member not in members:
        return "0"
    return str(members.index(member))


def material(trained: Trained, member: str, part: str, *, most: int | None = None, seed: int = 0) -> Material:
    """Pictures of one part (``"train"``, ``"val"``, ``"test"``) of a member's split.

    Parameters
    ----------
    trained, member, part
        Of which run, which model, and which part.
    most
        Draw so many at most, from each class as its share; None: all.
    seed
        Of the draw.

    Raises
    ------
    InputError
        When the manifest or a picture is missing or changed, or the part is empty.
    """
    run = trained.run
    path, rows = manifest_of(run)
    by_id = {row.id: row for row in rows}
    fold = fold_of(run, member)
    wanted = [one for one in run.splits if one.part == part and one.fold == fold]
    if not wanted or any(one.id not in by_id for one in wanted):
        msg = f"splits.csv of the run must name scans of the part {part} that its manifest has. Got none, or others"
        raise InputError("run", msg)
    labels = np.array([trained.classes.index(one.label) for one in wanted], np.int64)
    chosen = np.arange(len(wanted)) if most is None else drawn(labels, most, seed)
    squares = squares_of([by_id[wanted[place].id] for place in chosen], path.parent, trained)
    return Material(squares=squares, labels=labels[chosen])


def drawn(labels: IntArray, most: int, seed: int) -> IntArray:
    """Places of ``most`` scans at most, drawn so that each class keeps its share (and at least one), ascending."""
    if len(labels) <= most:
        return np.arange(len(labels))
    random = np.random.default_rng(seed)
    shuffled = random.permutation(len(labels))
    ranks = np.empty(len(labels))
    for kind in np.unique(labels):
        mine = shuffled[labels[shuffled] == kind]
        # Each class is spread evenly over 0 to 1: the smallest ranks hold all classes in their shares.
        ranks[mine] = np.arange(len(mine)) / len(mine)
    order = np.lexsort((shuffled, ranks))
    return np.sort(order[:most]).astype(np.int64)


def squares_of(
    rows: Sequence[Row], root: Path, trained: Trained, *, tell: Callable[[int, int], None] | None = None
) -> Squares:
    """The pictures of rows, each held against the digest that the manifest has of it, uint8 ``(n, size, size, 1)``.

    Raises
    ------
    InputError
        As :func:`bus_toolkit.training.cache.read_vouched`.
    """
    squares = np.zeros((len(rows), trained.size, trained.size, 1), np.uint8)
    for place, row in enumerate(rows):
        squares[place, :, :, 0] = fit_square(decode(read_vouched(row, root)), trained.size, trained.fit)
        if tell is not None:
            tell(place + 1, len(rows))
    return squares


def kept_rows(rows: Iterable[Row]) -> list[Row]:
    """Rows of kept scans with a picture, by id."""
    return sorted((row for row in rows if row.outcome is Outcome.KEPT and row.image), key=lambda row: row.id)


def unlike(run: Run, policy_hash: str, rows: Iterable[Row]) -> tuple[str, ...]:
    """How kept scans of a clean folder were cleaned otherwise than those that a run learned from, as sentences.

    Parameters
    ----------
    run
        Its config has the hash of its policy; its manifest tells whether its scans were anonymised.
    policy_hash
        Of the clean folder; empty when it is not known.
    rows
        Of its kept scans.

    Returns
    -------
    Each begins with "the clean folder" and has no stop. None is about anonymising when the run's manifest is not to be
    had.
    """
    found = []
    if not policy_hash or policy_hash != run.config.get("policy_hash"):
        found.append(
            "the clean folder was cleaned under a policy that is not known to be that of the scans that the run "
            "learned from"
        )
    here, there = any(row.anonymised for row in rows), anonymised(run)
    if there is not None and here != there:
        is_, are = ("is", "are not") if here else ("is not", "are")
        found.append(f"the clean folder {is_} anonymised, the scans that the run learned from {are}")
    return tuple(found)


def anonymised(run: Run) -> bool | None:
    """Whether a run learned from anonymised scans (all outside the sector blanked); None when nothing tells.

    Its config does; of an older run, its manifest.
    """
    if isinstance(known := run.config.get("anonymised"), bool):
        return known
    try:
        _, rows = manifest_of(run)
    except InputError:
        return None
    return any(row.anonymised for row in kept_rows(rows))


def known_to(run: Run, rows: Sequence[Row]) -> int:
    """How many of these pictures the run was trained, chosen or tested on, as far as can be told.

    By their digests when the run's manifest is to be had, else by their ids in ``splits.csv``.
    """
    ids = {one.id for one in run.splits}
    try:
        _, own = manifest_of(run)
    except InputError:
        return sum(row.id in ids for row in rows)
    digests = {row.sha256 for row in own if row.id in ids}
    return sum(row.sha256 in digests for row in rows)
