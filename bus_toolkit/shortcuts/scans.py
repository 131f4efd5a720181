"""The scans of a run, each read once: the square that the model takes, and what the probes see."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

import numpy as np

from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.manifest import read_manifest
from bus_toolkit.shortcuts import views
from bus_toolkit.training.cache import read_vouched
from bus_toolkit.training.pictures import decode, fit_square

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from bus_toolkit.evaluation.runs import Run
    from bus_toolkit.manifest import Row
    from bus_toolkit.shortcuts.originals import Original, Originals
    from bus_toolkit.shortcuts.views import Rect, Vector
    from bus_toolkit.training.cache import Squares
    from bus_toolkit.training.pictures import Grey

    Tell = Callable[[str, int, int], None]

MASK_LEVEL: Final = 32
"""Of 255: a pixel of the model's square counts as filled when an eighth of what it was made from is."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scans:
    """What is needed of the run's scans.

    Attributes
    ----------
    place
        Index of each scan by its id.
    squares
        ``(n, size, size, 1)`` uint8: as the model takes them.
    rects
        Where the picture lies in each square.
    smooth
        ``(n, size, size)`` bool: where the square shows filled pixels; flat ones when there are no originals.
    seen
        By the probe's name float64, ``(n, numbers)``: what it sees. ``"filled"`` is NaN without an original.
    cut, whole
        ``(n, size, size, 1)`` uint8: the original in the cleaned picture's frame, and all of it; black without one.
    """

    place: Mapping[str, int]
    squares: Squares
    rects: tuple[Rect, ...]
    smooth: npt.NDArray[np.bool_]
    seen: Mapping[str, npt.NDArray[np.float64]]
    cut: Squares
    whole: Squares

    @property
    def matched(self) -> npt.NDArray[np.bool_]:
        """``(n,)``: whether the original was found."""
        return np.atleast_1d(np.isfinite(self.seen["filled"]).all(axis=1))

    def of(self, ids: tuple[str, ...]) -> npt.NDArray[np.int64]:
        """Indices of these scans."""
        return np.array([self.place[scan] for scan in ids], dtype=np.int64)


def rows_of(run: Run, manifest: Path | None = None) -> tuple[list[Row], Path]:
    """The manifest's rows for all scans of the run's splits, and the folder of the manifest.

    Raises
    ------
    InputError
        With code ``"run"`` when the run has no splits, or the manifest is gone or another than the run learned from.
    """
    path = manifest or Path(str(run.config.get("manifest") or ""))
    if not run.splits:
        msg = "a run must have its splits.csv, so that a probe learns from the same scans. Got none"
        raise InputError("run", msg)
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        msg = "the clean folder that the run learned from must be there (--data tells where it is now). Got none"
        raise InputError("run", msg) from None
    if digest != run.config.get("manifest_sha256"):
        msg = "the manifest must be the one that the run learned from. Got another"
        raise InputError("run", msg)
    rows = {row.id: row for row in read_manifest(path)}
    wanted = dict.fromkeys(one.id for one in run.splits)
    if any(scan not in rows for scan in wanted):
        msg = "the manifest must have all scans of the run's splits. Got not all"
        raise InputError("run", msg)
    return [rows[scan] for scan in wanted], path.parent


def read_scans(run: Run, *, manifest: Path | None = None, originals: Originals | None = None, tell: Tell) -> Scans:
    """Read all scans of a run's splits, and their originals where those are at hand.

    Raises
    ------
    InputError
        As :func:`rows_of`, and when a picture is not what the manifest vouches for.
    ConfigError
        When originals are given and none of a scan is among them.
    """
    rows, root = rows_of(run, manifest)
    size, fit = int(run.config["image_size"]), str(run.config.get("fit", "pad"))
    shape = (len(rows), size, size)
    squares, cut, whole = (np.zeros((*shape, 1), np.uint8) for _ in range(3))
    smooth = np.zeros(shape, dtype=bool)
    seen: dict[str, list[Vector]] = {name: [] for name in views.VIEWS}
    rects = []
    for number, row in enumerate(rows):
        picture = decode(read_vouched(row, root))
        original = None if originals is None else originals.of(row, picture)
        squares[number, :, :, 0] = fit_square(picture, size, fit)
        rects.append(views.content_rect((picture.shape[0], picture.shape[1]), size, fit))
        for name, values in _look(picture, original).items():
            seen[name].append(values)
        mask = views.flat_map(picture) if original is None else original.filled
        smooth[number] = fit_square(mask.astype(np.uint8) * np.uint8(255), size, fit) > MASK_LEVEL
        if original is not None:
            cut[number, :, :, 0] = fit_square(original.cut, size, fit)
            whole[number, :, :, 0] = fit_square(original.whole, size, fit)
        tell("reading scans", number + 1, len(rows))
    scans = Scans(
        place={row.id: number for number, row in enumerate(rows)},
        squares=squares,
        rects=tuple(rects),
        smooth=smooth,
        seen={name: np.stack(values) for name, values in seen.items()},
        cut=cut,
        whole=whole,
    )
    if originals is not None and not scans.matched.any():
        msg = (
            "--source must hold the originals of the run's scans (with --private, as the ledger knows them; without, "
            "under the same names). Got none of them"
        )
        raise ConfigError(msg)
    return scans


def _look(picture: Grey, original: Original | None) -> dict[str, Vector]:
    nothing = np.full(1 + views.COARSE**2, np.nan)
    return {
        "size": views.size_of(picture),
        "band": views.band_of(picture),
        "flat": views.flat_of(picture),
        "tones": views.tones_of(picture),
        "filled": nothing if original is None else views.filled_of(original.filled),
    }
