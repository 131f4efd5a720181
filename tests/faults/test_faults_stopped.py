"""A run that is stopped at any instant, by anybody, and started again ends as one that was not."""

import importlib
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bus_toolkit.batch import runner
from bus_toolkit.batch.pool import Pool
from bus_toolkit.cli.clean import main
from bus_toolkit.errors import BusToolkitError
from bus_toolkit.outcome import Outcome
from bus_toolkit.record import Record

INPUTS = 7
HOOK = """
import os
from bus_toolkit.batch import worker

def work(task):
    if task.file.endswith("scan 2.png"):
        os._exit(9)  # as a decoder that crashes
    return worker.work(task)

def same(value):
    return value

def start():
    pass

def no_start():
    os._exit(9)
"""


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that worker processes can import as well, because they are handed the search path."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "crashing_decoder_hook.py").write_text(HOOK)
    monkeypatch.syspath_prepend(tmp_path / "modules")
    return importlib.import_module("crashing_decoder_hook")


def finish_and_compare(job: Any, undisturbed: dict[str, bytes]) -> None:
    """Run again what was stopped: what was booked is not touched, and the end is that of an undisturbed run."""
    records = job.records() if (job.private / "ledger.sqlite").exists() else {}
    kept = [job.out / name for record in records.values() for name in (record.image, record.dicom) if name]
    times = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in kept}
    worked: list[str] = []
    report = job.run(lambda _done, _total, record: worked.append(record.file) if record else None)
    assert not set(worked) & set(records)
    assert len(worked) + len(records) == INPUTS
    assert report.resumed == len(records)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in kept} == times
    assert job.tree() == undisturbed
    assert job.leftovers() == []


@pytest.mark.slow
@pytest.mark.parametrize("pictures", [0, 1, 4])
def test_killed_without_warning(
    job: Any,
    undisturbed: dict[str, bytes],
    until: Callable[..., None],
    processes: Any,
    pictures: int,
) -> None:
    with job.start("--jobs", "1") as process:
        until(lambda: len(job.pictures()) >= pictures and (pictures or (job.private / "lock").exists()))
        # Anywhere within the work on one scan: the instant is another one in every run of this test.
        time.sleep(random.uniform(0, 0.3))  # noqa: S311 - no secret
        workers = processes.children(process.pid)
        process.kill()
        assert process.wait() in {-signal.SIGKILL, 0, 3}
        until(lambda: not processes.any_of(workers))
    finish_and_compare(job, undisturbed)


@contextmanager
def held(pids: Iterable[int]) -> Iterator[None]:
    """Processes that do nothing for a while."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.slow
def test_ctrl_c_and_a_second_run_beside_the_first(
    job: Any,
    undisturbed: dict[str, bytes],
    until: Callable[..., None],
    processes: Any,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with job.start("--jobs", "2") as process:
        until((job.private / "ledger.sqlite").exists)
        until(lambda: len(processes.children(process.pid)) >= 2)
        # The run is short: held, its workers cannot end it before the second run has begun, nor before the signal.
        with held(processes.children(process.pid)):
            assert main(job.argv("--jobs", "0")) == 1
        assert "in use by another run" in capfd.readouterr().err
        until(lambda: len(job.pictures()) >= 1)
        workers = processes.children(process.pid)
        with held(workers):
            assert all(processes.deaf_to(pid, signal.SIGINT) for pid in workers)
            # As a terminal does it: every process of the group gets the signal.
            os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 130
    assert "bus-clean: stopped. The same command goes on where it was." in said
    assert "Traceback" not in said
    until(lambda: not processes.any_of(workers))
    assert not (job.out / "manifest.csv").exists()
    finish_and_compare(job, undisturbed)


@pytest.mark.slow
def test_a_worker_process_is_killed(job: Any, undisturbed: dict[str, bytes]) -> None:
    killed = []

    def kill_one(_done: int, _total: int, record: Record | None) -> None:
        if record is not None and not killed:
            killed.append(multiprocessing.active_children()[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    report = job.run(kill_one, jobs=1)
    assert killed
    assert report.outcomes["kept"] == 6
    assert job.tree() == undisturbed
    assert job.leftovers() == []


@pytest.mark.slow
def test_a_file_that_crashes_the_decoder(
    job: Any, undisturbed: dict[str, bytes], hook: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "work", hook.work)
    report = job.run(jobs=1)
    records = job.records()
    assert report.outcomes == {"kept": 5, "rejected": 0, "quarantined": 0, "failed": 2}
    assert records["malignant/scan 2.png"].outcome is Outcome.FAILED
    assert [reason.code for reason in records["malignant/scan 2.png"].reasons] == ["worker-died"]
    assert {name: data for name, data in undisturbed.items() if name in job.tree()} != undisturbed
    # With a decoder that does not crash the same command makes up for it, and touches nothing else.
    monkeypatch.undo()
    assert job.run().resumed == INPUTS - 1
    assert job.tree() == undisturbed


@pytest.mark.slow
def test_workers_that_cannot_start_are_not_the_fault_of_the_inputs(hook: ModuleType) -> None:
    pool = Pool(work=hook.same, start=hook.no_start, start_args=(), lost=hook.same, jobs=1)
    with pytest.raises(BusToolkitError, match="must be able to start"):
        list(pool.run([1, 2, 3]))


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_bytes(job: Any, undisturbed: dict[str, bytes]) -> None:
    report = job.run(jobs=2)
    assert report.outcomes["kept"] == 6
    assert job.tree() == undisturbed


def test_what_a_killed_run_left_half_written_is_swept(own: Any) -> None:
    own.run()
    before = own.tree()
    for folder in (own.out, own.out / "images" / "benign", own.private, own.private / "review"):
        (folder / ".a1b2c3d4.part").write_bytes(b"half")
    assert len(own.leftovers()) == 4
    own.run()
    assert own.leftovers() == []
    assert own.tree() == before


def test_stopped_while_it_writes(job: Any, undisturbed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """At every rename in turn the file system answers no more: the next run goes on from there."""
    done, replace = 0, Path.replace

    class PowerCutError(BaseException):
        pass

    def cut(self: Path, target: Path) -> Path:
        nonlocal done
        done += 1
        if done in {2, 6, 9, 17}:
            raise PowerCutError
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", cut)
    cuts = 0
    while True:
        try:
            job.run()
        except PowerCutError:
            cuts += 1
            continue
        break
    assert cuts == 4
    assert job.tree() == undisturbed
    assert job.leftovers() == []
