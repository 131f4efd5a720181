import io
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console

from bus_toolkit.audit.terminal import MAX_REASONS, summary_table
from bus_toolkit.outcome import Outcome, Reason
from bus_toolkit.record import Record

Make = Callable[..., Record]
Summarise = Callable[..., dict[str, Any]]


def printed(summary: dict[str, Any], width: int = 100) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None).print(summary_table(summary))
    return stream.getvalue()


def test_the_table_says_what_must_be_known(
    summarise: Summarise, records: list[Record], secrets: tuple[str, ...]
) -> None:
    text = printed(summarise(records, worked=10))
    assert "│ all        │    8 │        4 │           3 │      1 │  16 │" in text
    assert "It was rejected for a test" in text
    assert "10 inputs in 4.0 s, 2.5 per second; 6 had been done before." in text
    assert "3 quarantined." in text
    assert not any(secret in text for secret in secrets)


def test_a_label_cannot_bring_markup_and_long_lists_are_cut(summarise: Summarise, make_record: Make) -> None:
    reasons = tuple(Reason(code=f"c{n:02d}", detail=f"[bold]detail {n}") for n in range(MAX_REASONS + 3))
    text = printed(summarise([make_record(0, Outcome.REJECTED, label="[red]x", reasons=reasons)], anonymised=False))
    assert "[red]x" in text
    assert "[bold]detail 3" in text
    assert "and 3 more" in text
    assert "Not anonymised." in text


def test_nothing_to_say_of_no_input(summarise: Summarise) -> None:
    assert "No input was found." in printed(summarise([]))


def test_the_table_needs_no_picture_library() -> None:
    code = "import sys, bus_toolkit.audit.terminal as t; sys.exit(any(n in sys.modules for n in ('cv2', 'jinja2')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own script
