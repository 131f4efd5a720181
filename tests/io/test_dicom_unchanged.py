"""Stored values that stay are cleared of what is not picture, and broken ones are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from bus_toolkit.errors import InputError
from tests.io.dicom_files import (
    clip_of,
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


def test_run_length_data_are_written_plain(tmp_path: Path) -> None:
    array = noise(4, 6)
    dataset = source(PixelData=array.tobytes())
    dataset.compress(RLELossless, generate_instance_uid=False)
    write(tmp_path / "a.dcm", dataset)
    back = reopen(tmp_path / "a.dcm")
    assert back.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert np.array_equal(back.pixel_array, array)


def test_pixel_data_that_end_too_early_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        write(tmp_path / "a.dcm", source(PixelData=bytes(23)))
    assert caught.value.code == "truncated"


def test_a_syntax_that_cannot_be_checked_is_refused() -> None:
    dataset = source(syntax=UID("1.2.840.10008.1.2.4.102"), PixelData=encapsulate([b"DOE^JANE"]))
    with pytest.raises(InputError) as caught:
        clip_of(dataset)
    assert caught.value.code == "no-decoder"
