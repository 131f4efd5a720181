"""Sources as they come: odd names, links, bombs, files that go away, folders with nothing in them."""

import json
import os
import shutil
import struct
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import cv2
import pytest

from bus_toolkit.batch import InspectOptions, Options, inspect
from bus_toolkit.cli.clean import main
from bus_toolkit.errors import ConfigError
from bus_toolkit.manifest import read_manifest
from bus_toolkit.outcome import Outcome
from bus_toolkit.record import Record

ODD_NAMES = (
    "with space.png",
    "[bold red]x[/].png",
    "[/nothing].png",
    "<script>alert(1)</script>.png",
    "<img src=x onerror=alert(1)>.png",
    "line\nbreak.png",
    "\x1b[31mred.png",
    "\u202egnp.cod.png",
    "ünïcode 超音波.png",
    "=cmd|calc.png",
    "-o.png",
    "%2e%2e%2f.png",
    "a&b'\"c.png",
    "'.png",
    "x.png.png",
    "NUL.png",
    "semi;colon,comma.png",
    "back\\slash.png",
    "trailing .png",
    "IM0001",
)


class Page(HTMLParser):
    """The elements and addresses of a page, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.handlers: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]


def scan_of(own: Any) -> Path:
    return Path(own.src / "benign" / "1.png")


@pytest.fixture
def odd(own: Any) -> Any:
    pixels = cv2.imread(str(scan_of(own)), cv2.IMREAD_UNCHANGED)
    picture = cv2.imencode(".png", pixels[10:100, 5:125])[1].tobytes()
    shutil.rmtree(own.src / "benign")
    folder = own.src / "[red]odd[/red] <b>&" / "benign"
    folder.mkdir(parents=True)
    for name in ODD_NAMES:
        # A slash makes folders of the parts.
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture)
    raw = os.fsencode(folder) + b"/latin-\xe9.png"
    Path(os.fsdecode(raw)).write_bytes(picture)
    return own


@pytest.mark.parametrize("anonymise", [True, False])
def test_any_name_will_do(odd: Any, anonymise: bool) -> None:  # noqa: FBT001
    report = odd.run(anonymise=anonymise)
    assert report.outcomes["kept"] == len(ODD_NAMES) + 1
    rows = read_manifest(odd.out / "manifest.csv")
    assert len({row.image for row in rows}) == len(rows) == len(ODD_NAMES) + 1
    for row in rows:
        assert (odd.out / row.image).is_file()
        assert (odd.out / row.image).resolve().is_relative_to(odd.out)
    for place in (odd.out / "report.html", odd.private / "review.html"):
        page = Page(place.read_text("utf-8"))
        assert page.handlers == []
        assert page.elements.count("b") == 0
        assert page.elements.count("script") == (place.name == "review.html")
        shown = [address for address in page.addresses if not address.startswith(("data:", "#"))]
        assert all((place.parent / unquote(address)).is_file() for address in shown)
    assert odd.run(anonymise=anonymise).resumed == len(ODD_NAMES) + 1


def test_findings_of_any_name(odd: Any, tmp_path: Path) -> None:
    inspect(InspectOptions(src=odd.src, findings=tmp_path / "seen.jsonl", jobs=0))
    lines = (tmp_path / "seen.jsonl").read_text("utf-8").splitlines()
    files = [json.loads(line)["file"] for line in lines]
    assert len(set(files)) == len(ODD_NAMES) + 1
    assert any("line\nbreak" in file for file in files)


def test_names_that_differ_in_how_an_accent_is_composed(own: Any) -> None:
    """Two files with the same bytes; one pseudonym for both would lose one of them."""
    picture = scan_of(own).read_bytes()
    for name in ("caf\u00e9.png", "cafe\u0301.png"):
        (own.src / "benign" / name).write_bytes(picture)
        (own.src / "benign" / f"broken {name}").write_bytes(picture[:300])
    report = own.run()
    assert (report.outcomes["kept"], report.outcomes["failed"]) == (4, 2)


@pytest.mark.parametrize("name", ["[bold]x[/bold]", "[/x]", "[link=https://x]y", "two words", "line\nbreak", "ünï"])
def test_paths_are_told_as_they_are(own: Any, name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / name
    argv = ["ingest", str(own.src), "--anonymise", "--jobs", "0", "--policy", "report-only", "--out", str(out)]
    assert main(argv) in {0, 3}
    told = capfd.readouterr().err
    assert str(out / "report.html") in told
    assert "Traceback" not in told


@pytest.mark.parametrize("how", ["trailing slash", "dot", "relative", "link"])
def test_ways_to_name_a_source(own: Any, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(own.src if how == "dot" else tmp_path)
    (tmp_path / "link").symlink_to(own.src)
    src = {"trailing slash": f"{own.src}/", "dot": ".", "relative": "./benign/../raw", "link": str(tmp_path / "link")}
    (tmp_path / "benign").mkdir()
    options = Options(src=Path(src[how]), anonymise=True, jobs=0)
    assert options.src == own.src
    assert options.output == tmp_path / "raw-clean"
    assert options.private == tmp_path / "raw-clean.private"


def test_a_single_file(own: Any, tmp_path: Path) -> None:
    assert main(["ingest", str(scan_of(own)), "--anonymise", "--jobs", "0", "--quiet", "--out", str(own.out)]) in {0, 3}
    (row,) = read_manifest(own.out / "manifest.csv")
    assert row.label == "benign"
    assert Options(src=scan_of(own)).output == own.src / "benign" / "1-clean"
    assert tmp_path in own.out.parents


@pytest.mark.parametrize("out", ["", "out", "benign", "../raw/x", ".."])
def test_source_and_output_never_lie_within_each_other(own: Any, out: str) -> None:
    with pytest.raises(ConfigError, match="apart"):
        Options(src=own.src, out=own.src / out)


def test_the_private_folder_is_kept_apart_too(tmp_path: Path) -> None:
    (tmp_path / "clean.private" / "raw").mkdir(parents=True)
    with pytest.raises(ConfigError, match="apart"):
        Options(src=tmp_path / "clean.private" / "raw", out=tmp_path / "clean")


@pytest.mark.parametrize("what", ["nothing", "hidden", "text"])
def test_nothing_to_read_is_not_success(what: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An empty mount must not look like a run in which all went well."""
    (tmp_path / "raw" / "benign").mkdir(parents=True)
    if what != "nothing":
        (tmp_path / "raw" / {"hidden": ".x.png", "text": "notes.txt"}[what]).write_text("words")
    assert main(["ingest", str(tmp_path / "raw"), "--anonymise"]) == 1
    assert main(["inspect", str(tmp_path / "raw"), "--out", str(tmp_path / "seen.jsonl")]) == 1
    told = capfd.readouterr().err.strip().splitlines()
    assert len(told) == 2
    assert all("must hold at least one scan" in line for line in told)
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_nothing_that_can_be_read_is_told_file_by_file(own: Any) -> None:
    for path in (own.src / "benign").iterdir():
        path.write_bytes(path.read_bytes()[:200])
    assert main([*own.argv("--jobs", "0", "--quiet")]) == 3
    assert {str(record.outcome) for record in own.records().values()} == {"failed"}
    assert (own.out / "report.html").is_file()


def test_links(own: Any, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.png").write_bytes(scan_of(own).read_bytes())
    (own.src / "loop").symlink_to(own.src)
    (own.src / "self.png").symlink_to("self.png")
    (own.src / "ping.png").symlink_to("pong.png")
    (own.src / "pong.png").symlink_to("ping.png")
    (own.src / "gone.png").symlink_to("nowhere.png")
    (own.src / "outside.png").symlink_to(tmp_path / "elsewhere.png")
    report = own.run()
    codes = {file: [reason.code for reason in record.reasons] for file, record in own.records().items()}
    assert codes["gone.png"] == ["link-broken"]
    assert codes["outside.png"] == ["link-outside"]
    assert report.outcomes["kept"] == 2
    assert report.outcomes["failed"] == 2
    # What was refused stays refused without being looked at again, until there is something to look at.
    assert own.run().resumed == sum(report.outcomes.values())
    shutil.copy(scan_of(own), own.src / "nowhere.png")
    (own.src / "gone.png").unlink()
    shutil.copy(scan_of(own), own.src / "gone.png")
    assert own.run().outcomes["kept"] == 4


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _png(rows: int, cols: int, data: bytes) -> bytes:
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", cols, rows, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def test_pictures_that_would_fill_the_memory(own: Any) -> None:
    bombs = {
        "header.png": _png(100_000, 100_000, zlib.compress(bytes(1000))),
        "data.png": _png(60_000, 60_000, zlib.compress(bytes(50_000_000), 9)),
        "longest.png": _png(2**31 - 1, 1, zlib.compress(b"\0")),
        "none.png": _png(0, 0, zlib.compress(b"")),
    }
    for name, data in bombs.items():
        (own.src / name).write_bytes(data)
    own.run()
    for name in bombs:
        assert own.records()[name].outcome is Outcome.FAILED
        (reason,) = own.records()[name].reasons
        assert reason.code in {"too-large", "no-pixels", "corrupt"}


def test_files_that_go_away_during_the_run(job: Any, own: Any, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    """They fail; when they are back, the same command does what is missing."""
    src = tmp_path / "moving"
    shutil.copytree(job.src, src)
    moving = type(job)(src=src, out=own.out, key=job.key)
    stored = tmp_path / "stored"
    shutil.copytree(src, stored)

    def take_away(_done: int, _total: int, record: Record | None) -> None:
        if record is not None and src.exists():
            shutil.rmtree(src)

    report = moving.run(take_away)
    assert report.outcomes == {"kept": 1, "rejected": 0, "quarantined": 0, "failed": 6}
    codes = {reason.code for record in moving.records().values() for reason in record.reasons}
    assert codes == {"unreadable"}
    with pytest.raises(ConfigError):
        moving.run()
    shutil.copytree(stored, src)
    moving.run()
    assert moving.tree() == undisturbed


def test_a_file_that_changes_during_the_run_is_done_again(own: Any) -> None:
    last = own.src / "benign" / "2.png"

    def change(_done: int, _total: int, record: Record | None) -> None:
        if record is not None and record.file == "benign/2.png":
            picture = cv2.imread(str(last), cv2.IMREAD_UNCHANGED)
            picture[60:90, 60:90] //= 2
            assert cv2.imwrite(str(last), picture)

    own.run(change)
    assert own.run().resumed == 1
    assert own.run().resumed == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(own: Any) -> None:
    scan_of(own).chmod(0)
    assert own.run().outcomes["failed"] == 1
    scan_of(own).chmod(0o600)
    assert own.run().outcomes["failed"] == 0


@pytest.mark.parametrize("anonymise", [True, False])
def test_two_inputs_of_one_name_do_not_become_one(own: Any, anonymise: bool) -> None:  # noqa: FBT001
    picture = scan_of(own).read_bytes()
    for file in ("benign/a/x.png", "a/benign/x.png", "a/benign/X.PNG", "benign/a/x-2.png", "benign/a/x"):
        (own.src / file).parent.mkdir(parents=True, exist_ok=True)
        (own.src / file).write_bytes(picture)
    assert own.run(anonymise=anonymise).outcomes["kept"] == 7
    names = [row.image.lower() for row in read_manifest(own.out / "manifest.csv")]
    assert len(set(names)) == 7
    before = own.tree()
    (own.pictures()[0]).unlink()
    own.run(anonymise=anonymise)
    assert own.tree() == before


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "columns"),
        ("name,label\nx,benign\n", "columns"),
        ("file,label\nbenign/1.png,bening\n", "label must be"),
        ("file,label\nbenign/3.png,benign\n", "name an input"),
        ("file,label\nbenign/1.png,benign\n./benign/1.png,normal\n", "once"),
        ("file,label\nbenign/1.png\n", "fields"),
        ('file,label\n"benign/1.png,benign\n', "row"),
        (b"file,label\n\xff\xfe,benign\n", "UTF-8"),
    ],
)
def test_labels_that_are_wrong(
    own: Any, tmp_path: Path, text: str | bytes, word: str, capfd: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "labels.csv"
    table.write_bytes(text.encode() if isinstance(text, str) else text)
    assert main(own.argv("--jobs", "0", "--labels", str(table))) == 1
    told = capfd.readouterr().err
    assert word in told
    assert len(told.strip().splitlines()) == 1
    assert not own.out.exists()


def test_labels_that_change_between_two_runs(own: Any, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("file,label,patient\nbenign/1.png,malignant,p1\n")
    own.run(labels=table)
    assert {row.label for row in read_manifest(own.out / "manifest.csv")} == {"benign", "malignant"}
    table.write_text("file,label,patient\nbenign/1.png,normal,p2\n")
    assert own.run(labels=table).resumed == 1
    assert sorted(path.parent.name for path in own.pictures()) == ["benign", "normal"]
    table.write_text("file,label\nbenign/1.png,normal\n")
    assert own.run(labels=table).resumed == 1
    assert {row.patient for row in read_manifest(own.out / "manifest.csv")} == {""}


def test_the_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["ingest", "--help"])
    told = capsys.readouterr().out
    for word in ("exit codes", "130", "quarantined", "goes on where it was"):
        assert word in told
