"""The audit's templates and the words they use, for :mod:`bus_toolkit.pages`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bus_toolkit import pages
from bus_toolkit.audit.wording import count, duration, option, percent, sentence
from bus_toolkit.pages import house_style

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["asset", "house_style", "write_page"]

_PACKAGE = "bus_toolkit.audit"


def asset(name: str) -> str:
    """The text of a style sheet or script that is shipped beside the templates."""
    return pages.asset(_PACKAGE, name)


def write_page(
    path: Path,
    template: str,
    *,
    style: str,
    images: Sequence[str],
    mode: int,
    context: dict[str, Any],
    script: str = "",
) -> None:
    """Render ``template`` into ``path``; see :func:`bus_toolkit.pages.write_page`."""
    filters = {word.__name__: word for word in (count, duration, option, percent, sentence)}
    pages.write_page(
        path,
        template,
        package=_PACKAGE,
        filters=filters,
        style=style,
        images=images,
        mode=mode,
        context=context,
        script=script,
    )
