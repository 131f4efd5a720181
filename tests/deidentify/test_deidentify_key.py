"""The key is private, silent, and gives one pseudonym for one identity."""

from __future__ import annotations

import pickle
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from bus_toolkit.deidentify import Key
from bus_toolkit.errors import ConfigError, OutputError

if TYPE_CHECKING:
    from pathlib import Path

KEY = Key(bytes(range(32)))
OTHER = Key(bytes(32))


def test_a_new_key_is_stored_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "out.private" / "key"
    key = Key.create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["key"]
    assert Key.load(path) == key


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "p" / "key"
    before = Key.create(path)
    with pytest.raises(OutputError, match="must be free"):
        Key.create(path)
    assert Key.load(path) == before
    assert Key.load_or_create(path) == before
    assert [entry.name for entry in path.parent.iterdir()] == ["key"]


def test_first_runs_at_the_same_time_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: Key.load_or_create(tmp_path / "p" / "key"), range(16)))
    assert len(keys) == 1


def test_a_file_system_without_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)
    path = tmp_path / "p" / "key"
    key = Key.create(path)
    assert Key.load(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(OutputError, match="must be free"):
        Key.create(path)
    assert [entry.name for entry in path.parent.iterdir()] == ["key"]


def test_two_keys_differ(tmp_path: Path) -> None:
    first, second = Key.create(tmp_path / "a" / "key"), Key.create(tmp_path / "b" / "key")
    assert first != second
    assert first.fingerprint != second.fingerprint
    assert first.pseudonym("patient", "x") != second.pseudonym("patient", "x")
    assert first.uid("1.2.3") != second.uid("1.2.3")


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p" / "key"
    Key.create(path)
    path.chmod(0o640)
    with pytest.raises(OutputError, match="0600"):
        Key.load(path)


@pytest.mark.parametrize("content", ["", "x\n", "bus_toolkit key 1\n00\n", "bus_toolkit key 2\n" + "00" * 32])
def test_what_is_no_key_is_refused_without_a_word_of_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(OutputError, match="must hold a key") as caught:
        Key.load(path)
    assert str(tmp_path) not in str(caught.value)


def test_a_missing_key_is_an_error_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        Key.load(tmp_path / "doe_jane")
    assert "doe" not in str(caught.value)


def test_the_secret_is_in_no_text() -> None:
    shown = f"{KEY!r} {KEY} {KEY.fingerprint}"
    assert KEY.secret.hex() not in shown
    assert KEY.fingerprint in repr(KEY)
    assert KEY.secret.hex()[:8] not in KEY.fingerprint
    assert re.fullmatch(r"[0-9a-f]{16}", KEY.fingerprint)


def test_a_key_survives_a_worker_process() -> None:
    assert pickle.loads(pickle.dumps(KEY)) == KEY  # noqa: S301 - our own bytes


def test_a_key_of_another_length_is_an_error() -> None:
    with pytest.raises(ConfigError, match="32 bytes"):
        Key(b"short")


def test_kinds_and_borders_keep_values_apart() -> None:
    made = {
        KEY.pseudonym("patient", "a"),
        KEY.pseudonym("place", "a"),
        KEY.pseudonym("patient", "a", ""),
        KEY.pseudonym("patient", "", "a"),
        KEY.pseudonym("patient", "ab", "c"),
        KEY.pseudonym("patient", "a", "bc"),
        KEY.pseudonym("patient"),
        KEY.pseudonym("patient", "A"),
    }
    assert len(made) == 8


def test_a_kind_is_a_word() -> None:
    with pytest.raises(ConfigError, match="kind"):
        KEY.pseudonym("Patient 1", "x")


def test_one_name_typed_two_ways_is_one() -> None:
    assert KEY.pseudonym("patient", "Ren\u00e9e") == KEY.pseudonym("patient", "Rene\u0301e")


@given(st.text())
def test_pseudonyms_are_stable_short_and_safe_in_a_file_name(value: str) -> None:
    name = KEY.pseudonym("scan", value)
    assert name == Key(KEY.secret).pseudonym("scan", value)
    assert re.fullmatch(r"s[a-z2-7]{16}", name)
    assert name != OTHER.pseudonym("scan", value)


@given(st.text(alphabet="0123456789.", max_size=64))
def test_uids_are_valid_and_stable(original: str) -> None:
    uid = UID(KEY.uid(original))
    assert uid.is_valid
    assert uid.startswith("2.25.")
    assert len(uid) <= 64
    assert uid == KEY.uid(original + "\x00")
    value = int(uid.removeprefix("2.25."))
    assert (value >> 76 & 0xF, value >> 62 & 0x3) == (8, 2)


def test_uids_do_not_collide() -> None:
    assert len({KEY.uid(f"1.2.{n}") for n in range(2000)}) == 2000
