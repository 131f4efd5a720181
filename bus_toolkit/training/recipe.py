"""Everything that a training depends on besides its data. Loads nothing heavy, so that ``--help`` can read it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

from bus_toolkit.errors import ConfigError

OPTIMIZERS: Final = ("adamw", "adam", "sgd")
FITS: Final = ("pad", "squash", "crop")
PROTOCOLS: Final = ("grouped", "grouped-kfold", "york")
LEARNING_RATES: Final = {"adamw": 1e-3, "adam": 1e-3, "sgd": 1e-2}
"""At their highest, for weights that start at random."""
PRETRAINED_MIXUP: Final = 0.4
PRETRAINED_SMOOTHING: Final = 0.05
"""Without them, weights that know much learn a few hundred scans by heart within a dozen epochs."""
DEFAULT_FOLDS: Final = 5
SMALLEST_IMAGE: Final = 32


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a classifier is trained. Defaults are those of ``bus-train``.

    Attributes
    ----------
    arch
        Name of an architecture of :mod:`bus_toolkit.models`.
    pretrained
        ``""`` for random weights, ``"imagenet"``, or the path of a weights file.
    protocol, folds, no_groups, test_fraction, val_fraction
        As for :func:`bus_toolkit.training.splits.make_split`; ``folds`` is 0 unless the protocol has folds.
    splits
        Path of a split to use instead, or ``""``.
    runs
        Trainings on one split, with seeds ``seed``, ``seed + 1`` and so on; 1 with folds.
    epochs, batch_size, image_size, seed
        As they say; ``image_size`` in pixels a side.
    fit
        How a picture becomes a square: ``"pad"``, ``"squash"`` or ``"crop"``.
    freeze, fine_tune_from
        Keep the pretrained part as it is, or all of it before the layer of this name.
    freeze_batch_norm
        Hold batch normalisations as they were pretrained; None: when ``pretrained``.
    fit_last_layer
        Begin with a last layer that is fitted to what the pretrained part gives; None: when ``pretrained``. See
        :func:`bus_toolkit.training.arrange.fit_last_layer`.
    dropout
        Before the last layer; None leaves it to the architecture.
    augment
        Vary the pictures, see :class:`bus_toolkit.training.augment.Augmentation`.
    views
        Run a frozen part once, over so many varied copies of each scan, and learn from those; 0: run it anew over new
        copies in each epoch.
    class_weights, balance, mixup
        As for :class:`bus_toolkit.training.feed.Feed`; ``mixup`` None: 0.4 when ``pretrained``, else 0.
    early_stopping
        Stop when the loss on validation has not fallen for so many epochs, and keep the best weights; 0: never, and
        keep the last.
    mixed_precision
        Compute in 16 bits where the device is faster so; weights, and the saved model, stay in 32 bits.
    optimizer, learning_rate, weight_decay, warmup, label_smoothing
        The learning rate is the highest: it rises evenly over the share ``warmup`` of all steps, then falls along half
        a cosine to 0 (Loshchilov and Hutter 2017, arXiv 1608.03983). 0 takes the default of the optimizer. The decay
        is AdamW's alone (the same, 2019, arXiv 1711.05101), and spares biases and normalisations. ``label_smoothing``
        None: 0.05 when ``pretrained``, else 0.

    Raises
    ------
    ConfigError
        When a value is out of range, or two do not go together.
    """

    arch: str
    pretrained: str = ""
    protocol: str = "grouped"
    folds: int = 0
    no_groups: bool = False
    test_fraction: float = 0.2
    val_fraction: float = 0.1
    splits: str = ""
    runs: int = 3
    epochs: int = 50
    batch_size: int = 16
    image_size: int = 224
    seed: int = 123
    fit: str = "pad"
    freeze: bool = False
    fine_tune_from: str = ""
    freeze_batch_norm: bool | None = None
    fit_last_layer: bool | None = None
    dropout: float | None = None
    augment: bool = True
    views: int = 0
    class_weights: bool = False
    balance: bool = False
    mixup: float | None = None
    early_stopping: int = 0
    mixed_precision: bool = False
    optimizer: str = "adamw"
    learning_rate: float = 0.0
    weight_decay: float = 1e-2
    warmup: float = 0.05
    label_smoothing: float | None = None

    def __post_init__(self) -> None:
        self._check_words()
        self._check_numbers()
        self._check_together()
        self._check_frozen()

    def _check_words(self) -> None:
        for name, words in (("optimizer", OPTIMIZERS), ("fit", FITS), ("protocol", PROTOCOLS)):
            if getattr(self, name) not in words:
                msg = f"{name} must be one of {', '.join(words)}. Got another"
                raise ConfigError(msg)

    def _check_numbers(self) -> None:
        for name, least in (("runs", 1), ("epochs", 1), ("batch_size", 1), ("image_size", SMALLEST_IMAGE), ("seed", 0)):
            if getattr(self, name) < least:
                msg = f"{name} must be {least} or more. Got {getattr(self, name)}"
                raise ConfigError(msg)
        for name in ("learning_rate", "weight_decay", "warmup", "label_smoothing", "dropout", "mixup"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                msg = f"{name} must be 0 or more and below 1. Got {value}"
                raise ConfigError(msg)
        if self.views < 0:
            msg = f"views must be 0 (none) or a number of copies. Got {self.views}"
            raise ConfigError(msg)
        if self.early_stopping < 0:
            msg = f"early_stopping must be 0 (never) or a number of epochs. Got {self.early_stopping}"
            raise ConfigError(msg)

    def _check_together(self) -> None:
        if (self.protocol == "grouped-kfold") != (self.folds >= 2):  # noqa: PLR2004 - one fold is none
            msg = f"folds must be 2 or more with grouped-kfold, and 0 without. Got {self.folds} with {self.protocol}"
            raise ConfigError(msg)
        if self.folds and self.runs != 1:
            msg = f"runs must be 1 with folds: each fold is a run of its own. Got {self.runs}"
            raise ConfigError(msg)
        if self.class_weights and self.balance:
            msg = "either class_weights or balance must be left out: together they count twice. Got both"
            raise ConfigError(msg)

    def _check_frozen(self) -> None:
        if self.freeze and self.fine_tune_from:
            msg = "either freeze or fine_tune_from must be left out. Got both"
            raise ConfigError(msg)
        if self.views and not (self.augment and (self.freeze or self.fine_tune_from)):
            msg = "views must go with augmentation, and with freeze or fine_tune_from. Got it without"
            raise ConfigError(msg)
        if not self.pretrained and (self.freeze_batch_norm or self.fit_last_layer):
            msg = "freeze_batch_norm and fit_last_layer must go with pretrained weights. Got one without"
            raise ConfigError(msg)

    @property
    def holds_batch_norm(self) -> bool:
        """Whether batch normalisations keep what they were pretrained to, with the default filled in."""
        return bool(self.pretrained) if self.freeze_batch_norm is None else self.freeze_batch_norm

    @property
    def fits_last_layer(self) -> bool:
        """Whether the last layer begins fitted, with the default filled in."""
        return bool(self.pretrained) if self.fit_last_layer is None else self.fit_last_layer

    @property
    def mixing(self) -> float:
        """The shape of mixup, with the default filled in."""
        return (PRETRAINED_MIXUP if self.pretrained else 0.0) if self.mixup is None else self.mixup

    @property
    def smoothing(self) -> float:
        """The label smoothing, with the default filled in."""
        if self.label_smoothing is None:
            return PRETRAINED_SMOOTHING if self.pretrained else 0.0
        return self.label_smoothing

    @property
    def rate(self) -> float:
        """The highest learning rate, with the default filled in."""
        if self.learning_rate:
            return self.learning_rate
        from bus_toolkit.models.architectures import architecture

        share = architecture(self.arch).fine_tuning if self.pretrained else 1.0
        return LEARNING_RATES[self.optimizer] * share

    def as_json(self) -> dict[str, Any]:
        """Plain JSON types by field; :meth:`from_json` gives the same recipe back."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Recipe:
        """The inverse of :meth:`as_json`.

        Raises
        ------
        ConfigError
            When a field is unknown or out of range.
        """
        known = {item.name for item in fields(cls)}
        if not set(values) <= known or "arch" not in values:
            msg = "a recipe must have the fields that this version knows. Got others"
            raise ConfigError(msg)
        return cls(**values)
