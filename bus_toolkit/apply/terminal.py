"""What ``bus-eval predict`` and ``bus-eval export`` show on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bus_toolkit.evaluation import wording
from bus_toolkit.evaluation.metrics import POSITIVE

if TYPE_CHECKING:
    from bus_toolkit.apply.export import Export
    from bus_toolkit.apply.predict import Answer, Said


def answer_table(answer: Answer, *, names: bool) -> Group:
    """What a run says, a row for each scan, for ``rich``; scans that were held back with their reasons."""
    table = Table()
    table.add_column("file" if names else "scan")
    for name in answer.classes:
        table.add_column(escape(name), justify="right")
    table.add_column("class")
    if answer.threshold is not None:
        table.add_column(f"{POSITIVE} at {_threshold(answer.threshold)}")
    table.add_column("cleaning")
    for one in answer.said:
        table.add_row(*_cells(answer, one, names=names))
    return Group(table, _below(answer))


def _cells(answer: Answer, said: Said, *, names: bool) -> list[str]:
    seen, known = said.seen, said.probabilities
    numbers = [wording.NONE] * len(answer.classes) if known is None else [f"{value:.3f}" for value in known]
    positive = answer.is_positive(said)
    verdict = wording.NONE if positive is None else "yes" if positive else "no"
    reasons = ", ".join(dict.fromkeys(reason.code for reason in seen.reasons))
    ended = f"{seen.outcome}: {reasons}" if reasons else str(seen.outcome)
    return [
        escape(seen.file) if names else seen.id,
        *numbers,
        escape(answer.called(said)) or wording.NONE,
        *([verdict] if answer.threshold is not None else []),
        escape(ended),
    ]


def _threshold(value: float) -> str:
    return "never" if value > 1 else f"{value:.3f}"


def _below(answer: Answer) -> Text:
    many = len(answer.members)
    who = f"Mean of {many} models. " if many > 1 else f"Model {answer.members[0]}. "
    text = Text(who, style="dim")
    if answer.threshold is not None:
        text.append(f"The threshold is for {answer.point.replace('_', ' ')} %, chosen on validation scans. ")
    return text.append("For research: not a diagnosis.")


def export_table(made: Export) -> Table:
    """One exported file beside its model, for ``rich``."""
    parity = made.parity
    table = Table(title=f"{made.member}, {made.format}, {made.quantize}, on {parity.scans} test scans")
    table.title_justify = "left"
    table.add_column("measured")
    table.add_column("value", justify="right")
    rows = (
        ("size", f"{parity.bytes / 1e6:.2f} MB"),
        ("processor time for a scan, one thread", f"{parity.processor_milliseconds:.1f} ms"),
        ("largest difference of a probability", f"{parity.largest_difference:.4f}"),
        ("mean difference of a probability", f"{parity.mean_difference:.4f}"),
        ("scans with the same class on top", wording.share(parity.same_class)),
        ("accuracy of the model", wording.share(parity.accuracy)),
        ("accuracy of the file", wording.share(parity.accuracy_exported)),
        ("change in points", wording.points(parity.accuracy_change)),
        *((f"threshold for {name.replace('_', ' ')} %", _told(value)) for name, value in made.thresholds.items()),
        ("calibrated on", f"{made.calibrated_on} training scans" if made.calibrated_on else wording.NONE),
        ("run by", parity.runtime),
    )
    for name, value in rows:
        table.add_row(name, value)
    return table


def _told(value: float | None) -> str:
    return wording.NONE if value is None else _threshold(value)
