"""How figures are put into words, on pages, in tables and on the terminal alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.evaluation.metrics import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

NONE: Final = "–"  # noqa: RUF001 - an en dash stands for no value
_PERCENT: Final = {
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "ppv",
    "npv",
    "normal_misread",
    "normal_called_malignant",
    "sensitivity_at_95_specificity",
}
_BEST_HERE: Final = {"sensitivity_at_95_specificity"}
"""Figures that choose their threshold with the answers in view."""
_TITLES: Final = {
    "macro_auc": "macro AUC",
    "macro_f1": "macro F1",
    "auc_benign_malignant": "AUC benign against malignant",
    "auc": "AUC against the rest",
    "ppv": "PPV",
    "npv": "NPV",
    "f1": "F1",
    "brier": "Brier score",
    "sensitivity_at_95_specificity": "sensitivity at 95 % specificity",
    "normal_called_malignant": "normal scans called malignant",
    "normal_misread": "normal scans called something else",
}


def is_percent(name: str) -> bool:
    """Whether a figure is told in percent."""
    return not _PERCENT.isdisjoint(name.split("."))


def title(name: str) -> str:
    """A figure in words: ``sensitivity.malignant`` is ``sensitivity, malignant``."""
    kind, _, of = name.partition(".")
    words = _TITLES.get(kind, kind.replace("_", " "))
    if kind == "auc" and of:
        return f"AUC, {of} against the rest"
    return f"{words}, {of}" if of else words


def heading(name: str) -> str:
    """The same with a capital in front."""
    words = title(name)
    return words[:1].upper() + words[1:]


def meaning(name: str) -> str:
    """What a figure means, in a sentence without its end."""
    return MEANINGS.get(name.partition(".")[0], "")


def share(value: float | None) -> str:
    """A share in percent, one decimal; never ``0.0 %`` or ``100.0 %`` for what is merely close to it."""
    if value is None:
        return NONE
    if value in {0.0, 1.0}:
        return f"{100 * value:.0f} %"
    return f"{min(max(100 * value, 0.1), 99.9):.1f} %"


def plain(value: float | None) -> str:
    """A number to three places."""
    return NONE if value is None else f"{value:.3f}"


def points(value: float | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    return NONE if value is None else f"{100 * value:+.1f}"


def signed(value: float | None) -> str:
    """A difference to three places, with its sign."""
    return NONE if value is None else f"{value:+.3f}"


def figure(name: str, found: Mapping[str, Any]) -> str:
    """A figure with its interval: ``77.8 % (71.2 to 83.5)``."""
    say = share if is_percent(name) else plain
    if found["value"] is None:
        return NONE
    return say(found["value"]) if found["low"] is None else f"{say(found['value'])} ({reach(name, found)})"


def estimate(name: str, found: Mapping[str, Any]) -> str:
    """The figure without its interval."""
    return share(found["value"]) if is_percent(name) else plain(found["value"])


def reach(name: str, found: Mapping[str, Any]) -> str:
    """The interval alone, without unit: ``71.2 to 83.5``; empty when there is none."""
    if found["low"] is None:
        return ""
    say = share if is_percent(name) else plain
    return f"{say(found['low']).removesuffix(' %')} to {say(found['high']).removesuffix(' %')}"


def lacking(name: str, found: Mapping[str, Any]) -> str:
    """Why a figure has no interval: ``threshold chosen on these scans``; empty when it has one."""
    if found["value"] is None:
        return "not defined on these scans"
    if found["low"] is not None:
        return ""
    if name.partition(".")[0] in _BEST_HERE:
        return "threshold chosen on these scans"
    return "the same in every draw"


def interval(name: str, found: Mapping[str, Any]) -> str:
    """The interval in words, or why there is none: ``95 % interval 71.2 to 83.5``."""
    if found["value"] is None:
        return lacking(name, found)
    known = reach(name, found)
    return f"95 % interval {known}" if known else f"no interval: {lacking(name, found)}"


def spread(name: str, found: Mapping[str, Any]) -> str:
    """Mean and standard deviation over members: ``77.8 ± 1.2 %``."""
    if found["mean"] is None:
        return NONE
    factor, places, unit = (100, 1, " %") if is_percent(name) else (1, 3, "")
    mean = f"{factor * found['mean']:.{places}f}"
    return f"{mean}{unit}" if found["sd"] is None else f"{mean} ± {factor * found['sd']:.{places}f}{unit}"


def weights(pretrained: object) -> str:
    """How a run began: ``de novo``, ``pretrained``, or ``pretrained (FILE)``."""
    if not pretrained:
        return "de novo"
    return f"pretrained ({pretrained})" if isinstance(pretrained, str) else "pretrained"


def p_value(value: float | None) -> str:
    """A p-value as papers print it."""
    if value is None:
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004
