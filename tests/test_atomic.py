import os
from pathlib import Path

import pytest

from bus_toolkit.atomic import PRIVATE_MODE, atomic_path, atomic_text, atomic_write_bytes, sweep_temporary


def test_the_new_file_takes_the_place_of_the_old_one_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with atomic_text(path, mode=PRIVATE_MODE) as stream:
        stream.write("n\u00e9w\n\udcff")
        stream.flush()
        assert path.read_text() == "old"
    assert path.read_bytes() == b"n\xc3\xa9w\n\\udcff"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def stopped() -> None:
        with atomic_text(path) as stream:
            stream.write("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def stop_half_way(target: Path) -> None:
    with atomic_path(target) as temporary:
        temporary.write_bytes(b"half")
        assert target.read_bytes() == b"old"
        msg = "stop"
        raise RuntimeError(msg)


def test_a_file_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    atomic_write_bytes(target, b"old")
    with pytest.raises(RuntimeError, match="stop"):
        stop_half_way(target)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]
    atomic_write_bytes(target, b"new", mode=0o600)
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o600


def test_what_a_killed_run_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
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


@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o600), (0o022, 0o644)])
def test_a_file_is_never_open_to_more_people_than_the_umask_says(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        with atomic_path(tmp_path / "a.bin") as temporary:
            assert temporary.stat().st_mode & 0o777 == mode
    finally:
        os.umask(before)
    assert (tmp_path / "a.bin").stat().st_mode & 0o777 == mode


def test_a_private_file_is_private_from_its_first_instant(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a.bin", mode=PRIVATE_MODE) as temporary:
        assert temporary.stat().st_mode & 0o777 == 0o600
