"""The default engine: the PP-OCRv6 small models that ship inside the ``rapidocr`` wheel, run on onnxruntime.

Only the model files of that package are used. Its Python code is never imported, so none of it can fetch anything or
keep a flag from one call to the next. Detection is a "differentiable binarisation" network (Liao et al. 2020,
doi 10.1609/aaai.v34i07.6812): it gives the probability of text for each pixel, on a shrunken kernel of each line,
which is grown back here. Recognition is a CTC decoder (Graves et al. 2006, doi 10.1145/1143844.1143891).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, final

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.errors import EngineError
from bus_toolkit.geometry import Box
from bus_toolkit.overlays.engines.base import Detection, Reading
from bus_toolkit.overlays.engines.onnx_weights import open_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bus_toolkit.geometry import Pixels

Floats = npt.NDArray[np.float32]

DETECTOR_FILE = "PP-OCRv6_det_small.onnx"
RECOGNISER_FILE = "PP-OCRv6_rec_small.onnx"
GREY_NDIM = 2

STRIDE = 32
"""Both sides of the detector's input must be multiples of this."""
KERNEL_PROBABILITY = 0.3
"""Pixels above this belong to the kernel of a line (the value that the network was trained for)."""
LINE_PROBABILITY = 0.5
"""A kernel with a smaller mean is no line."""
KERNEL_SIDE = 2
"""A kernel with a smaller side, in pixels of the network's map, is noise."""
GROWTH = 1.8
"""A kernel grows by this times area over perimeter. 1.6 is usual; 1.8 covers outlines and anti-aliased edges too."""

LINE_HEIGHT = 48
"""Rows of the recogniser's input."""
LINE_WIDTHS = (48, 96, 160, 240, 320, 480, 640, 960)
"""Columns of the recogniser's input: a crop goes into the first that holds it, the longest lines are squeezed."""
BATCH = 8
"""Crops read at once; more needs more memory and is not faster on one thread."""


@final
@dataclass(frozen=True, slots=False, eq=False)
class RapidOcrEngine:
    """The PP-OCRv6 small detector and recogniser, each loaded when first used.

    Parameters
    ----------
    folder
        Where the two model files are; by default in the installed ``rapidocr`` package.

    Raises
    ------
    EngineError
        When the package is missing (at once), or one of its model files is (when first used).
    """

    folder: Path | None = None
    name: str = field(default="rapidocr", init=False)

    def __post_init__(self) -> None:
        self._model(DETECTOR_FILE)

    def detect(self, image: Pixels, *, scale: float = 1.0) -> tuple[Detection, ...]:
        """See :meth:`bus_toolkit.overlays.engines.base.TextEngine.detect`."""
        rows, cols = image.shape[:2]
        height, width = (max(STRIDE, round(side * scale / STRIDE) * STRIDE) for side in (rows, cols))
        blob = _signed(_resized(image, width, height)).transpose(2, 0, 1)[np.newaxis]
        (answer,) = self._detector.run(None, {"x": np.ascontiguousarray(blob)})
        return lines_of(answer[0, 0], (rows, cols))

    def recognise(self, crops: Sequence[Pixels]) -> tuple[Reading, ...]:
        """See :meth:`bus_toolkit.overlays.engines.base.TextEngine.recognise`."""
        readings: list[Reading | None] = [None] * len(crops)
        groups: dict[int, list[int]] = {}
        for index, crop in enumerate(crops):
            groups.setdefault(_width_for(crop), []).append(index)
        for width, indices in groups.items():
            for start in range(0, len(indices), BATCH):
                part = indices[start : start + BATCH]
                blob = np.stack([_line(crops[index], width) for index in part])
                (answer,) = self._recogniser.run(None, {"x": blob})
                for index, probabilities in zip(part, answer, strict=True):
                    readings[index] = decode(probabilities, self._characters)
        return tuple(reading for reading in readings if reading is not None)

    @cached_property
    def _detector(self) -> Any:  # noqa: ANN401 (onnxruntime ships no annotations)
        return open_session(self._model(DETECTOR_FILE))

    @cached_property
    def _recogniser(self) -> Any:  # noqa: ANN401
        return open_session(self._model(RECOGNISER_FILE))

    @cached_property
    def _characters(self) -> tuple[str, ...]:
        """Character of each class; class 0 is "nothing", the last is a space."""
        known = self._recogniser.get_modelmeta().custom_metadata_map
        if "character" not in known:
            msg = f"{RECOGNISER_FILE} must hold its list of characters. Got a model without one"
            raise EngineError(msg)
        return ("", *known["character"].splitlines(), " ")

    def _model(self, file: str) -> Path:
        if self.folder is not None:
            return self.folder / file
        spec = find_spec("rapidocr")
        if spec is None or not spec.submodule_search_locations:
            msg = "the engine 'rapidocr' must be installed (pip install 'rapidocr>=3.10,<4'). Got no such package"
            raise EngineError(msg)
        return Path(next(iter(spec.submodule_search_locations))) / "models" / file


def lines_of(probability: Floats, shape: tuple[int, int]) -> tuple[Detection, ...]:
    """Boxes of the lines in a probability map.

    Parameters
    ----------
    probability
        ``(rows, cols)`` float, 0 to 1, of any size.
    shape
        ``(rows, cols)`` of the picture that the map covers: boxes are in its pixels and inside it.
    """
    fine = (shape[0] / probability.shape[0], shape[1] / probability.shape[1])
    kernel = (probability > KERNEL_PROBABILITY).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(kernel, connectivity=8)
    found = []
    for index in range(1, count):
        col, row, width, height = (int(value) for value in stats[index, :4])
        if min(width, height) < KERNEL_SIDE:
            continue
        part = np.s_[row : row + height, col : col + width]
        score = float(probability[part][labels[part] == index].mean())
        if score < LINE_PROBABILITY:
            continue
        grow = width * height * GROWTH / (2 * (width + height))
        sides = (
            (row - grow) * fine[0],
            (col - grow) * fine[1],
            (row + height + grow) * fine[0],
            (col + width + grow) * fine[1],
        )
        box = Box.from_list(sides).clip(shape)
        if box.area:
            found.append(Detection(box=box, score=min(score, 1.0)))
    return tuple(found)


def decode(probabilities: Floats, characters: Sequence[str]) -> Reading:
    """Best path of a CTC output ``(steps, classes)``: repeats fold, class 0 is nothing."""
    best = probabilities.argmax(axis=1)
    keep = best != 0
    keep[1:] &= best[1:] != best[:-1]
    if not keep.any():
        return Reading(text="", confidence=0.0)
    text = "".join(characters[index] for index in best[keep])
    return Reading(text=text, confidence=float(min(probabilities.max(axis=1)[keep].mean(), 1.0)))


def _resized(image: Pixels, width: int, height: int) -> Pixels:
    small = cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=cv2.INTER_LINEAR)
    return cast("Pixels", small)


def _signed(image: Pixels) -> Floats:
    """Three channels in BGR order (what the networks were trained on), -1 to 1."""
    code = cv2.COLOR_GRAY2BGR if image.ndim == GREY_NDIM else cv2.COLOR_RGB2BGR
    return cv2.cvtColor(image, code).astype(np.float32) / np.float32(127.5) - np.float32(1)


def _natural_width(crop: Pixels) -> int:
    return max(1, round(LINE_HEIGHT * float(crop.shape[1]) / float(crop.shape[0])))


def _width_for(crop: Pixels) -> int:
    wanted = _natural_width(crop)
    return next((width for width in LINE_WIDTHS if width >= wanted), LINE_WIDTHS[-1])


def _line(crop: Pixels, width: int) -> Floats:
    """One crop as ``(3, 48, width)``, -1 to 1, empty on the right."""
    inner = min(width, _natural_width(crop))
    line = np.zeros((LINE_HEIGHT, width, 3), dtype=np.float32)
    line[:, :inner] = _signed(_resized(crop, inner, LINE_HEIGHT))
    return np.ascontiguousarray(line.transpose(2, 0, 1))
