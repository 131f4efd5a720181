"""What is trained, on what, and from where it starts: a frozen part is run once, and the last layer begins fitted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from bus_toolkit.atomic import PRIVATE_MODE, atomic_path
from bus_toolkit.training.augment import Augmentation, augmented, reseed, varied_only
from bus_toolkit.training.cache import new_array
from bus_toolkit.training.feed import blocks, predict, predicted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bus_toolkit.training.cache import Squares
    from bus_toolkit.training.feed import Floats
    from bus_toolkit.training.fit import Lesson
    from bus_toolkit.training.recipe import Recipe

VERSION: Final = 2
"""Goes up when the same weights and pictures would give other features."""
PENALTY: Final = 1000.0
"""Of squared weights in the first fit of the last layer: hundreds of scans, a thousand features or more."""
ITERATIONS: Final = 500
SMALLEST_SPREAD: Final = 1e-6
LARGEST_HALF: Final = float(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrangement:
    """What a training works with.

    Attributes
    ----------
    trained
        The Keras model that learns: all of it behind the augmentation, or the part behind the frozen one.
    asked
        The Keras model that validation is asked of; shares its weights with ``trained``.
    pooled
        From what ``asked`` takes to what the last dense layer takes.
    lesson
        The scans, or what the frozen part made of them.
    """

    trained: Any
    asked: Any
    pooled: Any
    lesson: Lesson


def arrange(
    model: Any,  # noqa: ANN401 (Keras ships no annotations)
    recipe: Recipe,
    lesson: Lesson,
    *,
    seed: int,
    cache: Path,
    tell: Callable[[int, int], None] | None = None,
) -> Arrangement:
    """Decide what is trained on what; everything shares its weights with ``model``.

    A part that is frozen is run over the scans once when they do not vary (``augment`` is off), or over ``views``
    varied copies of each. What it gives lies in ``cache`` for the other trainings of the run, whose frozen part is
    the same.
    """
    from bus_toolkit.models import pooled_part, split_model

    frozen = recipe.freeze or bool(recipe.fine_tune_from)
    if frozen and (recipe.views or not recipe.augment):
        features, rest = split_model(model, recipe.fine_tune_from)
        copies = recipe.views if recipe.augment else 0
        pictures = lesson.feed.pictures
        seen = _Copies(features=features, pictures=pictures, copies=copies, recipe=recipe)
        found = seen.load(cache, tell=tell)
        views = None
        if copies:
            views = lesson.feed.places + len(pictures) * np.arange(1, copies + 1)[:, np.newaxis]
        lesson = replace(lesson, feed=replace(lesson.feed, pictures=found, views=views))
        return Arrangement(trained=rest, asked=rest, pooled=pooled_part(model, recipe.fine_tune_from), lesson=lesson)
    trained = augmented(model, Augmentation(), seed=seed) if recipe.augment else model
    return Arrangement(trained=trained, asked=model, pooled=_up_to_the_last(model), lesson=lesson)


def _up_to_the_last(model: Any) -> Any:  # noqa: ANN401
    import keras

    from bus_toolkit.models.build import LOGITS

    return keras.Model(model.input, model.get_layer(LOGITS).input)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Copies:
    """What a frozen part makes of pictures and of varied copies of them, computed once."""

    features: Any
    pictures: Squares | Floats
    copies: int
    recipe: Recipe

    def load(self, folder: Path, *, tell: Callable[[int, int], None] | None) -> Floats:
        """Features of the pictures, then of the first copy of each, then of the second, and so on, mapped.

        Maps of features are kept in 16 bits: they are large, and the next layer's weights are not as exact either.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"features-{self._key()}.npy"
        if not path.is_file():
            with atomic_path(path, mode=PRIVATE_MODE, durable=False) as temporary:
                self._fill(temporary, tell)
        return cast("Floats", np.load(path, mmap_mode="r"))

    def _key(self) -> str:
        import keras

        # Copies are drawn a block at a time, by the generator of the backend.
        varied = (self.copies, self.recipe.seed, self.recipe.batch_size, Augmentation()) if self.copies else ()
        number = keras.backend.backend(), self.features.compute_dtype
        known = (VERSION, self.recipe.arch, self.recipe.fine_tune_from, number, varied)
        digest = hashlib.sha256(f"{known}\n".encode())
        for weight in self.features.get_weights():
            digest.update(np.ascontiguousarray(weight).tobytes())
        digest.update(np.ascontiguousarray(self.pictures).tobytes())
        return digest.hexdigest()[:32]

    def _fill(self, path: Path, tell: Callable[[int, int], None] | None) -> None:
        count, shape = len(self.pictures), tuple(self.features.output.shape[1:])
        half = len(shape) > 1
        total = count * (1 + self.copies)
        array = new_array(path, (total, *shape), np.float16 if half else np.float32)
        done = 0
        for found in self._found():
            array[done : done + len(found)] = np.clip(found, -LARGEST_HALF, LARGEST_HALF) if half else found
            done += len(found)
            if tell is not None:
                tell(done, total)
        array.flush()

    def _found(self) -> Iterator[Floats]:
        from keras import ops

        places, batch_size, seed = np.arange(len(self.pictures)), self.recipe.batch_size, self.recipe.seed
        yield from predicted(self.features, self.pictures, places, batch_size)
        if not self.copies:
            return
        varying = varied_only(self.features.input_shape[1:], Augmentation(), seed=seed)
        for copy in range(self.copies):
            reseed(varying, seed, copy)
            for block, count in blocks(self.pictures, places, batch_size):
                # The pictures are to vary, the frozen part is not: some nets drop layers at random in training.
                pictures = ops.convert_to_numpy(varying(block, training=True))
                yield np.asarray(self.features.predict_on_batch(pictures), np.float32)[:count]


def fit_last_layer(model: Any, arrangement: Arrangement, batch_size: int) -> bool:  # noqa: ANN401
    """Put a logistic regression on what the untrained last layer is given into it, so that training begins there.

    A last layer at random sends errors at random into weights that were good (Kumar et al. 2022, arXiv 2202.10054).

    Parameters
    ----------
    model
        Whose last dense layer is set. A layer that was trained before (its biases are not all 0) is left as it is.
    arrangement
        Its training scans are learned from, as they are.
    batch_size
        Scans at a time.

    Returns
    -------
    Whether it was done: not when the layer was trained before, nor when a class has no scan.
    """
    from sklearn.linear_model import LogisticRegression

    from bus_toolkit.models.build import LOGITS

    layer = model.get_layer(LOGITS)
    feed = arrangement.lesson.feed
    if np.any(layer.get_weights()[1]) or len(np.unique(feed.classes)) < feed.class_count:
        return False
    given = predict(arrangement.pooled, feed.pictures, feed.places, batch_size).astype(np.float64)
    mean, spread = given.mean(axis=0), given.std(axis=0)
    # A channel that hardly ever answers must not get a weight so large that it drowns the others, in 8 bits above all.
    spread = np.maximum(spread, np.median(spread) + SMALLEST_SPREAD)
    found = LogisticRegression(C=1 / PENALTY, max_iter=ITERATIONS).fit((given - mean) / spread, feed.classes)
    kernel, bias = found.coef_ / spread, found.intercept_
    bias = bias - kernel @ mean
    if len(kernel) == 1:  # two classes: one row, for the second
        kernel, bias = np.vstack([-kernel, kernel]) / 2, np.concatenate([-bias, bias]) / 2
    layer.set_weights([kernel.T.astype(np.float32), bias.astype(np.float32)])
    return True
