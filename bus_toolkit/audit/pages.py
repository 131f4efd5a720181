"""Turns templates into single files of HTML that need nothing else and may load nothing else."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from bus_toolkit.atomic import atomic_text
from bus_toolkit.audit.wording import count, duration, option, percent, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def asset(name: str) -> str:
    """The text of a stylesheet or script that is shipped beside the templates."""
    return resources.files("bus_toolkit.audit").joinpath("templates", name).read_text("utf-8")


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
    """Render ``template`` into ``path``, atomically, piece by piece.

    The page's Content-Security-Policy (W3C CSP Level 3) allows no request but for images from the sources ``images``,
    and no style or script but the given ones, each named by its SHA-256.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    rules = ["default-src 'none'", "base-uri 'none'", "form-action 'none'", f"img-src {' '.join(images)}"]
    rules.append(f"style-src {_source(style)}")
    rules += [f"script-src {_source(script)}"] if script else []
    page = _environment().get_template(template)
    # Both come from the package, and the policy above names their hashes: they must not be escaped.
    parts = {"csp": "; ".join(rules), "style": Markup(style), "script": Markup(script)}  # noqa: S704
    with atomic_text(path, mode=mode) as stream:
        for piece in page.generate(parts | context):
            stream.write(piece)


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bus_toolkit.audit", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=False,
        keep_trailing_newline=True,
    )
    environment.filters |= {word.__name__: word for word in (count, duration, option, percent, sentence)}
    return environment
