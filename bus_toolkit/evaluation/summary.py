"""All figures of a run, as plain JSON that report, card, tables and terminal are made from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from bus_toolkit._version import __version__
from bus_toolkit.atomic import atomic_text
from bus_toolkit.errors import InputError
from bus_toolkit.evaluation import calibration
from bus_toolkit.evaluation.decision import decision_curve
from bus_toolkit.evaluation.intervals import LEVEL, RESAMPLES, as_json, as_number, estimate, values_of
from bus_toolkit.evaluation.metrics import (
    NORMAL,
    POSITIVE,
    brier,
    confusion,
    counts_by_class,
    figures,
    share_of,
)
from bus_toolkit.evaluation.operating import WANTED, Threshold, choose_threshold
from bus_toolkit.evaluation.pool import pool
from bus_toolkit.evaluation.runs import leaking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bus_toolkit.evaluation.pool import Pool
    from bus_toolkit.evaluation.predictions import Predictions
    from bus_toolkit.evaluation.runs import Run
    from bus_toolkit.evaluation.statistic import Statistic

SCHEMA: Final = 1
SUMMARY: Final = "summary.json"
PAPER_THRESHOLD: Final = 0.75
"""Three-class accuracy that the paper asks of a model."""
_TOLD_DECISIONS: Final = (0.05, 0.1, 0.2, 0.3, 0.5)
_PARTS: Final = ("train", "val", "test")
_FEW_CLUSTERS: Final = 30
"""Below this, percentile intervals are known to be too narrow."""


@final
@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a run; ``data`` is what ``summary.json`` holds, described in docs/explanation/evaluation.md."""

    data: Mapping[str, Any]

    def value(self, figure: str) -> float | None:
        """A figure by its name (``"accuracy"``, ``"auc.malignant"``); None when it is not defined."""
        found = self.data["figures"].get(figure)
        return None if found is None else found["value"]

    @property
    def accuracy(self) -> float:
        """Share of tested scans that were called right, 0 to 1: mean of runs, or over all folds."""
        return float(self.data["figures"]["accuracy"]["value"])

    def write(self, path: Path) -> None:
        """Write ``summary.json`` atomically."""
        with atomic_text(path) as stream:
            stream.write(json.dumps(self.data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_summary(path: Path) -> Summary:
    """Read ``summary.json``.

    Raises
    ------
    InputError
        With code ``"summary"`` when it cannot be read, or is of another version.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{SUMMARY} must be readable JSON. Got a {type(error).__name__}"
        raise InputError("summary", msg) from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        msg = f"{SUMMARY} must be of version {SCHEMA}. Got another: score the run again"
        raise InputError("summary", msg)
    return Summary(data)


def summarise(run: Run, *, resamples: int = RESAMPLES, seed: int = 0) -> Summary:
    """Compute all figures of a run on the scans that its members were tested on.

    Thresholds and temperatures are chosen for each member on its own validation scans, which it was not tested on.

    Parameters
    ----------
    run
        From :func:`bus_toolkit.evaluation.runs.read_run`.
    resamples, seed
        Of the intervals. The same seed gives the same intervals.

    Raises
    ------
    InputError
        With code ``"run"`` when no scan was tested on.
    """
    tested = run.tested()
    vals = [member.predictions.part("val") for member in run.members]
    temperatures = [_temperature(val) for val in vals]
    thresholds = [_thresholds(val) for val in vals]
    scaled = scaled_pool(tested, temperatures)
    statistics = figures(tested)
    points = _operating_statistics(tested, thresholds)
    whole = {**statistics, **points, "brier_scaled": brier(scaled)}
    estimates = as_json(estimate(whole, tested.clusters, resamples=resamples, seed=seed))
    single = [pool([predictions]) for predictions in tested.members]
    by_member = [values_of(figures(one), len(one)) for one in single]
    spread = {name: _spread([values[name] for values in by_member]) for name in statistics}
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "name": run.name,
        **{name: run.config.get(name) for name in ("arch", "pretrained", "protocol", "image_size", "seed", "epochs")},
        "classes": list(run.classes),
        "members": [
            _member(run, number, values, temperatures[number], thresholds[number])
            for number, values in enumerate(by_member)
        ],
        "missing": list(run.missing),
        "folds": _is_folds(tested),
        "data": _data(run, tested),
        "interval": {"level": LEVEL, "resamples": resamples, "seed": seed},
        "figures": {name: {**estimates[name], **spread[name]} for name in statistics},
        "confusion": confusion(tested).round(6).tolist(),
        "calibration": _calibration(tested, scaled, estimates, temperatures),
        "operating": _operating(estimates, points),
        "decision": _decision(scaled),
        "paper": _paper(tested, estimates["accuracy"]["value"]),
        "evaluated_with": {"bus_toolkit": __version__, "numpy": np.__version__},
    }
    data["remarks"] = _remarks(run, data)
    return Summary(data)


def scaled_pool(tested: Pool, temperatures: Sequence[float | None]) -> Pool:
    """The same predictions, each member's at its temperature; as they are where none could be fitted."""
    return pool(
        [
            member.with_probabilities(calibration.scale(member.probabilities, temperature or 1.0))
            for member, temperature in zip(tested.members, temperatures, strict=True)
        ]
    )


def _temperature(val: Predictions) -> float | None:
    return calibration.fit_temperature(val.labels, val.probabilities) if len(val) else None


def _thresholds(val: Predictions) -> dict[str, Threshold | None]:
    if POSITIVE not in val.classes:
        return {}
    positive = val.classes.index(POSITIVE)
    scores, truth = val.probabilities[:, positive], val.labels == positive
    return {wanted.name: choose_threshold(scores, truth, wanted) for wanted in WANTED}


def _operating_statistics(tested: Pool, thresholds: Sequence[dict[str, Threshold | None]]) -> dict[str, Statistic]:
    """Sensitivity, specificity and so on at the members' own thresholds; nothing where one could not be chosen."""
    found: dict[str, Statistic] = {}
    for name in thresholds[0]:
        chosen = [each[name] for each in thresholds]
        values = [one.value for one in chosen if one is not None]
        if len(values) < len(chosen):
            continue
        positive = tested.classes.index(POSITIVE)
        called = [m.probabilities[:, positive] >= value for m, value in zip(tested.members, values, strict=True)]
        true = [member.labels == positive for member in tested.members]
        not_called, not_true = [~mask for mask in called], [~mask for mask in true]
        found[f"{name}.sensitivity"] = share_of(tested, called, true)
        found[f"{name}.specificity"] = share_of(tested, not_called, not_true)
        found[f"{name}.ppv"] = share_of(tested, true, called)
        found[f"{name}.npv"] = share_of(tested, not_true, not_called)
        if NORMAL in tested.classes:
            normal = [member.labels == tested.classes.index(NORMAL) for member in tested.members]
            found[f"{name}.normal_called_malignant"] = share_of(tested, called, normal)
    return found


def _operating(estimates: Mapping[str, Any], points: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for wanted in WANTED:
        mine = {name.split(".")[1]: estimates[name] for name in points if name.startswith(f"{wanted.name}.")}
        if mine:
            found.append(
                {
                    "name": wanted.name,
                    "wanted": {"sensitivity": wanted.sensitivity, "specificity": wanted.specificity},
                    "test": mine,
                }
            )
    return found


def _spread(values: Sequence[float]) -> dict[str, Any]:
    """Mean and standard deviation over members, those where the figure is not defined left out."""
    defined = [value for value in values if np.isfinite(value)]
    return {
        "mean": as_number(float(np.mean(defined))) if defined else None,
        "sd": as_number(float(np.std(defined, ddof=1))) if len(defined) > 1 else None,
        "members": [as_number(value) for value in values],
    }


def _is_folds(tested: Pool) -> bool:
    """Whether the members were tested on different scans, each on its own fold."""
    return len(tested.members) > 1 and sum(map(len, tested.members)) == len(tested)


def _member(
    run: Run,
    number: int,
    values: Mapping[str, float],
    temperature: float | None,
    thresholds: Mapping[str, Threshold | None],
) -> dict[str, Any]:
    member = run.members[number]
    epochs = member.history.get("epoch", np.zeros(0)).size
    chosen = {
        name: None
        if one is None
        else {
            "threshold": one.value,
            "val_sensitivity": as_number(one.sensitivity),
            "val_specificity": as_number(one.specificity),
            "val_positives": one.positives,
            "val_negatives": one.negatives,
        }
        for name, one in thresholds.items()
    }
    return {
        "name": member.name,
        "epochs": int(epochs),
        "seconds": as_number(float(np.nansum(member.history["seconds"]))) if epochs else None,
        "val": len(member.predictions.part("val")),
        "test": len(member.predictions.part("test")),
        "accuracy": as_number(values["accuracy"]),
        "temperature": as_number(temperature) if temperature else None,
        "thresholds": chosen,
    }


def _data(run: Run, tested: Pool) -> dict[str, Any]:
    """Counts: what was tested on, and what each part held in the first fold."""
    first = min((row.fold for row in run.splits), default="")
    rows = [row for row in run.splits if row.fold == first]
    parts = {
        part: {name: sum(row.part == part and row.label == name for row in rows) for name in run.classes}
        for part in (_PARTS if rows else ())
    }
    return {
        "tested": len(tested),
        "tested_by_class": counts_by_class(tested.labels, run.classes),
        "clusters": int(tested.clusters.max()) + 1,
        "parts": parts,
        "leaking": leaking(run.splits) if rows else None,
    }


def _calibration(
    tested: Pool, scaled: Pool, estimates: Mapping[str, Any], temperatures: Sequence[float | None]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, whole, figure in (("raw", tested, "brier"), ("scaled", scaled, "brier_scaled")):
        labels, said = whole.stacked()
        found[name] = {
            "ece": as_number(calibration.top_label(labels, said).error()),
            "brier": estimates[figure],
            "log_loss": as_number(calibration.log_loss(labels, said)),
        }
    known = [temperature for temperature in temperatures if temperature]
    found["temperature"] = as_number(float(np.mean(known))) if known else None
    return found


def _decision(scaled: Pool) -> list[dict[str, Any]]:
    if POSITIVE not in scaled.classes:
        return []
    labels, said = scaled.stacked()
    positive = scaled.classes.index(POSITIVE)
    curve = decision_curve(said[:, positive], labels == positive, _TOLD_DECISIONS)
    rows = zip(curve.thresholds, curve.model, curve.treat_all, strict=True)
    return [{"threshold": float(t), "model": as_number(m), "treat_all": as_number(a)} for t, m, a in rows]


def _paper(tested: Pool, accuracy: float) -> dict[str, Any]:
    """The paper's score: a folder of test scans, how many of them are called right, in percent, as mean over runs."""
    each = [int((member.predicted == member.labels).sum()) for member in tested.members]
    normal = tested.classes.index(NORMAL) if NORMAL in tested.classes else -1
    misread = [int(((m.labels == normal) & (m.predicted != normal)).sum()) for m in tested.members]
    return {
        "score_percent": round(100 * accuracy, 2),
        "right": each,
        "scans": [len(member) for member in tested.members],
        "threshold_percent": 100 * PAPER_THRESHOLD,
        "reached": accuracy >= PAPER_THRESHOLD,
        "normal_misread": misread if normal >= 0 else None,
    }


def _remarks(run: Run, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a reader must know before the figures; grave ones first."""
    found = []
    if leaks := data["data"]["leaking"]:
        text = (
            f"{leaks} tested scans have a near-duplicate, or another scan of the same patient, among the scans that "
            "the model learned from or was chosen on. The figures are better than they would be on new patients."
        )
        found.append({"stop": True, "title": "The test is not independent.", "text": text})
    if run.missing:
        text = f"Members that are not finished: {', '.join(run.missing)}. The figures are of the others."
        found.append({"stop": True, "title": "The run is not complete.", "text": text})
    warnings = run.config.get("split_warnings") or ()
    found += [{"stop": False, "title": "About the split.", "text": str(sentence)} for sentence in warnings]
    if data["data"]["clusters"] < _FEW_CLUSTERS:
        text = (
            f"There are only {data['data']['clusters']} independent groups of scans. With so few, the intervals are "
            "too narrow."
        )
        found.append({"stop": False, "title": "Few scans.", "text": text})
    if any(member["temperature"] is None for member in data["members"]):
        text = "Without validation scans, no threshold was chosen and no temperature fitted."
        found.append({"stop": False, "title": "No validation scans.", "text": text})
    return found
