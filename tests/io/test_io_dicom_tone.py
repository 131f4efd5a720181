from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import convert_color_space
from pydicom.sequence import Sequence

from bus_toolkit.errors import InputError
from bus_toolkit.io import read_bytes


def frames_of(data: Any, **options: Any) -> Any:
    return read_bytes(data, **options).scan.frames


def code_of(data: Any, **options: Any) -> Any:
    with pytest.raises(InputError) as caught:
        read_bytes(data, **options)
    assert "SECRET" not in str(caught.value)
    return caught.value.code


def test_monochrome1_is_inverted(ramp: Any, make_dicom: Any) -> None:
    data = make_dicom(ramp[None], PhotometricInterpretation="MONOCHROME1")
    assert np.array_equal(frames_of(data)[0], 255 - ramp)


def test_ybr_full_uncompressed(scene: Any, make_dicom: Any) -> None:
    ybr = convert_color_space(scene, "RGB", "YBR_FULL")
    for planar in (0, 1):
        data = make_dicom(ybr[None], PhotometricInterpretation="YBR_FULL", PlanarConfiguration=planar)
        assert np.abs(frames_of(data)[0].astype(int) - scene).max() <= 2


def test_ybr_full_422_uncompressed(scene: Any, make_dicom: Any) -> None:
    doubled = np.repeat(scene, 2, axis=1)
    ybr = convert_color_space(doubled, "RGB", "YBR_FULL")
    packed = np.stack([ybr[:, ::2, 0], ybr[:, 1::2, 0], ybr[:, ::2, 1], ybr[:, ::2, 2]], axis=-1)
    halved = np.frombuffer(packed.tobytes(), np.uint8).reshape(1, 24, 160)
    data = make_dicom(
        halved, Columns=80, SamplesPerPixel=3, PlanarConfiguration=0, PhotometricInterpretation="YBR_FULL_422"
    )
    assert np.abs(frames_of(data)[0].astype(int) - doubled).max() <= 2


def palette(bits: Any, *, grey: bool = False) -> Any:
    values = np.arange(256, dtype=np.uint16)
    tables = {"Red": values, "Green": values if grey else values[::-1], "Blue": values if grey else values // 2}
    elements = {}
    for colour, table in tables.items():
        elements[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, bits]
        entries = (table * 257).astype("<u2") if bits == 16 else table.astype(np.uint8)
        elements[f"{colour}PaletteColorLookupTableData"] = entries.tobytes()
    return elements


@pytest.mark.parametrize("bits", [8, 16])
def test_palette_colour(bits: Any, ramp: Any, make_dicom: Any) -> None:
    data = make_dicom(ramp[None], PhotometricInterpretation="PALETTE COLOR", **palette(bits))
    assert np.array_equal(frames_of(data)[0], np.stack([ramp, 255 - ramp, ramp // 2], axis=-1))
    data = make_dicom(ramp[None], PhotometricInterpretation="PALETTE COLOR", **palette(bits, grey=True))
    assert np.array_equal(frames_of(data)[0], ramp)


def test_palette_that_is_missing_is_an_error(ramp: Any, make_dicom: Any) -> None:
    assert code_of(make_dicom(ramp[None], PhotometricInterpretation="PALETTE COLOR")) == "corrupt"


def lut(data: Any, first: Any = 0, bits: Any = 8) -> Any:
    item = Dataset()
    item.LUTDescriptor = [len(data), first, bits]
    item.LUTData = list(data)
    item["LUTData"].VR = "US"
    return item


def test_voi_lut_and_modality_lut(ramp: Any, make_dicom: Any) -> None:
    voi = lut([255 - value for value in range(256)])
    got = frames_of(make_dicom(ramp[None], VOILUTSequence=Sequence([voi]), WindowCenter="5", WindowWidth="3"))
    assert np.array_equal(got[0], 255 - ramp)
    modality = lut([value // 2 for value in range(256)], bits=16)
    modality.ModalityLUTType = "US"
    got = frames_of(make_dicom(ramp[None], ModalityLUTSequence=Sequence([modality])))
    assert np.array_equal(got[0], ramp // 2)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("", [0, 0, 128, 255, 255]),
        ("LINEAR", [0, 0, 128, 255, 255]),
        ("LINEAR_EXACT", [0, 0, 128, 255, 255]),
        ("SIGMOID", [5, 30, 128, 225, 250]),
    ],
)
def test_window_functions(function: Any, expected: Any, make_dicom: Any) -> None:
    values = np.array([[[0, 50, 100, 150, 200]]], np.uint16)
    extra = {"VOILUTFunction": function} if function else {}
    got = frames_of(make_dicom(values, WindowCenter=["100", "7"], WindowWidth=["100", "7"], **extra))[0, 0]
    assert np.abs(got.astype(int) - expected).max() <= 2


def test_window_of_one_is_a_threshold(make_dicom: Any) -> None:
    values = np.array([[[99, 100]]], np.uint8)
    assert frames_of(make_dicom(values, WindowCenter="100", WindowWidth="1")).tolist() == [[[0, 255]]]


def test_rescale_comes_before_the_window(make_dicom: Any) -> None:
    values = np.array([[[0, 100, 200]]], np.uint8)
    elements = {"RescaleSlope": "2", "RescaleIntercept": "-100", "WindowCenter": "100.5", "WindowWidth": "401"}
    assert frames_of(make_dicom(values, **elements)).tolist() == [[[0, 128, 255]]]


def test_signed_pixels_stretch_from_least_to_largest_over_the_whole_clip(make_dicom: Any) -> None:
    values = np.array([[[-100, 0]], [[60, 100]]], np.int16)
    assert frames_of(make_dicom(values)).tolist() == [[[0, 127]], [[204, 255]]]


def test_bits_beyond_those_stored_are_not_looked_at(ramp: Any, make_dicom: Any) -> None:
    marked = (ramp.astype(np.uint16) * 16) | 0x8000
    got = frames_of(make_dicom(marked[None], BitsStored=12))
    assert np.array_equal(got[0], np.rint(ramp * (16.0 * 255 / 4095)).astype(np.uint8))


def test_equal_channels_become_grey_and_one_coloured_frame_makes_a_clip_rgb(
    ramp: Any, scene: Any, make_dicom: Any
) -> None:
    triple = np.repeat(ramp[..., None], 3, axis=-1)
    assert np.array_equal(frames_of(make_dicom(triple[None])), ramp[None])
    got = frames_of(make_dicom(np.stack([triple, scene, triple])))
    assert np.array_equal(got, np.stack([triple, scene, triple]))
