"""What flows through the stages: pixels and a few allow-listed facts. Never a header, never a path."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import numpy.typing as npt

from bus_toolkit.errors import ConfigError
from bus_toolkit.geometry import Box, Pixels, Placement

if TYPE_CHECKING:
    from collections.abc import Mapping

GREY_NDIM = 3
RGB_NDIM = 4
CHANNELS = 3
MEDIAN_FRAMES = 31
"""A median over more frames than this costs memory and changes nothing that can be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One item of SequenceOfUltrasoundRegions (DICOM PS3.3 C.8.5.5), as far as geometry goes.

    ``box`` is in pixels of the frame and half-open (the standard's X1/Y1 are inclusive). ``delta_mm`` is the size of
    a pixel (row, col) in mm or None. The codes are RegionSpatialFormat, RegionDataType and RegionFlags.
    """

    box: Box
    spatial_format: int = 0
    data_type: int = 0
    flags: int = 0
    delta_mm: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """The allow-listed facts about how a scan was made; nothing here names a person or a place.

    ``ultrasound`` is whether the header's class or modality says so; None where it leaves that open or is missing.
    """

    manufacturer: str = ""
    model: str = ""
    spacing_mm: tuple[float, float] | None = None
    regions: tuple[Region, ...] = ()
    frame_time_ms: float | None = None
    ultrasound: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRef:
    """Which input a scan came from, without its path: a pseudonymous id and a keyed digest of its bytes.

    ``media`` is ``"dicom"``, ``"png"``, ``"jpeg"``, ``"tiff"``, ``"bmp"`` or ``"array"``.
    """

    id: str = ""
    digest: str = ""
    media: str = "array"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """One line of history: what a stage did, with what, and the digests of the pixels before and after."""

    stage: str
    params: Mapping[str, Any]
    version: str
    digest_before: str
    digest_after: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan:
    """One still or clip.

    Attributes
    ----------
    frames
        uint8, ``(frames, rows, cols)`` grey or ``(frames, rows, cols, 3)`` RGB, at least one pixel, not writeable.
        An array that is writeable is copied.
    source, acquisition
        See :class:`SourceRef` and :class:`Acquisition`.
    placement
        Where ``frames`` sits in the frame that was read.
    extremes
        The smallest and the largest value of each pixel over a whole clip, when ``frames`` is a sample of it: a clip
        of any length is looked at in bounded memory. None when ``frames`` is all there is.
    outliers
        Indices of frames in which something small was drawn that others do not have, as far as the reader noticed.
    history
        What was done so far; only the pipeline appends to it.

    Raises
    ------
    ConfigError
        When ``frames`` has another dtype or shape.
    """

    frames: npt.NDArray[np.uint8]
    source: SourceRef = SourceRef()
    acquisition: Acquisition = Acquisition()
    placement: Placement | None = None
    history: tuple[Applied, ...] = ()
    extremes: tuple[Pixels, Pixels] | None = None
    outliers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        frames = self.frames
        good = frames.ndim == GREY_NDIM or (frames.ndim == RGB_NDIM and frames.shape[-1] == CHANNELS)
        if frames.dtype != np.uint8 or not good or frames.size == 0:
            msg = (
                "frames must be uint8 of shape (frames, rows, cols) or (frames, rows, cols, 3), not empty. "
                f"Got {frames.dtype} of shape {frames.shape}"
            )
            raise ConfigError(msg)
        if frames.flags.writeable:
            frames = frames.copy()
            frames.flags.writeable = False
            object.__setattr__(self, "frames", frames)
        if self.placement is None:
            object.__setattr__(self, "placement", Placement(frame_shape=self.shape))

    @classmethod
    def from_array(cls, array: npt.NDArray[np.uint8], **facts: Any) -> Scan:  # noqa: ANN401
        """Wrap one picture (``(rows, cols)`` or ``(rows, cols, 3)``); further fields by keyword."""
        return cls(frames=array[np.newaxis], **facts)

    def __repr__(self) -> str:
        """Shape and kind only."""
        return f"Scan({self.source.media}, frames={self.frames.shape})"

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, cols)``."""
        return int(self.frames.shape[1]), int(self.frames.shape[2])

    @property
    def is_rgb(self) -> bool:
        """Whether the frames have three channels."""
        return self.frames.ndim == RGB_NDIM

    def composite(self, how: Literal["min", "median", "max"]) -> Pixels:
        """One picture over time, ``(rows, cols)`` or ``(rows, cols, 3)``, uint8.

        What is burnt in stands still: it survives ``"min"`` when it is bright, while tissue that moves fades.
        The median takes at most 31 frames spread evenly. A still gives its only frame, as a read-only view.
        """
        if len(self.frames) == 1:
            return cast("Pixels", self.frames[0])
        if how == "median":
            picked = np.unique(np.linspace(0, len(self.frames) - 1, MEDIAN_FRAMES).round().astype(int))
            return cast("Pixels", np.median(self.frames[picked], axis=0).astype(np.uint8))
        if self.extremes is not None:
            return self.extremes[0 if how == "min" else 1]
        reduce = np.minimum.reduce if how == "min" else np.maximum.reduce
        return cast("Pixels", reduce(self.frames, axis=0))

    def digest(self) -> str:
        """Hex BLAKE2b-128 of shape and pixels."""
        hasher = hashlib.blake2b(str(self.frames.shape).encode(), digest_size=16)
        hasher.update(np.ascontiguousarray(self.frames).data)
        return hasher.hexdigest()

    def with_frames(self, frames: npt.NDArray[np.uint8], *, placement: Placement | None = None) -> Scan:
        """The same scan with other pixels: THE way to change one.

        Raises
        ------
        ConfigError
            When the number of frames or the kind (grey or RGB) changes, or when the size changes and no
            ``placement`` says where the new array sits.
        """
        if len(frames) != len(self.frames) or frames.ndim != self.frames.ndim:
            msg = f"new frames must have the count and channels of {self.frames.shape}. Got {frames.shape}"
            raise ConfigError(msg)
        if placement is None and frames.shape != self.frames.shape:
            msg = f"a change of size must come with a placement. Got {frames.shape} for {self.frames.shape}"
            raise ConfigError(msg)
        # Extremes of the former pixels say nothing of the new ones, and those of the rest are not known here.
        return replace(self, frames=frames, placement=placement or self.placement, extremes=None)
