"""The fan as evidence, and the crop to it as an edit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

import numpy as np

from bus_toolkit.errors import ConfigError
from bus_toolkit.fan.functional import crop_frames, find_fan, left_over
from bus_toolkit.geometry import Box, decode_mask, encode_mask
from bus_toolkit.stage import Plan, fan_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bus_toolkit.geometry import Fan
    from bus_toolkit.scan import Scan

TWO_DIMENSIONAL: Final = 1
"""RegionSpatialFormat of a picture of tissue, DICOM PS3.3 C.8.5.5.1.1."""
TISSUE: Final = 1
"""RegionDataType of grey tissue, DICOM PS3.3 C.8.5.5.1.2."""


def _fan_in(scan: Scan) -> Fan | None:
    """Find the fan on the maximum over time, with the B-mode regions of the header as second witness."""
    offset = scan.placement.offset if scan.placement is not None else (0, 0)
    regions = [
        region.box.shift(-offset[0], -offset[1])
        for region in scan.acquisition.regions
        if region.spatial_format == TWO_DIMENSIONAL and region.data_type == TISSUE
    ]
    return find_fan(scan.composite("max"), regions)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FindFan:
    """Find the insonified area. Evidence only, no findings: ``params["fan"]`` holds the fan, or None."""

    name: str = field(default="find-fan", init=False)
    edits: bool = field(default=False, init=False)

    def examine(self, scan: Scan, seen: Sequence[Plan] = ()) -> Plan:  # noqa: ARG002 -- the protocol's signature
        """Look for the fan in the maximum over time."""
        fan = _fan_in(scan)
        return Plan(stage=self.name, params={"fan": fan.to_json() if fan is not None else None})

    def apply(self, scan: Scan, plan: Plan) -> Scan:  # noqa: ARG002 -- the protocol's signature
        """Nothing: this stage only looks."""
        return scan

    def describe(self) -> Iterator[str]:
        """One plain sentence for each thing that it does."""
        yield "Find the ultrasound sector (linear, curved or sector shaped) and the colour of what lies around it."


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CropFan:
    """Paint over what lies outside the fan, and crop to it.

    The plan's ``params`` hold ``"box"`` (what is kept), ``"mask"`` (encoded, True on the pixels that are painted; None
    for none) and ``"background"`` (the colour). Without a fan nothing is changed: it is for the policy to hold such a
    scan back. When no earlier plan has a fan, the stage finds one itself and puts it under ``"fan"``.

    Attributes
    ----------
    anonymise
        Whether everything outside the fan becomes background, in all frames.
    crop
        Whether the picture is cut to the box of the fan; False keeps the geometry.
    margin
        Pixels kept around the box.

    Raises
    ------
    ConfigError
        When ``margin`` is negative.
    """

    anonymise: bool
    crop: bool = True
    margin: int = 0
    name: str = field(default="crop-fan", init=False)
    edits: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        if self.margin < 0:
            msg = f"margin must be 0 or more pixels. Got {self.margin}"
            raise ConfigError(msg)

    def examine(self, scan: Scan, seen: Sequence[Plan] = ()) -> Plan:
        """Take the fan that was seen, or find it, and say what would be painted and cut."""
        fan = fan_of(seen)
        params: dict[str, object] = {}
        if fan is None or fan.mask.shape != scan.shape:
            fan = _fan_in(scan)
            params["fan"] = fan.to_json() if fan is not None else None
        box, mask = Box.whole(scan.shape), None
        background: tuple[int, ...] = (0,)
        if fan is not None:
            background = fan.background
            if self.crop:
                box = left_over(fan.box.grow(self.margin), scan.shape)
            if self.anonymise:
                mask = ~fan.mask
        painted = encode_mask(mask) if mask is not None and mask.any() else None
        params |= {"box": box.as_list(), "mask": painted, "background": list(background)}
        return Plan(stage=self.name, params=params)

    def apply(self, scan: Scan, plan: Plan) -> Scan:
        """Paint and cut as planned."""
        box = Box.from_list(plan.params["box"]).clip(scan.shape)
        mask = decode_mask(plan.params["mask"]) if plan.params["mask"] is not None else None
        if mask is None and box == Box.whole(scan.shape):
            return scan
        colour = np.array(plan.params["background"], dtype=np.uint8)
        frames = crop_frames(scan.frames, box, mask, colour)
        placement = scan.placement.crop(box) if scan.placement is not None else None
        return scan.with_frames(frames, placement=placement)

    def describe(self) -> Iterator[str]:
        """One plain sentence for each thing that it does."""
        if self.anonymise:
            yield "Paint everything outside the ultrasound sector in the background colour, in every frame."
        if self.crop:
            yield "Crop the picture to the ultrasound sector."
