"""Intervals for shares: by string, and by scan, for strings on one scan are missed together."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from bus_toolkit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

Interval: TypeAlias = tuple[float, float]
"""Lower and upper bound of a share, 0 to 1."""
CONFIDENCE: Final = 0.95
RESAMPLES: Final = 2000
"""The bounds then move by about half a percent of themselves from seed to seed."""


def wilson(hits: int, trials: int, *, confidence: float = CONFIDENCE) -> Interval:
    """The score interval for ``hits`` of ``trials``.

    It supposes that trials are independent; it does not shrink to nothing at 0 and at ``trials``. Without trials it is
    0 to 1: nothing is known. Wilson 1927, J. Am. Stat. Assoc. 22(158), doi 10.1080/01621459.1927.10502953.

    Raises
    ------
    ConfigError
        When ``hits`` is not between 0 and ``trials``, or ``confidence`` not between 0 and 1.
    """
    if not 0 <= hits <= trials or not 0 < confidence < 1:
        msg = f"hits must be 0 to trials, and confidence between 0 and 1. Got {hits} of {trials} at {confidence}"
        raise ConfigError(msg)
    if trials == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = hits / trials, z * z / trials
    middle = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    return low, 1.0 if hits == trials else min(1.0, middle + half)


def by_cluster(
    hits: Sequence[int],
    trials: Sequence[int],
    *,
    seed: int,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> Interval:
    """Percentile bootstrap of ``sum(hits) / sum(trials)`` in which whole clusters are drawn, with replacement.

    ``hits`` and ``trials`` have one number for each cluster (scan). Where every cluster has the same share it gives no
    width; read it beside :func:`wilson`. Field and Welsh 2007, J. R. Stat. Soc. B 69(3),
    doi 10.1111/j.1467-9868.2007.00593.x.

    Raises
    ------
    ConfigError
        When the two differ in length.
    """
    if len(hits) != len(trials):
        msg = f"hits and trials must have one number for each cluster. Got {len(hits)} and {len(trials)}"
        raise ConfigError(msg)
    counts = np.array([(hit, trial) for hit, trial in zip(hits, trials, strict=True) if trial], dtype=np.int64)
    if counts.size == 0:
        return 0.0, 1.0
    picked = np.random.default_rng(seed).integers(0, len(counts), size=(resamples, len(counts)))
    sums = counts[picked].sum(axis=1)
    low, high = np.quantile(sums[:, 0] / sums[:, 1], ((1 - confidence) / 2, (1 + confidence) / 2))
    return float(low), float(high)
