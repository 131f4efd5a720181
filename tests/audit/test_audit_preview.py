from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from bus_toolkit.audit.colours import FAN_COLOUR, KIND_COLOURS
from bus_toolkit.audit.preview import draw_before, encode_jpeg, shrink
from bus_toolkit.errors import ConfigError
from bus_toolkit.geometry import Box, Fan, Pixels, Polygon
from bus_toolkit.stage import Finding, Kind


def find(kind: Kind = Kind.TEXT, box: Box | None = None, polygon: Polygon | None = None) -> Finding:
    return Finding(kind=kind, box=box, score=1.0, detector="eye", polygon=polygon)


def luminance(colour: tuple[int, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_every_kind_has_its_own_colour_that_shows_on_black() -> None:
    assert set(KIND_COLOURS) == set(Kind)
    colours = [*KIND_COLOURS.values(), FAN_COLOUR]
    assert len(set(colours)) == len(colours)
    assert min((luminance(colour) + 0.05) / 0.05 for colour in colours) >= 5


def test_a_box_is_drawn_around_the_finding_and_not_over_it() -> None:
    black = np.zeros((100, 100), dtype=np.uint8)
    box = Box(30, 20, 50, 80)
    drawn = draw_before(black, [find(box=box)], None)[:100]
    assert drawn[28, 30:70, 0].min() > 200
    assert drawn[28, 30:70, 1].max() < 120
    assert not drawn[box.slices].any()
    assert not drawn[60:].any()


def test_boxes_are_scaled_with_the_picture() -> None:
    black = np.zeros((1000, 500), dtype=np.uint8)
    drawn = draw_before(black, [find(box=Box(400, 100, 600, 400))], None, max_side=200)[:200]
    assert drawn.shape == (200, 100, 3)
    rows, cols = np.nonzero(drawn.any(axis=2))
    assert [rows.min(), rows.max()] == pytest.approx([77, 122], abs=2)
    assert [cols.min(), cols.max()] == pytest.approx([17, 82], abs=2)


def test_the_fan_is_outlined_and_named_in_the_key(picture: Pixels, fan: Fan) -> None:
    plain = draw_before(picture, [], None)
    assert plain.shape == (40, 60, 3)
    assert np.array_equal(plain[..., 0], picture)
    outlined = draw_before(picture, [], fan)
    assert outlined.shape[0] > 40
    assert (outlined[40:] == FAN_COLOUR).all(axis=2).any()


def test_the_key_wraps_on_narrow_pictures() -> None:
    findings = [find(kind=kind) for kind in Kind]
    drawn = draw_before(np.zeros((20, 120), dtype=np.uint8), findings, None)
    assert drawn.shape[1] == 120
    for colour in KIND_COLOURS.values():
        assert (drawn[20:] == colour).all(axis=2).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (3, 2000), (2000, 3, 3)])
def test_any_size_will_do(shape: tuple[int, ...], fan: Fan) -> None:
    pixels = np.zeros(shape, dtype=np.uint8)
    before = pixels.copy()
    drawn = draw_before(pixels, [find(box=Box(-5, -5, 9000, 9000), polygon=((0.0, 0.0), (9.0, 9.0)))], fan)
    assert drawn.ndim == 3
    assert np.array_equal(pixels, before)
    assert encode_jpeg(drawn)[:2] == b"\xff\xd8"


def test_jpeg_keeps_colours_and_grey_and_has_no_metadata() -> None:
    red = np.zeros((16, 16, 3), dtype=np.uint8)
    red[..., 0] = 250
    back = cv2.imdecode(np.frombuffer(encode_jpeg(red), np.uint8), cv2.IMREAD_COLOR)
    assert back[8, 8].tolist() == pytest.approx([0, 0, 250], abs=6)
    grey = encode_jpeg(np.full((9, 9), 77, dtype=np.uint8))
    assert cv2.imdecode(np.frombuffer(grey, np.uint8), cv2.IMREAD_UNCHANGED).ndim == 2
    assert b"Exif" not in grey
    assert grey == encode_jpeg(np.full((9, 9), 77, dtype=np.uint8))


def test_a_small_picture_is_not_enlarged(picture: Pixels) -> None:
    assert shrink(picture) is picture
    assert shrink(picture, 30).shape == (20, 30)


@pytest.mark.parametrize(
    "bad", [np.zeros((0, 4), np.uint8), np.zeros((4, 4), np.uint16), np.zeros((4, 4, 4), np.uint8)]
)
def test_what_is_no_picture_is_refused(bad: npt.NDArray[Any]) -> None:
    for function in (shrink, encode_jpeg):
        with pytest.raises(ConfigError, match="must be uint8"):
            function(bad)
