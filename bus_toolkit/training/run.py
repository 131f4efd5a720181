"""A whole training: data and recipe in, a folder out that evaluation reads."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from bus_toolkit.errors import ConfigError, OutputError
from bus_toolkit.training.backend import require_packages, versions
from bus_toolkit.training.cache import load_pictures
from bus_toolkit.training.data import Data, load_data
from bus_toolkit.training.feed import Feed, predict
from bus_toolkit.training.fit import Lesson, Watch, fit
from bus_toolkit.training.folder import MODEL, PREDICTIONS, RunFolder, opened, sweep_cache
from bus_toolkit.training.recipe import Recipe
from bus_toolkit.training.splits import Part, Split, make_split, read_split, write_split
from bus_toolkit.training.table import write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bus_toolkit.training.cache import Squares
    from bus_toolkit.training.feed import Floats, Places
    from bus_toolkit.training.splits import Assignment

SCHEMA: Final = "bus_toolkit/training/1"
IMAGENET: Final = "imagenet"


class Audience(Protocol):
    """Who wants to know how far a run is."""

    def say(self, sentence: str) -> None:
        """Something to know."""

    def warn(self, sentence: str) -> None:
        """Something is wrong with the split or the data, though the run goes on."""

    def decoded(self, done: int, total: int) -> None:
        """So many pictures are decoded."""

    def begin(self, member: str, number: int, total: int) -> Watch:
        """A training begins, the ``number``-th (from 1) of ``total``; gives who watches it."""


@dataclass(frozen=True, slots=True)
class _Member:
    """One training of a run."""

    name: str
    seed: int
    fold: int


def train(
    recipe: Recipe,
    manifest: Path,
    out: Path,
    *,
    resume: bool = False,
    cache: Path | None = None,
    tensorboard: bool = False,
    command: str = "",
    audience: Audience | None = None,
    report: Callable[[Path], Any] | None = None,
) -> RunFolder:
    """Train every run or fold of a recipe and write a folder that evaluation reads.

    Parameters
    ----------
    recipe
        How.
    manifest
        ``manifest.csv`` of a clean folder.
    out
        The run's folder: new or empty, or one to go on with.
    resume
        Go on with the run in ``out``. Recipe and manifest must be those that it was begun with. Trainings that are
        finished are not done again; the one that was stopped goes on with its last checkpoint, to the same result.
    cache
        Folder for decoded pictures, kept afterwards; None: inside the run, removed at its end.
    tensorboard
        Write event files beside the models. Their names hold the name of the machine.
    command
        What was typed, for ``config.json``.
    audience
        Told how far it is.
    report
        Called with the folder when all is done; :func:`bus_toolkit.evaluation.report.report_run` for ``bus-train``.

    Raises
    ------
    ConfigError
        When the recipe does not fit the data, the architecture, or the run that is to be gone on with.
    InputError
        When the manifest, a split or a picture is not what it must be.
    OutputError
        When ``out`` cannot be used.
    TrainingError
        When the loss is no number any more, or memory runs out.
    """
    also = {"tensorboard": tensorboard, "sklearn": recipe.fits_last_layer}
    require_packages("keras", *(name for name, needed in also.items() if needed))
    data = load_data(manifest)
    with opened(out, resume=resume) as folder:
        split = _begin(folder, recipe, data, command, resume=resume)
        members = members_of(recipe, split)
        if audience is not None:
            _introduce(audience, data, split)
        if waiting := [member for member in members if not folder.is_done(member.name)]:
            _check_weights(folder, recipe)
            pictures = load_pictures(
                data.rows,
                manifest.parent,
                cache or folder.cache,
                size=recipe.image_size,
                fit=recipe.fit,
                tell=audience.decoded if audience else None,
            )
            desk = _Desk(recipe, data, split, pictures, folder, cache or folder.cache, tensorboard)
            for member in waiting:
                watch = audience.begin(member.name, 1 + members.index(member), len(members)) if audience else None
                desk.train(member, watch)
            del pictures, desk
        sweep_cache(folder)
        if report is not None:
            report(folder.path)
    return folder


def _introduce(audience: Audience, data: Data, split: Split) -> None:
    """Say what there is to learn from, and what is wrong with it."""
    counts = {part: len(split.part(part)) for part in Part}
    folds = f" in the first of {split.folds} folds" if split.folds > 1 else ""
    audience.say(
        f"{', '.join(classes_of(split))}: {counts[Part.TRAIN]} scans to learn from, {counts[Part.VAL]} for validation, "
        f"{counts[Part.TEST]} for the test{folds}"
    )
    for why, number in data.left_out.items():
        audience.say(f"{number} rows of the manifest are left out: {why}")
    for sentence in split.warnings:
        audience.warn(sentence)


def members_of(recipe: Recipe, split: Split) -> list[_Member]:
    """The trainings of a run: one for each fold, or one for each seed."""
    if split.folds > 1:
        return [_Member(f"fold-{fold}", recipe.seed + fold, fold) for fold in range(split.folds)]
    return [_Member(f"run-{run}", recipe.seed + run, 0) for run in range(recipe.runs)]


def classes_of(split: Split) -> tuple[str, ...]:
    """The labels of a split, sorted: the order of the outputs."""
    return tuple(sorted({one.label for one in split.assignments}))


def _begin(folder: RunFolder, recipe: Recipe, data: Data, command: str, *, resume: bool) -> Split:
    """Make the split and write the config, or read both again and hold them against what was asked for."""
    if resume:
        known = folder.read_config()
        if known.get("recipe") != recipe.as_json():
            msg = "a run must be gone on with by the recipe that it was begun with. Got another: choose another folder"
            raise ConfigError(msg)
        if known.get("manifest_sha256") != data.sha256:
            msg = "a run must be gone on with on the manifest that it was begun with. Got another, or a changed one"
            raise ConfigError(msg)
        split = read_split(folder.splits, data.rows)
        return replace(split, protocol=str(known["protocol"]), warnings=tuple(known["split_warnings"]))
    split = split_for(recipe, data)
    # The default of 3 is nothing that was asked for: each fold of a split that was read is one run.
    if split.folds > 1 and recipe.runs not in {1, Recipe.runs}:
        msg = f"runs must be 1 with folds: each fold is a run of its own. Got {recipe.runs}"
        raise ConfigError(msg)
    write_split(folder.splits, split)
    folder.write_config(_config(folder, recipe, data, split, command))
    return split


def split_for(recipe: Recipe, data: Data) -> Split:
    """The split that a recipe asks for, made or read."""
    if recipe.splits:
        return read_split(Path(recipe.splits), data.rows)
    return make_split(
        data.rows,
        protocol=recipe.protocol,
        seed=recipe.seed,
        test_fraction=recipe.test_fraction,
        val_fraction=recipe.val_fraction,
        folds=recipe.folds or 2,
        no_groups=recipe.no_groups,
    )


def _config(folder: RunFolder, recipe: Recipe, data: Data, split: Split, command: str) -> dict[str, Any]:
    """What is known of a run before it begins. Paths are here and in no other file of it."""
    weights = _weights_file(recipe)
    plain = recipe.as_json()
    return {
        "schema": SCHEMA,
        "name": folder.path.resolve().name,
        **{name: value for name, value in plain.items() if name not in {"pretrained", "splits", "protocol", "folds"}},
        "pretrained": weights.name if weights else bool(recipe.pretrained),
        "pretrained_sha256": _sha256(weights) if weights else "",
        "protocol": split.protocol,
        "folds": split.folds if split.folds > 1 else 0,
        "learning_rate": recipe.rate,
        "label_smoothing": recipe.smoothing,
        "mixup": recipe.mixing,
        "freeze_batch_norm": recipe.holds_batch_norm,
        "fit_last_layer": recipe.fits_last_layer,
        "classes": list(classes_of(split)),
        "members": [member.name for member in members_of(recipe, split)],
        "seeds": [member.seed for member in members_of(recipe, split)],
        "split_warnings": list(split.warnings),
        "left_out": data.left_out,
        "manifest": str(data.manifest.resolve()),
        "manifest_sha256": data.sha256,
        "policy_hash": data.policy_hash,
        "anonymised": any(row.anonymised for row in data.rows),
        "versions": versions(),
        "command": command,
        "recipe": plain,
    }


def _weights_file(recipe: Recipe) -> Path | None:
    if recipe.pretrained in {"", IMAGENET}:
        return None
    path = Path(recipe.pretrained)
    if not path.is_file():
        msg = "--pretrained must be given without a value, or with a file of weights. Got no such file"
        raise ConfigError(msg)
    return path


def _check_weights(folder: RunFolder, recipe: Recipe) -> None:
    """Hold the weights file against that of the run's beginning, lest its trainings begin with different ones."""
    weights = _weights_file(recipe)
    if weights is not None and folder.read_config().get("pretrained_sha256") != _sha256(weights):
        msg = "a run must be gone on with by the weights file that it was begun with. Got another file of this name"
        raise ConfigError(msg)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class _Desk:
    """What the trainings of one run share."""

    recipe: Recipe
    data: Data
    split: Split
    pictures: Squares
    folder: RunFolder
    cache: Path
    tensorboard: bool

    def train(self, member: _Member, watch: Watch | None) -> None:
        """Train one member and write its model, its history and, last, its predictions."""
        from bus_toolkit.models import load_model, save_model
        from bus_toolkit.training.checkpoint import Checkpoints

        path = self.folder.member(member.name)
        path.mkdir(parents=True, exist_ok=True)
        classes = classes_of(self.split)
        model = fit(
            self.recipe,
            self._lesson(member, classes),
            path,
            seed=member.seed,
            pretrained=_weights_file(self.recipe) or bool(self.recipe.pretrained),
            cache=self.cache,
            watch=watch,
            tensorboard=self.tensorboard,
        )
        save_model(model, path / MODEL)
        # What is measured is the file that is given on, and not what it was made from.
        model = load_model(path / MODEL)
        seen = [*self.split.part(Part.VAL, member.fold), *self.split.part(Part.TEST, member.fold)]
        places, _ = self._places(seen, classes)
        said = predict(model, self.pictures, places, self.recipe.batch_size)
        write_predictions(path / PREDICTIONS, seen, classes, said)
        Checkpoints(path).sweep()

    def _lesson(self, member: _Member, classes: tuple[str, ...]) -> Lesson:
        places, kinds = self._places(self.split.part(Part.TRAIN, member.fold), classes)
        val_places, val_kinds = self._places(self.split.part(Part.VAL, member.fold), classes)
        feed = Feed(
            pictures=self.pictures,
            places=places,
            classes=kinds,
            class_count=len(classes),
            batch_size=self.recipe.batch_size,
            seed=member.seed,
            balance=self.recipe.balance,
            class_weights=self.recipe.class_weights,
            mixup=self.recipe.mixing,
        )
        return Lesson(feed=feed, val_places=val_places, val_classes=val_kinds, classes=classes)

    def _places(self, scans: Sequence[Assignment], classes: tuple[str, ...]) -> tuple[Places, Places]:
        """Where scans lie among the pictures, and their classes."""
        place_of = {row.id: place for place, row in enumerate(self.data.rows)}
        places = np.array([place_of[one.id] for one in scans], dtype=np.int64)
        return places, np.array([classes.index(one.label) for one in scans], dtype=np.int64)


def write_predictions(path: Path, scans: Sequence[Assignment], classes: Sequence[str], said: Floats) -> None:
    """Write what a model said about scans: ``id,label,group,patient,part,p_CLASS...``, probabilities 0 to 1."""
    header = ("id", "label", "group", "patient", "part", *(f"p_{name}" for name in classes))
    rows = (
        (one.id, one.label, one.group, one.patient, str(one.part), *(f"{float(value):.8g}" for value in values))
        for one, values in zip(scans, said, strict=True)
    )
    write_table(path, header, rows)


def recipe_of(out: Path) -> Recipe:
    """The recipe of a run that was begun.

    Raises
    ------
    OutputError
        When there is none.
    ConfigError
        When it is of another version.
    """
    config = RunFolder(out).read_config()
    with contextlib.suppress(KeyError, TypeError):
        return Recipe.from_json(config["recipe"])
    msg = "a run to go on with must have its recipe in config.json. Got none"
    raise OutputError(msg)
