"""When something goes wrong, what is said about it holds no name either."""

import logging
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Never

import cv2
import numpy as np
import pytest

from bus_toolkit.audit.ledger import Ledger
from bus_toolkit.batch import runner
from bus_toolkit.cli.clean import main
from bus_toolkit.fan import FindFan
from bus_toolkit.synth import make_phantom

NAME = "HAUGWITZ_ILSE_1931"
FIXTURES = Path(__file__).parents[2] / "fixtures" / "raw_york"


def good(seed: int = 3) -> np.ndarray:
    return make_phantom(np.random.default_rng(seed), rows=120, cols=160, fan="full").image


def fill(src: Path) -> Path:
    """One file for each way to fail, each with a name in its name, some with one inside."""
    folder = src / f"{NAME}_folder" / "benign"
    folder.mkdir(parents=True)
    png = cv2.imencode(".png", good())[1].tobytes()
    dicom = (FIXTURES / "normal" / "visit_2" / "small_07.dcm").read_bytes()
    (folder / f"{NAME}_cut.png").write_bytes(png[: len(png) // 2])
    (folder / f"{NAME}_crc.png").write_bytes(png[:40] + NAME.encode() + png[58:])
    (folder / f"{NAME}_empty.png").write_bytes(b"")
    (folder / f"{NAME}_text.png").write_text(f"{NAME} was here")
    (folder / f"{NAME}.pdf").write_bytes(b"%PDF-1.7 " + NAME.encode())
    (folder / f"{NAME}_cut.dcm").write_bytes(dicom[: len(dicom) // 2])
    (folder / f"{NAME}_head.dcm").write_bytes(dicom[:700])
    (folder / f"{NAME}_odd.dcm").write_bytes(dicom[:500] + b"\xff" * 40 + dicom[540:])
    (folder / f"{NAME}_value.dcm").write_bytes(dicom.replace(b"ISO_IR 192", b"CANARY-CHS").replace(b"0.08", b"CANA"))
    (folder / f"{NAME}_gone.png").symlink_to(folder / f"{NAME}_nowhere.png")
    with zipfile.ZipFile(folder / f"{NAME}.zip", "w") as archive:
        archive.writestr(f"{NAME}.png", png)
    return src


# Four digits also stand in one of forty made-up UIDs by chance: as the name has them, they end a run of digits at most.
TOKENS = re.compile(r"HAUGWITZ|ILSE|(?<![0-9])1931(?![0-9])|CANARY|Traceback")


def clean_of_names(*texts: str) -> None:
    for text in texts:
        told = TOKENS.search(text)
        assert told is None, repr(text[max(0, told.start() - 40) : told.end() + 40])


def everything_in(folder: Path) -> str:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = "\n".join(path.relative_to(folder).as_posix() for path in files)
    return names + "".join(path.read_bytes().decode("latin-1") for path in files)


@pytest.mark.parametrize("jobs", ["0", pytest.param("1", marks=pytest.mark.slow)])
def test_files_that_fail(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, jobs: str
) -> None:
    src = fill(tmp_path / "src")
    caplog.set_level(logging.DEBUG)
    assert main(["ingest", str(src), "--anonymise", "--jobs", jobs, "--out", str(tmp_path / "out")]) == 3
    told = capfd.readouterr()
    clean_of_names(told.out, told.err, caplog.text, everything_in(tmp_path / "out"))
    with Ledger(tmp_path / "out.private" / "ledger.sqlite") as ledger:
        records = list(ledger.records())
    failed = [record for record in records if str(record.outcome) == "failed"]
    assert len(failed) >= 9
    clean_of_names(*(f"{reason.code} {reason.detail}" for record in records for reason in record.reasons))
    clean_of_names(*(repr(record) for record in records))


def test_a_stage_that_breaks_with_a_name_in_its_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "src").mkdir()
    cv2.imwrite(str(tmp_path / "src" / f"{NAME}.png"), good())

    def broken(*_: object) -> Never:
        raise ValueError(NAME)

    monkeypatch.setattr(FindFan, "examine", broken)
    argv = ["ingest", str(tmp_path / "src"), "--anonymise", "--jobs", "0", "--out", str(tmp_path / "out")]
    assert main(argv) == 3
    told = capfd.readouterr()
    clean_of_names(told.out, told.err, everything_in(tmp_path / "out"))
    # What broke the scan may be mended by now, so the same command tries it again.
    monkeypatch.undo()
    assert main(argv) == 0


@pytest.mark.parametrize(
    "error",
    [ValueError(NAME), KeyError(NAME), FileNotFoundError(2, NAME, f"/home/{NAME}"), OSError(NAME), RuntimeError(NAME)],
)
def test_an_unexpected_error_of_the_run_itself(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(*_: object, **__: object) -> Never:
        raise error

    (tmp_path / "src").mkdir()
    monkeypatch.setattr(runner, "discover", broken)
    assert main(["ingest", str(tmp_path / "src"), "--anonymise", "--jobs", "0"]) == 1
    told = capfd.readouterr()
    # The second word of a FileNotFoundError is the system's own sentence unless somebody puts a name there.
    said = told.err if not isinstance(error, FileNotFoundError) else told.err.replace(f"FileNotFoundError: {NAME}", "")
    clean_of_names(told.out, said)
    assert len(told.err.strip().splitlines()) == 1


def _labels(text: str) -> Callable[[Path], list[str]]:
    def write(place: Path) -> list[str]:
        (place / f"{NAME}.csv").write_text(text)
        return ["--labels", str(place / f"{NAME}.csv")]

    return write


ROW = f"{NAME}.png"


@pytest.mark.parametrize(
    "more",
    [
        lambda place: ["--policy", str(place / NAME)],
        lambda _: ["--policy", f"{NAME}.toml"],
        lambda place: ["--key", str(place / NAME)],
        lambda place: ["--key", str(place / "src" / ROW)],
        lambda place: ["--labels", str(place / NAME)],
        lambda place: ["--out", str(place / "src" / NAME)],
        lambda place: ["--out", str(place / "src" / ROW / "below")],
        _labels(f"file,label\nnormal/{NAME}.png,benign\n"),
        _labels(f"file,label\n{ROW},{NAME}\n"),
        _labels(f"file,label\n{ROW},benign\n{ROW},normal\n"),
        _labels(f"file,label\n{ROW},benign,{NAME}\n"),
        _labels(f"file,{NAME}\n{ROW},benign\n"),
        _labels(""),
        _labels(f"file,label\n\0{NAME},benign\n"),
    ],
)
def test_options_that_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], more: Callable[[Path], list[str]]
) -> None:
    (tmp_path / "src").mkdir()
    cv2.imwrite(str(tmp_path / "src" / ROW), good())
    before = sorted(path.name for path in (tmp_path / "src").rglob("*"))
    argv = ["ingest", str(tmp_path / "src"), "--anonymise", "--jobs", "0", *more(tmp_path)]
    assert main(argv) == 1
    told = capfd.readouterr()
    clean_of_names(told.out, told.err)
    assert told.err.startswith("bus-clean: ")
    assert len(told.err.strip().splitlines()) == 1
    assert not (tmp_path / "src-clean" / "images").exists()
    assert sorted(path.name for path in (tmp_path / "src").rglob("*")) == before


def test_what_a_run_passes_around_shows_no_name(tmp_path: Path) -> None:
    """A trace with local variables, as test runners and crash reporters make them, prints reprs."""
    (tmp_path / NAME).mkdir()
    cv2.imwrite(str(tmp_path / NAME / ROW), good())
    found = runner.discover(tmp_path / NAME)
    clean_of_names(repr(found), *(repr(task) for task in runner.make_tasks(found.items, ())))


def test_a_trace_is_shown_only_when_asked_for(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> Never:
        raise ValueError(NAME)

    (tmp_path / "src").mkdir()
    monkeypatch.setattr(runner, "discover", broken)
    assert main(["ingest", str(tmp_path / "src"), "--anonymise"]) == 1
    assert "ValueError" in capfd.readouterr().err
    with pytest.raises(ValueError, match=NAME):
        main(["ingest", str(tmp_path / "src"), "--anonymise", "--debug"])
