"""One training: batches in, a fitted model out; stopped at any instant, it goes on to the same result."""

from __future__ import annotations

import json
import math
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from bus_toolkit.errors import TrainingError
from bus_toolkit.training.arrange import arrange, fit_last_layer
from bus_toolkit.training.augment import reseed
from bus_toolkit.training.backend import MIXED, make_repeatable, memory_errors, precision
from bus_toolkit.training.checkpoint import Checkpoints
from bus_toolkit.training.feed import predict
from bus_toolkit.training.folder import LOGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bus_toolkit.training.checkpoint import Line
    from bus_toolkit.training.feed import Feed, Places
    from bus_toolkit.training.recipe import Recipe

SMALLEST: Final = 1e-7
"""Probabilities below it count as it in a logarithm, as in Keras."""
NO_NUMBER: Final = "the loss must stay a number (a lower --learning-rate helps). Got none"
SPARED: Final = ("bias", "beta", "gamma")
"""Weights that do not decay: biases and what normalisations scale with."""


class Watch(Protocol):
    """Who wants to know how far a training is."""

    def prepared(self, done: int, total: int) -> None:
        """So many pictures, and copies of them, went through a frozen part."""

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """A batch was learned: epoch from 0, step from 1, the mean loss of the epoch so far."""

    def epoch(self, line: Line) -> None:
        """An epoch ended; see :data:`bus_toolkit.training.checkpoint.COLUMNS`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lesson:
    """What one training learns from and is watched on.

    Attributes
    ----------
    feed
        The scans of the training part.
    val_places, val_classes
        Which pictures of the feed are for validation, and their classes.
    classes
        Names of the classes, in the order of the outputs.
    """

    feed: Feed
    val_places: Places
    val_classes: Places
    classes: tuple[str, ...]


def fit(
    recipe: Recipe,
    lesson: Lesson,
    folder: Path,
    *,
    seed: int,
    pretrained: bool | Path = False,
    cache: Path | None = None,
    watch: Watch | None = None,
    tensorboard: bool = False,
) -> Any:  # noqa: ANN401 (Keras ships no annotations)
    """Train a model, or go on where a stopped training in ``folder`` was.

    Parameters
    ----------
    recipe
        How.
    lesson
        On what.
    folder
        Gets checkpoints and ``history.csv``; must exist.
    seed
        Of weights, dropout and augmentation; the order is the feed's.
    pretrained
        As for :func:`bus_toolkit.models.build_model`.
    cache
        Where lies what a frozen part made of the scans, for other trainings of the run; None: in ``folder``.
    watch
        Told of each batch and epoch.
    tensorboard
        Write event files into ``folder/tensorboard``.

    Returns
    -------
    The model in 32 bits, without augmentation: raw uint8 ``(n, size, size, 1)`` to probabilities.

    Raises
    ------
    TrainingError
        When the loss is no number any more, or memory runs out.
    ConfigError
        When the recipe does not fit the architecture.
    """
    import keras

    keras.utils.clear_session()
    make_repeatable(seed)
    with memory_errors(recipe):
        with precision(mixed=recipe.mixed_precision):
            model = _build(recipe, lesson.classes, seed, pretrained)
            ready = arrange(
                model, recipe, lesson, seed=seed, cache=cache or folder, tell=watch.prepared if watch else None
            )
            trained, asked, lesson = ready.trained, ready.asked, ready.lesson
            _compile(trained, recipe, lesson.feed.steps)
        checkpoints = Checkpoints(folder)
        history = checkpoints.restore(trained)
        if recipe.fits_last_layer and not history:
            with memory_errors(recipe):
                fit_last_layer(model, ready, recipe.batch_size)
        with closing(_Board(folder / LOGS if tensorboard else None)) as board:
            while not is_over(history, recipe):
                started = time.monotonic()
                epoch = len(history)
                loss, accuracy = _epoch(trained, lesson.feed, seed, epoch, watch)
                val_loss, val_accuracy = _look(asked, lesson, recipe.batch_size, epoch)
                rate = float(trained.optimizer.learning_rate)
                values = (epoch + 1, loss, accuracy, val_loss, val_accuracy, time.monotonic() - started, rate)
                line = _line(values)
                history.append(line)
                if recipe.early_stopping and best_epoch(history) == epoch:
                    checkpoints.save_best(trained)
                checkpoints.save(trained, history, last=is_over(history, recipe))
                board.write(line)
                if watch is not None:
                    watch.epoch(line)
        if recipe.early_stopping:
            checkpoints.restore_best(trained)
        return _in_full_precision(model, mixed=recipe.mixed_precision)


def is_over(history: Sequence[Line], recipe: Recipe) -> bool:
    """Whether all epochs are done, or early stopping says that the rest would not help."""
    if len(history) >= recipe.epochs:
        return True
    waited = len(history) - 1 - best_epoch(history) if history else 0
    return bool(recipe.early_stopping) and waited >= recipe.early_stopping


def best_epoch(history: Sequence[Line]) -> int:
    """The first epoch, from 0, with the smallest loss on validation."""
    return min(range(len(history)), key=lambda epoch: history[epoch]["val_loss"])


def _line(values: tuple[float, ...]) -> Line:
    from bus_toolkit.training.checkpoint import COLUMNS

    return dict(zip(COLUMNS, values, strict=True))


def _build(recipe: Recipe, classes: tuple[str, ...], seed: int, pretrained: bool | Path) -> Any:  # noqa: ANN401, FBT001
    from bus_toolkit.models import build_model, set_trainable

    size = recipe.image_size
    model = build_model(
        recipe.arch, classes=classes, image_size=size, pretrained=pretrained, dropout=recipe.dropout, seed=seed
    )
    set_trainable(
        model,
        freeze=recipe.freeze,
        fine_tune_from=recipe.fine_tune_from or None,
        freeze_batch_norm=recipe.holds_batch_norm,
    )
    return model


def _compile(model: Any, recipe: Recipe, steps: int) -> None:  # noqa: ANN401
    import keras

    total = steps * recipe.epochs
    rise = round(recipe.warmup * total)
    schedule = keras.optimizers.schedules.CosineDecay(
        # A rise begins with a step of no length, so there is none when it would be of one step, the only one perhaps.
        **(
            {"initial_learning_rate": 0.0, "warmup_target": recipe.rate, "warmup_steps": rise}
            if rise > 1
            else {"initial_learning_rate": recipe.rate}
        ),
        decay_steps=max(1, total - rise),
    )
    if recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=list(SPARED))
    elif recipe.optimizer == "adam":
        optimizer = keras.optimizers.Adam(schedule)
    else:
        optimizer = keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.smoothing)
    # XLA on a CPU compiles for longer than it saves.
    model.compile(optimizer, loss=loss, metrics=["accuracy"], jit_compile=keras.backend.backend() == "jax")


def _epoch(model: Any, feed: Feed, seed: int, epoch: int, watch: Watch | None) -> tuple[float, float]:  # noqa: ANN401
    """Learn every batch once; gives mean loss and accuracy."""
    reseed(model, seed, epoch)
    losses, accuracies = 0.0, 0.0
    for step, batch in enumerate(feed.batches(epoch), start=1):
        told = model.train_on_batch(batch.pictures, batch.labels, sample_weight=batch.weights, return_dict=True)
        loss = float(told["loss"])
        if not math.isfinite(loss):
            msg = f"{NO_NUMBER} in step {step} of {feed.steps} of epoch {epoch + 1}"
            raise TrainingError(msg)
        losses += loss
        accuracies += float(told["accuracy"])
        if watch is not None:
            watch.step(epoch, step, feed.steps, losses / step)
    return losses / feed.steps, accuracies / feed.steps


def _look(model: Any, lesson: Lesson, batch_size: int, epoch: int) -> tuple[float, float]:  # noqa: ANN401
    """Loss and accuracy on validation, unweighted and without augmentation."""
    probabilities = predict(model, lesson.feed.pictures, lesson.val_places, batch_size)
    told = probabilities[np.arange(len(probabilities)), lesson.val_classes]
    loss = float(-np.log(np.maximum(told, SMALLEST)).mean())
    if not math.isfinite(loss):
        # The last step of an epoch can do it, and nothing of such an epoch may be kept.
        msg = f"{NO_NUMBER} after epoch {epoch + 1}"
        raise TrainingError(msg)
    return loss, float((probabilities.argmax(axis=1) == lesson.val_classes).mean())


def _in_full_precision(model: Any, *, mixed: bool) -> Any:  # noqa: ANN401
    """The same model with layers that compute in 32 bits: what is saved does not depend on what trained it."""
    if not mixed:
        return model
    import keras

    config = json.dumps(keras.saving.serialize_keras_object(model))
    for name in MIXED:
        config = config.replace(f'"{name}"', '"float32"')
    plain = keras.saving.deserialize_keras_object(json.loads(config))
    plain.set_weights(model.get_weights())
    for layer in _layers_of(plain):
        if isinstance(layer, keras.layers.Normalization):
            # What it computes with are not its weights but made of them, and only loading from a file makes them.
            layer.finalize_state()
    return plain


def _layers_of(model: Any) -> Iterator[Any]:  # noqa: ANN401
    for layer in model.layers:
        yield layer
        yield from _layers_of(layer) if hasattr(layer, "layers") else ()


class _Board:
    """Scalars for TensorBoard, or nothing."""

    def __init__(self, folder: Path | None) -> None:
        self.writer: Any = None
        if folder is not None:
            from tensorboard.summary import Writer

            self.writer = Writer(str(folder))

    def write(self, line: Line) -> None:
        if self.writer is None:
            return
        for name, value in line.items():
            if name != "epoch":
                self.writer.add_scalar(f"epoch/{name}", value, int(line["epoch"]))
        self.writer.flush()

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
