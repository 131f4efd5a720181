"""Several runs in one Markdown table, like Table 1 of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.evaluation.wording import NONE, figure, reach, spread, weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bus_toolkit.evaluation.summary import Summary

_COLUMNS: Final = (
    "Model",
    "Weights",
    "Split",
    "Accuracy",
    "95 % interval",
    "AUC malignant",
    "Sensitivity at 95 % specificity",
    "Normal called malignant",
)


def long_table(summaries: Sequence[Summary]) -> str:
    """One row for each run: accuracy as mean ± standard deviation over its runs or folds, interval, AUC and so on."""
    rows = [_row(summary) for summary in summaries]
    return _markdown(_COLUMNS, rows)


def paper_table(summaries: Sequence[Summary]) -> str:
    """Table 1: one row for each architecture, accuracy de novo and pretrained; the best of several runs of one kind is
    never picked, all are told."""  # noqa: D205, D209 - the summary is one sentence of two lines
    rows: dict[str, dict[bool, list[str]]] = {}
    for summary in summaries:
        kinds = rows.setdefault(_name(summary), {False: [], True: []})
        kinds[bool(summary.data["pretrained"])].append(spread("accuracy", summary.data["figures"]["accuracy"]))
    told = [[name, *(", ".join(kinds[kind]) or NONE for kind in (False, True))] for name, kinds in rows.items()]
    return _markdown(("Model", "De novo", "Pretrained"), told)


def _row(summary: Summary) -> list[str]:
    data = summary.data
    figures = data["figures"]
    accuracy = figures["accuracy"]
    members = len(data["members"])
    unit = "folds" if data["folds"] else "runs"
    return [
        _name(summary),
        weights(data["pretrained"]),
        (data["protocol"] or NONE) + (f", {members} {unit}" if members > 1 else ""),
        spread("accuracy", accuracy),
        f"{known} %" if (known := reach("accuracy", accuracy)) else NONE,
        _told(figures, "auc.malignant"),
        _told(figures, "sensitivity_at_95_specificity.malignant"),
        _told(figures, "normal_called_malignant"),
    ]


def _name(summary: Summary) -> str:
    return str(summary.data["arch"] or summary.data["name"])


def _told(figures: dict[str, Any], name: str) -> str:
    return figure(name, figures[name]) if name in figures else NONE


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose columns are aligned as text too."""
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in (columns, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(columns))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines) + "\n"
