"""Ask a run's trained models again, about the scans that they were tested on, with something changed in these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bus_toolkit.errors import InputError
from bus_toolkit.evaluation.runs import MEMBERS, MODEL, pool_of
from bus_toolkit.shortcuts import views

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from bus_toolkit.evaluation.pool import Pool
    from bus_toolkit.evaluation.predictions import Predictions
    from bus_toolkit.evaluation.runs import Run
    from bus_toolkit.shortcuts.scans import Scans, Tell
    from bus_toolkit.training.cache import Squares

INTACT: Final = "intact"
OCCLUSIONS: Final = {
    INTACT: "as they are",
    "no_border": "the outer twelfth of each side blanked to the mean tone",
    "border_only": "all but the outer twelfth of each side blanked to the mean tone",
    "smoothed": "filled areas smoothed further",
}
COPIES: Final = {
    "uncleaned": "the originals, cut as the cleaned pictures are",
    "uncropped": "the originals whole: nothing filled, nothing cut",
}
_BATCH: Final = 16
_AGREE: Final = 0.02
"""Probabilities of the same model on another machine, or of one that was trained in 16 bits, differ by less."""


def altered(scans: Scans, how: str, places: npt.NDArray[np.int64], tone: int) -> Squares:
    """Some squares, altered: ``(n, size, size, 1)`` uint8.

    Parameters
    ----------
    scans
        All of the run.
    how
        A key of :data:`OCCLUSIONS` or :data:`COPIES`.
    places
        Which scans.
    tone
        0 to 255, what is blanked becomes: one for all scans, so that it tells nothing about any.
    """
    if how in COPIES:
        return (scans.cut if how == "uncleaned" else scans.whole)[places]
    squares = scans.squares[places].copy()
    if how == INTACT:
        return squares
    for square, index in zip(squares, places.tolist(), strict=True):
        picture = square[:, :, 0]
        if how == "smoothed":
            picture[:] = views.blurred(picture, scans.smooth[index])
        else:
            border = views.border_mask(picture.shape, scans.rects[index])
            picture[border if how == "no_border" else ~border] = tone
    return squares


def mean_tone(scans: Scans) -> int:
    """The mean grey level of all pictures without their padding, 0 to 255."""
    tones = [
        square[top:bottom, left:right].mean()
        for square, (top, left, bottom, right) in zip(scans.squares, scans.rects, strict=True)
    ]
    return round(float(np.mean(tones)))


def ask(run: Run, scans: Scans, ways: tuple[str, ...], *, tell: Tell) -> dict[str, Pool]:
    """What the members say about their test scans, for each way to alter them.

    For a copy only scans whose original was found are asked about.

    Raises
    ------
    InputError
        With code ``"run"`` when a model is gone, or takes another input than the run's ``config.json`` tells;
        ``"not-a-model"`` when it is none.
    """
    tone = mean_tone(scans)
    said: dict[str, list[Predictions]] = {way: [] for way in ways}
    for number, member in enumerate(run.members):
        model = _load(run, member.name, scans)
        tested = member.predictions.part("test")
        for way in ways:
            part = tested.take(scans.matched[scans.of(tested.ids)]) if way in COPIES else tested
            if len(part):
                squares = altered(scans, way, scans.of(part.ids), tone)
                said[way].append(part.with_probabilities(_predict(model, squares)))
        tell("asking the models", number + 1, len(run.members))
    return {way: pool_of(members) for way, members in said.items()}


def differs(run: Run, pools: Mapping[str, Pool]) -> bool:
    """Whether the models say now about intact scans something else than the run's predictions have."""
    return any(
        np.abs(now.probabilities - member.predictions.part("test").probabilities).max(initial=0) > _AGREE
        for now, member in zip(pools[INTACT].members, run.members, strict=True)
    )


def _load(run: Run, name: str, scans: Scans) -> Any:  # noqa: ANN401 - Keras ships no annotations
    from bus_toolkit.models import load_model, read_facts

    path = run.folder / MEMBERS / name / MODEL
    if not path.is_file():
        msg = f"each member of a run must have its {MODEL} to be asked again. Got none (--probes-only asks no model)"
        raise InputError("run", msg)
    facts = read_facts(path)
    if facts.image_size != scans.squares.shape[1] or facts.classes != run.classes:
        msg = "a model must take the size and have the classes that config.json tells. Got another"
        raise InputError("run", msg)
    return load_model(path)


def _predict(model: Any, squares: Squares) -> npt.NDArray[np.float64]:  # noqa: ANN401
    from bus_toolkit.training.feed import predict

    said = predict(model, squares, np.arange(len(squares)), _BATCH).astype(np.float64)
    whole: npt.NDArray[np.float64] = np.clip(said, 0, 1)
    return whole
