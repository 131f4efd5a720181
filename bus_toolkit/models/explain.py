"""Grad-CAM: which part of a scan raised the score of a class (Selvaraju et al. 2017, doi 10.1109/ICCV.2017.74).

The gradient of the class's logit at the last layer with rows and columns is averaged over them, and weighs that layer's
planes; what is negative is cut. Only the gradient differs between Keras' backends: one small function for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bus_toolkit.errors import ConfigError
from bus_toolkit.models.architectures import architecture
from bus_toolkit.models.build import LOGITS
from bus_toolkit.models.facts import facts_of
from bus_toolkit.models.freezing import is_head

if TYPE_CHECKING:
    import numpy.typing as npt

    Heatmap = npt.NDArray[np.float32]
    Scan = npt.NDArray[np.uint8]
    Picture = npt.NDArray[np.uint8]

STRENGTH: Final = 0.45
"""Largest share of the heatmap's colour in an overlay."""


def grad_cam(model: Any, scan: Scan, *, target: str | None = None, layer: str | None = None) -> Heatmap:  # noqa: ANN401 (Keras ships no annotations)
    """Where in a scan the model saw what speaks for a class.

    Parameters
    ----------
    model
        From :func:`bus_toolkit.models.build_model` or :func:`bus_toolkit.models.load_model`.
    scan
        Uint8 ``(image_size, image_size)`` or ``(image_size, image_size, 1)``.
    target
        The class that is asked about; None is the one with the largest probability.
    layer
        The layer that is looked at; None is the architecture's own (:attr:`Architecture.cam_layer`).

    Returns
    -------
    Float32 ``(image_size, image_size)``, 0 to 1: 1 where it speaks most for the class, relative to this scan alone.
    All 0 when nothing speaks for it. It shows where, and is no proof of why.

    Raises
    ------
    ConfigError
        When the scan has another size, or there is no such class or layer.
    """
    import cv2

    facts = facts_of(model)
    batch = _batch(scan, facts.image_size)
    if target is not None and target not in facts.classes:
        msg = f"target must be one of the classes {', '.join(facts.classes)}. Got {target!r}"
        raise ConfigError(msg)
    before, after = _cut(model, layer or architecture(facts.arch).cam_layer)
    planes = before(batch, training=False)
    wanted = int(_numpy(after(planes, training=False))[0].argmax()) if target is None else facts.classes.index(target)
    slope = _numpy(_gradient(after, planes, wanted))[0]
    heat = np.maximum((_numpy(planes)[0] * slope.mean(axis=(0, 1))).sum(axis=-1), 0.0)
    grown = np.asarray(cv2.resize(heat, (facts.image_size, facts.image_size), interpolation=cv2.INTER_LINEAR))
    top = float(grown.max())
    if not np.isfinite(top) or top <= 0:
        return np.zeros((facts.image_size, facts.image_size), np.float32)
    return np.clip(grown / top, 0.0, 1.0).astype(np.float32)


def overlay(scan: Scan, heatmap: Heatmap, *, strength: float = STRENGTH) -> Picture:
    """The scan with its heatmap laid over it in colour, the more the warmer; where it is 0 the scan is as it was.

    Parameters
    ----------
    scan
        Uint8 ``(rows, cols)`` or ``(rows, cols, 1)``.
    heatmap
        Float 0 to 1, of the same rows and columns.
    strength
        Share of colour where the heatmap is 1, 0 to 1.

    Returns
    -------
    Uint8 RGB ``(rows, cols, 3)``.

    Raises
    ------
    ConfigError
        When the sizes differ.
    """
    import cv2

    grey = scan.reshape(scan.shape[:2])
    if grey.shape != heatmap.shape:
        msg = f"the heatmap must have the scan's size {grey.shape}. Got {heatmap.shape}"
        raise ConfigError(msg)
    colours = cv2.applyColorMap(np.round(heatmap * 255).astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1]
    share = (strength * heatmap)[..., np.newaxis].astype(np.float32)
    mixed = grey[..., np.newaxis] * (1 - share) + colours * share
    return np.round(mixed).astype(np.uint8)


def _batch(scan: Scan, size: int) -> Scan:
    if scan.dtype != np.uint8 or scan.shape not in {(size, size), (size, size, 1)}:
        msg = f"the scan must be uint8 of {size} x {size}. Got {scan.dtype} of {' x '.join(map(str, scan.shape))}"
        raise ConfigError(msg)
    return scan.reshape(1, size, size, 1)


def _cut(model: Any, name: str) -> tuple[Any, Any]:  # noqa: ANN401
    """The model up to a layer with rows and columns, and from there to the logits."""
    import keras

    if name:
        try:
            middle = model.get_layer(name).output
        except ValueError:
            msg = f"layer must be one of the model's layers. Got {name!r}"
            raise ConfigError(msg) from None
    else:
        middle = next(layer for layer in model.layers if is_head(layer.name)).input
    if len(middle.shape) != 4:  # noqa: PLR2004 - a batch of planes
        msg = f"layer must be one with rows and columns. Got {name!r}"
        raise ConfigError(msg)
    return keras.Model(model.input, middle), keras.Model(middle, model.get_layer(LOGITS).output)


def _numpy(tensor: Any) -> npt.NDArray[np.float32]:  # noqa: ANN401
    import keras

    return np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32")), np.float32)


def _gradient(net: Any, planes: Any, index: int) -> Any:  # noqa: ANN401
    """The gradient of one output at the input, on Keras' backend."""
    import keras

    ways = {"tensorflow": _gradient_tensorflow, "jax": _gradient_jax, "torch": _gradient_torch}
    backend = keras.backend.backend()
    if backend not in ways:
        msg = f"Grad-CAM must have one of the backends {', '.join(ways)}. Got {backend}"
        raise ConfigError(msg)
    return ways[backend](net, planes, index)


def _gradient_tensorflow(net: Any, planes: Any, index: int) -> Any:  # noqa: ANN401
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(planes)
        score = net(planes, training=False)[0, index]
    return tape.gradient(score, planes)


def _gradient_jax(net: Any, planes: Any, index: int) -> Any:  # noqa: ANN401
    import jax

    weights = [
        [variable.value for variable in group] for group in (net.trainable_variables, net.non_trainable_variables)
    ]
    return jax.grad(lambda inputs: net.stateless_call(*weights, inputs, training=False)[0][0, index])(planes)


def _gradient_torch(net: Any, planes: Any, index: int) -> Any:  # noqa: ANN401
    import torch

    inputs = planes.detach().requires_grad_(requires_grad=True)
    with torch.enable_grad():
        score = net(inputs, training=False)[0, index]
    return torch.autograd.grad(score, inputs)[0]
