"""Tokens in compressed frames, beside the picture: all gone, the picture untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from bus_toolkit.errors import InputError
from bus_toolkit.io.dicom_streams import clean_frame
from tests.canary.plant_streams import frames, jpeg, jpeg_2000, jpeg_ls, rle, segment
from tests.canary.plant_tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable


def decoded(stream: bytes) -> np.ndarray:
    if stream.startswith(b"\xff\x4f"):
        from openjpeg.utils import decode

        return np.asarray(decode(stream))
    if b"\xff\xf7" in stream[:400]:
        from jpeg_ls import decode as decode_ls

        return np.asarray(decode_ls(np.frombuffer(stream, np.uint8)))
    picture = cv2.imdecode(np.frombuffer(stream, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return np.asarray(picture)


@pytest.mark.parametrize("encode", [jpeg, jpeg_ls, jpeg_2000])
def test_no_token_beside_the_picture_survives(encode: Callable[[np.ndarray, Tokens], bytes]) -> None:
    tokens = Tokens()
    (frame,) = frames()
    stream = encode(frame, tokens)
    assert len(tokens) >= 5
    assert tokens.lost(stream) == []
    clean = clean_frame(stream)
    assert tokens.found_in(clean) == []
    # The picture is what a decoder sees in the stream that nobody tampered with.
    whole = decoded(clean)
    if encode is jpeg:
        plain = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
        assert np.array_equal(whole, decoded(plain))
    else:
        assert np.array_equal(whole, frame)
    assert clean_frame(clean) == clean


def test_no_token_in_the_tables_of_a_jpeg_stream_survives() -> None:
    """Quantisation and Huffman tables that no scan uses are room for text."""
    tokens = Tokens()
    (frame,) = frames()
    stream = jpeg(frame, Tokens())
    text = tokens.text("unused quantisation table").encode()
    table = bytes((3,)) + (text * 7)[:64]
    spare = segment(0xDB, table)
    text = tokens.text("unused Huffman table").encode()
    counts = bytes(7) + bytes((len(text),)) + bytes(8)
    spare += segment(0xC4, bytes((0x13,)) + counts + text)
    place = stream.index(b"\xff\xda")
    dirty = stream[:place] + spare + stream[place:]
    assert np.array_equal(decoded(clean_frame(dirty)), decoded(clean_frame(stream)))
    assert tokens.found_in(clean_frame(dirty)) == []


def test_no_token_behind_the_scan_data_survives() -> None:
    """Segments between the scan and the end, restart markers out of place, and a second picture behind the first."""
    tokens = Tokens()
    (frame,) = frames()
    plain = cv2.imencode(".jpg", frame)[1].tobytes()
    for spare in (
        segment(0xFE, tokens.text("comment behind the scan").encode()),
        segment(0xEC, tokens.text("application data behind the scan").encode()),
        segment(0xF0, tokens.text("JPG0").encode()),
        segment(0xC8, tokens.text("JPG").encode()),
        segment(0xDC, tokens.text("number of lines").encode()),
        segment(0xDE, tokens.text("hierarchical").encode()),
        segment(0xDF, tokens.text("expand").encode()),
    ):
        dirty = plain[:-2] + spare + plain[-2:] + plain
        try:
            clean = clean_frame(dirty)
        except InputError:
            continue
        assert tokens.found_in(clean) == []


@pytest.mark.parametrize("marker", [0x63, 0x65, 0x6F, 0x74])
def test_no_token_in_a_segment_of_a_codestream_that_draws_nothing_survives(marker: int) -> None:
    tokens = Tokens()
    (frame,) = frames()
    plain = clean_frame(jpeg_2000(frame, Tokens()))
    place = plain.index(b"\xff\x90")
    dirty = plain[:place] + segment(marker, tokens.text(f"J2K {marker:02X}").encode()) + plain[place:]
    assert tokens.found_in(clean_frame(dirty)) == []
    assert np.array_equal(decoded(clean_frame(dirty)), frame)


def test_what_is_no_stream_is_refused() -> None:
    tokens = Tokens()
    (frame,) = frames()
    for broken in (tokens.text("text").encode(), b"\xff\xd8" + tokens.text("text").encode(), rle(frame, tokens)):
        with pytest.raises(InputError) as caught:
            clean_frame(broken)
        assert tokens.found_in(str(caught.value).encode()) == []
