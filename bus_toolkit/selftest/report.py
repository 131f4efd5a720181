"""The page of a self-test: private, for it shows pieces of scans with what was missed."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.atomic import PRIVATE_MODE
from bus_toolkit.audit.pages import asset, house_style, write_page
from bus_toolkit.selftest.plots import dot_plot
from bus_toolkit.selftest.score import Fate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bus_toolkit.selftest.score import Scored
    from bus_toolkit.selftest.trial import Trial

PAGE: Final = "report.html"
MOST_MISSES: Final = 36
"""About a megabyte of pictures."""
TITLES: Final = {
    "height": "Height of capitals, pixels",
    "contrast": "Contrast with the surroundings, grey levels",
    "place": "Place",
    "role": "What it says",
    "colour": "Colour of the ink",
    "backing": "What lies behind it",
    "font": "Letters",
}
WORDS: Final = {
    "tissue": "over the sector",
    "sector-edge": "across its edge",
    "outside": "beside the sector",
    "picture-edge": "cut by the picture",
    "none": "nothing",
    "box": "a plate",
    "halo": "a dark halo",
    "shadow": "a shadow",
    "id": "number",
    "hershey": "strokes (Hershey)",
    "bundled": "sans serif",
    "bitmap": "coarse bitmap",
    "system": "fonts of this machine",
    "system-new": "fonts of this machine that the segmenter did not learn from",
}
"""Names of bands as a reader would say them."""


def words(name: str) -> str:
    """The name of a band in words."""
    return WORDS.get(name, name)


def misses(trials: Sequence[Trial]) -> list[tuple[int, Scored]]:
    """Strings that are left, with the number of their scan; the plainest to read first."""
    left = [(trial.number, one) for trial in trials for one in trial.strings if one.fate is Fate.LEFT]
    return sorted(left, key=lambda item: (not item[1].read, -item[1].contrast * (1 - item[1].erased), item[0]))


def write_page_of(path: Path, summary: Mapping[str, Any], trials: Sequence[Trial]) -> None:
    """Write the page, self-contained, atomically, for its owner alone.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    left = misses(trials)
    write_page(
        path,
        "selftest.html",
        style=house_style() + "".join(asset(name) for name in ("report.css.html", "selftest.css.html")),
        images=["data:"],
        mode=PRIVATE_MODE,
        context={
            "run": summary,
            "strings": summary["strings"],
            "stack": list(_stack(summary["strings"])),
            "plots": [
                {"title": name, "unit": TITLES[name], **dot_plot(summary["by"][name], "removal")}
                for name in ("height", "contrast")
            ],
            "tables": [
                {"title": TITLES[name], "rows": [{**row, "name": words(row["name"])} for row in summary["by"][name]]}
                for name in TITLES
            ],
            "tissue": list(_tissue(summary["tissue"])),
            "misses": list(_sheet(left[:MOST_MISSES])),
            "missed": len(left),
        },
    )


def _stack(strings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    start = 0.0
    for fate in Fate:
        width = 100 * strings[str(fate)] / strings["painted"] if strings["painted"] else 0.0
        yield {"fate": str(fate), "start": start, "width": width}
        start += width


def _tissue(tissue: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    titles = {
        "near": "Within 8 px of a painted string",
        "far": "Elsewhere",
        "painted": "Both together",
        "unpainted": "The same scans, nothing painted",
    }
    for name, title in titles.items():
        if tissue[name] is not None:
            yield {"title": title, **tissue[name]}


def _sheet(left: Sequence[tuple[int, Scored]]) -> Iterator[dict[str, Any]]:
    for number, one in left:
        yield {
            "number": number,
            "before": _uri(one.before),
            "after": _uri(one.after),
            "height": one.height,
            "contrast": one.contrast,
            "place": words(one.place),
            "erased": one.erased,
            "read": one.read,
        }


def _uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
