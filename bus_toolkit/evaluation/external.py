"""A trained run on scans from elsewhere: an external test, with the thresholds and temperatures that it had before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.evaluation.predictions import Predictions, make_predictions
from bus_toolkit.evaluation.runs import Member, Run, all_members, is_made, write_run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY: Final = "external_test_of"
_OWN: Final = "val/"
"""Put before the names of validation scans, for another folder may have scans and groups of the same names."""


def write_external(
    run: Run,
    said: Mapping[str, Predictions],
    out: Path,
    *,
    name: str,
    manifest: Path | None = None,
    digest: str = "",
    policy_hash: str = "",
) -> Run:
    """Write what the members of a run say about other scans as a run folder, to be scored and tabled like any.

    The validation scans stay those of the run, so thresholds and temperatures are the same as in its own report:
    nothing is chosen on the scans from elsewhere. Members that the run is waiting for are missing here as well.

    Parameters
    ----------
    run
        The trained run.
    said
        For each member by its name, predictions for the scans from elsewhere; the classes are those of the run.
    out
        A new folder, or one that this function wrote.
    name
        What the external test is called.
    manifest, digest
        The manifest of the scans from elsewhere and its SHA-256, for the pictures of the worst errors.
    policy_hash
        Of the policy that these were cleaned under; empty when it is not known.

    Raises
    ------
    ConfigError
        When ``said`` is not of the run's members and classes.
    InputError
        With code ``"run"`` when ``out`` is there and is no external test, or holds what is not of one.
    OSError
        When it cannot be written.
    """
    if set(said) != {member.name for member in run.members}:
        msg = "an external test must have predictions of each member of the run. Got other members"
        raise ConfigError(msg)
    if any(one.classes != run.classes for one in said.values()):
        msg = f"an external test must have the classes of the run, {', '.join(run.classes)}. Got others"
        raise ConfigError(msg)
    if out.exists() and not is_made(out, KEY):
        msg = "an external test must be written to a new folder, or over an external test. Got another folder"
        raise InputError("run", msg)
    config = {
        **run.config,
        "name": name,
        "members": all_members(run),
        "split_warnings": [],
        "manifest": "" if manifest is None else str(manifest),
        "manifest_sha256": digest,
        "policy_hash": policy_hash,
        KEY: run.name,
    }
    members = tuple(_member(member, said[member.name]) for member in run.members)
    made = Run(folder=out, config=config, members=members, missing=run.missing, splits=())
    write_run(made)
    return made


def _member(member: Member, test: Predictions) -> Member:
    val = member.predictions.part("val")
    joined = make_predictions(
        np.concatenate([val.labels, test.labels]),
        np.concatenate([val.probabilities, test.probabilities]),
        classes=test.classes,
        ids=[*(_OWN + scan for scan in val.ids), *test.ids],
        groups=[*(group and _OWN + group for group in val.groups), *test.groups],
        patients=[*(patient and _OWN + patient for patient in val.patients), *test.patients],
        parts=("val",) * len(val) + ("test",) * len(test),
    )
    return Member(name=member.name, predictions=joined)
