"""What ``bus-eval shortcuts`` shows on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from bus_toolkit.evaluation import wording
from bus_toolkit.shortcuts.model import COPIES, OCCLUSIONS
from bus_toolkit.shortcuts.verdicts import is_above

if TYPE_CHECKING:
    from collections.abc import Mapping


def study_table(data: Mapping[str, Any]) -> Group:
    """Probes, the model, copies, and the verdicts, for ``rich``."""
    parts: list[Table | Text] = [_chances(data)]
    if data["model"] is not None and data["model"]["compared"]:
        parts.append(_changes(data["model"]["compared"]))
    for verdict in data["verdicts"]:
        text = Text(f"{verdict['title']} ", style="bold red" if verdict["stop"] else "bold")
        parts.append(text.append(verdict["text"], style="not bold default"))
    return Group(*parts)


def _chances(data: Mapping[str, Any]) -> Table:
    names = data["figures"]
    title = f"against chance, {data['scans']['tested']} scans tested; bold: surely above"
    table = Table(title=title, title_justify="left")
    table.add_column("who guesses")
    table.add_column("from")
    for name in names:
        table.add_column(wording.title(name), justify="right")
        table.add_column("p", justify="right")
    for name, one in data["probes"].items():
        table.add_row(f"probe {name}", one["sees"], *_cells(one, names), style=_style(one, names))
    if data["model"] is not None:
        for who, way in (("the model", "border_only"), ("the model", "intact")):
            one = data["model"][way]
            table.add_row(who, OCCLUSIONS[way], *_cells(one, names), style=_style(one, names))
    chance = (wording.share(1 / len(data["classes"])), "", "0.500", "")
    table.add_row("chance", "", *chance, style="dim")
    return table


def _cells(one: Mapping[str, Any], names: list[str]) -> list[str]:
    return [cell for name in names for cell in (wording.figure(name, one[name]), wording.p_value(one[name]["p"]))]


def _style(one: Mapping[str, Any], names: list[str]) -> str:
    return "bold" if is_above(one, names) else ""


def _changes(compared: Mapping[str, Any]) -> Table:
    table = Table(title="the model on the same scans, changed", title_justify="left")
    for name in ("scans", "accuracy", "as they are", "difference", "95 % interval", "called otherwise"):
        if name == "scans":
            table.add_column("changed how")
        table.add_column(name, justify="right")
    for way, told in compared.items():
        one = told["figures"]["accuracy"]
        reach = one["difference"]
        table.add_row(
            (OCCLUSIONS | COPIES)[way],
            str(told["scans"]),
            wording.share(one["first"]),
            wording.share(one["second"]),
            wording.points(reach["value"]),
            f"{wording.points(reach['low'])} to {wording.points(reach['high'])}",
            str(told["called_otherwise"]),
        )
    return table
