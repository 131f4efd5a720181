"""The stage that finds what was drawn, other than text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, final

from bus_toolkit.errors import ConfigError
from bus_toolkit.geometry import encode_mask, mask_of_boxes
from bus_toolkit.overlays.drawn import drawn_of, see_drawn
from bus_toolkit.overlays.graphics_collect import Known, collect
from bus_toolkit.overlays.text_find import count_alnum
from bus_toolkit.stage import Kind, Plan, fan_of, findings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bus_toolkit.scan import Scan
    from bus_toolkit.stage import Finding

WORD: Final = 3
"""Letters and digits from which on recognised text is a word, so that no cross in it is a caliper."""
LONG: Final = 2
"""A box of text this much wider than high holds more than a mark, read or not."""
BLOCK: Final = 28
"""So does a box with both sides of this many pixels."""
MARK_LIKE: Final = "+xX*-.:|_ "
"""What a caliper or its dotted line is read as."""


def is_word(text: str) -> bool:
    """Whether recognised text is more than a caliper's mark and number."""
    return sum(letter.isalnum() and letter not in MARK_LIKE for letter in text) >= WORD


def is_line(finding: Finding) -> bool:
    """Whether a finding is a logo, or a line of several signs that could not be read."""
    if finding.kind is Kind.LOGO or finding.text or finding.box is None:
        return finding.kind is Kind.LOGO
    box = finding.box
    return box.width >= LONG * box.height or min(box.height, box.width) >= BLOCK


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FindGraphics:
    """Find calipers, outlines, body marks, scales, bars and other drawn things.

    Classical detectors look first; a learned segmenter adds what they do not see, and its name to what both see.

    The score of a finding is 0.5 at the operating point and reaches 1. For a caliper it is half the contrast of the
    weakest arm of its cross over the contrast that a lone cross needs (doubled for crosses that a measuring line
    joins); for curves the share of the stroke that has one level; for rows of dots their number; for
    scales the share of equal steps; for bars the share of smooth steps.

    Exact strokes are in ``plan.params["masks"][kind]`` (:func:`bus_toolkit.geometry.encode_mask`), True on drawn
    pixels. A clip is looked at in its minimum over time, in which what stands still and is bright survives.

    Parameters
    ----------
    least
        Findings with a lower score, 0 to 1, are left out.
    segmenter
        Whether the learned segmenter looks, too.

    Raises
    ------
    ConfigError
        When ``least`` is not between 0 and 1.
    """

    name: ClassVar[str] = "find-graphics"
    edits: ClassVar[bool] = False

    least: float = 0.5
    segmenter: bool = True

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
        words = [item.box for item in texts if item.box and (is_line(item) or is_word(item.text))]
        # A lone sign may be a piece of a body mark or stand at the ticks of a scale: it explains no strokes.
        lines = [item.box for item in texts if item.box and (is_line(item) or count_alnum(item.text) > 1)]
        written = mask_of_boxes(scan.shape, [box.grow(1) for box in lines])
        drawn = (drawn_of(seen, scan.shape) or see_drawn(picture)) if self.segmenter else None
        known = Known(shape=scan.shape, words=tuple(words), written=written, fan=fan_mask, drawn=drawn)
        findings, strokes = collect(picture, known, self.least)
        masks = {str(kind): encode_mask(mask) for kind, mask in strokes.items() if mask.any()}
        params = {"masks": masks} if masks else {}
        return Plan(stage=self.name, findings=findings, params=params)

    def apply(self, scan: Scan, plan: Plan) -> Scan:  # noqa: ARG002  part of the contract
        """Nothing: this stage only looks."""
        return scan

    def describe(self) -> Iterator[str]:
        """One sentence."""
        yield (
            "Look for drawn graphics: calipers and measuring lines, outlines, body marks, depth scales, "
            "grey and colour bars."
        )
