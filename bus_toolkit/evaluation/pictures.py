"""The scans that a model is most wrong about, as small pictures."""

from __future__ import annotations

import base64
import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bus_toolkit.errors import InputError
from bus_toolkit.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bus_toolkit.evaluation.predictions import IntArray, Predictions
    from bus_toolkit.evaluation.runs import Run
    from bus_toolkit.manifest import Row

MOST: Final = 24
SIDE: Final = 220
QUALITY: Final = 80


def worst_errors(voice: Predictions, most: int = MOST) -> IntArray:
    """Indices of scans that were called wrong, the surest mistakes first: least probability of what is true."""
    wrong = np.flatnonzero(voice.predicted != voice.labels)
    said = voice.probabilities[wrong, voice.labels[wrong]]
    return wrong[np.argsort(said, kind="stable")][:most].astype(np.int64)


def error_pictures(run: Run, voice: Predictions, most: int = MOST) -> Iterator[dict[str, Any]]:
    """The worst errors: ``label``, ``called``, ``said`` (probability of what was called), ``true`` (of what is true),
    and ``uri``, ``rows``, ``cols``, ``id`` of the picture.

    A picture is shown only when the manifest that the run was trained on still lies where the run says, unchanged, and
    vouches for the picture's digest; else ``uri`` is empty. ``id`` is empty unless it is a pseudonym.
    """  # noqa: D205 - the summary is one sentence of two lines
    rows, folder = _manifest(run)
    for index in worst_errors(voice, most).tolist():
        label, called = int(voice.labels[index]), int(voice.predicted[index])
        row = rows.get(voice.ids[index])
        yield {
            "label": voice.classes[label],
            "called": voice.classes[called],
            "said": float(voice.probabilities[index, called]),
            "true": float(voice.probabilities[index, label]),
            "id": row.id if row is not None and row.anonymised else "",
            **(_picture(folder, row) if row is not None else _NOTHING),
        }


_NOTHING: Final[dict[str, Any]] = {"uri": "", "rows": 0, "cols": 0}


def _manifest(run: Run) -> tuple[dict[str, Row], Path]:
    """Rows by id, and their folder; no row when the manifest is not to be had or is another one by now."""
    named = run.config.get("manifest")
    if not isinstance(named, str) or not named:
        return {}, run.folder
    path = Path(named)
    try:
        known = hashlib.sha256(path.read_bytes()).hexdigest()
        if known != run.config.get("manifest_sha256"):
            return {}, path.parent
        return {row.id: row for row in read_manifest(path)}, path.parent
    except (OSError, InputError):
        return {}, path.parent


def _picture(folder: Path, row: Row) -> dict[str, Any]:
    from PIL import Image, UnidentifiedImageError

    try:
        data = (folder / row.image).read_bytes() if row.image else b""
        if hashlib.sha256(data).hexdigest() != row.sha256:
            return _NOTHING
        with Image.open(io.BytesIO(data)) as opened:
            small = opened.convert("RGB" if opened.mode not in {"L", "1"} else "L")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        return _NOTHING
    small.thumbnail((SIDE, SIDE))
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=QUALITY)
    uri = f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
    return {"uri": uri, "rows": small.height, "cols": small.width}
