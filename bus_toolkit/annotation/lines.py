"""What was read on a scan, in boxes, as lines of writing from top to bottom, and what they say together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bus_toolkit.annotation.grammar import parse
from bus_toolkit.stage import Kind, fan_of, findings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bus_toolkit.annotation.fields import Annotation
    from bus_toolkit.geometry import Box
    from bus_toolkit.stage import Finding, Plan

ONE_ROW: Final = 0.5
"""Share of the lower one's rows that two boxes of one row of writing have in common."""
FARTHEST: Final = 2.0
"""Gap between two boxes of one annotation, in heights of the lower one. Words of a line are less than one height apart;
what a banner shows beside an annotation, the time of day for instance, stands farther off."""


def annotation_of(plans: Sequence[Plan]) -> Annotation:
    """What the text says that was read on a scan, inside the sector and outside.

    Findings of kind text are put into reading order, and neighbours on one row of writing are joined: recognition
    often parts ``3 CM`` from ``FN``. A single letter outside the sector is left out: machines mark the side of the
    probe with an R, and name their colour maps by letters.
    """
    fan = fan_of(plans)
    return parse("\n".join(lines_of(findings_of(plans), fan.box if fan is not None else None)))


def lines_of(findings: Iterable[Finding], sector: Box | None = None) -> list[str]:
    """The lines that were read, from top to bottom. Private.

    Text that was not located is a line of its own, at the end; single letters outside ``sector`` are no lines.
    """
    rows: list[list[tuple[Box, str]]] = []
    seen = [finding for finding in findings if finding.kind is Kind.TEXT and finding.text]
    for finding in sorted((one for one in seen if one.box is not None), key=_from_the_left):
        box, words = finding.box, " ".join(finding.text.split())
        if box is None or not words:
            continue
        row = next((row for row in rows if _follows(row[-1][0], box)), None)
        if row is None:
            rows.append([(box, words)])
        else:
            row.append((box, words))
    rows.sort(key=lambda row: (row[0][0].row0, row[0][0].col0))
    lines = [" ".join(words for _, words in row) for row in rows if not _is_mark(row, sector)]
    return [*lines, *(" ".join(one.text.split()) for one in seen if one.box is None)]


def _is_mark(row: Sequence[tuple[Box, str]], sector: Box | None) -> bool:
    """Whether a row is a single letter outside the sector."""
    (box, words), alone = row[0], len(row) == 1
    letter = sum(sign.isalnum() for sign in words) == 1
    return sector is not None and alone and letter and 2 * box.intersect(sector).area < box.area


def _from_the_left(finding: Finding) -> tuple[int, int]:
    return (finding.box.col0, finding.box.row0) if finding.box is not None else (0, 0)


def _follows(left: Box, right: Box) -> bool:
    """Whether the right box goes on where the left one ends, on the same row of writing."""
    low = min(left.height, right.height)
    common = min(left.row1, right.row1) - max(left.row0, right.row0)
    return common >= ONE_ROW * low and right.col0 - left.col1 <= FARTHEST * low
