from pathlib import Path

import pytest

from bus_toolkit.atomic import PRIVATE_MODE, atomic_text


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
