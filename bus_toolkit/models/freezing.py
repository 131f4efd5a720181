"""Which layers learn, and a model cut before its head so that a frozen part runs only once."""

from __future__ import annotations

import math
from typing import Any

from bus_toolkit.errors import ConfigError
from bus_toolkit.models.build import HEAD
from bus_toolkit.models.facts import LAYER


def is_head(name: str) -> bool:
    """Whether a layer of this name stands behind the last convolution."""
    return name.startswith(HEAD) or name == LAYER


def set_trainable(model: Any, *, freeze: bool, fine_tune_from: str | None = None) -> int:  # noqa: ANN401 (Keras ships no annotations)
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
        layer.trainable = index >= first
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def split_model(model: Any) -> tuple[Any, Any]:  # noqa: ANN401
    """The model cut before its head: scans to features, features to probabilities. Weights are shared with it.

    Features are float32 ``(n, channels)`` after global pooling (or flattened, for a classical head). With the first
    part frozen its features can be computed once and the second part trained on them alone.
    """
    import keras

    first = next(layer for layer in model.layers if is_head(layer.name))
    head = [layer for layer in model.layers if is_head(layer.name) and layer is not first]
    features = keras.Model(model.input, first.output, name=f"{model.name}_features")
    inputs = keras.Input(first.output.shape[1:], name="features")
    tensor = inputs
    for layer in head:
        tensor = layer(tensor)
    return features, keras.Model(inputs, tensor, name=f"{model.name}_head")
