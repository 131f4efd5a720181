"""Figures as functions of how often each scan counts: an estimate and all its resamples come from one definition.

scikit-learn has most of these figures for one set of scans. Here each is computed for hundreds of resamples at once;
the tests hold them to scikit-learn's values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from bus_toolkit.evaluation.predictions import FloatArray, IntArray


class Statistic(Protocol):
    """A figure."""

    def __call__(self, weights: FloatArray) -> FloatArray:
        """The figure for each resample.

        Parameters
        ----------
        weights
            float64, ``(resamples, scans)``: how often each scan counts; 1 everywhere gives the estimate itself.

        Returns
        -------
        float64, ``(resamples,)``; NaN where the figure is not defined (no malignant scan drawn, say).
        """
        ...


@final
@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """One sum over scans divided by another.

    Parameters
    ----------
    numerator, denominator
        float64, ``(scans,)``.
    proportion
        Whether it is a share of cases, 0 to 1, to which the exact interval of a binomial proportion applies.
    needed
        float64, ``(scans,)``: where none of the scans that have it above 0 is drawn, the share is not defined either.
    """

    numerator: FloatArray
    denominator: FloatArray
    proportion: bool = True
    needed: FloatArray | None = None

    def __call__(self, weights: FloatArray) -> FloatArray:
        """See :class:`Statistic`."""
        # einsum, not BLAS: threads cost more than they bring on a busy machine, and their number changes last digits.
        over = np.einsum("ij,j->i", weights, self.denominator)
        if self.needed is not None:
            over = np.where(np.einsum("ij,j->i", weights, self.needed) > 0, over, 0)
        return divide(np.einsum("ij,j->i", weights, self.numerator), over)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """The mean of several figures, such as those of all classes; not defined where one of them is not.

    A resample without a scan of one class must not count: the mean of the others is another figure, and is higher where
    that class is the hard one.
    """

    parts: Sequence[Statistic]

    def __call__(self, weights: FloatArray) -> FloatArray:
        """See :class:`Statistic`."""
        return self.combine([part(weights) for part in self.parts])

    def combine(self, parts: Sequence[FloatArray]) -> FloatArray:
        """The mean of what the parts gave."""
        mean: FloatArray = np.stack(parts).mean(axis=0)
        return mean


def mean_of_defined(parts: Sequence[Statistic], scans: int) -> Mean:
    """The mean of those figures that are defined on all ``scans`` together: the same ones in each resample.

    When none is, the mean is not defined.
    """
    once = np.ones((1, scans))
    return Mean([part for part in parts if np.isfinite(part(once)[0])] or parts)


@final
@dataclass(frozen=True, slots=True, eq=False)
class MeanOfModels:
    """The mean of one figure over several models; a model for which it is not defined is left out.

    What each of them gives is an estimate of the same, so the mean of the others stands for all.
    """

    parts: Sequence[Statistic]

    def __call__(self, weights: FloatArray) -> FloatArray:
        """See :class:`Statistic`."""
        return self.combine([part(weights) for part in self.parts])

    def combine(self, parts: Sequence[FloatArray]) -> FloatArray:
        """The mean of what the parts gave."""
        values = np.stack(parts)
        there = np.isfinite(values)
        return divide(np.where(there, values, 0).sum(axis=0), there.sum(axis=0).astype(np.float64))


@final
@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """How much more one figure is than another."""

    first: Statistic
    second: Statistic

    def __call__(self, weights: FloatArray) -> FloatArray:
        """See :class:`Statistic`."""
        return self.combine([self.first(weights), self.second(weights)])

    @property
    def parts(self) -> Sequence[Statistic]:
        """What is compared."""
        return self.first, self.second

    def combine(self, parts: Sequence[FloatArray]) -> FloatArray:
        """The difference of what the parts gave."""
        return parts[0] - parts[1]


def evaluate(statistic: Statistic, weights: FloatArray, known: dict[int, FloatArray]) -> FloatArray:
    """``statistic(weights)``, with each part that several figures share computed once; ``known`` remembers them."""
    if id(statistic) not in known:
        if isinstance(statistic, Mean | MeanOfModels | Difference):
            value = statistic.combine([evaluate(part, weights, known) for part in statistic.parts])
        else:
            value = statistic(weights)
        known[id(statistic)] = value
    return known[id(statistic)]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Scans in the order of their scores; :func:`rank` makes it.

    Parameters
    ----------
    scans
        int64, ``(cases,)``: indices of the scans, lowest score first.
    positive
        float64, ``(cases,)``: 1 where the scan has what is looked for, else 0.
    starts
        int64: where each run of equal scores begins.
    """

    scans: IntArray
    positive: FloatArray
    starts: IntArray

    def weights(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Weights of positive and of negative cases at each score: twice float64, ``(resamples, scores)``."""
        every = weights[:, self.scans]
        positive = every * self.positive
        every -= positive
        if self.starts.size < self.scans.size:
            return np.add.reduceat(positive, self.starts, axis=1), np.add.reduceat(every, self.starts, axis=1)
        return positive, every


def rank(scores: npt.ArrayLike, positive: npt.ArrayLike, scans: npt.ArrayLike | None = None) -> Ranking:
    """Order cases by their scores.

    Parameters
    ----------
    scores
        ``(cases,)``, finite; more means more likely positive.
    positive
        ``(cases,)``, truth: whether the case has what is looked for.
    scans
        ``(cases,)``: index of each case's scan among the weights; its own place when left out.
    """
    values = np.asarray(scores, dtype=np.float64)
    index = np.arange(values.size) if scans is None else np.asarray(scans, dtype=np.int64)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([np.ones(min(1, values.size), dtype=bool), np.diff(ordered) > 0]))
    truth = np.asarray(positive, dtype=bool)[order].astype(np.float64)
    return Ranking(scans=index[order].astype(np.int64), positive=truth, starts=starts.astype(np.int64))


@final
@dataclass(frozen=True, slots=True, eq=False)
class Auc:
    """Area under the ROC curve: how often a positive case scores higher than a negative one, ties counting half.

    Hanley and McNeil 1982, doi 10.1148/radiology.143.1.7063747.
    """

    ranking: Ranking

    def __call__(self, weights: FloatArray) -> FloatArray:
        """See :class:`Statistic`."""
        if not self.ranking.scans.size:
            return np.full(len(weights), np.nan)
        positive, negative = self.ranking.weights(weights)
        pairs = positive.sum(axis=1) * negative.sum(axis=1)
        below = np.cumsum(negative, axis=1)
        negative *= 0.5
        below -= negative
        return divide(np.einsum("ij,ij->i", positive, below), pairs)


@final
@dataclass(frozen=True, slots=True, eq=False)
class SensitivityAt:
    """The highest sensitivity at a specificity of at least ``specificity`` on the ROC curve of the very same cases.

    No threshold is chosen beforehand, so it is the best that could be had, not what a threshold would have given. It
    has no interval by resampling: each resample would choose its own best threshold, and most lie above the figure.
    """

    ranking: Ranking
    specificity: float

    def __call__(self, weights: FloatArray) -> FloatArray:
        """See :class:`Statistic`."""
        if not self.ranking.scans.size:
            return np.full(len(weights), np.nan)
        positive, negative = self.ranking.weights(weights)
        called = np.cumsum(positive[:, ::-1], axis=1)
        false = np.cumsum(negative[:, ::-1], axis=1)
        allowed = (1 - self.specificity + 1e-9) * negative.sum(axis=1, keepdims=True)
        best = np.where(false <= allowed, called, 0).max(axis=1)
        share = divide(best, positive.sum(axis=1))
        return np.where(negative.sum(axis=1) > 0, share, np.nan)


def is_resampled(statistic: Statistic) -> bool:
    """Whether resamples of a figure lie around it, so that they tell how far chance reaches."""
    if isinstance(statistic, Mean | MeanOfModels | Difference):
        return all(is_resampled(part) for part in statistic.parts)
    return not isinstance(statistic, SensitivityAt)


def divide(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide, with NaN where there is nothing to divide by."""
    nothing = np.full(numerator.shape, np.nan)
    shares: FloatArray = np.divide(numerator, denominator, out=nothing, where=denominator > 0)
    return shares
