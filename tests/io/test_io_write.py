import hashlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bus_toolkit.errors import ConfigError
from bus_toolkit.io import atomic_path, atomic_write_bytes, encode_png, read, sweep_temporary, write_png


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


def stop_half_way(target: Path) -> None:
    with atomic_path(target) as temporary:
        temporary.write_bytes(b"half")
        assert target.read_bytes() == b"old"
        msg = "stop"
        raise RuntimeError(msg)


def test_a_file_is_the_old_one_or_the_new_one(tmp_path: Any) -> None:
    target = tmp_path / "a.bin"
    atomic_write_bytes(target, b"old")
    with pytest.raises(RuntimeError, match="stop"):
        stop_half_way(target)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]
    atomic_write_bytes(target, b"new", mode=0o600)
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o600


def test_what_a_killed_run_left_is_swept_and_nothing_else(tmp_path: Any) -> None:
    (tmp_path / "sub").mkdir()
    writer = atomic_path(tmp_path / "sub" / "a.png")
    left = writer.__enter__()
    left.write_bytes(b"half")
    for name in ("a.png", ".hidden", "x.part", ".notes.part.txt"):
        (tmp_path / name).write_bytes(b"")
    assert sweep_temporary(tmp_path) == 1
    assert not left.exists()
    assert len(list(tmp_path.iterdir())) == 5
    assert sweep_temporary(tmp_path) == 0
