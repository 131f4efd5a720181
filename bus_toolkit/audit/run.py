"""The run summary: what one run did, in numbers that may be given away; ``run.json`` and the report come from it."""

from __future__ import annotations

import json
import platform
import re
from collections import Counter, defaultdict
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.annotation.fields import COLUMNS, VOCABULARY
from bus_toolkit.atomic import atomic_text
from bus_toolkit.errors import OutputError
from bus_toolkit.outcome import Outcome
from bus_toolkit.stage import findings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from bus_toolkit.annotation import Annotation
    from bus_toolkit.record import Record

SCHEMA: Final = "bus_toolkit/run/1"
LIBRARIES: Final = (
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "pillow",
    "pydicom",
    "pyjpegls",
    "pylibjpeg-openjpeg",
    "pylibjpeg-rle",
    "python-gdcm",
    "rapidocr",
    "easyocr",
)
"""Distributions whose version can change a pixel or a finding."""
_PLAIN = re.compile(r"[A-Za-z0-9._+-]{0,64}\Z")
GIVEN: Final = "given"
"""Under this word numbers are counted that operators gave."""
_DIGITS = 3


class _Tally:
    """Counts records one at a time, so that they need not all be in memory."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.labels: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.media: Counter[str] = Counter()
        self.reasons: Counter[tuple[str, str]] = Counter()
        self.details: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.scans_with: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()
        self.patients: set[str] = set()
        self.groups: Counter[str] = Counter()
        self.files: Counter[str] = Counter()
        self.annotated = 0
        self.annotations: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.cpu_ms: defaultdict[str, float] = defaultdict(float)
        self.timed: Counter[str] = Counter()

    def add(self, record: Record, group: str) -> None:
        outcome = str(record.outcome)
        self.outcomes[outcome] += 1
        self.labels[record.label][outcome] += 1
        self.media[record.media or "unknown"] += 1
        for code, detail in {reason.code: reason.detail for reason in record.reasons}.items():
            self.reasons[outcome, code] += 1
            self.details[outcome, code][detail] += 1
        kinds = Counter(str(finding.kind) for finding in findings_of(record.plans))
        self.findings.update(kinds)
        self.scans_with.update(dict.fromkeys(kinds, 1))
        self.patients.update({record.patient} - {""})
        self.groups.update([group] if group else [])
        self.files.update(name for name in ("image", "dicom") if getattr(record, name))
        self._add_annotation(record.published_annotation)
        for stage, spent in record.cpu_ms.items():
            self.cpu_ms[stage] += spent
        self.timed.update(dict.fromkeys(record.cpu_ms, 1))

    def _add_annotation(self, said: Annotation) -> None:
        """Words are counted one by one, numbers only as given: how often a length occurs tells nothing of a run."""
        self.annotated += bool(said)
        for name, cell in said.columns().items():
            if cell:
                self.annotations[name][cell if name in VOCABULARY or name == "clock" else GIVEN] += 1


def run_summary(  # noqa: PLR0913 - each is one fact of a run, by keyword
    records: Iterable[Record],
    *,
    inputs: int,
    policy: str,
    policy_hash: str,
    version: str,
    options: Mapping[str, object],
    seconds: float,
    anonymised: bool,
    worked: int | None = None,
    key_fingerprint: str = "",
    sentences: Sequence[str] = (),
    groups: Mapping[str, str] | None = None,
    aside: Mapping[str, int] | None = None,
    peak_mib: float | None = None,
) -> dict[str, Any]:
    """Sum up one run as plain JSON types, with nothing private: no path, no host, no user, no recognised text.

    Parameters
    ----------
    records
        One per input; read once. Private parts of them are not looked at.
    inputs
        How many inputs were found; the records must be as many.
    policy, policy_hash, sentences
        Name and hash of the effective policy, and what it does in plain sentences.
    version
        Of the toolkit.
    options
        What the run was called with. Flags, numbers and short words are kept; of anything else, a path for
        instance, only the fact that it was given.
    seconds, worked
        Wall time of this run, and how many inputs it worked on (those done earlier are not done again); all of them
        when None.
    anonymised
        Whether names were replaced by pseudonyms.
    key_fingerprint
        Of the key that made the pseudonyms; tells whether two outputs share it, and nothing about it.
    groups
        Group of near-duplicates by ``Record.id``; the same that go into the manifest.
    aside
        Files that were recognised and are no scans, by what they are, such as ``{"companion mask": 12}``.
    peak_mib
        Peak memory of all processes together in MiB, when it was measured.

    Raises
    ------
    OutputError
        When ``inputs`` is not the sum of the outcomes, or two records are of one input or have one id.
    """
    tally, files, ids = _Tally(), set[str](), set[str]()
    for record in records:
        files.add(record.file)
        ids.add(record.id)
        tally.add(record, (groups or {}).get(record.id, ""))
    total = tally.outcomes.total()
    if not inputs == total == len(files) == len(ids):
        got = f"{inputs} inputs, {total} outcomes, {len(files)} different inputs, {len(ids)} different ids"
        msg = f"inputs must equal the sum of their outcomes, each input counted once. Got {got}"
        raise OutputError(msg)
    return {
        "schema": SCHEMA,
        "version": version,
        "python": platform.python_version(),
        "libraries": _libraries(),
        "anonymised": anonymised,
        "policy": {"name": _plain(policy), "sha256": policy_hash, "sentences": list(sentences)},
        "key_fingerprint": key_fingerprint,
        "options": {name: _plain(value) for name, value in sorted(options.items())},
        "inputs": inputs,
        "outcomes": _by_outcome(tally.outcomes),
        "labels": {label: _by_outcome(counts) for label, counts in sorted(tally.labels.items())},
        "media": dict(sorted(tally.media.items())),
        "reasons": _reasons(tally),
        "evidence": {
            kind: {"scans": scans, "findings": tally.findings[kind]}
            for kind, scans in sorted(tally.scans_with.items(), key=lambda item: (-item[1], item[0]))
        },
        "annotations": {"scans": tally.annotated, "fields": _annotations(tally)},
        "files": {"images": tally.files["image"], "dicom": tally.files["dicom"]},
        "patients": len(tally.patients),
        "near_duplicates": {
            "groups": sum(size > 1 for size in tally.groups.values()),
            "scans": sum(size for size in tally.groups.values() if size > 1),
        },
        "aside": dict(sorted((aside or {}).items())),
        "time": _time(tally, seconds=seconds, worked=total if worked is None else worked, peak_mib=peak_mib),
    }


def write_run(path: Path, summary: Mapping[str, Any]) -> None:
    """Write the summary as JSON, atomically."""
    with atomic_text(path) as stream:
        json.dump(summary, stream, indent=2, ensure_ascii=False)
        stream.write("\n")


def _annotations(tally: _Tally) -> dict[str, dict[str, int]]:
    """Scans by what is written on them: every column that occurs, its words most frequent first."""
    return {
        name: dict(sorted(tally.annotations[name].items(), key=lambda item: (-item[1], item[0])))
        for name in COLUMNS
        if name in tally.annotations
    }


def _by_outcome(counts: Mapping[str, int]) -> dict[str, int]:
    return {str(outcome): counts.get(str(outcome), 0) for outcome in Outcome}


def _reasons(tally: _Tally) -> list[dict[str, Any]]:
    """Most frequent first; a code may come with several sentences, of which the most frequent stands for all."""
    ordered = sorted(tally.reasons.items(), key=lambda item: (-item[1], item[0]))
    return [
        {"code": code, "outcome": outcome, "scans": scans, "detail": _most_frequent(tally.details[outcome, code])}
        for (outcome, code), scans in ordered
    ]


def _most_frequent(counts: Counter[str]) -> str:
    return min(counts, key=lambda text: (-counts[text], text))


def _time(tally: _Tally, *, seconds: float, worked: int, peak_mib: float | None) -> dict[str, Any]:
    return {
        "seconds": round(seconds, _DIGITS),
        "worked": worked,
        "inputs_per_second": round(worked / seconds, _DIGITS) if seconds > 0 else 0.0,
        "cpu_ms": {
            stage: {"total": round(total, 1), "scans": tally.timed[stage], "mean": round(total / tally.timed[stage], 2)}
            for stage, total in sorted(tally.cpu_ms.items(), key=lambda item: (-item[1], item[0]))
        },
        "peak_mib": None if peak_mib is None else round(peak_mib, 1),
    }


def _plain(value: object) -> bool | int | float | str | None:
    """Flags, numbers and short words as they are; whatever could be a path or a name with a space only as a fact."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return value if isinstance(value, str) and _PLAIN.match(value) else "(given)"


def _libraries() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
