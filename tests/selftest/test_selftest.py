import ast
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import bus_toolkit
from bus_toolkit.cli.clean import main
from bus_toolkit.cli.selftest import _exit_code
from bus_toolkit.errors import ConfigError, OutputError
from bus_toolkit.policy import load_policy
from bus_toolkit.record import Record
from bus_toolkit.selftest import SelftestOptions, SelftestReport, selftest
from bus_toolkit.selftest.score import Fate
from bus_toolkit.selftest.summary import summarise
from bus_toolkit.selftest.trial import Trial, try_scan
from tests.selftest.fakes import Blanks, Leaves, reads_nothing, source_of

FIXTURES = Path(__file__).parents[2] / "fixtures" / "raw_york"
NAMES = (
    "benign/BRAXLEY_ADA_1984.png",
    "benign/us_0003.png",
    "malignant/QUILMORE_CORA_1979-03-12.png",
    "benign/case_07.dcm",
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FIXTURES / name, tmp_path / "raw" / name)
    return tmp_path / "raw"


def test_from_the_command_line_to_a_report_that_names_nobody(source: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    assert main(["selftest", str(source), "--jobs", "0", "--strings", "2", "--seed", "4"]) == 0
    out = source.with_name("raw-selftest.private")
    assert out.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in out.iterdir()} == {
        "report.html": 0o600,
        "summary.json": 0o600,
    }
    assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == before
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    strings = summary["strings"]
    assert summary["complete"]
    assert strings["painted"] == strings["removed"] + strings["withheld"] + strings["left"] > 0
    for table in summary["by"].values():
        for kind in ("painted", "removed", "withheld", "left"):
            assert sum(row[kind] for row in table) == strings[kind]
    assert summary["policy"]["sha256"] == load_policy().hash
    assert summary["scans"]["found"] == summary["scans"]["done"] == sum(summary["scans"]["outcomes"].values()) == 4
    page = (out / "report.html").read_text("utf-8")
    told = page + (out / "summary.json").read_text("utf-8")
    for secret in ("BRAXLEY", "QUILMORE", "us_0003", "case_07", "CANARY", str(source)):
        assert secret not in told
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert "default-src &#39;none&#39;" in page
    terminal = capfd.readouterr().err
    assert "report.html" in terminal
    assert "Tissue touched" in terminal
    assert "BRAXLEY" not in terminal


def test_the_same_seed_gives_the_same_summary(source: Path, tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        src = source / "benign" / "us_0003.png"
        report = selftest(SelftestOptions(src=src, out=tmp_path / name, strings=2, jobs=0))
        found.append({key: value for key, value in report.summary.items() if key != "seconds"})
    assert found[0] == found[1]


def test_a_bound_that_is_not_reached_exits_3(source: Path, capfd: pytest.CaptureFixture[str]) -> None:
    argv = ["selftest", str(source / "benign" / "us_0003.png"), "--jobs", "0", "--strings", "1", "--quiet"]
    assert main([*argv, "--fail-below", "0.999"]) == 3
    assert capfd.readouterr().out == ""
    bound = SelftestReport(summary={"strings": {"painted": 40, "removal": {"interval": [0.9, 1.0]}}})
    assert _exit_code(bound, 0.91) == 3
    assert "is 0.900, below 0.91" in capfd.readouterr().err
    assert _exit_code(bound, 0.9) == _exit_code(bound, None) == 0
    none = SelftestReport(summary={"strings": {"painted": 0, "removal": {"interval": [0.0, 1.0]}}})
    assert _exit_code(none, None) == 3


def test_stopped_it_tells_what_was_done(source: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int, record: Record | None) -> None:  # noqa: ARG001
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        selftest(SelftestOptions(src=source, out=tmp_path / "out", strings=1, jobs=0), progress=stop)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert not summary["complete"]
    assert summary["scans"]["done"] == 1
    assert "Not complete" in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_a_folder_with_other_things_is_left_alone(source: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o755)
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(OutputError, match="new, empty, or one of an earlier"):
        selftest(SelftestOptions(src=source, out=tmp_path / "mine", jobs=0))
    assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"scans": 0}, "scans must be 1"),
        ({"strings": 0}, "strings must be 1"),
        ({"strings": 99}, "at most 12"),
        ({"seed": -1}, "seed must be 0"),
        ({"jobs": -1}, "jobs must be 0"),
        ({"engine": "eyes"}, "engine must be"),
        ({"policy": load_policy("report-only")}, "must write pictures"),
        ({"out": FIXTURES / "benign" / "x"}, "must be apart"),
        ({"src": FIXTURES / "nowhere"}, "must be a folder or a file that exists"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        SelftestOptions(**{"src": FIXTURES, **wrong})  # type: ignore[arg-type]


def _summary(trials: list[Trial], tmp_path: Path) -> dict[str, Any]:
    return summarise(trials, SelftestOptions(src=tmp_path), found=9, wanted=len(trials), seconds=1.0)


def test_nothing_removed_is_0_and_everything_blanked_is_100_percent(tmp_path: Path) -> None:
    leaves, blanks = (
        _summary([try_scan(source_of(n), n, cleaner, reads_nothing, seed=0, strings=3) for n in range(4)], tmp_path)
        for cleaner in (Leaves(), Blanks())
    )
    assert (leaves["strings"]["removal"]["share"], leaves["strings"]["leak"]["share"]) == (0.0, 1.0)
    assert (blanks["strings"]["removal"]["share"], blanks["strings"]["leak"]["share"]) == (1.0, 0.0)
    left = leaves["strings"]
    assert left["left_overlooked"] == left["left"] == left["painted"] == blanks["strings"]["removed"] == 12
    assert leaves["tissue"]["far"]["max"] == leaves["tissue"]["near"]["max"] == 0
    assert blanks["tissue"]["painted"]["mean"] == pytest.approx(1, abs=1e-5)
    assert blanks["tissue"]["unpainted"]["max"] == 0


def test_nothing_painted_is_no_100_percent(tmp_path: Path) -> None:
    strings = _summary([], tmp_path)["strings"]
    assert strings["removal"] == {"share": None, "wilson": [0, 1], "bootstrap": [0, 1], "interval": [0, 1]}
    assert all(strings[str(fate)] == 0 for fate in Fate)


def test_only_the_command_line_knows_the_self_test() -> None:
    package = Path(bus_toolkit.__file__).parent
    for path in package.rglob("*.py"):
        if path.parent.name in {"selftest", "cli"}:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.startswith("bus_toolkit.selftest") for name in names), path


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["selftest", "--help"])
    assert stopped.value.code == 0
    told = capsys.readouterr().out
    assert "examples:" in told
    assert "withheld" in told
    with pytest.raises(SystemExit) as stopped:
        main(["selftest", "x", "--fail-below", "1.5"])
    assert stopped.value.code == 2
