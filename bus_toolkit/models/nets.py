"""Convolutional parts of the networks that Keras does not have: from a tensor to one with rows and columns."""

from __future__ import annotations

from typing import Any, Final

# EfficientNet-Lite0, Tan and Le 2019, table 1, without squeeze-and-excitation:
# (how many blocks, kernel, stride of the first, expansion, channels).
LITE0_STAGES: Final = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
LITE0_STEM, LITE0_HEAD = 32, 1280
LITE0_EPSILON: Final = 1e-3
VGG12_BLOCKS: Final = ((64, 1), (128, 2), (256, 2), (512, 2), (512, 2))
RESNET18_STAGES: Final = ((64, 1), (128, 2), (256, 2), (512, 2))
TINY_CHANNELS: Final = (16, 32, 64)


def vgg12(tensor: Any) -> Any:  # noqa: ANN401 (Keras ships no annotations)
    """Nine convolutions in five blocks: 1-2-2-2-2. Layers are named as in Keras' VGG-16, whose weights fit them."""
    from keras import layers

    for block, (channels, count) in enumerate(VGG12_BLOCKS, start=1):
        for number in range(1, count + 1):
            name = f"block{block}_conv{number}"
            tensor = layers.Conv2D(channels, 3, padding="same", activation="relu", name=name)(tensor)
        tensor = layers.MaxPooling2D(2, name=f"block{block}_pool")(tensor)
    return tensor


def resnet18(tensor: Any) -> Any:  # noqa: ANN401
    """Basic blocks 2-2-2-2 (He et al. 2016, table 1), padded evenly on both sides, 11.18 million parameters."""
    from keras import layers

    tensor = layers.ZeroPadding2D(3, name="stem_pad")(tensor)
    tensor = _he(64, 7, 2, "stem_conv")(tensor)
    tensor = layers.ReLU(name="stem_relu")(_norm("stem_bn")(tensor))
    tensor = layers.ZeroPadding2D(1, name="stem_pool_pad")(tensor)
    tensor = layers.MaxPooling2D(3, 2, name="stem_pool")(tensor)
    for stage, (channels, stride) in enumerate(RESNET18_STAGES, start=1):
        for block in (1, 2):
            tensor = _basic_block(tensor, channels, stride if block == 1 else 1, f"stage{stage}_block{block}")
    return tensor


def _basic_block(tensor: Any, channels: int, stride: int, name: str) -> Any:  # noqa: ANN401
    from keras import layers

    shortcut = tensor
    for number, step in ((1, stride), (2, 1)):
        tensor = layers.ZeroPadding2D(1, name=f"{name}_pad{number}")(tensor)
        tensor = _norm(f"{name}_bn{number}")(_he(channels, 3, step, f"{name}_conv{number}")(tensor))
        if number == 1:
            tensor = layers.ReLU(name=f"{name}_relu")(tensor)
    if stride != 1 or shortcut.shape[-1] != channels:
        shortcut = _norm(f"{name}_short_bn")(_he(channels, 1, stride, f"{name}_short_conv")(shortcut))
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([tensor, shortcut]))


def _he(channels: int, kernel: int, stride: int, name: str) -> Any:  # noqa: ANN401
    from keras import layers

    return layers.Conv2D(channels, kernel, stride, use_bias=False, kernel_initializer="he_normal", name=name)


def _norm(name: str, *, momentum: float = 0.9, epsilon: float = 1e-5) -> Any:  # noqa: ANN401
    from keras import layers

    return layers.BatchNormalization(momentum=momentum, epsilon=epsilon, name=name)


def efficientnetlite0(tensor: Any) -> Any:  # noqa: ANN401
    """EfficientNet-Lite0: inverted bottlenecks without squeeze-and-excitation, ReLU6 throughout.

    Padding is TensorFlow's ``same``, which puts the odd pixel behind; the released weights were trained so.
    """
    from keras import layers

    tensor = layers.ReLU(6, name="stem_relu")(_lite_conv(tensor, LITE0_STEM, 3, 2, "stem"))
    block = 0
    for count, kernel, stride, expansion, channels in LITE0_STAGES:
        for number in range(count):
            step = stride if number == 0 else 1
            tensor = _bottleneck(tensor, channels, kernel, step, expansion, f"block{block}")
            block += 1
    return layers.ReLU(6, name="top_relu")(_lite_conv(tensor, LITE0_HEAD, 1, 1, "top"))


def _lite_conv(tensor: Any, channels: int, kernel: int, stride: int, name: str) -> Any:  # noqa: ANN401
    from keras import layers

    initial = "he_normal"
    convolution = layers.Conv2D(
        channels, kernel, stride, padding="same", use_bias=False, kernel_initializer=initial, name=f"{name}_conv"
    )
    return _norm(f"{name}_bn", momentum=0.99, epsilon=LITE0_EPSILON)(convolution(tensor))


def _bottleneck(  # noqa: PLR0917 - a row of the table
    tensor: Any,  # noqa: ANN401
    channels: int,
    kernel: int,
    stride: int,
    expansion: int,
    name: str,
) -> Any:  # noqa: ANN401
    from keras import layers

    inputs = tensor
    if expansion != 1:
        tensor = _lite_conv(tensor, inputs.shape[-1] * expansion, 1, 1, f"{name}_expand")
        tensor = layers.ReLU(6, name=f"{name}_expand_relu")(tensor)
    depthwise = layers.DepthwiseConv2D(
        kernel, stride, padding="same", use_bias=False, depthwise_initializer="he_normal", name=f"{name}_depth_conv"
    )
    tensor = _norm(f"{name}_depth_bn", momentum=0.99, epsilon=LITE0_EPSILON)(depthwise(tensor))
    tensor = layers.ReLU(6, name=f"{name}_depth_relu")(tensor)
    tensor = _lite_conv(tensor, channels, 1, 1, f"{name}_project")
    if stride == 1 and inputs.shape[-1] == channels:
        tensor = layers.Add(name=f"{name}_add")([inputs, tensor])
    return tensor


def tinycnn(tensor: Any) -> Any:  # noqa: ANN401
    """For continuous integration and demonstrations: three convolutions with stride 2, some 3,600 parameters."""
    from keras import layers

    first, *rest = TINY_CHANNELS
    tensor = layers.Conv2D(first, 3, 2, padding="same", use_bias=False, name="conv1")(tensor)
    tensor = layers.ReLU(name="conv1_relu")(_norm("conv1_bn")(tensor))
    for number, channels in enumerate(rest, start=2):
        tensor = layers.DepthwiseConv2D(3, 2, padding="same", use_bias=False, name=f"conv{number}_depth")(tensor)
        tensor = layers.Conv2D(channels, 1, use_bias=False, name=f"conv{number}_point")(tensor)
        tensor = layers.ReLU(name=f"conv{number}_relu")(_norm(f"conv{number}_bn")(tensor))
    return tensor
