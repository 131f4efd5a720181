"""What operators wrote on a scan reaches the manifest and the findings file, in known words and numbers alone."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import pytest

from bus_toolkit.annotation import Annotation
from bus_toolkit.batch import InspectOptions, Options, ingest, inspect
from bus_toolkit.manifest import Row, read_manifest
from bus_toolkit.policy import Policy, load_policy
from tests.batch.conftest import framed, speckle

if TYPE_CHECKING:
    from pathlib import Path

    from bus_toolkit.record import Record

SAID = Annotation(laterality="left", clock="3:00")


@pytest.fixture
def annotated(tmp_path: Path) -> Path:
    src = tmp_path / "raw"
    src.mkdir()
    picture = framed(speckle(5, cols=320), "LEFT BREAST 3:00")
    cv2.putText(picture, "12.03.2021", (4, 36), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 230, 1, cv2.LINE_AA)
    cv2.putText(picture, "10:30", (250, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 230, 1, cv2.LINE_AA)
    cv2.putText(picture, "MI 0.9  4.0 cm", (220, 36), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 230, 1, cv2.LINE_AA)
    assert cv2.imwrite(str(src / "a.png"), picture)
    return src


def row_after(src: Path, policy: Policy | None = None, **more: object) -> Row:
    ingest(Options(src=src, anonymise=True, jobs=0, policy=policy or load_policy(), **more))  # type: ignore[arg-type]
    (row,) = read_manifest(src.with_name("raw-clean") / "manifest.csv")
    return row


def silent_policy() -> Policy:
    policy = load_policy()
    return replace(policy, output=replace(policy.output, annotations=False))


def test_columns_are_filled_in_the_same_pass_and_emptied_by_the_policy(annotated: Path) -> None:
    assert row_after(annotated).annotation == SAID
    assert row_after(annotated, silent_policy(), fresh=True).annotation == Annotation()


def test_a_run_begun_by_a_version_without_annotations_goes_on(annotated: Path) -> None:
    first = row_after(annotated)
    books = annotated.with_name("raw-clean.private") / "ledger.sqlite"
    with closing(sqlite3.connect(books)) as ledger, ledger:
        ((line,),) = ledger.execute("SELECT record FROM inputs").fetchall()
        old = json.loads(line)
        assert old.pop("annotation")["laterality"] == "left"
        ledger.execute("UPDATE inputs SET record = ?", (json.dumps(old),))
    told: list[Record] = []
    again = Options(src=annotated, anonymise=True, jobs=0)
    report = ingest(again, progress=lambda _done, _total, record: told.append(record) if record else None)
    assert (told, report.resumed) == ([], 1)
    assert read_manifest(annotated.with_name("raw-clean") / "manifest.csv") == [first]


def test_inspect_tells_the_annotation_too(annotated: Path, tmp_path: Path) -> None:
    path = tmp_path / "findings.jsonl"
    for policy, told in ((load_policy(), SAID.to_json()), (silent_policy(), None)):
        inspect(InspectOptions(src=annotated, findings=path, jobs=0, policy=policy))
        assert json.loads(path.read_text("utf-8"))["annotation"] == told
