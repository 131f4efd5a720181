"""Records with planted secrets: whatever is public must not hold any of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bus_toolkit.audit.run import run_summary
from bus_toolkit.geometry import Box, Fan, Pixels
from bus_toolkit.outcome import Outcome, Reason
from bus_toolkit.record import Record
from bus_toolkit.stage import Finding, Kind, Plan

Make = Callable[..., Record]
Summarise = Callable[..., dict[str, Any]]

SECRETS = ("CANARYFILE", "CANARYTEXT", "CANARYREVIEW", "c0ffee" * 10, "CANARYFINGERPRINT", "CANARYPATH")


def _make(number: int, outcome: Outcome = Outcome.KEPT, **changes: Any) -> Record:
    label = ("benign", "malignant", "normal", "unlabelled")[number % 4]
    kept = outcome is Outcome.KEPT
    reasons = () if kept else (Reason(code=f"why-{outcome}", detail=f"it was {outcome} for a test"),)
    seen = Finding(kind=Kind.TEXT, box=Box(2, 3, 9, 20), score=0.75, detector="eye", text=f"CANARYTEXT {number}")
    facts = {
        "file": f"{label}/CANARYFILE <b>Ann & Bob</b> {number:04d}.png",
        "source_sha256": "c0ffee" * 10 + f"{number:04d}",
        "size": 1234,
        "mtime_ns": 5678,
        "id": f"s{number:05d}",
        "label": label,
        "patient": f"p{number // 2:05d}",
        "media": "png",
        "outcome": outcome,
        "reasons": reasons,
        "plans": () if outcome is Outcome.FAILED else (Plan(stage="find-text", findings=(seen,)),),
        "image": f"images/{label}/s{number:05d}.png" if kept else "",
        "image_sha256": f"{number:064x}" if kept else "",
        "rows": 40,
        "cols": 60,
        "frames": 1,
        "spacing_mm": (0.1, 0.2),
        "fingerprint": "CANARYFINGERPRINT",
        "before": f"review/CANARYREVIEW {number}-before.jpg",
        "after": f"review/CANARYREVIEW {number}-after.jpg" if kept else "",
        "cpu_ms": {} if outcome is Outcome.FAILED else {"read": 2.0, "find-text": 40.5},
    }
    return Record(**(facts | changes))


@pytest.fixture
def secrets() -> tuple[str, ...]:
    return SECRETS


@pytest.fixture
def make_record() -> Make:
    return _make


@pytest.fixture
def records() -> list[Record]:
    """Eight kept, four rejected, three quarantined, one failed."""
    outcomes = [Outcome.KEPT] * 8 + [Outcome.REJECTED] * 4 + [Outcome.QUARANTINED] * 3 + [Outcome.FAILED]
    return [_make(number, outcome) for number, outcome in enumerate(outcomes)]


@pytest.fixture
def picture() -> np.ndarray:
    """Grey speckle, 40 rows, 60 columns."""
    return np.random.default_rng(7).integers(20, 90, (40, 60), dtype=np.uint8)


@pytest.fixture
def fan() -> Fan:
    mask = np.zeros((40, 60), dtype=np.bool_)
    mask[5:35, 10:50] = True
    corners = ((5.0, 10.0), (5.0, 50.0), (35.0, 50.0), (35.0, 10.0))
    return Fan(mask=mask, box=Box(5, 10, 35, 50), polygon=corners, shape="linear", background=(0,), score=0.9)


@pytest.fixture
def summarise() -> Summarise:
    """A summary of records with the facts of a run that has secrets in its options."""

    def made(records: list[Record], **changes: Any) -> dict[str, Any]:
        facts = {
            "inputs": len(records),
            "policy": "york",
            "policy_hash": "ab" * 32,
            "version": "0.1.0",
            "options": {"jobs": 2, "labels": Path("/home/CANARYPATH/labels.csv"), "engine": "rapidocr"},
            "seconds": 4.0,
            "anonymised": True,
            "key_fingerprint": "9f3a1c77",
            "sentences": ("Reject a scan when a caliper is drawn on the picture.",),
            "aside": {"companion mask": 3},
        }
        return run_summary(iter(records), **(facts | changes))

    return made


@pytest.fixture
def out(tmp_path: Path, records: list[Record], picture: Pixels) -> Path:
    """An output folder with the pictures that the kept records name."""
    for record in records:
        if record.image:
            path = tmp_path / record.image
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), picture)
    return tmp_path
