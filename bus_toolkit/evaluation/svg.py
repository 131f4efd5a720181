"""Drawings of matplotlib as SVG that stands inside a page: its colours, its type, and no style that the page forbids.

matplotlib loads when the first plot is drawn. Nothing of its global state is changed.
"""

from __future__ import annotations

import io
import re
from html import escape
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

INK: Final = "#010203"
"""Stands for the page's own text colour, light or dark."""
PAPER: Final = "#fdfcfb"
"""Stands for the colour of the card that the plot lies on."""
PALETTE: Final = ("#3a8fc9", "#d8632c", "#2f9e73", "#9b6fc4", "#b08a1e", "#7a7f87")
"""Told apart by people who see no difference of red and green; bright enough for dark pages."""
_STYLE: Final = re.compile(r'\sstyle="([^"]*)"')
_FONT: Final = re.compile(r"([0-9.]+)px")
_DROPPED: Final = {"font-family", "font-style", "font-stretch", "font-variant"}
_SETTINGS: Final = {
    "svg.fonttype": "none",
    "font.size": 10.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "normal",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "grid.alpha": 0.13,
    "grid.linewidth": 0.7,
    "axes.grid": True,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def draw_svg(
    draw: Callable[[Any], None], *, name: str, label: str, size: tuple[float, float] = (4.6, 3.8), panels: int = 1
) -> str:
    """Draw, and give an ``<svg>`` element to be put into HTML.

    Parameters
    ----------
    draw
        Gets the axes: one, or an array of ``panels`` side by side.
    name
        Of the plot, unlike that of any other on the page: identifiers within the drawing are made from it.
    label
        What the plot shows, for those who do not see it.
    size
        Inches, width first; the page scales it.
    panels
        How many axes there are side by side.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({**_SETTINGS, "svg.hashsalt": name}):
        figure = Figure(figsize=size)
        # Margins in inches for labels of a line each: laying out by trial would draw everything twice.
        wide, high = size
        figure.subplots_adjust(0.8 / wide, 0.52 / high, 1 - 0.1 / wide, 1 - 0.12 / high, wspace=0.85 / (wide / panels))
        draw(figure.subplots(1, panels))
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return _inline(text.getvalue(), name, label)


def _inline(svg: str, name: str, label: str) -> str:
    """Without prologue, metadata and style sheet; styles as attributes, which a page without inline styles allows."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.DOTALL)
    box = re.search(r'viewBox="([^"]*)"', body)
    head = (
        f'<svg class="plot" role="img" aria-label="{escape(label)}" viewBox="{box[1] if box else "0 0 300 300"}" '
        'stroke-linejoin="round" stroke-linecap="butt">'
    )
    body = head + body[body.index(">") + 1 :]
    # Groups are numbered alike in every drawing, and nothing refers to them.
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    body = _STYLE.sub(lambda match: _attributes(match[1]), body)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", body)
    return re.sub(r"\n\s*", "\n", body.replace(INK, "currentColor").replace(PAPER, "var(--card)")).strip()


def _attributes(style: str) -> str:
    found = []
    for part in style.split(";"):
        key, _, value = (piece.strip() for piece in part.partition(":"))
        if key == "font":  # older versions say all in one
            size = _FONT.search(value)
            key, value = "font-size", f"{size[1]}px" if size else "10px"
        if key and key not in _DROPPED:
            found.append(f' {key}="{escape(value)}"')
    return "".join(found)
