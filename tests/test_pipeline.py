from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pytest

from bus_toolkit.errors import ConfigError, EngineError, InputError
from bus_toolkit.geometry import Box
from bus_toolkit.outcome import Outcome
from bus_toolkit.pipeline import Pipeline
from bus_toolkit.policy import load_policy
from bus_toolkit.scan import Scan
from bus_toolkit.stage import Finding, Kind, Plan


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Fake:
    name: str = "fake"
    edits: bool = False
    kind: Kind | None = None
    error: Exception | None = None
    filled: float = 0.0

    def examine(self, scan: Scan, seen: Sequence[Plan] = ()) -> Plan:
        del scan
        if self.error:
            raise self.error
        found = [Finding(kind=self.kind, box=Box(0, 0, 1, 1), score=1.0, detector="fake")] if self.kind else []
        params: dict[str, Any] = {"seen": len(seen), "filled_fraction_of_fan": self.filled}
        return Plan(stage=self.name, findings=tuple(found), params=params)

    def apply(self, scan: Scan, plan: Plan) -> Scan:
        del plan
        return scan.with_frames(255 - scan.frames) if self.edits else scan

    def describe(self) -> Iterator[str]:
        yield f"Do {self.name}."


SCAN = Scan.from_array(np.full((8, 9), 7, np.uint8))


def pipeline(*stages: Fake) -> Pipeline:
    return Pipeline(policy=load_policy(), stages=stages)


def test_a_kept_scan_is_edited_and_the_history_says_so() -> None:
    result = pipeline(Fake(name="look", kind=Kind.TEXT), Fake(name="edit", edits=True)).run(SCAN)
    assert result.outcome is Outcome.KEPT
    assert result.scan is not None
    assert result.scan.frames.max() == 248
    (line,) = result.scan.history
    assert (line.stage, line.digest_before, line.digest_after) == ("edit", SCAN.digest(), result.scan.digest())
    assert [plan.params["seen"] for plan in result.plans] == [0, 1]
    assert SCAN.history == ()


def test_a_rejected_scan_gives_no_pixels() -> None:
    result = pipeline(Fake(name="look", kind=Kind.CALIPER), Fake(name="edit", edits=True)).run(SCAN)
    assert result.outcome is Outcome.REJECTED
    assert result.scan is None
    assert len(result.plans) == 1


def test_an_edit_that_paints_too_much_is_not_done() -> None:
    result = pipeline(Fake(name="edit", edits=True, filled=0.9)).run(SCAN)
    assert result.outcome is Outcome.QUARANTINED
    assert result.scan is None


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (EngineError("the engine must be there. Got none"), Outcome.QUARANTINED, "detector-error"),
        (InputError("truncated", "it ends too early"), Outcome.FAILED, "truncated"),
        (ValueError("CANARY"), Outcome.FAILED, "unexpected"),
    ],
)
def test_an_exception_is_this_scans_verdict_and_quotes_nothing(error: Exception, outcome: Outcome, code: str) -> None:
    result = pipeline(Fake(error=error)).run(SCAN)
    assert result.outcome is outcome
    assert [reason.code for reason in result.verdict.reasons] == [code]
    assert "CANARY" not in result.verdict.reasons[0].detail
    assert result.scan is None


def test_inspect_and_report_only_change_nothing() -> None:
    stages = (Fake(name="look", kind=Kind.TEXT), Fake(name="edit", edits=True))
    assert pipeline(*stages).inspect(SCAN).scan is None
    report = Pipeline(policy=load_policy("report-only"), stages=stages).run(SCAN)
    assert (report.outcome, report.scan) == (Outcome.KEPT, None)


def test_order_and_names_are_checked() -> None:
    with pytest.raises(ConfigError, match="look must come before"):
        pipeline(Fake(name="edit", edits=True), Fake(name="look"))
    with pytest.raises(ConfigError, match="different names"):
        pipeline(Fake(), Fake())


def test_describe_tells_every_stage_and_rule() -> None:
    sentences = list(pipeline(Fake(name="look"), Fake(name="edit", edits=True)).describe())
    assert sentences[0] == "Do look."
    assert sentences[-1] == "Do edit."
    assert set(load_policy().describe()) < set(sentences)
