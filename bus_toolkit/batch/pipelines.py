"""The order of stages that a policy stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bus_toolkit.fan import CropFan, FindFan
from bus_toolkit.fill import Fill
from bus_toolkit.overlays import FindGraphics, FindText
from bus_toolkit.pipeline import Pipeline
from bus_toolkit.screen import Screen
from bus_toolkit.stage import OPERATING_POINT

if TYPE_CHECKING:
    from bus_toolkit.overlays.text_find import Witness
    from bus_toolkit.policy import Policy


LOWEST = 0.01
"""A screen with a threshold of 0 would report everything that it looked for."""


def build_pipeline(
    policy: Policy,
    *,
    anonymise: bool,
    engine: str = "rapidocr",
    allow_download: bool = False,
    crop: bool | None = None,
    witness: Witness = "full",
) -> Pipeline:
    """The pipeline that ``bus-clean`` runs.

    Parameters
    ----------
    policy
        Says what is rejected, filled and cropped.
    anonymise
        Everything outside the ultrasound sector becomes background.
    engine, allow_download
        The OCR engine, and whether it may fetch missing weights.
    witness
        How the engine's detector looks beside the segmenter, see :class:`bus_toolkit.overlays.FindText`.
    crop
        Overrides the policy: DICOM output keeps its geometry and is masked, not cropped.
    """
    cut = policy.fan.crop if crop is None else crop
    # A screen leaves out what scores below its own threshold, so it must not be above the policy's.
    lowest = min((OPERATING_POINT, *policy.verdict.min_score.values()))
    return Pipeline(
        policy=policy,
        stages=(
            FindFan(),
            FindText(engine=engine, allow_download=allow_download, witness=witness),
            FindGraphics(),
            Screen(min_score=max(lowest, LOWEST)),
            Fill(kinds=policy.fill.kinds, radius=policy.fill.radius, grow=policy.fill.grow),
            CropFan(anonymise=anonymise, crop=cut, margin=policy.fan.margin),
        ),
    )
