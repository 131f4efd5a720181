"""A probe: a plain classifier that learns from the run's training scans and is scored on its test scans.

It is a logistic regression with ridge penalty, classes weighted alike. It is kept that plain so that it cannot do well
unless what it sees truly tells the class, and so that hundreds of them can be fitted for the permutation test
(Ojala and Garriga 2010, https://www.jmlr.org/papers/v11/ojala10a.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from bus_toolkit.errors import ConfigError
from bus_toolkit.evaluation.clusters import clusters
from bus_toolkit.evaluation.intervals import RESAMPLES, Estimate, as_number, estimate, values_of
from bus_toolkit.evaluation.metrics import POSITIVE, figures
from bus_toolkit.evaluation.predictions import make_predictions
from bus_toolkit.evaluation.runs import pool_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bus_toolkit.evaluation.pool import Pool
    from bus_toolkit.evaluation.predictions import FloatArray, IntArray, Predictions
    from bus_toolkit.evaluation.runs import Assigned
    from bus_toolkit.evaluation.statistic import Statistic

PERMUTATIONS: Final = 199
STRENGTH: Final = 0.1
"""Inverse of the ridge penalty (scikit-learn's ``C``), chosen beforehand: on scaled features, strongly held back."""
P_MOST: Final = 0.025
"""Two figures are looked at, and 0.05 is shared between them."""
_MOST_STEPS: Final = 2000


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """A figure, and whether it is more than chance.

    Attributes
    ----------
    found
        With its cluster-bootstrap interval.
    chance
        What guessing gives: one by the number of classes for balanced accuracy, 0.5 for an AUC.
    p
        Share of permutations of the labels that give as much or more, one-sided, never 0.
    """

    found: Estimate
    chance: float
    p: float

    @property
    def above(self) -> bool:
        """Whether the interval lies above chance, and the permutation test says so too.

        A figure at its end has no interval (see :func:`bus_toolkit.evaluation.intervals.estimate`): a perfect guesser
        must not pass for that, and the permutation test alone decides.
        """
        low = self.found.low if np.isfinite(self.found.low) else self.found.value
        return bool(low > self.chance) and self.p <= P_MOST

    def as_json(self) -> dict[str, Any]:
        """The same for JSON."""
        return {**self.found.as_json(), "chance": as_number(self.chance), "p": as_number(self.p), "above": self.above}


def judged(classes: Sequence[str]) -> tuple[str, str]:
    """The figures that are held against chance."""
    return "balanced_accuracy", f"auc.{POSITIVE}" if POSITIVE in classes else "macro_auc"


def run_probe(
    seen: FloatArray,
    splits: Sequence[Assigned],
    place: dict[str, int],
    classes: Sequence[str],
    *,
    permutations: int = PERMUTATIONS,
    resamples: int = RESAMPLES,
    seed: int = 0,
    tell: Callable[[int, int], None] | None = None,
) -> tuple[dict[str, Against], Pool]:
    """Fit one probe in each fold, score it, and fit it again under permuted labels.

    Labels are permuted between clusters (near-duplicate groups and patients), never within: what hangs together stays
    together. Every permutation fits anew, so the test covers the learning too.

    Parameters
    ----------
    seen
        float64, ``(scans, numbers)``; scans with a NaN are left out.
    splits
        The run's own splits.
    place
        Row of ``seen`` by the scan's id.
    classes
        The classes of the run.
    permutations, resamples, seed
        Of the test and of the intervals; the same seed gives the same result.
    tell
        Called with how many permutations are done, and of how many.

    Raises
    ------
    ConfigError
        When a fold has no scan, or fewer than two classes, to learn from, or ``permutations`` is below 1.
    """
    if permutations < 1:
        msg = f"there must be a permutation or more. Got {permutations}"
        raise ConfigError(msg)
    usable = np.atleast_1d(np.isfinite(seen).all(axis=1))
    rows = [one for one in splits if usable[place[one.id]]]
    known = {one.id: one for one in rows}
    ids = list(known)
    labels = np.array([classes.index(known[scan].label) for scan in ids], dtype=np.int64)
    number = clusters([known[scan].group for scan in ids], [known[scan].patient for scan in ids])
    here = {scan: index for index, scan in enumerate(ids)}
    folds = list(_folds(rows, here))
    if any(np.unique(labels[learned]).size < 2 for learned, _ in folds):  # noqa: PLR2004 - one class is nothing to learn
        msg = "a probe must have two classes or more to learn from in each fold. Got fewer"
        raise ConfigError(msg)
    values = seen[[place[scan] for scan in ids]]
    whole = _fitted(values, labels, folds, rows_by_scan=[known[scan] for scan in ids], classes=classes)
    statistics = chosen(whole)
    drawn = []
    generator = np.random.default_rng(seed)
    for done in range(permutations):
        mixed = permuted(labels, number, generator)
        again = _fitted(values, mixed, folds, rows_by_scan=[known[scan] for scan in ids], classes=classes)
        drawn.append(values_of(chosen(again), len(again)))
        if tell is not None:
            tell(done + 1, permutations)
    found = estimate(statistics, whole.clusters, resamples=resamples, seed=seed)
    return against(found, drawn, classes), whole


def model_against_chance(
    tested: Pool, *, permutations: int = PERMUTATIONS, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Against]:
    """A trained model's figures against chance: its calls stay, the labels are permuted between clusters."""
    found = estimate(chosen(tested), tested.clusters, resamples=resamples, seed=seed)
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(permutations):
        mixed = permuted(tested.labels, tested.clusters, generator)
        members = [
            _relabelled(member, mixed[index]) for member, index in zip(tested.members, tested.index, strict=True)
        ]
        whole = type(tested)(members=tuple(members), ids=tested.ids, index=tested.index, clusters=tested.clusters)
        drawn.append(values_of(chosen(whole), len(whole)))
    return against(found, drawn, tested.classes)


def chosen(tested: Pool) -> dict[str, Statistic]:
    """The figures that are held against chance, as statistics of a pool."""
    every = figures(tested)
    return {name: every[name] for name in judged(tested.classes)}


def against(
    found: dict[str, Estimate], drawn: Sequence[dict[str, float]], classes: Sequence[str]
) -> dict[str, Against]:
    """Hold estimates against what permuted labels gave."""
    result = {}
    for name, one in found.items():
        chance = 1 / len(classes) if name == "balanced_accuracy" else 0.5
        as_much = sum(values[name] >= one.value for values in drawn)
        result[name] = Against(found=one, chance=chance, p=(1 + as_much) / (1 + len(drawn)))
    return result


def permuted(labels: IntArray, number: IntArray, generator: np.random.Generator) -> IntArray:
    """Give each cluster the labels of another, repeated or cut to its size: int64, ``(scans,)``."""
    order = np.argsort(number, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(number[order])) + 1)
    mixed = np.empty_like(labels)
    for part, other in zip(parts, generator.permutation(len(parts)), strict=True):
        mixed[part] = np.resize(labels[parts[other]], part.size)
    return mixed


def _folds(rows: Sequence[Assigned], here: dict[str, int]) -> Iterator[tuple[IntArray, IntArray]]:
    """Which scans are learned from and which are tested on, in each fold that tests any."""
    for fold in sorted({row.fold for row in rows}):
        learned, tested = (
            np.array([here[row.id] for row in rows if row.fold == fold and row.part == part], dtype=np.int64)
            for part in ("train", "test")
        )
        if tested.size:
            yield learned, tested


def _fitted(
    values: FloatArray,
    labels: IntArray,
    folds: Sequence[tuple[IntArray, IntArray]],
    *,
    rows_by_scan: Sequence[Assigned],
    classes: Sequence[str],
) -> Pool:
    """What the probe says about the tested scans of all folds."""
    members = []
    for learned, tested in folds:
        rows = [rows_by_scan[index] for index in tested]
        members.append(
            make_predictions(
                labels[tested],
                _said(values[learned], labels[learned], values[tested], len(classes)),
                classes=classes,
                ids=[row.id for row in rows],
                groups=[row.group for row in rows],
                patients=[row.patient for row in rows],
            )
        )
    return pool_of(members)


def _said(learned: FloatArray, labels: IntArray, tested: FloatArray, classes: int) -> FloatArray:
    from sklearn.linear_model import LogisticRegression

    if np.unique(labels).size == 1:
        # As a permutation of few labels can leave it: whoever learns from that says just that.
        return np.repeat(np.eye(classes)[labels[:1]], len(tested), axis=0)
    mean, spread = learned.mean(axis=0), learned.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=_MOST_STEPS, tol=1e-3)
    model.fit((learned - mean) / spread, labels)
    said = np.zeros((len(tested), classes))
    said[:, model.classes_] = model.predict_proba((tested - mean) / spread)
    return said


def _relabelled(member: Predictions, labels: IntArray) -> Predictions:
    return make_predictions(
        labels,
        member.probabilities,
        classes=member.classes,
        ids=member.ids,
        groups=member.groups,
        patients=member.patients,
    )
