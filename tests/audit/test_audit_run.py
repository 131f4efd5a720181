import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bus_toolkit.annotation import Annotation
from bus_toolkit.audit.run import run_summary, write_run
from bus_toolkit.errors import OutputError
from bus_toolkit.outcome import Outcome, Reason
from bus_toolkit.record import Record

Make = Callable[..., Record]
Summarise = Callable[..., dict[str, Any]]


def test_counts_add_up(summarise: Summarise, records: list[Record]) -> None:
    summary = summarise(records, groups={"s00000": "g1", "s00001": "g1", "s00002": "g2"}, worked=10)
    assert summary["outcomes"] == {"kept": 8, "rejected": 4, "quarantined": 3, "failed": 1}
    assert summary["inputs"] == 16
    assert {label: sum(counts.values()) for label, counts in summary["labels"].items()} == dict.fromkeys(
        ("benign", "malignant", "normal", "unlabelled"), 4
    )
    assert summary["media"] == {"png": 16}
    assert summary["evidence"] == {"text": {"scans": 15, "findings": 15}}
    assert summary["files"] == {"images": 8, "dicom": 0}
    assert summary["patients"] == 8
    assert summary["near_duplicates"] == {"groups": 1, "scans": 2}
    assert summary["aside"] == {"companion mask": 3}
    assert summary["time"]["inputs_per_second"] == 2.5
    assert summary["time"]["cpu_ms"]["find-text"] == {"total": 607.5, "scans": 15, "mean": 40.5}
    assert list(summary["time"]["cpu_ms"]) == ["find-text", "read"]


def test_reasons_come_most_frequent_first_and_count_a_scan_once(summarise: Summarise, make_record: Make) -> None:
    twice = (Reason(code="caliper", detail="one"), Reason(code="caliper", detail="two"))
    records = [
        make_record(0, Outcome.REJECTED, reasons=twice),
        make_record(1, Outcome.REJECTED, reasons=(*twice[1:], Reason(code="doppler", detail="flow"))),
    ]
    assert summarise(records)["reasons"] == [
        {"code": "caliper", "outcome": "rejected", "scans": 2, "detail": "two"},
        {"code": "doppler", "outcome": "rejected", "scans": 1, "detail": "flow"},
    ]


@pytest.mark.parametrize("inputs", [15, 17, 0])
def test_inputs_must_equal_the_sum_of_outcomes(summarise: Summarise, records: list[Record], inputs: int) -> None:
    with pytest.raises(OutputError, match="16 outcomes"):
        summarise(records, inputs=inputs)


def test_an_input_counted_twice_is_found(summarise: Summarise, records: list[Record], make_record: Make) -> None:
    with pytest.raises(OutputError, match="16 different inputs"):
        summarise([*records, records[0]])
    with pytest.raises(OutputError, match="16 different ids"):
        summarise([*records, make_record(99, id=records[0].id)])


def test_nothing_private_and_nothing_of_this_machine(
    tmp_path: Path, summarise: Summarise, records: list[Record], secrets: tuple[str, ...]
) -> None:
    write_run(tmp_path / "run.json", summarise(records))
    text = (tmp_path / "run.json").read_text("utf-8")
    for secret in (*secrets, platform.node(), str(tmp_path), os.getcwd()):  # noqa: PTH109 - the name is what counts
        assert secret not in text
    loaded = json.loads(text)
    assert loaded["options"] == {"engine": "rapidocr", "jobs": 2, "labels": "(given)"}
    assert loaded["libraries"]["numpy"]


def test_a_run_without_inputs(summarise: Summarise) -> None:
    summary = summarise([], seconds=0.0)
    assert summary["outcomes"] == {"kept": 0, "rejected": 0, "quarantined": 0, "failed": 0}
    assert summary["time"]["inputs_per_second"] == 0.0


@pytest.mark.parametrize("value", ["/home/ann", "Ann Bob", "..\\x", "a" * 65, b"x", ["x"]])
def test_option_values_that_could_be_a_path_or_a_name_are_only_told_as_given(value: object) -> None:
    summary = run_summary(
        (),
        inputs=0,
        policy="york",
        policy_hash="",
        version="0",
        options={"x": value, "flag": False, "none": None, "jobs": 3, "engine": "easyocr"},
        seconds=1.0,
        anonymised=False,
    )
    assert summary["options"] == {"x": "(given)", "flag": False, "none": None, "jobs": 3, "engine": "easyocr"}


def test_words_of_annotations_are_counted_and_numbers_are_not_told(summarise: Summarise, make_record: Make) -> None:
    left = Annotation(laterality="left", clock="2:30", measurements_mm=(12.34, 7.0))
    records = [
        make_record(0, annotation=left),
        make_record(1, annotation=left),
        make_record(2, Outcome.REJECTED, annotation=Annotation(laterality="right", distance_from_nipple_mm=35.0)),
        make_record(3, Outcome.QUARANTINED, annotation=Annotation(region="axilla")),
        make_record(4),
    ]
    summary = summarise(records)
    assert summary["annotations"] == {
        "scans": 3,
        "fields": {
            "laterality": {"left": 2, "right": 1},
            "clock": {"2:30": 2},
            "distance_from_nipple_mm": {"given": 1},
            "measurements_mm": {"given": 2},
        },
    }
    assert "12.34" not in json.dumps(summary)
    assert summarise([make_record(0)])["annotations"] == {"scans": 0, "fields": {}}
