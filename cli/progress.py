"""What the terminal shows while a run goes on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bus_toolkit.batch.runner import Progress as Told
    from bus_toolkit.record import Record


def console(*, quiet: bool) -> Console:
    """Standard error, so that standard output stays free for results; nothing at all when quiet."""
    return Console(stderr=True, quiet=quiet)


@contextmanager
def bar(out: Console, word: str) -> Iterator[Told]:
    """A progress bar with rate, time left and counts by outcome, as the callback that a run wants."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[counts]}"),
    )
    shown = Progress(*columns, console=out)
    row = shown.add_task(word, total=None, rate="", counts="")
    counts: dict[str, int] = {}
    first = 0

    def tell(done: int, total: int, record: Record | None) -> None:
        nonlocal first
        if record is None:
            first = done
            shown.start()
        else:
            counts[str(record.outcome)] = counts.get(str(record.outcome), 0) + 1
        elapsed = shown.tasks[row].elapsed or 0.0
        rate = f"{(done - first) / elapsed:.1f}/s" if elapsed and done > first else ""
        words = " ".join(f"{name} {number}" for name, number in sorted(counts.items()))
        shown.update(row, completed=done, total=total, rate=rate, counts=words)

    if out.is_terminal:
        # Looking for inputs can take a while; a log file, in turn, must not begin with an idle bar.
        shown.start()
    try:
        yield tell
    finally:
        if shown.live.is_started:
            shown.stop()
