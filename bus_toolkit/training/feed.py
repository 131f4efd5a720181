"""Batches from the mapped pictures, in an order that the seed and the epoch alone decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from bus_toolkit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bus_toolkit.training.cache import Squares

Places: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float32]

MIXED_SHARE: Final = 0.5
"""Of the batches that are mixed at all: the others show scans as they are."""


class Batch(NamedTuple):
    """Pictures ``(b, size, size, 1)`` uint8, one-hot labels ``(b, classes)`` and weights ``(b,)`` float32."""

    pictures: Squares | Floats
    labels: Floats
    weights: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feed:
    """The scans of one part, batch by batch.

    Attributes
    ----------
    pictures
        ``(n, size, size, 1)`` uint8, mapped or not; or what a frozen part made of them, ``(n, ...)`` float32.
    places
        Which of them belong to this part, 1 or more.
    classes
        Class of each of ``places``, from 0.
    class_count
        How many classes the model knows.
    batch_size
        1 or more. All batches of an epoch have this size: the last is filled up with the first scans of the order, so
        that no step learns from a handful, and the shape never changes.
    seed
        Of the order.
    balance
        Draw each class as often as the most frequent one, the others again and again.
    class_weights
        Weigh each scan by ``n / (classes * n of its class)``, so that each class has the same say in the loss.
    mixup
        Shape of the beta distribution by which pictures, labels and weights of half of the batches are mixed with
        others of their batch (Zhang et al. 2018, arXiv 1710.09412), the larger share being a picture's own; 0: never.
    views
        ``(copies, len(places))``: which pictures are varied copies of each of ``places``. Each epoch draws one copy
        of each; None: the pictures themselves are learned from.

    Raises
    ------
    ConfigError
        When a number is out of range.
    """

    pictures: Squares | Floats
    places: Places
    classes: Places
    class_count: int
    batch_size: int = 16
    seed: int = 123
    balance: bool = False
    class_weights: bool = False
    mixup: float = 0.0
    views: Places | None = None

    def __post_init__(self) -> None:
        if self.batch_size < 1 or not 0 < len(self.places) == len(self.classes):
            msg = "a feed must have scans, a class for each, and batches of 1 or more. Got something else"
            raise ConfigError(msg)

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return -(-self._drawn() // self.batch_size)

    def order(self, epoch: int) -> Places:
        """Which of ``places``, by their index, are seen in an epoch, in what order; without the filling up."""
        rng = np.random.default_rng((self.seed, epoch))
        if not self.balance:
            return rng.permutation(len(self.places))
        counts = self._counts()
        drawn = [
            self._again(rng, np.flatnonzero(self.classes == kind), counts.max()) for kind in np.flatnonzero(counts)
        ]
        return rng.permutation(np.concatenate(drawn))

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The batches of an epoch, from 0."""
        order = self.order(epoch)
        order = np.resize(order, self.steps * self.batch_size)
        weights = self.weights()
        hot = np.eye(self.class_count, dtype=np.float32)
        places = self._shown(epoch)
        mixing = np.random.default_rng((self.seed, epoch, 2))
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]
            pictures = self.pictures[places[chosen]]
            if pictures.dtype == np.float16:
                pictures = pictures.astype(np.float32)
            batch = Batch(pictures, hot[self.classes[chosen]], weights[chosen])
            yield mixed(batch, self.mixup, mixing) if self.mixup and mixing.random() < MIXED_SHARE else batch

    def weights(self) -> Floats:
        """Weight of each scan; their mean is 1."""
        if not self.class_weights:
            return np.ones(len(self.places), np.float32)
        counts = self._counts()
        present = int(np.count_nonzero(counts))
        return (len(self.places) / (present * counts[self.classes])).astype(np.float32)

    def _shown(self, epoch: int) -> Places:
        """Which picture stands for each of ``places`` in an epoch."""
        if self.views is None:
            return self.places
        every = np.arange(len(self.places))
        drawn = np.random.default_rng((self.seed, epoch, 1)).integers(0, len(self.views), len(self.places))
        return self.views[drawn, every]

    def _counts(self) -> Places:
        return np.bincount(self.classes, minlength=self.class_count)

    def _drawn(self) -> int:
        counts = self._counts()
        return int(counts.max() * np.count_nonzero(counts)) if self.balance else len(self.places)

    @staticmethod
    def _again(rng: np.random.Generator, places: Places, wanted: int) -> Places:
        rounds = -(-wanted // len(places))
        return np.concatenate([rng.permutation(places) for _ in range(rounds)])[:wanted]


def mixed(batch: Batch, shape: float, rng: np.random.Generator) -> Batch:
    """Each picture of a batch blended with another one of it, and labels and weights in the same share."""
    count = len(batch.pictures)
    share = rng.beta(shape, shape, count).astype(np.float32)
    share, other = np.maximum(share, 1 - share), rng.permutation(count)

    def blend(values: Squares | Floats) -> Floats:
        own = share.reshape(-1, *[1] * (values.ndim - 1))
        return (own * values + (1 - own) * values[other]).astype(np.float32)

    pictures: Squares | Floats = blend(batch.pictures)
    if batch.pictures.dtype == np.uint8:
        pictures = np.round(pictures).astype(np.uint8)
    return Batch(pictures, blend(batch.labels), blend(batch.weights))


def blocks(pictures: Squares | Floats, places: Places, batch_size: int) -> Iterator[tuple[Squares | Floats, int]]:
    """Pictures in order for prediction, in blocks of one size, and how many at the start of each block count."""
    for start in range(0, len(places), batch_size):
        chosen = places[start : start + batch_size]
        block = pictures[np.resize(chosen, batch_size)]
        yield (block.astype(np.float32) if block.dtype == np.float16 else block), len(chosen)


def predicted(
    model: Any,  # noqa: ANN401 (Keras ships no annotations)
    pictures: Squares | Floats,
    places: Places,
    batch_size: int,
) -> Iterator[Floats]:
    """What a model says about some of the pictures, in order, block by block: ``(1 to batch_size, ...)`` float32."""
    for block, count in blocks(pictures, places, batch_size):
        yield np.asarray(model.predict_on_batch(block), np.float32)[:count]


def predict(
    model: Any,  # noqa: ANN401 (Keras ships no annotations)
    pictures: Squares | Floats,
    places: Places,
    batch_size: int,
) -> Floats:
    """What a model says, ``(len(places), ...)`` float32, about some of the pictures, in blocks of one size."""
    return np.concatenate(list(predicted(model, pictures, places, batch_size)))
