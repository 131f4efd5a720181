"""The model card of trained weights: what they are, how they came about, what they are good for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from bus_toolkit._version import __version__
from bus_toolkit.atomic import atomic_text
from bus_toolkit.overlays.engines.segmenter import CLASSES, Segmenter
from bus_toolkit.segmenter.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bus_toolkit.segmenter.backgrounds import Backgrounds
    from bus_toolkit.segmenter.fit import Recipe
    from bus_toolkit.segmenter.lessons import Teacher

LIKELY = 0.5


def write_card(
    path: Path, weights: Path, recipe: Recipe, backgrounds: Backgrounds, about: dict[str, Any]
) -> dict[str, Any]:
    """Write the card of ``weights`` to ``path`` (JSON), and give it back; ``about`` is added to it."""
    data = weights.read_bytes()
    card = {
        "model": "overlay segmenter of bus_toolkit",
        "version": __version__,
        "classes": list(CLASSES),
        "input": "float32 (1, 2, rows, cols), 0 to 1: brightest channel, and its distance to the darkest; sides "
        "multiples of 16",
        "output": "float32 (1, classes, rows, cols): probabilities that such a thing was drawn over the pixel",
        "architecture": asdict(Spec()),
        "recipe": asdict(recipe),
        "backgrounds": {
            "scans": len(backgrounds.scans),
            "left_out": backgrounds.left_out,
            "phantoms": len(backgrounds.phantoms),
            "digest": backgrounds.digest,
        },
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "intended_use": "finding what machines and operators draw over ultrasound pictures, as evidence beside OCR",
        "not_for": "diagnosis; proving alone that nothing is left",
        **about,
    }
    with atomic_text(path) as stream:
        json.dump(card, stream, indent=2, ensure_ascii=False)
        stream.write("\n")
    return card


def measure(weights: Path, teacher: Teacher, *, pictures: int, seed: int) -> dict[str, Any]:
    """Recall and precision of likely pixels for each class, on painted pictures that were held out.

    Returns
    -------
    For each class ``recall`` and ``precision``, 0 to 1, over the pixels of all pictures; and their number.
    """
    segmenter = Segmenter(weights)
    counts = np.zeros((len(CLASSES), 3))
    for number in range(pictures):
        image, truth = teacher.picture(np.random.default_rng((seed, number)))
        likely = segmenter.probabilities(image) > LIKELY
        both = (likely & truth).sum(axis=(1, 2))
        counts += np.stack([both, likely.sum(axis=(1, 2)), truth.sum(axis=(1, 2))], axis=1)
    return {"pictures": pictures, **{name: _shares(counts[index]) for index, name in enumerate(CLASSES)}}


def _shares(counts: Sequence[float] | np.ndarray[Any, Any]) -> dict[str, float]:
    both, found, there = (float(value) for value in counts)
    return {"recall": round(both / max(there, 1), 4), "precision": round(both / max(found, 1), 4)}
