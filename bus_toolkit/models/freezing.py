"""Which layers learn, and a model cut before its head so that a frozen part runs only once."""

from __future__ import annotations

import math
from typing import Any

from bus_toolkit.errors import ConfigError
from bus_toolkit.models.build import HEAD, LOGITS
from bus_toolkit.models.facts import LAYER


def is_head(name: str) -> bool:
    """Whether a layer of this name stands behind the last convolution."""
    return name.startswith(HEAD) or name == LAYER


def set_trainable(
    model: Any,  # noqa: ANN401 (Keras ships no annotations)
    *,
    freeze: bool,
    fine_tune_from: str | None = None,
    freeze_batch_norm: bool = False,
) -> int:
    """Choose which layers learn, in place; compile the model after it.

    The head always learns. Batch normalisation of a frozen layer keeps its statistics: Keras runs it as in inference.

    Parameters
    ----------
    model
        From :func:`bus_toolkit.models.build_model`.
    freeze
        Hold the whole convolutional part fixed.
    fine_tune_from
        Hold only what comes before this layer fixed, ``freeze`` or not. Sensible names are in
        :attr:`bus_toolkit.models.Architecture.stages`.
    freeze_batch_norm
        Hold every batch normalisation too, wherever it stands: statistics of batches of a dozen scans are noise beside
        those of a million pictures, and a step is nearly twice as fast without them.

    Returns
    -------
    How many values learn.

    Raises
    ------
    ConfigError
        When the model has no such layer before its head.
    """
    trunk = [layer for layer in model.layers if not is_head(layer.name)]
    names = [layer.name for layer in trunk]
    if fine_tune_from is not None and fine_tune_from not in names:
        from bus_toolkit.models.architectures import architecture
        from bus_toolkit.models.facts import facts_of

        stages = ", ".join(architecture(facts_of(model).arch).stages)
        msg = f"fine_tune_from must be a layer before the head, such as {stages}. Got {fine_tune_from!r}"
        raise ConfigError(msg)
    first = len(trunk) if freeze else 0
    if fine_tune_from is not None:
        first = names.index(fine_tune_from)
    for index, layer in enumerate(trunk):
        layer.trainable = index >= first and not (freeze_batch_norm and is_batch_norm(layer))
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def is_batch_norm(layer: Any) -> bool:  # noqa: ANN401
    """Whether a layer normalises by the statistics of batches."""
    import keras

    return isinstance(layer, keras.layers.BatchNormalization)


def split_model(model: Any, before: str = "") -> tuple[Any, Any]:  # noqa: ANN401
    """The model cut in two: scans to features, features to probabilities. Weights are shared with it.

    With the first part frozen its features can be computed once and the second part trained on them alone.

    Parameters
    ----------
    model
        From :func:`bus_toolkit.models.build_model`.
    before
        A layer of the second part; the cut is at the nearest place before it where all paths meet. Empty: the cut is
        before the head, and features are ``(n, channels)`` after global pooling (or flattened, for a classical head).

    Returns
    -------
    Both parts; features are float32 ``(n, ...)``.

    Raises
    ------
    ConfigError
        When there is no such layer before the head.
    """
    import keras

    tensor, rest = _cut(model, before)
    return keras.Model(model.input, tensor, name=f"{model.name}_features"), rest


def pooled_part(model: Any, before: str = "") -> Any:  # noqa: ANN401
    """From the features that :func:`split_model` gives to what the last dense layer takes, ``(n, channels)``."""
    import keras

    tensor, _ = _cut(model, before)
    return keras.Model(tensor, model.get_layer(LOGITS).input, name=f"{model.name}_pooled")


def _cut(model: Any, before: str) -> tuple[Any, Any]:  # noqa: ANN401
    """Where to cut, and what comes after it."""
    import keras

    names = [layer.name for layer in model.layers]
    first = next(place for place, name in enumerate(names) if is_head(name))
    if before and before not in names[1:first]:
        msg = "a model must be cut before a layer that stands before its head. Got another"
        raise ConfigError(msg)
    place = names.index(before) - 1 if before else first
    while True:
        tensor = model.layers[place].output
        try:
            return tensor, keras.Model(tensor, model.output, name=f"{model.name}_rest")
        except ValueError:  # a path leads round this place; none leads round the input
            place -= 1
