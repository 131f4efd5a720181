"""The table that a self-test ends with on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from bus_toolkit.selftest.report import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

NAMES: Final = {"height": "capitals, px", "contrast": "contrast", "place": "place"}


def share(rate: Mapping[str, Any]) -> str:
    """A share with its interval, in percent: ``97.3 (94-99)``."""
    if rate["share"] is None:
        return "-"
    low, high = rate["interval"]
    return f"{100 * rate['share']:.1f} ({100 * low:.0f}-{100 * high:.0f})"


def summary_table(summary: Mapping[str, Any]) -> RenderableType:
    """Strings removed, withheld and left, by size, contrast and place, and the tissue touched, for ``rich``."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, pad_edge=False)
    table.add_column("strings", no_wrap=True, max_width=18)
    for name in ("painted", "removed", "withheld", "left"):
        style = "red" if name == "left" and summary["strings"][name] else ""
        table.add_column("all" if name == "painted" else name, justify="right", no_wrap=True, style=style)
    table.add_column("removed %", justify="right", no_wrap=True, min_width=14)
    table.add_column("leaked %", justify="right", no_wrap=True, min_width=12)
    _row(table, "all", summary["strings"])
    for attribute in NAMES:
        table.add_row()
        table.add_row(Text(NAMES[attribute], style="bold"))
        for cell in summary["by"][attribute]:
            _row(table, words(cell["name"]), cell)
    scans = summary["scans"]
    tried = (
        f"{scans['done']} of {scans['found']} scans tried: {scans['outcomes']['kept']} would be kept as they are, and "
        f"{scans['painted']} of them were painted on; the others would not be given away anyway."
    )
    lines = [
        "Removed: of those on scans that would be given away. Leaked: of all. In brackets 95 % intervals.",
        tried,
    ]
    lines += [_tissue(summary["tissue"])] if summary["tissue"]["scans"] else []
    parts: list[RenderableType] = [table, *(Text(line) for line in lines)]
    if not summary["complete"]:
        parts.append(Text("Stopped before its end: only what was done counts.", style="bold yellow"))
    return Group(*parts)


def _row(table: Table, name: str, cell: Mapping[str, Any]) -> None:
    if cell["painted"]:
        counts = (str(cell[kind]) for kind in ("painted", "removed", "withheld", "left"))
        table.add_row(name, *counts, share(cell["removal"]), share(cell["leak"]))


def _tissue(tissue: Mapping[str, Any]) -> str:
    means = {name: f"{100 * tissue[name]['mean']:.2f} %" for name in ("near", "far", "unpainted")}
    return (
        f"Tissue touched, mean share of the sector: {means['near']} near painted strings, {means['far']} elsewhere, "
        f"{means['unpainted']} on the same scans without paint."
    )
