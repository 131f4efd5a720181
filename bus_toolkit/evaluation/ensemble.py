"""The mean of what several trained models say, as a model of its own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.evaluation.runs import SPLITS, Member, Run, is_made, pool_of, write_run

if TYPE_CHECKING:
    from pathlib import Path

    from bus_toolkit.evaluation.predictions import Predictions

NAME: Final = "ensemble"
KEY: Final = "ensemble_of"
_LEAST: Final = 2


def ensemble(run: Run) -> Predictions:
    """Average the probabilities of all members, on validation and test scans.

    Raises
    ------
    ConfigError
        When there are not two members, or they were not all tested on, and chosen on, the same scans (folds are not:
        each scan is tested by one of them, and has been learned from by the others).
    """
    if len(run.members) < _LEAST:
        msg = f"an ensemble must have two members or more. Got {len(run.members)}"
        raise ConfigError(msg)
    asked = [member.predictions for member in run.members]
    places = [_parts(one) for one in asked]
    if any(place != places[0] for place in places):
        msg = (
            "an ensemble must have members that were tested on the same scans (--runs). Got members with other test or "
            "validation scans, such as folds"
        )
        raise ConfigError(msg)
    return pool_of([one.take([part in {"val", "test"} for part in one.parts]) for one in asked]).mean()


def write_ensemble(run: Run, out: Path) -> Run:
    """Write the ensemble as a run folder with one member, so that it can be scored, compared and tabled like any.

    Its ``config.json`` names the members under ``ensemble_of``; there is no model file, for the models stay where they
    are. Members that the run is waiting for are missing here as well.

    Raises
    ------
    ConfigError
        As :func:`ensemble`.
    InputError
        With code ``"run"`` when ``out`` is there and is no ensemble, or holds what is not of one.
    OSError
        When it cannot be written.
    """
    member = Member(name=NAME, predictions=ensemble(run))
    if out.exists() and not is_made(out, KEY):
        msg = "an ensemble must be written to a new folder, or over an ensemble. Got another folder"
        raise InputError("run", msg)
    made = Run(folder=out, config=_config(run), members=(member,), missing=run.missing, splits=run.splits)
    write_run(made)
    if (run.folder / SPLITS).is_file():
        shutil.copyfile(run.folder / SPLITS, out / SPLITS)
    else:
        (out / SPLITS).unlink(missing_ok=True)
    return made


def _config(run: Run) -> dict[str, Any]:
    names = [member.name for member in run.members]
    return {
        **run.config,
        "name": f"{run.name} ensemble",
        "arch": f"{run.config.get('arch') or 'model'}, mean of {len(names)}",
        "runs": 1,
        "members": [NAME, *run.missing],
        KEY: names,
    }


def _parts(predictions: Predictions) -> dict[str, str]:
    every = zip(predictions.ids, predictions.parts, strict=True)
    return {scan: part for scan, part in every if part in {"val", "test"}}
