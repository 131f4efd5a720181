"""A small source folder of framed phantoms."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from bus_toolkit.synth import make_phantom


def speckle(seed: int, rows: int = 160, cols: int = 220) -> np.ndarray:
    return make_phantom(np.random.default_rng(seed), rows=rows, cols=cols, fan="full", lesion="benign").image


def framed(tissue: np.ndarray, banner: str = "") -> np.ndarray:
    picture = np.zeros((tissue.shape[0] + 60, tissue.shape[1] + 60), np.uint8)
    picture[40:-20, 30:-30] = tissue
    if banner:
        cv2.putText(picture, banner, (4, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 230, 1, cv2.LINE_AA)
    return picture


@pytest.fixture
def source(tmp_path: Path) -> Path:
    src = tmp_path / "raw_york"
    for label, seeds in (("benign", (1, 2)), ("malignant", (3,)), ("normal", (4,))):
        (src / label).mkdir(parents=True)
        for seed in seeds:
            picture = framed(speckle(seed), "CANARY^NAME 12.03.1961" if seed == 3 else "")
            assert cv2.imwrite(str(src / label / f"scan {seed}.png"), picture)
    (src / "normal" / "broken.png").write_bytes((src / "normal" / "scan 4.png").read_bytes()[:900])
    return src
