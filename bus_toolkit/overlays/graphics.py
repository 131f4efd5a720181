"""The stage that finds what was drawn, other than text."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, final

import numpy as np

from bus_toolkit.errors import ConfigError
from bus_toolkit.geometry import Box, encode_mask, mask_of_boxes
from bus_toolkit.overlays.bodymark import kind_of
from bus_toolkit.overlays.caliper_find import find_calipers
from bus_toolkit.overlays.graphics_ink import channels, components
from bus_toolkit.overlays.outline import find_strokes
from bus_toolkit.overlays.scale import find_bars, find_scales
from bus_toolkit.stage import Finding, Kind, Plan, fan_of, findings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bus_toolkit.geometry import Mask, Pixels
    from bus_toolkit.overlays.graphics_ink import Channel, Components
    from bus_toolkit.scan import Scan

DETECTOR: Final = "strokes"
"""Named in every finding."""
WORD: Final = 3
"""Letters and digits from which on recognised text is a word, so that no cross in it is a caliper."""
MARK_LIKE: Final = "+xX*-.:|_ "
"""What a caliper or its dotted line is read as."""


def is_word(text: str) -> bool:
    """Whether recognised text is more than a caliper's mark and number."""
    return sum(letter.isalnum() and letter not in MARK_LIKE for letter in text) >= WORD


@dataclass(slots=True)
class _Evidence:
    """Findings and exact masks as they come together."""

    shape: tuple[int, int]
    findings: list[Finding]
    masks: dict[Kind, Mask]

    def explained(self, written: Mask) -> Mask:
        """What needs no other explanation: text, and what was found already."""
        together = written.copy()
        for mask in self.masks.values():
            together |= mask
        return together

    def add(self, finding: Finding, mask: Mask | None = None) -> None:
        self.findings.append(finding)
        if mask is not None:
            self.masks[finding.kind] |= mask


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FindGraphics:
    """Find calipers, outlines, body marks, scales, bars and other drawn things by classical means.

    The score of a finding is 0.5 at the operating point and reaches 1. For a caliper it is half the contrast of the
    weakest arm of its cross over the contrast that a lone cross needs (doubled for crosses that a measuring line
    joins); for curves the share of the stroke that has one level; for scales the share of equal steps; for bars the
    share of smooth steps.

    Exact strokes are in ``plan.params["masks"][kind]`` (:func:`bus_toolkit.geometry.encode_mask`), True on drawn
    pixels. A clip is looked at in its minimum over time, in which what stands still and is bright survives.

    Parameters
    ----------
    least
        Findings with a lower score, 0 to 1, are left out.

    Raises
    ------
    ConfigError
        When ``least`` is not between 0 and 1.
    """

    name: ClassVar[str] = "find-graphics"
    edits: ClassVar[bool] = False

    least: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 <= self.least <= 1.0:
            msg = f"least must be between 0 and 1. Got {self.least}"
            raise ConfigError(msg)

    def examine(self, scan: Scan, seen: Sequence[Plan] = ()) -> Plan:
        """Look at the picture; text and the sector that earlier stages found help to tell letters from marks."""
        picture = scan.composite("min")
        fan = fan_of(seen)
        fan_mask = fan.mask if fan is not None and fan.mask.shape == scan.shape else None
        texts = [item for item in findings_of(seen) if item.kind in {Kind.TEXT, Kind.LOGO} and item.box is not None]
        words = [item.box for item in texts if item.box and (item.kind is Kind.LOGO or is_word(item.text))]
        written = mask_of_boxes(scan.shape, [item.box.grow(1) for item in texts if item.box])
        found = _Evidence(scan.shape, [], defaultdict(lambda: np.zeros(scan.shape, dtype=np.bool_)))
        inks = channels(picture)
        self._calipers(inks, words, found)
        for ink in inks:
            things = components(ink)
            self._scales(things, found.explained(written), fan_mask, found)
            self._strokes(things, found.explained(written), fan_mask, found)
        self._bars(picture, fan_mask, found)
        masks = {str(kind): encode_mask(mask) for kind, mask in found.masks.items() if mask.any()}
        params = {"masks": masks} if masks else {}
        return Plan(stage=self.name, findings=tuple(found.findings), params=params)

    def apply(self, scan: Scan, plan: Plan) -> Scan:  # noqa: ARG002  part of the contract
        """Nothing: this stage only looks."""
        return scan

    def describe(self) -> Iterator[str]:
        """One sentence."""
        yield (
            "Look for drawn graphics: calipers and measuring lines, outlines, body marks, depth scales, "
            "grey and colour bars."
        )

    def _calipers(self, inks: list[Channel], words: list[Box], found: _Evidence) -> None:
        calipers = find_calipers(inks, self.least, words)
        for box, score in calipers.items:
            found.add(Finding(kind=Kind.CALIPER, box=box, score=score, detector=DETECTOR))
        if calipers.items:
            found.masks[Kind.CALIPER] |= calipers.mask

    def _strokes(self, things: Components, explained: Mask, fan: Mask | None, found: _Evidence) -> None:
        for stroke in find_strokes(things, explained):
            if stroke.score < self.least:
                continue
            kind = kind_of(stroke, found.shape, fan)
            mask = np.zeros(found.shape, dtype=np.bool_)
            mask[stroke.box.slices] = stroke.mask
            polygon = stroke.polygon if kind is Kind.OUTLINE else None
            finding = Finding(kind=kind, box=stroke.box, score=stroke.score, detector=DETECTOR, polygon=polygon)
            found.add(finding, mask)

    def _scales(self, things: Components, explained: Mask, fan: Mask | None, found: _Evidence) -> None:
        for scale in find_scales(things, fan, explained):
            if scale.score >= self.least:
                found.add(Finding(kind=Kind.SCALE, box=scale.box, score=scale.score, detector=DETECTOR), scale.mask)

    def _bars(self, picture: Pixels, fan: Mask | None, found: _Evidence) -> None:
        for box, score in find_bars(picture, fan):
            if score >= self.least:
                bar = Finding(kind=Kind.GREY_BAR, box=box, score=score, detector=DETECTOR)
                found.add(bar, mask_of_boxes(found.shape, [box]))
