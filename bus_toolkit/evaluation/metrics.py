"""The figures of a classifier: what share of calls is right, class by class, and how well it ranks.

A scan is called what has the highest probability. For each class, the scans of it are the positive ones and all others
the negative ones. Names of figures are ``accuracy``, ``sensitivity.malignant`` and so on; :data:`MEANINGS` says what
the part before the point means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bus_toolkit.evaluation.statistic import Auc, MeanOfModels, SensitivityAt, Share, mean_of_defined, rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from bus_toolkit.evaluation.pool import Pool
    from bus_toolkit.evaluation.predictions import IntArray
    from bus_toolkit.evaluation.statistic import Ranking, Statistic

POSITIVE: Final = "malignant"
"""The class that must not be missed; thresholds and decisions are about it."""
NORMAL: Final = "normal"
BENIGN: Final = "benign"
ASKED_SPECIFICITY: Final = 0.95
"""The paper's question is put at this specificity: false alarms must be few."""

MEANINGS: Final = {
    "accuracy": "share of scans that were called right",
    "balanced_accuracy": "mean of the classes' sensitivities",
    "macro_f1": "mean of the classes' F1 (twice the right calls, by calls and scans together)",
    "macro_auc": "mean of the classes' AUC against the rest",
    "sensitivity": "share of the class's scans that were called so",
    "specificity": "share of the other scans that were not called so",
    "ppv": "share of such calls that are right",
    "npv": "share of the other calls that are right in being other",
    "f1": "twice the right calls, by calls and scans together",
    "auc": "how often a scan of the class scores higher for it than one of the rest",
    "auc_benign_malignant": "how often a malignant scan scores higher than a benign one, normal scans left out",
    "sensitivity_at_95_specificity": "best that any threshold gives on these very scans",
    "normal_called_malignant": "share of normal scans that were called malignant",
    "normal_misread": "share of normal scans that were called anything else",
    "brier": "mean squared distance of probabilities from the truth, summed over classes, 0 to 2",
}


def figures(pool: Pool) -> dict[str, Statistic]:
    """All figures of the models in ``pool``.

    Shares are taken over the calls of all members together: with repeated runs that is their mean, with folds the share
    over all scans out of fold. An AUC is computed within each member, then averaged, for the scores of two models are
    not on one scale (Forman and Scholz 2010, doi 10.1145/1882471.1882479).

    A mean over classes is that of the classes for which the figure is defined on all scans, in each resample.
    """
    found: dict[str, Statistic] = {"accuracy": _accuracy(pool)}
    by_class = {name: _of_class(pool, number) for number, name in enumerate(pool.classes)}
    found["balanced_accuracy"] = mean_of_defined([shares["sensitivity"] for shares in by_class.values()], len(pool))
    found["macro_f1"] = mean_of_defined([shares["f1"] for shares in by_class.values()], len(pool))
    areas = {name: MeanOfModels(_areas(pool, number)) for number, name in enumerate(pool.classes)}
    found["macro_auc"] = mean_of_defined(list(areas.values()), len(pool))
    for name, shares in by_class.items():
        found |= {f"{figure}.{name}": share for figure, share in shares.items()}
        found[f"auc.{name}"] = areas[name]
    if POSITIVE in pool.classes:
        found |= _about_malignant(pool)
    if NORMAL in pool.classes:
        found |= _about_normal(pool)
    found["brier"] = brier(pool)
    return found


def brier(pool: Pool) -> Share:
    """Mean squared distance of the probabilities from the truth, summed over classes: 0 best, 2 worst (Brier 1950)."""
    truth = np.eye(len(pool.classes))
    squares = [((member.probabilities - truth[member.labels]) ** 2).sum(axis=1) for member in pool.members]
    return Share(pool.total(squares), _rows(pool), proportion=False)


def share_of(pool: Pool, calls: Sequence[npt.ArrayLike], cases: Sequence[npt.ArrayLike]) -> Share:
    """The share of ``cases`` that are also ``calls``: for each member a mask over its scans, of either."""
    both = [np.logical_and(call, case) for call, case in zip(calls, cases, strict=True)]
    return Share(pool.total(both), pool.total(cases))


def ranking_of(pool: Pool, member: int, positive: int, among: Sequence[int] | None = None) -> Ranking:
    """Scans of one member by their probability of class ``positive``; of the classes ``among`` only, when given.

    With ``among``, the probability is that of ``positive`` given that the scan is of these classes.
    """
    predictions, scans = pool.members[member], pool.index[member]
    if among is None:
        scores, labels = predictions.probabilities[:, positive], predictions.labels
    else:
        kept = np.isin(predictions.labels, np.asarray(among))
        scores = _odds(predictions.probabilities[kept], positive, among)
        labels, scans = predictions.labels[kept], scans[kept]
    return rank(scores, labels == positive, scans)


def confusion(pool: Pool) -> npt.NDArray[np.float64]:
    """Scans by true class (rows) and called class (columns), as the mean over repeated runs.

    Returns
    -------
    float64, ``(classes, classes)``. It adds up to the number of scans when each was tested equally often.
    """
    number = len(pool.classes)
    counts = np.zeros((number, number))
    for member in pool.members:
        np.add.at(counts, (member.labels, member.predicted), 1)
    return counts / (sum(map(len, pool.members)) / len(pool))


def _odds(probabilities: npt.NDArray[np.float64], positive: int, among: Sequence[int]) -> npt.NDArray[np.float64]:
    whole = probabilities[:, np.asarray(among)].sum(axis=1)
    # Where neither class has any probability, the two are equally likely for all that is known.
    half = np.full(whole.shape, 0.5)
    odds: npt.NDArray[np.float64] = np.divide(probabilities[:, positive], whole, out=half, where=whole > 0)
    return odds


def _rows(pool: Pool) -> npt.NDArray[np.float64]:
    return pool.total([np.ones(len(member)) for member in pool.members])


def _accuracy(pool: Pool) -> Share:
    return Share(pool.total([member.predicted == member.labels for member in pool.members]), _rows(pool))


def _of_class(pool: Pool, number: int) -> dict[str, Share]:
    called = [member.predicted == number for member in pool.members]
    true = [member.labels == number for member in pool.members]
    not_called, not_true = [~mask for mask in called], [~mask for mask in true]
    twice = 2 * pool.total([a & b for a, b in zip(called, true, strict=True)])
    cases = pool.total(true)
    return {
        "sensitivity": share_of(pool, called, true),
        "specificity": share_of(pool, not_called, not_true),
        "ppv": share_of(pool, true, called),
        "npv": share_of(pool, not_true, not_called),
        # A class without a scan that is called all the same has an F1 of 0, as in scikit-learn; a class that merely was
        # not drawn has none.
        "f1": Share(twice, pool.total(called) + cases, proportion=False, needed=cases if cases.any() else None),
    }


def _areas(pool: Pool, positive: int, among: Sequence[int] | None = None) -> list[Auc]:
    return [Auc(ranking_of(pool, member, positive, among)) for member in range(len(pool.members))]


def _about_malignant(pool: Pool) -> dict[str, Statistic]:
    positive = pool.classes.index(POSITIVE)
    rankings = [ranking_of(pool, member, positive) for member in range(len(pool.members))]
    asked = [SensitivityAt(ranking, ASKED_SPECIFICITY) for ranking in rankings]
    found: dict[str, Statistic] = {f"sensitivity_at_95_specificity.{POSITIVE}": MeanOfModels(asked)}
    if BENIGN in pool.classes:
        areas = _areas(pool, positive, (pool.classes.index(BENIGN), positive))
        found["auc_benign_malignant"] = MeanOfModels(areas)
    return found


def _about_normal(pool: Pool) -> dict[str, Statistic]:
    normal = pool.classes.index(NORMAL)
    cases = [member.labels == normal for member in pool.members]

    def called(what: int) -> list[npt.NDArray[np.bool_]]:
        return [member.predicted == what for member in pool.members]

    found: dict[str, Statistic] = {
        "normal_misread": share_of(pool, [~mask for mask in called(normal)], cases),
    }
    if POSITIVE in pool.classes:
        found["normal_called_malignant"] = share_of(pool, called(pool.classes.index(POSITIVE)), cases)
    return found


def counts_by_class(labels: IntArray, classes: Sequence[str]) -> dict[str, int]:
    """How many scans there are of each class."""
    counts = np.bincount(labels, minlength=len(classes))
    return {name: int(count) for name, count in zip(classes, counts, strict=True)}
