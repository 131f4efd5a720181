"""What a self-test found, as plain JSON types; the page and the table on the terminal are made from it."""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bus_toolkit._version import __version__
from bus_toolkit.audit.run import LIBRARIES
from bus_toolkit.outcome import Outcome
from bus_toolkit.overlays.engines.segmenter import WEIGHTS
from bus_toolkit.selftest.interval import CONFIDENCE, RESAMPLES, by_cluster, wilson
from bus_toolkit.selftest.painting import HEIGHTS, LEAST_CONTRAST
from bus_toolkit.selftest.score import ERASED, Fate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bus_toolkit.selftest.options import SelftestOptions
    from bus_toolkit.selftest.score import Scored
    from bus_toolkit.selftest.trial import Trial

SCHEMA: Final = "bus_toolkit/selftest/1"
HEIGHT_BANDS: Final = (6, 9, 13, 19, 28)
"""Least height of a capital in each band, in pixels."""
CONTRAST_BANDS: Final = (25, 50, 80, 120, 170)
"""Least contrast of each band, in grey levels."""
WHOLE: Final = 0.1
"""Up to this share of its ink erased, a string that is left counts as overlooked, above as left in part."""
DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class _Band:
    name: str
    holds: Callable[[Scored], bool]


def _numbered(attribute: str, starts: Sequence[int]) -> list[_Band]:
    """Bands of a number. The last is open."""
    bands = []
    for first, after in zip(starts, [*starts[1:], None], strict=True):
        name = f"{first} to {after - 1}" if after is not None else f"{first} and more"
        # What a font drew lower than it was asked to belongs to the first.
        name = f"up to {after - 1}" if after is not None and first == starts[0] else name

        def holds(one: Scored, first: int = first, after: int | None = after) -> bool:
            value = int(getattr(one, attribute))
            return (value >= first or first == starts[0]) and (after is None or value < after)

        bands.append(_Band(name, holds))
    return bands


def _named(attribute: str, trials: Sequence[Trial]) -> list[_Band]:
    values = Counter(str(getattr(one, attribute)) for trial in trials for one in trial.strings)

    def band(value: str) -> _Band:
        return _Band(value, lambda one: str(getattr(one, attribute)) == value)

    return [band(value) for value in sorted(values, key=lambda value: (-values[value], value))]


def summarise(
    trials: Iterable[Trial], options: SelftestOptions, *, found: int, wanted: int, seconds: float
) -> dict[str, Any]:
    """Sum up trials.

    Parameters
    ----------
    trials
        Those that were finished, in any order.
    options
        What was asked.
    found, wanted
        Scans that the source holds, and how many of them were drawn.
    seconds
        Wall time.
    """
    done = sorted(trials, key=lambda trial: trial.number)
    painted = [trial for trial in done if trial.painted_outcome is not None]
    return {
        "schema": SCHEMA,
        "version": __version__,
        "python": platform.python_version(),
        "libraries": _libraries(),
        "segmenter_sha256": hashlib.sha256(WEIGHTS.read_bytes()).hexdigest(),
        "policy": {"name": options.policy.name, "sha256": options.policy.hash},
        "options": {
            "scans": options.scans,
            "strings": options.strings,
            "seed": options.seed,
            "engine": options.engine,
        },
        "method": {
            "erased": ERASED,
            "confidence": CONFIDENCE,
            "resamples": RESAMPLES,
            "heights": list(HEIGHTS),
            "least_contrast": LEAST_CONTRAST,
        },
        "complete": len(done) == wanted,
        "seconds": round(seconds, 1),
        "scans": _scans(done, painted, found=found, wanted=wanted),
        "strings": {
            **_cell(painted, lambda _: True, options.seed),
            "asked": options.strings * sum(trial.outcome is Outcome.KEPT for trial in done),
            **_left(painted),
        },
        "by": {
            "height": _table(painted, _numbered("height", HEIGHT_BANDS), options.seed),
            "contrast": _table(painted, _numbered("contrast", CONTRAST_BANDS), options.seed),
            "place": _table(painted, _named("place", painted), options.seed),
            "role": _table(painted, _named("role", painted), options.seed),
            "colour": _table(painted, _named("colour", painted), options.seed),
            "backing": _table(painted, _named("backing", painted), options.seed),
            "font": _table(painted, _named("font", painted), options.seed),
        },
        "tissue": _tissue(painted),
    }


def _libraries() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _scans(done: Sequence[Trial], painted: Sequence[Trial], *, found: int, wanted: int) -> dict[str, Any]:
    return {
        "found": found,
        "drawn": wanted,
        "done": len(done),
        "outcomes": {str(kind): sum(trial.outcome is kind for trial in done) for kind in Outcome},
        "reasons": _reasons(trial for trial in done if trial.outcome is not Outcome.KEPT),
        "painted": len(painted),
        "painted_outcomes": {str(kind): sum(trial.painted_outcome is kind for trial in painted) for kind in Outcome},
        "painted_reasons": _painted_reasons(painted),
    }


def _reasons(trials: Iterable[Trial]) -> list[dict[str, Any]]:
    return _counted((str(trial.outcome), reason.code, reason.detail) for trial in trials for reason in trial.reasons)


def _painted_reasons(trials: Iterable[Trial]) -> list[dict[str, Any]]:
    return _counted(
        (str(trial.painted_outcome), reason.code, reason.detail) for trial in trials for reason in trial.painted_reasons
    )


def _counted(reasons: Iterable[tuple[str, str, str]]) -> list[dict[str, Any]]:
    counts: Counter[tuple[str, str]] = Counter()
    details: dict[tuple[str, str], str] = {}
    for outcome, code, detail in reasons:
        counts[outcome, code] += 1
        details.setdefault((outcome, code), detail)
    ordered = sorted(counts, key=lambda key: (-counts[key], key))
    return [{"outcome": key[0], "code": key[1], "detail": details[key], "scans": counts[key]} for key in ordered]


def _table(trials: Sequence[Trial], bands: Sequence[_Band], seed: int) -> list[dict[str, Any]]:
    return [{"name": band.name, **_cell(trials, band.holds, seed)} for band in bands]


def _cell(trials: Sequence[Trial], holds: Callable[[Scored], bool], seed: int) -> dict[str, Any]:
    """Counts and shares of the strings that ``holds`` takes.

    ``removal`` is the share of removed ones among those on scans that would be given away, ``leak`` the share of left
    ones among all that were painted.
    """
    fates = [Counter(one.fate for one in trial.strings if holds(one)) for trial in trials]
    removed, withheld, left = ([int(counts[fate]) for counts in fates] for fate in Fate)
    shown = [a + b for a, b in zip(removed, left, strict=True)]
    everything = [a + b for a, b in zip(shown, withheld, strict=True)]
    return {
        "painted": sum(everything),
        "removed": sum(removed),
        "withheld": sum(withheld),
        "left": sum(left),
        "removal": _share(removed, shown, seed),
        "leak": _share(left, everything, seed),
    }


def _share(hits: Sequence[int], trials: Sequence[int], seed: int) -> dict[str, Any]:
    hit, trial = sum(hits), sum(trials)
    by_string, by_scan = wilson(hit, trial), by_cluster(hits, trials, seed=seed)
    return {
        "share": round(hit / trial, DIGITS) if trial else None,
        "wilson": [round(bound, DIGITS) for bound in by_string],
        "bootstrap": [round(bound, DIGITS) for bound in by_scan],
        # The wider on each side: one forgets that strings of a scan hang together, the other what no scan showed yet.
        "interval": [
            round(min(by_string[0], by_scan[0]), DIGITS),
            round(max(by_string[1], by_scan[1]), DIGITS),
        ],
    }


def _left(trials: Sequence[Trial]) -> dict[str, int]:
    left = [one for trial in trials for one in trial.strings if one.fate is Fate.LEFT]
    return {
        "left_overlooked": sum(one.erased <= WHOLE for one in left),
        "left_in_part": sum(WHOLE < one.erased < ERASED for one in left),
        "left_erased_but_read": sum(one.erased >= ERASED for one in left),
        "left_and_read": sum(one.read for one in left),
    }


def _tissue(trials: Sequence[Trial]) -> dict[str, Any]:
    seen = [trial.touched for trial in trials if trial.touched is not None]
    return {
        "scans": len(seen),
        "near": _spread([one.near for one in seen]),
        "far": _spread([one.far for one in seen]),
        "painted": _spread([one.painted for one in seen]),
        "unpainted": _spread([one.unpainted for one in seen]),
    }


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    """Mean, median, 95th percentile and largest of shares; None without any."""
    if not values:
        return None
    shares = np.array(values)
    return {
        "mean": round(float(shares.mean()), DIGITS + 2),
        "median": round(float(np.median(shares)), DIGITS + 2),
        "p95": round(float(np.quantile(shares, 0.95)), DIGITS + 2),
        "max": round(float(shares.max()), DIGITS + 2),
    }
