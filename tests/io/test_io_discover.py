import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bus_toolkit.errors import ConfigError
from bus_toolkit.io import discover, write_png


@pytest.fixture
def tree(tmp_path: Any) -> Any:
    root = tmp_path / "raw"
    root.mkdir()

    def put(name: Any, data: Any = None) -> Any:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if data is None:
            write_png(path, np.full((4, 5), 7, np.uint8))
        else:
            path.write_bytes(data)
        return path

    return root, put


def items(found: Any) -> Any:
    return {item.file: item for item in found.items}


def reasons(found: Any) -> Any:
    return {entry.file: entry.code for entry in found.ignored}


def test_labels_come_from_the_nearest_folder_in_any_case(tree: Any) -> None:
    root, put = tree
    for name in ("Benign/x/a.png", "benign/MALIGNANT/b.png", "other/c.png", "d.png", "normal/e.png", "benignish/f.png"):
        put(name)
    found = {file: item.label for file, item in items(discover(root)).items()}
    assert found == {
        "Benign/x/a.png": "benign",
        "benign/MALIGNANT/b.png": "malignant",
        "other/c.png": "unlabelled",
        "d.png": "unlabelled",
        "normal/e.png": "normal",
        "benignish/f.png": "unlabelled",
    }
    assert items(discover(root / "normal"))["e.png"].label == "normal"
    assert items(discover(root / "normal" / "e.png"))["e.png"].label == "normal"


def test_order_does_not_depend_on_the_disk(tree: Any, monkeypatch: Any) -> Any:
    root, put = tree
    for name in ("b/2.png", "a/9.png", "c.png", "b/10.png", "B.png"):
        put(name)
    files = [item.file for item in discover(root).items]
    assert files == sorted(files)
    real = os.scandir

    class Backwards:
        def __init__(self, path: Any) -> None:
            with real(path) as listing:
                self.entries = list(listing)[::-1]

        def __enter__(self) -> Any:
            return self.entries

        def __exit__(self, *_: object) -> Any:
            return None

    monkeypatch.setattr(os, "scandir", Backwards)
    assert [item.file for item in discover(root).items] == files


def test_companions_stand_aside_only_beside_their_picture(tree: Any) -> None:
    root, put = tree
    for name in ("a.png", "a_mask.png", "a_mask_1.png", "a_tumor.png", "a_other.png", "a_other2.png"):
        put(name)
    for name in ("b_mask.png", "sub/a_mask.png", "unmask.png", "c.txt_mask.png"):
        put(name)
    put("c.txt", b"notes")
    put("d_mask.png", b"")
    put("d.png")
    found = discover(root)
    assert found.companions == ("a_mask.png", "a_mask_1.png", "a_other.png", "a_other2.png", "a_tumor.png")
    assert set(items(found)) == {
        "a.png",
        "b_mask.png",
        "sub/a_mask.png",
        "unmask.png",
        "c.txt_mask.png",
        "d.png",
        "d_mask.png",
    }
    assert items(found)["d_mask.png"].skip.code == "empty"
    assert found.counts()["companions"] == 5


def test_everything_that_cannot_be_a_scan_has_one_reason(tree: Any, ramp: Any, make_dicom: Any) -> None:
    root, put = tree
    put("scan", make_dicom(ramp[None]))
    put("bare.bin", make_dicom(ramp[None], preamble=False))
    put(".hidden.png")
    put(".cache/x.png")
    put("Thumbs.db", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    put("__MACOSX/x.png")
    put("DICOMDIR", b"\0" * 200)
    put("index", b"\0" * 128 + b"DICM" + b"\x02\0\2\0UI\x14\x001.2.840.10008.1.3.10\0")
    put("table.csv", b"file,label\n")
    put("notes.md", "grün".encode())
    put("sheet.xlsx", b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml")
    put("all.zip", b"PK\x03\x04" + b"\0" * 100)
    put("report.pdf", b"%PDF-1.7")
    put("empty.png", b"")
    put("lies.png", b"this is text")
    put("noise.dat", bytes(range(256)))
    put("loop.gif", b"GIF89a....")
    put("clip.mp4", b"\0\0\0\x18ftypisom")
    put("modern.jxl", b"\xff\x0a\0\0")
    os.mkfifo(root / "pipe.png")
    found = discover(root)
    assert reasons(found) == {
        ".cache": "hidden",
        ".hidden.png": "hidden",
        "DICOMDIR": "dicomdir",
        "Thumbs.db": "system-file",
        "__MACOSX": "system-file",
        "index": "dicomdir",
        "notes.md": "text",
        "pipe.png": "not-a-file",
        "sheet.xlsx": "document",
        "table.csv": "text",
    }
    assert {file: item.skip and item.skip.code for file, item in items(found).items()} == {
        "scan": None,
        "bare.bin": None,
        "all.zip": "archive",
        "report.pdf": "pdf",
        "empty.png": "empty",
        "lies.png": "text",
        "noise.dat": "unrecognised",
        "loop.gif": "unsupported-type",
        "clip.mp4": "unsupported-type",
        "modern.jxl": "unsupported-type",
    }
    assert all(str(item.skip).endswith(".") for item in found.items if item.skip)


def test_links(tree: Any, tmp_path: Any) -> None:
    root, put = tree
    put("a.png")
    put(".store/key.png")
    outside = tmp_path / "outside.png"
    write_png(outside, np.zeros((3, 3), np.uint8))
    (tmp_path / "more").mkdir()
    (root / "sub").mkdir()
    links = {
        "same.png": root / "a.png",
        "kept.png": root / ".store" / "key.png",
        "far.png": outside,
        "folder": tmp_path / "more",
        "gone.png": root / "nothing.png",
        "sub/up": root,
        "self": root / "self",
        "beside": root / "sub",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    found = discover(root)
    assert {file: item.skip and item.skip.code for file, item in items(found).items()} == {
        "a.png": None,
        "kept.png": None,
        "far.png": "link-outside",
        "folder": "link-outside",
        "gone.png": "link-broken",
    }
    assert reasons(found) == {
        ".store": "hidden",
        "same.png": "link-inside",
        "sub/up": "link-loop",
        "self": "link-loop",
        "beside": "link-inside",
    }


def test_what_cannot_be_opened_is_told(tree: Any, monkeypatch: Any) -> Any:
    root, put = tree
    put("good.png")
    put("locked/x.png")
    real = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("locked"):
            raise PermissionError
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = items(discover(root))
    assert found["good.png"].skip is None
    assert found["locked"].skip.code == "unreadable"


def test_names_that_are_not_utf8(tree: Any) -> None:
    root, _ = tree
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.png")).touch()
    (item,) = discover(root).items
    assert item.file == "caf\\xe9.png"
    item.file.encode("utf-8")


def test_names_stay_out_of_reprs(tree: Any) -> None:
    root, put = tree
    put("benign/MILLER_MARY.png")
    put("MILLER_MARY_notes.txt", b"x")
    found = discover(root)
    assert "MILLER" not in repr(found)


def test_a_root_that_is_missing_is_an_error_without_its_name(tmp_path: Any) -> None:
    with pytest.raises(ConfigError, match="must be a folder or file that exists") as caught:
        discover(tmp_path / "MILLER")
    assert "MILLER" not in str(caught.value)


def write_labels(tmp_path: Any, text: Any, **options: Any) -> Any:
    path = tmp_path / "labels.csv"
    path.write_text(text, **options)
    return path


def test_labels_from_a_file_win_over_folders(tree: Any, tmp_path: Any) -> None:
    root, put = tree
    put("benign/a.png")
    put("benign/b.png")
    put("x/c\u00e9.png")
    text = "file,label,patient\nbenign\\a.png,Malignant,P 1\n./x/ce\u0301.png,normal,\n"
    found = items(discover(root, labels=write_labels(tmp_path, text, encoding="utf-8-sig")))
    assert (found["benign/a.png"].label, found["benign/a.png"].patient) == ("malignant", "P 1")
    assert (found["benign/b.png"].label, found["benign/b.png"].patient) == ("benign", "")
    assert found["x/c\u00e9.png"].label == "normal"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "columns"),
        ("file\na.png\n", "missing"),
        ("file,label,diagnosis\na.png,benign,SECRET\n", "unknown 1"),
        ("file,label,label\na.png,benign,benign\n", "columns"),
        ("file,label\na.png,SECRET\n", "row 2"),
        ("file,label\nSECRET.png,benign\n", "rows 2"),
        ("file,label\na.png,benign\na.png,benign\n", "row 3"),
        ("file,label\n\na.png,benign,SECRET\n", "row 3"),
        ("file,label\n,benign\n", "row 2"),
    ],
)
def test_a_labels_file_that_is_wrong_says_where(text: Any, words: Any, tree: Any, tmp_path: Any) -> None:
    root, put = tree
    put("a.png")
    with pytest.raises(ConfigError, match=words) as caught:
        discover(root, labels=write_labels(tmp_path, text))
    assert "SECRET" not in str(caught.value)


def test_a_labels_file_that_is_missing_or_binary(tree: Any, tmp_path: Any) -> None:
    root, put = tree
    put("a.png")
    path = tmp_path / "labels.csv"
    with pytest.raises(ConfigError, match="readable"):
        discover(root, labels=path)
    path.write_bytes(b"\xff\xd8\x00")
    with pytest.raises(ConfigError, match="readable"):
        discover(root, labels=path)
