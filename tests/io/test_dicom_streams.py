"""Compressed frames lose what is not picture, and nothing of the picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import pixel_array

from bus_toolkit.errors import InputError
from bus_toolkit.io.dicom_streams import clean_frame


def shipped(name: str) -> str:
    return str(get_testdata_file(name, download=False))


def jpeg_frame() -> bytes:
    dataset = dcmread(shipped("examples_ybr_color.dcm"))
    return next(generate_frames(dataset.PixelData, number_of_frames=30))


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def test_text_in_a_jpeg_frame_goes_and_the_picture_stays() -> None:
    frame = jpeg_frame()
    plain = clean_frame(frame)
    noise = b"".join(segment(marker, b"DOE^JANE") for marker in (0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xEF, 0xFE))
    jfif = segment(0xE0, b"JFIF\x00\x01\x02\x01\x00\x48\x00\x48\x02\x01" + b"DOEJAN")
    dirty = frame[:2] + noise + b"\xff\xff" + frame[2:].rstrip(b"\x00") + b"DOE^JANE"
    assert clean_frame(dirty) == plain
    assert b"DOE" not in clean_frame(frame[:2] + jfif + frame[2:])
    adobe = segment(0xEE, b"Adobe\x00\x64DOED\x01" + b"JANE")
    cleaned = clean_frame(frame[:2] + adobe + frame[2:])
    assert b"DOE" not in cleaned
    assert b"JANE" not in cleaned
    assert b"Adobe\x00\x64\x00\x00\x00\x00\x01" in cleaned


def test_text_in_a_jpeg_2000_frame_goes_and_the_picture_stays() -> None:
    dataset = dcmread(shipped("examples_jpeg2k.dcm"))
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    plain = clean_frame(frame)
    first_end = 4 + int.from_bytes(frame[4:6], "big")
    comment = segment(0x64, b"\x00\x01DOE^JANE")
    dirty = frame[:first_end] + comment + frame[first_end:] + b"DOE^JANE"
    assert clean_frame(dirty) == plain
    tile = frame.index(b"\xff\x90\x00\x0a")
    length = int.from_bytes(frame[tile + 6 : tile + 10], "big")
    in_tile = (
        frame[: tile + 6]
        + (length + len(comment) if length else 0).to_bytes(4, "big")
        + frame[tile + 10 : tile + 12]
        + comment
        + frame[tile + 12 :]
    )
    assert b"DOE" in in_tile
    cleaned = clean_frame(in_tile)
    assert b"DOE" not in cleaned
    dataset.PixelData = encapsulate([cleaned])
    assert np.array_equal(
        pixel_array(dataset, raw=True), pixel_array(dcmread(shipped("examples_jpeg2k.dcm")), raw=True)
    )
    boxed = b"\x00\x00\x00\x0cjP  \r\n\x87\n" + (16).to_bytes(4, "big") + b"xml DOE^JANE" + bytes(4) + b"jp2c" + frame
    assert clean_frame(boxed) == plain


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_broken_frames_end_in_one_error(data: st.DataObject) -> None:
    heads = (
        b"\xff\xd8",
        b"\xff\x4f",
        b"\x00\x00\x00\x0cjP  ",
        b"\xff\xd8\xff\xda\x00\x02",
        b"\xff\x4f\xff\x90\x00\x0a",
    )
    frame = data.draw(st.sampled_from((*heads, b""))) + data.draw(st.binary(max_size=60))
    try:
        cleaned = clean_frame(frame)
    except InputError as error:
        assert error.code == "corrupt"  # noqa: PT017 - either way out is right
    else:
        assert len(cleaned) % 2 == 0


def test_every_cut_of_a_frame_is_an_error() -> None:
    frame = clean_frame(jpeg_frame()).rstrip(b"\x00")
    for length in range(0, len(frame), 97):
        with pytest.raises(InputError):
            clean_frame(frame[:length])
