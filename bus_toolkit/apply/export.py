"""A model of a run as a file for phones or any machine, measured against the model before it is given away."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from bus_toolkit.apply.material import material
from bus_toolkit.apply.trained import POINTS, threshold_on
from bus_toolkit.atomic import atomic_text
from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.evaluation.card import CARD, add_export, make_card, read_card, write_card
from bus_toolkit.evaluation.metrics import POSITIVE
from bus_toolkit.evaluation.predictions import make_predictions
from bus_toolkit.evaluation.report import CARD_PAGE, write_card_page
from bus_toolkit.evaluation.summary import summarise
from bus_toolkit.models.export import ENDINGS, export
from bus_toolkit.models.facts import NEVER
from bus_toolkit.models.parity import Exported, Parity, compare
from bus_toolkit.models.weights import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bus_toolkit.apply.material import Material
    from bus_toolkit.apply.trained import Trained
    from bus_toolkit.models.export import Format, Quantize

CALIBRATION: Final = 200
"""Training scans that ranges are taken from: more change nothing that can be seen, and cost time."""
MOST_CHANGE: Final = 0.01
"""Change of accuracy, as a share, above which an exported model needs attention."""
_ROUNDING: Final = 1e-9


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A file that was written and measured.

    Attributes
    ----------
    path, member, format, quantize
        What it is, and of which model of the run.
    calibrated_on
        How many scans, of the member's training part.
    thresholds
        By operating point, the malignant score from which this file calls a scan malignant; chosen on its own
        probabilities for validation scans, for 8 bits can move them.
    parity
        How it compares with the model.
    """

    path: Path
    member: str
    format: str
    quantize: str
    calibrated_on: int
    thresholds: dict[str, float | None]
    parity: Parity

    @property
    def needs_attention(self) -> bool:
        """Whether accuracy changed by more than a point, up or down."""
        return abs(self.parity.accuracy_change or 0.0) > MOST_CHANGE + _ROUNDING

    def as_json(self) -> dict[str, Any]:
        """For the model card: nothing of it is a path."""
        return {
            "file": self.path.name,
            "member": self.member,
            "format": self.format,
            "quantize": self.quantize,
            "calibrated_on": self.calibrated_on,
            "sha256": sha256_of(self.path),
            "thresholds": self.thresholds,
            **self.parity.to_json(),
        }


def export_member(
    trained: Trained,
    path: Path,
    *,
    format: Format = "litert",  # noqa: A002 - the word of the command line
    quantize: Quantize = "none",
    tell: Callable[[str], None] | None = None,
) -> Export:
    """Write a model of a run as a file, measure it on the member's test scans, and tell the run's model card.

    Parameters
    ----------
    trained
        With one member.
    path
        Ends in ``.tflite`` (LiteRT) or ``.onnx``; facts go beside it, with ``.json`` behind.
    format, quantize
        See :func:`bus_toolkit.models.export.export`. Ranges for ``int8`` come from the member's training scans.
    tell
        Called with what is done next.

    Raises
    ------
    ConfigError
        When an argument is not what it must be.
    InputError
        When the manifest or a picture that the run was trained on is missing or changed. Then nothing is written.
    OSError
        When a file cannot be written.
    """
    _check(trained, path, format)
    say = tell or _silent
    (member,) = trained.members
    say("Reading pictures")
    # All of them before anything is written: what cannot be measured is not to be exported.
    test, val = material(trained, member, "test"), _validation(trained, member)
    train = material(trained, member, "train", most=CALIBRATION) if quantize == "int8" else None
    say("Loading the model")
    model = trained.load(member)
    say("Converting")
    export(model, path, format=format, quantize=quantize, calibration=None if train is None else train.squares)
    say("Comparing with the model")
    parity = compare(model, path, test.squares, test.labels)
    made = Export(
        path=path,
        member=member,
        format=format,
        quantize=quantize,
        calibrated_on=0 if train is None else len(train.labels),
        thresholds=_thresholds(trained, path, val),
        parity=parity,
    )
    _tell_facts(made)
    _tell_card(trained, made)
    return made


def _silent(_sentence: str) -> None:
    pass


def _check(trained: Trained, path: Path, form: str) -> None:
    if len(trained.members) != 1:
        msg = "one model at a time must be exported. Got several members"
        raise ConfigError(msg)
    if path.suffix != ENDINGS.get(form):
        msg = f"--out must end in {ENDINGS.get(form)} for {form}. Got {'another' if path.suffix else 'no'} ending"
        raise ConfigError(msg)
    if not path.parent.is_dir():
        msg = "--out must be a file in a folder that exists. Got one in no folder"
        raise ConfigError(msg)


def _validation(trained: Trained, member: str) -> Material | None:
    """None for a run that was trained without validation scans."""
    if POSITIVE not in trained.classes or not len(trained.said_on_validation(member)):
        return None
    return material(trained, member, "val")


def _thresholds(trained: Trained, path: Path, val: Material | None) -> dict[str, float | None]:
    if val is None:
        return {}
    said = Exported(path).predict(val.squares).astype(np.float64)
    predictions = make_predictions(val.labels, said / said.sum(axis=1, keepdims=True), classes=trained.classes)
    found = {name: threshold_on(predictions, wanted) for name, wanted in POINTS.items()}
    # On a phone the threshold will be a float32, in which what lies barely above 1 is 1.
    return {name: None if value is None else NEVER if value > 1 else value for name, value in found.items()}


def _tell_facts(made: Export) -> None:
    """The thresholds into the facts beside the file."""
    path = made.path.with_name(f"{made.path.name}.json")
    facts = json.loads(path.read_text("utf-8"))
    point = next(iter(POINTS))
    threshold = made.thresholds.get(point)
    if threshold is not None:
        facts |= {"positive": POSITIVE, "threshold": threshold, "threshold_for": point}
    facts["thresholds"] = made.thresholds
    with atomic_text(path) as stream:
        stream.write(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")


def _tell_card(trained: Trained, made: Export) -> None:
    run = trained.run
    path = run.folder / CARD
    try:
        card = read_card(path)
    except InputError:
        card = make_card(run, summarise(run))
    model = sha256_of(trained.path(made.member))
    card = add_export(card, {**made.as_json(), "model_sha256": model})
    write_card(path, card)
    write_card_page(run.folder / CARD_PAGE, card)
