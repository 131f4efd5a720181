"""The learned overlay segmenter: for each pixel, how likely text, a caliper, a graphic or an outline was drawn there.

A small network of this project's own (its model card lies beside its weights), run on onnxruntime. It was trained by
``bus-train-overlays``; cleaning needs no Keras.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.overlays.engines.onnx_weights import open_session

if TYPE_CHECKING:
    from bus_toolkit.geometry import Pixels

Floats = npt.NDArray[np.float32]

CLASSES: Final = ("text", "caliper", "graphic", "outline")
"""Classes of a pixel, in the order of the output's channels; several may hold at once, and mostly none does.

``text`` is text and logos, also the digits beside calipers and scales; ``caliper`` its marks and lines; ``graphic``
body marks, probe signs, arrows, scales, bars and the frames of colour boxes; ``outline`` a contour drawn round a
lesion.
"""
WEIGHTS: Final = Path(__file__).with_name("overlays.onnx")
"""The weights that the package ships; their model card is ``overlays.json`` beside them."""
STRIDE: Final = 16
"""Both sides of the network's input are multiples of this."""
PAD: Final = 8
"""Rows and columns by which the edges are drawn out, at least: what an edge cuts is seen better with surroundings."""
TILE: Final = 1024
"""Pictures are looked at in parts of at most this side, so that memory stays bounded."""
OVERLAP: Final = 96
"""Pixels that two parts share; what the network sees lies within half of them."""
GREY_NDIM: Final = 2


def planes_of(image: Pixels) -> Floats:
    """What the network sees of a picture.

    Parameters
    ----------
    image
        uint8 ``(rows, cols)`` grey or ``(rows, cols, 3)`` RGB.

    Returns
    -------
    float32 ``(2, rows, cols)``, 0 to 1: the brightest of the three channels, and how far the darkest is below it. So a
    colour is seen as coloured, whichever it is.
    """
    if image.ndim == GREY_NDIM:
        grey = image.astype(np.float32)
        return np.stack([grey, np.zeros_like(grey)]) / np.float32(255)
    red, green, blue = cv2.split(np.ascontiguousarray(image))
    bright = cv2.max(cv2.max(red, green), blue)
    dark = cv2.min(cv2.min(red, green), blue)
    return np.stack([bright, cv2.subtract(bright, dark)]).astype(np.float32) / np.float32(255)


@final
@dataclass(frozen=True, slots=False, eq=False)
class Segmenter:
    """The network, loaded when first used. One object serves one process and one thread.

    Parameters
    ----------
    weights
        An ONNX file that ``bus-train-overlays`` wrote; by default the one that the package ships.

    Raises
    ------
    EngineError
        When first used: the file is missing or is no model.
    """

    weights: Path = WEIGHTS

    def probabilities(self, image: Pixels) -> Floats:
        """For each pixel and class the probability, 0 to 1, that such a thing was drawn there.

        Parameters
        ----------
        image
            uint8 ``(rows, cols)`` grey or ``(rows, cols, 3)`` RGB, any size from 1x1.

        Returns
        -------
        float32 ``(classes, rows, cols)``, classes in the order of :data:`CLASSES`.
        """
        rows, cols = image.shape[:2]
        if max(rows, cols) <= TILE:
            return self._part(image)
        whole = np.zeros((len(CLASSES), rows, cols), dtype=np.float32)
        for top in _starts(rows):
            for left in _starts(cols):
                part = np.s_[top : top + TILE, left : left + TILE]
                # Near the border of a part less of the surroundings is seen: where two parts meet the surer one counts.
                np.maximum(whole[:, *part], self._part(image[part]), out=whole[:, *part])
        return whole

    def _part(self, image: Pixels) -> Floats:
        rows, cols = image.shape[:2]
        below, right = (PAD + (-(side + 2 * PAD)) % STRIDE for side in (rows, cols))
        padded = cv2.copyMakeBorder(np.ascontiguousarray(image), PAD, below, PAD, right, cv2.BORDER_REPLICATE)
        return self.run(planes_of(np.asarray(padded, dtype=np.uint8)))[:, PAD : PAD + rows, PAD : PAD + cols]

    def run(self, planes: Floats) -> Floats:
        """The bare network: float32 planes ``(2, rows, cols)``, sides multiples of 16, to ``(classes, rows, cols)``."""
        (answer,) = self._session.run(None, {"planes": planes[np.newaxis]})
        return np.asarray(answer[0], dtype=np.float32)

    @cached_property
    def _session(self) -> Any:  # noqa: ANN401 (onnxruntime ships no annotations)
        return open_session(self.weights)


def _starts(length: int) -> list[int]:
    if length <= TILE:
        return [0]
    count = int(np.ceil((length - OVERLAP) / (TILE - OVERLAP)))
    return [round(start) for start in np.linspace(0, length - TILE, count)]


@lru_cache(maxsize=2)
def load_segmenter(weights: Path = WEIGHTS) -> Segmenter:
    """The segmenter with these weights, made once in a process."""
    return Segmenter(weights)
