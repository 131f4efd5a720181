"""Do probabilities mean what they say: reliability, expected calibration error, Brier score, temperature scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import numpy as np

from bus_toolkit.errors import ConfigError

if TYPE_CHECKING:
    import numpy.typing as npt

    from bus_toolkit.evaluation.predictions import FloatArray, IntArray

BINS: Final = 15
"""As in Guo et al. 2017."""
_LEAST: Final = 1e-12
"""A probability of 0 is taken as this, so that its logarithm is finite."""
_COLDEST, _HOTTEST = 0.05, 20.0


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reliability:
    """What was said against what came true, in bins of equal width; bins without a case are left out.

    Attributes
    ----------
    said
        float64, ``(bins,)``: mean probability in each bin.
    came_true
        float64, ``(bins,)``: share of its cases that came true.
    cases
        int64, ``(bins,)``.
    """

    said: FloatArray
    came_true: FloatArray
    cases: IntArray

    def error(self) -> float:
        """Expected calibration error: mean distance of the two over all cases (Naeini, Cooper, Hauskrecht 2015)."""
        return float((np.abs(self.said - self.came_true) * self.cases).sum() / self.cases.sum())


def reliability(probabilities: npt.ArrayLike, truth: npt.ArrayLike, bins: int = BINS) -> Reliability:
    """Compare probabilities of events with what came true.

    Parameters
    ----------
    probabilities
        ``(cases,)``, 0 to 1.
    truth
        ``(cases,)``, whether the event came true.
    bins
        Number of bins of equal width over 0 to 1, each with its upper end in it.

    Raises
    ------
    ConfigError
        When there is no case or no bin.
    """
    said = np.asarray(probabilities, dtype=np.float64)
    right = np.asarray(truth, dtype=np.float64)
    if said.size == 0 or bins < 1:
        msg = f"there must be a case and a bin. Got {said.size} cases and {bins} bins"
        raise ConfigError(msg)
    place = np.clip(np.ceil(said * bins).astype(np.int64) - 1, 0, bins - 1)
    cases = np.bincount(place, minlength=bins)
    there = cases > 0
    sums = (np.bincount(place, weights=values, minlength=bins)[there] / cases[there] for values in (said, right))
    mean_said, mean_right = sums
    return Reliability(said=mean_said, came_true=mean_right, cases=cases[there].astype(np.int64))


def top_label(labels: IntArray, probabilities: FloatArray, bins: int = BINS) -> Reliability:
    """Reliability of the class that was called: its probability against whether it was right (Guo et al. 2017)."""
    return reliability(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, bins)


def brier_score(labels: IntArray, probabilities: FloatArray) -> float:
    """Mean squared distance from the truth, summed over classes: 0 best, 2 worst (Brier 1950)."""
    truth = np.eye(probabilities.shape[1])[labels]
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def log_loss(labels: IntArray, probabilities: FloatArray) -> float:
    """Mean negative natural logarithm of the probability of the true class; what training minimises."""
    said = np.clip(probabilities[np.arange(labels.size), labels], _LEAST, 1)
    return float(-np.log(said).mean())


def scale(probabilities: npt.ArrayLike, temperature: float) -> FloatArray:
    """Probabilities at another temperature: softmax of the logits divided by it. Which class is highest never changes.

    Parameters
    ----------
    probabilities
        ``(scans, classes)``, 0 to 1: softmax output. The logits are its logarithms, up to a constant that drops out.
    temperature
        Above 1 makes probabilities milder, below 1 bolder.

    Raises
    ------
    ConfigError
        When ``temperature`` is not above 0.
    """
    if not temperature > 0:
        msg = f"temperature must be above 0. Got {temperature}"
        raise ConfigError(msg)
    logits = np.log(np.clip(np.asarray(probabilities, dtype=np.float64), _LEAST, 1)) / temperature
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    scaled: FloatArray = raised / raised.sum(axis=1, keepdims=True)
    return scaled


def fit_temperature(labels: IntArray, probabilities: FloatArray) -> float:
    """The temperature that makes validation data most likely (Guo et al. 2017, arXiv 1706.04599).

    The loss is convex in the inverse temperature, so the search between 0.05 and 20 finds the one minimum; a model that
    makes no mistake on the validation data would want 0 and gets 0.05.

    Parameters
    ----------
    labels, probabilities
        int64 ``(scans,)`` and float64 ``(scans, classes)`` of scans that the model was not fitted to, and is not tested
        on either.

    Raises
    ------
    ConfigError
        When there is no scan.
    """
    if labels.size == 0:
        msg = "a temperature must be fitted to one scan at least. Got none"
        raise ConfigError(msg)
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda inverse: log_loss(labels, scale(probabilities, 1 / inverse)),
        bounds=(1 / _HOTTEST, 1 / _COLDEST),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(1 / found.x)
