"""``bus-clean lookup``."""

import json
from pathlib import Path

import pytest

from bus_toolkit.batch.lookup import books_of
from bus_toolkit.cli.clean import main
from bus_toolkit.deidentify import Key
from bus_toolkit.manifest import Row
from tests.verify.office import DICOM, NAME, PATIENT, PICTURE, copied, make_output, row_of_media


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_output(tmp_path_factory.mktemp("made"))


@pytest.fixture
def private(made: Path) -> str:
    return str(made.with_name("out.private"))


@pytest.fixture
def dicom(made: Path) -> Row:
    return row_of_media(made, "dicom")


def test_every_pseudonym_of_the_manifest_leads_back(
    private: str, dicom: Row, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [dicom.id, dicom.patient, dicom.group, dicom.image, dicom.dicom]
    assert main(["lookup", private, *asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [told[text][0]["is"] for text in asked] == ["scan", "patient", "group", "scan", "scan"]
    for text in asked:
        (match,) = told[text]
        assert (match["file"], match["patient_id"], match["patient_name"]) == (DICOM, PATIENT, NAME)


def test_a_new_uid_leads_to_the_original(private: str, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pydicom import dcmread

    written = dcmread(made / row_of_media(made, "dicom").dicom, stop_before_pixels=True)
    assert main(["lookup", private, written.StudyInstanceUID, written.SOPInstanceUID, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (study,), (instance,) = told.values()
    assert (study["is"], instance["is"]) == ("study UID", "instance UID")
    assert study["uids"]["study"]["original"] != written.StudyInstanceUID
    assert study["uids"]["study"]["new"] == written.StudyInstanceUID


def test_words_for_people(private: str, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lookup", private, row_of_media(made, "png").id]) == 0
    assert PICTURE in capsys.readouterr().out


def test_what_nothing_matches_exits_1_with_a_sentence(private: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lookup", private, "saaaaaaaaaaaaaaaa"]) == 1
    assert "stand for nothing" in capsys.readouterr().err
    assert main(["lookup", private]) == 1
    assert main(["lookup", private, "x", "--patient-id", "y"]) == 1


def test_a_patient_id_gives_the_pseudonym(private: str, dicom: Row, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lookup", private, "--patient-id", PATIENT]) == 0
    assert dicom.patient in capsys.readouterr().out
    assert main(["lookup", private, "--patient-id", "nobody", "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)
    assert told["scans"] == 0


def test_keys_put_aside_still_lead_back(
    made: Path, dicom: Row, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private = copied(made, tmp_path).with_name("out.private")
    old = Key.load(private / "key")
    assert main(["keys", "rotate", str(private)]) == 0
    capsys.readouterr()
    asked = [dicom.id, dicom.patient, dicom.group]
    assert main(["lookup", str(private), *asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {match["key"] for matches in told.values() for match in matches} == {old.fingerprint}


def test_a_folder_without_books_or_in_use_is_told(
    tmp_path: Path, private: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Key.create(tmp_path / "key")
    assert main(["lookup", str(tmp_path), "x"]) == 1
    assert "with its ledger" in capsys.readouterr().err
    assert not (tmp_path / "ledger.sqlite").exists()
    with books_of(Path(private)):
        assert main(["lookup", private, "x"]) == 1
    assert "another run" in capsys.readouterr().err
