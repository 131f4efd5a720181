import csv
import json
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus_toolkit.annotation import Annotation, parse
from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.manifest import COLUMNS, Row, read_manifest, row_of, write_manifest
from bus_toolkit.outcome import Outcome, Reason
from bus_toolkit.record import Record
from bus_toolkit.stage import Finding, Kind, Plan

ROW = Row(
    id="s1",
    label="benign",
    outcome=Outcome.KEPT,
    reasons=(),
    media="png",
    image="images/benign/s1.png",
    dicom="",
    patient="p1",
    group="g1",
    rows=400,
    cols=600,
    frames=1,
    spacing_row_mm=0.1,
    spacing_col_mm=1 / 3,
    anonymised=True,
    sha256="ab" * 32,
    dicom_sha256="",
)
REJECTED = replace(
    ROW, id="s0", outcome=Outcome.REJECTED, reasons=("caliper", "dual_view"), image="", sha256="", spacing_row_mm=None
)


SAID = Annotation(
    laterality="left",
    clock="2:30",
    quadrant="upper_outer",
    distance_from_nipple_mm=35.0,
    orientation="radial",
    region="axilla",
    measurements_mm=(12.3, 8.0, 0.25),
    procedure="clip",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "manifest.csv"


def test_rows_come_back_sorted_by_id(path: Path) -> None:
    write_manifest(path, iter([ROW, REJECTED]))
    assert read_manifest(path) == [REJECTED, ROW]
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_the_same_rows_give_the_same_bytes(path: Path) -> None:
    write_manifest(path, [ROW, REJECTED])
    first = path.read_bytes()
    write_manifest(path, [REJECTED, ROW])
    assert path.read_bytes() == first
    assert b"\r" not in first
    assert first.endswith(b"\n")
    assert first.split(b"\n")[0].decode() == ",".join(column.name for column in COLUMNS)


def test_every_column_is_documented() -> None:
    assert [column.name for column in COLUMNS] == [item.name for item in fields(Row)]
    assert all(column.type and column.meaning.endswith(".") for column in COLUMNS)


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")),
    st.text(st.sampled_from("'=+-@\t\r\n\",;a"), max_size=6),
    st.floats(min_value=1e-6, max_value=1e3) | st.none(),
)
def test_any_text_and_number_comes_back(
    tmp_path_factory: pytest.TempPathFactory, label: str, patient: str, spacing: float | None
) -> None:
    path = tmp_path_factory.mktemp("m") / "manifest.csv"
    row = replace(ROW, anonymised=False, label=label, patient=patient, group=f"x{label}", spacing_row_mm=spacing)
    write_manifest(path, [row])
    assert read_manifest(path) == [row]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "'=1", "\uff1d1"])
def test_no_cell_is_a_formula(path: Path, text: str) -> None:
    write_manifest(path, [replace(ROW, anonymised=False, label=text, id=f"{text}x")])
    with path.open(newline="", encoding="utf-8") as stream:
        _, cells = csv.reader(stream)
    assert not any(cell[:1] in set("=+-@\t\r\n\uff1d") and cell for cell in cells)
    assert read_manifest(path)[0].label == text


def test_windows_line_ends_and_a_byte_order_mark_will_do(path: Path) -> None:
    write_manifest(path, [ROW])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_manifest(path) == [ROW]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": ""}, "id must not be empty"),
        ({"id": "Ann Bob"}, "id must be a pseudonym"),
        ({"patient": "Bob^Ann"}, "patient must be a pseudonym"),
        ({"group": "x y"}, "group must be a pseudonym"),
        ({"label": "a\0"}, "label must be text"),
        ({"label": "\udcff"}, "label must be text"),
        ({"image": "/abs.png"}, "image must be a path inside"),
        ({"image": "images/../../x.png"}, "image must be a path inside"),
        ({"rows": -1}, "rows must be 0 or more"),
        ({"spacing_row_mm": 0.0}, "spacing_row_mm must be above 0"),
        ({"spacing_col_mm": float("nan")}, "spacing_col_mm must be above 0"),
        ({"sha256": "AB" * 32}, "sha256 must be 64 hex digits"),
        ({"sha256": ""}, "sha256 must be there when image is"),
        ({"dicom_sha256": "ab" * 32}, "dicom_sha256 must be there when dicom is"),
        ({"reasons": ("two words",)}, "reasons must be codes"),
        ({"outcome": Outcome.REJECTED}, "must be empty unless the scan was kept"),
        ({"laterality": "MARIA"}, "laterality must be one of bilateral, left, right"),
        ({"quadrant": "left"}, "quadrant must be one of"),
        ({"orientation": "DOE^JANE"}, "orientation must be one of"),
        ({"region": "4711"}, "region must be one of"),
        ({"procedure": "Dr. Long"}, "procedure must be one of"),
        ({"clock": "10:31"}, "clock must be an hour or half hour"),
        ({"distance_from_nipple_mm": 251.0}, "distance_from_nipple_mm must be 0 to 250"),
        ({"distance_from_nipple_mm": 19.6104}, "distance_from_nipple_mm must be 0 to 250, in hundredths"),
        ({"measurements_mm": (float("inf"),)}, "measurements_mm must be at most 12 lengths"),
        ({"measurements_mm": (1.0,) * 13}, "measurements_mm must be at most 12 lengths"),
        ({"measurements_mm": ("MARIA",)}, "measurements_mm must be at most 12 lengths"),
        ({"laterality": ["MARIA"]}, "annotations must be words and numbers"),
    ],
)
def test_a_row_must_make_sense(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(ROW, **changes)


def test_names_may_stay_when_it_is_not_anonymised(path: Path) -> None:
    row = replace(ROW, id="Ann Bob", image='images/benign/Ann, "Bob"\n\\x.png', anonymised=False)
    write_manifest(path, [row])
    assert read_manifest(path) == [row]


def test_one_id_twice_is_refused(path: Path) -> None:
    with pytest.raises(ConfigError, match="unique"):
        write_manifest(path, [ROW, ROW])
    assert not path.exists()
    write_manifest(path, [ROW])
    lines = path.read_text("utf-8").split("\n")
    path.write_text("\n".join([*lines[:2], lines[1], ""]), "utf-8")
    with pytest.raises(InputError, match="row 3 of the manifest: id must be unique"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("outcome", "SECRET", "outcome must be one of"),
        ("rows", "SECRET", "rows must be a whole number"),
        ("cols", "-3", "cols must be a whole number"),
        ("frames", "1.0", "frames must be a whole number"),
        ("spacing_row_mm", "SECRET", "spacing_row_mm must be a number"),
        ("spacing_row_mm", "inf", "spacing_row_mm must be above 0"),
        ("anonymised", "SECRET", "anonymised must be true or false"),
        ("sha256", "SECRET", "sha256 must be 64 hex"),
        ("reasons", "a  b", "reasons must be codes"),
        ("id", "SEC RET", "id must be a pseudonym"),
        ("image", "../SECRET", "image must be a path"),
    ],
)
def test_a_bad_cell_is_named_by_row_and_column_and_not_echoed(
    path: Path, name: str, value: object, message: str
) -> None:
    write_manifest(path, [ROW, REJECTED])
    with path.open(newline="", encoding="utf-8") as stream:
        lines = list(csv.reader(stream))
    lines[2][[column.name for column in COLUMNS].index(name)] = value
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(lines)
    with pytest.raises(InputError, match=f"row 3 of the manifest: {message}") as caught:
        read_manifest(path)
    assert caught.value.code == "manifest"
    assert "SEC" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"\xff\xfe", b'id,"x\n'])
def test_what_is_no_manifest_is_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(InputError):
        read_manifest(path)


def test_a_row_that_is_too_short_is_refused(path: Path) -> None:
    write_manifest(path, [ROW])
    path.write_text(path.read_text("utf-8") + "x,y\n", "utf-8")
    with pytest.raises(InputError, match=r"row 3 of the manifest: it must have 25 cells\. Got 2"):
        read_manifest(path)


def test_a_missing_manifest_is_an_input_error_without_its_path(path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_manifest(path)
    assert str(path.parent) not in str(caught.value)


def record(**changes: Any) -> Record:
    seen = Finding(kind=Kind.TEXT, box=None, score=1.0, detector="eye", text="CANARY")
    facts = {
        "file": "benign/CANARY.png",
        "source_sha256": "CANARY",
        "id": "s1",
        "label": "benign",
        "patient": "p1",
        "media": "png",
        "outcome": Outcome.KEPT,
        "reasons": (Reason(code="b", detail="CANARY"), Reason(code="a", detail="x"), Reason(code="b", detail="y")),
        "plans": (Plan(stage="find-text", findings=(seen,)),),
        "image": "images/benign/s1.png",
        "image_sha256": "ab" * 32,
        "rows": 4,
        "cols": 5,
        "frames": 1,
        "spacing_mm": (0.1, 0.2),
        "fingerprint": "CANARY",
        "before": "review/CANARY.jpg",
    }
    return Record(**(facts | changes))


def test_a_record_becomes_a_row_without_anything_private(path: Path) -> None:
    row = row_of(record(), anonymised=True, group="g7")
    assert (row.reasons, row.group, row.spacing_row_mm, row.spacing_col_mm) == (("a", "b"), "g7", 0.1, 0.2)
    write_manifest(path, [row])
    assert "CANARY" not in path.read_text("utf-8")


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.QUARANTINED, Outcome.FAILED])
def test_an_input_that_was_not_kept_is_a_row_without_files(outcome: Outcome) -> None:
    row = row_of(record(outcome=outcome), anonymised=True)
    assert (row.image, row.dicom, row.sha256, row.dicom_sha256) == ("", "", "", "")
    assert row.outcome is outcome


def test_a_name_that_is_not_utf_8_does_not_stop_the_manifest(path: Path) -> None:
    name = os.fsdecode(b"images/benign/\xff.png")
    row = row_of(record(image=name, label="\udcff"), anonymised=False)
    write_manifest(path, [row])
    assert read_manifest(path) == [row]


def annotated(outcome: Outcome) -> Record:
    seen = Finding(kind=Kind.TEXT, box=None, score=0.9, detector="eye", text="MARIA LONG LT BREAST 2:30")
    plans = (Plan(stage="find-text", findings=(seen,)),)
    return Record(file="benign/maria.png", id="s9", outcome=outcome, plans=plans, annotation=SAID)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_annotations_are_told_of_kept_and_rejected_scans_alone(path: Path, outcome: Outcome) -> None:
    row = row_of(annotated(outcome), anonymised=True)
    assert row.annotation == (SAID if outcome in {Outcome.KEPT, Outcome.REJECTED} else Annotation())
    write_manifest(path, [row])
    assert read_manifest(path) == [row]
    assert "MARIA" not in path.read_text()
    if outcome is Outcome.FAILED:
        with pytest.raises(ConfigError, match="annotations must be of kept or rejected scans"):
            replace(row, clock="3:00")


@settings(max_examples=50, deadline=None)
@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(["LT", "BREAST", "3:00", "1.2", "cm", "x", "FN"]), max_size=9).map(" ".join)
)
def test_whatever_was_read_makes_a_row(text: str) -> None:
    record = replace(annotated(Outcome.KEPT), annotation=parse(text))
    assert row_of(record, anonymised=True).annotation == record.annotation


def test_a_cell_that_is_no_word_of_the_vocabulary_is_not_read_and_not_repeated(path: Path) -> None:
    write_manifest(path, [row_of(annotated(Outcome.REJECTED), anonymised=True)])
    good = path.read_text()
    for old, new in (
        (",left,", ",MARIA,"),
        ("12.3;8.0;0.25", "12.3;MARIA"),
        ("12.3;8.0;0.25", "12.3;"),
        (",35.0,", ",1e9,"),
    ):
        assert old in good
        path.write_text(good.replace(old, new))
        with pytest.raises(InputError, match="row 2 of the manifest") as caught:
            read_manifest(path)
        assert "MARIA" not in str(caught.value)


def test_a_manifest_without_the_columns_of_annotations_is_read(path: Path) -> None:
    write_manifest(path, [ROW])
    lines = [",".join(line.split(",")[:-8]) for line in path.read_text().splitlines()]
    assert lines[0].endswith(",dicom_sha256")
    path.write_text("\n".join(lines) + "\n")
    assert read_manifest(path) == [ROW]


def test_a_record_comes_back_and_an_old_one_is_read_again() -> None:
    record = annotated(Outcome.KEPT)
    assert Record.loads(record.dumps()) == record
    assert "LONG" not in repr(record)
    old = json.loads(record.dumps())
    del old["annotation"]
    assert Record.loads(json.dumps(old)).annotation == Annotation(laterality="left", clock="2:30")
    assert Record.loads(json.dumps({**old, "plans": []})).annotation == Annotation()


def test_a_record_that_was_tampered_with_is_refused() -> None:
    data = json.loads(annotated(Outcome.KEPT).dumps())
    data["annotation"]["laterality"] = "MARIA"
    with pytest.raises(ValueError, match="laterality must be one of"):
        Record.loads(json.dumps(data))
