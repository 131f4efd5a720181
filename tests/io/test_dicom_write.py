"""A written DICOM file opens without a warning, has the pixels that were given, and says the truth about them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import warnings
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import pixel_array
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from bus_toolkit.deidentify import Key
from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.io import read, read_bytes
from bus_toolkit.io.dicom_streams import clean_frame
from bus_toolkit.io.dicom_write import IMPLEMENTATION_CLASS_UID, RENDERED_AWAY, encode_dicom, write_dicom
from bus_toolkit.scan import Scan

if TYPE_CHECKING:
    from pathlib import Path

KEY = Key(bytes(range(32)))
US_IMAGE = UID("1.2.840.10008.5.1.4.1.1.6.1")
US_CLIP = UID("1.2.840.10008.5.1.4.1.1.3.1")
SHIPPED = (
    "examples_rgb_color.dcm",
    "examples_palette.dcm",
    "examples_jpeg2k.dcm",
    "examples_ybr_color.dcm",
    "ExplVR_BigEnd.dcm",
)
"""Ultrasound files inside the pydicom package."""
EXTRA = (
    "OBXXXX1A_rle_2frame.dcm",
    "OBXXXX1A_expb.dcm",
    "US1_J2KI.dcm",
    "color-pl.dcm",
    "gdcm-US-ALOKA-16.dcm",
    "gdcm-US-ALOKA-16_big.dcm",
    "JPGLosslessP14SV1_1s_1f_8b.dcm",
)
"""Ultrasound files inside the pydicom-data package."""


def shipped(name: str) -> str:
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"{name} is in the package pydicom-data, which is not installed")
    return str(path)


def source(rows: int = 4, cols: int = 6, syntax: UID = ExplicitVRLittleEndian, **facts: object) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = US_IMAGE
    dataset.SOPInstanceUID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.1", "1.2.3.2", "1.2.3.3"
    dataset.PatientID = "X17"
    dataset.Modality = "US"
    dataset.Rows, dataset.Columns = rows, cols
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    for keyword, value in facts.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def frames(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8)


def encode(dataset: Dataset, array: np.ndarray | None, **options: bool) -> bytes:
    scan = None if array is None else Scan(frames=array)
    return encode_dicom(source_dataset=dataset, scan=scan, key=KEY, **options)


def reopen(data: bytes) -> Dataset:
    """Every element is converted here, so a warning about any of them becomes an error."""
    dataset = dcmread(BytesIO(data))
    str(dataset)
    return dataset


def errors_of(path: Path | str) -> set[str]:
    found = subprocess.run(  # noqa: S603 - a fixed program on our own files
        [shutil.which("dciodvfy") or "dciodvfy", str(path)], capture_output=True, check=False
    )
    lines = found.stderr.decode("ascii", "replace").splitlines()
    return {" ".join(line.split()) for line in lines if line.startswith("Error")}


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 7), st.integers(1, 7), st.booleans())
def test_pixels_come_back_as_given(count: int, rows: int, cols: int, rgb: bool) -> None:  # noqa: FBT001
    array = frames(count, rows, cols, 3) if rgb else frames(count, rows, cols)
    back = reopen(encode(source(rows, cols), array))
    assert np.array_equal(back.pixel_array.reshape(array.shape), array)
    assert back.PhotometricInterpretation == ("RGB" if rgb else "MONOCHROME2")
    assert (back.BitsAllocated, back.BitsStored, back.HighBit, back.PixelRepresentation) == (8, 8, 7, 0)
    assert back.get("PlanarConfiguration") == (0 if rgb else None)
    assert back.get("NumberOfFrames") == (count if count > 1 else None)
    assert len(back.PixelData) == array.size + array.size % 2
    assert back.PixelData[array.size :] in (b"", b"\x00")


@pytest.mark.parametrize("name", [*SHIPPED, *EXTRA])
@pytest.mark.parametrize("edited", [True, False])
def test_real_files(name: str, tmp_path: Path, *, edited: bool) -> None:
    path = shipped(name)
    given_scan = read(path).scan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the original is like is not asked here
        original = dcmread(path)
    out = tmp_path / "out.dcm"
    digest = write_dicom(out, source_dataset=original, scan=given_scan if edited else None, key=KEY)
    data = out.read_bytes()
    assert digest == hashlib.sha256(data).hexdigest()
    back = reopen(data)
    assert np.array_equal(read_bytes(data).scan.frames, given_scan.frames)
    if edited:
        assert np.array_equal(pixel_array(back).reshape(given_scan.frames.shape), given_scan.frames)
        assert not [keyword for keyword in RENDERED_AWAY if keyword in back]
        assert back.ImageType[0] == "DERIVED"
    if shutil.which("dciodvfy"):
        assert errors_of(out) <= errors_of(path)


@pytest.mark.parametrize("name", ["examples_ybr_color.dcm", "examples_jpeg2k.dcm"])
def test_an_unchanged_picture_stays_in_its_transfer_syntax(name: str) -> None:
    original = dcmread(shipped(name))
    back = reopen(encode(original, None))
    assert back.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
    assert back.PhotometricInterpretation == original.PhotometricInterpretation
    assert np.array_equal(pixel_array(back, raw=True), pixel_array(original, raw=True))


def test_the_file_head_is_new(tmp_path: Path) -> None:
    dataset = source()
    dataset.file_meta.SourceApplicationEntityTitle = "DOE"
    dataset.file_meta.ImplementationVersionName = "DOE"
    write_dicom(tmp_path / "a.dcm", source_dataset=dataset, scan=Scan(frames=frames(1, 4, 6)), key=KEY)
    data = (tmp_path / "a.dcm").read_bytes()
    back = reopen(data)
    assert data[:132] == bytes(128) + b"DICM"
    assert b"DOE" not in data
    assert back.file_meta.MediaStorageSOPInstanceUID == back.SOPInstanceUID == KEY.uid("1.2.3.1")
    assert back.file_meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert len(back.file_meta.ImplementationVersionName) <= 16
    assert IMPLEMENTATION_CLASS_UID.is_valid
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.dcm"]


def test_promises_need_evidence() -> None:
    array = frames(1, 4, 6)
    assert reopen(encode(source(), array, anonymise=True)).PatientIdentityRemoved == "NO"
    back = reopen(encode(source(), array, anonymise=True, pixels_checked=True))
    assert (back.PatientIdentityRemoved, back.BurnedInAnnotation) == ("YES", "NO")


def test_a_scan_of_another_size_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="rows and columns"):
        write_dicom(tmp_path / "a.dcm", source_dataset=source(4, 6), scan=Scan(frames=frames(1, 4, 5)), key=KEY)
    assert list(tmp_path.iterdir()) == []


def test_neither_scan_nor_pixels_is_refused() -> None:
    with pytest.raises(ConfigError, match="neither"):
        encode(source(), None)


def test_what_was_lossy_stays_on_record() -> None:
    array = frames(1, 4, 6)
    back = reopen(encode(source(syntax=JPEGBaseline8Bit), array))
    assert (back.LossyImageCompression, back.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    assert "LossyImageCompressionRatio" not in back  # unknown without the compressed pixels
    said = source(LossyImageCompression="01", LossyImageCompressionRatio=["10.5", "3"])
    assert list(reopen(encode(said, array)).LossyImageCompressionRatio) == [10.5, 3]
    lossless = source(syntax=JPEG2000, LossyImageCompression="00")
    assert reopen(encode(lossless, array)).LossyImageCompression == "00"
    assert "LossyImageCompression" not in reopen(encode(source(), array))


def test_the_ratio_is_that_of_the_compressed_pixels() -> None:
    dataset = source(40, 60, syntax=JPEGBaseline8Bit, PixelData=encapsulate([bytes(200)]))
    stored = len(dataset.PixelData)
    back = reopen(encode(dataset, frames(1, 40, 60)))
    assert float(back.LossyImageCompressionRatio) == pytest.approx(2400 / stored, abs=1e-3)


def test_regions_keep_their_geometry_and_lose_what_a_palette_meant() -> None:
    region = Dataset()
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 1, 2
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 5, 3
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.017, -0.017
    region.ReferencePixelX0 = -3
    region.PixelComponentOrganization = 1
    for photometric, kept in (("PALETTE COLOR", False), ("MONOCHROME2", True)):
        dataset = source(PhotometricInterpretation=photometric, SequenceOfUltrasoundRegions=[region])
        found = reopen(encode(dataset, frames(1, 4, 6))).SequenceOfUltrasoundRegions[0]
        assert (found.RegionLocationMinX0, found.RegionLocationMaxY1, found.ReferencePixelX0) == (1, 3, -3)
        assert (found.PhysicalDeltaX, found.PhysicalDeltaY) == (0.017, -0.017)
        assert ("PixelComponentOrganization" in found) is kept


def test_a_clip_keeps_its_timing() -> None:
    dataset = source(NumberOfFrames=3, FrameTime="33.3", FrameIncrementPointer=0x00181063, SOPClassUID=US_CLIP)
    back = reopen(encode(dataset, frames(3, 4, 6, 3)))
    assert (back.NumberOfFrames, back.FrameTime, int(back.FrameIncrementPointer)) == (3, 33.3, 0x00181063)


def test_unused_bits_and_bytes_behind_the_pixels_are_cleared() -> None:
    values = np.arange(24, dtype="<u2") | 0xA000
    dataset = source(BitsAllocated=16, BitsStored=12, HighBit=11, PixelData=values.tobytes() + b"DOE^JANE")
    back = reopen(encode(dataset, None))
    assert np.array_equal(back.pixel_array.ravel(), np.arange(24))
    assert np.frombuffer(back.PixelData, "<u2").max() == 23
    assert len(back.PixelData) == 48


def test_unused_bits_of_signed_values_follow_the_sign() -> None:
    values = np.array([-5, 7] * 12, dtype="<i2")
    hidden = (values & 0x0FFF) | 0x3000
    dataset = source(BitsAllocated=16, BitsStored=12, HighBit=11, PixelRepresentation=1, PixelData=hidden.tobytes())
    back = reopen(encode(dataset, None))
    assert np.array_equal(np.frombuffer(back.PixelData, "<i2"), values)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_unchanged_values_of_other_encodings_are_written_little_endian(syntax: UID) -> None:
    values = np.arange(24, dtype="<u2" if syntax == ImplicitVRLittleEndian else ">u2")
    dataset = source(BitsAllocated=16, BitsStored=16, HighBit=15, syntax=syntax, PixelData=values.tobytes())
    dataset["PixelData"].VR = "OW"
    back = reopen(encode(dataset, None))
    assert back.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert np.array_equal(back.pixel_array.ravel(), np.arange(24))


def test_run_length_data_are_written_plain() -> None:
    array = frames(4, 6)
    dataset = source(PixelData=array.tobytes())
    dataset.compress(RLELossless, generate_instance_uid=False)
    back = reopen(encode(dataset, None))
    assert back.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert np.array_equal(back.pixel_array, array)


@pytest.mark.parametrize("data", [b"", b"\x00" * 23])
def test_pixel_data_that_end_too_early_are_refused(data: bytes) -> None:
    with pytest.raises(InputError) as caught:
        encode(source(PixelData=data), None)
    assert caught.value.code == "truncated"


def test_a_syntax_that_cannot_be_checked_is_refused() -> None:
    dataset = source(syntax=UID("1.2.840.10008.1.2.4.102"), PixelData=encapsulate([b"DOE^JANE"]))
    with pytest.raises(InputError) as caught:
        encode(dataset, None)
    assert caught.value.code == "no-decoder"


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
