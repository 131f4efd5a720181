"""All kinds of drawn things of one picture, found in an order in which each explains a part away."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from bus_toolkit.geometry import Box, Mask, box_of_mask, mask_of_boxes
from bus_toolkit.overlays.bodymark import kind_of
from bus_toolkit.overlays.caliper_chain import chain_mask, end_marks, find_chains
from bus_toolkit.overlays.caliper_find import find_calipers
from bus_toolkit.overlays.caliper_line import pieces, straight_line
from bus_toolkit.overlays.drawn import DETECTOR as SEGMENTER
from bus_toolkit.overlays.graphics_ink import channels, components
from bus_toolkit.overlays.graphics_learned import learned, small_boxes
from bus_toolkit.overlays.outline import find_strokes
from bus_toolkit.overlays.scale import find_bars, find_scales, is_comb
from bus_toolkit.stage import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bus_toolkit.geometry import Pixels, Polygon
    from bus_toolkit.overlays.caliper_chain import Chain
    from bus_toolkit.overlays.drawn import Drawn
    from bus_toolkit.overlays.graphics_ink import Channel, Components
    from bus_toolkit.overlays.outline import Stroke
    from bus_toolkit.overlays.scale import Scale

DETECTOR: Final = "strokes"
"""Named in every finding."""
CLASS_OF: Final = {
    Kind.CALIPER: "caliper",
    Kind.OUTLINE: "outline",
    Kind.BODYMARK: "graphic",
    Kind.SCALE: "graphic",
    Kind.GREY_BAR: "graphic",
    Kind.GRAPHIC: "graphic",
}
"""The segmenter's class for each kind."""
AROUND: Final = 12
"""Pixels by which a caliper may lie outside the sector."""
BORDER: Final = 6
"""Pixels along the sector's border in which the segmenter's calipers and contours do not count."""
FRAME: Final = 3
"""Pixels around a bar that belong to its frame."""
TICK: Final = 8
"""Pixels around a scale in which a cross is one of its ticks."""
SAME: Final = 0.7
"""A box of which others of its kind cover this share says nothing new."""
REST_AREA: Final = 8
"""Least pixels of a part that sticks out of the boxes of a caliper."""
REST_MARGIN: Final = 2
"""Pixels by which the box of such a part is grown: its soft edges lie outside."""
TOGETHER: Final = 8
"""Pixels between strokes of one body mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What earlier stages know of a picture of ``shape`` ``(rows, cols)``.

    ``words`` are boxes of recognised words, ``written`` is True under text of two signs and more, ``fan`` inside the
    sector (None when it is not known), ``drawn`` what the segmenter saw.
    """

    shape: tuple[int, int]
    words: tuple[Box, ...]
    written: Mask
    fan: Mask | None
    drawn: Drawn | None = None

    @property
    def inside_fan(self) -> Mask | None:
        """The sector without :data:`BORDER` pixels along its border: on bright ground it looks like a drawn line."""
        if self.fan is None:
            return None
        kernel = np.ones((2 * BORDER + 1, 2 * BORDER + 1), dtype=np.uint8)
        # The edge of the picture is no border of the sector.
        return np.asarray(cv2.erode(self.fan.astype(np.uint8), kernel, borderValue=1), dtype=np.bool_)

    @property
    def near_fan(self) -> Mask | None:
        """The sector grown by :data:`AROUND` pixels."""
        if self.fan is None:
            return None
        kernel = np.ones((2 * AROUND + 1, 2 * AROUND + 1), dtype=np.uint8)
        return np.asarray(cv2.dilate(self.fan.astype(np.uint8), kernel), dtype=np.bool_)


@dataclass(slots=True)
class _Evidence:
    known: Known
    least: float
    findings: list[Finding] = field(default_factory=list)
    masks: dict[Kind, Mask] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.masks = defaultdict(lambda: np.zeros(self.known.shape, dtype=np.bool_))

    def explained(self, *, but: Kind | None = None) -> Mask:
        """What needs no other explanation: text, and what was found already, ``but`` one kind."""
        together = self.known.written.copy()
        for kind, mask in self.masks.items():
            if kind is not but:
                together |= mask
        return together

    def learn(self, drawn: Drawn) -> None:
        """Adds what the segmenter saw and the others did not, and its name to what both saw."""
        self.findings = [self._witnessed(finding, drawn) for finding in self.findings]
        scales, explained = self._scales(), self.explained(but=Kind.CALIPER)
        inner = self.known.inside_fan
        elsewhere = scales if inner is None else scales | ~inner
        measured = any(finding.kind is Kind.CALIPER for finding in self.findings)
        for sighted in learned(drawn, explained | scales, elsewhere, measured=measured):
            if sighted.score >= self.least:
                self.masks[sighted.kind] |= sighted.mask
                known = [finding.box for finding in self.findings if finding.kind is sighted.kind and finding.box]
                covered = mask_of_boxes(self.known.shape, known)
                new = [box for box in sighted.boxes if covered[box.slices].mean() < SAME]
                rest = _rest(sighted.mask, [*known, *new]) if sighted.kind is Kind.CALIPER else []
                self.findings += [
                    Finding(kind=sighted.kind, box=box, score=sighted.score, detector=SEGMENTER)
                    for box in (*new, *rest)
                ]

    def _scales(self) -> Mask:
        """Scales and what stands at their ticks, True."""
        boxes = [finding.box.grow(TICK) for finding in self.findings if finding.kind is Kind.SCALE and finding.box]
        return mask_of_boxes(self.known.shape, [box.clip(self.known.shape) for box in boxes])

    @staticmethod
    def _witnessed(finding: Finding, drawn: Drawn) -> Finding:
        name = CLASS_OF.get(finding.kind)
        if name is None or finding.box is None or not drawn.masks[name][finding.box.slices].any():
            return finding
        return replace(finding, detector=f"{SEGMENTER}+{DETECTOR}")

    def add(self, kind: Kind, boxes: Sequence[Box], score: float, mask: Mask, polygon: Polygon | None = None) -> None:
        """Findings of one kind, one for each box, and their strokes; nothing when the score is too low."""
        if score < self.least:
            return
        self.masks[kind] |= mask
        for box in boxes:
            self.findings.append(Finding(kind=kind, box=box, score=score, detector=DETECTOR, polygon=polygon))


def collect(picture: Pixels, known: Known, least: float) -> tuple[tuple[Finding, ...], dict[Kind, Mask]]:
    """Everything drawn on a picture, other than text.

    Parameters
    ----------
    picture
        uint8 ``(rows, cols)`` grey or ``(rows, cols, 3)`` RGB.
    known
        What earlier stages found on it.
    least
        Lower scores, 0 to 1, are left out.

    Returns
    -------
    The findings, and by kind the exact strokes, ``(rows, cols)`` bool, True on what was drawn.
    """
    found = _Evidence(known, least)
    inks = channels(picture)
    layers = [components(ink) for ink in inks]
    scales = [scale for things in layers for scale in find_scales(things, known.fan, known.written)]
    _calipers(inks, scales, found)
    _scales(scales, found)
    frames = _bars(picture, found)
    for things in layers:
        _strokes(find_strokes(things, found.explained() | frames), found)
        for chain in find_chains(things, found.explained()):
            _chain(things, chain, found)
    if known.drawn is not None:
        found.learn(known.drawn)
    return tuple(found.findings), dict(found.masks)


def _rest(mask: Mask, boxes: Sequence[Box]) -> list[Box]:
    """Boxes around what sticks out of boxes: a number that touches its mark is one piece with it."""
    shape = (mask.shape[0], mask.shape[1])
    out = mask & ~mask_of_boxes(shape, [box.grow(1).clip(shape) for box in boxes])
    count, labels, stats, _ = cv2.connectedComponentsWithStats(out.astype(np.uint8), connectivity=8)
    found: list[Box] = []
    for index in range(1, count):
        col, row, width, height, area = (int(value) for value in stats[index])
        box = Box(row, col, row + height, col + width)
        if area >= REST_AREA:
            found += [part.grow(REST_MARGIN).clip(shape) for part in small_boxes(labels[box.slices] == index, box)]
    return found


def _calipers(inks: list[Channel], scales: list[Scale], found: _Evidence) -> None:
    """Adds the calipers; what lies on a scale counts only at the end of a measuring line, as away from the sector."""
    near = found.known.near_fan
    if scales:
        near = np.ones(found.known.shape, dtype=np.bool_) if near is None else near
        near &= ~mask_of_boxes(found.known.shape, [scale.box.grow(TICK) for scale in scales])
    calipers = find_calipers(inks, found.least, found.known.words, near)
    for box, score in calipers.items:
        found.add(Kind.CALIPER, [box], score, calipers.mask)


def _scales(scales: list[Scale], found: _Evidence) -> None:
    """Adds the scales, but for dots that turned out to be a measuring line."""
    lines = found.masks[Kind.CALIPER]
    for scale in scales:
        if not (scale.mask & lines).any():
            found.add(Kind.SCALE, [scale.box], scale.score, scale.mask)


def _bars(picture: Pixels, found: _Evidence) -> Mask:
    """Adds the bars; gives the mask of their frames."""
    bars = find_bars(picture, found.known.fan)
    for box, score in bars:
        found.add(Kind.GREY_BAR, [box], score, mask_of_boxes(found.known.shape, [box]))
    return mask_of_boxes(found.known.shape, [box.grow(FRAME) for box, _ in bars])


def _strokes(strokes: list[Stroke], found: _Evidence) -> None:
    shape = found.known.shape
    kinds = [Kind.SCALE if is_comb(stroke.mask) else kind_of(stroke, shape, found.known.fan) for stroke in strokes]
    icons = [stroke.box.grow(TOGETHER) for stroke, kind in zip(strokes, kinds, strict=True) if kind is Kind.BODYMARK]
    for stroke, first in zip(strokes, kinds, strict=True):
        joined = first in {Kind.OUTLINE, Kind.CALIPER} and any(stroke.box.intersect(icon).area for icon in icons)
        kind = Kind.BODYMARK if joined else first
        mask = np.zeros(shape, dtype=np.bool_)
        mask[stroke.box.slices] = stroke.mask
        boxes = pieces(stroke.line, shape) if kind is Kind.CALIPER else [stroke.box]
        found.add(kind, boxes, stroke.score, mask, stroke.polygon if kind is Kind.OUTLINE else None)


def _chain(things: Components, chain: Chain, found: _Evidence) -> None:
    """A row of dots: a measuring line and the marks at its ends, an outline, or (outside the sector) a graphic."""
    mask = chain_mask(things, chain)
    points = [(float(row), float(col)) for row, col in chain.middles]
    near = found.known.near_fan
    if near is not None and not near[mask].any():
        found.add(Kind.GRAPHIC, [box_of_mask(mask)], chain.score, mask)
    elif chain.straight:
        boxes = pieces(straight_line(points[0], points[-1], chain.score), found.known.shape)
        for box, mark in end_marks(things, chain):
            boxes.append(box)
            mask[box.slices] |= mark
        found.add(Kind.CALIPER, boxes, chain.score, mask)
    else:
        found.add(Kind.OUTLINE, [box_of_mask(mask)], chain.score, mask, tuple(points))
