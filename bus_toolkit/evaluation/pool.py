"""Predictions of several models side by side, over the scans that any of them was tested on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from bus_toolkit.errors import ConfigError
from bus_toolkit.evaluation.clusters import clusters

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from bus_toolkit.evaluation.predictions import FloatArray, IntArray, Predictions


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """What all figures are computed on: repeated runs, folds of a cross-validation, both, or one model alone.

    Attributes
    ----------
    members
        The predictions of each model for the scans it was tested on.
    ids
        The scans that any member was tested on, in the order of first appearance.
    index
        For each member int64, ``(its scans,)``: where each of its scans stands in ``ids``.
    clusters
        int64, ``(scans,)``: scans of one number are not independent and are resampled together.
    """

    members: tuple[Predictions, ...]
    ids: tuple[str, ...]
    index: tuple[IntArray, ...]
    clusters: IntArray

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of all members."""
        return self.members[0].classes

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def labels(self) -> IntArray:
        """int64, ``(scans,)``: the true class of each scan."""
        labels = np.zeros(len(self), dtype=np.int64)
        for member, index in zip(self.members, self.index, strict=True):
            labels[index] = member.labels
        return labels

    def total(self, values: Sequence[npt.ArrayLike]) -> FloatArray:
        """Add up by scan what each member gives for each of its scans: float64, ``(scans,)``."""
        total = np.zeros(len(self))
        for index, value in zip(self.index, values, strict=True):
            total[index] += np.asarray(value, dtype=np.float64)
        return total

    def stacked(self) -> tuple[IntArray, FloatArray]:
        """Labels and probabilities of all members, one below the other: ``(rows,)`` and ``(rows, classes)``."""
        return (
            np.concatenate([member.labels for member in self.members]),
            np.concatenate([member.probabilities for member in self.members]),
        )

    def mean(self) -> Predictions:
        """Each scan with the mean of what the members that were tested on it say: their ensemble."""
        said = self.total([np.ones(len(member)) for member in self.members])
        columns = [
            self.total([member.probabilities[:, column] for member in self.members]) / said
            for column in range(len(self.classes))
        ]
        whole = _join(self.members, self.ids)
        return whole.with_probabilities(np.clip(np.stack(columns, axis=1), 0, 1))


def pool(members: Sequence[Predictions]) -> Pool:
    """Put the test predictions of ``members`` side by side.

    Raises
    ------
    ConfigError
        When there is no member, none has a scan, their classes differ, or a scan has two labels.
    """
    if not any(len(member) for member in members):
        msg = "there must be a model that was tested on a scan. Got none"
        raise ConfigError(msg)
    if len({member.classes for member in members}) != 1:
        msg = "all models must have the same classes in the same order. Got different ones"
        raise ConfigError(msg)
    place: dict[str, int] = {}
    labels: dict[str, int] = {}
    for member in members:
        for scan, label in zip(member.ids, member.labels.tolist(), strict=True):
            place.setdefault(scan, len(place))
            if labels.setdefault(scan, label) != label:
                msg = "a scan must have the same label for all models. Got two labels for one"
                raise ConfigError(msg)
    ids = tuple(place)
    whole = _join(members, ids)
    return Pool(
        members=tuple(members),
        ids=ids,
        index=tuple(np.array([place[scan] for scan in member.ids], dtype=np.int64) for member in members),
        clusters=clusters(whole.groups, whole.patients),
    )


def _join(members: Sequence[Predictions], ids: Sequence[str]) -> Predictions:
    """Every scan once, as the first member that knows it has it."""
    first: dict[str, tuple[int, int]] = {}
    for number, member in enumerate(members):
        for row, scan in enumerate(member.ids):
            first.setdefault(scan, (number, row))
    rows = [first[scan] for scan in ids]
    return type(members[0])(
        classes=members[0].classes,
        ids=tuple(ids),
        labels=np.array([members[m].labels[r] for m, r in rows], dtype=np.int64),
        probabilities=np.array([members[m].probabilities[r] for m, r in rows]),
        groups=tuple(members[m].groups[r] for m, r in rows),
        patients=tuple(members[m].patients[r] for m, r in rows),
        parts=tuple(members[m].parts[r] for m, r in rows),
    )
