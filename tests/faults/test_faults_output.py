"""When the output cannot be written the run stops with one clear line, and nothing is booked that was not done."""

import errno
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Never

import pytest

from bus_toolkit.batch import Options, output, runner, survey
from bus_toolkit.cli.clean import main
from bus_toolkit.errors import ConfigError, EngineError, OutputError

FIXTURES = Path(__file__).parents[2] / "fixtures" / "raw_york"


def one_clear_line(said: str) -> None:
    lines = said.strip().splitlines()
    assert len(lines) == 1, said
    assert lines[0].startswith("bus-clean: ")
    assert "Traceback" not in said
    assert "unexpected" not in said


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["0", "1"])
def test_the_disk_is_full(job: Any, undisturbed: dict[str, bytes], jobs: str) -> None:
    """A limit on the size of files does what a full disk does, in the middle of a write."""
    limit = max(len(data) for data in undisturbed.values()) - 1
    done = subprocess.run(  # noqa: S603 - the project's own command
        [sys.executable, "-m", "bus_toolkit.cli.clean", *job.argv("--jobs", jobs, "--quiet")],
        capture_output=True,
        check=False,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 1
    one_clear_line(done.stderr)
    assert job.leftovers() == []
    job.run()
    assert job.tree() == undisturbed


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.ENOENT])
def test_what_meets_every_output_stops_the_run(
    own: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], number: int
) -> None:
    def refuse(*_: object) -> Never:
        raise OSError(number, os.strerror(number), str(own.out))

    monkeypatch.setattr(output, "encode_png", refuse)
    assert main(own.argv("--jobs", "0", "--quiet")) == 1
    said = capfd.readouterr().err
    one_clear_line(said)
    assert os.strerror(number) in said
    assert str(own.out) not in said
    monkeypatch.undo()
    assert own.run().outcomes["kept"] == 2


def test_what_is_wrong_with_one_name_meets_that_one_alone(own: Any) -> None:
    """Kept names get an ending; one of 252 characters has no room for it."""
    shutil.copy(own.src / "benign" / "1.png", own.src / "benign" / f"{'n' * 248}.jpg")
    report = own.run(anonymise=False)
    assert report.outcomes == {"kept": 2, "rejected": 0, "quarantined": 0, "failed": 1}
    assert own.leftovers() == []


def test_a_place_below_a_file(own: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    argv = ["ingest", str(own.src), "--anonymise", "--jobs", "0", "--out", str(tmp_path / "file" / "out")]
    assert main(argv) == 1
    one_clear_line(capfd.readouterr().err)


@pytest.mark.parametrize("name", ["out", "out.private"])
def test_a_file_where_a_folder_must_be(own: Any, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    own.out.with_name(name).write_text("mine")
    assert main(own.argv("--jobs", "0")) == 1
    one_clear_line(capfd.readouterr().err)
    assert own.out.with_name(name).read_text() == "mine"


def test_a_folder_where_nothing_can_be_made(own: Any, capfd: pytest.CaptureFixture[str]) -> None:
    if not Path("/proc/sys").is_dir():
        pytest.skip("a folder that refuses everybody, root included, is needed")
    argv = ["ingest", str(own.src), "--anonymise", "--jobs", "0", "--out", "/proc/sys/out"]
    assert main(argv) == 1
    one_clear_line(capfd.readouterr().err)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_private_folder_that_may_not_be_written(own: Any, capfd: pytest.CaptureFixture[str]) -> None:
    own.private.parent.chmod(0o500)
    try:
        assert main(own.argv("--jobs", "0")) == 1
    finally:
        own.private.parent.chmod(0o700)
    one_clear_line(capfd.readouterr().err)


@pytest.mark.parametrize("name", ["ledger.sqlite", "key", "lock"])
def test_private_files_that_are_something_else(own: Any, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    own.private.mkdir()
    (own.private / "lock").touch()
    if name == "lock":
        (own.private / "lock").unlink()
        (own.private / "lock").mkdir()
    else:
        (own.private / name).write_text("something else\n" * 400)
    argv = ["ingest", str(own.src), "--anonymise", "--jobs", "0", "--out", str(own.out)]
    assert main(argv) == 1
    one_clear_line(capfd.readouterr().err)


def test_a_strangers_private_folder_is_left_alone(own: Any) -> None:
    own.private.mkdir(mode=0o755)
    (own.private / "diary.txt").write_text("mine")
    for fresh in (False, True):
        with pytest.raises(OutputError, match="private folder must be new"):
            own.run(fresh=fresh)
    assert own.private.stat().st_mode & 0o777 == 0o755
    assert sorted(path.name for path in own.private.iterdir()) == ["diary.txt"]


def test_a_key_that_was_half_written_is_swept(own: Any) -> None:
    own.private.mkdir(mode=0o700)
    (own.private / "lock").touch()
    (own.private / ".key.0123456789abcdef").write_text("half")
    own.run(key=None)
    assert own.leftovers() == []
    assert (own.private / "key").is_file()


def test_pictures_that_were_taken_away_are_made_again(own: Any) -> None:
    own.run()
    before = own.tree()
    own.pictures()[0].unlink()
    assert own.run().resumed == 1
    assert own.tree() == before


def test_findings_are_never_written_into_the_source(own: Any, capfd: pytest.CaptureFixture[str]) -> None:
    scan = own.src / "benign" / "1.png"
    before = scan.read_bytes()
    for place in (scan, own.src / "seen.jsonl", own.src, own.src / "benign"):
        assert main(["inspect", str(own.src), "--out", str(place), "--jobs", "0"]) == 1
        one_clear_line(capfd.readouterr().err)
    assert main(["inspect", str(scan), "--out", str(scan), "--jobs", "0"]) == 1
    assert scan.read_bytes() == before
    assert sorted(path.name for path in (own.src / "benign").iterdir()) == ["1.png", "2.png"]


@pytest.mark.parametrize(("src", "out"), [("/", None), (None, "/"), (None, "/..")])
def test_the_root_of_the_file_system_is_refused(own: Any, src: str | None, out: str | None) -> None:
    with pytest.raises(ConfigError, match="root of the file system"):
        Options(src=Path(src) if src else own.src, out=Path(out) if out else None)


def test_an_engine_that_is_not_there_is_told_before_anything_is_done(
    own: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def missing(*_: object, **__: object) -> Never:
        msg = "The engine must be installed. Got no such package"
        raise EngineError(msg)

    for room in (runner, survey):
        monkeypatch.setattr(room, "load_engine", missing)
    for argv in (own.argv("--jobs", "0"), ["inspect", str(own.src), "--out", str(tmp_path / "seen.jsonl")]):
        assert main(argv) == 1
        one_clear_line(capfd.readouterr().err)
    assert not own.out.exists()
    assert not (tmp_path / "seen.jsonl").exists()


def test_a_score_in_a_policy_that_is_no_number(own: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policy.toml").write_text('name = "x"\n[verdict.min_score]\ncaliper = "high"\n')
    argv = ["ingest", str(own.src), "--anonymise", "--policy", str(tmp_path / "policy.toml")]
    assert main(argv) == 1
    one_clear_line(capfd.readouterr().err)


def test_half_of_a_scan_is_never_given_away(own: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture of a DICOM input is written before its file; when that fails, the picture must not stay."""
    shutil.copy(FIXTURES / "normal" / "visit_2" / "small_07.dcm", own.src / "benign" / "3.dcm")

    def broken(*_: object, **__: object) -> Never:
        msg = "an element that nobody thought of"
        raise ValueError(msg)

    monkeypatch.setattr("bus_toolkit.io.dicom_write.write_dicom", broken)
    report = own.run()
    assert (report.outcomes["kept"], report.outcomes["failed"]) == (2, 1)
    assert len(own.pictures()) == 2
    assert not (own.private / "strays").exists()
    monkeypatch.undo()
    assert own.run().outcomes["kept"] == 3
    assert len(own.pictures()) == 3
