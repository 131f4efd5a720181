"""Runs stages over a scan, asks the policy, keeps the history, and never loses a scan."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, final

from bus_toolkit._version import __version__
from bus_toolkit.errors import ConfigError, EngineError, InputError
from bus_toolkit.outcome import Outcome, Reason, Verdict
from bus_toolkit.scan import Applied

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bus_toolkit.policy import Policy
    from bus_toolkit.scan import Scan
    from bus_toolkit.stage import Plan, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one scan ended.

    ``scan`` is the edited scan when it was kept and the policy writes pictures, otherwise None, so that pixels
    that were not cleaned cannot be written by mistake. ``cpu_ms`` is CPU time by stage name.
    """

    verdict: Verdict
    scan: Scan | None
    plans: tuple[Plan, ...] = ()
    cpu_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """Shorthand for ``verdict.outcome``."""
        return self.verdict.outcome


def failure(error: Exception) -> Verdict:
    """The verdict on a scan whose processing raised ``error``.

    A detector that cannot run leaves a picture that nobody vouches for: quarantined. Everything else has failed.
    Only the toolkit's own messages are repeated, for those of others may quote what they were given.
    """
    if isinstance(error, EngineError):
        return Verdict(outcome=Outcome.QUARANTINED, reasons=(Reason(code="detector-error", detail=str(error)),))
    if isinstance(error, InputError):
        return Verdict(outcome=Outcome.FAILED, reasons=(Reason(code=error.code, detail=str(error)),))
    detail = f"an unexpected {type(error).__name__} stopped the work on it"
    return Verdict(outcome=Outcome.FAILED, reasons=(Reason(code="unexpected", detail=detail),))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Stages in order under one policy.

    Stages that only look come first; the policy decides before the first stage that edits, and again on each
    edit's plan before it is done.

    Raises
    ------
    ConfigError
        When two stages have one name, or a stage that only looks comes after one that edits.
    """

    stages: tuple[Stage, ...]
    policy: Policy

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.stages]
        if len(set(names)) != len(names):
            msg = f"stages must have different names. Got {names}"
            raise ConfigError(msg)
        edits = [stage.edits for stage in self.stages]
        if edits != sorted(edits):
            msg = f"stages that look must come before stages that edit. Got {names}"
            raise ConfigError(msg)

    def inspect(self, scan: Scan) -> Result:
        """Look and decide, on the plan of the first edit too; change nothing."""
        return self._guarded(scan, edit=False)

    def run(self, scan: Scan) -> Result:
        """Look, decide, and edit what is kept. Never raises: an exception becomes this scan's verdict."""
        return self._guarded(scan, edit=self.policy.output.pictures)

    def edit(self, scan: Scan, plans: Sequence[Plan]) -> Scan:
        """Do once more what :meth:`run` planned and did, to other frames of the same clip; no history is kept.

        Raises
        ------
        ConfigError
            When a stage that edits has no plan among ``plans``.
        """
        by_name = {plan.stage: plan for plan in plans}
        for stage in self.stages:
            if not stage.edits:
                continue
            if stage.name not in by_name:
                msg = f"each stage that edits must have a plan. Got none of {stage.name}"
                raise ConfigError(msg)
            scan = stage.apply(scan, by_name[stage.name])
        return scan

    def describe(self) -> Iterator[str]:
        """One sentence for each thing that a run does, in order."""
        for stage in self.stages:
            if not stage.edits:
                yield from stage.describe()
        yield from self.policy.describe()
        if self.policy.output.pictures:
            for stage in self.stages:
                if stage.edits:
                    yield from stage.describe()

    def _guarded(self, scan: Scan, *, edit: bool) -> Result:
        plans: list[Plan] = []
        cpu_ms: dict[str, float] = {}
        try:
            verdict, edited = self._steps(scan, plans, cpu_ms, edit=edit)
        except Exception as error:  # noqa: BLE001  one scan's trouble must not end the run
            verdict, edited = failure(error), None
        return Result(verdict=verdict, scan=edited, plans=tuple(plans), cpu_ms=cpu_ms)

    def _steps(
        self, scan: Scan, plans: list[Plan], cpu_ms: dict[str, float], *, edit: bool
    ) -> tuple[Verdict, Scan | None]:
        verdict = Verdict(outcome=Outcome.KEPT)
        for stage in self.stages:
            if stage.edits:
                verdict = self.policy.decide(plans)
                if verdict.outcome is not Outcome.KEPT:
                    return verdict, None
            started = time.process_time()
            plans.append(stage.examine(scan, tuple(plans)))
            if stage.edits:
                verdict = self.policy.decide(plans)
                if verdict.outcome is not Outcome.KEPT or not edit:
                    return verdict, None
                scan = self._apply(stage, scan, plans[-1])
            cpu_ms[stage.name] = 1000 * (time.process_time() - started)
        return self.policy.decide(plans), scan if edit else None

    @staticmethod
    def _apply(stage: Stage, scan: Scan, plan: Plan) -> Scan:
        after = stage.apply(scan, plan)
        # The params that hold masks are already in the plan; the history names them without repeating them.
        params = {key: value for key, value in plan.params.items() if not isinstance(value, dict)}
        line = Applied(
            stage=stage.name,
            params=params,
            version=__version__,
            digest_before=scan.digest(),
            digest_after=after.digest(),
        )
        return replace(after, history=(*scan.history, line))
