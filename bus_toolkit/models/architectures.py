"""The networks that can be trained, as a table: what each is, where it comes from, what it must be fed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from bus_toolkit.errors import ConfigError

Scaling = Literal["caffe", "signed", "bytes", "lite"]
"""How grey values become what a net was made for: see :class:`bus_toolkit.models.layers.Preprocess`."""

Source = Literal["keras", "package", "none"]
"""Where ImageNet weights come from: Keras' own download, a Python package, or nowhere but a local file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One network.

    Parameters
    ----------
    name
        As on the command line.
    paper, doi
        Who described it, and where; an arXiv number begins with ``arXiv:``.
    scaling
        What the preprocessing layer in front of the net does to grey values.
    source
        Where its ImageNet weights come from.
    file
        Name of Keras' file (without the classifier) or of the package's file; empty when there is none.
    cam_layer
        The layer whose output Grad-CAM looks at: the last one that has rows and columns. Empty: that before the head.
    stages
        First layers of its stages, from input to output: sensible values of ``fine_tune_from``.
    dense
        Units of the dense layers before the last one, for a net that is not pretrained.
    dropout
        Before each dense layer, when nobody says otherwise. De novo and pretrained.
    fine_tuning
        Share of a learning rate that is right for weights that were trained before: they need nudging, not shaking, and
        those of a net without normalisations even less.
    image_size
        Rows and columns of its input, when nobody says otherwise.
    smallest
        Fewest rows and columns that it can work on.
    """

    name: str
    paper: str
    doi: str
    scaling: Scaling
    source: Source
    cam_layer: str
    stages: tuple[str, ...]
    file: str = ""
    dense: tuple[int, ...] = ()
    dropout: tuple[float, float] = (0.0, 0.2)
    fine_tuning: float = 0.3
    image_size: int = 224
    smallest: int = 32


_VGG: Final = "Simonyan and Zisserman 2015, Very Deep Convolutional Networks for Large-Scale Image Recognition"
_RESNET: Final = "He et al. 2016, Deep Residual Learning for Image Recognition"
_EFFICIENT: Final = "Tan and Le 2019, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"
_CLASSICAL: Final = (4096, 4096)
_VGG_STAGES: Final = tuple(f"block{number}_conv1" for number in range(1, 6))
_NOTOP: Final = "weights_tf_dim_ordering_tf_kernels_notop.h5"

ARCHITECTURES: Final = (
    Architecture(
        name="vgg12",
        paper=f"{_VGG}; its pattern with 1-2-2-2-2 convolutions and three dense layers",
        doi="arXiv:1409.1556",
        scaling="caffe",
        source="keras",
        file=f"vgg16_{_NOTOP}",
        cam_layer="block5_conv2",
        stages=_VGG_STAGES,
        dense=_CLASSICAL,
        dropout=(0.5, 0.5),
        fine_tuning=0.1,
    ),
    Architecture(
        name="vgg16",
        paper=_VGG,
        doi="arXiv:1409.1556",
        scaling="caffe",
        source="keras",
        file=f"vgg16_{_NOTOP}",
        cam_layer="block5_conv3",
        stages=_VGG_STAGES,
        dense=_CLASSICAL,
        dropout=(0.5, 0.5),
        fine_tuning=0.1,
    ),
    Architecture(
        name="vgg19",
        paper=_VGG,
        doi="arXiv:1409.1556",
        scaling="caffe",
        source="keras",
        file=f"vgg19_{_NOTOP}",
        cam_layer="block5_conv4",
        stages=_VGG_STAGES,
        dense=_CLASSICAL,
        dropout=(0.5, 0.5),
        fine_tuning=0.1,
    ),
    Architecture(
        name="resnet18",
        paper=_RESNET,
        doi="10.1109/CVPR.2016.90",
        scaling="signed",
        source="none",
        cam_layer="stage4_block2_out",
        stages=("stem_conv", *(f"stage{number}_block1_conv1" for number in range(1, 5))),
    ),
    Architecture(
        name="resnet50",
        paper=_RESNET,
        doi="10.1109/CVPR.2016.90",
        scaling="caffe",
        source="keras",
        file=f"resnet50_{_NOTOP}",
        cam_layer="conv5_block3_out",
        stages=("conv1_conv", *(f"conv{number}_block1_1_conv" for number in range(2, 6))),
    ),
    Architecture(
        name="inceptionv3",
        paper="Szegedy et al. 2016, Rethinking the Inception Architecture for Computer Vision",
        doi="10.1109/CVPR.2016.308",
        scaling="signed",
        source="keras",
        file=f"inception_v3_{_NOTOP}",
        cam_layer="mixed10",
        stages=("mixed0", "mixed3", "mixed8", "mixed9"),
        smallest=75,
    ),
    Architecture(
        name="mobilenetv3",
        paper="Howard et al. 2019, Searching for MobileNetV3 (small)",
        doi="10.1109/ICCV.2019.00140",
        scaling="signed",
        source="keras",
        file="weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
        cam_layer="",
        stages=("conv", "expanded_conv_1_expand", "expanded_conv_3_expand", "expanded_conv_8_expand", "conv_1"),
    ),
    Architecture(
        name="efficientnetb0",
        paper=_EFFICIENT,
        doi="arXiv:1905.11946",
        scaling="bytes",
        source="keras",
        file="efficientnetb0_notop.h5",
        cam_layer="top_activation",
        stages=("stem_conv", "block3a_expand_conv", "block5a_expand_conv", "block6a_expand_conv", "top_conv"),
    ),
    Architecture(
        name="efficientnetlite0",
        paper=f"{_EFFICIENT}; the Lite variants of its authors' release of 2020",
        doi="arXiv:1905.11946",
        scaling="lite",
        source="package",
        file="efficientnet-lite0-57934424.pth",
        cam_layer="top_relu",
        stages=("stem_conv", "block3_expand_conv", "block5_expand_conv", "block11_expand_conv", "top_conv"),
    ),
    Architecture(
        name="tinycnn",
        paper="this project's smoke test: three separable convolutions, not meant to be good at anything",
        doi="",
        scaling="signed",
        source="none",
        cam_layer="conv3_relu",
        stages=("conv1", "conv2_point", "conv3_point"),
        smallest=16,
    ),
)

NAMES: Final = tuple(item.name for item in ARCHITECTURES)


def architecture(name: str) -> Architecture:
    """The row of the table with this name.

    Raises
    ------
    ConfigError
        When there is none.
    """
    for item in ARCHITECTURES:
        if item.name == name:
            return item
    msg = f"the architecture must be one of {', '.join(NAMES)}. Got {name!r}"
    raise ConfigError(msg)
