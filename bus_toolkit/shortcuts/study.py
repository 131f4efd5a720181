"""The whole check of one run: what probes can guess, what the model uses, what cleaning changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from bus_toolkit.evaluation.compare import compare
from bus_toolkit.evaluation.intervals import RESAMPLES
from bus_toolkit.evaluation.pool import pool
from bus_toolkit.evaluation.runs import leaking
from bus_toolkit.shortcuts import verdicts
from bus_toolkit.shortcuts.model import COPIES, INTACT, OCCLUSIONS, ask, differs
from bus_toolkit.shortcuts.probe import PERMUTATIONS, STRENGTH, Against, judged, model_against_chance, run_probe
from bus_toolkit.shortcuts.scans import read_scans
from bus_toolkit.shortcuts.views import VIEWS

if TYPE_CHECKING:
    from pathlib import Path

    from bus_toolkit.evaluation.pool import Pool
    from bus_toolkit.evaluation.runs import Run
    from bus_toolkit.shortcuts.originals import Originals
    from bus_toolkit.shortcuts.scans import Scans, Tell

SCHEMA: Final = "bus_toolkit/shortcuts/1"
_COMPARED: Final = ("accuracy", "balanced_accuracy", "auc.malignant", "macro_auc")


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """What was found.

    Attributes
    ----------
    data
        All of it, as plain JSON; what ``shortcuts.json`` has.
    scans
        What it was found on, for pictures.
    """

    data: dict[str, Any]
    scans: Scans

    @property
    def model_reads_border(self) -> bool:
        """Whether the model, not only a probe, does better than chance on the border alone."""
        return bool(self.data["model"]) and any(one["above"] for one in self.data["model"]["border_only"].values())


def study(
    run: Run,
    *,
    manifest: Path | None = None,
    originals: Originals | None = None,
    ask_model: bool = True,
    permutations: int = PERMUTATIONS,
    resamples: int = RESAMPLES,
    seed: int = 0,
    tell: Tell,
) -> Study:
    """Check a run.

    Parameters
    ----------
    run
        A finished run with its splits.
    manifest
        Where the run's manifest is now, when it was moved.
    originals
        What the scans were made from; without, nothing uncleaned is looked at.
    ask_model
        Whether the trained models are loaded; without, only probes are fitted.
    permutations, resamples, seed
        Of the permutation test and of the intervals.
    tell
        Called with what is being done, how much is done, and of how much.

    Raises
    ------
    InputError, ConfigError
        As :func:`bus_toolkit.shortcuts.scans.read_scans`, :func:`bus_toolkit.shortcuts.probe.run_probe` and
        :func:`bus_toolkit.shortcuts.model.ask`.
    """
    scans = read_scans(run, manifest=manifest, originals=originals, tell=tell)
    settings = {"permutations": permutations, "resamples": resamples, "seed": seed}
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "run": run.name,
        "classes": list(run.classes),
        "figures": list(judged(run.classes)),
        "settings": {**settings, "penalty": STRENGTH},
        "scans": {
            "all": len(scans.place),
            "tested": len({row.id for row in run.splits if row.part == "test"}),
            "leaking": leaking(run.splits),
            **({} if originals is None else _of_originals(run, scans)),
        },
        "probes": _probes(run, scans, settings, tell),
        "model": None,
    }
    if ask_model:
        data["model"] = _model(run, scans, settings, tell, copies=originals is not None)
    data["verdicts"] = verdicts.sentences(data)
    return Study(data=data, scans=scans)


def _of_originals(run: Run, scans: Scans) -> dict[str, Any]:
    changed = scans.smooth[scans.matched].any(axis=(1, 2))
    told = {"matched": int(scans.matched.sum()), "with_filled": int(changed.sum())}
    few = bool(scans.matched.any()) and not _can_learn(run, scans)
    return {**told, "too_few_originals": few}


def _can_learn(run: Run, scans: Scans) -> bool:
    """Whether each fold has two classes to learn from and a scan to test on among those whose original was found."""
    kept = [row for row in run.splits if scans.matched[scans.place[row.id]]]
    tested = {row.fold for row in kept if row.part == "test"}
    learned = {fold: {row.label for row in kept if row.fold == fold and row.part == "train"} for fold in tested}
    return bool(tested) and all(len(labels) > 1 for labels in learned.values())


def _probes(run: Run, scans: Scans, settings: dict[str, int], tell: Tell) -> dict[str, Any]:
    found = {}
    names = [name for name in VIEWS if name != "filled" or _can_learn(run, scans)]
    together = np.concatenate([scans.seen[name] for name in names if name != "filled"], axis=1)
    for name, seen in [*((name, scans.seen[name]) for name in names), ("together", together)]:
        against, tested = run_probe(
            seen,
            run.splits,
            dict(scans.place),
            run.classes,
            **settings,
            tell=lambda done, total, name=name: tell(f"fitting the probe '{name}'", done, total),  # type: ignore[misc]
        )
        found[name] = {
            "sees": VIEWS.get(name, "all of these (without comparison with originals)"),
            "numbers": int(seen.shape[1]),
            "tested": len(tested),
            **_json(against),
        }
    return found


def _model(run: Run, scans: Scans, settings: dict[str, int], tell: Tell, *, copies: bool) -> dict[str, Any]:
    pools = ask(run, scans, tuple(OCCLUSIONS) + (tuple(COPIES) if copies else ()), tell=tell)
    again = {"resamples": settings["resamples"], "seed": settings["seed"]}
    found: dict[str, Any] = {
        "differs_from_predictions": differs(run, pools),
        INTACT: _json(model_against_chance(pools[INTACT], **settings)),
        "border_only": _json(model_against_chance(pools["border_only"], **settings)),
        "compared": {},
    }
    for way, asked in pools.items():
        if way != INTACT:
            found["compared"][way] = _compared(asked, pools[INTACT], again)
    return found


def _compared(asked: Pool, intact: Pool, again: dict[str, int]) -> dict[str, Any]:
    """The altered scans against the intact ones: ``first`` is altered, ``difference`` what altering changes."""
    ids = set(asked.ids)
    same = pool([member.take([scan in ids for scan in member.ids]) for member in intact.members])
    kept = [member for member in same.members if len(member)]
    result = compare(asked, pool(kept), **again)
    told = result.as_json()
    told["figures"] = {name: told["figures"][name] for name in _COMPARED if name in told["figures"]}
    voices = asked.mean(), pool(kept).mean()
    order = [voices[1].ids.index(scan) for scan in voices[0].ids]
    told["called_otherwise"] = int((voices[0].predicted != voices[1].predicted[order]).sum())
    return told


def _json(against: dict[str, Against]) -> dict[str, Any]:
    return {name: one.as_json() for name, one in against.items()}
