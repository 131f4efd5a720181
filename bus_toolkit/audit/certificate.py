"""The certificate as files: JSON for machines, and one page to print and sign."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.atomic import PUBLIC_MODE, atomic_text
from bus_toolkit.audit.pages import asset, house_style, write_page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

JSON_NAME: Final = "certificate.json"
PAGE_NAME: Final = "certificate.html"


def write_certificate(folder: Path, certificate: Mapping[str, Any]) -> None:
    """Write ``certificate.json`` and ``certificate.html`` into ``folder``, each atomically.

    Raises
    ------
    OSError
        When one of them cannot be written.
    """
    with atomic_text(folder / JSON_NAME) as stream:
        json.dump(certificate, stream, indent=2, ensure_ascii=True)
        stream.write("\n")
    style = house_style() + asset("certificate.css.html")
    context = {"cert": certificate, "seal": certificate.get("seal", "")}
    write_page(
        folder / PAGE_NAME, "certificate.html", style=style, images=["'none'"], mode=PUBLIC_MODE, context=context
    )
