import base64
import logging
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gdcm
import numpy as np
import pytest
from PIL import Image
from pydicom import uid
from pydicom.pixels.encoders.base import get_encoder
from pydicom.pixels.processing import convert_color_space

from bus_toolkit.errors import InputError
from bus_toolkit.io import Limits, read_bytes

HTJ2K_GREY = (
    "/0//UQApQAAAAAAYAAAAEAAAAAAAAAAAAAAAGAAAABAAAAAAAAAAAAABBwEB/1AACAACAAAAAv9SAAwAAgABAAUEBEAB/1wAEyBIUFBQUFBQUF"
    "BQUFBQSEhI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAG8AAf+TwCXjAId0AMASgOAAB3QAoAnAECH+AGI0AMASwBUgiIBLdACI"
    "CMQAAAB3VgDAE0AVoPDYFPJ1AEJBEATh4Aj2EIHsuADAJ4BaIADz8ClL5gCcmZmZmZn/HJ798nv3yey7AP/Z"
)
HTJ2K_COLOUR = (
    "/0//UQAvQAAAAAAYAAAAEAAAAAAAAAAAAAAAGAAAABAAAAAAAAAAAAADBwEBBwEBBwEB/1AACAACAAAAA/9SAAwAAgABAQUEBEAB/1wAEyBQWF"
    "hYWFhYWFhYWFhYUFBQ/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAW4AAf+TwBKA4QCHdADAEoD5AEd0AMASgPkAx3QAwAlA3gEH"
    "dADACUCHAQd0AMAJQFUBh3QAwAjgBMAncwBe7wAiNADACSAEwP4XcwBs9gAiNADACWAE4PoAR3QAECH+AGI0AMAJoATguv6AC3QALGMAJHdVAM"
    "AJoATg4/iAC3QAtrUAJHdVAMAJoAVI2eyAi3QAiAjEAAAAd1YAwAngBaMAJKrK2KfCdQAAAAYGBgYG9gDAeQGOVK25ANgL5ADACeAFUBER2KfC"
    "dQBaVVXgDPfJ7LcAwAqIAVprrfXacAJ1AEJBEATh4Aj2EIHsuADAFvQBaIAAQAQASgCgBADKfpZZZXf0sssrv6WWWV1OfOc4FAEIAAAA4P8QBJ"
    "79knv2Sey8AMAVUAWi/3/z8Cnp6eJ4ACpJkiTp/xAEnv2Se/ZJ7LwAwBWQBaIzMzMz8/Cnp6fCeACcmZmZmZn/HJ798nv3yey7AP/Z"
)
NATIVE = (uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian)


def frames_of(data: Any, **options: Any) -> Any:
    return read_bytes(data, **options).scan.frames


def code_of(data: Any, **options: Any) -> Any:
    with pytest.raises(InputError) as caught:
        read_bytes(data, **options)
    assert "SECRET" not in str(caught.value)
    return caught.value.code


def compress(frame: Any, syntax: Any, **options: Any) -> Any:
    rgb = frame.ndim == 3
    bits = frame.dtype.itemsize * 8
    facts = {
        "rows": frame.shape[0],
        "columns": frame.shape[1],
        "number_of_frames": 1,
        "samples_per_pixel": 3 if rgb else 1,
        "bits_allocated": bits,
        "bits_stored": bits,
        "pixel_representation": int(frame.dtype.kind == "i"),
        "photometric_interpretation": "RGB" if rgb else "MONOCHROME2",
        "pixel_keyword": "PixelData",
    }
    facts |= {"planar_configuration": 0} if rgb else {}
    return get_encoder(syntax).encode(np.ascontiguousarray(frame), index=None, **(facts | options))


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize("count", [1, 3])
def test_uncompressed_in_every_byte_order(syntax: Any, count: Any, ramp: Any, scene: Any, make_dicom: Any) -> None:
    greys = np.stack([ramp + index for index in range(count)])
    assert np.array_equal(frames_of(make_dicom(greys, syntax=syntax)), greys)
    deep = greys.astype(np.uint16) * 16
    expected = np.rint(deep * (255 / 4095)).astype(np.uint8)
    assert np.array_equal(frames_of(make_dicom(deep, syntax=syntax, BitsStored=12)), expected)
    for planar in (0, 1):
        colours = np.stack([scene + index for index in range(count)])
        assert np.array_equal(frames_of(make_dicom(colours, syntax=syntax, PlanarConfiguration=planar)), colours)


def test_bytes_written_as_big_endian_words_are_put_right(ramp: Any, make_dicom: Any) -> None:
    data = make_dicom(ramp[None].view(">u2").astype(">u2"), syntax=uid.ExplicitVRBigEndian)
    narrow = make_dicom(ramp[None, :, :39], syntax=uid.ExplicitVRBigEndian)
    assert frames_of(data).shape == (1, 24, 20)
    assert np.array_equal(frames_of(narrow)[0], ramp[:, :39])


def test_deflated(ramp: Any, make_dicom: Any) -> None:
    data = make_dicom(ramp[None], syntax=uid.DeflatedExplicitVRLittleEndian)
    assert np.array_equal(frames_of(data)[0], ramp)


def test_a_deflated_bomb_is_not_unfolded(ramp: Any, make_dicom: Any) -> None:
    data = make_dicom(ramp[None], syntax=uid.DeflatedExplicitVRLittleEndian)
    start = 144 + struct.unpack_from("<I", data, 140)[0]
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = data[:start] + engine.compress(zlib.decompress(data[start:], -15) + bytes(30_000_000)) + engine.flush()
    assert len(bomb) < 100_000
    assert code_of(bomb, limits=Limits(max_file_bytes=10_000_000)) == "too-large"
    assert code_of(data[:start] + b"\x07\x07\x07\x07") == "corrupt"


@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEGLSLossless, uid.JPEG2000Lossless])
@pytest.mark.parametrize("count", [1, 3])
def test_lossless_compression_gives_the_same_pixels(
    syntax: Any, count: Any, ramp: Any, scene: Any, make_dicom: Any
) -> None:
    ramp, scene = np.tile(ramp, (4, 4)), np.tile(scene, (4, 4, 1))
    greys = np.stack([ramp + index for index in range(count)])
    data = make_dicom(greys, syntax=syntax, encoded=[compress(frame, syntax) for frame in greys])
    assert np.array_equal(frames_of(data), greys)
    colours = np.stack([scene + index for index in range(count)])
    data = make_dicom(colours, syntax=syntax, encoded=[compress(frame, syntax) for frame in colours])
    assert np.array_equal(frames_of(data), colours)


@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEGLSLossless, uid.JPEG2000Lossless])
@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_lossless_compression_of_deep_and_signed_pixels(syntax: Any, dtype: Any, ramp: Any, make_dicom: Any) -> None:
    deep = np.tile(ramp, (4, 4)).astype(dtype) * 64 - (4000 if dtype is np.int16 else 0)
    window = {"WindowCenter": "4000", "WindowWidth": "16000"}
    native = frames_of(make_dicom(deep[None], **window))
    assert len(np.unique(native)) > 30
    assert np.array_equal(
        frames_of(make_dicom(deep[None], syntax=syntax, encoded=[compress(deep, syntax)], **window)), native
    )


@pytest.mark.parametrize("syntax", [uid.JPEG2000, uid.JPEGLSNearLossless])
def test_lossy_compression_comes_near(syntax: Any, ramp: Any, make_dicom: Any) -> None:
    ramp = np.tile(ramp, (4, 4))
    options = {"j2k_psnr": [50]} if syntax == uid.JPEG2000 else {"jls_error": 2}
    data = make_dicom(ramp[None], syntax=syntax, encoded=[compress(ramp, syntax, **options)])
    assert np.abs(frames_of(data)[0].astype(int) - ramp).max() <= 8


def test_reversible_and_irreversible_colour_transforms_of_jpeg_2000(scene: Any, make_dicom: Any) -> None:
    scene = np.tile(scene, (4, 4, 1))
    encoded = compress(scene, uid.JPEG2000Lossless, photometric_interpretation="YBR_RCT")
    data = make_dicom(scene[None], syntax=uid.JPEG2000Lossless, encoded=[encoded], PhotometricInterpretation="YBR_RCT")
    assert np.array_equal(frames_of(data)[0], scene)
    encoded = compress(scene, uid.JPEG2000, photometric_interpretation="YBR_ICT", j2k_psnr=[55])
    data = make_dicom(scene[None], syntax=uid.JPEG2000, encoded=[encoded], PhotometricInterpretation="YBR_ICT")
    assert np.abs(frames_of(data)[0].astype(int) - scene).max() <= 4


@pytest.mark.parametrize("syntax", [uid.HTJ2K, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL])
def test_high_throughput_jpeg_2000(syntax: Any, make_dicom: Any) -> None:
    rows, cols = np.mgrid[:16, :24]
    grey = (rows * 15 + cols).astype(np.uint8)
    data = make_dicom(grey[None], syntax=syntax, encoded=[base64.b64decode(HTJ2K_GREY)])
    assert np.array_equal(frames_of(data)[0], grey)
    colour = np.stack([rows * 15, cols * 10, (rows + cols) * 6], axis=-1).astype(np.uint8)
    data = make_dicom(
        colour[None], syntax=syntax, encoded=[base64.b64decode(HTJ2K_COLOUR)], PhotometricInterpretation="YBR_RCT"
    )
    assert np.array_equal(frames_of(data)[0], colour)


@pytest.mark.parametrize("syntax", [uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_jpeg_with_ycc_components(
    syntax: Any, subsampling: Any, scene: Any, make_dicom: Any, picture_bytes: Any
) -> None:
    wide = np.kron(scene, np.ones((8, 8, 1), np.uint8))
    encoded = picture_bytes(wide, "JPEG", quality=98, subsampling=subsampling)
    for photometric in ("YBR_FULL", "YBR_FULL_422", "RGB"):
        data = make_dicom(wide[None], syntax=syntax, encoded=[encoded], PhotometricInterpretation=photometric)
        assert np.abs(frames_of(data)[0].astype(int) - wide).mean() < 3


@pytest.mark.parametrize("syntax", [uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit])
def test_jpeg_with_one_component(syntax: Any, ramp: Any, make_dicom: Any, picture_bytes: Any) -> None:
    grey = picture_bytes(ramp, "JPEG", quality=100)
    got = frames_of(make_dicom(ramp[None], syntax=syntax, encoded=[grey]))
    assert got.shape == (1, 24, 40)
    assert np.abs(got[0].astype(int) - ramp).max() <= 2


def unmarked(encoded: Any) -> Any:
    """A JPEG without its JFIF segment, whose component ids say nothing either."""
    assert encoded[2:4] == b"\xff\xe0"
    bare = bytearray(encoded[:2] + encoded[4 + struct.unpack_from(">H", encoded, 4)[0] :])
    start = bare.index(b"\xff\xc0") + 10
    scan = bare.index(b"\xff\xda") + 5
    for index in range(3):
        bare[start + 3 * index] = index
        bare[scan + 2 * index] = index
    return bytes(bare)


def test_the_header_decides_where_a_jpeg_says_nothing(scene: Any, make_dicom: Any, picture_bytes: Any) -> None:
    wide = np.kron(scene, np.ones((8, 8, 1), np.uint8))
    ycc = unmarked(picture_bytes(wide, "JPEG", quality=98, subsampling=0))
    for photometric in ("YBR_FULL", "YBR_FULL_422"):
        data = make_dicom(wide[None], syntax=uid.JPEGBaseline8Bit, encoded=[ycc], PhotometricInterpretation=photometric)
        assert np.abs(frames_of(data)[0].astype(int) - wide).max() < 25
    stored = Image.merge("YCbCr", Image.fromarray(wide).split())
    rgb = unmarked(picture_bytes(stored, "JPEG", quality=98, subsampling=0))
    data = make_dicom(wide[None], syntax=uid.JPEGBaseline8Bit, encoded=[rgb])
    assert np.abs(frames_of(data)[0].astype(int) - wide).max() < 25


def test_component_ids_that_spell_rgb_win_over_the_header(scene: Any, make_dicom: Any, picture_bytes: Any) -> None:
    wide = np.kron(scene, np.ones((8, 8, 1), np.uint8))
    rgb = picture_bytes(wide, "JPEG", quality=98, subsampling=0, keep_rgb=True)
    for photometric in ("RGB", "YBR_FULL_422"):
        data = make_dicom(wide[None], syntax=uid.JPEGBaseline8Bit, encoded=[rgb], PhotometricInterpretation=photometric)
        assert np.abs(frames_of(data)[0].astype(int) - wide).max() < 25


def compress_lossless(frame: Any, syntax: str) -> bytes:
    """JPEG lossless by GDCM, of grey or RGB components."""
    rgb = frame.ndim == 3
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((frame.shape[1], frame.shape[0], 1))
    bits = frame.dtype.itemsize * 8
    image.SetPixelFormat(gdcm.PixelFormat(3 if rgb else 1, bits, bits, bits - 1, 0))
    kind = gdcm.PhotometricInterpretation.RGB if rgb else gdcm.PhotometricInterpretation.MONOCHROME2
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetByteStringValue(frame.tobytes())
    image.SetDataElement(element)
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.ExplicitVRLittleEndian))
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(syntax)))
    change.SetInput(image)
    image.thisown = False  # the filter counts references to it and deletes it; deleting it twice ends the process
    assert change.Change()
    fragment = change.GetOutput().GetDataElement().GetSequenceOfFragments().GetFragment(0)
    return bytes(fragment.GetByteValue().GetBuffer().encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("syntax", [uid.JPEGLossless, uid.JPEGLosslessSV1])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_jpeg_lossless(syntax: Any, dtype: Any, ramp: Any, make_dicom: Any) -> None:
    frame = ramp.astype(dtype) * (1 if dtype is np.uint8 else 256)
    got = frames_of(make_dicom(frame[None], syntax=syntax, encoded=[compress_lossless(frame, syntax)]))[0]
    expected = ramp if dtype is np.uint8 else np.rint(frame / 257).astype(np.uint8)
    assert np.array_equal(got, expected)


def with_ids(encoded: bytes, ids: Any, *, adobe: int | None) -> bytes:
    """A lossless JPEG with other component ids and with or without an Adobe segment."""
    start = encoded.index(b"\xff\xee")
    bare = bytearray(encoded[:start] + encoded[start + 2 + struct.unpack_from(">H", encoded, start + 2)[0] :])
    frame, scan = bare.index(b"\xff\xc3") + 10, bare.index(b"\xff\xda") + 5
    for index in range(3):
        bare[frame + 3 * index] = bare[scan + 2 * index] = ids[index]
    segment = b"" if adobe is None else b"\xff\xee\x00\x0eAdobe\x00d\x00\x00\x00\x00" + bytes([adobe])
    return bytes(bare[:2]) + segment + bytes(bare[2:])


@pytest.mark.parametrize(
    ("ids", "adobe", "photometric", "is_ycc"),
    [
        (b"RGB", None, "RGB", False),
        (b"RGB", None, "YBR_FULL", False),
        (b"\1\2\3", None, "RGB", False),
        (b"\1\2\3", None, "YBR_FULL", True),
        (b"\0\1\2", None, "RGB", False),
        (b"\1\2\3", 0, "YBR_FULL", False),
        (b"\1\2\3", 1, "RGB", True),
    ],
)
def test_colours_of_jpeg_lossless(  # noqa: PLR0917 - a table
    ids: Any, adobe: Any, photometric: Any, is_ycc: Any, scene: Any, make_dicom: Any
) -> None:
    stored = convert_color_space(scene, "RGB", "YBR_FULL") if is_ycc else scene
    encoded = with_ids(compress_lossless(stored, uid.JPEGLosslessSV1), ids, adobe=adobe)
    data = make_dicom(scene[None], syntax=uid.JPEGLosslessSV1, encoded=[encoded], PhotometricInterpretation=photometric)
    assert np.abs(frames_of(data)[0].astype(int) - scene).max() <= (2 if is_ycc else 0)


def test_a_compressed_stream_that_contradicts_the_header_is_refused(ramp: Any, scene: Any, make_dicom: Any) -> None:
    deep = ramp.astype(np.uint16) * 256
    encoded = compress_lossless(deep, uid.JPEGLosslessSV1)
    assert code_of(make_dicom(ramp[None], syntax=uid.JPEGLosslessSV1, encoded=[encoded])) == "corrupt"
    wild = bytearray(encoded)
    wild[wild.index(b"\xff\xc3") + 4] = 252
    assert code_of(make_dicom(deep[None], syntax=uid.JPEGLosslessSV1, encoded=[bytes(wild)])) == "corrupt"
    encoded = compress(scene, uid.JPEGLSLossless)
    assert code_of(make_dicom(ramp[None], syntax=uid.JPEGLSLossless, encoded=[encoded])) == "corrupt"


def test_a_panic_of_a_decoder_is_one_file_s_trouble(ramp: Any, make_dicom: Any) -> None:
    encoded = struct.pack("<16I", 2, 64, 70, *[0] * 13) + b"\x81\x00" * 200
    data = make_dicom(ramp[None].astype(np.uint16), syntax=uid.RLELossless, encoded=[encoded])
    assert code_of(data) == "corrupt"


def test_threads_read_at_once_and_leave_the_filters_of_warnings_alone(ramp: Any, make_dicom: Any) -> None:
    data = make_dicom(ramp[None])
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        frames = list(pool.map(frames_of, [data] * 40))
    assert all(np.array_equal(found[0], ramp) for found in frames)
    assert warnings.filters == before


@pytest.mark.parametrize(
    ("syntax", "name"),
    [
        ("1.2.840.10008.1.2.4.110", "JPEG XL Lossless"),
        ("1.2.840.10008.1.2.4.112", "JPEG XL"),
        ("1.2.840.10008.1.2.4.102", "MPEG-4"),
        ("1.2.840.113619.5.2", "a private or unknown transfer syntax"),
    ],
)
def test_a_missing_decoder_is_named(syntax: Any, name: Any, ramp: Any, make_dicom: Any) -> None:
    data = make_dicom(ramp[None], encoded=[b"\xff\x0a" + bytes(60)], syntax=uid.RLELossless)
    old = b"UI\x14\x00" + uid.RLELossless.encode() + b"\0"
    assert old in data
    padded = syntax.encode() + b"\0" * (len(syntax) % 2)
    data = data.replace(old, b"UI" + struct.pack("<H", len(padded)) + padded)
    grown = struct.unpack_from("<I", data, 140)[0] + len(padded) - 20
    data = data[:140] + struct.pack("<I", grown) + data[144:]
    with pytest.raises(InputError, match=name) as caught:
        read_bytes(data)
    assert caught.value.code == "no-decoder"


@pytest.mark.parametrize("syntax", NATIVE)
def test_a_file_without_preamble_is_recognised(syntax: Any, ramp: Any, make_dicom: Any) -> None:
    assert np.array_equal(frames_of(make_dicom(ramp[None], syntax=syntax, preamble=False))[0], ramp)


def test_pixels_do_not_stay_with_the_header_and_nothing_shows_it(ramp: Any, make_dicom: Any) -> None:
    source = read_bytes(make_dicom(ramp[None]))
    assert "PixelData" not in source.dataset
    assert source.dataset.PatientName == "SECRET^NAME"
    assert "SECRET" not in repr(source) + repr(source.scan) + str(source)


@pytest.mark.parametrize(
    ("elements", "code"),
    [
        ({"drop": ("PixelData",)}, "no-pixels"),
        ({"drop": ("Rows",)}, "corrupt"),
        ({"Rows": 0}, "no-pixels"),
        ({"NumberOfFrames": 0}, "no-pixels"),
        ({"NumberOfFrames": 2}, "truncated"),
        ({"Rows": 48}, "truncated"),
        ({"PhotometricInterpretation": "HSV"}, "unsupported-pixels"),
        ({"SamplesPerPixel": 4}, "unsupported-pixels"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11"}, "not-a-picture"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.104.1"}, "not-a-picture"),
        ({"SOPClassUID": "1.2.840.10008.1.3.10"}, "dicomdir"),
    ],
)
def test_what_is_no_picture_has_its_reason(elements: Any, code: Any, ramp: Any, make_dicom: Any) -> None:
    assert code_of(make_dicom(ramp[None], **elements)) == code


@pytest.mark.parametrize("elements", [{"Rows": 60000, "Columns": 60000}, {"NumberOfFrames": 2_000_000_000}])
def test_a_bomb_in_the_header_is_refused(elements: Any, ramp: Any, make_dicom: Any) -> None:
    assert code_of(make_dicom(ramp[None], **elements)) == "too-large"


def test_a_bomb_in_the_codestream_is_refused(ramp: Any, make_dicom: Any, picture_bytes: Any) -> None:
    large = picture_bytes(np.zeros((4000, 4000), np.uint8), "JPEG")
    assert code_of(make_dicom(ramp[None], syntax=uid.JPEGBaseline8Bit, encoded=[large])) == "corrupt"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_cut_files_are_told_from_whole_ones(share: Any, scene: Any, make_dicom: Any, picture_bytes: Any) -> None:
    wide = np.kron(scene, np.ones((8, 8, 1), np.uint8))
    jpeg = picture_bytes(wide, "JPEG", quality=95)
    for data in (
        make_dicom(wide[None]),
        make_dicom(wide[None], syntax=uid.JPEGBaseline8Bit, encoded=[jpeg]),
        make_dicom(wide[None], syntax=uid.RLELossless, encoded=[compress(wide, uid.RLELossless)]),
    ):
        assert code_of(data[: int(len(data) * share)]) in {"truncated", "corrupt", "no-pixels"}


def test_nothing_of_the_header_reaches_warnings_or_logs(ramp: Any, make_dicom: Any, caplog: Any, capfd: Any) -> None:
    bad = make_dicom(ramp[None], drop=("Rows",)).replace(b"SECRET^NAME ", b"SECRET^\xff\xfe ^=^")
    with warnings.catch_warnings(record=True) as seen, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        code_of(bad)
        code_of(make_dicom(ramp[None], syntax=uid.RLELossless, encoded=[b"SECRET" * 30]))
    assert not seen
    assert "SECRET" not in caplog.text + "".join(capfd.readouterr())
