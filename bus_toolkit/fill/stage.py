"""Filling what earlier stages found, as an edit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

import numpy as np

from bus_toolkit.errors import ConfigError
from bus_toolkit.fill.functional import fill_frames, grow_mask
from bus_toolkit.geometry import decode_mask, encode_mask, mask_of_boxes
from bus_toolkit.stage import Kind, Plan, fan_of, findings_of, masks_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bus_toolkit.geometry import Mask
    from bus_toolkit.scan import Scan

DRAWN: Final = frozenset(
    {
        Kind.TEXT,
        Kind.LOGO,
        Kind.CALIPER,
        Kind.OUTLINE,
        Kind.BODYMARK,
        Kind.SCALE,
        Kind.GREY_BAR,
        Kind.GRAPHIC,
    }
)
"""What is drawn over a picture and can be filled. The other kinds say what a picture is."""
WHOLE_BOX: Final = frozenset({Kind.TEXT, Kind.LOGO})
"""Kinds whose whole box is filled, mask or not: the gaps between strokes would keep the word readable."""
LARGEST_RADIUS: Final = 50


def mask_to_fill(shape: tuple[int, int], seen: Sequence[Plan], kinds: Sequence[Kind]) -> Mask:
    """Unite what was seen of ``kinds``: exact masks where there are any, boxes for text and for what has no mask.

    ``shape`` is ``(rows, cols)``. A box in which its kind has no mask pixel counts as having none.
    """
    united = np.zeros(shape, dtype=np.bool_)
    for kind in kinds:
        exact = np.zeros(shape, dtype=np.bool_)
        for mask in masks_of(seen, kind):
            if mask.shape == shape:
                exact |= mask
        boxes = [item.box.clip(shape) for item in findings_of(seen) if item.kind == kind and item.box is not None]
        boxes = [box for box in boxes if kind in WHOLE_BOX or not exact[box.slices].any()]
        united |= exact | mask_of_boxes(shape, boxes)
    return united


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """Fill what was drawn over the picture.

    The plan's ``params`` hold ``"mask"`` (encoded, True on what is filled; None for nothing), ``"fan_mask"`` (encoded;
    None when all is fan), ``"background"`` and ``"filled_fraction_of_fan"`` (0 to 1).

    Attributes
    ----------
    kinds
        What is filled, of :data:`DRAWN`.
    radius
        Pixels around a filled one that are looked at, 1 to 50.
    grow
        Pixels by which the masks are grown, 0 to 50: drawing has soft edges.

    Raises
    ------
    ConfigError
        When a kind cannot be filled or a number is out of range.
    """

    kinds: frozenset[Kind] | tuple[Kind, ...] = (Kind.TEXT, Kind.LOGO, Kind.BODYMARK)
    radius: int = 8
    grow: int = 2
    name: str = field(default="fill", init=False)
    edits: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        wrong = sorted(str(kind) for kind in set(self.kinds) - DRAWN)
        if wrong:
            msg = f"kinds to fill must be drawn things ({', '.join(sorted(DRAWN))}). Got {', '.join(wrong)}"
            raise ConfigError(msg)
        if not 1 <= self.radius <= LARGEST_RADIUS:
            msg = f"radius must be 1 to {LARGEST_RADIUS} pixels. Got {self.radius}"
            raise ConfigError(msg)
        if not 0 <= self.grow <= LARGEST_RADIUS:
            msg = f"grow must be 0 to {LARGEST_RADIUS} pixels. Got {self.grow}"
            raise ConfigError(msg)

    def examine(self, scan: Scan, seen: Sequence[Plan] = ()) -> Plan:
        """Unite and grow the masks of what was seen. Without a fan among the plans the whole picture counts as fan."""
        mask = grow_mask(mask_to_fill(scan.shape, seen, sorted(self.kinds)), self.grow)
        fan = fan_of(seen)
        inside = fan.mask if fan is not None and fan.mask.shape == scan.shape else None
        share = (mask & inside).sum() / max(1, inside.sum()) if inside is not None else mask.mean()
        return Plan(
            stage=self.name,
            params={
                "mask": encode_mask(mask) if mask.any() else None,
                "fan_mask": encode_mask(inside) if inside is not None and mask.any() else None,
                "background": list(fan.background) if fan is not None else [0],
                "radius": self.radius,
                "filled_fraction_of_fan": round(float(share), 6),
            },
        )

    def apply(self, scan: Scan, plan: Plan) -> Scan:
        """Fill the planned mask in every frame."""
        if plan.params["mask"] is None:
            return scan
        mask = decode_mask(plan.params["mask"])
        fan = decode_mask(plan.params["fan_mask"]) if plan.params["fan_mask"] is not None else None
        colour = np.array(plan.params["background"], dtype=np.uint8)
        frames = fill_frames(scan.frames, mask, fan, colour, radius=int(plan.params["radius"]))
        return scan.with_frames(frames)

    def describe(self) -> Iterator[str]:
        """One plain sentence for each thing that it does."""
        if self.kinds:
            names = ", ".join(sorted(str(kind).replace("_", " ") for kind in self.kinds))
            yield f"Fill what was drawn over the picture ({names}) from the pixels around it, in every frame."
