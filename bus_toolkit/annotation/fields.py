"""The fields of an annotation: closed vocabularies and numbers, never free text."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
DECIMALS: Final = 2
"""Decimals of a millimetre that a length may have: more would be a place to hide something in."""


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
        0 to 250, in hundredths.
    orientation
        Of the probe.
    region
        A place beside the quadrants.
    measurements_mm
        Lengths beside or below calipers in reading order, above 0 and at most 200, in hundredths, twelve at most.
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
        if distance is not None and not (_is_length(distance) and 0 <= distance <= MOST_DISTANCE):
            msg = f"distance_from_nipple_mm must be 0 to {MOST_DISTANCE:g}, in hundredths. Got something else"
            raise ValueError(msg)
        lengths = self.measurements_mm
        good = isinstance(lengths, tuple) and all(_is_length(one) and 0 < one <= MOST_LENGTH for one in lengths)
        if not good or len(lengths) > MOST_MEASUREMENTS:
            most = f"{MOST_MEASUREMENTS} lengths in hundredths, above 0 and at most {MOST_LENGTH:g}"
            msg = f"measurements_mm must be at most {most}. Got something else"
            raise ValueError(msg)

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return any(getattr(self, item.name) not in {None, ()} for item in fields(self))

    def columns(self) -> dict[str, str]:
        """The fields as the cells of a table: numbers without needless noughts, measurements parted by ``;``."""
        distance = self.distance_from_nipple_mm
        return {
            **{item.name: getattr(self, item.name) or "" for item in fields(self)},
            "distance_from_nipple_mm": "" if distance is None else written(distance),
            "measurements_mm": ";".join(written(length) for length in self.measurements_mm),
        }

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types: null where it says nothing, measurements as a list."""
        return {**asdict(self), "measurements_mm": list(self.measurements_mm)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Annotation:
        """Inverse of :meth:`to_json`; a field that is missing is empty.

        Raises
        ------
        ValueError
            When a field holds what its vocabulary or range does not.
        """
        known = {item.name: data[item.name] for item in fields(cls) if item.name in data}
        return cls(**{**known, "measurements_mm": tuple(known.get("measurements_mm", ()))})


def written(length: float) -> str:
    """A length as a cell holds it: at most two decimals, no needless noughts."""
    return f"{length:.{DECIMALS}f}".rstrip("0").rstrip(".")


def _is_length(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isfinite(value) and round(value, DECIMALS) == value


GENERAL: Final = {
    "post_procedure": frozenset(get_args(Procedure)) - {"post_procedure"},
    "biopsy": frozenset({"clip"}),
    "aspiration": frozenset({"fine_needle_aspiration"}),
}
"""Procedures that say less than others: beside one of those they are no contradiction, as in ``POST BX CLIP``."""
COLUMNS: Final = tuple(Annotation().columns())
"""Names of the columns, in the order of a table."""


def merge(parts: Iterable[Annotation]) -> Annotation:
    """One annotation of several: what parts agree on. Where two contradict each other the field is empty.

    A word that says less than another contradicts nothing: ``biopsy`` beside ``clip``. The sides ``left`` and ``right``
    together are a contradiction, not ``bilateral``: a scan that shows both is labelled twice, and a guess would put a
    lesion on the wrong side.
    """
    known = tuple(parts)
    agreed = {}
    for field in fields(Annotation):
        if field.name == "measurements_mm":
            continue
        said = {getattr(part, field.name) for part in known} - {None}
        said -= {word for word in said if GENERAL.get(word, frozenset()) & said}
        agreed[field.name] = said.pop() if len(said) == 1 else None
    lengths = tuple(length for part in known for length in part.measurements_mm)[:MOST_MEASUREMENTS]
    return Annotation(**agreed, measurements_mm=lengths)
