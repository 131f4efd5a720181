"""The contract of a stage: look (evidence), then do (edit). Verdicts are the policy's alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from bus_toolkit.errors import ConfigError
from bus_toolkit.geometry import Box, Fan, Mask, Polygon, decode_mask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bus_toolkit.scan import Scan

OPERATING_POINT = 0.5
"""Detectors scale their score so that their chosen operating point is here."""


class Kind(StrEnum):
    """What can be seen on a scan. The value is what findings files, policies and tables say."""

    TEXT = "text"
    LOGO = "logo"
    CALIPER = "caliper"
    OUTLINE = "outline"
    MASK = "mask"
    BODYMARK = "bodymark"
    SCALE = "scale"
    GREY_BAR = "grey_bar"
    GRAPHIC = "graphic"
    DOPPLER = "doppler"
    ELASTOGRAPHY = "elastography"
    DUAL_VIEW = "dual_view"
    MMODE = "mmode"
    SPECTRAL = "spectral"
    BLANK = "blank"
    NOT_ULTRASOUND = "not_ultrasound"
    PHOTO = "photo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was seen.

    Attributes
    ----------
    kind
        See :class:`Kind`.
    box
        Around it, in pixels of the array that was examined; None when seen but not located.
    score
        0 to 1. What it means is documented where the detector is.
    detector
        Names the code that saw it, such as ``"rapidocr"``. Several are joined by ``"+"``.
    polygon
        A closer outline, or None.
    text
        Recognised characters. Private: it is never in a repr, a log, a report or a findings file.
    """

    kind: Kind
    box: Box | None
    score: float
    detector: str
    polygon: Polygon | None = None
    text: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            msg = f"a score must be between 0 and 1. Got {self.score}"
            raise ConfigError(msg)

    def to_json(self, *, private: bool = False) -> dict[str, Any]:
        """Plain JSON types. Recognised text goes in only with ``private=True`` (for the private folder)."""
        data: dict[str, Any] = {
            "kind": str(self.kind),
            "box": self.box.as_list() if self.box else None,
            "score": round(self.score, 4),
            "detector": self.detector,
        }
        if self.polygon is not None:
            data["polygon"] = [list(point) for point in self.polygon]
        if private and self.text:
            data["text"] = self.text
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Finding:
        """Inverse of :meth:`to_json`."""
        polygon = data.get("polygon")
        return cls(
            kind=Kind(data["kind"]),
            box=Box.from_list(data["box"]) if data["box"] is not None else None,
            score=float(data["score"]),
            detector=str(data["detector"]),
            polygon=tuple((float(r), float(c)) for r, c in polygon) if polygon is not None else None,
            text=str(data.get("text", "")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a stage saw and what it would do about it. Survives a JSON round trip.

    ``params`` holds plain JSON only. By convention a fan is under ``"fan"`` (:meth:`Fan.to_json`) and the exact
    pixels of drawn things under ``"masks"``: ``{kind: encode_mask(mask)}``, mask True on what was drawn; where a
    kind has no mask, its boxes are the mask.
    """

    stage: str
    findings: tuple[Finding, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self, *, private: bool = True) -> dict[str, Any]:
        """Plain JSON types; ``private=False`` leaves recognised text out."""
        return {
            "stage": self.stage,
            "findings": [finding.to_json(private=private) for finding in self.findings],
            "params": dict(self.params),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """Inverse of :meth:`to_json`."""
        return cls(
            stage=str(data["stage"]),
            findings=tuple(Finding.from_json(item) for item in data["findings"]),
            params=dict(data["params"]),
        )


@runtime_checkable
class Stage(Protocol):
    """One step. Implementations are frozen dataclasses, final, validated on construction.

    ``name`` is stable and unique. ``edits`` tells whether :meth:`apply` may change pixels: the pipeline asks the
    policy for its verdict before the first stage that edits.
    """

    @property
    def name(self) -> str:
        """Stable and unique, such as ``"find-text"``."""
        ...

    @property
    def edits(self) -> bool:
        """Whether :meth:`apply` may change pixels."""
        ...

    def examine(self, scan: Scan, seen: Sequence[Plan] = ()) -> Plan:
        """Look; touch nothing. May be slow, may use a model.

        ``seen`` are the plans of the stages before it, on the same pixels; a stage used alone gets none and
        finds out for itself what it needs.
        """
        ...

    def apply(self, scan: Scan, plan: Plan) -> Scan:
        """Do what the plan says: pure, deterministic, no model, no I/O."""
        ...

    def describe(self) -> Iterator[str]:
        """One plain sentence for each thing that it does."""
        ...


def fan_of(plans: Sequence[Plan]) -> Fan | None:
    """The fan that an earlier stage found, or None."""
    for plan in reversed(plans):
        if plan.params.get("fan") is not None:
            return Fan.from_json(plan.params["fan"])
    return None


def findings_of(plans: Sequence[Plan]) -> tuple[Finding, ...]:
    """Everything that was seen, in the order of the stages."""
    return tuple(finding for plan in plans for finding in plan.findings)


def masks_of(plans: Sequence[Plan], kind: Kind) -> list[Mask]:
    """The exact masks of one kind that earlier stages left, True on what was drawn."""
    found = [plan.params.get("masks", {}).get(str(kind)) for plan in plans]
    return [decode_mask(item) for item in found if item is not None]
