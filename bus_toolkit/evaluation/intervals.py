"""Intervals by resampling whole clusters: scans of one patient or near-duplicate group tell the same thing.

Field and Welsh 2007, doi 10.1111/j.1467-9868.2007.00593.x (the cluster bootstrap); Efron and Tibshirani 1993,
doi 10.1007/978-1-4899-4541-9, chapter 13 (percentile intervals).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from bus_toolkit.errors import ConfigError
from bus_toolkit.evaluation.statistic import Share, evaluate, is_resampled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bus_toolkit.evaluation.predictions import FloatArray, IntArray
    from bus_toolkit.evaluation.statistic import Statistic

NONE: Final = (float("nan"), float("nan"))
"""The ends of an interval that is not there."""
RESAMPLES: Final = 2000
LEVEL: Final = 0.95
_SAME: Final = 1e-12
"""Values that lie nearer to each other differ by rounding alone."""
_AT_ONCE: Final = 500_000
"""Weights held at a time: 4 MB, which stays in a processor's cache while all figures are computed from it."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its interval; NaN where it is not defined."""

    value: float
    low: float
    high: float

    def as_json(self) -> dict[str, float | None]:
        """The same with None for NaN."""
        return {name: as_number(getattr(self, name)) for name in ("value", "low", "high")}


def as_number(value: float) -> float | None:
    """A number for JSON, to six places, which is more than any figure here is known to; None for NaN."""
    return round(float(value), 6) if np.isfinite(value) else None


def resamples_of(clusters: IntArray, resamples: int, seed: int) -> Iterator[FloatArray]:
    """Draw clusters with replacement, as many as there are; give how often each scan was drawn, some draws at a time.

    Parameters
    ----------
    clusters
        int64, ``(scans,)``: 0 to the number of clusters less 1.
    resamples
        Draws in all.
    seed
        The same seed gives the same draws.

    Yields
    ------
    float64, ``(some draws, scans)``.
    """
    generator = np.random.default_rng(seed)
    number = int(clusters.max()) + 1
    step = max(1, _AT_ONCE // max(clusters.size, number))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        drawn = generator.integers(number, size=(size, number))
        drawn += number * np.arange(size)[:, np.newaxis]
        counts = np.bincount(drawn.ravel(), minlength=size * number).reshape(size, number)
        yield counts[:, clusters].astype(np.float64)


def resample(
    statistics: Mapping[str, Statistic], clusters: IntArray, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, FloatArray]:
    """Each figure for each resample: float64, ``(resamples,)``. The same resamples serve all figures.

    Raises
    ------
    ConfigError
        When ``resamples`` is below 1 or there is no scan.
    """
    if resamples < 1 or clusters.size == 0:
        msg = f"there must be a scan and a resample. Got {clusters.size} scans and {resamples} resamples"
        raise ConfigError(msg)
    found: dict[str, list[FloatArray]] = {name: [] for name in statistics}
    for weights in resamples_of(clusters, resamples, seed):
        known: dict[int, FloatArray] = {}
        for name, statistic in statistics.items():
            found[name].append(evaluate(statistic, weights, known))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def values_of(statistics: Mapping[str, Statistic], scans: int) -> dict[str, float]:
    """Each figure with every scan counted once."""
    once = np.ones((1, scans))
    return {name: float(statistic(once)[0]) for name, statistic in statistics.items()}


def estimate(
    statistics: Mapping[str, Statistic],
    clusters: IntArray,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> dict[str, Estimate]:
    """Each figure with its percentile interval.

    A share that is exactly 0 or 1 is so in every resample, which would give an interval of no width: "no normal scan
    of 8 was misread" says little. Such a share gets the exact interval of a binomial proportion instead (Clopper and
    Pearson 1934, doi 10.1093/biomet/26.4.404), with one trial for each cluster. For other figures that are the same in
    every resample (an AUC of 1) no such interval is known: they get none. Nor does a figure whose resamples do not lie
    around it; see :func:`bus_toolkit.evaluation.statistic.is_resampled`.

    Raises
    ------
    ConfigError
        As :func:`resample`, or when ``level`` is not between 0 and 1.
    """
    if not 0 < level < 1:
        msg = f"level must be between 0 and 1. Got {level}"
        raise ConfigError(msg)
    usable = {name: statistic for name, statistic in statistics.items() if is_resampled(statistic)}
    drawn = resample(usable, clusters, resamples=resamples, seed=seed)
    values = values_of(statistics, clusters.size)
    found = {}
    for name, statistic in statistics.items():
        low, high = interval(drawn[name], level) if name in drawn else NONE
        if is_same(low, high):
            low, high = _at_the_end(statistic, values[name], clusters, level)
        found[name] = Estimate(value=values[name], low=low, high=high)
    return found


def interval(drawn: FloatArray, level: float = LEVEL) -> tuple[float, float]:
    """The middle ``level`` of the resampled values, those that are not defined left out; NaN when none is."""
    defined = drawn[np.isfinite(drawn)]
    if not defined.size:
        return NONE
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def is_same(low: float, high: float) -> bool:
    """Whether an interval has no width; false when there is none."""
    return high - low <= _SAME


def _at_the_end(statistic: Statistic, value: float, clusters: IntArray, level: float) -> tuple[float, float]:
    if not isinstance(statistic, Share) or not statistic.proportion or value not in {0.0, 1.0}:
        return NONE
    trials = np.unique(clusters[statistic.denominator > 0]).size
    reach = ((1 - level) / 2) ** (1 / trials)
    return (reach, 1.0) if value else (0.0, 1 - reach)


def as_json(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    """The estimates for JSON."""
    return {name: found.as_json() for name, found in estimates.items()}
