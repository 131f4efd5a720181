"""From a name to a Keras model that takes raw grey scans and gives probabilities."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.errors import ConfigError
from bus_toolkit.models import nets
from bus_toolkit.models.architectures import architecture
from bus_toolkit.models.facts import LAYER, Facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bus_toolkit.models.architectures import Architecture

HEAD: Final = "head_"
"""Layers between the last convolution and the probabilities begin so."""
LOGITS: Final = "head_logits"

_OWN: Final = {
    "vgg12": nets.vgg12,
    "resnet18": nets.resnet18,
    "efficientnetlite0": nets.efficientnetlite0,
    "tinycnn": nets.tinycnn,
}
APPLICATIONS: Final = {
    "vgg16": ("VGG16", {}),
    "vgg19": ("VGG19", {}),
    "resnet50": ("ResNet50", {}),
    "inceptionv3": ("InceptionV3", {}),
    "mobilenetv3": ("MobileNetV3Small", {"include_preprocessing": False}),
    "efficientnetb0": ("EfficientNetB0", {}),
}
# What Keras' EfficientNetB0 was trained with; Keras sets it only together with its own download.
_IMAGENET_MEAN, _IMAGENET_SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MOMENTUM = 0.9
"""Most that running means of batch normalisations keep at each batch."""


def build_model(
    arch: str,
    *,
    classes: Sequence[str],
    image_size: int = 224,
    pretrained: bool | Path = False,
    dropout: float | None = None,
    seed: int = 123,
) -> Any:  # noqa: ANN401 (Keras ships no annotations)
    """A Keras model from raw grey scans to probabilities, on whichever backend Keras has.

    De novo, a VGG net has its classical head (flatten, 4096, 4096, classes) and Glorot's initialisation, the others
    global average pooling and one dense layer. Pretrained, every net has pooling, dropout and one dense layer, and
    only that one begins at random.

    Parameters
    ----------
    arch
        A name in :data:`bus_toolkit.models.NAMES`.
    classes
        Two or more names; their order is the order of the outputs.
    image_size
        Rows and columns of the input.
    pretrained
        False: random weights. True: ImageNet weights, by Keras' own download (cached) or from an installed package.
        A path: a local file; see :mod:`bus_toolkit.models.weights`.
    dropout
        Share, 0 to below 1, before each dense layer of the head; None is the net's own.
    seed
        Of the random weights and of the dropout: the same seed gives the same weights, whatever was built before.

    Returns
    -------
    Input: uint8 ``(n, image_size, image_size, 1)``. Output: float32 ``(n, len(classes))``, each row sums to 1, also
    under mixed precision. Not compiled. :func:`bus_toolkit.models.facts_of` gives what it knows about itself.

    Raises
    ------
    ConfigError
        When an argument is not what it must be, or the pretrained weights cannot be had or do not fit.
    """
    import keras

    from bus_toolkit.models.layers import Preprocess, Probabilities

    kind = architecture(arch)
    _check(kind, image_size, dropout)
    facts = Facts(arch=kind.name, classes=tuple(classes), image_size=image_size, scaling=kind.scaling, seed=seed)
    with _seeded(seed):
        inputs = keras.Input((image_size, image_size, 1), dtype="uint8", name="scan")
        planes = Preprocess(kind.scaling, name="preprocess")(inputs)
        tensor = trunk(kind, planes)
        logits = _head(kind, tensor, len(facts.classes), pretrained=pretrained is not False, dropout=dropout)
        outputs = Probabilities(facts.to_json(), name=LAYER)(logits)
    model = keras.Model(inputs, outputs, name=kind.name)
    _follow_faster(model)
    if pretrained is not False:
        from bus_toolkit.models.weights import load_pretrained

        load_pretrained(model, kind, None if pretrained is True else pretrained)
    return model


def _follow_faster(model: Any) -> None:  # noqa: ANN401
    """Let the running means of batch normalisations follow within tens of batches instead of hundreds.

    Clean folders hold hundreds of scans: a whole training has about as many batches as 0.99 or 0.999, as the nets come
    with, need to follow weights that change.
    """
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = min(layer.momentum, MOMENTUM)


def trunk(kind: Architecture, planes: Any) -> Any:  # noqa: ANN401
    """The convolutional part over planes ``(n, rows, cols, 3)``."""
    import keras

    if kind.name in _OWN:
        return _OWN[kind.name](planes)
    name, options = APPLICATIONS[kind.name]
    net = getattr(keras.applications, name)(include_top=False, weights=None, input_tensor=planes, **options)
    if kind.name == "efficientnetb0":
        _normalise_like_imagenet(net)
    return net.output


def _normalise_like_imagenet(net: Any) -> None:  # noqa: ANN401
    """Keras leaves the scaling of an EfficientNet without its download at nothing; the weights need this one."""
    import keras

    layer = next(layer for layer in net.layers if isinstance(layer, keras.layers.Normalization))
    layer.adapt_mean.assign(_IMAGENET_MEAN)
    layer.adapt_variance.assign([spread**2 for spread in _IMAGENET_SPREAD])
    layer.finalize_state()


def _head(kind: Architecture, tensor: Any, classes: int, *, pretrained: bool, dropout: float | None) -> Any:  # noqa: ANN401
    """Logits ``(n, classes)``."""
    from keras import layers

    share = kind.dropout[int(pretrained)] if dropout is None else dropout
    if pretrained or not kind.dense:
        tensor = layers.GlobalAveragePooling2D(name=f"{HEAD}pool")(tensor)
        tensor = layers.Dropout(share, name=f"{HEAD}dropout")(tensor)
    else:
        tensor = layers.Flatten(name=f"{HEAD}flat")(tensor)
        for number, units in enumerate(kind.dense, start=1):
            tensor = layers.Dense(units, activation="relu", name=f"{HEAD}dense{number}")(tensor)
            tensor = layers.Dropout(share, name=f"{HEAD}dropout{number}")(tensor)
    return layers.Dense(classes, name=LOGITS)(tensor)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Keras draws the seed of every initialiser from Python's generator: seed that, and give it back as it was."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def _check(kind: Architecture, image_size: int, dropout: float | None) -> None:
    if image_size < kind.smallest:
        msg = f"image_size must be at least {kind.smallest} for {kind.name}. Got {image_size}"
        raise ConfigError(msg)
    if dropout is not None and not 0 <= dropout < 1:
        msg = f"dropout must be from 0 to below 1. Got {dropout}"
        raise ConfigError(msg)
