"""The fit: lessons are made in worker processes, the network learns them in order, and a stopped run goes on."""

from __future__ import annotations

import csv
import json
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bus_toolkit.atomic import atomic_path, atomic_text
from bus_toolkit.errors import ConfigError
from bus_toolkit.segmenter.lessons import Teacher
from bus_toolkit.segmenter.network import build_network, loss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from bus_toolkit.geometry import Pixels
    from bus_toolkit.segmenter.lessons import Floats

WEIGHTS_FILE: Final = "last.weights.h5"
STATE_FILE: Final = "last.json"
LOG_FILE: Final = "log.csv"
AHEAD: Final = 3
"""Batches for each worker that are made ahead of the fit."""
SAVE_EVERY: Final = 250
"""Steps between checkpoints, and lines of the log."""
WARM_UP: Final = 200
"""Steps in which the learning rate rises from nothing."""
DECAY: Final = 1e-4
"""Weight decay of AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that a fit depends on, besides backgrounds and fonts.

    Attributes
    ----------
    steps, batch_size, side
        Batches in all, squares in each, pixels a side (a multiple of 16).
    learning_rate
        At its highest; it rises for 200 steps and falls along half a cosine to nothing.
    seed
        Of weights and lessons.

    Raises
    ------
    ConfigError
        When a number is out of range.
    """

    steps: int = 6000
    batch_size: int = 12
    side: int = 256
    learning_rate: float = 3e-3
    seed: int = 123

    def __post_init__(self) -> None:
        if min(self.steps, self.batch_size) < 1 or self.seed < 0:
            msg = f"steps and batch size must be 1 or more, the seed 0 or more. Got {asdict(self)}"
            raise ConfigError(msg)
        if self.side < 64 or self.side % 16:  # noqa: PLR2004 - what the network's receptive field needs
            msg = f"the side of a square must be a multiple of 16, at least 64. Got {self.side}"
            raise ConfigError(msg)
        if not 0 < self.learning_rate < 1:
            msg = f"the learning rate must be above 0 and below 1. Got {self.learning_rate}"
            raise ConfigError(msg)

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        rise = min(1.0, (step + 1) / min(WARM_UP, self.steps))
        return float(self.learning_rate * rise * 0.5 * (1 + np.cos(np.pi * step / self.steps)))


def fit(
    teacher: Teacher,
    recipe: Recipe,
    folder: Path,
    *,
    jobs: int = 1,
    tell: Callable[[int, float], None] | None = None,
) -> Any:  # noqa: ANN401 (Keras ships no annotations)
    """Train the network, or go on where a stopped run in ``folder`` was.

    Parameters
    ----------
    teacher
        Makes the lessons.
    recipe
        How long and how fast. A run in ``folder`` with another recipe is not gone on with.
    folder
        Gets checkpoints and ``log.csv``; made when missing.
    jobs
        Processes that make lessons, 1 or more.
    tell
        Called after each step with its number (from 1) and the loss.

    Returns
    -------
    The fitted Keras model.

    Raises
    ------
    ConfigError
        When ``folder`` holds a run with another recipe, or the loss is no longer a number.
    """
    import keras

    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(recipe.seed)
    model = build_network()
    optimizer = keras.optimizers.AdamW(recipe.learning_rate, weight_decay=DECAY, global_clipnorm=1.0)
    model.compile(optimizer=optimizer, loss=loss, jit_compile=False)
    start = _go_on(model, recipe, folder)
    losses: list[float] = []
    for step, (seen, truth) in enumerate(_lessons(teacher, recipe, start, jobs), start=start):
        optimizer.learning_rate = recipe.rate(step)
        value = float(model.train_on_batch(seen, truth))
        if not np.isfinite(value):
            msg = f"the loss must stay a number (a lower learning rate helps). Got none in step {step + 1}"
            raise ConfigError(msg)
        losses.append(value)
        if tell is not None:
            tell(step + 1, value)
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == recipe.steps:
            _save(model, recipe, folder, step + 1, float(np.mean(losses)))
            losses.clear()
    return model


def _go_on(model: Any, recipe: Recipe, folder: Path) -> int:  # noqa: ANN401
    """Load the last checkpoint; gives the steps that it has behind it."""
    state = folder / STATE_FILE
    if not state.is_file():
        with (folder / LOG_FILE).open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerow(("step", "learning_rate", "loss"))
        return 0
    known = json.loads(state.read_text(encoding="utf-8"))
    if known["recipe"] != asdict(recipe):
        msg = "a run must be gone on with by the recipe that it began with. Got another: choose another folder"
        raise ConfigError(msg)
    # The optimiser has its variables only after it was built; loading needs them.
    model.optimizer.build(model.trainable_variables)
    model.load_weights(folder / WEIGHTS_FILE)
    return int(known["step"])


def _save(model: Any, recipe: Recipe, folder: Path, step: int, mean_loss: float) -> None:  # noqa: ANN401
    with atomic_path(folder / WEIGHTS_FILE) as path:
        # Keras insists on the ending; the file is renamed as a whole afterwards.
        whole = path.with_name(f"{path.name}.weights.h5")
        model.save_weights(whole)
        whole.replace(path)
    with atomic_text(folder / STATE_FILE) as stream:
        stream.write(json.dumps({"step": step, "recipe": asdict(recipe)}, indent=2) + "\n")
    with (folder / LOG_FILE).open("a", newline="", encoding="utf-8") as log:
        csv.writer(log).writerow((step, f"{recipe.rate(step - 1):.3e}", f"{mean_loss:.5f}"))


_teacher: Teacher | None = None


def _begin(backgrounds: Sequence[Pixels], side: int, fonts_left_out: tuple[str, ...]) -> None:
    """In a worker: keep what every lesson needs, and leave the other processors alone."""
    global _teacher  # noqa: PLW0603 - a worker process has one teacher
    import cv2

    cv2.setNumThreads(1)
    _teacher = Teacher(backgrounds=backgrounds, side=side, fonts_left_out=fonts_left_out)


def _make(seed: tuple[int, ...], size: int) -> tuple[Floats, Any]:
    if _teacher is None:
        msg = "a worker must have begun before it makes lessons. Got none"
        raise RuntimeError(msg)
    return _teacher.batch(seed, size)


def _lessons(teacher: Teacher, recipe: Recipe, start: int, jobs: int) -> Iterator[tuple[Floats, Any]]:
    """Batches in the order of their steps, whatever the number of workers."""
    begin = (teacher.backgrounds, teacher.side, tuple(teacher.fonts_left_out))
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_begin, initargs=begin) as pool:
        waiting: deque[Future[tuple[Floats, Any]]] = deque()
        try:
            for step in range(start, recipe.steps):
                waiting.append(pool.submit(_make, (recipe.seed, step), recipe.batch_size))
                if len(waiting) > AHEAD * jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
