"""The stage that finds text by optical character recognition."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

import numpy as np

from bus_toolkit.overlays.drawn import param_of, see_drawn
from bus_toolkit.overlays.engines import check_engine, load_engine
from bus_toolkit.overlays.text_find import find_text, findings_from, unite
from bus_toolkit.stage import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bus_toolkit.geometry import Pixels
    from bus_toolkit.overlays.text_find import Line, Witness
    from bus_toolkit.scan import Scan

THUMBNAIL: Final = 8
"""Frames of a clip are compared on every eighth pixel: text that comes and goes is larger than that."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FindText:
    """Find text and makers' logos, burnt into the picture, by OCR.

    Parameters
    ----------
    engine
        ``"rapidocr"`` (default) or ``"easyocr"`` (an extra).
    allow_download
        Whether the engine may fetch missing weights; without it, it never does.
    segmenter
        Whether the learned segmenter looks, too. It sees cut letters, lone digits and logos that OCR does not.
    witness
        How the engine's detector looks: at ``"full"`` size, at ``"half"``, or not at all (``"none"``: the engine only
        reads what the segmenter saw).
    thorough
        Look at every picture a second time, larger: more of the smallest strings for about three times the time.

    Notes
    -----
    The score of a finding is 0 to 1. For a line of text it is the larger of the detector's mean probability that the
    pixels of the line are text and, where it could be read (0.8 or more), the recogniser's mean probability of the
    characters. For a single character beside a cross it is the latter. For a cut logo (detector ``"cut-outlines"``)
    it is the share of the outline's surroundings that is brighter by a sharp step. Scores of different detectors are
    not to be compared.

    Raises
    ------
    ConfigError
        When there is no such engine.
    """

    name: ClassVar[str] = "find-text"
    edits: ClassVar[bool] = False

    engine: str = "rapidocr"
    allow_download: bool = False
    thorough: bool = False
    segmenter: bool = True
    witness: Witness = "full"

    def __post_init__(self) -> None:
        check_engine(self.engine)

    def examine(self, scan: Scan, seen: Sequence[Plan] = ()) -> Plan:  # noqa: ARG002 (text is looked for alone)
        """Look at a still, or at a few pictures of a clip however long it is.

        Raises
        ------
        EngineError
            When the engine or its weights are missing.
        """
        return self.look(scan)[0]

    def look(self, scan: Scan) -> tuple[Plan, tuple[str, ...]]:
        """What :meth:`examine` gives, and what was read in places too doubtful to be findings. Private.

        Raises
        ------
        EngineError
            When the engine or its weights are missing.
        """
        engine = load_engine(self.engine, allow_download=self.allow_download)
        doubts: list[str] = []
        lines: list[Line] = []
        params: dict[str, Any] = {}
        for picture in pictures_of(scan):
            drawn = see_drawn(picture) if self.segmenter else None
            lines += find_text(
                picture, engine, drawn=drawn, witness=self.witness, thorough=self.thorough, doubts=doubts
            )
            # The stage after this one looks at the minimum over time, which of a still is the still itself.
            if drawn is not None and len(scan.frames) == 1:
                params = param_of(drawn, scan.shape)
        return Plan(stage=self.name, findings=findings_from(unite(lines), scan.shape), params=params), tuple(doubts)

    def second_look(self) -> FindText:
        """The same engine as another witness: its detector at full size looks alone, as the segmenter did not."""
        return replace(self, segmenter=False, witness="full")

    def apply(self, scan: Scan, plan: Plan) -> Scan:  # noqa: ARG002 (this stage only looks)
        """Give the scan back as it is."""
        return scan

    def describe(self) -> Iterator[str]:
        """What it does, in sentences."""
        if self.segmenter:
            yield "Look for text and makers' logos by a learned segmenter, pixel by pixel."
        if self.witness != "none":
            yield f"Look for text and makers' logos by OCR (engine {self.engine})."
        else:
            yield f"Read what was found by OCR (engine {self.engine})."


def pictures_of(scan: Scan) -> list[Pixels]:
    """The pictures in which text is looked for: the still, or four of a clip and its outliers.

    What is burnt in stands still, so it survives in the minimum over time when it is bright; what is drawn in a part
    of the frames only survives in the maximum, unless tissue outshines it. The middle frame shows text as it is, and so
    do the frame that differs most from it and those that stand out from the frames before them.
    """
    frames = scan.frames
    if len(frames) == 1:
        return [frames[0]]
    middle = frames[len(frames) // 2]
    small = frames[:, ::THUMBNAIL, ::THUMBNAIL].astype(np.int16)
    change = np.abs(small - small[len(frames) // 2]).mean(axis=tuple(range(1, small.ndim)))
    if not change.any() and np.array_equal(scan.composite("min"), scan.composite("max")):
        return [middle]
    other = frames[int(change.argmax())]
    drawn = [frames[index] for index in scan.outliers if index < len(frames)]
    return [middle, scan.composite("min"), scan.composite("max"), other, *drawn]
