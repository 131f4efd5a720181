"""What is told of a training where there is no bar: into a file or a pipe."""

import io

from rich.console import Console

from bus_toolkit.cli.training_progress import Shown


def lines_of(batches: range, total: int, *, times: int = 1) -> list[str]:
    told = io.StringIO()
    shown = Shown(Console(file=told, width=80), epochs=2)
    for _ in range(times):
        for done in batches:
            shown.prepared(done, total)
    return told.getvalue().splitlines()


def test_a_frozen_part_that_takes_long_is_seen_to_work() -> None:
    lines = lines_of(range(16, 3201, 16), 3200)
    assert lines[0] == "  the frozen part has run over 16 of 3200 pictures"
    assert lines[1] == "  the frozen part has run over 320 of 3200 pictures"
    assert lines[-1] == "  3200 pictures went through the frozen part, once"
    assert len(lines) == 11


def test_each_training_is_told_of_anew() -> None:
    batches = range(16, 3201, 16)
    assert lines_of(batches, 3200, times=2) == lines_of(batches, 3200) * 2


def test_a_short_one_is_told_of_once() -> None:
    assert lines_of(range(16, 17), 16) == ["  16 pictures went through the frozen part, once"]
