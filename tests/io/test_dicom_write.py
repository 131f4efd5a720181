"""A written DICOM file opens without a warning, has the pixels that were given, and says the truth about them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import pixel_array
from pydicom.uid import (
    JPEGLosslessSV1,
    RLELossless,
)

from bus_toolkit.deidentify import deidentify_dataset
from bus_toolkit.errors import ConfigError
from bus_toolkit.io import read, read_bytes
from bus_toolkit.io.dicom_encode import SYNTAXES
from bus_toolkit.io.dicom_write import IMPLEMENTATION_CLASS_UID, VALUE_RANGES, write_dicom
from tests.io.dicom_files import (
    EXTRA,
    KEY,
    SHIPPED,
    US_CLIP,
    clip_of,
    colour,
    errors_of,
    grey,
    noise,
    painted,
    reopen,
    same,
    shipped,
    source,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

    from bus_toolkit.scan import Scan


@pytest.mark.parametrize("name", ["explicit", "jpeg-lossless", "jpeg-ls", "jpeg2000-lossless", "rle"])
@settings(max_examples=12, deadline=None)
@given(st.integers(1, 3), st.tuples(st.integers(64, 69), st.integers(64, 69)), st.booleans())
def test_outside_the_edit_nothing_changes(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    count: int,
    size: tuple[int, int],
    rgb: bool,  # noqa: FBT001
) -> None:
    array = noise(count, *size, 3) if rgb else noise(count, *size)
    path = tmp_path_factory.mktemp("written") / "a.dcm"
    written = write(path, colour(array) if rgb else grey(array), painted(), syntax=name)
    back = reopen(path)
    wanted = array.copy()
    wanted[:, :2, :3] = 200
    assert np.array_equal(pixel_array(back).reshape(array.shape), wanted)
    assert np.array_equal(read(path).scan.frames, wanted)
    assert back.PhotometricInterpretation == ("RGB" if rgb else "MONOCHROME2")
    odd = name == "jpeg-lossless" and array[0].size % 2
    assert written.syntax == back.file_meta.TransferSyntaxUID == (RLELossless if odd else SYNTAXES[name])
    assert (written.changed, written.frames) == (True, count)
    assert written.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("syntax", ["explicit", "jpeg-lossless", "jpeg-ls", "jpeg2000-lossless", "rle"])
@pytest.mark.parametrize(
    ("stored", "signed", "photometric"),
    [(12, 0, "MONOCHROME2"), (16, 0, "MONOCHROME1"), (10, 0, "MONOCHROME1"), (16, 1, "MONOCHROME2")],
)
def test_deep_pixels_are_edited_as_they_are_stored(
    tmp_path: Path, syntax: str, stored: int, signed: int, photometric: str
) -> None:
    top = 2**stored
    values = np.random.default_rng(3).integers(-top // 2 if signed else 0, top // 2 if signed else top, (2, 66, 70))
    array = values.astype("<i2" if signed else "<u2")
    window = {"WindowCenter": str(0 if signed else top // 2), "WindowWidth": str(top // 2)}
    facts = {"BitsStored": stored, "HighBit": stored - 1, "PixelRepresentation": signed}
    dataset = grey(array, PhotometricInterpretation=photometric, **facts, **window)
    write(tmp_path / "a.dcm", dataset, painted(), syntax=syntax)
    back = reopen(tmp_path / "a.dcm")
    after = pixel_array(back, raw=True)
    keep = np.ones(array.shape, bool)
    keep[:, :2, :3] = False
    assert np.array_equal(after[keep], array[keep])
    shown = read(tmp_path / "a.dcm").scan.frames[~keep]
    assert np.abs(shown.astype(int) - 200).max() <= 1
    assert (back.BitsStored, back.PhotometricInterpretation, back.WindowCenter) == (
        stored,
        photometric,
        0 if signed else top // 2,
    )


def test_a_palette_stays_and_an_edit_takes_its_nearest_colour(tmp_path: Path) -> None:
    original = dcmread(shipped("examples_palette.dcm"))
    before = pixel_array(original, raw=True)
    write(tmp_path / "a.dcm", original, painted(0))
    back = reopen(tmp_path / "a.dcm")
    after = pixel_array(back, raw=True)
    assert back.PhotometricInterpretation == "PALETTE COLOR"
    assert np.array_equal(after[2:], before[2:])
    assert np.array_equal(after[:2, 3:], before[:2, 3:])
    assert int(read(tmp_path / "a.dcm").scan.frames[0, :2, :3].max()) <= 8


@pytest.mark.parametrize("name", [*SHIPPED, *EXTRA])
@pytest.mark.parametrize("edited", [True, False])
def test_real_files(name: str, tmp_path: Path, *, edited: bool) -> None:
    path = shipped(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the original is like is not asked here
        original = dcmread(path)
    before = read(path)
    out = tmp_path / "out.dcm"
    written = write(out, original, painted() if edited else same)
    data = out.read_bytes()
    assert written.sha256 == hashlib.sha256(data).hexdigest()
    back, after = reopen(out), read(out)
    wanted, got = before.scan.frames, after.scan.frames
    if edited:
        assert not [keyword for keyword in VALUE_RANGES if keyword in back]
        assert back.ImageType[0] == "DERIVED"
        assert written.changed
        wanted, got = wanted[:, 2:], got[:, 2:]
    assert np.array_equal(got, wanted)
    assert np.array_equal(read_bytes(data).scan.frames, after.scan.frames)
    if shutil.which("dciodvfy"):
        assert errors_of(out) <= errors_of(path)


@pytest.mark.parametrize("name", ["examples_ybr_color.dcm", "examples_jpeg2k.dcm"])
@pytest.mark.parametrize("edit", [None, same])
def test_an_unchanged_picture_stays_in_its_transfer_syntax(name: str, tmp_path: Path, edit: object) -> None:
    original = dcmread(shipped(name))
    written = write(tmp_path / "a.dcm", original, edit)  # type: ignore[arg-type]
    back = reopen(tmp_path / "a.dcm")
    assert not written.changed
    assert back.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID
    assert back.PhotometricInterpretation == original.PhotometricInterpretation
    assert np.array_equal(pixel_array(back, raw=True), pixel_array(original, raw=True))


@pytest.mark.parametrize("name", ["examples_ybr_color.dcm", "examples_jpeg2k.dcm"])
def test_compressed_input_is_compressed_again_without_loss(name: str, tmp_path: Path) -> None:
    original = dcmread(shipped(name))
    write(tmp_path / "a.dcm", original, painted())
    back = reopen(tmp_path / "a.dcm")
    assert back.file_meta.TransferSyntaxUID == JPEGLosslessSV1
    assert back.LossyImageCompression == original.LossyImageCompression
    if shutil.which("dcmj2pnm"):
        shown = tmp_path / "a.ppm"
        done = subprocess.run(  # noqa: S603 - a fixed program on our own files
            [str(shutil.which("dcmj2pnm")), "+Fa", str(tmp_path / "a.dcm"), str(shown)],
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0
        first = min(tmp_path.glob("a.ppm*")).read_bytes()
        frame = read(tmp_path / "a.dcm").scan.frames[0]
        assert first.endswith((frame if frame.ndim == 3 else np.repeat(frame[..., None], 3, 2)).tobytes())


def test_an_edit_of_one_late_frame_is_written(tmp_path: Path) -> None:
    array = noise(5, 6, 8)

    def late(scan: Scan) -> Scan:
        return scan if not np.array_equal(scan.frames[0], array[4]) else painted()(scan)

    written = write(tmp_path / "a.dcm", grey(array), late)
    after = reopen(tmp_path / "a.dcm").pixel_array
    assert written.changed
    assert np.array_equal(after[:4], array[:4])
    assert (after[4, :2, :3] == 200).all()


def test_the_file_head_is_new(tmp_path: Path) -> None:
    dataset = grey(noise(1, 4, 6))
    dataset.file_meta.SourceApplicationEntityTitle = "DOE"
    dataset.file_meta.ImplementationVersionName = "DOE"
    write(tmp_path / "a.dcm", dataset, painted())
    data = (tmp_path / "a.dcm").read_bytes()
    back = reopen(tmp_path / "a.dcm")
    assert data[:132] == bytes(128) + b"DICM"
    assert b"DOE" not in data
    assert back.file_meta.MediaStorageSOPInstanceUID == back.SOPInstanceUID == KEY.uid("1.2.3.1")
    assert back.file_meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert len(back.file_meta.ImplementationVersionName) <= 16
    assert IMPLEMENTATION_CLASS_UID.is_valid


def test_a_header_of_another_size_is_refused(tmp_path: Path) -> None:
    header = deidentify_dataset(source(4, 5), KEY)
    with pytest.raises(ConfigError, match="rows and columns"):
        write_dicom(tmp_path / "a.dcm", header=header, clip=clip_of(grey(noise(1, 4, 6))))


def test_an_unknown_syntax_and_an_edit_of_the_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be one of"):
        write(tmp_path / "a.dcm", grey(noise(1, 4, 6)), painted(), syntax="mpeg")
    with pytest.raises(ConfigError, match="size of a frame"):
        write(tmp_path / "a.dcm", grey(noise(1, 4, 6)), lambda scan: type(scan)(frames=scan.frames[:, 1:]))


def test_what_was_lossy_stays_on_record(tmp_path: Path) -> None:
    frame = dcmread(shipped("examples_ybr_color.dcm"))
    del frame.LossyImageCompression
    for keyword in ("LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if keyword in frame:
            delattr(frame, keyword)
    write(tmp_path / "a.dcm", frame, painted())
    back = reopen(tmp_path / "a.dcm")
    assert (back.LossyImageCompression, back.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    stored = sum(len(data) for data in clip_of(frame).encoded())
    whole = frame.Rows * frame.Columns * 3 * int(frame.NumberOfFrames)
    assert float(back.LossyImageCompressionRatio) == pytest.approx(whole / stored, abs=1e-3)
    said = grey(noise(1, 4, 6), LossyImageCompression="01", LossyImageCompressionRatio=["10.5", "3"])
    write(tmp_path / "b.dcm", said, painted())
    assert list(reopen(tmp_path / "b.dcm").LossyImageCompressionRatio) == [10.5, 3]
    write(tmp_path / "c.dcm", grey(noise(1, 4, 6)), painted())
    assert "LossyImageCompression" not in reopen(tmp_path / "c.dcm")


def test_regions_keep_their_geometry(tmp_path: Path) -> None:
    region = Dataset()
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 1, 2
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 5, 3
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.017, -0.017
    region.ReferencePixelX0 = -3
    write(tmp_path / "a.dcm", grey(noise(1, 4, 6), SequenceOfUltrasoundRegions=[region]), painted())
    found = reopen(tmp_path / "a.dcm").SequenceOfUltrasoundRegions[0]
    assert (found.RegionLocationMinX0, found.RegionLocationMaxY1, found.ReferencePixelX0) == (1, 3, -3)
    assert (found.PhysicalDeltaX, found.PhysicalDeltaY) == (0.017, -0.017)


def test_a_clip_keeps_its_timing(tmp_path: Path) -> None:
    facts = {"FrameTime": "33.3", "FrameIncrementPointer": 0x00181063, "SOPClassUID": US_CLIP}
    write(tmp_path / "a.dcm", colour(noise(3, 4, 6, 3), **facts), painted())
    back = reopen(tmp_path / "a.dcm")
    assert (back.NumberOfFrames, back.FrameTime, int(back.FrameIncrementPointer)) == (3, 33.3, 0x00181063)
