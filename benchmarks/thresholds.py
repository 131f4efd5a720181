"""Choose each kind's threshold on one part of labelled scans and measure it on another: cross-validation by groups.

    bus-clean inspect BUSI/images --out findings.jsonl
    python benchmarks/thresholds.py --labels BUSI/labels.json --findings findings.jsonl [--folds 5] [--seed 0]

Near-duplicates share a group, and a group is never split. In each fold the threshold of a kind is the one that gives
the largest sum of sensitivity and specificity on the other folds (Youden 1950), the lowest of equals; a kind without a
positive in the other folds keeps 0.5. A scan counts for a kind when a finding of it reaches the threshold. Scans
labelled uncertain are left out.
"""

from __future__ import annotations

import argparse
import json
from math import sqrt
from pathlib import Path

import numpy as np

KINDS = ("text", "caliper", "doppler", "bodymark", "dual_view")
NOT_ANNOTATION = {"logo", "caliper_digit"}
OPERATING_POINT = 0.5
Z = 1.959963984540054
"""Of a 95 % interval."""


def truth_of(label: dict, kind: str) -> bool | None:
    """Whether a scan shows the kind; None where a logo or digit alone says neither yes nor no."""
    if kind == "text" and not label["text"] and set(label.get("text_types", ())) & NOT_ANNOTATION:
        return None
    return bool(label[kind])


def folds_of(groups: list[str], strata: list[int], folds: int, seed: int) -> np.ndarray:
    """A fold for each scan: groups are dealt out, those of rare kinds first, to the fold with fewest of their kind."""
    rng = np.random.default_rng(seed)
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    counts = np.zeros((folds, max(strata) + 1))
    fold = np.zeros(len(groups), dtype=int)
    frequency = np.bincount(strata)
    names = [list(members)[i] for i in rng.permutation(len(members))]
    for name in sorted(names, key=lambda name: frequency[[strata[i] for i in members[name]]].min()):
        rarest = min((strata[i] for i in members[name]), key=lambda one: frequency[one])
        best = min(range(folds), key=lambda one: (counts[one, rarest], counts[one].sum()))
        for index in members[name]:
            fold[index] = best
            counts[best, strata[index]] += 1
    return fold


def choose(scores: np.ndarray, truth: np.ndarray) -> float:
    """The threshold with the largest sum of sensitivity and specificity."""
    if not truth.any() or truth.all():
        return OPERATING_POINT
    candidates = np.unique(np.concatenate([scores[scores > 0], [OPERATING_POINT]]))
    gains = [float((scores[truth] >= t).mean() + (scores[~truth] < t).mean()) for t in candidates]
    return float(candidates[int(np.argmax(gains))])


def wilson(hits: int, total: int) -> str:
    """A share in percent with its 95 % interval (Wilson 1927)."""
    if not total:
        return "none"
    share = hits / total
    centre = (share + Z * Z / (2 * total)) / (1 + Z * Z / total)
    half = Z * sqrt(share * (1 - share) / total + Z * Z / (4 * total * total)) / (1 + Z * Z / total)
    return f"{100 * share:.1f} [{100 * max(0, centre - half):.1f}-{100 * min(1, centre + half):.1f}], {hits}/{total}"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--findings", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    lines = args.findings.read_text(encoding="utf-8").splitlines()
    seen = {row["file"]: row["findings"] for row in map(json.loads, lines) if row["outcome"] != "failed"}
    labels = [row for row in json.loads(args.labels.read_text(encoding="utf-8")) if not row.get("uncertain")]
    for row in labels:
        row["file"] = row["file"].rpartition("/images/")[2]
    labels = [row for row in labels if row["file"] in seen]
    strata = [int(row["doppler"]) * 4 + int(row["caliper"]) * 2 + int(row["text"]) for row in labels]
    fold = folds_of([str(row["group"]) for row in labels], strata, args.folds, args.seed)
    print(f"{len(labels)} scans, {len({row['group'] for row in labels})} groups, {args.folds} folds")
    print("| kind | sensitivity | specificity | thresholds of the folds |\n| --- | --- | --- | --- |")
    for kind in KINDS:
        truths = [truth_of(row, kind) for row in labels]
        known = np.array([truth is not None for truth in truths])
        truth = np.array([bool(truth) for truth in truths])
        scores = np.array([max([f["score"] for f in seen[r["file"]] if f["kind"] == kind] or [0.0]) for r in labels])
        called = np.zeros(len(labels), dtype=bool)
        chosen = []
        for number in range(args.folds):
            rest = known & (fold != number)
            chosen.append(choose(scores[rest], truth[rest]))
            called[fold == number] = scores[fold == number] >= chosen[-1]
        positive, negative = known & truth, known & ~truth
        hits = wilson(int(called[positive].sum()), int(positive.sum()))
        quiet = wilson(int((~called[negative]).sum()), int(negative.sum()))
        print(f"| {kind} | {hits} | {quiet} | {', '.join(f'{t:.2f}' for t in chosen)} |")


if __name__ == "__main__":
    main()
