from typing import Any

import numpy as np
import pytest

from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.io.codestream import parse_codestream
from bus_toolkit.io.limits import Limits
from bus_toolkit.io.sniff import sniff
from bus_toolkit.io.tone import is_grey, over_black, stack, to_uint8


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int16, np.float32])
def test_scaling_is_linear_monotone_and_full(dtype: Any) -> None:
    top = min(np.iinfo(dtype).max, 2**20) if np.dtype(dtype).kind in "ui" else 7.5
    values = np.linspace(0, top, 60).astype(dtype).reshape(1, 6, 10)
    got = to_uint8(values).ravel().astype(int)
    assert got[0] == 0
    assert (np.diff(got) >= 0).all()
    if np.dtype(dtype).kind != "u" or dtype is not np.uint32:
        assert got[-1] == 255


def test_scaling_of_bool_of_flat_and_of_what_is_no_number() -> None:
    assert to_uint8(np.array([[True, False]])).tolist() == [[255, 0]]
    assert to_uint8(np.full((2, 2), -7, np.int16)).tolist() == [[0, 0], [0, 0]]
    assert to_uint8(np.array([[np.nan, 0.0, 1.0, np.inf]])).tolist() == [[0, 0, 255, 255]]
    assert to_uint8(np.full((1, 2), np.nan)).tolist() == [[0, 0]]


def test_a_named_depth_is_used() -> None:
    assert to_uint8(np.array([[0, 15]], np.uint8), depth=4).tolist() == [[0, 255]]
    assert to_uint8(np.array([[0, 200]], np.uint8), depth=8).tolist() == [[0, 200]]


def test_grey_is_seen_only_where_all_pixels_are_grey() -> None:
    grey = np.repeat(np.arange(600, dtype=np.uint16).reshape(20, 30, 1), 3, axis=2)
    assert is_grey(grey)
    for place in ((0, 0, 0), (19, 29, 2), (7, 3, 1)):
        tinted = grey.copy()
        tinted[place] += 1
        assert not is_grey(tinted)


def test_alpha_over_black_rounds_to_nearest() -> None:
    rgba = np.array([[[200, 100, 1, 128], [9, 8, 7, 255]]], np.uint8)
    assert over_black(rgba).tolist() == [[[100, 50, 1], [9, 8, 7]]]


def test_frames_are_gathered_and_counted() -> None:
    grey, colour = np.zeros((2, 3), np.uint8), np.zeros((2, 3, 3), np.uint8)
    colour[..., 0] = 9
    assert stack([grey, grey + 1], 2).shape == (2, 2, 3)
    mixed = stack([grey + 5, colour, grey + 7], 3)
    assert (mixed[0] == 5).all()
    assert (mixed[1] == colour).all()
    assert (mixed[2] == 7).all()
    assert len(stack(iter([grey] * 5), 2)) == 2
    with pytest.raises(InputError) as caught:
        stack([grey], 2)
    assert caught.value.code == "truncated"
    with pytest.raises(InputError) as caught:
        stack([grey, grey[:1]], 2)
    assert caught.value.code == "mixed-sizes"


def test_limits_are_checked_on_construction() -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        Limits(max_frame_pixels=0)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"", "text"),
        (b"plain words", "text"),
        ("caf\u00e9 \u4e2d".encode()[:-1], "text"),
        (b"\xff\xfea\0", "text"),
        (b"a\0b", "unknown"),
        (b"BMW is no bitmap", "text"),
        (b"\x08\0\x08\0CS\x04\0", "dicom"),
        (b"\x08\0\x08\0\x04\0\0\0", "dicom"),
        (b"\0\x08\0\x08CS\0\x04", "dicom"),
        (b"\x08\0\x08\0\xff\xff\xff\x7f", "unknown"),
        (b"\x09\0\x08\0CS\x04\0", "unknown"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        (b"\0\0\0\x1cftypheic", "heif"),
        (b"\x1a\x45\xdf\xa3\0", "video"),
        (b"MM\0+\0\x08", "tiff"),
    ],
)
def test_kinds_by_their_first_bytes(head: bytes, kind: str) -> None:
    assert sniff(head) == kind


def test_codestreams_that_break_off_have_no_facts(picture_bytes: Any, ramp: Any) -> None:
    jpeg = picture_bytes(ramp, "JPEG")
    facts = parse_codestream(jpeg)
    assert facts is not None
    assert (facts.rows, facts.cols, facts.precision, len(facts.components)) == (24, 40, 8, 1)
    jp2 = picture_bytes(np.tile(ramp, (4, 4)), "JPEG2000")
    facts = parse_codestream(jp2)
    assert facts is not None
    assert (facts.rows, facts.cols, facts.precision, len(facts.components)) == (96, 160, 8, 1)
    for cut in (0, 2, 3, 4, 20, 60):
        assert parse_codestream(jpeg[:cut]) is None
    assert parse_codestream(jp2[:40]) is None
    assert parse_codestream(b"\xff\xd8\x00\x00") is None
