import hashlib
import struct
from typing import Any

import numpy as np
import pytest

from bus_toolkit.errors import ConfigError, OutputError
from bus_toolkit.io import encode_png, read, write, write_png


def chunk_names(data: Any) -> Any:
    place, names = 8, []
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        names.append(data[place + 4 : place + 8])
        place += 12 + length
    return names


@pytest.mark.parametrize("shape", [(1, 1), (24, 40), (1, 1, 3), (24, 40, 3)])
def test_pixels_come_back_and_nothing_else_is_in_the_file(shape: Any, tmp_path: Any) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    digest = write_png(tmp_path / "a.png", pixels)
    data = (tmp_path / "a.png").read_bytes()
    assert digest == hashlib.sha256(data).hexdigest()
    assert set(chunk_names(data)) == {b"IHDR", b"IDAT", b"IEND"}
    source = read(tmp_path / "a.png")
    assert source.sha256 == digest
    expected = pixels[..., 0] if len(shape) == 3 and (pixels == pixels[..., :1]).all() else pixels
    assert np.array_equal(source.scan.frames[0], expected)


def test_a_view_with_gaps_is_written_as_it_looks(tmp_path: Any) -> None:
    wide = np.arange(24 * 80, dtype=np.uint8).reshape(24, 80)
    write_png(tmp_path / "a.png", wide[::2, ::-2])
    assert np.array_equal(read(tmp_path / "a.png").scan.frames[0], wide[::2, ::-2])


@pytest.mark.parametrize(
    "bad", [np.zeros((2, 2), np.uint16), np.zeros((2, 2, 4), np.uint8), np.zeros((0, 2), np.uint8)]
)
def test_other_arrays_are_refused(bad: Any) -> None:
    with pytest.raises(ConfigError, match="pixels must be uint8"):
        encode_png(bad)


def test_a_picture_with_more_than_pixels_is_never_written(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = encode_png(np.zeros((8, 8), np.uint8))
    monkeypatch.setattr(write, "encode_png", lambda _pixels: clean + b"DOE^JANE")
    with pytest.raises(OutputError, match="end with its IEND"):
        write_png(tmp_path / "a.png", np.zeros((8, 8), np.uint8))
    assert list(tmp_path.iterdir()) == []
