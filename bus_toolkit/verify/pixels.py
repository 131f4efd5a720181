"""A second look for text, in what was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bus_toolkit.deidentify.leak import Leak
from bus_toolkit.stage import Kind

if TYPE_CHECKING:
    from bus_toolkit.deidentify import Identifiers
    from bus_toolkit.io import Source
    from bus_toolkit.overlays import FindText


def look_again(source: Source, finder: FindText, identifiers: Identifiers) -> list[Leak]:
    """Text that is seen in the pixels of a written file, read again, and what it resembles.

    Text that was recognised is compared with the identifiers of the source
    (:meth:`~bus_toolkit.deidentify.Identifiers.resembles`), also where it is too weak to be a finding: a faint name
    over tissue is still a name.

    Raises
    ------
    EngineError
        When the text finder cannot look; then nobody vouches for the pixels.
    """
    plan, doubts = finder.look(source.scan)
    leaks = [Leak(what="text", where="pixels") for finding in plan.findings if finding.kind is Kind.TEXT]
    if any(identifiers.resembles(text) for text in (*doubts, *(finding.text for finding in plan.findings))):
        leaks.append(Leak(what="identifier", where="pixels"))
    return list(dict.fromkeys(leaks))
