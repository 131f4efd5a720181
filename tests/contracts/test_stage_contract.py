"""One suite that every stage must pass; a stage that is not enrolled fails it."""

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable

import cv2
import numpy as np
import pytest

import bus_toolkit
from bus_toolkit.fan import CropFan, FindFan
from bus_toolkit.fill import Fill
from bus_toolkit.geometry import decode_mask
from bus_toolkit.overlays import FindGraphics, FindText
from bus_toolkit.scan import Scan
from bus_toolkit.screen import Screen
from bus_toolkit.stage import Kind, Plan, Stage

ALL_DRAWN = (Kind.TEXT, Kind.LOGO, Kind.CALIPER, Kind.BODYMARK, Kind.SCALE, Kind.GREY_BAR, Kind.GRAPHIC)
STAGES: dict[str, Callable[[], Stage]] = {
    "FindFan": FindFan,
    "FindText": FindText,
    "FindGraphics": FindGraphics,
    "Screen": Screen,
    "Fill": lambda: Fill(kinds=ALL_DRAWN),
    "CropFan": lambda: CropFan(anonymise=True),
}
LOOKING = (FindFan, FindText, FindGraphics, Screen)


def _speckle(rows: int, cols: int, seed: int = 5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.rayleigh(1.0, (rows, cols)).astype(np.float32), (0, 0), 1.2)
    return np.clip(noise * 70, 1, 255).astype(np.uint8)


def _still() -> np.ndarray:
    picture = np.zeros((240, 320), np.uint8)
    picture[20:220, 40:280] = _speckle(200, 240)
    cv2.putText(picture, "LT BREAST", (90, 200), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 2, cv2.LINE_AA)
    cv2.putText(picture, "DOE^JANE", (2, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 220, 1, cv2.LINE_AA)
    return picture


def _scans() -> dict[str, Scan]:
    still = _still()
    tinted = np.stack([still, still, np.minimum(still.astype(np.int16) + 12, 255).astype(np.uint8)], axis=-1)
    clip = np.stack([np.roll(still, step, axis=1) for step in range(5)])
    return {
        "grey": Scan.from_array(still),
        "rgb": Scan.from_array(tinted),
        "clip": Scan(frames=clip),
        "one-pixel": Scan.from_array(np.full((1, 1), 9, np.uint8)),
        "one-pixel-rgb": Scan.from_array(np.full((1, 1, 3), 9, np.uint8)),
        "thin": Scan.from_array(np.full((1, 64), 9, np.uint8)),
        "black": Scan.from_array(np.zeros((64, 80), np.uint8)),
        "white": Scan.from_array(np.full((64, 80), 255, np.uint8)),
    }


SCANS = _scans()


@pytest.fixture(params=list(STAGES))
def stage(request: pytest.FixtureRequest) -> Stage:
    return STAGES[request.param]()


@pytest.fixture(params=list(SCANS))
def scan(request: pytest.FixtureRequest) -> Scan:
    return SCANS[request.param]


_seen: dict[int, tuple[Plan, ...]] = {}


def seen_by(scan: Scan) -> tuple[Plan, ...]:
    """Plans of the stages that look, made once for each scan."""
    if id(scan) not in _seen:
        plans: tuple[Plan, ...] = ()
        for make in LOOKING:
            plans = (*plans, make().examine(scan, plans))
        _seen[id(scan)] = plans
    return _seen[id(scan)]


def test_every_stage_is_enrolled() -> None:
    found = set()
    for module in pkgutil.walk_packages(bus_toolkit.__path__, "bus_toolkit."):
        if ".cli" in module.name:
            continue
        for name, thing in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if thing is not Stage and all(hasattr(thing, verb) for verb in ("examine", "apply", "describe")):
                found.add(name)
    assert found == set(STAGES)


def test_it_is_a_frozen_stage_with_sentences(stage: Stage) -> None:
    assert isinstance(stage, Stage)
    with pytest.raises((AttributeError, TypeError)):
        stage.name = "other"  # type: ignore[misc]
    sentences = list(stage.describe())
    assert sentences
    assert all(sentence.endswith(".") and sentence[0].isupper() for sentence in sentences)
    assert getattr(type(stage), "__final__", False)


def test_examine_touches_nothing_and_repeats(stage: Stage, scan: Scan) -> None:
    before = scan.digest()
    plans = seen_by(scan) if stage.edits else ()
    plan = stage.examine(scan, plans)
    assert scan.digest() == before
    assert stage.examine(scan, plans) == plan
    assert plan.stage == stage.name


def test_the_plan_survives_json_and_gives_the_same_bytes(stage: Stage, scan: Scan) -> None:
    plan = stage.examine(scan, seen_by(scan) if stage.edits else ())
    back = Plan.from_json(json.loads(json.dumps(plan.to_json())))
    first, second = stage.apply(scan, plan), stage.apply(scan, back)
    assert first.digest() == second.digest()
    assert first.placement == second.placement


def test_findings_lie_in_the_picture(stage: Stage, scan: Scan) -> None:
    for finding in stage.examine(scan).findings:
        assert finding.detector
        if finding.box is not None:
            assert finding.box.clip(scan.shape) == finding.box
            assert finding.box.area > 0


def test_a_stage_that_only_looks_changes_nothing(stage: Stage, scan: Scan) -> None:
    if stage.edits:
        pytest.skip("it edits")
    assert stage.apply(scan, stage.examine(scan)).digest() == scan.digest()


@pytest.mark.parametrize("name", list(SCANS))
def test_fill_leaves_what_is_outside_the_mask_bit_identical(name: str) -> None:
    scan = SCANS[name]
    stage = Fill(kinds=ALL_DRAWN)
    plan = stage.examine(scan, seen_by(scan))
    after = stage.apply(scan, plan)
    encoded = plan.params["mask"]
    mask = decode_mask(encoded) if encoded is not None else np.zeros(scan.shape, np.bool_)
    assert np.array_equal(after.frames[:, ~mask], scan.frames[:, ~mask])


@pytest.mark.parametrize("name", ["grey", "rgb", "clip"])
def test_a_second_pass_finds_nothing_to_fill(name: str) -> None:
    scan = SCANS[name]
    stage = Fill(kinds=ALL_DRAWN)
    plan = stage.examine(scan, seen_by(scan))
    after = stage.apply(scan, plan)
    assert after.digest() != scan.digest()
    filled = decode_mask(plan.params["mask"])
    boxes = [finding.box for finding in FindText().examine(after).findings if finding.kind is Kind.TEXT]
    assert not any(box is not None and filled[box.slices].any() for box in boxes)


@pytest.mark.parametrize("name", ["grey", "rgb", "clip"])
def test_cropping_twice_is_cropping_once(name: str) -> None:
    scan = SCANS[name]
    stage = CropFan(anonymise=True)
    once = stage.apply(scan, stage.examine(scan))
    twice = stage.apply(once, stage.examine(once))
    assert twice.shape == once.shape
    assert once.placement is not None
    assert once.placement.frame_shape == scan.shape
