"""Calipers as a whole: crosses, the lines between them, and their exact strokes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from bus_toolkit.overlays.caliper import Mark, distinct, find_marks
from bus_toolkit.overlays.caliper_line import Line, line_mask, pieces, trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bus_toolkit.geometry import Box, Mask
    from bus_toolkit.overlays.graphics_ink import Channel

KEPT_MARKS: Final = 24
"""So many of the best marks are tried in pairs."""
TIED: Final = 2.0
"""A mark at the end of a line counts so much more."""
HIGHEST: Final = 4
"""A box of words is at most so many times as high as the cross of one of its letters: of an f it is a third."""
LETTERS: Final = 1.5
"""A word is wider than one of its letters by this factor."""
BOLD: Final = 10
"""Crosses with longer arms, in pixels, may have strokes wider than four pixels."""
FAR: Final = 0.4
"""A cross away from the sector is more often a tick or a letter."""
LONE_X: Final = 0.4
"""An x without a second one is more often a letter."""
BOTH: Final = 0.6
"""Two marks of one measurement score so much together; two weak ones are tissue."""
LEVELS_APART: Final = 60.0
"""Two marks of one measurement have ink levels no further apart than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calipers:
    """What was found: ``(box, score)`` of every cross and every piece of line, and the strokes."""

    items: tuple[tuple[Box, float], ...]
    mask: Mask


def alike(first: Mark, second: Mark) -> bool:
    """Whether two marks can belong to one measurement: same channel, style, level and size."""
    return (
        first.score + second.score >= BOTH
        and first.channel == second.channel
        and first.style == second.style
        and abs(first.level - second.level) <= LEVELS_APART
        and abs(first.size - second.size) <= max(2, 0.35 * max(first.size, second.size))
    )


def _has_mate(mark: Mark, marks: Sequence[Mark]) -> bool:
    return any(other is not mark and alike(mark, other) for other in marks)


def _alone(mark: Mark, marks: Sequence[Mark], near: Mask | None) -> float:
    """What part of its score a mark keeps when no line joins it to another."""
    if near is not None and not near[mark.row, mark.col]:
        return FAR
    return 1.0 if mark.style == "plus" or _has_mate(mark, marks) else LONE_X


def join(channel: Channel, first: Mark, second: Mark) -> Line | None:
    """The line between two marks, if one is drawn."""
    way = np.array([second.row - first.row, second.col - first.col], dtype=np.float64)
    length = float(np.hypot(*way))
    if length <= first.size + second.size + 4:
        return None
    unit = way / length
    start = (first.row + unit[0] * (first.size + 1), first.col + unit[1] * (first.size + 1))
    end = (second.row - unit[0] * (second.size + 1), second.col - unit[1] * (second.size + 1))
    return trace(channel, start, end)


def mark_mask(channel: Channel, mark: Mark) -> Mask:
    """``(rows, cols)`` bool, True on the strokes of one cross."""
    mask = np.zeros(channel.shape, dtype=np.bool_)
    box = mark.box.clip(channel.shape)
    part = channel[box.slices].astype(np.float32)
    rows = np.arange(box.row0, box.row1)[:, None] - mark.row
    cols = np.arange(box.col0, box.col1)[None, :] - mark.col
    wide = 2 if mark.size <= BOLD else 3
    if mark.style == "plus":
        near = (np.abs(rows) <= wide) | (np.abs(cols) <= wide)
    else:
        near = (np.abs(rows - cols) <= wide) | (np.abs(rows + cols) <= wide)
    around = float(np.median(part[~near])) if (~near).any() else 0.0
    least = max(mark.level - 60.0, (mark.level + around) / 2.0)
    mask[box.slices] = near & (part >= least)
    return mask


def _in_word(mark: Mark, words: Sequence[Box]) -> bool:
    """Whether a mark lies in a box of recognised words: at least half of it, and it is one letter among others."""
    box = mark.box
    return any(
        box.intersect(word).area >= 0.5 * box.area
        and word.width >= LETTERS * box.width
        and word.height <= HIGHEST * box.height
        for word in words
    )


def find_calipers(
    channels: Sequence[Channel], least: float = 0.5, words: Sequence[Box] = (), near: Mask | None = None
) -> Calipers:
    """Crosses and the lines between them.

    Parameters
    ----------
    channels
        Each ``(rows, cols)`` uint8 in which ink is bright.
    least
        Marks with a lower score are left out.
    words
        Boxes of recognised words; a cross that is one of their letters is left out.
    near
        ``(rows, cols)`` bool, True in and near the sector; a cross elsewhere counts only at the end of a measuring
        line, for it may be a tick, and the sector may have been found too small. None: everywhere is near.
    """
    every = [mark for number, one in enumerate(channels) for mark in find_marks(one, number)]
    marks = distinct([mark for mark in every if not _in_word(mark, words)])[:KEPT_MARKS]
    best = [mark.score * _alone(mark, marks, near) for mark in marks]
    shape = (channels[0].shape[0], channels[0].shape[1])
    mask: Mask = np.zeros(shape, dtype=np.bool_)
    lines: list[tuple[Line, float]] = []
    for (i, first), (j, second) in combinations(enumerate(marks), 2):
        line = join(channels[first.channel], first, second) if alike(first, second) else None
        if line is None:
            continue
        best[i], best[j] = max(best[i], TIED * first.score), max(best[j], TIED * second.score)
        lines.append((line, min(1.0, TIED * (first.score + second.score) / 2.0)))
        mask |= line_mask(channels[first.channel], line)
    items: list[tuple[Box, float]] = []
    for mark, score in zip(marks, best, strict=True):
        if score >= least:
            items.append((mark.box.clip(shape), min(1.0, score)))
            mask |= mark_mask(channels[mark.channel], replace(mark, score=min(1.0, score)))
    items += [(box, score) for line, score in lines if score >= least for box in pieces(line, shape)]
    return Calipers(items=tuple(items), mask=mask)
