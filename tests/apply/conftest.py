"""A run of tiny models on a made clean folder, and scans that cleaning keeps, rejects and cannot read."""

import hashlib
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from bus_toolkit.manifest import Row, write_manifest
from bus_toolkit.outcome import Outcome
from bus_toolkit.training import Recipe, train

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
CLASSES = ("benign", "malignant", "normal")
SIDE = 32


def made_clean(folder: Path, scans: int, *, seed: int, prefix: str, labels: tuple[str, ...] = CLASSES) -> Path:
    """A clean folder of classes that differ in brightness; its manifest."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(scans):
        label = labels[number % len(labels)]
        path = folder / "images" / label / f"{prefix}{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = random.integers(0, 60, (40, 52), np.uint8) + np.uint8(70 * (number % 3))
        assert cv2.imwrite(str(path), picture)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append(made_row(f"{prefix}{number:03d}", label, str(path.relative_to(folder)), digest))
    rows.append(made_row(f"{prefix}rejected", "benign", "", ""))
    write_manifest(folder / "manifest.csv", rows)
    return folder / "manifest.csv"


def made_row(scan: str, label: str, image: str, digest: str) -> Row:
    return Row(
        id=scan,
        label=label,
        outcome=Outcome.KEPT if image else Outcome.REJECTED,
        reasons=() if image else ("caliper",),
        media="png",
        image=image,
        dicom="",
        patient="",
        group=f"g{scan}",
        rows=40,
        cols=52,
        frames=1,
        spacing_row_mm=None,
        spacing_col_mm=None,
        anonymised=True,
        sha256=digest,
        dicom_sha256="",
    )


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_clean(tmp_path_factory.mktemp("apply") / "own-clean", 60, seed=1, prefix="s")


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    labels = (*CLASSES, "unlabelled")
    return made_clean(tmp_path_factory.mktemp("apply") / "other-clean", 16, seed=2, prefix="e", labels=labels)


def _train(manifest: Path, out: Path, **more: object) -> Path:
    recipe = Recipe(arch="tinycnn", image_size=SIDE, batch_size=8, epochs=1, dropout=0.0, **more)  # type: ignore[arg-type]
    train(recipe, manifest, out)
    return out


@pytest.fixture(scope="session")
def runs(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two repeated runs."""
    return _train(manifest, tmp_path_factory.mktemp("runs") / "twice", runs=2)


@pytest.fixture(scope="session")
def folds(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folds."""
    out = tmp_path_factory.mktemp("runs") / "folds"
    return _train(manifest, out, runs=1, folds=2, protocol="grouped-kfold")
