"""What shall happen to what was seen. The only place where findings become verdicts.

A policy is one frozen tree read from one TOML file. An unknown key is an error, there are no environment variables
and no module-level switches. Shipped policies are in :mod:`bus_toolkit.policies`.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import asdict, dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bus_toolkit.errors import ConfigError
from bus_toolkit.outcome import Outcome, Reason, Verdict
from bus_toolkit.profile import Dates, Profile
from bus_toolkit.stage import OPERATING_POINT, Kind, fan_of, findings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bus_toolkit.stage import Finding, Plan

DEFAULT_POLICY = "york"

SENTENCES: dict[Kind, str] = {
    Kind.TEXT: "text is drawn on the picture",
    Kind.LOGO: "a vendor's logo is drawn on the picture",
    Kind.CALIPER: "a caliper is drawn on the picture",
    Kind.OUTLINE: "an outline is drawn on the picture",
    Kind.MASK: "part of the picture is painted over in one colour",
    Kind.BODYMARK: "a body mark is drawn on the picture",
    Kind.SCALE: "a depth scale is drawn on the picture",
    Kind.GREY_BAR: "a grey or colour bar is drawn on the picture",
    Kind.GRAPHIC: "something else is drawn on the picture",
    Kind.DOPPLER: "it shows colour flow or its box",
    Kind.ELASTOGRAPHY: "it shows elastography",
    Kind.DUAL_VIEW: "it shows two views side by side",
    Kind.MMODE: "it shows an M-mode trace",
    Kind.SPECTRAL: "it shows a spectral trace",
    Kind.BLANK: "it shows hardly any echo",
    Kind.NOT_ULTRASOUND: "it does not look like ultrasound",
    Kind.PHOTO: "it is a photo of a screen",
}
"""What a finding of each kind means, for reasons and for ``bus-clean explain``."""


def _check_fraction(name: str, value: object) -> None:
    # A score comes from a table whose values nobody has looked at yet.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        msg = f"{name} must be between 0 and 1. Got {value!r}"
        raise ConfigError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRules:
    """Which findings decide what.

    ``min_score`` lowers or raises the score (0 to 1) from which a finding of a kind counts; 0.5 where it says
    nothing. A kind that is listed nowhere decides nothing.
    """

    reject: tuple[Kind, ...] = ()
    quarantine: tuple[Kind, ...] = ()
    min_score: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        both = set(self.reject) & set(self.quarantine)
        if both:
            msg = f"a kind must be in reject or in quarantine, not in both. Got {sorted(both)}"
            raise ConfigError(msg)
        for kind, score in self.min_score.items():
            if kind not in {str(item) for item in Kind}:
                msg = f"verdict.min_score must name kinds among {', '.join(Kind)}. Got {kind!r}"
                raise ConfigError(msg)
            _check_fraction(f"verdict.min_score.{kind}", score)


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRules:
    """What is painted over, and how.

    ``radius`` is Telea's, in pixels: 8 comes nearer to the tissue than 3 under whole boxes of text, and 3 nearer under
    thin lines (docs/explanation/fill.md). ``grow`` widens the mask by that many pixels; a scan of which more than
    ``max_fraction`` of the fan would be painted is quarantined, for what is left is no longer the patient's tissue.
    """

    kinds: tuple[Kind, ...] = ()
    radius: int = 8
    grow: int = 2
    max_fraction: float = 0.1

    def __post_init__(self) -> None:
        for name, low, high in (("radius", 1, 50), ("grow", 0, 20)):
            if not low <= getattr(self, name) <= high:
                msg = f"fill.{name} must be between {low} and {high}. Got {getattr(self, name)}"
                raise ConfigError(msg)
        _check_fraction("fill.max_fraction", self.max_fraction)


@dataclass(frozen=True, slots=True, kw_only=True)
class FanRules:
    """Whether PNG output is cropped to the fan, and how many pixels of margin stay around it."""

    crop: bool = True
    margin: int = 0

    def __post_init__(self) -> None:
        if self.margin < 0:
            msg = f"fan.margin must be 0 or more. Got {self.margin}"
            raise ConfigError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRules:
    """What is written.

    ``pictures = false`` writes evidence and reports only, no pixels; ``annotations = false`` leaves the columns of the
    manifest empty that tell what operators wrote on a scan.
    """

    pictures: bool = True
    annotations: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything that a run decides by. See the module's docstring."""

    name: str
    summary: str = ""
    verdict: VerdictRules = field(default_factory=VerdictRules)
    fill: FillRules = field(default_factory=FillRules)
    fan: FanRules = field(default_factory=FanRules)
    output: OutputRules = field(default_factory=OutputRules)
    deidentify: Profile = field(default_factory=Profile)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        data: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        return data

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of the canonical JSON; goes into every run.

        A switch that came later is left out where it is at its default: a policy that nobody changed keeps its hash,
        and an output that was begun before can be gone on with.
        """
        data = self.to_dict()
        if self.output.annotations:
            del data["output"]["annotations"]
        canonical = json.dumps(data, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def counts(self, finding: Finding) -> bool:
        """Whether a finding's score is high enough to decide anything."""
        return finding.score >= self.verdict.min_score.get(str(finding.kind), OPERATING_POINT)

    def decide(self, plans: Sequence[Plan]) -> Verdict:
        """The verdict on a scan with these plans.

        Quarantine wins over rejection: who looks at it can still reject it. Too much of the fan to be painted is
        quarantine under every policy, and so is no fan, unless the scan is rejected anyway.
        """
        seen = {finding.kind for finding in findings_of(plans) if self.counts(finding)}
        doubts = [Reason(code=str(kind), detail=SENTENCES[kind]) for kind in self.verdict.quarantine if kind in seen]
        doubts += self._doubts(plans)
        if doubts:
            return Verdict(outcome=Outcome.QUARANTINED, reasons=tuple(doubts))
        rejects = [Reason(code=str(kind), detail=SENTENCES[kind]) for kind in self.verdict.reject if kind in seen]
        if rejects:
            return Verdict(outcome=Outcome.REJECTED, reasons=tuple(rejects))
        return Verdict(outcome=Outcome.KEPT)

    def _doubts(self, plans: Sequence[Plan]) -> Iterator[Reason]:
        looked = any("fan" in plan.params for plan in plans)
        seen = {finding.kind for finding in findings_of(plans) if self.counts(finding)}
        if looked and fan_of(plans) is None and not seen & set(self.verdict.reject):
            yield Reason(code="no-fan", detail="the ultrasound sector could not be found")
        painted = max((float(plan.params.get("filled_fraction_of_fan", 0.0)) for plan in plans), default=0.0)
        if painted > self.fill.max_fraction:
            yield Reason(code="too-much-fill", detail="more of the tissue would be painted over than the policy allows")

    def describe(self) -> Iterator[str]:
        """One plain sentence for each thing that the policy decides."""
        for kind in self.verdict.quarantine:
            yield f"Quarantine a scan when {SENTENCES[kind]}."
        for kind in self.verdict.reject:
            yield f"Reject a scan when {SENTENCES[kind]}."
        yield "Quarantine a scan that a detector could not look at, or whose ultrasound sector cannot be found."
        if not self.output.pictures:
            yield "Write no pictures: only the manifest and the reports of what would be done."
            return
        yield (
            f"Quarantine a scan when more than {100 * self.fill.max_fraction:g} % of its sector would be painted over."
        )


_WORD = re.compile(r"[a-z]+(-[a-z]+)?")
_Rules = TypeVar("_Rules", VerdictRules, FillRules, FanRules, OutputRules, Profile)


def _kinds(where: str, values: Any) -> tuple[Kind, ...]:  # noqa: ANN401
    try:
        return tuple(Kind(value) for value in values)
    except (ValueError, TypeError) as error:
        msg = f"{where} must list kinds among {', '.join(Kind)}. Got {values!r}"
        raise ConfigError(msg) from error


def _section(cls: type[_Rules], name: str, data: Any) -> _Rules:  # noqa: ANN401
    known = {item.name: item for item in fields(cls)}
    if not isinstance(data, dict) or set(data) - set(known):
        got = sorted(set(data) - set(known)) if isinstance(data, dict) else type(data).__name__
        msg = f"[{name}] of a policy must hold only {', '.join(known)}. Got {got}"
        raise ConfigError(msg)
    defaults = cls()
    values: dict[str, Any] = {}
    for key, value in data.items():
        default = getattr(defaults, key)
        if isinstance(default, tuple):
            values[key] = _kinds(f"{name}.{key}", value)
        elif isinstance(default, float) and type(value) in {int, float}:
            values[key] = float(value)
        elif type(value) is (str if isinstance(default, Dates) else type(default)):
            values[key] = value
        else:
            msg = f"{name}.{key} must be of type {type(default).__name__}. Got {value!r}"
            raise ConfigError(msg)
    return cls(**values)


_SECTIONS: dict[str, type[Any]] = {
    "verdict": VerdictRules,
    "fill": FillRules,
    "fan": FanRules,
    "output": OutputRules,
    "deidentify": Profile,
}


def parse_policy(text: str) -> Policy:
    """Read a policy from TOML text.

    Raises
    ------
    ConfigError
        On bad TOML, an unknown key or a value of the wrong type or range.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"a policy must be valid TOML. Got an error: {error}"
        raise ConfigError(msg) from error
    unknown = set(data) - set(_SECTIONS) - {"name", "summary"}
    if unknown:
        msg = f"a policy must hold only name, summary, {', '.join(_SECTIONS)}. Got {sorted(unknown)}"
        raise ConfigError(msg)
    name, summary = data.get("name"), data.get("summary", "")
    if not isinstance(name, str) or not name or not isinstance(summary, str):
        msg = "a policy must have a name, and a summary that is text if any. Got something else"
        raise ConfigError(msg)
    sections = {key: _section(cls, key, data[key]) for key, cls in _SECTIONS.items() if key in data}
    return Policy(name=name, summary=summary, **sections)


def shipped_policies() -> tuple[str, ...]:
    """Names of the policies inside the package."""
    folder = resources.files("bus_toolkit.policies")
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


def load_policy(name: str | Path = DEFAULT_POLICY) -> Policy:
    """Read a shipped policy by name, or a TOML file by path.

    Raises
    ------
    ConfigError
        When there is no such policy, or as :func:`parse_policy`.
    """
    if str(name) in shipped_policies():
        return parse_policy(resources.files("bus_toolkit.policies").joinpath(f"{name}.toml").read_text("utf-8"))
    path = Path(name)
    if not path.is_file():
        # A misspelt name helps when it is told again; a path may hold a person's.
        got = repr(str(name)) if _WORD.fullmatch(str(name)) else "a path where there is none"
        msg = f"a policy must be one of {', '.join(shipped_policies())}, or a TOML file that exists. Got {got}"
        raise ConfigError(msg)
    try:
        return parse_policy(path.read_text("utf-8"))
    except UnicodeDecodeError as error:
        msg = "a policy must be UTF-8 text. Got something else"
        raise ConfigError(msg) from error
