"""What must be known about a trained model to use it rightly; it travels inside the model's file."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.models.architectures import architecture

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LAYER = "probabilities"
"""Name of the last layer, which carries the facts."""
MOST_CONFIG_BYTES = 16 * 2**20
NEVER = 1 + 2**-23
"""The smallest float32 above 1: as a threshold, nothing is called positive, in single precision as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What must be known about a model.

    Parameters
    ----------
    arch
        Name in :data:`bus_toolkit.models.ARCHITECTURES`.
    classes
        Their order is the order of the outputs.
    image_size
        Rows and columns of the input: uint8 grey ``(n, image_size, image_size, 1)``.
    scaling
        What the first layer does to grey values; told here for people, done by the model.
    pretrained
        ``""`` for random weights, ``"imagenet"``, or the name of the weights file and its sha256.
    seed
        Of the random weights.
    positive, threshold
        The model calls a scan ``positive`` when its probability is at least ``threshold``, 0 to :data:`NEVER`, which
        no probability reaches. None: the largest probability decides.
    temperature
        The logits are divided by it; 1 means not calibrated.
    """

    arch: str
    classes: tuple[str, ...]
    image_size: int
    scaling: str
    pretrained: str = ""
    seed: int = 0
    positive: str | None = None
    threshold: float | None = None
    temperature: float = 1.0

    def __post_init__(self) -> None:
        architecture(self.arch)
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes):  # noqa: PLR2004 - one is no choice
            msg = f"classes must be two or more different names. Got {', '.join(self.classes) or 'none'}"
            raise ConfigError(msg)
        if not self.temperature > 0:
            msg = f"temperature must be above 0. Got {self.temperature}"
            raise ConfigError(msg)
        if (self.positive is None) != (self.threshold is None):
            msg = "positive and threshold must be given together. Got one of them"
            raise ConfigError(msg)
        if self.positive is not None and self.positive not in self.classes:
            msg = f"positive must be one of the classes {', '.join(self.classes)}. Got {self.positive!r}"
            raise ConfigError(msg)
        if self.threshold is not None and not 0 <= self.threshold <= NEVER:
            msg = f"threshold must be between 0 and 1, or just above 1 for never. Got {self.threshold}"
            raise ConfigError(msg)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**asdict(self), "classes": list(self.classes)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Facts:
        """What :meth:`to_json` gave; unknown keys are an error.

        Raises
        ------
        ConfigError
            When a key is unknown or missing, or a value is not what it must be.
        """
        known = {field.name for field in fields(cls)}
        if set(values) - known or not {"arch", "classes", "image_size", "scaling"} <= set(values):
            msg = f"facts of a model must have the keys {', '.join(sorted(known))}. Got {', '.join(sorted(values))}"
            raise ConfigError(msg)
        return cls(**{**values, "classes": tuple(values["classes"])})


def facts_of(model: Any) -> Facts:  # noqa: ANN401 (Keras ships no annotations)
    """The facts that a model carries.

    Raises
    ------
    ConfigError
        When it was not made by :func:`bus_toolkit.models.build_model`.
    """
    try:
        values = model.get_layer(LAYER).facts
    except (AttributeError, ValueError):
        msg = "the model must be one that build_model made. Got one without facts"
        raise ConfigError(msg) from None
    return Facts.from_json(values)


def set_facts(model: Any, **changes: Any) -> Facts:  # noqa: ANN401
    """Change what a model carries, in place: ``positive`` and ``threshold``, ``temperature``.

    A changed temperature takes effect in :meth:`predict` only after the model was saved and loaded, or compiled
    again, for Keras keeps the traced function.

    Raises
    ------
    ConfigError
        When a value is not what it must be, or is about what the model is (its classes, size and so on).
    """
    free = {"positive", "threshold", "temperature"}
    if set(changes) - free:
        msg = f"only {', '.join(sorted(free))} can be changed. Got {', '.join(sorted(set(changes) - free))}"
        raise ConfigError(msg)
    facts = replace(facts_of(model), **changes)
    model.get_layer(LAYER).facts = facts.to_json()
    return facts


def read_facts(path: Path) -> Facts:
    """The facts of a ``.keras`` file, without Keras.

    Raises
    ------
    InputError
        ``not-a-model`` when the file is not one that :func:`bus_toolkit.models.save_model` wrote.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open("config.json") as stream:
            # A zip can hold far more than its own size: what is longer than a model's ends as broken JSON.
            config = json.loads(stream.read(MOST_CONFIG_BYTES))
        for layer in config["config"]["layers"]:
            if layer["config"].get("name") == LAYER:
                return Facts.from_json(layer["config"]["facts"])
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile):
        pass
    raise InputError("not-a-model", "the file must be a .keras model of bus_toolkit. Got something else")
