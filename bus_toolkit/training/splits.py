"""Who is learned from, who is chosen on, who is tested on: by patient and near-duplicate group, or as the paper did.

A *unit* is what may not be split: scans that are linked by a patient or by a group of near-duplicates, over any chain
of such links. Units are dealt to the parts so that each label comes close to its share in each part.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.training.table import read_table, write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bus_toolkit.manifest import Row

PROTOCOLS: Final = ("grouped", "grouped-kfold", "york")
YORK: Final = {"benign": (210, 17), "malignant": (210, 17), "normal": (130, 8)}
"""Pictures of each class, and how many of them for the test: Ellis et al. 2024, doi 10.1109/CVPRW63382.2024.00524."""
NOT_SEARCHED: Final = (
    "Near-duplicates were not searched: nobody knows how many of them lie on both sides of this split."
)
COLUMNS: Final = ("id", "image", "label", "group", "patient", "part", "fold")
SHARES = "a share must be above 0 and below 1"


class Part(StrEnum):
    """A side of a split."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One scan and its part in one fold. The fields but the last two are those of the manifest."""

    id: str
    image: str
    label: str
    group: str
    patient: str
    part: Part
    fold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A finished split.

    Attributes
    ----------
    protocol
        One of :data:`PROTOCOLS`, or ``"file"``.
    assignments
        By fold, then by id. Without folds there is fold 0 only; with them each scan stands once in each fold, and
        is tested on in one of them.
    warnings
        Sentences on what is wrong with it; empty when nothing is.
    """

    protocol: str
    assignments: tuple[Assignment, ...]
    warnings: tuple[str, ...] = ()

    @property
    def folds(self) -> int:
        """How many folds there are, 1 or more."""
        return 1 + max(one.fold for one in self.assignments)

    def part(self, part: Part, fold: int = 0) -> tuple[Assignment, ...]:
        """The scans of one part of one fold, by id."""
        return tuple(one for one in self.assignments if one.fold == fold and one.part is part)


def make_split(
    rows: Sequence[Row],
    *,
    protocol: str = "grouped",
    seed: int = 123,
    test_fraction: float = 0.2,
    val_fraction: float = 0.1,
    folds: int = 5,
    no_groups: bool = False,
) -> Split:
    """Deal scans to training, validation and test.

    Parameters
    ----------
    rows
        Rows of a manifest, each with its own id. An empty ``group`` or ``patient`` links a row to no other.
    protocol
        ``"grouped"``: one split by unit. ``"grouped-kfold"``: each unit is tested on in one of ``folds`` folds, and
        validation is taken from the rest of each. ``"york"``: the paper's, picture by picture, which leaks.
    seed
        The same seed and rows give the same split, whatever the order of the rows.
    test_fraction
        Share of all scans for the test; ``grouped`` only.
    val_fraction
        Share of what is not tested on that goes to validation.
    folds
        2 or more; ``grouped-kfold`` only.
    no_groups
        Split although the manifest has no groups at all, which means that near-duplicates were not searched.

    Raises
    ------
    ConfigError
        When an option is out of range, the manifest has no groups and ``no_groups`` was not said, or there are too few
        scans (or units) to fill each part, and training with each class.
    """
    _check(protocol, test_fraction, val_fraction, folds, seed)
    ordered = sorted(rows, key=lambda row: row.id)
    if any(one.id == other.id for one, other in pairwise(ordered)):
        msg = "ids must be unique to be split. Got one twice"
        raise ConfigError(msg)
    warnings: list[str] = []
    if not any(row.group for row in ordered):
        warnings.append(_without_groups(protocol, no_groups=no_groups))
    units = units_of(ordered)
    if protocol == "york":
        parts = [_york(ordered, seed, val_fraction, warnings)]
        warnings += _leaks(parts[0], units)
    elif protocol == "grouped":
        parts = [_grouped(units, (test_fraction, val_fraction), seed)]
    else:
        parts = _kfold(units, folds, val_fraction, seed)
    assignments = []
    for fold, part_of in enumerate(parts):
        _check_filled(ordered, part_of, warnings)
        assignments += [_assign(row, part_of[row.id], fold) for row in ordered if row.id in part_of]
    return Split(protocol=protocol, assignments=tuple(assignments), warnings=tuple(dict.fromkeys(warnings)))


def units_of(rows: Iterable[Row]) -> list[list[Row]]:
    """Put rows that share a patient or a group, over any chain, into one unit. Units are in the order of the rows."""
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def root(node: tuple[str, str]) -> tuple[str, str]:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    listed = list(rows)
    for row in listed:
        for kind in ("patient", "group"):
            if name := getattr(row, kind):
                parent[root((kind, name))] = root(("id", row.id))
    units: dict[tuple[str, str], list[Row]] = {}
    for row in listed:
        units.setdefault(root(("id", row.id)), []).append(row)
    return list(units.values())


def write_split(path: Path, split: Split) -> None:
    """Write ``splits.csv``: one line for each scan and fold."""
    write_table(path, COLUMNS, ([getattr(one, name) for name in COLUMNS] for one in split.assignments))


def read_split(path: Path, rows: Sequence[Row]) -> Split:
    """Read a split that :func:`write_split` wrote, and hold it against the manifest that it is used with.

    Raises
    ------
    InputError
        With code ``"split"`` when it is not a split of these rows: an unknown id, another label, a part that is none,
        folds with gaps; with code ``"table"`` when it is no such table.
    """
    known = {row.id: row for row in rows}
    assignments = []
    for number, cells in enumerate(read_table(path, COLUMNS), start=2):
        row = known.get(cells["id"])
        good = row is not None and row.label == cells["label"] and cells["part"] in set(Part)
        if row is None or not good or not cells["fold"].isdecimal():
            msg = f"row {number} of a split must be a scan of the manifest, its label, a part and a fold. Got another"
            raise InputError("split", msg)
        assignments.append(_assign(row, Part(cells["part"]), int(cells["fold"])))
    folds = {one.fold for one in assignments}
    if (
        not assignments
        or folds != set(range(len(folds)))
        or len({(x.id, x.fold) for x in assignments}) < len(assignments)
    ):
        msg = "a split must have folds from 0 without gaps, and each scan once in each. Got something else"
        raise InputError("split", msg)
    warnings: list[str] = []
    if not any(row.group for row in rows):
        warnings.append(NOT_SEARCHED)
    units = units_of(sorted(rows, key=lambda row: row.id))
    for fold in sorted(folds):
        part_of = {one.id: one.part for one in assignments if one.fold == fold}
        _check_filled(rows, part_of, warnings)
        warnings += _leaks(part_of, units)
    ordered = sorted(assignments, key=lambda one: (one.fold, one.id))
    return Split(protocol="file", assignments=tuple(ordered), warnings=tuple(dict.fromkeys(warnings)))


def _check(protocol: str, test_fraction: float, val_fraction: float, folds: int, seed: int) -> None:
    if protocol not in PROTOCOLS:
        msg = f"protocol must be one of {', '.join(PROTOCOLS)}. Got another"
        raise ConfigError(msg)
    for share in (test_fraction, val_fraction):
        if not 0 < share < 1:
            msg = f"{SHARES}. Got {share}"
            raise ConfigError(msg)
    if folds < 2 or seed < 0:  # noqa: PLR2004 - one fold would leave nothing to learn from
        msg = f"folds must be 2 or more, the seed 0 or more. Got {folds} and {seed}"
        raise ConfigError(msg)


def _without_groups(protocol: str, *, no_groups: bool) -> str:
    if protocol != "york" and not no_groups:
        msg = (
            "a manifest must have groups of near-duplicates to be split without leaks. Got an empty column `group`: "
            "clean the scans again, or say --no-groups when you know that no two of them are alike"
        )
        raise ConfigError(msg)
    return NOT_SEARCHED


def _assign(row: Row, part: Part, fold: int) -> Assignment:
    return Assignment(
        id=row.id, image=row.image, label=row.label, group=row.group, patient=row.patient, part=part, fold=fold
    )


def _grouped(units: list[list[Row]], shares: tuple[float, float], seed: int) -> dict[str, Part]:
    test, val = shares
    dealt = deal(units, (1 - test, test), np.random.default_rng((seed, 0)))
    tested = [unit for unit, side in zip(units, dealt, strict=True) if side == 1]
    rest = [unit for unit, side in zip(units, dealt, strict=True) if side == 0]
    return _with_validation(tested, rest, val, np.random.default_rng((seed, 1)))


def _kfold(units: list[list[Row]], folds: int, val: float, seed: int) -> list[dict[str, Part]]:
    dealt = deal(units, (1 / folds,) * folds, np.random.default_rng((seed, 0)))
    parts = []
    for fold in range(folds):
        tested = [unit for unit, side in zip(units, dealt, strict=True) if side == fold]
        rest = [unit for unit, side in zip(units, dealt, strict=True) if side != fold]
        parts.append(_with_validation(tested, rest, val, np.random.default_rng((seed, 1 + fold))))
    return parts


def _with_validation(
    tested: list[list[Row]], rest: list[list[Row]], val: float, rng: np.random.Generator
) -> dict[str, Part]:
    part_of = {row.id: Part.TEST for unit in tested for row in unit}
    for unit, side in zip(rest, deal(rest, (1 - val, val), rng), strict=True):
        part_of |= dict.fromkeys((row.id for row in unit), (Part.TRAIN, Part.VAL)[side])
    return part_of


def deal(units: Sequence[Sequence[Row]], shares: Sequence[float], rng: np.random.Generator) -> list[int]:
    """Deal units to sides, so that each label, and all together, come close to each side's share.

    Large units go first, each to the side where it fits best; what fits equally well is drawn.

    Parameters
    ----------
    units
        Each a list of rows that stay together.
    shares
        Of each side, above 0, with the sum 1.
    rng
        Decides the order of units of one size, and what fits equally well.

    Returns
    -------
    list
        The side, from 0, of each unit.
    """
    labels = sorted({row.label for unit in units for row in unit})
    counts = np.array([[sum(row.label == label for row in unit) for label in labels] for unit in units], dtype=float)
    counts = counts.reshape(len(units), len(labels))
    counts = np.column_stack((counts, counts.sum(axis=1)))
    wanted = np.asarray(shares)[:, np.newaxis] * counts.sum(axis=0)
    have = np.zeros_like(wanted)
    sides = [0] * len(units)
    drawn = rng.permutation(len(units))
    for place in drawn[np.argsort(-counts[drawn, -1], kind="stable")]:
        unit = counts[place]
        # How much farther from (or nearer to) what is wanted each side would get, in relation to what is wanted.
        worse = (unit * (unit + 2 * (have - wanted)) / wanted).sum(axis=1)
        best = np.flatnonzero(worse <= worse.min() + 1e-9)
        side = int(rng.choice(best))
        have[side] += unit
        sides[place] = side
    return sides


def _york(rows: Sequence[Row], seed: int, val: float, warnings: list[str]) -> dict[str, Part]:
    by_label = {label: [row for row in rows if row.label == label] for label in YORK}
    if missing := [label for label, found in by_label.items() if not found]:
        msg = f"york must have scans of {', '.join(YORK)}. Got none of {', '.join(missing)}"
        raise ConfigError(msg)
    share = min(1.0, *(len(by_label[label]) / wanted for label, (wanted, _) in YORK.items()))
    rng = np.random.default_rng((seed, 0))
    part_of: dict[str, Part] = {}
    for label, (wanted, tested) in YORK.items():
        taken = int(share * wanted + 1e-9)
        test = max(1, round(share * tested))
        validated = max(1, round(val * (taken - test)))
        if taken < test + validated + 1:
            msg = f"york must have 3 scans or more of each class at its proportions. Got {taken} of one"
            raise ConfigError(msg)
        order = [by_label[label][place].id for place in rng.permutation(len(by_label[label]))[:taken]]
        part_of |= dict.fromkeys(order[:test], Part.TEST)
        part_of |= dict.fromkeys(order[test : test + validated], Part.VAL)
        part_of |= dict.fromkeys(order[test + validated :], Part.TRAIN)
    if share < 1:
        warnings.append(
            f"The paper has 210 benign, 210 malignant and 130 normal pictures; there are fewer here, so {share:.0%} of "
            "each number was taken."
        )
    if len(part_of) < len(rows):
        warnings.append(f"{len(rows) - len(part_of)} of {len(rows)} scans are not used, to keep to the paper's counts.")
    return part_of


def _leaks(part_of: Mapping[str, Part], units: Sequence[Sequence[Row]]) -> list[str]:
    """A sentence when units lie on more than one side."""
    torn = exposed = 0
    for unit in units:
        sides = [part_of[row.id] for row in unit if row.id in part_of]
        torn += len(set(sides)) > 1
        exposed += sides.count(Part.TEST) if Part.TRAIN in sides or Part.VAL in sides else 0
    if not torn:
        return []
    tested = sum(part is Part.TEST for part in part_of.values())
    sentence = (
        f"This split leaks: {torn} groups of near-duplicates or patients lie on more than one side, and {exposed} of "
        f"{tested} test scans have one of their own kind in training or validation. What is measured on it is too good."
    )
    return [sentence]


def _check_filled(rows: Sequence[Row], part_of: Mapping[str, Part], warnings: list[str]) -> None:
    labels = {part: {row.label for row in rows if part_of.get(row.id) is part} for part in Part}
    every = {row.label for row in rows if row.id in part_of}
    if empty := [str(part) for part in Part if not labels[part]]:
        msg = (
            f"each part must have a scan (are there few patients or groups, or a small share?). Got none in {empty[0]}"
        )
        raise ConfigError(msg)
    if labels[Part.TRAIN] != every:
        msg = "training must have each class (there are too few patients or groups of one). Got one that is missing"
        raise ConfigError(msg)
    warnings += [
        f"No scan of {label} is in {part}." for part in (Part.VAL, Part.TEST) for label in sorted(every - labels[part])
    ]
