"""Text in written pixels is told, and so is a weak reading that resembles an identifier."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bus_toolkit.deidentify import Identifiers
from bus_toolkit.geometry import Box
from bus_toolkit.io import Source, read
from bus_toolkit.io.write import encode_png
from bus_toolkit.overlays import FindText
from bus_toolkit.stage import Finding, Kind, Plan
from bus_toolkit.verify import look_again

KNOWN = Identifiers(words=frozenset({"okafor"}))


@pytest.fixture
def source(tmp_path: Path) -> Source:
    (tmp_path / "x.png").write_bytes(encode_png(np.zeros((40, 40), np.uint8)))
    return read(tmp_path / "x.png")


def _sees(monkeypatch: pytest.MonkeyPatch, found: tuple[Finding, ...], doubts: tuple[str, ...]) -> list[int]:
    calls: list[int] = []

    def look(_: FindText, __: Any) -> tuple[Plan, tuple[str, ...]]:
        calls.append(1)
        return Plan(stage="find-text", findings=found), doubts

    monkeypatch.setattr(FindText, "look", look)
    return calls


def _finding(text: str) -> Finding:
    return Finding(kind=Kind.TEXT, box=Box(0, 0, 9, 9), score=0.9, detector="rapidocr", text=text)


@pytest.mark.parametrize(
    ("found", "doubts", "kinds"),
    [
        ((), (), []),
        ((), ("GAIN 45",), []),
        ((), ("0kaf0r",), ["identifier"]),
        (("GAIN 45",), (), ["text"]),
        (("OKAFOR",), (), ["text", "identifier"]),
    ],
)
def test_what_is_seen_is_told(
    monkeypatch: pytest.MonkeyPatch, source: Source, found: tuple[str, ...], doubts: tuple[str, ...], kinds: list[str]
) -> None:
    calls = _sees(monkeypatch, tuple(map(_finding, found)), doubts)
    leaks = look_again(source, FindText(), KNOWN)
    assert [leak.what for leak in leaks] == kinds
    assert {leak.where for leak in leaks} <= {"pixels"}
    assert "kaf" not in repr(leaks).casefold()
    assert len(calls) == 1
