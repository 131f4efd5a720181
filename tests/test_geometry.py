import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus_toolkit.errors import ConfigError
from bus_toolkit.geometry import Box, Fan, Placement, box_of_mask, decode_mask, encode_mask, mask_of_boxes

SIDE = st.integers(-20, 60)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    row0, col0 = draw(SIDE), draw(SIDE)
    return Box(row0, col0, row0 + draw(st.integers(0, 30)), col0 + draw(st.integers(0, 30)))


@given(boxes(), boxes())
def test_box_algebra_agrees_with_sets_of_pixels(a: Box, b: Box) -> None:
    def pixels(box: Box) -> set[tuple[int, int]]:
        return {(r, c) for r in range(box.row0, box.row1) for c in range(box.col0, box.col1)}

    assert len(pixels(a)) == a.area
    assert pixels(a.intersect(b)) == pixels(a) & pixels(b)
    assert pixels(a) | pixels(b) <= pixels(a.union(b)) or not a.area or not b.area
    clipped = a.clip((40, 50))
    assert pixels(clipped) == {(r, c) for r, c in pixels(a) if 0 <= r < 40 and 0 <= c < 50}
    assert Box.from_list(a.as_list()) == a
    assert a.grow(3).grow(-3) == a
    both = len(pixels(a) | pixels(b))
    assert a.iou(b) == pytest.approx(len(pixels(a) & pixels(b)) / both if both else 0.0)


def test_a_fractional_box_grows_outwards() -> None:
    assert Box.from_list([0.2, 1.9, 3.1, 4.0]) == Box(0, 1, 4, 4)


def test_an_inverted_box_is_refused() -> None:
    with pytest.raises(ConfigError, match="row0 <= row1"):
        Box(5, 0, 4, 3)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_a_mask_survives_its_encoding(rows: int, cols: int, seed: int) -> None:
    mask = np.random.default_rng(seed).random((rows, cols)) < 0.3
    back = decode_mask(encode_mask(mask))
    assert back.dtype == np.bool_
    assert np.array_equal(back, mask)


@pytest.mark.parametrize("bad", [{}, {"shape": [2, 2], "bits": "!"}, {"shape": [999, 999], "bits": "eJwDAAAAAAE="}])
def test_a_broken_encoding_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="encoded mask"):
        decode_mask(bad)


@given(boxes(), boxes())
def test_mask_of_boxes_is_the_union_inside(a: Box, b: Box) -> None:
    mask = mask_of_boxes((40, 50), [a, b])
    assert mask.sum() == a.clip((40, 50)).area + b.clip((40, 50)).area - a.clip((40, 50)).intersect(b).area
    inside = box_of_mask(mask)
    assert mask[inside.slices].sum() == mask.sum()


def test_placement_maps_back_through_two_crops() -> None:
    first = Placement(frame_shape=(100, 200)).crop(Box(10, 20, 90, 180))
    second = first.crop(Box(5, 5, 50, 50))
    assert second.to_frame(Box(0, 0, 1, 1)) == Box(15, 25, 16, 26)
    assert second.frame_shape == (100, 200)


def test_a_fan_survives_json() -> None:
    mask = mask_of_boxes((20, 30), [Box(2, 3, 18, 29)])
    fan = Fan(
        mask=mask,
        box=box_of_mask(mask),
        polygon=((2, 3), (2, 29), (18, 29)),
        shape="linear",
        background=(0, 1, 2),
        score=0.5,
    )
    back = Fan.from_json(fan.to_json())
    assert np.array_equal(back.mask, mask)
    assert (back.box, back.polygon, back.shape, back.background, back.score) == (
        fan.box,
        fan.polygon,
        fan.shape,
        fan.background,
        fan.score,
    )
