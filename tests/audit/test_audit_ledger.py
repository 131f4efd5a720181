import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bus_toolkit.audit.ledger import SCHEMA_VERSION, Ledger
from bus_toolkit.errors import OutputError
from bus_toolkit.outcome import Outcome
from bus_toolkit.record import Record

Make = Callable[..., Record]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def test_records_come_back_whole_and_sorted_by_file(path: Path, records: list[Record]) -> None:
    with Ledger(path) as ledger:
        for record in reversed(records):
            ledger.put(record)
    with Ledger(path) as ledger:
        back = list(ledger.records())
        assert len(ledger) == len(records)
        assert ledger.files() == sorted(record.file for record in records)
        assert ledger.get(records[3].file) == records[3]
    assert back == sorted(records, key=lambda record: record.file)
    assert back[0].plans[0].findings[0].text.startswith("CANARYTEXT")


def test_put_replaces_and_delete_forgets(path: Path, make_record: Make) -> None:
    record = make_record(1)
    with Ledger(path) as ledger:
        ledger.put(record)
        ledger.put(replace(record, outcome=Outcome.REJECTED, image="", image_sha256=""))
        assert len(ledger) == 1
        found = ledger.get(record.file)
        assert found is not None
        assert found.outcome is Outcome.REJECTED
        ledger.delete(record.file)
        ledger.delete(record.file)
        assert ledger.get(record.file) is None


def test_a_file_name_need_not_be_utf_8(path: Path, make_record: Make) -> None:
    odd = make_record(1, file=os.fsdecode(b"benign/\xff\xfe.png"))
    with Ledger(path) as ledger:
        ledger.put(odd)
        assert ledger.get(odd.file) == odd
        assert ledger.files() == [odd.file]


def test_only_the_owner_can_read_it(path: Path, make_record: Make) -> None:
    path.touch(mode=0o644)
    with Ledger(path) as ledger:
        ledger.put(make_record(1))
        modes = {stat.S_IMODE(item.stat().st_mode) for item in path.parent.iterdir()}
    assert modes == {0o600}


def test_meta(path: Path) -> None:
    with Ledger(path) as ledger:
        assert ledger.meta("policy") is None
        ledger.set_meta("policy", "a")
        ledger.set_meta("policy", "b")
    with Ledger(path) as ledger:
        assert ledger.meta("policy") == "b"


def test_facts_must_stay_the_same_and_are_not_echoed(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.agree({"policy": "one", "key": "k"})
        ledger.agree({"policy": "one", "engine": "e"})
        with pytest.raises(OutputError, match="same key, policy") as caught:
            ledger.agree({"policy": "SECRET", "key": "SECRET", "engine": "e"})
        assert "SECRET" not in str(caught.value)
        assert ledger.meta("policy") == "one"
        assert ledger.meta("engine") == "e"


def test_two_runs_cannot_share_it(path: Path) -> None:
    with Ledger(path), pytest.raises(OutputError, match="another run"):
        Ledger(path)
    Ledger(path).close()


def test_another_schema_version_is_refused(path: Path) -> None:
    Ledger(path).close()
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    database.close()
    with pytest.raises(OutputError, match="schema version"):
        Ledger(path)


def test_another_database_is_refused_and_left_alone(path: Path) -> None:
    database = sqlite3.connect(path)
    database.executescript("CREATE TABLE other (x); PRAGMA application_id = 7; PRAGMA user_version = 1;")
    database.close()
    before = path.read_bytes()
    with pytest.raises(OutputError, match="one of this toolkit"):
        Ledger(path)
    assert path.read_bytes() == before


def test_what_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"not a database at all, " * 100)
    with pytest.raises(OutputError, match="sound SQLite"):
        Ledger(path)


def test_a_missing_folder_is_an_output_error_without_a_path(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        Ledger(tmp_path / "SECRET" / "ledger.sqlite")
    assert "SECRET" not in str(caught.value)


def test_an_empty_file_of_a_killed_start_is_used(path: Path, make_record: Make) -> None:
    path.touch()
    with Ledger(path) as ledger:
        ledger.put(make_record(1))
        assert len(ledger) == 1


def test_kill_9_loses_nothing_that_was_put(path: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from bus_toolkit.audit.ledger import Ledger
        from bus_toolkit.outcome import Outcome
        from bus_toolkit.record import Record

        ledger = Ledger(Path(sys.argv[1]))
        for number in range(100_000):
            ledger.put(Record(file=f"{number:06d}", outcome=Outcome.KEPT))
            print(number, flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603 - our own script
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(50)]
        child.send_signal(signal.SIGKILL)
        lines += child.stdout.read().split("\n")[:-1]
    with Ledger(path) as ledger:
        assert len(ledger) in {len(lines), len(lines) + 1}
        assert ledger.get(f"{len(lines) - 1:06d}") is not None
