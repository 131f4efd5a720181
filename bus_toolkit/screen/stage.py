"""The stage that tells whether a scan is a plain B-mode scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias, final

import numpy as np

from bus_toolkit.errors import ConfigError
from bus_toolkit.screen.blank import blank
from bus_toolkit.screen.calibration import calibrated
from bus_toolkit.screen.colour import VIVID_CHROMA, chroma_of, colours_of
from bus_toolkit.screen.doppler import colour_box, flow
from bus_toolkit.screen.dual_view import dual_view
from bus_toolkit.screen.elastography import elastography
from bus_toolkit.screen.look import NOTHING, Look, Sighting, look_at
from bus_toolkit.screen.mask import mask as mask_of
from bus_toolkit.screen.not_ultrasound import not_ultrasound
from bus_toolkit.screen.photo import photo
from bus_toolkit.screen.regions import told
from bus_toolkit.screen.thin_lines import find_lines, rectangles
from bus_toolkit.screen.traces import Panel, panel
from bus_toolkit.stage import OPERATING_POINT, Finding, Kind, Plan, fan_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bus_toolkit.geometry import Box, Fan
    from bus_toolkit.scan import Scan

Seen: TypeAlias = "tuple[Kind, str, Sighting]"
"""Kind, detector, and what it measured: 0.5 at its operating point."""
SURELY_STILL = 0.75
"""Measure of stillness from which an M-mode is not weighed against two views."""
MOST_FRAMES = 64
"""Frames of a clip, spread evenly, in which colour is looked for: it may flash in a few of them only."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Looks for what a plain B-mode scan does not show; changes nothing.

    Every score is 0 to 1 with 0.5 at the operating point; what it measures is documented at each detector:
    :func:`.doppler.flow`, :func:`.doppler.colour_box`, :func:`.elastography.elastography`,
    :func:`.dual_view.dual_view`, :func:`.traces.panel`,
    :func:`.blank.blank`, :func:`.not_ultrasound.not_ultrasound`, :func:`.mask.mask`, :func:`.photo.photo`,
    :func:`.regions.told`. What is measured becomes a probability by :mod:`.calibration`. A header
    that names another modality than ultrasound is evidence too (detector ``"screen.modality"``, score 1).

    Parameters
    ----------
    min_score
        Findings below this score are left out. Lower it together with a policy's ``min_score``.

    Raises
    ------
    ConfigError
        When ``min_score`` is not above 0 and at most 1.
    """

    min_score: float = OPERATING_POINT
    name: ClassVar[str] = "screen"
    edits: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0.0 < self.min_score <= 1.0:
            msg = f"min_score must be above 0 and at most 1. Got {self.min_score}"
            raise ConfigError(msg)

    def examine(self, scan: Scan, seen: Sequence[Plan] = ()) -> Plan:
        """Look at the picture, or at the middle frame of a clip and the one with most colour."""
        found = [*seen_on(scan, fan_of(seen)), *_header(scan)]
        findings = [
            Finding(kind=kind, box=sighting.box, score=calibrated(detector, sighting.score), detector=detector)
            for kind, detector, sighting in found
            if sighting.score > 0
        ]
        return Plan(stage=self.name, findings=tuple(item for item in findings if item.score >= self.min_score))

    def apply(self, scan: Scan, plan: Plan) -> Scan:  # noqa: ARG002  the edit of a screen is empty
        """Give the scan back as it is."""
        return scan

    def describe(self) -> Iterator[str]:
        """One sentence for each thing that it looks for."""
        yield "Look for colour flow, and for the thin box that marks its region."
        yield "Look for elastography maps."
        yield "Look for two views side by side."
        yield "Look for M-mode and spectral traces."
        yield "Look for pictures with hardly any echo, and for pictures that are not ultrasound."
        yield "Look for parts that are painted over in one colour."
        yield "Look for photos of a screen."


def seen_on(scan: Scan, fan: Fan | None) -> Iterator[Seen]:
    """What each screen measures on a scan, before it is made a probability: kind, detector, sighting."""
    mask = None if fan is None else fan.mask
    middle = look_at(scan.frames[len(scan.frames) // 2], mask)
    colourful = _most_colourful(scan)
    coloured = middle if colourful is None else look_at(scan.frames[colourful], mask)
    # A clip is blank when no frame of it shows anything.
    brightest = middle if len(scan.frames) == 1 else look_at(scan.composite("max"), mask)
    nothing = blank(brightest)
    lines = _frames(middle)
    trace = panel(middle, [box for box, _ in lines])
    if trace.only_still and (nothing.score >= OPERATING_POINT or _is_pair(middle, trace.sighting.score)):
        # A probe in air shows its own face again and again, lines as still as an M-mode; two views may be alike.
        trace = Panel(NOTHING, is_spectrum=False)
    yield Kind.SPECTRAL if trace.is_spectrum else Kind.MMODE, "screen.panel", trace.sighting
    # The strips and rings of lost contact make rectangles, too.
    layout = list(_layout(middle, [] if nothing.score >= OPERATING_POINT else lines, trace.sighting))
    colour = list(_colour(coloured))
    yield from (*layout, *colour)
    if trace.sighting.score < OPERATING_POINT:
        # Beats beside each other are alike as two views are; the sides of a map and of a box are seams.
        sides = [sighting.box for _, _, sighting in (*layout, *colour[:1]) if sighting.box and sighting.score > 0]
        yield Kind.DUAL_VIEW, "screen.dual-view", dual_view(middle, sides)
    if trace.sighting.score < OPERATING_POINT:
        # The fan that was found beside a panel of time may be no more than a thumbnail.
        yield Kind.BLANK, "screen.blank", nothing
    yield Kind.NOT_ULTRASOUND, "screen.not-ultrasound", not_ultrasound(middle)
    if colour[0][2].score < OPERATING_POINT:
        # A map of hardness is smooth and many parts of it have one hue.
        camera = photo(middle)
        yield Kind.PHOTO, "screen.photo", camera
        # Flow and the reflection of a lamp are parts of one colour, too.
        other = max(camera.score, *(sighting.score for _, _, sighting in colour))
        yield Kind.MASK, "screen.mask", NOTHING if other >= OPERATING_POINT else mask_of(middle)


def _is_pair(look: Look, stillness: float) -> bool:
    """Whether a picture that is hardly still enough for an M-mode is two views."""
    return stillness < SURELY_STILL and dual_view(look).score >= OPERATING_POINT


def _frames(look: Look) -> list[tuple[Box, float]]:
    """Rectangles of thin lines and the drawn share of each."""
    colours = colours_of(look)
    return rectangles(find_lines(look.grey, None if colours is None else colours.chroma))


def _layout(look: Look, frames: list[tuple[Box, float]], trace: Sighting) -> Iterator[Seen]:
    """What lines show: the colour box."""
    if trace.box is not None and trace.score >= OPERATING_POINT:
        # A panel's own grid makes rectangles too.
        box = trace.box
        frames = [frame for frame in frames if frame[0].intersect(box).area == 0]
    yield Kind.DOPPLER, "screen.colour-box", colour_box(look, frames)


def _colour(look: Look) -> Iterator[Seen]:
    """What colour shows: a map of hardness, else flow, for the same colours are not evidence of two things."""
    colours = colours_of(look)
    hardness = elastography(look, colours)
    yield Kind.ELASTOGRAPHY, "screen.elastography", hardness
    if hardness.score < OPERATING_POINT:
        yield Kind.DOPPLER, "screen.flow", flow(look, colours)


def _most_colourful(scan: Scan) -> int | None:
    """The frame of a clip with most strongly coloured pixels; None where there is no colour."""
    if not scan.is_rgb or len(scan.frames) == 1:
        return None
    picked = np.unique(np.linspace(0, len(scan.frames) - 1, MOST_FRAMES).round().astype(int))
    counts = [int((chroma_of(scan.frames[i]) >= VIVID_CHROMA).sum()) for i in picked]
    return int(picked[int(np.argmax(counts))]) if max(counts) > 0 else None


def _header(scan: Scan) -> Iterator[Seen]:
    """What the header says, in pixels of the present array."""
    if scan.acquisition.ultrasound is False:
        yield Kind.NOT_ULTRASOUND, "screen.modality", Sighting(score=1.0)
    placement = scan.placement
    if placement is None:
        return
    rows, cols = placement.offset
    for kind, sighting in told(scan.acquisition.regions, placement.frame_shape):
        box = None if sighting.box is None else sighting.box.shift(-rows, -cols).clip(scan.shape)
        yield kind, "screen.regions", Sighting(score=sighting.score, box=box)
