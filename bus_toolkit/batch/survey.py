"""Evidence only: look at every scan of a folder and write what was seen, no pixels."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from bus_toolkit.atomic import PRIVATE_MODE, atomic_write_bytes
from bus_toolkit.batch.naming import make_tasks
from bus_toolkit.batch.pool import Pool
from bus_toolkit.batch.runner import found_inputs, silent
from bus_toolkit.batch.worker import Spec, Task, lost, start, work
from bus_toolkit.overlays.engines import load_engine
from bus_toolkit.record import Record
from bus_toolkit.stage import fan_of, findings_of

if TYPE_CHECKING:
    from bus_toolkit.batch.options import InspectOptions
    from bus_toolkit.batch.runner import Progress
    from bus_toolkit.policy import Policy


def inspect(options: InspectOptions, *, progress: Progress = silent) -> dict[str, int]:
    """Write one JSON line for each scan below ``options.src``; the counts of outcomes come back.

    Lines are sorted by file. Boxes are in pixels of the input (of the composite over time for a clip, which has the
    same geometry). Of recognised text only what it says in closed vocabularies is written, but file names are: only
    the owner may read the file.

    Raises
    ------
    ConfigError
        When there is nothing to read, or the labels file is not right.
    EngineError
        When the OCR engine is not installed.
    """
    load_engine(options.engine, allow_download=options.allow_download)
    found = found_inputs(options.src, options.labels)
    tasks = make_tasks(found.items, ())
    spec = Spec(policy=options.policy, engine=options.engine, allow_download=options.allow_download)
    pool = Pool[Task, Record](work=work, start=start, start_args=(spec,), lost=lost, jobs=min(options.jobs, len(tasks)))
    lines: dict[str, str] = {}
    outcomes: Counter[str] = Counter()
    progress(0, len(tasks), None)
    for done, record in enumerate(pool.run(tasks), start=1):
        lines[record.file] = json.dumps(evidence(record, options.policy), ensure_ascii=False)
        outcomes[str(record.outcome)] += 1
        progress(done, len(tasks), record)
    text = "".join(f"{lines[file]}\n" for file in sorted(lines))
    atomic_write_bytes(options.findings, text.encode(), mode=PRIVATE_MODE)
    return dict(outcomes)


def evidence(record: Record, policy: Policy) -> dict[str, Any]:
    """One record as a line of a findings file; only findings that count under the policy."""
    fan = fan_of(record.plans)
    return {
        "file": record.file,
        "outcome": str(record.outcome),
        "reasons": [reason.code for reason in record.reasons],
        "shape": [record.rows, record.cols],
        "findings": [finding.to_json() for finding in findings_of(record.plans) if policy.counts(finding)],
        "fan": {"box": fan.box.as_list(), "polygon": [list(point) for point in fan.polygon]} if fan else None,
        "annotation": record.annotation.to_json() if policy.output.annotations else None,
        "cpu_ms": round(sum(record.cpu_ms.values()), 1),
    }
