"""The model card of a run: what it is, what it may be used for, how good it was, what is not known.

Mitchell et al. 2019, doi 10.1145/3287560.3287596.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit._version import __version__
from bus_toolkit.atomic import atomic_text
from bus_toolkit.errors import InputError
from bus_toolkit.evaluation.metrics import POSITIVE
from bus_toolkit.evaluation.runs import MEMBERS, MODEL
from bus_toolkit.evaluation.wording import weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bus_toolkit.evaluation.runs import Run
    from bus_toolkit.evaluation.summary import Summary

CARD: Final = "model_card.json"
SCHEMA: Final = 1
INTENDED: Final = (
    "Research on classifying single B-mode breast ultrasound pictures that were cleaned as those it learned from.",
    "Comparing architectures, ways of training and ways of cleaning.",
)
NOT_FOR: Final = (
    "Diagnosis, triage or any decision about a patient: it is no medical device.",
    (
        "Pictures other than breast B-mode, pictures with marks or text drawn over the tissue, and other patients' "
        "ages, scanners and hospitals than those it was tested on, until it was tested on them."
    ),
)
_TRAINING_KEYS: Final = (
    "epochs",
    "batch_size",
    "optimizer",
    "learning_rate",
    "weight_decay",
    "warmup",
    "label_smoothing",
    "mixup",
    "dropout",
    "augment",
    "class_weights",
    "balance",
    "early_stopping",
    "mixed_precision",
    "fine_tune_from",
    "freeze_batch_norm",
    "fit_last_layer",
    "views",
    "freeze",
)
_HEADLINE: Final = (
    "accuracy",
    "balanced_accuracy",
    "macro_auc",
    "auc.malignant",
    "auc_benign_malignant",
    "sensitivity.malignant",
    "specificity.malignant",
    "sensitivity_at_95_specificity.malignant",
    "normal_called_malignant",
    "normal_misread",
    "brier",
)


def make_card(run: Run, summary: Summary) -> dict[str, Any]:
    """The card as plain JSON. Nothing of it is a path: it may travel with the model."""
    config, data = run.config, summary.data
    return {
        "schema": SCHEMA,
        "name": run.name,
        "architecture": config.get("arch"),
        "weights": weights(config.get("pretrained")),
        "pretrained_sha256": config.get("pretrained_sha256") or None,
        "classes": list(run.classes),
        "positive_class": POSITIVE if POSITIVE in run.classes else None,
        "input": _input(config),
        "output": "softmax probabilities in the order of classes; the highest one is what the scan is called",
        "training": {name: config[name] for name in _TRAINING_KEYS if name in config}
        | {"protocol": config.get("protocol"), "seed": config.get("seed"), "seeds": config.get("seeds")},
        "data": {
            **data["data"],
            "manifest_sha256": config.get("manifest_sha256"),
            "policy_hash": config.get("policy_hash"),
        },
        "ensemble_of": config.get("ensemble_of"),
        "external_test_of": config.get("external_test_of"),
        "models": list(_models(run, data["members"])),
        "figures": {
            name: {key: data["figures"][name][key] for key in ("value", "low", "high", "sd")}
            for name in _HEADLINE
            if name in data["figures"]
        },
        "interval": data["interval"],
        "operating": data["operating"],
        "calibration": data["calibration"],
        "intended_use": list(INTENDED),
        "not_for": list(NOT_FOR),
        "limits": list(_limits(data, external="external_test_of" in config)),
        "versions": dict(config.get("versions") or {}),
        "evaluated_with": {"bus_toolkit": __version__},
        "exports": _exports(run),
    }


def read_card(path: Path) -> dict[str, Any]:
    """Read ``model_card.json``.

    Raises
    ------
    InputError
        With code ``"card"`` when it cannot be read, or is of another version.
    """
    try:
        card = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{CARD} must be readable JSON. Got a {type(error).__name__}"
        raise InputError("card", msg) from None
    if not isinstance(card, dict) or card.get("schema") != SCHEMA:
        msg = f"{CARD} must be of version {SCHEMA}. Got another: score the run again"
        raise InputError("card", msg)
    return card


def add_export(card: Mapping[str, Any], export: Mapping[str, Any]) -> dict[str, Any]:
    """The card with a file that a model was exported to, in the place of one of the same kind.

    ``export`` has ``member``, ``format``, ``quantize``, ``model_sha256`` and what was measured.
    """
    kind = _kind(export)
    others = [one for one in card.get("exports") or () if _kind(one) != kind]
    return {**card, "exports": sorted([*others, dict(export)], key=_kind)}


def _kind(export: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(export.get(name)) for name in ("member", "format", "quantize"))


def _exports(run: Run) -> list[dict[str, Any]]:
    """What the card that is there tells of exported files, as far as the models are still those."""
    try:
        known = read_card(run.folder / CARD).get("exports") or ()
    except InputError:
        return []
    return [
        one
        for one in known
        if one.get("model_sha256") == _digest(run.folder / MEMBERS / str(one.get("member")) / MODEL) is not None
    ]


def write_card(path: Path, card: Mapping[str, Any]) -> None:
    """Write ``model_card.json`` atomically."""
    with atomic_text(path) as stream:
        stream.write(json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _input(config: Mapping[str, Any]) -> dict[str, Any]:
    size = config.get("image_size")
    return {
        "shape": [None, size, size, 1],
        "dtype": "uint8",
        "fit": config.get("fit"),
        "preprocessing": config.get("preprocessing") or "inside the saved model: it takes raw grey values 0 to 255",
    }


def _models(run: Run, members: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for told in members:
        path = run.folder / MEMBERS / told["name"] / MODEL
        yield {
            "name": told["name"],
            "sha256": _digest(path),
            "bytes": path.stat().st_size if path.is_file() else None,
            "temperature": told["temperature"],
            "thresholds": told["thresholds"],
        }


def _digest(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _limits(data: Mapping[str, Any], *, external: bool) -> Iterator[str]:
    """What is not known, or is worse than the figures look."""
    for remark in data["remarks"]:
        yield f"{remark['title']} {remark['text']}"
    if external:
        yield "It was tested on scans from another source than those it learned from. A third may give other figures."
    else:
        yield "It was tested on scans from the same source as those it learned from. Expect less elsewhere."
    yield "Filled pixels (text and marks that cleaning removed) are invented; a model may react to them."
    chosen = [one for member in data["members"] for one in member["thresholds"].values() if one is not None]
    if chosen:
        positives = min(one["val_positives"] for one in chosen)
        negatives = min(one["val_negatives"] for one in chosen)
        yield (
            f"Thresholds were chosen on as few as {positives} malignant and {negatives} other validation scans of one "
            "model, so what they give elsewhere varies."
        )
    yield "Nothing is known about differences between ages, ethnicities, breast densities or scanners unless told here."
