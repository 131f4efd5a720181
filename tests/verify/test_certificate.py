"""The certificate says what was checked, no more, and its seal holds."""

import json
import shutil
from pathlib import Path

import pytest

from bus_toolkit.batch import Options, ingest
from bus_toolkit.batch.release import VerifyOptions, verify
from bus_toolkit.batch.seal import check_seal
from bus_toolkit.deidentify import Key
from bus_toolkit.errors import BusToolkitError
from bus_toolkit.verify.certificate import CHECKS, TITLES, seal_is_good, sealed
from tests.verify.office import copied, make_output, row_of_media


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = make_output(tmp_path_factory.mktemp("made"))
    verify(VerifyOptions(out=out))
    return out


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    return copied(made, tmp_path)


def test_it_tells_what_was_checked_and_names_nobody(made: Path) -> None:
    told = json.loads((made / "certificate.json").read_text())
    run = json.loads((made / "run.json").read_text())
    assert [check["check"] for check in told["checks"]] == list(CHECKS) == list(TITLES)
    assert told["policy"]["sha256"] == run["policy"]["sha256"]
    assert told["key_fingerprint"] == run["key_fingerprint"]
    assert {"113100", "113101"} <= {code["code"] for code in told["profile"]}
    assert told["date"].endswith("+00:00")
    page = (made / "certificate.html").read_text()
    for word in ("CERTIFIED", "Signature", "does not vouch", told["seal"], told["digests"]["manifest.csv"]):
        assert word in page
    for word in ("CANARY07", "QUILMORE", "case_07", str(made)):
        assert word not in page + json.dumps(told)


def test_the_seal_holds_only_for_the_key_and_the_content() -> None:
    key, other = Key(bytes(32)), Key(bytes([1]) * 32)
    told = sealed({"a": 1, "b": [2]}, key)
    assert seal_is_good(json.loads(json.dumps(told)), key)
    assert not seal_is_good(told, other)
    assert not seal_is_good(told | {"a": 2}, key)
    assert not seal_is_good({"a": 1, "b": [2]}, key)
    assert not seal_is_good(told | {"seal": "é"}, key)


def test_the_seal_of_an_untouched_folder_is_good(out: Path) -> None:
    assert check_seal(out) == []


def test_a_changed_certificate_or_folder_is_told(out: Path) -> None:
    told = json.loads((out / "certificate.json").read_text())
    (out / "certificate.json").write_text(json.dumps(told | {"inputs": 3}))
    assert any("seal" in line for line in check_seal(out))
    (out / "certificate.json").write_text(json.dumps(told))
    assert check_seal(out) == []
    row = row_of_media(out, "png")
    with (out / row.image).open("ab") as stream:
        stream.write(b"x")
    (out / "more.txt").write_text("x")
    assert len(check_seal(out)) == 2


def test_a_seal_cannot_be_confirmed_without_a_key(out: Path) -> None:
    shutil.rmtree(out.with_name("out.private"))
    with pytest.raises(BusToolkitError, match="only with the key"):
        check_seal(out)


def test_a_check_in_part_certifies_nothing(out: Path) -> None:
    done = verify(VerifyOptions(out=out, pixels=False))
    assert done.clean
    assert not done.certificate["verdict"]["certified"]
    assert {c["result"] for c in done.certificate["checks"] if c["check"] == "pixels"} == {"not done"}
    assert check_seal(out) == ["the certificate does not certify the folder"]


def test_the_next_run_takes_the_certificate_away(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made.parent, tmp_path / "all")
    out = tmp_path / "all" / "out"
    assert (out / "certificate.json").is_file()
    with pytest.raises(BusToolkitError, match="source folder"):
        ingest(Options(src=tmp_path / "all" / "raw", out=out, anonymise=True, jobs=0))
    assert (out / "certificate.json").is_file()  # nothing was changed
    ingest(Options(src=tmp_path / "all" / "raw", out=out, anonymise=True, jobs=0, fresh=True))
    assert not list(out.glob("certificate*"))
