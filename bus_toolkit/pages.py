"""Templates to single files of HTML that need nothing else and may load nothing else; and their common style."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Any

from bus_toolkit.atomic import atomic_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import jinja2


def house_style() -> str:
    """The style sheet that all pages share: colours for light and dark, type, cards, banners."""
    return resources.files("bus_toolkit").joinpath("style.css.html").read_text("utf-8")


def asset(package: str, name: str) -> str:
    """The text of a style sheet or script that is shipped in ``templates`` of ``package``."""
    return resources.files(package).joinpath("templates", name).read_text("utf-8")


def write_page(
    path: Path,
    template: str,
    *,
    package: str,
    filters: Mapping[str, Callable[..., str]],
    style: str,
    images: Sequence[str],
    mode: int,
    context: dict[str, Any],
    script: str = "",
) -> None:
    """Render ``template`` of ``package`` into ``path``, atomically, piece by piece.

    The page's Content-Security-Policy (W3C CSP Level 3) allows no request but for images from the sources ``images``,
    and no style or script but the given ones, each named by its SHA-256.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    from markupsafe import Markup

    rules = ["default-src 'none'", "base-uri 'none'", "form-action 'none'"]
    rules.append(f"img-src {' '.join(images)}" if images else "img-src 'none'")
    rules.append(f"style-src {_source(style)}")
    rules += [f"script-src {_source(script)}"] if script else []
    page = _environment(package, filters).get_template(template)
    # Both come from the package, and the policy above names their hashes: they must not be escaped.
    parts = {"csp": "; ".join(rules), "style": Markup(style), "script": Markup(script)}  # noqa: S704
    with atomic_text(path, mode=mode) as stream:
        for piece in page.generate(parts | context):
            stream.write(piece)


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _environment(package: str, filters: Mapping[str, Callable[..., str]]) -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=False,
        keep_trailing_newline=True,
    )
    environment.filters |= filters
    return environment
