from typing import Any

import pytest

from bus_toolkit.geometry import Box
from bus_toolkit.overlays.text_logo import is_logo, is_vendor, plain

SHAPE = (480, 640)
MIDDLE = Box(200, 300, 220, 360)


@pytest.mark.parametrize(
    "text", ["LOGIQ", "logiq e9", "L0G1Q", "OGIQE", "PHILIPS", "Philips", "APLI0", "GE Healthcare"]
)
def test_vendor_words_and_long_pieces_are_known(text: Any) -> None:
    assert is_vendor(text)


@pytest.mark.parametrize("text", ["LT 1", "RT", "", "MARIA SILVA", "Q", "MAMA ESQ", "12345", "AXILA"])
def test_annotations_names_and_short_pieces_are_not(text: Any) -> None:
    assert not is_vendor(text)


def test_signs_and_accents_do_not_matter() -> None:
    assert plain("é-ça 9!") == "ECA9"


def test_a_short_piece_is_a_logo_in_an_upper_corner_only() -> None:
    assert is_logo("Q", Box(0, 0, 16, 16), SHAPE)
    assert is_logo("", Box(0, 630, 8, 640), SHAPE)
    assert not is_logo("Q", MIDDLE, SHAPE)
    assert not is_logo("Q", Box(460, 0, 476, 16), SHAPE)
    assert not is_logo("SILVA", Box(0, 0, 16, 60), SHAPE)


def test_a_vendors_name_is_a_logo_anywhere() -> None:
    assert is_logo("SIEMENS", MIDDLE, SHAPE)
