"""Stored values that stay are cleared of what is not picture, and broken ones are refused."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from bus_toolkit.errors import InputError
from bus_toolkit.io.stream_rle import clean_rle
from tests.io.dicom_files import (
    clip_of,
    colour,
    grey,
    noise,
    painted,
    reopen,
    source,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("edit", [None, painted()])
def test_unused_bits_and_bytes_behind_the_pixels_are_cleared(tmp_path: Path, edit: object) -> None:
    values = np.arange(24, dtype="<u2") | 0xA000
    dataset = source(BitsAllocated=16, BitsStored=12, HighBit=11, PixelData=values.tobytes() + b"DOE^JANE")
    write(tmp_path / "a.dcm", dataset, edit)  # type: ignore[arg-type]
    back = reopen(tmp_path / "a.dcm")
    assert np.array_equal(back.pixel_array.ravel()[12:], np.arange(12, 24))
    assert np.frombuffer(back.PixelData, "<u2").max() < 4096
    assert len(back.PixelData) == 48


def test_unused_bits_of_signed_values_follow_the_sign(tmp_path: Path) -> None:
    values = np.array([-5, 7] * 12, dtype="<i2")
    hidden = (values & 0x0FFF) | 0x3000
    dataset = source(BitsAllocated=16, BitsStored=12, HighBit=11, PixelRepresentation=1, PixelData=hidden.tobytes())
    write(tmp_path / "a.dcm", dataset)
    assert np.array_equal(np.frombuffer(reopen(tmp_path / "a.dcm").PixelData, "<i2"), values)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_unchanged_values_of_other_encodings_are_written_little_endian(tmp_path: Path, syntax: UID) -> None:
    values = np.arange(24, dtype="<u2" if syntax == ImplicitVRLittleEndian else ">u2")
    dataset = source(BitsAllocated=16, BitsStored=16, HighBit=15, syntax=syntax, PixelData=values.tobytes())
    dataset["PixelData"].VR = "OW"
    write(tmp_path / "a.dcm", dataset)
    back = reopen(tmp_path / "a.dcm")
    assert back.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert np.array_equal(back.pixel_array.ravel(), np.arange(24))


@pytest.mark.parametrize("rgb", [False, True])
def test_run_length_data_stay_less_what_is_behind_their_pixels(tmp_path: Path, *, rgb: bool) -> None:
    array = noise(1, 7, 9, 3) if rgb else noise(1, 7, 9)
    array[:, 2:4] = 17
    dataset = colour(array) if rgb else grey(array)
    dataset.compress(RLELossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    (plain,) = clip_of(dataset).encoded()
    dataset.PixelData = encapsulate([plain + b"DOE^JANE"])
    write(tmp_path / "a.dcm", dataset)
    back = reopen(tmp_path / "a.dcm")
    assert back.file_meta.TransferSyntaxUID == RLELossless
    assert np.array_equal(back.pixel_array, array[0])
    assert b"DOE" not in (tmp_path / "a.dcm").read_bytes()
    assert clean_rle(plain, 63) == plain


@given(st.binary(max_size=90), st.integers(1, 40))
def test_broken_run_length_data_end_in_one_error(data: bytes, pixels: int) -> None:
    for frame in (data, struct.pack("<16I", 1, 64, *[0] * 14) + data):
        try:
            cleaned = clean_rle(frame, pixels)
        except InputError as error:
            assert error.code == "corrupt"  # noqa: PT017 - either way out is right
        else:
            assert clean_rle(cleaned, pixels) == cleaned


def test_pixel_data_that_end_too_early_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        write(tmp_path / "a.dcm", source(PixelData=bytes(23)))
    assert caught.value.code == "truncated"


def test_a_syntax_that_cannot_be_checked_is_refused() -> None:
    dataset = source(syntax=UID("1.2.840.10008.1.2.4.102"), PixelData=encapsulate([b"DOE^JANE"]))
    with pytest.raises(InputError) as caught:
        clip_of(dataset)
    assert caught.value.code == "no-decoder"
