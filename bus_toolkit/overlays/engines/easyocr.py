"""EasyOCR as an engine (the extra ``bus-toolkit[easyocr]``): CRAFT detection (Baek et al. 2019,
doi 10.1109/CVPR.2019.00959) and a CRNN recogniser, on PyTorch. Slower than the default; a second opinion.
"""  # noqa: D205 (a citation does not break well)

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import cv2
import numpy as np

from bus_toolkit.errors import EngineError
from bus_toolkit.geometry import Box
from bus_toolkit.overlays.engines.base import Detection, Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bus_toolkit.geometry import Pixels

WEIGHTS: Final = ("craft_mlt_25k.pth", "english_g2.pth")
"""Detector and recogniser files of EasyOCR 1.7 for English."""
LANGUAGES: Final = ("en",)
DETECTOR_SCORE: Final = 0.7
"""EasyOCR gives boxes without scores: every box that passed its text threshold (this value) carries it."""
SMALLEST: Final = 6
"""Pixels of the longer side of a box from which it counts; EasyOCR's 20 drops a small "LT"."""
GREY_NDIM: Final = 2


@final
@dataclass(frozen=True, eq=False)
class EasyOcrEngine:
    """EasyOCR, loaded when first used.

    Parameters
    ----------
    allow_download
        Whether EasyOCR may fetch missing weights. Without it a missing file is an error, never a download.
    folder
        Where the weight files are. By default where EasyOCR looks: ``$EASYOCR_MODULE_PATH/model``, else
        ``$MODULE_PATH/model``, else ``~/.EasyOCR/model``.

    Raises
    ------
    EngineError
        At once when the package is missing, or a weight file is and may not be fetched; when first used if the package
        does not load.
    """

    allow_download: bool = False
    folder: Path | None = None
    name: str = field(default="easyocr", init=False)

    def __post_init__(self) -> None:
        if find_spec("easyocr") is None:
            msg = "the engine 'easyocr' must be installed (pip install 'bus-toolkit[easyocr]'). Got no such package"
            raise EngineError(msg)
        missing = [file for file in WEIGHTS if not (self._place / file).is_file()]
        if missing and not self.allow_download:
            where = "the folder given" if self.folder is not None else "$EASYOCR_MODULE_PATH/model or ~/.EasyOCR/model"
            msg = f"the weights of 'easyocr' must be in {where}, or a download allowed. Got no {', '.join(missing)}"
            raise EngineError(msg)

    @property
    def _place(self) -> Path:
        return self.folder if self.folder is not None else default_folder()

    def detect(self, image: Pixels, *, scale: float = 1.0) -> tuple[Detection, ...]:
        """See :meth:`bus_toolkit.overlays.engines.base.TextEngine.detect`."""
        shape = (image.shape[0], image.shape[1])
        size = max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))
        picture = cv2.resize(_rgb(image), size, interpolation=cv2.INTER_LINEAR)
        level, free = self._reader.detect(
            picture, text_threshold=DETECTOR_SCORE, canvas_size=max(size), mag_ratio=1.0, min_size=SMALLEST
        )
        boxes = [(top, left, bottom, right) for left, right, top, bottom in level[0]]
        for corners in free[0]:
            points = np.asarray(corners, dtype=float)
            boxes.append((points[:, 1].min(), points[:, 0].min(), points[:, 1].max(), points[:, 0].max()))
        rows, cols = shape[0] / size[1], shape[1] / size[0]
        placed = (Box.from_list((a * rows, b * cols, c * rows, d * cols)).clip(shape) for a, b, c, d in boxes)
        return tuple(Detection(box=box, score=DETECTOR_SCORE) for box in placed if box.area)

    def recognise(self, crops: Sequence[Pixels]) -> tuple[Reading, ...]:
        """See :meth:`bus_toolkit.overlays.engines.base.TextEngine.recognise`."""
        return tuple(self._read(crop) for crop in crops)

    def _read(self, crop: Pixels) -> Reading:
        grey = cv2.cvtColor(_rgb(crop), cv2.COLOR_RGB2GRAY)
        whole = [[0, grey.shape[1], 0, grey.shape[0]]]
        with warnings.catch_warnings():
            # EasyOCR asks for pinned memory, which only an accelerator has; torch tells so at every crop.
            warnings.filterwarnings("ignore", message=".*pin_memory", category=UserWarning)
            answers = self._reader.recognize(grey, horizontal_list=whole, free_list=[], detail=1)
        text = " ".join(str(answer[1]) for answer in answers).strip()
        confidence = min((float(answer[2]) for answer in answers), default=0.0)
        return Reading(text=text, confidence=min(max(confidence, 0.0), 1.0) if text else 0.0)

    @cached_property
    def _reader(self) -> Any:  # noqa: ANN401 (easyocr ships no annotations)
        try:
            easyocr = import_module("easyocr")
            return easyocr.Reader(
                list(LANGUAGES),
                gpu=False,
                model_storage_directory=str(self._place),
                # A folder for networks of one's own, made in the home folder unless it is there: the weights' will do.
                user_network_directory=str(self._place),
                download_enabled=self.allow_download,
                quantize=False,
                verbose=False,
            )
        except Exception as error:  # whatever it raises, the engine cannot run
            msg = f"the engine 'easyocr' must load. Got {type(error).__name__}"
            raise EngineError(msg) from error


def default_folder() -> Path:
    """Where EasyOCR itself looks for weights."""
    root = os.environ.get("EASYOCR_MODULE_PATH") or os.environ.get("MODULE_PATH")
    return (Path(root) if root else Path.home() / ".EasyOCR") / "model"


def _rgb(image: Pixels) -> Pixels:
    whole = np.ascontiguousarray(image)
    return np.ascontiguousarray(cv2.cvtColor(whole, cv2.COLOR_GRAY2RGB)) if image.ndim == GREY_NDIM else whole
