"""How numbers, labels and warnings are put into words, on pages and on the terminal alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_FIRST_LABELS: Final = ("benign", "malignant", "normal")
_LAST_LABEL: Final = "unlabelled"
_MINUTE: Final = 60
_HOUR: Final = 3600


def order_labels(labels: Iterable[str]) -> list[str]:
    """The usual labels first, the others by name, what has none last."""
    rank = {label: number for number, label in enumerate(_FIRST_LABELS)} | {_LAST_LABEL: len(_FIRST_LABELS) + 1}
    return sorted(labels, key=lambda label: (rank.get(label, len(_FIRST_LABELS)), label))


def warnings_of(summary: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What a reader must know first: ``stop`` (whether it is grave), ``title``, ``text``."""
    if not summary["anonymised"]:
        yield {
            "stop": True,
            "title": "Not anonymised.",
            "text": "Names of files were kept, and what lies outside the sector may be there still. "
            "Do not give this folder away; run with --anonymise for that.",
        }
    quarantined, failed = (summary["outcomes"][name] for name in ("quarantined", "failed"))
    if quarantined:
        yield {
            "stop": False,
            "title": f"{quarantined} quarantined.",
            "text": "A person has to look at them: review.html in the private folder beside this one shows them first.",
        }
    if failed:
        yield {
            "stop": False,
            "title": f"{failed} failed.",
            "text": "Nothing was written for them; the table of reasons says why.",
        }
    if not summary["inputs"]:
        yield {"stop": False, "title": "Nothing to do.", "text": "No input was found."}


def count(value: int) -> str:
    """A whole number with a thin space between thousands."""
    return f"{value:,}".replace(",", "\u2009")


def percent(value: int, whole: int) -> str:
    """``value`` of ``whole`` in percent; never ``0 %`` or ``100 %`` for what is merely close to it."""
    if not whole:
        return "0 %"
    share = 100 * value / whole
    decimals = 0 if share in {0.0, 100.0} else 1
    near = min(max(share, 0.1), 99.9) if decimals else share
    return f"{near:.{decimals}f} %"


def duration(seconds: float) -> str:
    """Seconds in words that fit their size."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def option(value: object) -> str:
    """The value of an option as one would say it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "default" if value is None else str(value)


def sentence(text: str) -> str:
    """The same text with a capital in front."""
    return text[:1].upper() + text[1:]
