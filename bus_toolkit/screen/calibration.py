"""From the measure of a screen to a probability.

Each screen first gives a measure between 0 and 1 with its operating point at 0.5. Platt's logistic curve (Platt
1999, "Probabilistic outputs for support vector machines") makes a probability of it. The curves are fitted by
``benchmarks/screens.py`` on one half of the developers' scans and stored in ``calibration.json``, with what they
were fitted on. A probability needs a prevalence: for each screen it is the one at which its operating point is even
odds, so that 0.5 stays the point where a finding counts; the file tells it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import exp
from typing import Any

from bus_toolkit.errors import ConfigError

FILE = "calibration.json"
EVEN = 0.5
"""The measure at a screen's operating point, and its score."""
STEEPEST = 60.0


@dataclass(frozen=True, slots=True)
class Curve:
    """``1 / (1 + exp(-slope * (measure - 0.5)))``, fitted for folders of which ``prevalence`` (0 to 1) show the kind.

    Raises
    ------
    ConfigError
        When ``slope`` is not above 0 and at most 60.
    """

    slope: float
    prevalence: float

    def __post_init__(self) -> None:
        if not 0.0 < self.slope <= STEEPEST:
            msg = f"a slope must be above 0 and at most {STEEPEST:g}. Got {self.slope}"
            raise ConfigError(msg)

    def score(self, measure: float) -> float:
        """The probability for a measure from 0 to 1; 0 stays 0, for nothing was seen."""
        if measure <= 0:
            return 0.0
        return 1.0 / (1.0 + exp(-self.slope * (min(measure, 1.0) - EVEN)))


@cache
def stored() -> dict[str, Any]:
    """What ``calibration.json`` holds: ``curves`` by detector, and what they were fitted and measured on."""
    data: dict[str, Any] = json.loads(resources.files("bus_toolkit.screen").joinpath(FILE).read_text("utf-8"))
    return data


@cache
def curves() -> dict[str, Curve]:
    """The stored curves by detector."""
    return {
        name: Curve(slope=float(curve["slope"]), prevalence=float(curve["prevalence"]))
        for name, curve in stored()["curves"].items()
    }


def calibrated(detector: str, measure: float) -> float:
    """The score, 0 to 1, for a detector's measure; the measure itself for a detector without a curve."""
    curve = curves().get(detector)
    return measure if curve is None else curve.score(measure)
