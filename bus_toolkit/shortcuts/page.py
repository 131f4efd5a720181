"""``shortcuts.json`` and ``shortcuts.html``: one file that loads nothing else, and shows nothing of the originals."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from markupsafe import Markup

from bus_toolkit._version import __version__
from bus_toolkit.atomic import PUBLIC_MODE, atomic_text
from bus_toolkit.evaluation import wording
from bus_toolkit.evaluation.svg import INK, PALETTE, draw_svg
from bus_toolkit.pages import asset, house_style, write_page
from bus_toolkit.shortcuts import views
from bus_toolkit.shortcuts.model import COPIES, OCCLUSIONS, altered, mean_tone
from bus_toolkit.shortcuts.verdicts import is_above

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bus_toolkit.shortcuts.scans import Scans
    from bus_toolkit.shortcuts.study import Study

JSON: Final = "shortcuts.json"
PAGE: Final = "shortcuts.html"
PACKAGE: Final = "bus_toolkit.shortcuts"
EXAMPLES: Final = 3
QUALITY: Final = 80
_FLAT: Final = (0, 140, 255)
"""Blue, green, red, as OpenCV has them: where the clean picture is unnaturally smooth."""


def write_all(folder: Path, found: Study) -> None:
    """Write page and figures into a run folder, the figures last.

    Raises
    ------
    OSError
        When they cannot be written.
    """
    write_study_page(folder / PAGE, found)
    with atomic_text(folder / JSON, mode=PUBLIC_MODE) as stream:
        stream.write(json.dumps(found.data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_study_page(path: Path, found: Study) -> None:
    """Write ``shortcuts.html``.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    data = found.data
    plots = {name: Markup(svg) for name, svg in _plots(data).items()}  # noqa: S704 - ours
    context = {
        "version": __version__,
        "data": data,
        "rows": _rows(data),
        "ways": OCCLUSIONS | COPIES,
        "plots": plots,
        "examples": _examples(found.scans),
        "json_name": JSON,
    }
    words = (
        wording.heading,
        wording.estimate,
        wording.reach,
        wording.share,
        wording.points,
        wording.p_value,
        wording.plain,
    )
    write_page(
        path,
        "shortcuts.html",
        package=PACKAGE,
        filters={word.__name__: word for word in words},
        style=house_style() + asset("bus_toolkit.evaluation", "report.css.html"),
        images=["data:"],
        mode=PUBLIC_MODE,
        context=context,
    )


def _rows(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Probes and the model, as rows of the table and of the plots."""
    rows = [{"name": f"probe: {name}", "sees": one["sees"], "found": one} for name, one in data["probes"].items()]
    if data["model"] is not None:
        rows += [
            {"name": f"model: {name}", "sees": OCCLUSIONS[way], "found": data["model"][way]}
            for way, name in (("border_only", "border alone"), ("intact", "whole scan"))
        ]
    return [{**row, "above": is_above(row["found"], data["figures"])} for row in rows]


def _plots(data: Mapping[str, Any]) -> dict[str, str]:
    rows = _rows(data)
    plots = {name: _chance_plot(rows, name) for name in data["figures"]}
    if data["model"] is not None:
        plots["changes"] = _change_plot(data["model"]["compared"])
    return plots


def _chance_plot(rows: list[dict[str, Any]], figure: str) -> str:
    """Each guesser's figure with its interval, and the line of chance."""

    def draw(axes: Any) -> None:  # noqa: ANN401 - matplotlib is not imported for its types
        chance = rows[0]["found"][figure]["chance"]
        axes.axvline(chance, color=INK, lw=1, ls="--", alpha=0.7)
        for place, row in enumerate(rows):
            one = row["found"][figure]
            _whisker(axes, place, one, PALETTE[1] if one["above"] else PALETTE[5])
        axes.set_xlim(0, 1.02)
        _names(axes, [row["name"].replace("probe: ", "") for row in rows])
        axes.set_xlabel(f"{wording.title(figure)} (dashed: chance)")

    label = f"{wording.heading(figure)} of each probe and of the model, with 95 % intervals, against chance"
    return draw_svg(draw, name=figure.replace(".", "-"), label=label, size=(4.8, 3.6))


def _change_plot(compared: Mapping[str, Any]) -> str:
    """How much accuracy changes, in points, with its interval."""

    def draw(axes: Any) -> None:  # noqa: ANN401
        axes.axvline(0, color=INK, lw=1, ls="--", alpha=0.7)
        for place, told in enumerate(compared.values()):
            one = told["figures"]["accuracy"]["difference"]
            sure = (one["low"] or 0) * (one["high"] or 0) > 0
            _whisker(axes, place, one, PALETTE[1] if sure else PALETTE[5], scale=100)
        _names(axes, [way.replace("_", " ") for way in compared])
        axes.set_xlabel("change of accuracy, points")

    label = "Change of the model's accuracy when the scans are altered, with 95 % intervals"
    return draw_svg(draw, name="changes", label=label, size=(4.8, 3.0))


def _whisker(axes: Any, place: int, one: Mapping[str, Any], colour: str, scale: float = 1) -> None:  # noqa: ANN401
    if one["value"] is None:
        return
    if one["low"] is not None:
        axes.plot([scale * one["low"], scale * one["high"]], [place, place], color=colour, lw=2)
    axes.plot([scale * one["value"]], [place], color=colour, marker="o", ms=5)


def _names(axes: Any, names: list[str]) -> None:  # noqa: ANN401
    # The names stand within the plot, above their lines: its margins are made for numbers.
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    for place, name in enumerate(names):
        axes.text(0.0, place - 0.28, name, transform=axes.get_yaxis_transform(), fontsize=8.5, va="center")
    axes.set_ylim(len(names) - 0.5, -0.75)


def _examples(scans: Scans) -> list[list[dict[str, str]]]:
    """For some scans, what is seen of them; those with most that is flat first, for others have little to show.

    Nothing here may come from the originals: where a clean picture differs from its original is, on a plain ground, the
    very shape of the letters that were there.
    """
    flat = np.array([views.flat_map(square) for square in scans.squares[:, :, :, 0]])
    scans = replace(scans, smooth=flat)
    most = np.argsort(-flat.mean(axis=(1, 2)), kind="stable")[:EXAMPLES].astype(np.int64)
    tone = mean_tone(scans)
    rows = []
    for number in most.tolist():
        index = np.array([number])
        cells = [{"name": name, "uri": _uri(altered(scans, way, index, tone)[0, :, :, 0])} for way, name in _SHOWN]
        picture = np.repeat(scans.squares[number], 3, axis=2)
        picture[flat[number]] = _FLAT
        rows.append([*cells, {"name": "flat areas", "uri": _uri(picture)}, _coarse(scans, number)])
    return rows


_SHOWN: Final = (
    ("intact", "as the model sees it"),
    ("border_only", "border alone"),
    ("no_border", "without the border"),
    ("smoothed", "flat areas smoothed"),
)


def _coarse(scans: Scans, number: int) -> dict[str, str]:
    """The border band as its probe sees it: a tone for each cell."""
    ring = np.ones((views.GRID, views.GRID), dtype=bool)
    ring[1:-1, 1:-1] = False
    cells = np.full(ring.shape, 128, np.uint8)
    cells[ring] = scans.seen["band"][number, : int(ring.sum())].round().clip(0, 255)
    side = 16
    return {"name": "tones of the band", "uri": _uri(np.kron(cells, np.ones((side, side), np.uint8)))}


def _uri(picture: np.ndarray) -> str:
    import cv2

    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"
