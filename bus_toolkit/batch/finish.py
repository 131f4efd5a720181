"""What is written when all inputs are booked: groups, manifest, run summary, report and review."""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bus_toolkit._version import __version__
from bus_toolkit.audit.report import write_report
from bus_toolkit.audit.review import write_review
from bus_toolkit.audit.run import run_summary, write_run
from bus_toolkit.batch.books import TEXTS, profile_facts, remember
from bus_toolkit.batch.explain import explain
from bus_toolkit.batch.folders import set_strays_aside, withdraw
from bus_toolkit.batch.own_words import own_words
from bus_toolkit.deidentify import Identifiers
from bus_toolkit.errors import OutputError
from bus_toolkit.manifest import row_of, write_manifest
from bus_toolkit.screen import group
from bus_toolkit.verify import check_text_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bus_toolkit.audit.ledger import Ledger
    from bus_toolkit.batch.options import Options
    from bus_toolkit.deidentify import Key

KIB_PER_MIB = 1024


def peak_mib(jobs: int) -> float:
    """An upper bound of the peak memory in MiB: this process, and each worker as large as the largest.

    From getrusage(2), which counts bytes on macOS and KiB elsewhere, and pages that are shared once for each process.
    """
    own, largest = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    kib = own + jobs * largest
    return kib / KIB_PER_MIB / (KIB_PER_MIB if sys.platform == "darwin" else 1)


def group_names(ledger: Ledger, key: Key) -> dict[str, str]:
    """Name of the group of near-duplicates by scan id; a scan that resembles no other is a group of its own.

    A group is named after the smallest id in it, through the key, so that the name tells nothing and does not
    depend on the order of the inputs.
    """
    prints = {record.id: record.fingerprint for record in ledger.records() if record.fingerprint}
    numbers = group(prints)
    first: dict[int, str] = {}
    for scan in sorted(prints):
        first.setdefault(numbers[scan], scan)
    return {scan: key.pseudonym("group", first[numbers[scan]]) for scan in prints}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What only the runner knows.

    Attributes
    ----------
    inputs
        How many must be in the books.
    aside
        Files set aside, by what they are.
    seconds, worked
        Wall time, and how many inputs this run worked on.
    """

    inputs: int
    aside: Mapping[str, int]
    seconds: float
    worked: int


def finish(options: Options, ledger: Ledger, key: Key, facts: RunFacts) -> dict[str, Any]:
    """Write what describes the whole run; the summary comes back."""
    groups = group_names(ledger, key)
    rows = [
        row_of(record, anonymised=options.anonymise, group=groups.get(record.id, "")) for record in ledger.records()
    ]
    names = {name for row in rows for name in (row.image, row.dicom)}
    set_strays_aside(options, names)
    write_manifest(options.output / "manifest.csv", rows)
    summary = run_summary(
        ledger.records(),
        inputs=facts.inputs,
        policy=options.policy.name,
        policy_hash=options.policy.hash,
        version=__version__,
        options={
            "engine": options.engine,
            "jobs": options.jobs,
            "key": options.key,
            "labels": options.labels,
            "transfer_syntax": options.transfer_syntax,
        },
        seconds=facts.seconds,
        worked=facts.worked,
        anonymised=options.anonymise,
        key_fingerprint=key.fingerprint,
        sentences=list(explain(options.policy, anonymise=options.anonymise)),
        groups=groups,
        aside=facts.aside,
        peak_mib=peak_mib(options.jobs),
    )
    summary["deidentification"] = profile_facts(options.policy.deidentify)
    write_run(options.output / "run.json", summary)
    write_report(options.output / "report.html", summary, rows)
    write_review(options.private, ledger.records())
    if options.anonymise:
        _search_texts(options, ledger)
    remember(ledger, options.output, summary)
    return summary


def _search_texts(options: Options, ledger: Ledger) -> None:
    """Hold back a text file in which an identifier of any input stands.

    Raises
    ------
    OutputError
        When there is one; it is in ``withdrawn/`` of the private folder then.
    """
    known = Identifiers.union(
        Identifiers.from_json(record.identity["identifiers"]) for record in ledger.records() if record.identity
    ).without(own_words())
    held = []
    for name in TEXTS:
        leaks = check_text_file(options.output / name, known)
        if leaks:
            withdraw(options.output, options.private, name)
            held.append(f"{name} ({', '.join(sorted({leak.what for leak in leaks}))})")
    if held:
        msg = (
            f"what describes the run must name nobody. Got identifiers in {', '.join(held)}, now in the private folder"
        )
        raise OutputError(msg)
