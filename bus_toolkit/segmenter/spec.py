"""The overlay segmenter's architecture as data: what Keras builds to train it, and what is written as ONNX to run it.

A U-Net (Ronneberger et al. 2015, doi 10.1007/978-3-319-24574-4_28) that never works at full resolution: its stem halves
the picture, its blocks are depthwise separable with a bridge (Howard et al. 2017, arXiv 1704.04861), and its head
gives four subpixels of each class at once (Shi et al. 2016, doi 10.1109/CVPR.2016.207), so that the strokes of
letters one pixel wide are still told apart. The encoder's halves are added to the decoder's, not concatenated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from bus_toolkit.overlays.engines.segmenter import CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANES: Final = 2
"""Channels of the input, see :func:`bus_toolkit.overlays.engines.segmenter.planes_of`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One step of the network.

    Attributes
    ----------
    name
        Unique; its output is called so.
    kind
        ``"conv"`` (with batch normalisation), ``"depthwise"`` (likewise), ``"up"`` (twice as large, nearest), ``"add"``
        or ``"shuffle"`` (four channels become four subpixels).
    inputs
        Names of the layers it takes.
    channels, kernel, stride, relu
        Of its result; kernel and stride of convolutions only.
    """

    name: str
    kind: Literal["conv", "depthwise", "up", "add", "shuffle"]
    inputs: tuple[str, ...]
    channels: int
    kernel: int = 1
    stride: int = 1
    relu: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """Sizes of the network.

    Attributes
    ----------
    widths
        Channels at a half, a quarter, an eighth and a sixteenth of the resolution.
    blocks
        Separable blocks at each of them on the way down.
    kernels
        Side of their depthwise kernels.
    rise
        Separable blocks on the way up, at an eighth, a quarter and a half.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128)
    blocks: tuple[int, ...] = (1, 2, 3, 3)
    kernels: tuple[int, ...] = (3, 3, 5, 5)
    rise: tuple[int, ...] = (1, 2, 2)

    def layers(self) -> Iterator[Layer]:
        """The steps in order; the first takes ``"planes"``, the last is ``"logits"``."""
        last = "planes"
        levels: list[str] = []
        for level, width in enumerate(self.widths):
            name = f"down{level}"
            yield Layer(name=name, kind="conv", inputs=(last,), channels=width, kernel=3 if level else 5, stride=2)
            last = name
            for block in range(self.blocks[level]):
                yield from _block(f"down{level}.{block}", last, width, self.kernels[level])
                last = f"down{level}.{block}"
            levels.append(last)
        for level in reversed(range(len(self.widths) - 1)):
            width, blocks = self.widths[level], self.rise[len(self.widths) - 2 - level]
            narrow, large = f"narrow{level}", f"large{level}"
            yield Layer(name=narrow, kind="conv", inputs=(last,), channels=width, relu=False)
            yield Layer(name=large, kind="up", inputs=(narrow,), channels=width, relu=False)
            last = f"up{level}"
            yield Layer(name=last, kind="add", inputs=(large, levels[level]), channels=width)
            for block in range(blocks):
                yield from _block(f"up{level}.{block}", last, width, 3)
                last = f"up{level}.{block}"
        yield Layer(name="subpixels", kind="conv", inputs=(last,), channels=4 * len(CLASSES), relu=False)
        yield Layer(name="logits", kind="shuffle", inputs=("subpixels",), channels=len(CLASSES), relu=False)


def _block(name: str, last: str, width: int, kernel: int) -> Iterator[Layer]:
    """A separable block with a bridge."""
    yield Layer(name=f"{name}.deep", kind="depthwise", inputs=(last,), channels=width, kernel=kernel)
    yield Layer(name=f"{name}.mix", kind="conv", inputs=(f"{name}.deep",), channels=width, relu=False)
    yield Layer(name=name, kind="add", inputs=(f"{name}.mix", last), channels=width, relu=True)


def padding(kernel: int, stride: int) -> tuple[int, int]:
    """Rows (and columns) added before and after, so that an even side becomes a half and an odd kernel is centred."""
    total = max(kernel - stride, 0)
    return total // 2, total - total // 2
