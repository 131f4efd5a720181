"""A small clean folder: three classes that differ in brightness, some patients, some groups of near-duplicates."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from bus_toolkit.manifest import Row, write_manifest
from bus_toolkit.outcome import Outcome

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
CLASSES = ("benign", "malignant", "normal")


def make_row(number: int, *, label: str, group: str = "", patient: str = "", image: str = "", sha256: str = "") -> Row:
    return Row(
        id=f"s{number:03d}",
        label=label,
        outcome=Outcome.KEPT,
        reasons=(),
        media="png",
        image=image or f"images/{label}/s{number:03d}.png",
        dicom="",
        patient=patient,
        group=group,
        rows=40,
        cols=52,
        frames=1,
        spacing_row_mm=None,
        spacing_col_mm=None,
        anonymised=False,
        sha256=sha256 or "0" * 64,
        dicom_sha256="",
    )


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """42 scans of 3 classes; every seventh shares its group with the next, and every fifth a patient with another."""
    folder = tmp_path_factory.mktemp("data") / "made-clean"
    rng = np.random.default_rng(1)
    rows = []
    for number in range(42):
        label = CLASSES[number % 3]
        path = folder / "images" / label / f"s{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = rng.integers(0, 60, (40, 52), np.uint8) + np.uint8(70 * (number % 3))
        assert cv2.imwrite(str(path), picture)
        rows.append(
            make_row(
                number,
                label=label,
                group=f"g{number // 7}" if number % 7 < 2 else f"alone{number}",
                patient=f"p{number // 10}" if number % 5 == 0 else "",
                image=str(path.relative_to(folder)),
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            )
        )
    write_manifest(folder / "manifest.csv", rows)
    return folder


@pytest.fixture(scope="session")
def row() -> Callable[..., Row]:
    return make_row
