"""What a check reports: what kind of thing was found and where, never the thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One find.

    Attributes
    ----------
    what
        ``"name"``, ``"id"``, ``"date"``, ``"uid"``: an identifier of the source; ``"identifier"``: any of them;
        ``"text"``: text seen in pixels; ``"structure"``: something that must not be there, whatever it says.
    where
        A place out of a closed vocabulary, such as ``"attribute PatientComments"``, ``"file meta"``, ``"pixel data"``.
    """

    what: str
    where: str
