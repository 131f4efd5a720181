"""Two models on the same scans: is one better, or was it luck."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from bus_toolkit.errors import ConfigError
from bus_toolkit.evaluation.clusters import clusters
from bus_toolkit.evaluation.intervals import (
    LEVEL,
    NONE,
    RESAMPLES,
    Estimate,
    as_number,
    interval,
    is_same,
    resample,
    values_of,
)
from bus_toolkit.evaluation.metrics import figures
from bus_toolkit.evaluation.pool import pool
from bus_toolkit.evaluation.statistic import Difference, Statistic, is_resampled

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from bus_toolkit.evaluation.pool import Pool
    from bus_toolkit.evaluation.predictions import IntArray

_ONE_VOICE: Final = 1e-6
"""Probabilities nearer than this are the same: files hold nine digits of them."""
COMPARED: Final[tuple[str, ...]] = (
    "accuracy",
    "balanced_accuracy",
    "macro_auc",
    "auc.malignant",
    "auc_benign_malignant",
    "sensitivity.malignant",
    "specificity.malignant",
    "sensitivity_at_95_specificity.malignant",
    "normal_misread",
    "brier",
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class McNemar:
    """McNemar's exact test of two models on the same scans (McNemar 1947, doi 10.1007/BF02295996).

    Attributes
    ----------
    only_first, only_second
        Scans that only the first, only the second model called right. The others say nothing about which is better.
    p
        Two-sided exact binomial probability of a split at least as uneven if both were equally good.
    """

    only_first: int
    only_second: int
    p: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A figure of both models, and how much more the first has; ``p`` of the difference, two-sided, by resampling.

    ``p`` is NaN where the difference has no interval.
    """

    first: float
    second: float
    difference: Estimate
    p: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two models on the same scans.

    Attributes
    ----------
    scans, clusters
        How many, and how many independent groups of them.
    figures
        By name, in the order of :data:`COMPARED`.
    mcnemar
        None when both have the same mean probabilities, as an ensemble and its own members: it would compare a model
        with itself.
    """

    scans: int
    clusters: int
    figures: dict[str, Compared]
    mcnemar: McNemar | None

    def as_json(self) -> dict[str, Any]:
        """The same for JSON."""
        found = {
            name: {
                "first": as_number(one.first),
                "second": as_number(one.second),
                "difference": one.difference.as_json(),
                "p": as_number(one.p),
            }
            for name, one in self.figures.items()
        }
        test = None if self.mcnemar is None else asdict(self.mcnemar)
        return {"scans": self.scans, "clusters": self.clusters, "figures": found, "mcnemar": test}


def mcnemar(first_right: npt.ArrayLike, second_right: npt.ArrayLike) -> McNemar:
    """Test whether two models are right equally often; ``(scans,)`` each: whether it called the scan right.

    The scans are taken as independent; where near-duplicates are among them, trust the resampled difference more.
    """
    from scipy.stats import binomtest

    first, second = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    ours, theirs = int((first & ~second).sum()), int((second & ~first).sum())
    p = float(binomtest(ours, ours + theirs).pvalue) if ours + theirs else 1.0
    return McNemar(only_first=ours, only_second=theirs, p=p)


def compare(
    first: Pool, second: Pool, *, resamples: int = RESAMPLES, seed: int = 0, level: float = LEVEL
) -> Comparison:
    """Compare two models by resampling clusters of scans, the same for both, and by McNemar's test.

    For McNemar's test each model speaks with one voice: the mean probabilities of its members. Scans that hang together
    by what either model knows of groups and patients are drawn together.

    A difference has no interval and no ``p`` when it is the same in each resample, and not 0: a few scans that hang
    together cannot tell luck from more. Nor has it where the figure itself has none; see
    :func:`bus_toolkit.evaluation.intervals.estimate`.

    Raises
    ------
    ConfigError
        When they were not tested on the same scans, with the same labels and classes; see :func:`common`.
    """
    if set(first.ids) != set(second.ids):
        both = len(set(first.ids) & set(second.ids))
        msg = (
            f"two models must be tested on the same scans to be compared. Got {len(first)} and {len(second)} scans, "
            f"{both} of them in common"
        )
        raise ConfigError(msg)
    # One pool of all members aligns the scans and checks the labels.
    whole = pool([*first.members, *second.members])
    whole = replace(whole, clusters=_joined(whole.ids, first, second))
    cut = len(first.members)
    theirs, ours = figures(_slice(whole, slice(cut, None))), figures(_slice(whole, slice(0, cut)))
    names = [name for name in COMPARED if name in ours]
    differences: dict[str, Statistic] = {name: Difference(ours[name], theirs[name]) for name in names}
    usable = {name: difference for name, difference in differences.items() if is_resampled(difference)}
    drawn = resample(usable, whole.clusters, resamples=resamples, seed=seed)
    values = {side: values_of(these, len(whole)) for side, these in (("first", ours), ("second", theirs))}
    found = {}
    for name in names:
        low, high, p = _luck(drawn[name], level) if name in drawn else (*NONE, float("nan"))
        one, other = values["first"][name], values["second"][name]
        estimate = Estimate(value=one - other, low=low, high=high)
        found[name] = Compared(first=one, second=other, difference=estimate, p=p)
    return Comparison(
        scans=len(whole), clusters=int(whole.clusters.max()) + 1, figures=found, mcnemar=_by_scan(whole, cut)
    )


def common(first: Pool, second: Pool) -> tuple[Pool, Pool]:
    """Both, cut to the scans that both were tested on.

    Raises
    ------
    ConfigError
        When there is none.
    """
    both = set(first.ids) & set(second.ids)
    one, other = (
        pool([member.take([scan in both for scan in member.ids]) for member in whole.members])
        for whole in (first, second)
    )
    return one, other


def _joined(ids: Sequence[str], first: Pool, second: Pool) -> IntArray:
    """Clusters of scans that either model's groups and patients hold together: int64, ``(ids,)``.

    A name of a group may mean another group in another run, so each has its own clusters before they are joined.
    """
    numbers = [dict(zip(one.ids, map(str, one.clusters.tolist()), strict=True)) for one in (first, second)]
    return clusters(*([number[scan] for scan in ids] for number in numbers))


def _by_scan(whole: Pool, cut: int) -> McNemar | None:
    """McNemar's test of the first ``cut`` members against the others; None when both say the same."""
    voices = [_slice(whole, part).mean() for part in (slice(0, cut), slice(cut, None))]
    if np.allclose(voices[0].probabilities, voices[1].probabilities, rtol=0, atol=_ONE_VOICE):
        return None
    return mcnemar(*(voice.predicted == voice.labels for voice in voices))


def _slice(whole: Pool, part: slice) -> Pool:
    """Some members, with the scans of all: the weights of one resample fit every slice."""
    return type(whole)(members=whole.members[part], ids=whole.ids, index=whole.index[part], clusters=whole.clusters)


def _luck(drawn: npt.NDArray[np.float64], level: float) -> tuple[float, float, float]:
    """The interval of a resampled difference, and its ``p``; NaN where it is the same in each draw, and not 0."""
    low, high = interval(drawn, level)
    if is_same(low, high) and not is_same(0, abs(low)):
        return (*NONE, float("nan"))
    return low, high, _p(drawn)


def _p(drawn: npt.NDArray[np.float64]) -> float:
    """Twice the share of resamples on the rarer side of no difference, never 0 (Davison and Hinkley 1997, 4.2)."""
    defined: Sequence[float] | npt.NDArray[np.float64] = drawn[np.isfinite(drawn)]
    values = np.asarray(defined)
    if not values.size:
        return float("nan")
    rarer = min(int((values <= 0).sum()), int((values >= 0).sum()))
    return min(1.0, 2 * (rarer + 1) / (values.size + 1))
