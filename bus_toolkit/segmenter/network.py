"""The segmenter as a Keras model, made from its specification."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bus_toolkit.overlays.engines.segmenter import CLASSES
from bus_toolkit.segmenter.spec import PLANES, Spec, padding

if TYPE_CHECKING:
    from bus_toolkit.segmenter.spec import Layer

RARE = 4.0
"""Weight of a drawn pixel over one that is not: strokes are few."""
OVERLAP = 0.5
"""Weight of the Dice part of the loss."""


def build_network(spec: Spec | None = None) -> Any:  # noqa: ANN401 (Keras ships no annotations)
    """A Keras model from ``(rows, cols, 2)`` planes, sides multiples of 16, to logits ``(rows, cols, classes)``.

    Any Keras backend. Layers carry the names of the specification; batch normalisations end in ``.norm``.
    """
    import keras

    spec = spec or Spec()
    tensors = {"planes": keras.Input((None, None, PLANES), name="planes")}
    for layer in spec.layers():
        tensors[layer.name] = _apply(layer, [tensors[name] for name in layer.inputs])
    return keras.Model(tensors["planes"], tensors["logits"], name="overlays")


def _apply(layer: Layer, inputs: list[Any]) -> Any:  # noqa: ANN401
    from keras import layers

    if layer.kind == "up":
        return layers.UpSampling2D(2, interpolation="nearest", name=layer.name)(inputs[0])
    if layer.kind == "shuffle":
        return _shuffle(layer.name, inputs[0])
    tensor = layers.Add(name=layer.name)(inputs) if layer.kind == "add" else _convolve(layer, inputs[0])
    return layers.ReLU(name=f"{layer.name}.relu")(tensor) if layer.relu else tensor


def _convolve(layer: Layer, tensor: Any) -> Any:  # noqa: ANN401
    """A convolution with padding that does not depend on the size, and its normalisation."""
    from keras import layers

    before, after = padding(layer.kernel, layer.stride)
    if before or after:
        tensor = layers.ZeroPadding2D(((before, after), (before, after)), name=f"{layer.name}.pad")(tensor)
    if layer.kind == "depthwise":
        convolution = layers.DepthwiseConv2D(layer.kernel, use_bias=False, name=layer.name)
    else:
        # The last convolution gives logits: it has a bias and no normalisation.
        last = layer.name == "subpixels"
        convolution = layers.Conv2D(layer.channels, layer.kernel, layer.stride, use_bias=last, name=layer.name)
        if last:
            return convolution(tensor)
    return layers.BatchNormalization(momentum=0.98, name=f"{layer.name}.norm")(convolution(tensor))


def _shuffle(name: str, tensor: Any) -> Any:  # noqa: ANN401
    """Four channels for each class become four subpixels: depth to space, as ONNX defines it (mode DCR)."""
    import keras

    class Shuffle(keras.layers.Layer):  # type: ignore[misc] # a class of Keras can only be made when Keras is loaded
        def call(self, inputs: Any) -> Any:  # noqa: ANN401
            size, rows, cols, _ = keras.ops.shape(inputs)
            parts = keras.ops.reshape(inputs, (size, rows, cols, 2, 2, len(CLASSES)))
            woven = keras.ops.transpose(parts, (0, 1, 3, 2, 4, 5))
            return keras.ops.reshape(woven, (size, 2 * rows, 2 * cols, len(CLASSES)))

    return Shuffle(name=name)(tensor)


def loss(truth: Any, logits: Any) -> Any:  # noqa: ANN401
    """Weighted binary cross-entropy plus soft Dice over the batch, a number.

    Both are ``(size, rows, cols, classes)``; the truth is 0 or 1. Dice: Milletari et al. 2016,
    doi 10.1109/3DV.2016.79.
    """
    from keras import ops

    truth = ops.cast(truth, "float32")
    logits = ops.cast(logits, "float32")
    # log(1 + exp(-x)) and log(1 + exp(x)), each without overflow.
    missed, invented = ops.softplus(-logits), ops.softplus(logits)
    entropy = ops.mean(RARE * truth * missed + (1.0 - truth) * invented)
    probability = ops.sigmoid(logits)
    common = ops.sum(truth * probability, axis=(0, 1, 2))
    total = ops.sum(truth, axis=(0, 1, 2)) + ops.sum(probability, axis=(0, 1, 2))
    dice = ops.mean(1.0 - (2.0 * common + 1.0) / (total + 1.0))
    return entropy + OVERLAP * dice
