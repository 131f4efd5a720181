"""What a clean scan was made from, for whoever holds the originals: found, read, and laid over the clean picture.

The only module of this room that reads private books and files nobody has cleaned. Nothing of it goes into a result but
numbers and masks.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, cast, final

import numpy as np

from bus_toolkit.errors import BusToolkitError
from bus_toolkit.shortcuts.views import BLACK, CHANGED

if TYPE_CHECKING:
    from pathlib import Path

    from bus_toolkit.manifest import Row
    from bus_toolkit.shortcuts.views import Mask
    from bus_toolkit.training.pictures import Grey

_SAME: Final = 0.5
"""At least this share of what is not background must be as it was; else it is another picture."""
_PATCH: Final = 96
"""Pixels a side: a part of the clean picture is looked for first, which is quicker than to look for all of it."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Original:
    """One original, private.

    Attributes
    ----------
    whole
        ``(rows, cols)`` uint8 grey, as it came.
    cut
        The part of it that the clean picture shows, in the clean picture's shape.
    filled
        True where the clean picture is not as ``cut`` is.
    """

    whole: Grey = field(repr=False)
    cut: Grey = field(repr=False)
    filled: Mask = field(repr=False)


@final
class Originals:
    """The originals of a clean folder.

    Parameters
    ----------
    source
        The folder that was cleaned.
    private
        The private folder of the output, whose ledger tells which input became which picture. Without it an input and
        a picture belong together when label and name (without folder and ending) are the same and no others are.

    Raises
    ------
    ConfigError
        When the source is not a folder or file.
    OutputError
        When the private folder has no ledger, or a run uses it.
    """

    def __init__(self, source: Path, private: Path | None = None) -> None:
        from bus_toolkit.io import discover

        items = discover(source).items
        self._paths = {item.file: item.path for item in items}
        names = Counter((item.label, PurePosixPath(item.file).stem) for item in items)
        self._by_name = {
            (item.label, stem): item.file
            for item in items
            if names[item.label, (stem := PurePosixPath(item.file).stem)] == 1
        }
        self._by_digest = None if private is None else _booked(private)

    def of(self, row: Row, clean: Grey) -> Original | None:
        """The original of a clean picture; None when there is none, it is another one by now, or cannot be read."""
        from bus_toolkit.io import read

        file, digest = self._file(row)
        path = self._paths.get(file)
        if path is None:
            return None
        try:
            source = read(path)
        except BusToolkitError:
            return None
        if digest and source.sha256 != digest:
            return None
        return laid_over(_grey(source.scan.frames[source.middle]), clean)

    def _file(self, row: Row) -> tuple[str, str]:
        if self._by_digest is not None:
            return self._by_digest.get(row.sha256, ("", ""))
        return self._by_name.get((row.label, PurePosixPath(row.image).stem), ""), ""


def laid_over(whole: Grey, clean: Grey) -> Original | None:
    """Find the part of ``whole`` that ``clean`` shows; None when no place fits.

    Cropping leaves pixels as they are, so the place is where the squared differences are least; it counts when at least
    half of what is not background is the same there.
    """
    if any(small > large for small, large in zip(clean.shape, whole.shape, strict=True)):
        return None
    tissue = clean > BLACK
    for side in (_PATCH, max(clean.shape)):
        top, left = _place(whole, clean, side)
        cut = whole[top : top + clean.shape[0], left : left + clean.shape[1]]
        filled = np.abs(cut.astype(np.int16) - clean) > CHANGED
        if not tissue.any() or filled[tissue].mean() <= 1 - _SAME:
            return Original(whole=whole, cut=cut, filled=filled)
    return None


def _place(whole: Grey, clean: Grey, side: int) -> tuple[int, int]:
    """Top and left of where ``whole`` is most like the middle of ``clean``, of which ``side`` pixels are looked for."""
    import cv2

    down, across = (max(0, (have - side) // 2) for have in clean.shape)
    patch = clean[down : down + side, across : across + side]
    # Only where the whole clean picture would lie inside.
    room = (whole.shape[0] - clean.shape[0], whole.shape[1] - clean.shape[1])
    if room == (0, 0):
        return 0, 0
    within = whole[down : down + room[0] + patch.shape[0], across : across + room[1] + patch.shape[1]]
    distance = cv2.matchTemplate(within, patch, cv2.TM_SQDIFF)
    top, left = np.unravel_index(int(distance.argmin()), distance.shape)
    return int(top), int(left)


def _booked(private: Path) -> dict[str, tuple[str, str]]:
    """Input and its digest, by the digest of the picture that was written."""
    from bus_toolkit.batch.lookup import books_of

    with books_of(private) as ledger:
        return {one.image_sha256: (one.file, one.source_sha256) for one in ledger.records() if one.image_sha256}


def _grey(frame: np.ndarray) -> Grey:
    import cv2

    return cast("Grey", cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) if frame.ndim == 3 else frame)  # noqa: PLR2004 - channels last
