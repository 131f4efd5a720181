import struct
import zlib
from io import BytesIO
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from bus_toolkit.errors import InputError
from bus_toolkit.io import Limits, read_bytes


def frames_of(data: Any, **options: Any) -> Any:
    return read_bytes(data, **options).scan.frames


def png_chunks(data: Any) -> Any:
    place, found = 8, []
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        found.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    return found


def png_of(chunks: Any) -> Any:
    parts = [b"\x89PNG\r\n\x1a\n"]
    for kind, body in chunks:
        parts += [struct.pack(">I", len(body)), kind, body, struct.pack(">I", zlib.crc32(kind + body))]
    return b"".join(parts)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP"])
def test_lossless_grey_and_colour_come_back_as_they_were(form: Any, ramp: Any, scene: Any, picture_bytes: Any) -> None:
    assert np.array_equal(frames_of(picture_bytes(ramp, form)), ramp[None])
    assert np.array_equal(frames_of(picture_bytes(scene, form)), scene[None])


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP"])
def test_equal_channels_become_grey(form: Any, ramp: Any, picture_bytes: Any) -> None:
    source = read_bytes(picture_bytes(np.dstack([ramp] * 3), form))
    assert np.array_equal(source.scan.frames, ramp[None])
    assert source.media == source.scan.source.media == form.lower()


def test_a_tint_of_one_level_in_one_pixel_stays_colour(ramp: Any, picture_bytes: Any) -> None:
    tinted = np.dstack([ramp] * 3)
    tinted[17, 3, 2] += 1
    assert np.array_equal(frames_of(picture_bytes(tinted, "PNG")), tinted[None])


def test_jpeg_grey_and_colour(ramp: Any, scene: Any, picture_bytes: Any) -> None:
    grey = frames_of(picture_bytes(ramp, "JPEG", quality=95))
    assert grey.shape == (1, 24, 40)
    assert np.abs(grey[0].astype(int) - ramp).max() < 8
    data = picture_bytes(scene, "JPEG", quality=95, subsampling=0)
    assert np.abs(frames_of(data)[0].astype(int) - scene).mean() < 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: Any, scene: Any, picture_bytes: Any) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = {
        1: scene,
        2: scene[:, ::-1],
        3: scene[::-1, ::-1],
        4: scene[::-1],
        5: scene.transpose(1, 0, 2),
        6: np.rot90(scene, -1),
        7: np.rot90(scene, 2).transpose(1, 0, 2),
        8: np.rot90(scene),
    }[orientation]
    for form, options in (("PNG", {}), ("TIFF", {}), ("JPEG", {"quality": 100, "subsampling": 0})):
        got = frames_of(picture_bytes(scene, form, exif=exif, **options))[0]
        assert got.shape == upright.shape
        assert np.abs(got.astype(int) - upright).max() <= (0 if form != "JPEG" else 12)


def test_cmyk_jpeg_has_the_right_colours(picture_bytes: Any) -> None:
    red = Image.new("RGB", (16, 16), (220, 20, 30)).convert("CMYK")
    got = frames_of(picture_bytes(red, "JPEG", quality=98))[0, 8, 8].astype(int)
    assert np.abs(got - (220, 20, 30)).max() < 12


def test_palette_with_and_without_transparency(scene: Any, picture_bytes: Any) -> None:
    palette = Image.fromarray(scene).quantize(64)
    expected = np.asarray(palette.convert("RGB"))
    assert np.array_equal(frames_of(picture_bytes(palette, "PNG"))[0], expected)
    got = frames_of(picture_bytes(palette, "PNG", transparency=int(np.asarray(palette)[0, 39])))[0]
    clear = np.asarray(palette) == np.asarray(palette)[0, 39]
    assert (got[clear] == 0).all()
    assert np.array_equal(got[~clear], expected[~clear])


def test_what_was_transparent_stays_unseen(scene: Any, ramp: Any, picture_bytes: Any) -> None:
    alpha = np.full(ramp.shape, 255, np.uint8)
    alpha[:5] = 0
    alpha[5] = 51
    for colour, mode in ((scene, "RGBA"), (ramp, "LA")):
        bands = np.dstack([colour, alpha])
        got = frames_of(picture_bytes(Image.fromarray(bands, mode), "PNG"))[0]
        assert not got[:5].any()
        assert np.array_equal(got[6:], colour[6:])
        assert np.abs(got[5].astype(float) - colour[5] * 0.2).max() <= 0.5


def test_bits_of_one_two_and_four(ramp: Any, picture_bytes: Any) -> None:
    bits = ramp > 100
    assert np.array_equal(frames_of(picture_bytes(Image.fromarray(bits), "PNG"))[0], bits * np.uint8(255))
    for depth in (2, 4):
        rows = np.packbits(
            np.unpackbits(ramp[:, :8, None] >> (8 - depth), axis=2)[..., 8 - depth :].reshape(24, -1), axis=1
        )
        raw = b"".join(b"\0" + row.tobytes() for row in rows)
        header = struct.pack(">IIBBBBB", 8, 24, depth, 0, 0, 0, 0)
        data = png_of([(b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")])
        full = 255 // (2**depth - 1)
        assert np.array_equal(frames_of(data)[0], (ramp[:, :8] >> (8 - depth)) * full)


def test_interlaced(scene: Any) -> None:
    passes = ((0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1))
    raw = b"".join(
        b"".join(b"\0" + row.tobytes() for row in scene[top::down, left::right]) for top, down, left, right in passes
    )
    header = struct.pack(">IIBBBBB", 40, 24, 8, 2, 0, 0, 1)
    data = png_of([(b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")])
    assert np.array_equal(frames_of(data)[0], scene)


@pytest.mark.parametrize(("top", "full"), [(65535, 65535), (4095, 4095), (1000, 1023), (255, 255)])
def test_sixteen_bits_scale_by_the_depth_in_use(top: Any, full: Any, picture_bytes: Any) -> None:
    deep = np.linspace(0, top, 24 * 40).round().astype(np.uint16).reshape(24, 40)
    expected = np.rint(deep * (255 / full)).astype(np.uint8)
    for form in ("PNG", "TIFF"):
        assert np.array_equal(frames_of(picture_bytes(deep, form))[0], expected)


def test_sixteen_bit_colour_keeps_its_channels_and_alpha(scene: Any) -> None:
    deep = scene.astype(np.uint16) * 257
    data = cv2.imencode(".png", deep[..., ::-1])[1].tobytes()
    assert np.array_equal(frames_of(data)[0], scene)
    alpha = np.full((24, 40, 1), 65535, np.uint16)
    alpha[:4] = 0
    data = cv2.imencode(".png", np.concatenate([deep[..., ::-1], alpha], axis=-1))[1].tobytes()
    got = frames_of(data)[0]
    assert not got[:4].any()
    assert np.array_equal(got[4:], scene[4:])


def test_white_is_zero_tiff_is_turned_round(picture_bytes: Any) -> None:
    deep = np.linspace(0, 65535, 24 * 40).round().astype(np.uint16).reshape(24, 40)
    data = picture_bytes(deep, "TIFF", tiffinfo={262: 0})
    assert np.array_equal(frames_of(data)[0], np.rint((65535 - deep.astype(float)) / 257).astype(np.uint8))


def test_float_tiff_stretches_from_its_least_to_its_largest() -> None:
    values = np.linspace(-1, 3, 24 * 40, dtype=np.float32).reshape(24, 40)
    stream = BytesIO()
    Image.fromarray(values).save(stream, "TIFF")
    got = frames_of(stream.getvalue())[0]
    assert (got[0, 0], got[-1, -1]) == (0, 255)
    assert (np.diff(got.ravel().astype(int)) >= 0).all()


def test_tiff_pages_of_one_size_are_frames_and_thumbnails_are_not(ramp: Any, picture_bytes: Any) -> None:
    pages = [Image.fromarray(ramp), Image.fromarray(255 - ramp)]
    got = frames_of(picture_bytes(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert np.array_equal(got, np.stack([ramp, 255 - ramp]))
    small = Image.fromarray(ramp[::4, ::4])
    small.encoderinfo = {"tiffinfo": {254: 1}}
    got = frames_of(picture_bytes(pages[0], "TIFF", save_all=True, append_images=[small]))
    assert np.array_equal(got, ramp[None])


def test_tiff_pages_of_two_sizes_are_refused(ramp: Any, picture_bytes: Any) -> None:
    data = picture_bytes(ramp, "TIFF", save_all=True, append_images=[Image.fromarray(ramp[:9])])
    with pytest.raises(InputError) as caught:
        frames_of(data)
    assert caught.value.code == "mixed-sizes"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "BMP"])
def test_a_cut_file_never_passes_for_a_whole_one(form: Any, scene: Any, picture_bytes: Any) -> None:
    data = picture_bytes(np.tile(scene, (3, 3, 1)), form)
    for share in (0.2, 0.5, 0.9):
        with pytest.raises(InputError) as caught:
            frames_of(data[: int(len(data) * share)])
        assert caught.value.code in {"truncated", "corrupt"}


def test_a_png_with_a_short_picture_stream_or_wrong_checksum_is_refused(scene: Any, picture_bytes: Any) -> None:
    chunks = png_chunks(picture_bytes(scene, "PNG"))
    short = [(kind, body[: len(body) // 2] if kind == b"IDAT" else body) for kind, body in chunks]
    with pytest.raises(InputError):
        frames_of(png_of(short))
    data = bytearray(picture_bytes(scene, "PNG"))
    data[data.index(b"IDAT") + 20] ^= 0xFF
    with pytest.raises(InputError) as caught:
        frames_of(bytes(data))
    assert caught.value.code == "corrupt"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "BMP"])
def test_limits_hold_before_anything_is_decoded(form: Any, scene: Any, picture_bytes: Any) -> None:
    with pytest.raises(InputError) as caught:
        frames_of(picture_bytes(scene, form), limits=Limits(max_frame_pixels=24 * 40 - 1))
    assert caught.value.code == "too-large"
    assert frames_of(picture_bytes(scene, form), limits=Limits(max_frame_pixels=24 * 40)).shape[1:3] == (24, 40)


def test_a_bomb_is_refused_by_its_header() -> None:
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    data = png_of([(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")])
    with pytest.raises(InputError) as caught:
        frames_of(data)
    assert caught.value.code == "too-large"


def test_all_pages_of_a_tiff_count_together(ramp: Any, picture_bytes: Any) -> None:
    data = picture_bytes(ramp, "TIFF", save_all=True, append_images=[Image.fromarray(ramp)] * 3)
    with pytest.raises(InputError) as caught:
        frames_of(data, limits=Limits(max_total_pixels=24 * 40 * 3))
    assert caught.value.code == "too-large"
