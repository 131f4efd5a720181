"""What the learned segmenter saw on one picture, as masks; and the pieces that they fall into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.geometry import Box, Mask, decode_mask, encode_mask
from bus_toolkit.overlays.engines.segmenter import CLASSES, load_segmenter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bus_toolkit.geometry import Pixels
    from bus_toolkit.stage import Plan

Floats = npt.NDArray[np.float32]

DETECTOR: Final = "segmenter"
"""Named in every finding that it has a part in."""
LIKELY: Final = 0.5
"""Probability from which a pixel counts as drawn on."""
MARK_LIKELY: Final = 0.8
"""Probability from which a pixel is part of a caliper whose surroundings are looked at more closely."""
BESIDE_LIKELY: Final = 0.25
"""The same as ``LIKELY`` beside a caliper: a number that touches its mark is half a mark and half a letter to the
network, and bright tissue behind it takes the rest of its confidence. On BUSI, the pixels of 91 % of such numbers reach
0.5 in all classes together, of 94 % 0.2."""
BESIDE: Final = 57
"""Side of the square around each such pixel that is beside it: two letters high at most."""
PARAM: Final = "drawn"
"""Where a plan carries what was seen, for the stages after it."""
LEVELS: Final = 250
"""Probabilities travel between stages in steps of this many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One connected piece of a class.

    ``mask`` is ``(rows, cols)`` bool in ``box``, True on the pixels that are likely drawn; ``peak`` the mean of the
    probabilities of its surest quarter, ``area`` its pixels.
    """

    box: Box
    mask: Mask
    peak: float
    area: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Masks of the likely pixels of each class, ``(rows, cols)`` bool, and the pieces that they are made of."""

    masks: Mapping[str, Mask]
    pieces: Mapping[str, tuple[Piece, ...]]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types: each class's mask, and the peaks of its pieces in the order of :func:`pieces_of`."""
        return {
            name: {"mask": encode_mask(mask), "peaks": [round(piece.peak, 4) for piece in self.pieces[name]]}
            for name, mask in self.masks.items()
            if mask.any()
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], shape: tuple[int, int]) -> Drawn:
        """Inverse of :meth:`to_json`; a class that is not named has nothing."""
        masks = {name: np.zeros(shape, dtype=np.bool_) for name in CLASSES}
        pieces: dict[str, tuple[Piece, ...]] = dict.fromkeys(CLASSES, ())
        for name, item in data.items():
            masks[name] = decode_mask(item["mask"])
            pieces[name] = _pieces(masks[name], item["peaks"])
        return cls(masks=masks, pieces=pieces)


def see_drawn(picture: Pixels) -> Drawn:
    """Look with the segmenter at one picture, uint8 grey or RGB.

    Raises
    ------
    EngineError
        When the weights are missing.
    """
    probabilities = load_segmenter().probabilities(picture)
    levels = _levels(probabilities)
    masks = {name: levels[index] > 0 for index, name in enumerate(CLASSES)}
    pieces = {name: _pieces(masks[name], levels[index]) for index, name in enumerate(CLASSES)}
    return Drawn(masks=masks, pieces=pieces)


def _levels(probabilities: Floats) -> Floats:
    """How likely each pixel was drawn on, ``(classes, rows, cols)``, 0 where it is not likely enough.

    A pixel belongs to each class that is likely by itself, else to the likeliest when all together are: whether it was
    drawn on matters more than by what.
    """
    likely = probabilities > LIKELY
    together = np.minimum(probabilities.sum(axis=0), np.float32(1))
    marks = (probabilities[CLASSES.index("caliper")] > MARK_LIKELY).astype(np.uint8)
    beside = cv2.dilate(marks, np.ones((BESIDE, BESIDE), dtype=np.uint8)) > 0
    best = probabilities.argmax(axis=0)
    doubtful = ((together > LIKELY) | (beside & (together > BESIDE_LIKELY))) & ~likely.any(axis=0)
    levels = np.where(likely, probabilities, np.float32(0))
    for index in range(len(levels)):
        mine = doubtful & (best == index)
        levels[index][mine] = together[mine]
    return levels


def drawn_of(seen: Sequence[Plan], shape: tuple[int, int]) -> Drawn | None:
    """What an earlier stage saw on the same picture, or None."""
    for plan in reversed(seen):
        data = plan.params.get(PARAM)
        if data is not None and tuple(data["shape"]) == shape:
            return Drawn.from_json(data["classes"], shape)
    return None


def param_of(drawn: Drawn, shape: tuple[int, int]) -> dict[str, Any]:
    """What :func:`drawn_of` reads."""
    return {PARAM: {"shape": list(shape), "classes": drawn.to_json()}}


def _pieces(mask: Mask, levels: Floats | Sequence[float]) -> tuple[Piece, ...]:
    """The connected pieces of a mask in a fixed order; ``levels`` are probabilities, or the peaks known already."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    pieces = []
    for index in range(1, count):
        col, row, width, height, area = (int(value) for value in stats[index])
        box = Box(row, col, row + height, col + width)
        part = labels[box.slices] == index
        peak = _peak(levels[box.slices][part]) if isinstance(levels, np.ndarray) else float(levels[index - 1])
        pieces.append(Piece(box=box, mask=part, peak=peak, area=area))
    return tuple(pieces)


def _peak(values: Floats) -> float:
    surest = np.sort(values)[-max(1, values.size // 4) :]
    return float(min(1.0, surest.mean()))
