"""The report that may be given away: one HTML file made from the run summary, the manifest and the cleaned pictures.

It is made from public things only: what is not in ``run.json``, in ``manifest.csv`` or in a cleaned picture cannot
get into it.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from bus_toolkit.atomic import PUBLIC_MODE
from bus_toolkit.audit.pages import asset, house_style, write_page
from bus_toolkit.audit.preview import encode_jpeg, shrink
from bus_toolkit.audit.wording import order_labels, warnings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from bus_toolkit.manifest import Row

MAX_THUMBNAILS: Final = 60
"""About half a megabyte of pictures, which still goes through any mail."""
THUMBNAIL_SIDE: Final = 200
THUMBNAIL_QUALITY: Final = 75


def write_report(path: Path, summary: Mapping[str, Any], rows: Iterable[Row]) -> None:
    """Write ``report.html``, self-contained and with nothing private, atomically.

    Parameters
    ----------
    path
        The file to write; the pictures that ``rows`` name are looked for beside it.
    summary
        From :func:`bus_toolkit.audit.run.run_summary`.
    rows
        The rows of the manifest; their pictures make the contact sheet. One that cannot be read is left out.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    chosen = choose_evenly([row for row in rows if row.image], MAX_THUMBNAILS)
    context = {
        "run": summary,
        "labels": order_labels(summary["labels"]),
        "warnings": list(warnings_of(summary)),
        "stack": list(_stack(summary["outcomes"])),
        "stack_label": ", ".join(f"{scans} {outcome}" for outcome, scans in summary["outcomes"].items()),
        "cpu_total": sum(cpu["total"] for cpu in summary["time"]["cpu_ms"].values()),
        "thumbnails": list(_thumbnails(path.parent, chosen)),
    }
    style = house_style() + asset("report.css.html")
    write_page(path, "report.html", style=style, images=["data:"], mode=PUBLIC_MODE, context=context)


def choose_evenly(rows: Sequence[Row], limit: int) -> list[Row]:
    """At most ``limit`` rows: as many of each label as can be, spread over the ids; the same ones every time."""
    by_label: dict[str, list[Row]] = {label: [] for label in order_labels({row.label for row in rows})}
    for row in sorted(rows, key=lambda row: row.id):
        by_label[row.label].append(row)
    shares = dict.fromkeys(by_label, 0)
    left = min(limit, len(rows))
    while left:
        for label, members in by_label.items():
            if left and shares[label] < len(members):
                shares[label] += 1
                left -= 1
    return [
        members[number * len(members) // shares[label]]
        for label, members in by_label.items()
        for number in range(shares[label])
    ]


def _stack(outcomes: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    total, start = sum(outcomes.values()), 0.0
    for outcome, scans in outcomes.items():
        width = 100 * scans / total if total else 0.0
        yield {"outcome": outcome, "start": start, "width": width}
        start += width


def _thumbnails(folder: Path, rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    for row in rows:
        try:
            data = np.frombuffer((folder / row.image).read_bytes(), dtype=np.uint8)
        except OSError:
            continue
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if pixels is None:
            continue
        small = shrink(np.asarray(pixels[..., ::-1], dtype=np.uint8), THUMBNAIL_SIDE)
        jpeg = encode_jpeg(small, THUMBNAIL_QUALITY)
        yield {
            "uri": f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}",
            "rows": small.shape[0],
            "cols": small.shape[1],
            "label": row.label,
            "id": row.id if row.anonymised else "",
        }
