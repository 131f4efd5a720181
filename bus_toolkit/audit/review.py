"""The private review page: what was there, what was found, and what is left, side by side, the doubtful first."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from bus_toolkit.atomic import PRIVATE_MODE
from bus_toolkit.audit.colours import KIND_COLOURS, hex_of
from bus_toolkit.audit.pages import asset, house_style, write_page
from bus_toolkit.audit.wording import order_labels
from bus_toolkit.outcome import Outcome
from bus_toolkit.stage import findings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from bus_toolkit.record import Record
    from bus_toolkit.stage import Finding

ORDER: Final = (Outcome.QUARANTINED, Outcome.FAILED, Outcome.REJECTED, Outcome.KEPT)
FILE_NAME: Final = "review.html"
MAX_LINES: Final = 40
"""Findings of one input that are listed one by one; the picture shows them all."""


def write_review(private_dir: Path, records: Iterable[Record]) -> Path:
    """Write ``review.html`` into the private folder, atomically, with mode 0600.

    Every record is on the page: quarantined, failed, rejected, kept, each by file. The page works without a script;
    with one it can be searched and filtered, and shows 50 records at a time. It loads pictures as they come into
    view, and nothing but pictures.

    Parameters
    ----------
    private_dir
        The private folder; ``before`` and ``after`` of the records are relative to it.
    records
        Read once.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    entries: dict[Outcome, list[dict[str, Any]]] = {outcome: [] for outcome in ORDER}
    for record in records:
        entries[record.outcome].append(_entry(record))
    for group in entries.values():
        group.sort(key=lambda entry: str(entry["file"]))
    everything = [entry for group in entries.values() for entry in group]
    choices = {
        "outcomes": [str(outcome) for outcome in ORDER if entries[outcome]],
        "reasons": sorted({code for entry in everything for code in entry["codes"].split()}),
        "kinds": sorted({kind for entry in everything for kind, _ in entry["kinds"]}),
        "labels": order_labels({entry["label"] for entry in everything}),
    }
    sections = [
        {"outcome": str(outcome), "scans": len(group), "entries": group} for outcome, group in entries.items() if group
    ]
    path = private_dir / FILE_NAME
    write_page(
        path,
        FILE_NAME,
        style=house_style() + asset("review.css.html") + _kind_rules(),
        script=asset("review.js.html"),
        images=["'self'", "data:", "file:"],
        mode=PRIVATE_MODE,
        context={"total": len(everything), "sections": sections, "choices": choices},
    )
    return path


def _kind_rules() -> str:
    rules = (f".k-{kind}::before {{ background: {hex_of(colour)}; }}\n" for kind, colour in KIND_COLOURS.items())
    return "".join(rules)


def _entry(record: Record) -> dict[str, Any]:
    """What the page needs of a record; small, for there may be many."""
    findings = findings_of(record.plans)
    kinds = Counter(str(finding.kind) for finding in findings)
    return {
        "file": record.file,
        "id": record.id,
        "label": record.label,
        "facts": "".join(f" · {fact}" for fact in _facts(record)),
        "codes": " ".join(sorted({reason.code for reason in record.reasons})),
        "reasons": [reason.detail for reason in record.reasons],
        "before": _address(record.before),
        "after": _address(record.after),
        "kinds": [(str(kind), kinds[str(kind)]) for kind in KIND_COLOURS if kinds[str(kind)]],
        "codes_of_kinds": " ".join(sorted(kinds)),
        "texts": list(dict.fromkeys(finding.text for finding in findings if finding.text)),
        "lines": "\n".join(_lines(record, findings)),
    }


def _facts(record: Record) -> Iterator[str]:
    if record.media:
        yield record.media
    if record.rows:
        frames = f", {record.frames} frames" if record.frames > 1 else ""
        yield f"{record.rows} rows, {record.cols} columns{frames}"
    if record.patient:
        yield f"patient {record.patient}"


def _lines(record: Record, findings: tuple[Finding, ...]) -> Iterator[str]:
    for finding in findings[:MAX_LINES]:
        box = finding.box.as_list() if finding.box is not None else "no box"
        text = f"  {finding.text}" if finding.text else ""
        yield f"{finding.kind:<14} {finding.score:.2f}  {finding.detector:<18} {box}{text}"
    if len(findings) > MAX_LINES:
        yield f"and {len(findings) - MAX_LINES} more"
    for stage, cpu in record.cpu_ms.items():
        yield f"{stage:<34} {cpu:8.1f} ms"


def _address(path: str) -> str:
    """A relative address, or nothing when the path would lead out of the private folder."""
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts:
        return ""
    return quote(f"./{pure}")
