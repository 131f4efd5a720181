"""Thresholds: chosen on validation data for a wanted sensitivity or specificity, and what they give elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import numpy as np

from bus_toolkit.errors import ConfigError

if TYPE_CHECKING:
    import numpy.typing as npt

    from bus_toolkit.evaluation.predictions import FloatArray

_NEVER: Final = float(np.nextafter(1.0, 2.0))
"""Above every probability: nothing is called positive."""
_ROUNDING: Final = 1e-9
"""0.95 of 20 is 19, whatever floating point makes of it."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a threshold is chosen for: exactly one of the two.

    Raises
    ------
    ConfigError
        When both or none are given, or the one is not between 0 and 1.
    """

    sensitivity: float | None = None
    specificity: float | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.sensitivity, self.specificity) if value is not None]
        if len(given) != 1 or not 0 <= given[0] <= 1:
            msg = "one of sensitivity and specificity must be wanted, between 0 and 1. Got something else"
            raise ConfigError(msg)

    @property
    def name(self) -> str:
        """``"specificity_95"`` and the like."""
        kind = "specificity" if self.sensitivity is None else "sensitivity"
        share = self.sensitivity if self.specificity is None else self.specificity
        return f"{kind}_{100 * (share or 0):g}"


WANTED: Final = (Wanted(specificity=0.95), Wanted(sensitivity=0.95))
"""The paper's question first: few false alarms, and what is then still found. Then the other way round."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A scan is called positive when its score is ``value`` or more.

    Attributes
    ----------
    value
        0 to 1, or just above 1 when nothing may be called positive.
    sensitivity, specificity
        On the data it was chosen on.
    positives, negatives
        How many scans these were. With 20 negatives a specificity of 95 % means one false alarm.
    """

    value: float
    sensitivity: float
    specificity: float
    positives: int
    negatives: int


def choose_threshold(scores: npt.ArrayLike, positive: npt.ArrayLike, wanted: Wanted) -> Threshold | None:
    """The threshold that keeps the wanted share at least, and gives most of the other.

    It lies half way between two scores that occur, as far from either as can be.

    Parameters
    ----------
    scores
        ``(scans,)``, 0 to 1: probability of the positive class.
    positive
        ``(scans,)``: truth.
    wanted
        What must be kept.

    Returns
    -------
    The threshold, or None when there is no positive or no negative scan to choose it on.
    """
    values = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(positive, dtype=bool)
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return None
    candidates = _between(values)
    # Sorted once: how many lie at or above each candidate is a search, not a comparison with all.
    sensitivity = _at_or_above(values[truth], candidates) / positives
    specificity = 1 - _at_or_above(values[~truth], candidates) / negatives
    if wanted.specificity is not None:
        best = int(np.flatnonzero(specificity >= wanted.specificity - _ROUNDING)[0])
    else:
        best = int(np.flatnonzero(sensitivity >= (wanted.sensitivity or 0) - _ROUNDING)[-1])
    return Threshold(
        value=float(candidates[best]),
        sensitivity=float(sensitivity[best]),
        specificity=float(specificity[best]),
        positives=positives,
        negatives=negatives,
    )


def _between(values: FloatArray) -> FloatArray:
    """Every threshold that tells scores apart, from "all are called" to "none is", ascending."""
    known = np.unique(values)
    middle = (known[:-1] + known[1:]) / 2
    # Between neighbours in floating point there is no middle: the upper one tells them apart.
    middle = np.where(middle > known[:-1], middle, known[1:])
    above = (known[-1] + 1) / 2 if known[-1] < 1 else _NEVER
    return np.concatenate([[0.0], middle, [above if above > known[-1] else _NEVER]])


def _at_or_above(values: FloatArray, thresholds: FloatArray) -> FloatArray:
    ordered = np.sort(values)
    return (ordered.size - np.searchsorted(ordered, thresholds, side="left")).astype(np.float64)
