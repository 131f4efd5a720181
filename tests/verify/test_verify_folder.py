"""A finished folder, spoilt in the ways in which folders are."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread

from bus_toolkit.batch.lookup import books_of
from bus_toolkit.batch.release import Verification, VerifyOptions, verify
from bus_toolkit.errors import BusToolkitError
from bus_toolkit.manifest import read_manifest
from bus_toolkit.outcome import Outcome
from tests.verify.office import NAME, PATIENT, copied, make_output, row_of_media


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_output(tmp_path_factory.mktemp("made"))


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    return copied(made, tmp_path)


def checked(out: Path, *, pixels: bool = False, against: Path | None = None) -> Verification:
    return verify(VerifyOptions(out=out, against=against, pixels=pixels, jobs=0))


def failed(done: Verification) -> set[str]:
    return {check["check"] for check in done.certificate["checks"] if check["result"] == "failed"}


def withdrawn(out: Path) -> set[str]:
    top = out.with_name("out.private") / "withdrawn"
    return {path.relative_to(top).as_posix() for path in top.rglob("*") if not path.is_dir()}


def test_a_sound_folder_is_certified_and_stays_as_it_is(out: Path) -> None:
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    done = checked(out, pixels=True)
    assert done.clean
    assert done.certificate["verdict"]["headline"] == "CERTIFIED"
    assert {check["result"] for check in done.certificate["checks"]} == {"passed"}
    assert {path: path.read_bytes() for path in before} == before
    assert checked(out, pixels=True).clean  # its own certificate is no stranger


def test_a_name_behind_a_picture_takes_the_scan_out_and_books_it(out: Path) -> None:
    row = row_of_media(out, "png")
    with (out / row.image).open("ab") as stream:
        stream.write(b"QUILMORE CORA")
    done = checked(out)
    assert {"digests", "png"} <= failed(done)
    assert not (out / row.image).exists()
    assert withdrawn(out) == {row.image}
    assert (out.with_name("out.private") / "withdrawn" / row.image).stat().st_mode & 0o777 == 0o600
    now = row_of_media(out, "png")
    assert now.outcome is Outcome.QUARANTINED
    assert "not-clean" in now.reasons
    assert json.loads((out / "run.json").read_text())["outcomes"] == {
        "kept": 1,
        "rejected": 0,
        "quarantined": 1,
        "failed": 0,
    }
    assert "QUILMORE" not in (out / "certificate.html").read_text()
    assert done.certificate["verdict"]["headline"] == "NOT CERTIFIED"
    assert checked(out, pixels=True).certificate["verdict"]["certified"]


def test_a_name_in_an_attribute_takes_both_files_of_the_scan_out(out: Path) -> None:
    row = row_of_media(out, "dicom")
    dataset = dcmread(out / row.dicom)
    dataset.ManufacturerModelName = NAME
    dataset.save_as(out / row.dicom)
    done = checked(out)
    assert {"digests", "identifiers"} <= failed(done)
    assert withdrawn(out) == {row.image, row.dicom}
    assert "identity-left" in row_of_media(out, "dicom").reasons


@pytest.mark.parametrize("name", ["images/benign/Doe^Jane.png", ".hidden", "doe/x.txt"])
def test_what_nobody_wrote_is_moved_away_and_its_name_is_not_told(out: Path, name: str) -> None:
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_bytes(b"x")
    done = checked(out)
    assert failed(done) == {"places"}
    assert not (out / name).exists()
    assert name in withdrawn(out)
    assert all(name not in find.shown and name not in repr(find) for find in done.finds)
    assert len(read_manifest(out / "manifest.csv")) == 2
    assert checked(out).clean


def test_links_and_extended_attributes_do_not_pass(out: Path, tmp_path: Path) -> None:
    row = row_of_media(out, "png")
    (tmp_path / "elsewhere.png").write_bytes((out / row.image).read_bytes())
    (out / row.image).unlink()
    (out / row.image).symlink_to(tmp_path / "elsewhere.png")
    (out / "images" / "link").symlink_to(tmp_path)
    done = checked(out)
    assert failed(done) == {"places"}
    assert len(done.finds) == 2
    assert (tmp_path / "elsewhere.png").is_file()
    assert not os.path.lexists(out / "images" / "link")


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="this system has no extended attributes")
def test_an_extended_attribute_does_not_pass(out: Path) -> None:
    try:
        os.setxattr(out / row_of_media(out, "png").image, "user.comment", NAME.encode())
    except OSError:
        pytest.skip("this file system has no extended attributes")
    assert failed(checked(out)) == {"places"}


def test_a_changed_digest_and_a_renamed_file_do_not_pass(out: Path) -> None:
    row = row_of_media(out, "dicom")
    data = bytearray((out / row.dicom).read_bytes())
    data[-5] ^= 1
    (out / row.dicom).write_bytes(data)
    assert failed(checked(out)) == {"digests"}
    png = row_of_media(out, "png").image
    (out / png).rename(out / "images/malignant/other.png")
    done = checked(out)
    assert failed(done) == {"places"}
    assert {find.leak.where for find in done.finds} == {
        "a file that is missing",
        "a file that the manifest does not name",
    }
    assert row_of_media(out, "png").outcome is Outcome.QUARANTINED


def test_a_name_in_the_manifest_or_report_is_taken_out_and_both_are_made_anew(out: Path) -> None:
    before = (out / "manifest.csv").read_bytes()
    for name in ("manifest.csv", "report.html"):
        with (out / name).open("a") as stream:
            stream.write(f"<!-- {PATIENT} -->\n")
    done = checked(out)
    assert failed(done) == {"digests", "texts"}
    assert (out / "manifest.csv").read_bytes() == before
    assert PATIENT not in (out / "report.html").read_text()
    assert checked(out).clean


def test_without_the_private_folder_nothing_is_moved_and_nothing_certified(out: Path) -> None:
    out.with_name("out.private").rename(out.with_name("vault"))
    (out / "notes.txt").write_text("x")
    done = checked(out)
    assert failed(done) == {"places"}
    assert (out / "notes.txt").is_file()
    (out / "notes.txt").unlink()
    done = checked(out)
    assert done.clean
    assert not done.certificate["verdict"]["certified"]
    assert "IN PART" in done.certificate["verdict"]["headline"]
    assert "seal" not in done.certificate
    assert any("NO identifier" in limit for limit in done.certificate["limits"])
    assert checked(out, pixels=True, against=out.with_name("vault")).certificate["verdict"]["certified"]


def test_the_books_of_another_output_do_not_fit(out: Path, made: Path) -> None:
    with books_of(out.with_name("out.private")), pytest.raises(BusToolkitError, match="another run"):
        checked(out)
    (out.with_name("out.private") / "key").unlink()
    with pytest.raises(BusToolkitError, match="key"):
        checked(out)
    assert made.is_dir()


def test_what_was_not_anonymised_is_refused(out: Path) -> None:
    out.with_name("out.private").rename(out.with_name("vault"))
    summary = json.loads((out / "run.json").read_text())
    (out / "run.json").write_text(json.dumps(summary | {"anonymised": False}))
    with pytest.raises(BusToolkitError, match="--anonymise"):
        checked(out)
    (out / "run.json").unlink()
    with pytest.raises(BusToolkitError, match=r"run\.json"):
        checked(out)


def test_worker_processes_find_the_same(out: Path) -> None:
    row = row_of_media(out, "dicom")
    (out / row.dicom).write_bytes((out / row.dicom).read_bytes() + b"\0\0")
    script = (
        "import sys; from pathlib import Path\n"
        "from bus_toolkit.batch.release import VerifyOptions, verify\n"
        "if __name__ == '__main__':\n"
        "    done = verify(VerifyOptions(out=Path(sys.argv[1]), pixels=False, jobs=1))\n"
        "    print(sorted({find.check for find in done.finds}))\n"
    )
    path = out.with_name("script.py")
    path.write_text(script)
    done = subprocess.run([sys.executable, path, out], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.strip() == "['dicom', 'digests']"
