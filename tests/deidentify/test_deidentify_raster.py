"""A written PNG holds the picture and nothing else, and the check notices anything else."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from bus_toolkit.deidentify import check_no_metadata
from bus_toolkit.errors import OutputError


def png(**options: object) -> bytes:
    stream = BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(stream, "PNG", **options)
    return stream.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_a_plain_picture_passes() -> None:
    check_no_metadata(png())


def test_a_palette_passes() -> None:
    stream = BytesIO()
    Image.fromarray(np.zeros((4, 4), np.uint8)).convert("P").save(stream, "PNG")
    check_no_metadata(stream.getvalue())


def test_text_is_noticed() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "DOE^JANE")
    with pytest.raises(OutputError, match="picture chunks alone") as caught:
        check_no_metadata(png(pnginfo=info))
    assert "DOE" not in str(caught.value)


@pytest.mark.parametrize("options", [{"dpi": (72, 72)}, {"exif": b"Exif\x00\x00MM\x00*"}, {"icc_profile": b"x" * 200}])
def test_other_chunks_are_noticed(options: dict[str, object]) -> None:
    with pytest.raises(OutputError, match="picture chunks alone"):
        check_no_metadata(png(**options))


def test_bytes_behind_the_end_are_noticed() -> None:
    with pytest.raises(OutputError, match="7 bytes behind"):
        check_no_metadata(png() + b"DOEJANE")


def test_bytes_behind_the_compressed_stream_are_noticed() -> None:
    body = png()
    end = body.index(b"IEND") - 4
    with pytest.raises(OutputError, match="exactly one stream"):
        check_no_metadata(body[:end] + chunk(b"IDAT", b"DOE^JANE") + body[end:])


def test_a_cut_file_is_noticed() -> None:
    for length in range(8, len(png())):
        with pytest.raises(OutputError):
            check_no_metadata(png()[:length])


def test_a_broken_stream_is_noticed() -> None:
    head = png()[: png().index(b"IDAT") - 4]
    with pytest.raises(OutputError, match="whole stream"):
        check_no_metadata(head + chunk(b"IDAT", b"no stream") + chunk(b"IEND", b""))


def test_other_bytes_are_no_png() -> None:
    with pytest.raises(OutputError, match="must be a PNG"):
        check_no_metadata(b"GIF89a")
