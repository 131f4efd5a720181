"""The fields of an annotation: closed vocabularies and numbers, never free text."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable

Laterality = Literal["left", "right", "bilateral"]
Quadrant = Literal["upper_outer", "upper_inner", "lower_outer", "lower_inner"]
Orientation = Literal["radial", "antiradial", "transverse", "sagittal", "oblique"]
Region = Literal["axilla", "nipple", "subareolar", "inframammary", "parasternal", "supraclavicular", "infraclavicular"]
Procedure = Literal["biopsy", "fine_needle_aspiration", "aspiration", "clip", "wire_localisation", "post_procedure"]

VOCABULARY: Final[dict[str, frozenset[str]]] = {
    "laterality": frozenset(get_args(Laterality)),
    "quadrant": frozenset(get_args(Quadrant)),
    "orientation": frozenset(get_args(Orientation)),
    "region": frozenset(get_args(Region)),
    "procedure": frozenset(get_args(Procedure)),
}
"""Every word that a field may hold."""
CLOCK: Final = frozenset(f"{hour}:{minute}" for hour in range(1, 13) for minute in ("00", "30"))
"""Every clock position: hours and half hours."""
MOST_DISTANCE: Final = 250.0
"""Farthest from the nipple, in millimetres; what is read as more was misread."""
MOST_LENGTH: Final = 200.0
"""Longest measurement of a lesion, in millimetres; what is read as more was misread."""
MOST_MEASUREMENTS: Final = 12
"""Most measurements of one scan: a limit to what may reach a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """What one scan says of itself. None, or nothing, where it says nothing or contradicts itself.

    Attributes
    ----------
    laterality
        The side of the body.
    clock
        Position on the breast as on a clock face, hours and half hours: ``"1:00"`` to ``"12:30"``.
    quadrant
        Of the breast.
    distance_from_nipple_mm
        0 to 250.
    orientation
        Of the probe.
    region
        A place beside the quadrants.
    measurements_mm
        Lengths beside or below calipers in reading order, above 0 and at most 200, twelve at most.
    procedure
        What was done, or is being done, under sight.

    Raises
    ------
    ValueError
        When a field holds what its vocabulary or range does not.
    """

    laterality: Laterality | None = None
    clock: str | None = None
    quadrant: Quadrant | None = None
    distance_from_nipple_mm: float | None = None
    orientation: Orientation | None = None
    region: Region | None = None
    measurements_mm: tuple[float, ...] = ()
    procedure: Procedure | None = None

    def __post_init__(self) -> None:
        for name, words in VOCABULARY.items():
            if getattr(self, name) not in {None, *words}:
                msg = f"{name} must be one of {', '.join(sorted(words))}. Got another word"
                raise ValueError(msg)
        if self.clock not in {None, *CLOCK}:
            msg = "clock must be an hour or half hour, 1:00 to 12:30. Got something else"
            raise ValueError(msg)
        distance = self.distance_from_nipple_mm
        if distance is not None and not 0 <= distance <= MOST_DISTANCE:
            msg = f"distance_from_nipple_mm must be 0 to {MOST_DISTANCE:g}. Got {distance:g}"
            raise ValueError(msg)
        lengths = self.measurements_mm
        if len(lengths) > MOST_MEASUREMENTS or not all(0 < length <= MOST_LENGTH for length in lengths):
            most = f"{MOST_MEASUREMENTS} lengths, above 0 and at most {MOST_LENGTH:g}"
            msg = f"measurements_mm must be at most {most}. Got {len(lengths)} lengths"
            raise ValueError(msg)

    def columns(self) -> dict[str, str]:
        """The fields as the cells of a table: numbers without needless noughts, measurements parted by ``;``."""
        lengths = ";".join(f"{length:.4g}" for length in self.measurements_mm)
        distance = self.distance_from_nipple_mm
        return {
            **{name.name: getattr(self, name.name) or "" for name in fields(self)},
            "distance_from_nipple_mm": "" if distance is None else f"{distance:.4g}",
            "measurements_mm": lengths,
        }


COLUMNS: Final = tuple(Annotation().columns())
"""Names of the columns, in the order of a table."""


def merge(parts: Iterable[Annotation]) -> Annotation:
    """One annotation of several: what parts agree on. Where two contradict each other the field is empty.

    The sides ``left`` and ``right`` together are a contradiction, not ``bilateral``: a scan that shows both is
    labelled twice, and a guess would put a lesion on the wrong side.
    """
    known = tuple(parts)
    agreed = {}
    for field in fields(Annotation):
        if field.name == "measurements_mm":
            continue
        said = {getattr(part, field.name) for part in known} - {None}
        agreed[field.name] = said.pop() if len(said) == 1 else None
    lengths = tuple(length for part in known for length in part.measurements_mm)[:MOST_MEASUREMENTS]
    return Annotation(**agreed, measurements_mm=lengths)
