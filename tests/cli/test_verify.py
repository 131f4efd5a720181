"""``bus-clean verify``."""

from pathlib import Path

import pytest

from bus_toolkit.cli.clean import main
from tests.verify.office import copied, make_output, row_of_media


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_output(tmp_path_factory.mktemp("made"))


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    return copied(made, tmp_path)


def test_exit_0_and_a_certificate_whose_seal_is_good(out: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(out), "--jobs", "0"]) == 0
    told = capfd.readouterr().err
    assert "CERTIFIED" in told
    assert "NOT CERTIFIED" not in told
    assert main(["verify", str(out), "--check-seal"]) == 0
    assert "seal is good" in capfd.readouterr().out


def test_exit_3_tells_what_and_where_but_no_name(out: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (out / row_of_media(out, "png").image).open("ab") as stream:
        stream.write(b"QUILMORE CORA")
    (out / "quilmore.txt").write_text("x")
    assert main(["verify", str(out), "--jobs", "0", "--no-pixels"]) == 3
    told = capfd.readouterr().err
    assert "NOT CERTIFIED" in told
    assert "PNG chunks" in told
    assert "a file that the manifest does not name" in told
    assert "quilmore" not in told.lower()
    assert main(["verify", str(out), "--check-seal"]) == 3


def test_exit_1_when_it_cannot_be_done(out: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(out / "jane_doe")]) == 1
    assert main(["verify", str(out), "--jobs", "-1"]) == 1
    assert main(["verify", str(out), "--against", str(out / "jane_doe")]) == 1
    assert main(["verify", str(out), "--check-seal"]) == 1
    assert "jane_doe" not in capfd.readouterr().err


def test_quiet_is_quiet(out: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(out), "--jobs", "0", "--no-pixels", "--quiet"]) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("command", [["verify"], ["lookup"], ["keys"], ["keys", "new"], ["keys", "rotate"]])
def test_help_teaches_by_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*command, "--help"])
    assert stopped.value.code == 0
    assert "example" in capsys.readouterr().out
