"""What ``bus-eval`` shows on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bus_toolkit.evaluation import wording

if TYPE_CHECKING:
    from bus_toolkit.evaluation.compare import Comparison
    from bus_toolkit.evaluation.summary import Summary

    Renderable = Group | Table | Text

_OVERALL = (
    "accuracy",
    "balanced_accuracy",
    "macro_auc",
    "auc.malignant",
    "auc_benign_malignant",
    "sensitivity_at_95_specificity.malignant",
    "normal_called_malignant",
    "normal_misread",
    "brier",
)
_OF_CLASS = ("sensitivity", "specificity", "ppv", "npv", "auc")


def summary_table(summary: Summary) -> Group:
    """The figures of a run: overall, class by class, at its thresholds; and what must be known, for ``rich``."""
    data = summary.data
    parts: list[Renderable] = [_head(data), _overall(data), _classes(data)]
    if data["operating"]:
        parts.append(_operating(data))
    parts.append(_paper(data))
    for remark in data["remarks"]:
        text = Text(f"{remark['title']} ", style="bold red" if remark["stop"] else "bold yellow")
        parts.append(text.append(remark["text"], style="not bold"))
    return Group(*parts)


def comparison_table(found: Comparison, names: tuple[str, str]) -> Group:
    """Both models side by side, for ``rich``; what is surely different in bold."""
    table = Table(title=f"{found.scans} scans in {found.clusters} independent groups", title_justify="left")
    first, second = names if names[0] != names[1] else ("first", "second")
    table.add_column("figure")
    for name in (first, second, "difference", "95 % interval", "p"):
        table.add_column(escape(name), justify="right")
    for name, one in found.figures.items():
        percent = wording.is_percent(name)
        say, less = (wording.share, wording.points) if percent else (wording.plain, wording.signed)
        numbers = one.difference.as_json()
        lacking = wording.lacking(name, numbers)
        reach = f"none: {lacking}" if lacking else f"{less(numbers['low'])} to {less(numbers['high'])}"
        told = (say(_none(one.first)), say(_none(one.second)), less(numbers["value"]), reach)
        sure = (numbers["low"] or 0) * (numbers["high"] or 0) > 0
        style = "bold" if sure else ""
        table.add_row(wording.title(name), *told, wording.p_value(_none(one.p)), style=style)
    many = Text(
        "Many figures are compared at once: one p below 0.05 in twenty is to be expected by chance.", style="dim"
    )
    return Group(table, Text(_mcnemar(found, first, second)), many)


def _mcnemar(found: Comparison, first: str, second: str) -> str:
    test = found.mcnemar
    if test is None:
        return "McNemar's test says nothing here: both have the same mean probabilities."
    return (
        f"McNemar, on the mean probabilities of each: {test.only_first} scans are right in {first} only, "
        f"{test.only_second} in {second} only; "
        f"exact p {wording.p_value(test.p)}."
    )


def _head(data: dict[str, Any] | Any) -> Text:  # noqa: ANN401
    unit = "folds" if data["folds"] else "runs"
    many = f"{len(data['members'])} {unit}" if len(data["members"]) > 1 else "one model"
    words = f"{data['arch'] or 'model'}, {wording.weights(data['pretrained'])}, {many}"
    text = Text(str(data["name"]), style="bold")
    return text.append(
        f"   {words}; {data['data']['tested']} scans tested, {data['data']['clusters']} independent groups",
        style="not bold",
    )


def _overall(data: Any) -> Table:  # noqa: ANN401
    several = len(data["members"]) > 1
    table = Table()
    table.add_column("figure")
    table.add_column("estimate, 95 % interval", justify="right")
    if several:
        table.add_column("over folds" if data["folds"] else "over runs", justify="right")
    for name in _OVERALL:
        if name in data["figures"]:
            one = data["figures"][name]
            cells = [wording.title(name), wording.figure(name, one)]
            table.add_row(*cells, *([wording.spread(name, one)] if several else []))
    return table


def _classes(data: Any) -> Table:  # noqa: ANN401
    table = Table()
    table.add_column("class")
    table.add_column("scans", justify="right")
    for kind in _OF_CLASS:
        table.add_column(wording.title(kind), justify="right")
    for name in data["classes"]:
        cells = [wording.figure(f"{kind}.{name}", data["figures"][f"{kind}.{name}"]) for kind in _OF_CLASS]
        table.add_row(escape(name), str(data["data"]["tested_by_class"][name]), *cells)
    return table


def _operating(data: Any) -> Table:  # noqa: ANN401
    table = Table(title="malignant or not, at thresholds chosen on validation scans", title_justify="left")
    table.add_column("wanted there")
    kinds = list(data["operating"][0]["test"])
    for kind in kinds:
        table.add_column(wording.title(kind), justify="right")
    for point in data["operating"]:
        words = f"{point['name'].replace('_', ' ')} %"
        table.add_row(words, *(wording.figure(kind, point["test"][kind]) for kind in kinds))
    return table


def _paper(data: Any) -> Text:  # noqa: ANN401
    paper = data["paper"]
    reached = "reached" if paper["reached"] else "not reached"
    threshold = f"its threshold of {paper['threshold_percent']:.0f} % is {reached}."
    return Text(f"The paper's score: {paper['score_percent']} %; {threshold}")


def _none(value: float) -> float | None:
    return value if value == value else None  # noqa: PLR0124 - NaN is unlike itself
