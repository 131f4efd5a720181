import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import pytest

from bus_toolkit.errors import ConfigError
from bus_toolkit.overlays import FindText
from bus_toolkit.overlays.text_stage import pictures_of
from bus_toolkit.scan import Scan
from bus_toolkit.stage import Kind, Plan, Stage


def tissue(seed: Any = 1, shape: Any = (200, 300)) -> Any:
    grey = np.random.default_rng(seed).normal(90, 40, shape)
    return np.clip(cv2.GaussianBlur(grey, (0, 0), 2), 0, 255).astype(np.uint8)


def write(image: Any, text: Any, at: Any, level: Any = 235, size: Any = 0.6) -> Any:
    ink = np.zeros(image.shape[:2], np.uint8)
    cv2.putText(ink, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, 255, 2)
    image[ink > 127] = level
    rows, cols = np.nonzero(ink > 127)
    return np.s_[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1]


def covers(plan: Any, part: Any, kind: Any = Kind.TEXT) -> Any:
    mask = np.zeros((200, 300), bool)
    for finding in plan.findings:
        if finding.kind == kind:
            mask[finding.box.slices] = True
    return bool(mask[part].all())


@pytest.mark.parametrize("level", [235, 140, (230, 220, 40), (60, 200, 230)])
def test_text_in_tissue_is_found_and_read_in_grey_and_colours(level: Any) -> None:
    image = tissue() // 2
    if not isinstance(level, int):
        image = np.repeat(image[..., np.newaxis], 3, axis=2)
    part = write(image, "RT AXILLA", (90, 110), level)
    plan = FindText().examine(Scan.from_array(image))
    assert covers(plan, part)
    assert any(finding.text.replace(" ", "") == "RTAXILLA" for finding in plan.findings)
    assert all(finding.detector and 0 <= finding.score <= 1 for finding in plan.findings)
    assert Plan.from_json(plan.to_json()) == plan
    assert "AXILLA" not in repr(plan)


def test_nothing_is_found_in_tissue() -> None:
    assert FindText().examine(Scan.from_array(tissue())).findings == ()


def test_a_vendors_name_is_a_logo() -> None:
    image = tissue() // 2
    part = write(image, "LOGIQ", (30, 40))
    plan = FindText().examine(Scan.from_array(image))
    assert covers(plan, part, Kind.LOGO)
    assert not any(finding.kind == Kind.TEXT for finding in plan.findings)


def test_in_a_clip_what_stands_still_and_what_is_shown_for_a_while_is_found() -> None:
    clip = np.stack([tissue(seed) // 2 for seed in range(12)])
    for frame in clip:
        still = write(frame, "LT 3", (30, 60))
    for frame in clip[1:3]:
        brief = write(frame, "SILVA", (150, 160))
    plan = FindText().examine(Scan(frames=clip))
    assert covers(plan, still)
    assert covers(plan, brief)


@pytest.mark.parametrize("frames", [2, 5, 90])
def test_the_cost_does_not_grow_with_frames(frames: Any) -> None:
    clip = np.random.default_rng(2).integers(0, 255, (frames, 20, 30), dtype=np.uint8)
    assert len(pictures_of(Scan(frames=clip))) == 4
    assert len(pictures_of(Scan(frames=np.repeat(clip[:1], frames, axis=0)))) == 1


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 1, 3), (4, 30, 20), (1, 2, 400), (3, 5, 6, 3)])
def test_any_shape_is_accepted(shape: Any) -> None:
    scan = Scan(frames=np.zeros(shape, np.uint8))
    stage = FindText()
    plan = stage.examine(scan)
    assert plan.findings == ()
    assert stage.apply(scan, plan) is scan


def test_the_same_picture_gives_the_same_plan() -> None:
    image = tissue()
    write(image, "LT 3", (30, 60))
    scan = Scan.from_array(image)
    assert FindText().examine(scan) == FindText().examine(scan)


def test_it_is_a_stage_that_only_looks_and_knows_its_engines() -> None:
    assert isinstance(FindText(), Stage)
    assert (FindText.name, FindText.edits) == ("find-text", False)
    assert "rapidocr" in " ".join(FindText().describe())
    with pytest.raises(ConfigError, match="easyocr"):
        FindText(engine="none")


def test_no_engine_loads_before_it_is_used() -> None:
    code = (
        "import sys; from bus_toolkit.overlays import FindText; FindText();"
        "assert not {'onnxruntime', 'rapidocr', 'easyocr', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 (fixed words)
