"""What the header says about the parts of a picture, as a second witness.

SequenceOfUltrasoundRegions (DICOM PS3.3 C.8.5.5) is sometimes outside the picture, empty, or the whole bitmap; a
region counts only where it can be true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bus_toolkit.screen.look import Sighting
from bus_toolkit.stage import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bus_toolkit.geometry import Box
    from bus_toolkit.scan import Region

MODE_FORMAT, SPECTRAL_FORMAT = 2, 3
"""RegionSpatialFormat: M-mode, spectral (PS3.3 C.8.5.5.1)."""
COLOUR_FLOW, PW, CW = 2, 3, 4
"""RegionDataType: colour flow, PW spectral Doppler, CW spectral Doppler (PS3.3 C.8.5.5.1)."""
SAID = 0.6
"""Score of what only the header says."""
MIN_SHARE = 0.01
"""Smallest share of the picture that a region takes."""
INSIDE = 0.95
"""Share of a region that must lie in the picture."""


def told(regions: Sequence[Region], shape: tuple[int, int]) -> Iterator[tuple[Kind, Sighting]]:
    """What plausible regions say: kind, and a score of 0.6 with the region's box.

    Parameters
    ----------
    regions
        In pixels of the frame that was read.
    shape
        ``(rows, cols)`` of that frame.
    """
    for region in regions:
        kind = _kind(region)
        if kind is not None and plausible(region.box, shape):
            yield kind, Sighting(score=SAID, box=region.box.clip(shape))


def plausible(box: Box, shape: tuple[int, int]) -> bool:
    """Whether a region's box lies in the picture and is neither nothing nor all of it."""
    whole = shape[0] * shape[1]
    inside = box.clip(shape).area
    return MIN_SHARE * whole <= inside < whole and inside >= INSIDE * box.area


def _kind(region: Region) -> Kind | None:
    if region.spatial_format == MODE_FORMAT:
        return Kind.MMODE
    if region.spatial_format == SPECTRAL_FORMAT or region.data_type in {PW, CW}:
        return Kind.SPECTRAL
    return Kind.DOPPLER if region.data_type == COLOUR_FLOW else None
