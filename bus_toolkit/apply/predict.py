"""What a run says about scans: a table for people and one for machines, and the external test of a clean folder."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from bus_toolkit.apply.cleaning import Seen
from bus_toolkit.apply.material import kept_rows, known_to, squares_of, unlike
from bus_toolkit.apply.trained import ask
from bus_toolkit.atomic import PRIVATE_MODE, atomic_text
from bus_toolkit.errors import ConfigError
from bus_toolkit.evaluation.external import write_external
from bus_toolkit.evaluation.metrics import POSITIVE
from bus_toolkit.evaluation.predictions import make_predictions
from bus_toolkit.manifest import read_manifest, to_cell
from bus_toolkit.training.data import MANIFEST, UNLABELLED, policy_hash_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bus_toolkit.apply.trained import Floats, Trained
    from bus_toolkit.evaluation.runs import Run
    from bus_toolkit.manifest import Row

PLACES: Final = 6
"""Decimals of a probability in the table for machines."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Said:
    """What a run says about one scan.

    Attributes
    ----------
    seen
        The scan, and how cleaning ended.
    probabilities
        float64 ``(classes,)``, the mean over the models; None when they were not asked.
    """

    seen: Seen
    probabilities: Floats | None


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What a run says about scans.

    Attributes
    ----------
    classes, members
        Of the run; the models that spoke.
    threshold
        See :meth:`bus_toolkit.apply.trained.Trained.threshold`; None when there is none.
    point
        What the threshold was chosen for.
    said
        One for each scan, in their order.
    by_member
        What each model said about those scans that were asked about, float64 ``(asked, classes)``.
    """

    classes: tuple[str, ...]
    members: tuple[str, ...]
    threshold: float | None
    point: str
    said: tuple[Said, ...]
    by_member: Mapping[str, Floats]

    @property
    def withheld(self) -> int:
        """How many scans the models were not asked about."""
        return sum(one.probabilities is None for one in self.said)

    def called(self, said: Said) -> str:
        """The class with the highest probability; empty when there is none."""
        return "" if said.probabilities is None else self.classes[int(said.probabilities.argmax())]

    def score(self, said: Said) -> float | None:
        """The malignant score, 0 to 1; None when there is none."""
        if said.probabilities is None or POSITIVE not in self.classes:
            return None
        return float(said.probabilities[self.classes.index(POSITIVE)])

    def is_positive(self, said: Said) -> bool | None:
        """Whether the malignant score reaches the threshold; None when one of them is not there."""
        score = self.score(said)
        return None if score is None or self.threshold is None else score >= self.threshold


def predict_scans(
    trained: Trained, scans: Sequence[Seen], *, point: str, tell: Callable[[str], None] | None = None
) -> Answer:
    """Ask a run about cleaned scans; about those that cleaning held back, nothing is asked.

    Raises
    ------
    ConfigError
        When there is no such operating point.
    """
    threshold = trained.threshold(point)
    asked = [one.square for one in scans if one.square is not None]
    squares = np.array(asked, np.uint8).reshape(len(asked), trained.size, trained.size, 1)
    by_member = ask(trained, squares, tell=tell)
    mean = iter(np.mean(list(by_member.values()), axis=0))
    said = tuple(Said(seen=one, probabilities=None if one.square is None else next(mean)) for one in scans)
    return Answer(
        classes=trained.classes,
        members=trained.members,
        threshold=threshold,
        point=point,
        said=said,
        by_member=by_member,
    )


def write_answer(path: Path, answer: Answer, *, names: bool) -> None:
    """Write ``predictions.csv``: a row for each scan; empty cells where a scan was not asked about.

    ``id`` is a number or a pseudonym; with ``names`` the column ``file`` has the files' names as well, which may be
    those of persons: only the owner may then read the file.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    header = ["id", *(["file"] if names else []), "label", "outcome", "reasons"]
    header += [*(f"p_{name}" for name in answer.classes), "class", "score", "threshold", "above_threshold"]
    with atomic_text(path, **({"mode": PRIVATE_MODE} if names else {})) as stream:
        for cells in (header, *(_cells(answer, one, names=names) for one in answer.said)):
            stream.write(",".join(map(to_cell, cells)) + "\n")


def _cells(answer: Answer, said: Said, *, names: bool) -> list[Any]:
    seen, known = said.seen, said.probabilities
    return [
        seen.id,
        *([seen.file] if names else []),
        seen.label,
        str(seen.outcome),
        " ".join(dict.fromkeys(reason.code for reason in seen.reasons)),
        *((None,) * len(answer.classes) if known is None else (round(float(one), PLACES) for one in known)),
        answer.called(said),
        _rounded(answer.score(said)),
        None if known is None else _rounded(answer.threshold),
        answer.is_positive(said),
    ]


def _rounded(value: float | None) -> float | None:
    # A threshold just above 1 means never: rounded, it would mean "of certainty 1".
    return value if value is None or value > 1 else round(value, PLACES)


def as_json(answer: Answer, *, names: bool) -> dict[str, Any]:
    """The answer as plain JSON."""
    return {
        "classes": list(answer.classes),
        "members": list(answer.members),
        "point": answer.point if answer.threshold is not None else None,
        "threshold": answer.threshold,
        "withheld": answer.withheld,
        "scans": [
            {
                "id": one.seen.id,
                **({"file": one.seen.file} if names else {}),
                "label": one.seen.label or None,
                "outcome": str(one.seen.outcome),
                "reasons": [{"code": reason.code, "detail": reason.detail} for reason in one.seen.reasons],
                "probabilities": None
                if one.probabilities is None
                else {name: round(float(p), PLACES) for name, p in zip(answer.classes, one.probabilities, strict=True)},
                "class": answer.called(one) or None,
                "score": _rounded(answer.score(one)),
                "above_threshold": answer.is_positive(one),
            }
            for one in answer.said
        ],
    }


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clean:
    """The kept scans of a clean folder.

    Attributes
    ----------
    manifest
        Its manifest.
    digest
        SHA-256 of the manifest, in hex.
    policy_hash
        Of the policy that it was cleaned under; empty when it is not known.
    rows
        Those of kept scans with a picture, by id.
    others
        How many rows have no picture: rejected, quarantined, failed.
    known
        How many of the pictures the run was trained, chosen or tested on.
    unlike
        How it was cleaned otherwise than the scans that the run learned from; see
        :func:`bus_toolkit.apply.material.unlike`.
    """

    manifest: Path
    digest: str
    policy_hash: str
    rows: tuple[Row, ...]
    others: int
    known: int
    unlike: tuple[str, ...]


def find_clean(path: Path) -> Path | None:
    """The manifest that is meant, when a path is a clean folder or a manifest; else None."""
    if path.is_dir() and (path / MANIFEST).is_file():
        return path / MANIFEST
    return path if path.name == MANIFEST and path.is_file() else None


def open_clean(manifest: Path, run: Run) -> Clean:
    """Read a clean folder's manifest.

    Raises
    ------
    InputError
        When it is none, or what cleaning wrote beside it is broken.
    ConfigError
        When it has no kept scan with a picture.
    """
    rows = read_manifest(manifest)
    kept = kept_rows(rows)
    if not kept:
        msg = "a clean folder must have a kept scan with a picture. Got none"
        raise ConfigError(msg)
    policy_hash = policy_hash_of(manifest)
    return Clean(
        manifest=manifest,
        digest=hashlib.sha256(manifest.read_bytes()).hexdigest(),
        policy_hash=policy_hash,
        rows=tuple(kept),
        others=len(rows) - len(kept),
        known=known_to(run, kept),
        unlike=unlike(run, policy_hash, kept),
    )


def seen_in(clean: Clean, trained: Trained, *, tell: Callable[[int, int], None] | None = None) -> list[Seen]:
    """The kept pictures of a clean folder as they are: they were cleaned already.

    Raises
    ------
    InputError
        When a picture is missing, or not what the manifest vouches for.
    """
    squares = squares_of(clean.rows, clean.manifest.parent, trained, tell=tell)
    return [
        Seen(
            id=row.id,
            file=row.image,
            label="" if row.label == UNLABELLED else row.label,
            outcome=row.outcome,
            square=square[:, :, 0],
        )
        for row, square in zip(clean.rows, squares, strict=True)
    ]


def score_external(trained: Trained, clean: Clean, answer: Answer, out: Path) -> tuple[Run, int]:
    """Write what every model of a run said about a clean folder as an external test; and how many scans it leaves out.

    Scans without a label of the run's classes are left out.

    Raises
    ------
    ConfigError
        When not all members spoke, the run knows some of the scans, or none has a label of its classes.
    InputError
        When ``out`` is there and is no external test, or holds what is not of one.
    OSError
        When it cannot be written.
    """
    if len(trained.members) != len(trained.run.members):
        msg = "an external test must be of all members of a run. Got --member"
        raise ConfigError(msg)
    if clean.known:
        msg = (
            "an external test must be of scans that the run has nothing of. "
            f"Got {clean.known} that it was trained, chosen or tested on"
        )
        raise ConfigError(msg)
    usable = np.array([row.label in trained.classes for row in clean.rows])
    rows = [row for row in clean.rows if row.label in trained.classes]
    if not rows:
        msg = (
            f"an external test must have scans of the classes {', '.join(trained.classes)}. Got none with such a label"
        )
        raise ConfigError(msg)
    said = {
        name: make_predictions(
            np.array([trained.classes.index(row.label) for row in rows], np.int64),
            probabilities[usable],
            classes=trained.classes,
            ids=[row.id for row in rows],
            groups=[row.group for row in rows],
            patients=[row.patient for row in rows],
        )
        for name, probabilities in answer.by_member.items()
    }
    made = write_external(
        trained.run,
        said,
        out,
        name=out.resolve().name,
        manifest=clean.manifest.resolve(),
        digest=clean.digest,
        policy_hash=clean.policy_hash,
    )
    return made, len(clean.rows) - len(rows)
