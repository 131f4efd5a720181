"""Layers of this project's own that travel inside saved models. Importing this module imports Keras.

Both are registered as ``bus_toolkit>...``: whoever loads a model by hand must import this module first, and
:func:`bus_toolkit.models.load_model` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import keras

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# (scale, offset of each of the three planes): value * scale + offset, as the nets' makers did.
SCALINGS: Final[Mapping[str, tuple[float, tuple[float, float, float]]]] = {
    "caffe": (1.0, (-103.939, -116.779, -123.68)),
    "signed": (1 / 127.5, (-1.0, -1.0, -1.0)),
    "bytes": (1.0, (0.0, 0.0, 0.0)),
    "lite": (1 / 128.0, (-127.0 / 128.0, -127.0 / 128.0, -127.0 / 128.0)),
}


@keras.saving.register_keras_serializable(package="bus_toolkit")
class Preprocess(keras.layers.Layer):  # type: ignore[misc] # Keras ships no annotations
    """Raw grey values ``(n, rows, cols, 1)``, 0 to 255, to three float32 planes ``(n, rows, cols, 3)``.

    Parameters
    ----------
    scaling
        ``caffe``: minus the means of ImageNet's blue, green and red, as VGG and ResNet50 were trained;
        ``signed``: -1 to 1; ``bytes``: 0 to 255, for a net that scales by itself; ``lite``: minus 127, by 128.
    """

    def __init__(self, scaling: str, **options: Any) -> None:  # noqa: ANN401 - Keras' own
        # Always float32: half precision cannot hold the result of a subtraction at 255 well enough.
        super().__init__(**{**options, "dtype": "float32"})
        self.scaling = scaling

    def call(self, inputs: Any) -> Any:  # noqa: ANN401, D102
        scale, offset = SCALINGS[self.scaling]
        values = keras.ops.cast(inputs, "float32")
        planes = keras.ops.concatenate([values, values, values], axis=-1)
        return planes * scale + keras.ops.convert_to_tensor(offset, dtype="float32")

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:  # noqa: D102
        return (*input_shape[:-1], 3)

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        config = {**super().get_config(), "scaling": self.scaling}
        del config["dtype"]
        return config


@keras.saving.register_keras_serializable(package="bus_toolkit")
class Probabilities(keras.layers.Layer):  # type: ignore[misc] # Keras ships no annotations
    """Softmax over the classes, always in float32, which carries what must be known about the model.

    Parameters
    ----------
    facts
        :meth:`bus_toolkit.models.facts.Facts.to_json`: class order, threshold, preprocessing and so on.
        Its ``temperature`` divides the logits (Guo et al. 2017, arXiv 1706.04599).
    """

    def __init__(self, facts: Mapping[str, Any], **options: Any) -> None:  # noqa: ANN401 - Keras' own
        super().__init__(**{**options, "dtype": "float32"})
        self.facts = dict(facts)

    def call(self, inputs: Any) -> Any:  # noqa: ANN401, D102
        return keras.ops.softmax(keras.ops.cast(inputs, "float32") / float(self.facts["temperature"]), axis=-1)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:  # noqa: D102
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        config = {**super().get_config(), "facts": self.facts}
        del config["dtype"]
        return config
