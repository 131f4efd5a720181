"""What became of a painted string, and how much tissue was touched for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import numpy as np

from bus_toolkit.audit.preview import encode_jpeg, shrink
from bus_toolkit.deidentify.identifier_forms import squeezed, words_of
from bus_toolkit.deidentify.identifier_resembles import folded
from bus_toolkit.geometry import mask_of_boxes
from bus_toolkit.selftest.painting import APART

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bus_toolkit.batch.cleaner import Cleaned
    from bus_toolkit.geometry import Box, Mask, Pixels
    from bus_toolkit.scan import Scan
    from bus_toolkit.selftest.painting import Identity

ERASED: Final = 0.99
"""Share of its ink that must be filled, blanked or cropped away for a string to be removed."""
SHORTEST_WORD: Final = 3
"""Letters and digits of a word that is looked for alone; recognition reads shorter ones into speckle."""
NEAR: Final = 8
"""Pixels around a string within which filling is for its sake."""
MARGIN: Final = 24
"""Pixels of picture that a crop shows around a string."""
CROP_SIDE: Final = 320
CROP_QUALITY: Final = 82


class Fate(StrEnum):
    """What became of a string. The value is what the summary says."""

    REMOVED = "removed"
    WITHHELD = "withheld"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One string and its fate, without its text.

    ``erased`` is the share of its ink that was filled, blanked or cropped, 0 to 1; ``read`` whether OCR reads one of
    its words on the cleaned picture. ``before`` and ``after`` are JPEG bytes of its surroundings, empty unless left.
    """

    height: int
    contrast: int
    place: str
    role: str
    colour: str
    backing: str
    font: str
    fate: Fate
    erased: float = 0.0
    read: bool = False
    before: bytes = field(default=b"", repr=False)
    after: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """Shares of the sector (0 to 1) that were filled, blanked or cropped, painted pixels left out.

    ``near`` within 8 pixels of a painted string, ``far`` elsewhere, ``unpainted`` on the same scan when
    nothing was painted, measured over the same pixels as ``near`` and ``far`` together.
    """

    near: float
    far: float
    unpainted: float

    @property
    def painted(self) -> float:
        """Near and far together."""
        return self.near + self.far


def words_to_find(text: str) -> tuple[str, ...]:
    """The words of three signs or more in a text, characters of like shape folded."""
    return tuple(sorted({folded(word) for word in words_of(text) if len(word) >= SHORTEST_WORD}))


def is_read(text: str, readings: Iterable[str]) -> bool:
    """Whether one of the words of ``text`` stands in one of the readings.

    Of a text of short words only, a reading must say the whole and nothing else; a lone letter is never looked
    for, since an edge or a vessel reads like one.
    """
    wanted, whole = words_to_find(text), folded(squeezed(text))
    read = [folded(reading) for reading in readings]
    if not wanted:
        return len(whole) > 1 and whole in read
    return any(word in reading for reading in read for word in wanted)


def back_in_place(scan: Scan, middle: int, shape: tuple[int, int]) -> Pixels:
    """The middle frame of a cleaned scan in a frame of the size that was read, black where it was cropped."""
    frame = scan.frames[middle]
    whole = np.zeros((*shape, *frame.shape[2:]), dtype=np.uint8)
    row, col = scan.placement.offset if scan.placement is not None else (0, 0)
    whole[row : row + frame.shape[0], col : col + frame.shape[1]] = frame
    return whole


def score(
    identity: Identity, cleaned: Cleaned, before: Pixels, after: Pixels | None, read: Callable[[Pixels], Sequence[str]]
) -> Scored:
    """Judge one string.

    Parameters
    ----------
    identity
        What was painted.
    cleaned
        What became of the scan.
    before, after
        uint8, the painted and the cleaned picture in one geometry; ``after`` is None where nothing is given away.
    read
        Gives all that OCR reads on a picture.
    """
    if after is None or cleaned.erased is None:
        return _scored(identity, Fate.WITHHELD)
    erased = float(cleaned.erased[identity.ink].mean())
    # No further than the strings are apart, so that a neighbour's words are not taken for its own.
    seen = is_read(identity.text, read(after[identity.box.grow(APART).clip(after.shape).slices]))
    if erased >= ERASED and not seen:
        return _scored(identity, Fate.REMOVED, erased=erased)
    window = identity.box.grow(MARGIN).clip(after.shape)
    crops = [
        encode_jpeg(shrink(np.ascontiguousarray(one[window.slices]), CROP_SIDE), CROP_QUALITY)
        for one in (before, after)
    ]
    return _scored(identity, Fate.LEFT, erased=erased, read=seen, before=crops[0], after=crops[1])


def _scored(
    identity: Identity, fate: Fate, *, erased: float = 0.0, read: bool = False, before: bytes = b"", after: bytes = b""
) -> Scored:
    return Scored(
        height=identity.height,
        contrast=identity.contrast,
        place=identity.place,
        role=identity.role,
        colour=identity.colour,
        backing=identity.backing,
        font=identity.font,
        fate=fate,
        erased=round(erased, 4),
        read=read,
        before=before,
        after=after,
    )


def touched(sector: Mask, ink: Mask, boxes: Iterable[Box], erased: Mask, unpainted: Mask) -> Touched:
    """How much of a sector was touched besides what was painted on.

    All masks are ``(rows, cols)`` bool: ``ink`` is True where something was painted, ``erased`` and ``unpainted`` where
    the painted and the unpainted scan were filled, blanked or cropped.
    """
    tissue = sector & ~ink
    area = max(1, int(tissue.sum()))
    near = mask_of_boxes(sector.shape, [box.grow(NEAR) for box in boxes])
    return Touched(
        near=float((erased & tissue & near).sum()) / area,
        far=float((erased & tissue & ~near).sum()) / area,
        unpainted=float((unpainted & tissue).sum()) / area,
    )
