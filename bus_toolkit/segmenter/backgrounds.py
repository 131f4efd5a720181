"""Pictures to paint on: real scans that carry nothing drawn, and phantoms."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from bus_toolkit.errors import BusToolkitError, ConfigError
from bus_toolkit.io import discover, read
from bus_toolkit.overlays import FindGraphics, FindText
from bus_toolkit.synth import make_phantom

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bus_toolkit.geometry import Pixels
    from bus_toolkit.scan import Scan

LEAST_SIDE: Final = 64
FANS: Final = ("linear", "curved", "sector", "full")
LESIONS: Final = ("benign", "malignant", "normal", "cyst")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backgrounds:
    """What was loaded.

    Attributes
    ----------
    scans, phantoms
        uint8 grey or RGB.
    left_out
        Files that were not used because something is drawn on them, or because they could not be read.
    digest
        SHA-256 over the digests of the scans that are used, in their order: tells whether two trainings saw the same.
    """

    scans: tuple[Pixels, ...] = field(repr=False)
    phantoms: tuple[Pixels, ...] = field(repr=False)
    left_out: int
    digest: str

    @property
    def pictures(self) -> tuple[Pixels, ...]:
        """All of them."""
        return (*self.scans, *self.phantoms)


def load_backgrounds(
    folders: Sequence[Path],
    *,
    phantoms: int,
    seed: int,
    vet: bool = True,
    tell: Callable[[int, int], None] | None = None,
) -> Backgrounds:
    """Read every scan below the folders, and make phantoms.

    Parameters
    ----------
    folders
        Scans in any format that the toolkit reads; of a clip the middle frame is taken.
    phantoms, seed
        How many are made, and from what.
    vet
        Leave out scans on which OCR or the classical detectors see text or marks: what is there already would be
        learned as tissue.
    tell
        Called with the number of scans looked at and their total.

    Raises
    ------
    ConfigError
        When nothing is left to paint on.
    """
    paths = [item.path for folder in folders for item in discover(folder).items if item.skip is None]
    scans: list[Pixels] = []
    digest = hashlib.sha256()
    for done, path in enumerate(paths, start=1):
        picture = _picture(path, vet=vet)
        if picture is not None:
            scans.append(picture)
            digest.update(hashlib.sha256(picture.tobytes()).digest())
        if tell is not None:
            tell(done, len(paths))
    rng = np.random.default_rng((seed, phantoms))
    made = tuple(_phantom(rng) for _ in range(phantoms))
    if not scans and not made:
        msg = "there must be backgrounds to paint on (clean scans, or phantoms). Got none"
        raise ConfigError(msg)
    return Backgrounds(scans=tuple(scans), phantoms=made, left_out=len(paths) - len(scans), digest=digest.hexdigest())


def _picture(path: Path, *, vet: bool) -> Pixels | None:
    try:
        scan = read(path).scan
        if min(scan.shape) < LEAST_SIDE or (vet and _is_drawn_on(scan)):
            return None
    except BusToolkitError:
        return None
    return np.ascontiguousarray(scan.frames[len(scan.frames) // 2])


def _is_drawn_on(scan: Scan) -> bool:
    text = FindText().examine(scan)
    return bool(text.findings or FindGraphics().examine(scan, (text,)).findings)


def _phantom(rng: np.random.Generator) -> Pixels:
    rows, cols = int(rng.integers(320, 720)), int(rng.integers(400, 900))
    fan, lesion = FANS[int(rng.integers(4))], LESIONS[int(rng.integers(4))]
    return make_phantom(rng, rows=rows, cols=cols, fan=fan, lesion=lesion).image  # type: ignore[arg-type]
