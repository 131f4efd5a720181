"""Pixel values that pydicom's own tests hold for the files that it ships, and one file against its twin."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from bus_toolkit.io import read, read_bytes
from bus_toolkit.io.dicom_file import parse_dicom
from bus_toolkit.io.dicom_pixels import iter_frames, pixel_header
from bus_toolkit.io.limits import Limits
from bus_toolkit.io.quiet import quiet

BARS = np.array(
    [
        (255, 0, 0),
        (255, 128, 128),
        (0, 255, 0),
        (128, 255, 128),
        (0, 0, 255),
        (128, 128, 255),
        (0, 0, 0),
        (64, 64, 64),
        (192, 192, 192),
        (255, 255, 255),
    ]
)
"""Ten bars of colour, ten rows each, on most of the SC_rgb files."""


def local(name: Any) -> Any:
    """A file of pydicom or pydicom-data that is installed; nothing is fetched."""
    found = get_testdata_file(name, download=False)
    if found is None:
        pytest.skip(f"{name} is not installed (pip install pydicom-data)")
    return Path(str(found))


def stored(name: Any) -> Any:
    with quiet():
        dataset = parse_dicom(BytesIO(local(name).read_bytes()), Limits())
        return np.stack(list(iter_frames(dataset, pixel_header(dataset))))


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("SC_rgb.dcm", 0),
        ("SC_rgb_16bit.dcm", 0),
        ("SC_rgb_32bit.dcm", 0),
        ("SC_rgb_expb.dcm", 0),
        ("SC_rgb_expb_16bit_2frame.dcm", 0),
        ("SC_rgb_rle.dcm", 0),
        ("SC_rgb_rle_16bit_2frame.dcm", 0),
        ("SC_rgb_rle_32bit.dcm", 0),
        ("SC_rgb_gdcm_KY.dcm", 0),
        ("SC_rgb_jpeg_gdcm.dcm", 0),
        ("SC_rgb_dcmtk_+eb+cr.dcm", 0),
        ("SC_rgb_jpeg_lossy_gdcm.dcm", 1),
        ("SC_rgb_jls_lossy_line.dcm", 2),
        ("SC_rgb_jls_lossy_sample.dcm", 2),
        ("SC_rgb_dcmtk_+eb+cy+n1.dcm", 5),
        ("SC_rgb_dcmtk_+eb+cy+n2.dcm", 5),
        ("SC_rgb_dcmtk_+eb+cy+np.dcm", 5),
        ("SC_rgb_dcmtk_+eb+cy+s2.dcm", 5),
        ("SC_rgb_dcmtk_+eb+cy+s4.dcm", 5),
        ("SC_rgb_jpeg_dcmtk.dcm", 5),
        ("SC_ybr_full_422_uncompressed.dcm", 5),
        ("SC_ybr_full_uncompressed.dcm", 5),
    ],
)
def test_colour_bars(name: Any, tolerance: Any) -> None:
    frames = read(local(name)).scan.frames.astype(int)
    assert np.abs(frames[0, 5::10, 50] - BARS).max() <= tolerance
    if len(frames) > 1:
        assert np.abs(frames[1, 5::10, 50] - (255 - BARS)).max() <= tolerance


@pytest.mark.parametrize(
    ("name", "frame", "row", "cols", "values"),
    [
        ("MR_small_implicit.dcm", 0, 31, slice(3), [366, 363, 322]),
        ("MR_small_bigendian.dcm", 0, 31, slice(3), [366, 363, 322]),
        ("MR_small_RLE.dcm", 0, -1, slice(-3, None), [1369, 1129, 862]),
        ("MR_small_jpeg_ls_lossless.dcm", 0, 0, slice(31, 34), [422, 319, 361]),
        ("MR_small_jp2klossless.dcm", 0, 0, slice(31, 34), [422, 319, 361]),
        ("MR_small_padded.dcm", 0, 0, slice(31, 34), [422, 319, 361]),
        ("emri_small.dcm", 4, 0, slice(31, 34), [67, 82, 44]),
        ("emri_small_RLE.dcm", 9, -1, slice(-3, None), [227, 300, 147]),
        ("emri_small_jpeg_ls_lossless.dcm", 4, 31, slice(3), [37, 41, 17]),
        ("emri_small_jpeg_2k_lossless.dcm", 4, 31, slice(3), [37, 41, 17]),
        ("JPGExtended.dcm", 0, 420, slice(140, 141), [244]),
        ("JPGExtended.dcm", 0, 230, slice(120, 121), [95]),
        ("JPEG-lossy.dcm", 0, 420, slice(140, 141), [244]),
        ("JPGLosslessP14SV1_1s_1f_8b.dcm", 0, 300, slice(512, 520), [26, 26, 25, 22, 19, 16, 14, 15]),
        ("JPEG-LL.dcm", 0, 400, slice(124, 132), [60, 58, 61, 68, 59, 65, 64, 67]),
        ("OBXXXX1A.dcm", 0, 300, slice(491, 494), [1, 246, 1]),
        ("OBXXXX1A_expb_2frame.dcm", 1, 300, slice(491, 494), [254, 9, 254]),
        ("OBXXXX1A_rle_2frame.dcm", 1, 300, slice(491, 494), [254, 9, 254]),
        ("J2K_pixelrep_mismatch.dcm", 0, 0, slice(1), [-2000]),
        ("GDCMJ2K_TextGBR.dcm", 0, 46, 140, [255, 0, 0]),
        ("image_dfl.dcm", 0, 300, slice(255, 263), [138, 65, 65, 65, 65, 35, 35, 35]),
        ("SC_rgb_small_odd.dcm", 0, 1, 0, [63, 87, 176]),
        ("SC_rgb_small_odd_big_endian.dcm", 0, 1, 0, [63, 87, 176]),
    ],
)
def test_stored_values(name: Any, frame: Any, row: Any, cols: Any, values: Any) -> None:
    assert stored(name)[frame, row, cols].ravel().tolist() == values


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("US1_J2KR.dcm", "US1_UNCR.dcm"),
        ("US1_J2KI.dcm", "US1_UNCI.dcm"),
        ("examples_jpeg2k.dcm", "US1_UNCR.dcm"),
        ("RG3_J2KR.dcm", "RG3_UNCR.dcm"),
        ("MR2_J2KI.dcm", "MR2_UNCI.dcm"),
        ("gdcm-US-ALOKA-16_big.dcm", "gdcm-US-ALOKA-16.dcm"),
        ("OBXXXX1A_rle.dcm", "OBXXXX1A.dcm"),
        ("color-pl.dcm", "color-px.dcm"),
        ("SC_rgb_jpeg.dcm", "SC_rgb_jpeg_dcmd.dcm"),
        ("SC_jpeg_no_color_transform.dcm", "SC_rgb_jpeg_dcmd.dcm"),
        ("SC_jpeg_no_color_transform_2.dcm", "SC_rgb_jpeg_app14_dcmd.dcm"),
    ],
)
def test_twins_look_alike(name: Any, twin: Any) -> None:
    first, second = read(local(name)).scan.frames, read(local(twin)).scan.frames
    assert first.shape == second.shape
    assert np.abs(first.astype(int) - second).max() == 0


def test_a_clip_of_jpeg_frames() -> None:
    frames = read(local("color3d_jpeg_baseline.dcm")).scan.frames
    assert 32 <= len(frames) < 46  # of 120, and the first among them
    first = frames[0, 278, 300:310] if frames.ndim == 3 else frames[0, 278, 300:310, 1]
    assert np.abs(first.astype(int) - [64, 76, 86, 95, 95, 97, 98, 98, 106, 108]).max() <= 1


def test_facts_of_real_headers() -> None:
    facts = read(local("examples_palette.dcm")).scan.acquisition
    assert (facts.manufacturer, facts.model) == ("Philips", "CX50")
    assert facts.spacing_mm is None  # the picture was cut, its regions were not
    assert facts.regions[0].box.as_list() == [60, 120, 519, 801]
    facts = read(local("OBXXXX1A.dcm")).scan.acquisition
    assert facts.spacing_mm == pytest.approx((0.26228788, 0.26228788))
    facts = read(local("examples_ybr_color.dcm")).scan.acquisition
    assert (facts.manufacturer, facts.model) == ("SonoSite", "Turbo")
    assert facts.frame_time_ms == pytest.approx(33.333)


@pytest.mark.parametrize("name", ["rtdose.dcm", "test-SR.dcm", "waveform_ecg.dcm", "liver_1frame.dcm", "rtplan.dcm"])
def test_objects_that_are_no_pictures(name: Any) -> None:
    with pytest.raises(Exception, match="class that holds no picture"):
        read(local(name))


def test_window_and_tables_agree_with_pydicom() -> None:
    for name in ("mlut_18.dcm", "vlut_04.dcm"):
        dataset = pydicom.dcmread(local(name))
        with quiet():
            modality = pydicom.pixels.apply_modality_lut(dataset.pixel_array, dataset)
            shown = pydicom.pixels.apply_voi_lut(modality, dataset).astype(float)
        ours = read_bytes(local(name).read_bytes()).scan.frames[0].astype(float)
        agreement = np.corrcoef(shown.ravel(), ours.ravel())[0, 1]
        assert agreement > 0.999 if dataset.PhotometricInterpretation == "MONOCHROME2" else agreement < -0.999
