"""A run that is put to use: its models, what goes into them, and from which score on a scan is called malignant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import numpy.typing as npt

from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.evaluation.ensemble import ensemble
from bus_toolkit.evaluation.metrics import POSITIVE
from bus_toolkit.evaluation.operating import WANTED, choose_threshold
from bus_toolkit.evaluation.runs import MEMBERS, MODEL, read_run
from bus_toolkit.models.facts import read_facts
from bus_toolkit.training.pictures import FITS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bus_toolkit.evaluation.operating import Wanted
    from bus_toolkit.evaluation.predictions import Predictions
    from bus_toolkit.evaluation.runs import Run
    from bus_toolkit.training.cache import Squares

POINTS: Final = {wanted.name: wanted for wanted in WANTED}
"""Operating points by name, as in ``model_card.json``; the first is the one that is used when none is asked for."""
BATCH: Final = 16

Floats = npt.NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A run whose models are there.

    Attributes
    ----------
    run
        As evaluation reads it.
    members
        Names of the models that speak; of several, the mean of what they say counts.
    size, fit
        How a picture becomes the square that they take; see :func:`bus_toolkit.training.pictures.fit_square`.
    """

    run: Run
    members: tuple[str, ...]
    size: int
    fit: str

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the outputs."""
        return self.run.classes

    def path(self, member: str) -> Path:
        """The file of a model."""
        return self.run.folder / MEMBERS / member / MODEL

    def load(self, member: str) -> Any:  # noqa: ANN401 - Keras ships no annotations
        """A Keras model."""
        from bus_toolkit.models import load_model

        return load_model(self.path(member))

    def said_on_validation(self, member: str) -> Predictions:
        """What a model said about the scans that nothing was learned from and thresholds are chosen on."""
        (found,) = (one.predictions.part("val") for one in self.run.members if one.name == member)
        return found

    def threshold(self, point: str) -> float | None:
        """The malignant score from which a scan is called malignant, chosen on validation scans alone.

        Of one model, its own, as in the report. Of several that were chosen on the same scans (repeated runs), one for
        their mean; else (folds) the mean of theirs. Above 1 when nothing may be called malignant; None when there is no
        class of that name, or a model lacks validation scans of it or of the others.

        Raises
        ------
        ConfigError
            When there is no such operating point.
        """
        if point not in POINTS:
            msg = f"the operating point must be one of {', '.join(POINTS)}. Got another"
            raise ConfigError(msg)
        if POSITIVE not in self.classes:
            return None
        found = [threshold_on(said, POINTS[point]) for said in self._voices()]
        known = [value for value in found if value is not None]
        return float(np.mean(known)) if len(known) == len(found) else None

    def _voices(self) -> list[Predictions]:
        if len(self.members) == len(self.run.members) > 1:
            try:
                return [ensemble(self.run).part("val")]
            except ConfigError:  # folds
                pass
        return [self.said_on_validation(name) for name in self.members]


def threshold_on(said: Predictions, wanted: Wanted) -> float | None:
    """The threshold that predictions of validation scans give."""
    positive = said.classes.index(POSITIVE)
    chosen = choose_threshold(said.probabilities[:, positive], said.labels == positive, wanted)
    return None if chosen is None else chosen.value


def open_trained(folder: Path, member: str = "") -> Trained:
    """Read a run and see that its models are what it says.

    Parameters
    ----------
    folder
        A run folder of ``bus-train``.
    member
        The one model that speaks; empty: all of them.

    Raises
    ------
    InputError
        When it is no run, or a model is missing or of other classes than the run's (code ``"run"``).
    ConfigError
        When there is no such member.
    """
    run = read_run(folder)
    names = tuple(one.name for one in run.members)
    if member and member not in names:
        msg = f"--member must be one of the finished members {', '.join(names)}. Got another"
        raise ConfigError(msg)
    size, fit = run.config.get("image_size"), run.config.get("fit")
    if not isinstance(size, int) or size < 1 or fit not in FITS:
        msg = "config.json of the run must tell image_size and fit, for pictures must be brought to size as in training"
        raise InputError("run", f"{msg}. Got neither or others")
    trained = Trained(run=run, members=(member,) if member else names, size=size, fit=str(fit))
    for name in trained.members:
        _check(trained, name)
    return trained


def _check(trained: Trained, member: str) -> None:
    if not trained.path(member).is_file():
        msg = f"a run that is put to use must have its models ({MEMBERS}/NAME/{MODEL}). Got none in {member}"
        raise InputError("run", msg)
    facts = read_facts(trained.path(member))
    if facts.classes != trained.classes or facts.image_size != trained.size:
        msg = f"the model in {member} must have the classes and the image size of config.json. Got others"
        raise InputError("run", msg)


def ask(trained: Trained, squares: Squares, *, tell: Callable[[str], None] | None = None) -> dict[str, Floats]:
    """What each model says about pictures, one model in memory at a time.

    Parameters
    ----------
    trained
        The run, with the members that are asked.
    squares
        uint8 ``(n, size, size, 1)``; there may be none.
    tell
        Called with the name of each model before it is asked.

    Returns
    -------
    By member, float64 ``(n, classes)``, each row adding up to 1.
    """
    said: dict[str, Floats] = {}
    for name in trained.members:
        if tell is not None:
            tell(name)
        said[name] = ask_model(trained.load(name), squares) if len(squares) else np.zeros((0, len(trained.classes)))
    return said


def ask_model(model: Any, squares: Squares) -> Floats:  # noqa: ANN401 - Keras ships no annotations
    """Probabilities, float64 ``(n, classes)``, in blocks of one size, as training asks."""
    from bus_toolkit.training.feed import predict

    return np.asarray(predict(model, squares, np.arange(len(squares)), BATCH), np.float64)
