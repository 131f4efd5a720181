import json
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from bus_toolkit.errors import ConfigError
from bus_toolkit.geometry import Box, Fan, Placement
from bus_toolkit.scan import Acquisition, Region, Scan
from bus_toolkit.screen import Screen
from bus_toolkit.stage import Finding, Kind, Plan

Picture = np.ndarray
SCREEN = Screen()


def _find(picture: Picture, kind: Kind, screen: Screen = SCREEN) -> list[Finding]:
    return [item for item in screen.examine(Scan.from_array(picture)).findings if item.kind is kind]


def _kinds(picture: Picture) -> set[Kind]:
    return {item.kind for item in SCREEN.examine(Scan.from_array(picture)).findings}


@pytest.mark.parametrize("seed", range(4))
def test_plain_tissue_is_nothing_else(tissue: Callable[..., Picture], seed: int) -> None:
    assert _kinds(tissue(seed=seed)) == set()


@pytest.mark.parametrize("gains", [(0.85, 0.9, 1.0), (1.0, 0.8, 0.5), (1.0, 0.7, 0.1)])
def test_a_tinted_grey_map_is_not_colour(tissue: Callable[..., Picture], gains: tuple[float, ...]) -> None:
    tinted = np.clip(tissue()[..., np.newaxis] * np.array(gains), 0, 255).astype(np.uint8)
    assert _kinds(tinted) == set()


@pytest.mark.parametrize(
    "colour", [(255, 255, 0), (0, 255, 0), (0, 255, 255), (255, 0, 0), (60, 90, 255), (255, 165, 0)]
)
def test_coloured_text_and_calipers_are_not_flow(
    tissue: Callable[..., Picture],
    rgb: Callable[[Picture], Picture],
    jpeg: Callable[..., Picture],
    colour: tuple[int, int, int],
) -> None:
    picture = rgb(tissue())
    cv2.putText(picture, "LT BREAST 3:00", (40, 320), cv2.FONT_HERSHEY_SIMPLEX, 0.9, colour, 2, cv2.LINE_AA)
    for row, col in ((120, 150), (140, 260)):
        cv2.drawMarker(picture, (col, row), colour, cv2.MARKER_CROSS, 16, 2)
    assert _kinds(picture) == set()
    assert _kinds(jpeg(picture)) == set()


@pytest.mark.parametrize("quality", [None, 80])
def test_flow_is_found_where_it_is(
    tissue: Callable[..., Picture],
    rgb: Callable[[Picture], Picture],
    with_flow: Callable[..., Picture],
    jpeg: Callable[..., Picture],
    quality: int | None,
) -> None:
    picture = with_flow(rgb(tissue()))
    picture = picture if quality is None else jpeg(picture, quality)
    (found,) = _find(picture, Kind.DOPPLER)
    assert found.detector == "screen.flow"
    assert found.box is not None
    assert found.box.iou(Box(188, 154, 212, 276)) > 0.6


def test_a_colour_bar_at_the_side_is_not_flow(
    tissue: Callable[..., Picture], rgb: Callable[[Picture], Picture]
) -> None:
    picture = rgb(tissue())
    ramp = np.linspace(0, 255, 80).astype(np.uint8)
    picture[60:140, 4:18, 0] = ramp[:, None]
    picture[60:140, 4:18, 1] = 0
    picture[60:140, 4:18, 2] = ramp[::-1, None]
    assert _find(picture, Kind.DOPPLER) == []


def test_flow_outside_a_known_fan_does_not_count(
    tissue: Callable[..., Picture], rgb: Callable[[Picture], Picture], with_flow: Callable[..., Picture]
) -> None:
    scan = Scan.from_array(with_flow(rgb(tissue()), (60, 60)))
    mask = np.zeros(scan.shape, dtype=np.bool_)
    mask[150:, :] = True
    fan = Fan(mask=mask, box=Box(150, 0, 360, 480), polygon=(), shape="linear", background=(0,), score=1.0)
    seen = (Plan(stage="find-fan", params={"fan": fan.to_json()}),)
    kinds = {item.kind for item in SCREEN.examine(scan, seen).findings}
    assert Kind.DOPPLER in {item.kind for item in SCREEN.examine(scan).findings}
    assert Kind.DOPPLER not in kinds


@pytest.mark.parametrize("value", [(165, 165, 165), (255, 255, 255), (30, 220, 60)])
def test_the_thin_box_is_doppler_without_any_flow(
    tissue: Callable[..., Picture], rgb: Callable[[Picture], Picture], value: tuple[int, int, int]
) -> None:
    picture = rgb(tissue())
    cv2.rectangle(picture, (120, 60), (330, 220), value, 1)
    (found,) = _find(picture, Kind.DOPPLER)
    assert found.detector == "screen.colour-box"
    assert found.box is not None
    assert found.box.iou(Box(60, 120, 221, 331)) > 0.9


def test_a_steered_box_is_doppler(tissue: Callable[..., Picture]) -> None:
    picture = tissue()
    corners = np.array([[120, 60], [300, 60], [350, 220], [170, 220]], dtype=np.int32)
    cv2.polylines(picture, [corners], isClosed=True, color=255, thickness=1)
    (found,) = _find(picture, Kind.DOPPLER)
    assert found.box is not None
    assert found.box.iou(Box(60, 120, 221, 351)) > 0.85


def test_a_frame_around_the_picture_is_not_doppler(tissue: Callable[..., Picture]) -> None:
    picture = np.zeros((420, 560), np.uint8)
    picture[30:390, 40:520] = tissue()
    cv2.rectangle(picture, (36, 26), (523, 393), 200, 1)
    assert _find(picture, Kind.DOPPLER) == []


def test_elastography_is_found_where_it_is(
    tissue: Callable[..., Picture], rgb: Callable[[Picture], Picture], with_map: Callable[..., Picture]
) -> None:
    picture = with_map(rgb(tissue()), (60, 120, 240, 380))
    (found,) = _find(picture, Kind.ELASTOGRAPHY)
    assert found.box is not None
    assert found.box.iou(Box(60, 120, 240, 380)) > 0.8
    assert _find(picture, Kind.DOPPLER) == []


@pytest.mark.parametrize("gap", [0, 2, 14])
def test_two_views_are_found(tissue: Callable[..., Picture], gap: int) -> None:
    pair = np.hstack([tissue(cols=300), np.zeros((360, gap), np.uint8), tissue(cols=300, seed=7)])
    (found,) = _find(pair, Kind.DUAL_VIEW)
    assert found.score >= 0.5


def test_the_same_view_twice_is_found(
    tissue: Callable[..., Picture], rgb: Callable[[Picture], Picture], with_flow: Callable[..., Picture]
) -> None:
    view = rgb(tissue(cols=300))
    assert _find(np.hstack([view, with_flow(view, (200, 120))]), Kind.DUAL_VIEW)


def test_a_line_down_the_middle_is_not_two_views(tissue: Callable[..., Picture]) -> None:
    picture = tissue()
    picture[:, 240:242] = 255
    assert _find(picture, Kind.DUAL_VIEW) == []


def test_a_shadow_down_the_middle_is_not_two_views(tissue: Callable[..., Picture]) -> None:
    shade = 1 - 0.9 * np.exp(-(((np.arange(480) - 240) / 30.0) ** 2))
    deep = np.linspace(0, 1, 360)[:, None] ** 0.3
    picture = (tissue() * (1 - deep + deep * shade[None, :])).astype(np.uint8)
    assert _find(picture, Kind.DUAL_VIEW) == []


def _screen_with_panel(tissue: Callable[..., Picture], panel: Picture) -> Picture:
    picture = np.zeros((540, 720), np.uint8)
    picture[20:200, 260:500] = tissue(rows=180, cols=240)
    picture[230:500, 30:680] = panel
    cv2.rectangle(picture, (29, 229), (680, 500), 120, 1)
    return picture


def test_an_m_mode_panel_is_found(tissue: Callable[..., Picture]) -> None:
    beam = np.repeat(tissue(rows=270, cols=16)[:, :1], 650, axis=1)
    shift = (6 * np.sin(np.arange(650) / 25)).astype(int)
    panel = np.stack([np.roll(beam[:, col], shift[col]) for col in range(650)], axis=1)
    (found,) = _find(_screen_with_panel(tissue, panel), Kind.MMODE)
    assert found.box is not None
    assert found.box.iou(Box(229, 29, 501, 681)) > 0.9


def test_a_spectral_panel_is_found(tissue: Callable[..., Picture]) -> None:
    panel = np.zeros((270, 650), np.uint8)
    height = (70 * np.abs(np.sin(np.arange(650) / 40))).astype(int)
    for col in range(650):
        panel[135 - height[col] : 135, col] = 150
    assert _find(_screen_with_panel(tissue, panel), Kind.SPECTRAL)


@pytest.mark.parametrize("shape", [(300, 400), (300, 400, 3), (1, 1), (1, 1, 3), (1, 500), (500, 1)])
@pytest.mark.parametrize("value", [0, 9, 128, 255])
def test_one_flat_value_is_blank_and_never_raises(shape: tuple[int, ...], value: int) -> None:
    kinds = _kinds(np.full(shape, value, np.uint8))
    assert kinds == {Kind.BLANK}


def test_lost_contact_is_blank(tissue: Callable[..., Picture]) -> None:
    picture = np.zeros((600, 800), np.uint8)
    picture[20:40, 200:600] = tissue(rows=20, cols=400)
    cv2.putText(picture, "5C1 ABD  FR 28Hz  DR 60", (20, 560), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1)
    assert Kind.BLANK in _kinds(picture)


def test_a_page_a_mask_and_a_photograph_are_not_ultrasound() -> None:
    page = np.full((500, 400), 250, np.uint8)
    for row in range(40, 480, 24):
        cv2.putText(page, "the quick brown fox jumps", (20, row), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 20, 1)
    mask = np.zeros((400, 500), np.uint8)
    cv2.ellipse(mask, (250, 200), (200, 160), 0, 0, 360, 255, -1)
    noise = np.random.default_rng(1).normal(size=(400, 500)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 30)
    photograph = np.clip(130 + 60 * soft / soft.std() + 1.5 * noise, 0, 255).astype(np.uint8)
    for picture in (page, mask, photograph):
        assert Kind.NOT_ULTRASOUND in _kinds(picture)


def test_colour_that_flashes_in_one_frame_of_a_clip_is_found(
    tissue: Callable[..., Picture], rgb: Callable[[Picture], Picture], with_flow: Callable[..., Picture]
) -> None:
    plain = rgb(tissue(rows=200, cols=300))
    frames = np.stack([plain] * 9)
    frames[7] = with_flow(plain, (100, 100))
    kinds = {item.kind for item in SCREEN.examine(Scan(frames=frames)).findings}
    assert kinds == {Kind.DOPPLER}


def test_a_clip_that_is_dark_in_the_middle_only_is_not_blank(tissue: Callable[..., Picture]) -> None:
    frames = np.stack([tissue(rows=120, cols=160)] * 3)
    frames[1] = 0
    kinds = {item.kind for item in SCREEN.examine(Scan(frames=frames)).findings}
    assert Kind.BLANK not in kinds


@pytest.mark.parametrize(
    ("spatial", "data", "kind"),
    [(2, 1, Kind.MMODE), (3, 3, Kind.SPECTRAL), (1, 4, Kind.SPECTRAL), (1, 2, Kind.DOPPLER), (1, 1, None)],
)
def test_the_header_is_a_witness(tissue: Callable[..., Picture], spatial: int, data: int, kind: Kind | None) -> None:
    region = Region(box=Box(60, 50, 200, 300), spatial_format=spatial, data_type=data)
    scan = Scan.from_array(
        tissue()[20:, 30:],
        acquisition=Acquisition(regions=(region,)),
        placement=Placement(offset=(20, 30), frame_shape=(360, 480)),
    )
    found = SCREEN.examine(scan).findings
    assert [item.kind for item in found] == ([] if kind is None else [kind])
    assert [item.box for item in found] == ([] if kind is None else [Box(40, 20, 180, 270)])


@pytest.mark.parametrize("box", [Box(0, 0, 0, 0), Box(0, 0, 360, 480), Box(300, 400, 900, 1200), Box(0, 0, 4, 4)])
def test_a_region_that_cannot_be_true_is_no_witness(tissue: Callable[..., Picture], box: Box) -> None:
    region = Region(box=box, spatial_format=3, data_type=3)
    scan = Scan.from_array(tissue(), acquisition=Acquisition(regions=(region,)))
    assert SCREEN.examine(scan).findings == ()


def test_it_changes_nothing_and_its_plan_survives_json(
    tissue: Callable[..., Picture], rgb: Callable[[Picture], Picture], with_flow: Callable[..., Picture]
) -> None:
    scan = Scan.from_array(with_flow(rgb(tissue())))
    plan = SCREEN.examine(scan)
    assert plan.findings
    assert SCREEN.apply(scan, plan) is scan
    again = Plan.from_json(json.loads(json.dumps(plan.to_json())))
    assert [item.kind for item in again.findings] == [item.kind for item in plan.findings]
    assert SCREEN.examine(scan) == plan
    assert len(list(SCREEN.describe())) == 7


@pytest.mark.parametrize("score", [0.0, -1.0, 1.5])
def test_a_bad_threshold_is_refused(score: float) -> None:
    with pytest.raises(ConfigError, match="min_score must be"):
        Screen(min_score=score)


@pytest.mark.parametrize(("says", "kinds"), [(False, {Kind.NOT_ULTRASOUND}), (True, set()), (None, set())])
def test_a_header_that_names_another_modality_counts(
    tissue: Callable[..., Picture], says: Any, kinds: set[Kind]
) -> None:
    scan = Scan.from_array(tissue(), acquisition=Acquisition(ultrasound=says))
    assert {finding.kind for finding in SCREEN.examine(scan).findings} == kinds
