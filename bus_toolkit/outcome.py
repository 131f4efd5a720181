"""How a scan ends: one of four outcomes, each with its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Every input ends in exactly one of these."""

    KEPT = "kept"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Reason:
    """Why. ``code`` is a stable slug (``"caliper"``, ``"truncated"``); ``detail`` is one plain sentence.

    Neither may hold anything private: both go into the report that may be given away.
    """

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """An outcome and its reasons; a kept scan may have none."""

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
