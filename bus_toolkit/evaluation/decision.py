"""Decision curves: is it of more use to follow the model than to biopsy all, or none.

Vickers and Elkin 2006, doi 10.1177/0272989X06295361. Whoever acts on a probability of ``t`` says by it that a missed
cancer weighs as much as ``(1 - t) / t`` needless biopsies. The net benefit counts cancers found, less the needless
biopsies in this coin: ``TP / n - FP / n * t / (1 - t)``. Biopsies of all give
``prevalence - (1 - prevalence) * t / (1 - t)``, of none 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import numpy as np

from bus_toolkit.errors import ConfigError

if TYPE_CHECKING:
    import numpy.typing as npt

    from bus_toolkit.evaluation.predictions import FloatArray

THRESHOLDS: Final = tuple(percent / 100 for percent in range(1, 100))
_MOST: Final = 1.0


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecisionCurve:
    """Net benefit at each threshold: all float64, ``(thresholds,)``; doing nothing has a net benefit of 0."""

    thresholds: FloatArray
    model: FloatArray
    treat_all: FloatArray


def decision_curve(
    scores: npt.ArrayLike, positive: npt.ArrayLike, thresholds: npt.ArrayLike = THRESHOLDS
) -> DecisionCurve:
    """Net benefit of acting on ``scores``.

    Parameters
    ----------
    scores
        ``(scans,)``, 0 to 1: calibrated probabilities of the positive class.
    positive
        ``(scans,)``: truth.
    thresholds
        Probabilities from which one would act, each above 0 and below 1.

    Raises
    ------
    ConfigError
        When there is no scan, or a threshold is not between 0 and 1.
    """
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    at = np.asarray(thresholds, dtype=np.float64)
    if values.size == 0 or not bool(np.all((at > 0) & (at < _MOST))):
        msg = "decisions must be about a scan at least, at thresholds above 0 and below 1. Got something else"
        raise ConfigError(msg)
    called = values[np.newaxis, :] >= at[:, np.newaxis]
    weight = at / (1 - at)
    found = (called & truth).sum(axis=1) / values.size
    needless = (called & ~truth).sum(axis=1) / values.size
    prevalence = float(truth.mean())
    return DecisionCurve(
        thresholds=at, model=found - needless * weight, treat_all=prevalence - (1 - prevalence) * weight
    )
