"""``bus-clean keys``."""

from pathlib import Path

import pytest

from bus_toolkit.cli.clean import main
from bus_toolkit.deidentify import Key


def test_a_new_key_is_for_its_owner_alone_and_never_replaces_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o755)
    path = tmp_path / "key"
    assert main(["keys", "new", str(path)]) == 0
    assert capsys.readouterr().out.strip() == Key.load(path).fingerprint
    assert path.stat().st_mode & 0o777 == 0o600
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    assert [item.name for item in tmp_path.iterdir()] == ["key"]
    before = path.read_bytes()
    assert main(["keys", "new", str(path)]) == 1
    assert path.read_bytes() == before
    assert "must be free" in capsys.readouterr().err


def test_a_missing_folder_is_made_closed(tmp_path: Path) -> None:
    assert main(["keys", "new", str(tmp_path / "office" / "key")]) == 0
    assert (tmp_path / "office").stat().st_mode & 0o777 == 0o700


def test_show_tells_the_fingerprint_and_never_the_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = Key.create(tmp_path / "key")
    assert main(["keys", "show", str(tmp_path / "key")]) == 0
    told = capsys.readouterr()
    assert key.fingerprint in told.out
    assert key.secret.hex() not in told.out
    assert "Warning" not in told.err


def test_show_warns_of_a_key_that_others_can_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = Key.create(tmp_path / "key")
    (tmp_path / "key").chmod(0o644)
    assert main(["keys", "show", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert key.fingerprint in told.out
    assert "0644" in told.err


@pytest.mark.parametrize("verb", ["show", "rotate"])
def test_what_is_no_key_is_told_without_its_path(tmp_path: Path, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "jane_doe").write_text("something")
    assert main(["keys", verb, str(tmp_path / "jane_doe")]) == 1
    assert "jane_doe" not in capsys.readouterr().err


def test_rotation_keeps_the_old_key_and_shows_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = Key.create(tmp_path / "key")
    assert main(["keys", "rotate", str(tmp_path)]) == 0
    assert "--fresh" in capsys.readouterr().err
    assert Key.load(tmp_path / f"key.{old.fingerprint}") == old
    new = Key.load(tmp_path / "key")
    assert new != old
    assert main(["keys", "rotate", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main(["keys", "show", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert "in use" in lines[0]
    assert {line.split()[0] for line in lines[1:]} == {old.fingerprint, new.fingerprint}
