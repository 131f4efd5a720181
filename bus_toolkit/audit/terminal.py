"""The table that a run ends with on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bus_toolkit.audit.wording import count, duration, order_labels, percent, sentence, warnings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

MAX_REASONS: Final = 12
"""More would push the counts off a terminal of 24 lines; the report has them all."""
_STYLES: Final = {"kept": "green", "rejected": "", "quarantined": "yellow", "failed": "red"}


def summary_table(summary: Mapping[str, Any]) -> RenderableType:
    """Counts by label and outcome, the reasons, the time, and what must be known, for ``rich``.

    ``summary`` is from :func:`bus_toolkit.audit.run.run_summary`.
    """
    parts: list[RenderableType] = [_counts(summary)]
    if summary["reasons"]:
        parts.append(_reasons(summary))
    parts.append(Text(_time(summary)))
    for warning in warnings_of(summary):
        text = Text(f"{warning['title']} ", style="bold red" if warning["stop"] else "bold yellow")
        parts.append(text.append(warning["text"], style="not bold"))
    return Group(*parts)


def _counts(summary: Mapping[str, Any]) -> Table:
    outcomes = summary["outcomes"]
    table = Table(show_footer=True)
    table.add_column("label", "all")
    for outcome, scans in outcomes.items():
        style = _STYLES[outcome] if scans else "dim"
        table.add_column(outcome, f"{count(scans)}", justify="right", style=style, footer_style=style)
    table.add_column("all", count(summary["inputs"]), justify="right")
    for label in order_labels(summary["labels"]):
        scans = summary["labels"][label]
        table.add_row(escape(label), *(count(scans[outcome]) for outcome in outcomes), count(sum(scans.values())))
    return table


def _reasons(summary: Mapping[str, Any]) -> Table:
    table = Table()
    table.add_column("outcome")
    table.add_column("reason", overflow="fold")
    table.add_column("scans", justify="right")
    table.add_column("of all", justify="right")
    for reason in summary["reasons"][:MAX_REASONS]:
        share = percent(reason["scans"], summary["inputs"])
        outcome = Text(reason["outcome"], style=_STYLES[reason["outcome"]])
        table.add_row(outcome, escape(sentence(reason["detail"])), count(reason["scans"]), share)
    left = len(summary["reasons"]) - MAX_REASONS
    if left > 0:
        table.add_row("", f"and {left} more, in the report", "", "")
    return table


def _time(summary: Mapping[str, Any]) -> str:
    time = summary["time"]
    text = f"{count(time['worked'])} inputs in {duration(time['seconds'])}, {time['inputs_per_second']:.1f} per second"
    before = summary["inputs"] - time["worked"]
    return f"{text}; {count(before)} had been done before." if before else f"{text}."
