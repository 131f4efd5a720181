import json
import socket
import stat
from pathlib import Path
from typing import Never

import cv2
import numpy as np
import pytest

from bus_toolkit.audit.ledger import Ledger
from bus_toolkit.batch import InspectOptions, Options, ingest, inspect
from bus_toolkit.deidentify import Key
from bus_toolkit.errors import ConfigError, OutputError
from bus_toolkit.manifest import read_manifest
from bus_toolkit.outcome import Outcome
from bus_toolkit.policy import load_policy
from bus_toolkit.record import Record


def options(src: Path, **more: object) -> Options:
    return Options(src=src, **{"anonymise": True, "jobs": 0, **more})  # type: ignore[arg-type]


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


PICTURES = ("images/", "manifest.csv")


def pictures(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in tree(folder).items() if name.startswith(PICTURES)}


def test_every_input_ends_in_one_outcome(source: Path) -> None:
    report = ingest(options(source))
    assert sum(report.outcomes.values()) == 5
    assert report.outcomes["failed"] == 1
    rows = read_manifest(source.with_name("raw_york-clean") / "manifest.csv")
    assert len(rows) == 5
    assert {row.label for row in rows} == {"benign", "malignant", "normal"}
    for row in rows:
        assert bool(row.image) == (row.outcome is Outcome.KEPT)
        assert row.anonymised


def test_nothing_private_is_in_the_output(source: Path) -> None:
    ingest(options(source))
    out = source.with_name("raw_york-clean")
    for name, data in tree(out).items():
        for token in (b"CANARY", b"1961", b"scan 3", b"scan%203", str(source).encode(), b"broken"):
            assert token not in data, name
            assert token.decode() not in name


def test_the_private_folder_is_private_and_holds_the_evidence(source: Path) -> None:
    ingest(options(source))
    private = source.with_name("raw_york-clean.private")
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    files = [path for path in private.rglob("*") if path.is_file()]
    assert {"key", "ledger.sqlite", "review.html"} < {path.name for path in files}
    assert sum(path.suffix == ".jpg" for path in files) == 8
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    review = (private / "review.html").read_text("utf-8")
    assert "scan 3" in review


def test_the_banner_outside_the_sector_is_gone(source: Path) -> None:
    ingest(options(source))
    out = source.with_name("raw_york-clean")
    (kept,) = [row for row in read_manifest(out / "manifest.csv") if row.label == "malignant"]
    picture = cv2.imread(str(out / kept.image), cv2.IMREAD_UNCHANGED)
    # A margin that is too wide is allowed, for tissue fades with depth; the banner is not.
    assert picture.shape[0] < 190
    raw = cv2.imread(str(source / "malignant" / "scan 3.png"), cv2.IMREAD_UNCHANGED)[40:-20, 30:-30]
    # Inside the sector nothing was drawn, so nothing may have changed.
    part = raw[20:100, 20:100]
    _, _, (col, row), _ = cv2.minMaxLoc(cv2.matchTemplate(picture, part, cv2.TM_SQDIFF))
    assert np.array_equal(picture[row : row + 80, col : col + 80], part)


def test_the_ledger_keeps_what_was_done_to_the_pixels(source: Path) -> None:
    ingest(options(source))
    with Ledger(source.with_name("raw_york-clean.private") / "ledger.sqlite") as ledger:
        (record,) = [record for record in ledger.records() if record.label == "malignant"]
    assert [line.stage for line in record.history] == ["fill", "crop-fan"]
    assert record.history[0].digest_after == record.history[1].digest_before
    assert record.history[0].digest_before != record.history[0].digest_after
    assert record == Record.loads(record.dumps())


def test_names_are_kept_without_anonymise(source: Path) -> None:
    ingest(options(source, anonymise=False))
    out = source.with_name("raw_york-clean")
    assert (out / "images" / "benign" / "scan 1.png").is_file()
    assert not any(row.anonymised for row in read_manifest(out / "manifest.csv"))
    assert json.loads((out / "run.json").read_text())["anonymised"] is False


def test_a_second_run_does_nothing_twice(source: Path) -> None:
    ingest(options(source))
    out = source.with_name("raw_york-clean")
    times = {path: path.stat().st_mtime_ns for path in (out / "images").rglob("*.png")}
    told: list[Record] = []
    report = ingest(options(source), progress=lambda _done, _total, record: told.append(record) if record else None)
    assert told == []
    assert report.resumed == 5
    assert {path: path.stat().st_mtime_ns for path in (out / "images").rglob("*.png")} == times


def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(source: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    ingest(options(source))
    private = source.with_name("raw_york-clean.private")
    key.write_bytes((private / "key").read_bytes())
    key.chmod(0o600)

    class StoppedError(Exception):
        pass

    def stop_after_two(done: int, _total: int, record: Record | None) -> None:
        if record is not None and done == 2:
            raise StoppedError

    stopped = options(source, out=tmp_path / "other", key=key)
    with pytest.raises(StoppedError):
        ingest(stopped, progress=stop_after_two)
    assert not (tmp_path / "other" / "manifest.csv").exists()
    (tmp_path / "other" / "images" / "benign").mkdir(parents=True, exist_ok=True)
    (tmp_path / "other" / "images" / "benign" / "stray.png").write_bytes(b"left by a killed run")
    report = ingest(stopped)
    assert report.resumed == 2
    assert pictures(tmp_path / "other") == pictures(source.with_name("raw_york-clean"))
    stray = tmp_path / "other.private" / "strays" / "images" / "benign" / "stray.png"
    assert stat.S_IMODE(stray.stat().st_mode) == 0o600


def test_a_changed_input_is_done_again_and_leaves_no_stale_picture(source: Path) -> None:
    ingest(options(source))
    out = source.with_name("raw_york-clean")
    before = set(tree(out / "images"))
    path = source / "benign" / "scan 1.png"
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    picture[60:90, 60:90] //= 2
    assert cv2.imwrite(str(path), picture)
    report = ingest(options(source))
    assert report.resumed == 4
    after = set(tree(out / "images"))
    assert len(after) == len(before)
    assert len(after - before) == 1


@pytest.mark.parametrize("other", [{"policy": load_policy("keep-annotated")}, {"anonymise": False}])
def test_an_output_of_another_kind_is_refused_unless_fresh(source: Path, other: dict[str, object]) -> None:
    ingest(options(source))
    with pytest.raises(OutputError, match="--fresh"):
        ingest(options(source, **other))
    key = (source.with_name("raw_york-clean.private") / "key").read_bytes()
    ingest(options(source, fresh=True, **other))
    assert (source.with_name("raw_york-clean.private") / "key").read_bytes() == key


def test_a_strangers_folder_is_never_written_into(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "chapter1.txt").write_text("mine")
    for fresh in (False, True):
        with pytest.raises(OutputError, match="new, empty"):
            ingest(options(source, out=out, fresh=fresh))
    assert tree(out) == {"chapter1.txt": b"mine"}


@pytest.mark.parametrize("place", ["", "inside", ".."])
def test_source_and_output_stay_apart(source: Path, place: str) -> None:
    with pytest.raises(ConfigError, match="apart"):
        options(source, out=source / place)


def test_a_key_never_lies_in_what_is_given_away(source: Path, tmp_path: Path) -> None:
    key = tmp_path / "out" / "keys" / "key"
    Key.create(key)
    with pytest.raises(ConfigError, match="outside the output"):
        options(source, out=tmp_path / "out", key=key)


def test_a_second_run_at_the_same_time_is_refused(source: Path) -> None:
    def again(_done: int, _total: int, record: Record | None) -> None:
        if record is not None:
            with pytest.raises(OutputError, match="in use"):
                ingest(options(source))

    ingest(options(source), progress=again)


def test_report_only_writes_no_pictures(source: Path) -> None:
    report = ingest(options(source, policy=load_policy("report-only")))
    out = source.with_name("raw_york-clean")
    assert report.outcomes["kept"] == 4
    assert not (out / "images").exists()
    assert (out / "report.html").is_file()


def test_inputs_are_never_touched(source: Path) -> None:
    before = {name: (data, (source / name).stat().st_mtime_ns) for name, data in tree(source).items()}
    ingest(options(source))
    assert {name: (data, (source / name).stat().st_mtime_ns) for name, data in tree(source).items()} == before


def test_nothing_opens_a_socket(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_more: object) -> Never:
        msg = "a socket was opened"
        raise AssertionError(msg)

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    report = ingest(options(source))
    assert report.outcomes["kept"] == 4


@pytest.mark.slow
def test_workers_give_the_same_bytes_as_one_process(source: Path, tmp_path: Path) -> None:
    ingest(options(source))
    key = tmp_path / "key"
    key.write_bytes((source.with_name("raw_york-clean.private") / "key").read_bytes())
    key.chmod(0o600)
    ingest(options(source, out=tmp_path / "two", jobs=2, key=key))
    assert pictures(tmp_path / "two") == pictures(source.with_name("raw_york-clean"))


def test_near_duplicates_share_a_group(source: Path) -> None:
    picture = cv2.imread(str(source / "benign" / "scan 1.png"), cv2.IMREAD_UNCHANGED)
    assert cv2.imwrite(str(source / "benign" / "copy.png"), picture)
    ingest(options(source))
    rows = read_manifest(source.with_name("raw_york-clean") / "manifest.csv")
    groups = [row.group for row in rows if row.label == "benign"]
    assert len(groups) == 3
    assert sorted(groups.count(group) for group in set(groups)) == [1, 2]


def test_inspect_writes_evidence_and_no_pixels(source: Path, tmp_path: Path) -> None:
    path = tmp_path / "findings.jsonl"
    outcomes = inspect(InspectOptions(src=source, findings=path, jobs=0))
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert sum(outcomes.values()) == len(lines) == 5
    assert [line["file"] for line in lines] == sorted(line["file"] for line in lines)
    by_file = {line["file"]: line for line in lines}
    assert by_file["normal/broken.png"]["outcome"] == "failed"
    marked = by_file["malignant/scan 3.png"]
    assert any(item["kind"] == "text" and item["box"][0] < 30 for item in marked["findings"])
    assert "CANARY" not in path.read_text("utf-8")
    assert marked["fan"]["box"][0] >= 30
    assert sorted(path.name for path in tmp_path.iterdir()) == ["findings.jsonl", "raw_york"]
