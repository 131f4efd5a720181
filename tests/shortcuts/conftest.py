"""Runs on made-up clean folders: the border tells the class, or it does not; the originals have marks drawn in them."""

import csv
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from bus_toolkit.evaluation import make_predictions, write_predictions
from bus_toolkit.manifest import Row, write_manifest
from bus_toolkit.outcome import Outcome

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
CLASSES = ("benign", "malignant", "normal")
SCANS, SIZE, SHAPE, EDGE = 96, 32, (48, 64), 8
MARK = (slice(20, 26), slice(30, 36))


def picture(label: int, rng: np.random.Generator, *, border: bool) -> np.ndarray:
    """Speckle; with ``border``, its frame is the brighter the higher the number of the class."""
    made = rng.integers(20, 90, SHAPE, dtype=np.uint8)
    if border:
        frame = np.ones(SHAPE, dtype=bool)
        frame[4:-4, 5:-5] = False
        made[frame] = (40 + 50 * label + rng.integers(0, 30, SHAPE))[frame]
    return made


def original_of(clean: np.ndarray, *, mark: bool) -> np.ndarray:
    """The clean picture with writing around it, and with a bright mark within."""
    whole = np.zeros((SHAPE[0] + EDGE + 4, SHAPE[1] + 2 * EDGE), np.uint8)
    whole[2:6, ::3] = 255
    inner = clean.copy()
    if mark:
        inner[MARK] = 250
    whole[EDGE : EDGE + SHAPE[0], EDGE : EDGE + SHAPE[1]] = inner
    return whole


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A run of two folds with predictions and no models, its clean folder, and its originals in ``source``."""

    def made(name: str, *, border: bool, marks: bool = False) -> Path:
        folder = tmp_path_factory.mktemp(name)
        rng = np.random.default_rng(3)
        rows = []
        for number in range(SCANS):
            label = number // 2 % 3
            clean = picture(label, rng, border=border)
            image = f"images/{CLASSES[label]}/s{number:03d}.png"
            original = original_of(clean, mark=marks and not label)
            places = folder / "clean" / image, folder / "source" / CLASSES[label] / f"s{number:03d}.png"
            for path, pixels in zip(places, (clean, original), strict=True):
                path.parent.mkdir(parents=True, exist_ok=True)
                assert cv2.imwrite(str(path), pixels)
            rows.append(row(number, CLASSES[label], image, folder / "clean" / image))
        write_manifest(folder / "clean" / "manifest.csv", rows)
        return write_run(folder / "run", folder / "clean" / "manifest.csv", rows)

    return made


def row(number: int, label: str, image: str, path: Path) -> Row:
    return Row(
        id=f"s{number:03d}",
        label=label,
        outcome=Outcome.KEPT,
        reasons=(),
        media="png",
        image=image,
        dicom="",
        patient="",
        group=f"g{number // 2}",
        rows=SHAPE[0],
        cols=SHAPE[1],
        frames=1,
        spacing_row_mm=None,
        spacing_col_mm=None,
        anonymised=True,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        dicom_sha256="",
    )


def write_run(folder: Path, manifest: Path, rows: list[Row]) -> Path:
    folder.mkdir()
    lines = []
    for fold in (0, 1):
        tested = [one for number, one in enumerate(rows) if number // 6 % 2 == fold]
        ids = {one.id for one in tested}
        for one in rows:
            part = "test" if one.id in ids else "train"
            lines.append((one.id, one.image, one.label, one.group, "", part, str(fold)))
        member = folder / "members" / f"fold-{fold}"
        member.mkdir(parents=True)
        labels = [CLASSES.index(one.label) for one in tested]
        said = np.full((len(tested), 3), 1 / 3)
        groups = [one.group for one in tested]
        predictions = make_predictions(labels, said, classes=CLASSES, ids=[one.id for one in tested], groups=groups)
        write_predictions(member / "predictions.csv", predictions)
    with (folder / "splits.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("id", "image", "label", "group", "patient", "part", "fold"))
        writer.writerows(lines)
    config = {
        "name": "made",
        "classes": list(CLASSES),
        "image_size": SIZE,
        "fit": "pad",
        "folds": 2,
        "members": ["fold-0", "fold-1"],
        "manifest": str(manifest),
        "manifest_sha256": hashlib.sha256(manifest.read_bytes()).hexdigest(),
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="session")
def telling(make_run: Callable[..., Path]) -> Path:
    return make_run("telling", border=True)


@pytest.fixture(scope="session")
def silent(make_run: Callable[..., Path]) -> Path:
    return make_run("silent", border=False, marks=True)
