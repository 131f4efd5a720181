"""Small sources, and what an undisturbed run makes of one."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from bus_toolkit.audit.ledger import Ledger
from bus_toolkit.batch import Options, RunReport, ingest
from bus_toolkit.batch.runner import Progress, silent
from bus_toolkit.policy import parse_policy
from bus_toolkit.record import Record
from bus_toolkit.synth import make_phantom

FIXTURES = Path(__file__).parents[2] / "fixtures" / "raw_york"
SAME = ("images", "dicom", "manifest.csv")
"""What must be equal byte by byte; run.json and the report hold times."""
PATIENCE_S = 60
LENIENT = """
name = "lenient"
summary = "Rejects nothing, so that these tests do not hang on what a detector thinks of a phantom."
[fill]
kinds = ["text"]
max_fraction = 1.0
"""


@dataclass(frozen=True)
class Job:
    """One source, one output, one key: whoever runs it, and how often it is stopped, the end is the same."""

    src: Path
    out: Path
    key: Path

    @property
    def private(self) -> Path:
        return self.out.with_name(f"{self.out.name}.private")

    def run(self, progress: Progress = silent, **more: object) -> RunReport:
        given = {"anonymise": True, "jobs": 0, "key": self.key, "policy": parse_policy(LENIENT), **more}
        return ingest(Options(src=self.src, out=self.out, **given), progress=progress)  # type: ignore[arg-type]

    def argv(self, *more: str) -> list[str]:
        policy = self.key.with_name("lenient.toml")
        policy.write_text(LENIENT)
        given = {"--out": self.out, "--key": self.key, "--policy": policy}
        options = [str(word) for pair in given.items() for word in pair]
        return ["ingest", str(self.src), "--anonymise", *options, *more]

    def start(self, *more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bus_toolkit.cli.clean", *self.argv(*more)]
        return subprocess.Popen(  # noqa: S603 - the project's own command
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )

    def tree(self) -> dict[str, bytes]:
        files = (path for path in self.out.rglob("*") if path.is_file())
        named = {path.relative_to(self.out).as_posix(): path for path in files}
        return {name: path.read_bytes() for name, path in named.items() if name.startswith(SAME)}

    def pictures(self) -> list[Path]:
        return [path for path in (self.out / "images").rglob("*.png") if path.is_file()]

    def records(self) -> dict[str, Record]:
        with Ledger(self.private / "ledger.sqlite") as ledger:
            return {record.file: record for record in ledger.records()}

    def leftovers(self) -> list[Path]:
        return [path for folder in (self.out, self.private) for path in folder.rglob(".*")]


def phantom(seed: int) -> np.ndarray:
    picture = np.zeros((180, 230), np.uint8)
    tissue = make_phantom(np.random.default_rng(seed), rows=150, cols=200, fan="full", lesion="benign").image
    picture[20:170, 15:215] = tissue
    return picture


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five pictures, one DICOM file, one broken file."""
    src = tmp_path_factory.mktemp("stock") / "raw_york"
    for seed, label in enumerate(("benign", "benign", "malignant", "malignant", "normal")):
        (src / label).mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(src / label / f"scan {seed}.png"), phantom(seed))
    shutil.copy(FIXTURES / "normal" / "visit_2" / "small_07.dcm", src / "normal" / "small.dcm")
    (src / "normal" / "broken.png").write_bytes((src / "normal" / "scan 4.png").read_bytes()[:700])
    return src


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "key"
    path.write_text(f"bus_toolkit key 1\n{bytes(range(32)).hex()}\n")
    path.chmod(0o600)
    return path


@pytest.fixture(scope="session")
def undisturbed(stock: Path, key: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    job = Job(src=stock, out=tmp_path_factory.mktemp("undisturbed") / "out", key=key)
    report = job.run()
    assert sum(report.outcomes.values()) == 7
    assert report.outcomes["kept"] == 6
    return job.tree()


@pytest.fixture
def job(stock: Path, key: Path, tmp_path: Path) -> Job:
    return Job(src=stock, out=tmp_path / "out", key=key)


@pytest.fixture
def job_over(key: Path, tmp_path: Path) -> Callable[[Path], Job]:
    return lambda src: Job(src=src, out=tmp_path / "out", key=key)


@pytest.fixture
def own(tmp_path: Path, key: Path) -> Job:
    """A source of two scans that a test may change."""
    src = tmp_path / "raw"
    (src / "benign").mkdir(parents=True)
    for seed in (1, 2):
        assert cv2.imwrite(str(src / "benign" / f"{seed}.png"), phantom(seed))
    return Job(src=src, out=tmp_path / "out", key=key)


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    def wait(happened: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not happened():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.01)

    return wait


def _parent_and_state(status: str) -> tuple[int, str]:
    state, parent = status.rpartition(")")[2].split()[:2]
    return int(parent), state


def _processes() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent, state = _parent_and_state((folder / "stat").read_text())
            except OSError:
                continue
            if state != "Z":
                yield int(folder.name), parent


class Table:
    """The processes that live, by the process table of Linux."""

    def children(self, parent: int) -> set[int]:
        return {pid for pid, above in _processes() if above == parent}

    def deaf_to(self, pid: int, number: int) -> bool:
        """Whether a process ignores or holds back a signal; proc(5), SigBlk and SigIgn."""
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        masks = [int(line.split()[1], 16) for line in lines if line.startswith(("SigBlk", "SigIgn"))]
        return any(mask & 1 << (number - 1) for mask in masks)

    def any_of(self, pids: set[int]) -> bool:
        return bool(pids & {pid for pid, _ in _processes()})


@pytest.fixture
def processes() -> Table:
    if not Path("/proc/self/stat").exists():
        pytest.skip("the process table of Linux is needed")
    return Table()
