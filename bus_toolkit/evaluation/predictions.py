"""What a model said about scans, and what they are: the only thing that the figures are made from."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import numpy.typing as npt

from bus_toolkit.atomic import atomic_text
from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.evaluation.clusters import clusters
from bus_toolkit.manifest import from_cell, to_cell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

COLUMNS: Final = ("id", "label", "group", "patient", "part")
"""The columns before the probabilities, which are called ``p_CLASS``."""
_PREFIX: Final = "p_"
_SUM_TOLERANCE: Final = 0.005
"""Half precision sums to 1 within about this much over a few classes."""
_LEAST_CLASSES: Final = 2
_FIRST_DATA_ROW: Final = 2


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions:
    """Probabilities for scans whose label is known.

    Parameters
    ----------
    classes
        Names of the classes, in the order of the columns of ``probabilities``.
    ids
        One for each scan, no two alike.
    labels
        int64, ``(scans,)``: the true class as an index into ``classes``.
    probabilities
        float64, ``(scans, classes)``, 0 to 1, each row adding up to 1.
    groups, patients
        One text for each scan, empty when there is none. Scans that share one are not independent.
    parts
        ``"train"``, ``"val"`` or ``"test"`` for each scan: what the model that spoke had used it for.

    Raises
    ------
    ConfigError
        When something is not as told above.
    """

    classes: tuple[str, ...]
    ids: tuple[str, ...]
    labels: IntArray
    probabilities: FloatArray
    groups: tuple[str, ...]
    patients: tuple[str, ...]
    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        known = set(self.classes)
        _require(
            len(known) == len(self.classes) >= _LEAST_CLASSES and all(known), "classes must be two or more, all named"
        )
        scans = len(self.ids)
        _require(len(set(self.ids)) == scans, "ids must be unique")
        for name in ("groups", "patients", "parts"):
            _require(len(getattr(self, name)) == scans, f"{name} must have one entry for each of {scans} ids")
        labels = np.array(self.labels)
        _require(labels.shape == (scans,) and np.issubdtype(labels.dtype, np.integer), "labels must be (scans,) of int")
        _require(not scans or (labels.min() >= 0 and labels.max() < len(known)), "labels must be indices of classes")
        probabilities = np.array(self.probabilities, dtype=np.float64)
        _require(probabilities.shape == (scans, len(known)), "probabilities must be (scans, classes)")
        inside = bool(np.all((probabilities >= 0) & (probabilities <= 1)))  # false for NaN as well
        _require(inside, "probabilities must be between 0 and 1")
        whole = bool(np.all(np.abs(probabilities.sum(axis=1) - 1) <= _SUM_TOLERANCE))
        _require(whole, "probabilities of a scan must add up to 1")
        for name, array in (("labels", labels.astype(np.int64)), ("probabilities", probabilities)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def predicted(self) -> IntArray:
        """int64, ``(scans,)``: the class with the highest probability; of several, the first."""
        called: IntArray = self.probabilities.argmax(axis=1).astype(np.int64)
        return called

    def clusters(self) -> IntArray:
        """int64, ``(scans,)``: see :func:`bus_toolkit.evaluation.clusters.clusters`."""
        return clusters(self.groups, self.patients)

    def take(self, index: npt.ArrayLike) -> Predictions:
        """The scans that ``index`` (whole numbers or a mask) names, in its order."""
        order = np.arange(len(self))[np.asarray(index)]
        return Predictions(
            classes=self.classes,
            ids=tuple(self.ids[i] for i in order),
            labels=self.labels[order],
            probabilities=self.probabilities[order],
            groups=tuple(self.groups[i] for i in order),
            patients=tuple(self.patients[i] for i in order),
            parts=tuple(self.parts[i] for i in order),
        )

    def part(self, name: str) -> Predictions:
        """The scans of one part; there may be none."""
        return self.take(np.array([part == name for part in self.parts], dtype=bool))

    def with_probabilities(self, probabilities: npt.ArrayLike) -> Predictions:
        """The same scans with other probabilities, checked like the first."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return Predictions(**fields | {"probabilities": np.asarray(probabilities, dtype=np.float64)})


def make_predictions(
    labels: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    *,
    classes: Sequence[str],
    ids: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    patients: Sequence[str] | None = None,
    parts: Sequence[str] | None = None,
) -> Predictions:
    """Predictions from arrays; what is left out is numbered, empty, and ``"test"``. Raises as :class:`Predictions`."""
    known = np.asarray(labels)
    empty = ("",) * known.size
    return Predictions(
        classes=tuple(classes),
        ids=tuple(map(str, range(known.size))) if ids is None else tuple(ids),
        labels=known,
        probabilities=np.asarray(probabilities, dtype=np.float64),
        groups=empty if groups is None else tuple(groups),
        patients=empty if patients is None else tuple(patients),
        parts=("test",) * known.size if parts is None else tuple(parts),
    )


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write ``predictions.csv`` atomically, rows in the order they have; nine digits hold what float32 knows.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    p = predictions
    with atomic_text(path) as stream:
        stream.write(",".join([*COLUMNS, *(to_cell(f"{_PREFIX}{name}") for name in p.classes)]) + "\n")
        rows = zip(p.ids, p.labels, p.groups, p.patients, p.parts, p.probabilities.tolist(), strict=True)
        for scan, label, group, patient, part, values in rows:
            cells = [to_cell(text) for text in (scan, p.classes[label], group, patient, part)]
            stream.write(",".join([*cells, *(format(value, ".9g") for value in values)]) + "\n")


def read_predictions(path: Path, classes: Sequence[str] | None = None) -> Predictions:
    """Read and check ``predictions.csv``; the inverse of :func:`write_predictions`.

    Parameters
    ----------
    path
        The file.
    classes
        The classes in the order that they must have; any when left out.

    Raises
    ------
    InputError
        With code ``"predictions"`` when it cannot be read or is not what it must be. The message has the row's number
        (the header is row 1) and no value.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = list(csv.reader(stream, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"predictions must be a readable CSV file in UTF-8. Got a {type(error).__name__}"
        raise InputError("predictions", msg) from None
    names = _class_names(lines[0] if lines else [], classes)
    rows = [_row(cells, names, number) for number, cells in enumerate(lines[1:], start=_FIRST_DATA_ROW)]
    columns = list(zip(*(texts for texts, _, _ in rows), strict=True)) or [()] * len(COLUMNS)
    try:
        return Predictions(
            classes=names,
            ids=columns[0],
            labels=np.array([label for _, label, _ in rows], dtype=np.int64),
            probabilities=np.array([values for _, _, values in rows], dtype=np.float64).reshape(len(rows), len(names)),
            groups=columns[2],
            patients=columns[3],
            parts=columns[4],
        )
    except ConfigError as error:
        msg = f"predictions are not what they must be: {error}"
        raise InputError("predictions", msg) from None


def _class_names(header: list[str], classes: Sequence[str] | None) -> tuple[str, ...]:
    fixed, rest = tuple(header[: len(COLUMNS)]), header[len(COLUMNS) :]
    if fixed != COLUMNS or not all(name.startswith(_PREFIX) for name in rest):
        msg = f"the header of predictions must be {','.join(COLUMNS)} and a column p_CLASS for each class. Got another"
        raise InputError("predictions", msg)
    names = tuple(name.removeprefix(_PREFIX) for name in rest)
    if classes is not None and names != tuple(classes):
        msg = f"predictions must be for the classes {', '.join(classes)}, in this order. Got others"
        raise InputError("predictions", msg)
    return names


def _row(cells: list[str], classes: tuple[str, ...], number: int) -> tuple[list[str], int, list[float]]:
    if len(cells) != len(COLUMNS) + len(classes):
        msg = f"row {number} of the predictions must have {len(COLUMNS) + len(classes)} cells. Got {len(cells)}"
        raise InputError("predictions", msg)
    texts = [from_cell(cell) for cell in cells[: len(COLUMNS)]]
    if texts[1] not in classes:
        msg = f"row {number} of the predictions must have one of the labels {', '.join(classes)}. Got another"
        raise InputError("predictions", msg)
    try:
        return texts, classes.index(texts[1]), [float(cell) for cell in cells[len(COLUMNS) :]]
    except ValueError:
        msg = f"row {number} of the predictions must have numbers for probabilities. Got something else"
        raise InputError("predictions", msg) from None


def _require(condition: bool, message: str) -> None:  # noqa: FBT001
    if not condition:
        msg = f"{message}. Got something else"
        raise ConfigError(msg)
