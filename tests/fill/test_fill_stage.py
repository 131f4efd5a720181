"""What is filled is what was seen, of the kinds that were asked for, and the plan alone determines the result."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bus_toolkit.errors import ConfigError
from bus_toolkit.fill.stage import DRAWN, Fill, mask_to_fill
from bus_toolkit.geometry import Box, Fan, decode_mask, encode_mask, mask_of_boxes
from bus_toolkit.scan import Scan
from bus_toolkit.stage import Finding, Kind, Plan, Stage

SHAPE = (120, 160)


def seen(kind: Kind, *boxes: Box | None, exact: Box | None = None) -> Plan:
    findings = tuple(Finding(kind=kind, box=box, score=0.9, detector="made") for box in boxes)
    masks = {str(kind): encode_mask(mask_of_boxes(SHAPE, [exact]))} if exact else {}
    return Plan(stage="made", findings=findings, params={"masks": masks})


def fan_plan(box: Box, background: tuple[int, ...] = (40,)) -> Plan:
    fan = Fan(
        mask=mask_of_boxes(SHAPE, [box]),
        box=box,
        polygon=(),
        shape="linear",
        background=background,
        score=1.0,
    )
    return Plan(stage="find-fan", params={"fan": fan.to_json()})


def stored(plan: Plan) -> Plan:
    return Plan.from_json(json.loads(json.dumps(plan.to_json())))


def scan_of(frames: int = 1, channels: int = 0, seed: int = 0) -> Scan:
    shape = (frames, *SHAPE, channels) if channels else (frames, *SHAPE)
    return Scan(frames=np.random.default_rng(seed).integers(60, 140, shape).astype(np.uint8))


def test_it_is_a_stage_that_says_what_it_does() -> None:
    stage = Fill(kinds=(Kind.TEXT, Kind.GREY_BAR))
    assert isinstance(stage, Stage)
    assert stage.edits
    assert list(stage.describe()) == [
        "Fill what was drawn over the picture (grey bar, text) from the pixels around it, in every frame."
    ]
    assert list(Fill(kinds=()).describe()) == []


def test_the_whole_box_of_text_is_filled_even_when_strokes_are_known() -> None:
    box = Box(10, 10, 20, 40)
    mask = mask_to_fill(SHAPE, [seen(Kind.TEXT, box, exact=Box(12, 12, 18, 14))], [Kind.TEXT])
    assert np.array_equal(mask, mask_of_boxes(SHAPE, [box]))


def test_drawn_things_are_filled_by_their_exact_mask_and_else_by_their_box() -> None:
    first, second, strokes = Box(10, 10, 40, 40), Box(60, 60, 80, 90), Box(20, 20, 22, 22)
    plans = [seen(Kind.CALIPER, first, second, None, exact=strokes), seen(Kind.OUTLINE, Box(0, 0, 5, 5))]
    mask = mask_to_fill(SHAPE, plans, [Kind.CALIPER])
    assert np.array_equal(mask, mask_of_boxes(SHAPE, [strokes, second]))


def test_a_mask_of_another_size_does_not_hide_the_box() -> None:
    box = Box(10, 10, 40, 40)
    other = Plan(stage="made", params={"masks": {"caliper": encode_mask(np.ones((9, 9), bool))}})
    mask = mask_to_fill(SHAPE, [other, seen(Kind.CALIPER, box)], [Kind.CALIPER])
    assert np.array_equal(mask, mask_of_boxes(SHAPE, [box]))


def test_boxes_outside_the_picture_are_clipped() -> None:
    mask = mask_to_fill(SHAPE, [seen(Kind.TEXT, Box(-5, 150, 10, 900))], [Kind.TEXT])
    assert np.array_equal(mask, mask_of_boxes(SHAPE, [Box(0, 150, 10, 160)]))


@pytest.mark.parametrize(("frames", "channels"), [(1, 0), (3, 0), (1, 3), (2, 3)])
def test_only_planned_pixels_change_and_the_stored_plan_is_enough(frames: int, channels: int) -> None:
    scan = scan_of(frames, channels)
    plans = [fan_plan(Box(20, 0, 120, 160)), seen(Kind.TEXT, Box(10, 30, 40, 80))]
    stage = Fill(kinds=(Kind.TEXT,), grow=2)
    plan = stage.examine(scan, plans)
    mask = decode_mask(plan.params["mask"])
    before = scan.digest()
    done = stage.apply(scan, stored(plan))
    assert scan.digest() == before
    assert mask.sum() > 30 * 50
    assert np.array_equal(done.frames[:, ~mask], scan.frames[:, ~mask])
    assert (done.frames[:, mask & mask_of_boxes(SHAPE, [Box(0, 0, 20, 160)])] == 40).all()
    assert done.frames[:, mask & mask_of_boxes(SHAPE, [Box(20, 0, 120, 160)])].min() >= 60
    assert Fill(kinds=(Kind.LOGO,), radius=9).apply(scan, stored(plan)).digest() == done.digest()


def test_nothing_seen_means_nothing_done() -> None:
    scan = scan_of()
    plan = Fill().examine(scan, [seen(Kind.CALIPER, Box(1, 1, 9, 9))])
    assert plan.params["mask"] is None
    assert plan.params["filled_fraction_of_fan"] == 0
    assert Fill().apply(scan, plan) is scan
    assert Fill().examine(scan).params["mask"] is None


def test_the_filled_share_counts_the_fan_alone() -> None:
    scan = scan_of()
    text = seen(Kind.TEXT, Box(0, 0, 60, 160))
    inside = Fill(grow=0).examine(scan, [fan_plan(Box(30, 0, 120, 160)), text])
    outside = Fill(grow=0).examine(scan, [fan_plan(Box(60, 0, 120, 160)), text])
    unknown = Fill(grow=0).examine(scan, [text])
    assert inside.params["filled_fraction_of_fan"] == pytest.approx(1 / 3, abs=1e-6)
    assert outside.params["filled_fraction_of_fan"] == 0
    assert unknown.params["filled_fraction_of_fan"] == pytest.approx(0.5)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 1, 3), (1, 20, 20)])
def test_small_scans_are_accepted(shape: tuple[int, ...]) -> None:
    scan = Scan(frames=np.zeros(shape, np.uint8))
    plan = Fill().examine(scan, [seen(Kind.TEXT, Box(0, 0, 5, 5))])
    assert Fill().apply(scan, plan).frames.shape == shape


def test_screens_cannot_be_filled() -> None:
    for kind in Kind:
        if kind in DRAWN:
            Fill(kinds=(kind,))
        else:
            with pytest.raises(ConfigError, match="drawn things"):
                Fill(kinds=(kind,))


@pytest.mark.parametrize("bad", [{"radius": 0}, {"radius": 51}, {"grow": -1}, {"grow": 51}])
def test_numbers_out_of_range_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="must be"):
        Fill(**bad)  # type: ignore[arg-type]
