"""The two stages of the fan: evidence that touches nothing, and an edit that its plan alone determines."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from bus_toolkit.errors import ConfigError
from bus_toolkit.fan.stage import CropFan, FindFan
from bus_toolkit.geometry import Box, decode_mask
from bus_toolkit.scan import Acquisition, Region, Scan
from bus_toolkit.stage import Plan, Stage, fan_of

SHAPE = (300, 400)


def picture(background: int = 0, seed: int = 0) -> Any:
    noise = np.random.default_rng(seed).integers(30, 200, SHAPE)
    shown = np.full(SHAPE, background)
    shown[40:260, 60:340] = noise[40:260, 60:340]
    shown[8:20, 10:120:4] = 250  # something like text
    return shown.astype(np.uint8)


def stored(plan: Plan) -> Plan:
    return Plan.from_json(json.loads(json.dumps(plan.to_json())))


@pytest.mark.parametrize("stage", [FindFan(), CropFan(anonymise=True), CropFan(anonymise=False, crop=False)])
def test_they_are_stages_that_say_what_they_do(stage: Stage) -> None:
    assert isinstance(stage, Stage)
    assert all(sentence.endswith(".") for sentence in stage.describe())


def test_finding_has_no_findings_and_changes_nothing() -> None:
    scan = Scan.from_array(picture())
    plan = stored(FindFan().examine(scan))
    fan = fan_of([plan])
    assert plan.findings == ()
    assert fan is not None
    assert fan.box.iou(Box(40, 60, 260, 340)) > 0.96
    assert FindFan().apply(scan, plan) is scan


def test_no_fan_is_said_so_and_nothing_is_cut() -> None:
    scan = Scan.from_array(np.zeros(SHAPE, np.uint8))
    assert FindFan().examine(scan).params["fan"] is None
    plan = stored(CropFan(anonymise=True).examine(scan))
    assert plan.params["fan"] is None
    assert CropFan(anonymise=True).apply(scan, plan) is scan


def test_the_maximum_over_time_is_used() -> None:
    halves = np.stack([picture(), picture()])
    halves[0, :, 200:] = 0
    halves[1, :, :200] = 0
    fan = fan_of([FindFan().examine(Scan(frames=halves))])
    assert fan is not None
    assert fan.box.iou(Box(40, 60, 260, 340)) > 0.96


def test_anonymising_paints_and_crops_all_frames() -> None:
    frames = np.stack([picture(40, seed) for seed in range(3)])
    scan = Scan(frames=frames)
    seen = [FindFan().examine(scan)]
    stage = CropFan(anonymise=True)
    plan = stored(stage.examine(scan, seen))
    done = stage.apply(scan, plan)
    fan = fan_of(seen)
    assert fan is not None
    assert "fan" not in plan.params
    assert done.placement is not None
    assert done.placement.to_frame(Box.whole(done.shape)) == fan.box
    assert np.array_equal(done.frames, np.where(fan.mask, frames, 40)[(slice(None), *fan.box.slices)])
    assert stage.apply(scan, plan).digest() == done.digest()
    assert np.array_equal(scan.frames, frames)


def test_geometry_can_be_kept() -> None:
    scan = Scan.from_array(np.repeat(picture()[..., None], 3, axis=2))
    stage = CropFan(anonymise=True, crop=False)
    plan = stage.examine(scan)
    done = stage.apply(scan, plan)
    mask = decode_mask(plan.params["mask"])
    assert done.shape == scan.shape
    assert not done.frames[0, :30].any()
    assert np.array_equal(done.frames[:, ~mask], scan.frames[:, ~mask])


def test_without_anonymise_pixels_stay() -> None:
    scan = Scan.from_array(picture())
    stage = CropFan(anonymise=False, margin=10)
    plan = stage.examine(scan)
    box = Box.from_list(plan.params["box"])
    done = stage.apply(scan, plan)
    assert plan.params["mask"] is None
    assert box.iou(Box(30, 50, 270, 350)) > 0.96
    assert np.array_equal(done.frames, scan.frames[(slice(None), *box.slices)])


def test_a_second_pass_finds_nothing_to_do() -> None:
    stage = CropFan(anonymise=True)
    scan = Scan.from_array(picture())
    once = stage.apply(scan, stage.examine(scan))
    twice = stage.apply(once, stage.examine(once))
    assert twice.digest() == once.digest()


def test_a_fan_of_another_size_is_not_used() -> None:
    scan = Scan.from_array(picture())
    other = FindFan().examine(Scan.from_array(picture()[:250]))
    plan = CropFan(anonymise=True).examine(scan, [other])
    assert plan.params["fan"] is not None


def test_regions_are_moved_with_the_crop() -> None:
    whole = Scan.from_array(
        picture(),
        acquisition=Acquisition(regions=(Region(box=Box(40, 60, 260, 340), spatial_format=1, data_type=1),)),
    )
    assert whole.placement is not None
    box = Box(20, 30, 300, 400)
    part = whole.with_frames(whole.frames[(slice(None), *box.slices)], placement=whole.placement.crop(box))
    fan = fan_of([FindFan().examine(part)])
    assert fan is not None
    assert fan.box.shift(20, 30).iou(Box(40, 60, 260, 340)) > 0.97


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 1, 3), (3, 20, 20), (1, 64, 64, 3)])
@pytest.mark.parametrize("value", [0, 90])
def test_small_and_flat_scans_are_accepted(shape: tuple[int, ...], value: int) -> None:
    scan = Scan(frames=np.full(shape, value, np.uint8))
    for stage in (FindFan(), CropFan(anonymise=True)):
        stage.apply(scan, stored(stage.examine(scan)))


def test_a_negative_margin_is_refused() -> None:
    with pytest.raises(ConfigError, match="margin must be"):
        CropFan(anonymise=True, margin=-1)
