"""Run folders as bus-train writes them, from made-up predictions whose truth is known."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from bus_toolkit.evaluation import Predictions, make_predictions, write_predictions
from bus_toolkit.manifest import Row, write_manifest
from bus_toolkit.outcome import Outcome

CLASSES = ("benign", "malignant", "normal")


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def said(labels: np.ndarray, skill: float, seed: int, classes: int = 3) -> np.ndarray:
    """Probabilities of a model that knows the labels to some degree."""
    logits = np.random.default_rng(seed).normal(size=(labels.size, classes))
    logits[np.arange(labels.size), labels] += skill
    return softmax(1.5 * logits)


def made(scans: int = 120, skill: float = 1.5, seed: int = 0, *, group: int = 3, prefix: str = "s") -> Predictions:
    """Test predictions with groups of ``group`` scans of one label."""
    labels = (np.arange(scans) // group) % len(CLASSES)
    groups = [f"{prefix}g{number // group}" for number in range(scans)]
    ids = [f"{prefix}{number:04d}" for number in range(scans)]
    return make_predictions(labels, said(labels, skill, seed), classes=CLASSES, ids=ids, groups=groups)


def clean_folder(folder: Path, scans: Predictions, *, anonymised: bool = True) -> Path:
    """A manifest and one small picture for each scan."""
    import cv2

    folder.mkdir()
    rows = []
    for number, scan in enumerate(scans.ids):
        picture = np.random.default_rng(number).integers(0, 255, (60, 80), dtype=np.uint8)
        assert cv2.imwrite(str(folder / f"{scan}.png"), picture)
        digest = hashlib.sha256((folder / f"{scan}.png").read_bytes()).hexdigest()
        rows.append(
            Row(
                id=scan,
                label=CLASSES[scans.labels[number]],
                outcome=Outcome.KEPT,
                reasons=(),
                media="png",
                image=f"{scan}.png",
                dicom="",
                patient="",
                group=scans.groups[number],
                rows=60,
                cols=80,
                frames=1,
                spacing_row_mm=None,
                spacing_col_mm=None,
                anonymised=anonymised,
                sha256=digest,
                dicom_sha256="",
            )
        )
    write_manifest(folder / "manifest.csv", rows)
    return folder / "manifest.csv"


def run_folder(
    folder: Path,
    *,
    runs: int = 3,
    folds: int = 0,
    skill: float = 1.5,
    seed: int = 0,
    leak: bool = False,
    manifest: Path | None = None,
    **config: Any,
) -> Path:
    """A finished run of 120 tested scans and 60 for validation (with folds, each fold is tested once)."""
    names = [f"fold-{n}" for n in range(folds)] if folds else [f"run-{n}" for n in range(runs)]
    test, val = made(skill=skill, seed=seed), made(60, skill, seed + 100, prefix="v")
    splits = []
    for number, name in enumerate(names):
        every = made(skill=skill, seed=seed + number)
        block = (np.arange(len(test)) // 3 // 3) % folds == number if folds else np.ones(len(test), dtype=bool)
        member = every.take(block)
        member_dir = folder / "members" / name
        member_dir.mkdir(parents=True)
        chosen = val.with_probabilities(said(val.labels, skill, seed + 200 + number))
        _write(member_dir / "predictions.csv", member, chosen)
        _history(member_dir / "history.csv", seed + number)
        (member_dir / "model.keras").write_bytes(b"not really a model")
        if folds or not number:
            fold = str(number)
            splits += [(i, f"{i}.png", CLASSES[k], g, "", "test", fold) for i, k, g in _rows(member)]
            splits += [(i, f"{i}.png", CLASSES[k], g, "", "val", fold) for i, k, g in _rows(val)]
            group = "sg0" if leak else ""
            splits += [(f"t{n}", f"t{n}.png", CLASSES[n % 3], group, "", "train", fold) for n in range(90)]
    with (folder / "splits.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("id", "image", "label", "group", "patient", "part", "fold"))
        writer.writerows(splits)
    told = {
        "name": folder.name,
        "arch": "resnet50",
        "pretrained": False,
        "classes": list(CLASSES),
        "image_size": 224,
        "fit": "pad",
        "seed": 123,
        "seeds": [123 + n for n in range(len(names))],
        "runs": runs,
        "folds": folds,
        "members": names,
        "protocol": "grouped-kfold" if folds else "grouped",
        "epochs": 20,
        "batch_size": 16,
        "manifest": str(manifest or ""),
        "manifest_sha256": hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest else "",
        "policy_hash": "ab" * 32,
        "versions": {"bus_toolkit": "0.1.0", "keras": "3.15.1"},
        "command": "bus-train --arch resnet50",
        **config,
    }
    (folder / "config.json").write_text(json.dumps(told))
    return folder


def _rows(predictions: Predictions) -> list[tuple[str, int, str]]:
    return list(zip(predictions.ids, predictions.labels.tolist(), predictions.groups, strict=True))


def _write(path: Path, test: Predictions, val: Predictions) -> None:
    write_predictions(
        path,
        make_predictions(
            np.concatenate([test.labels, val.labels]),
            np.concatenate([test.probabilities, val.probabilities]),
            classes=CLASSES,
            ids=(*test.ids, *val.ids),
            groups=(*test.groups, *val.groups),
            parts=("test",) * len(test) + ("val",) * len(val),
        ),
    )


def _history(path: Path, seed: int) -> None:
    shake = np.random.default_rng(seed)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds", "learning_rate"))
        for epoch in range(1, 21):
            loss = 1.1 * np.exp(-epoch / 6)
            noise = shake.normal(0, 0.03, 2)
            writer.writerow(
                (epoch, loss, 1 - loss / 2, 0.4 + loss / 2 + noise[0], 0.8 - loss / 3 + noise[1], 12.5, 0.001)
            )
