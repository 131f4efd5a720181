"""What evaluation costs: every figure of 10,000 predictions with 2,000 resamples of groups.

    python benchmarks/evaluate.py [--scans 10000] [--resamples 2000]

The processor's time is what to compare; the wall clock also tells what else the machine was doing.
"""

from __future__ import annotations

import argparse
import json
import os
import time

import numpy as np

from bus_toolkit.evaluation import Predictions, make_predictions
from bus_toolkit.evaluation.compare import compare
from bus_toolkit.evaluation.intervals import estimate
from bus_toolkit.evaluation.metrics import figures
from bus_toolkit.evaluation.pool import pool

CLASSES = ("benign", "malignant", "normal")
GROUP = 3


def made(scans: int, seed: int) -> Predictions:
    """Predictions of a model that is right about three times in four, in groups of three."""
    labels = np.arange(scans) // GROUP % len(CLASSES)
    logits = np.random.default_rng(seed).normal(size=(scans, len(CLASSES)))
    logits[np.arange(scans), labels] += 1.5
    raised = np.exp(logits)
    groups = [f"g{number // GROUP}" for number in range(scans)]
    return make_predictions(labels, raised / raised.sum(axis=1, keepdims=True), classes=CLASSES, groups=groups)


def main() -> None:
    """Measure, and print one line of JSON for each thing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scans", type=int, default=10_000)
    parser.add_argument("--resamples", type=int, default=2_000)
    args = parser.parse_args()
    one, other = pool([made(args.scans, 0)]), pool([made(args.scans, 1)])
    work = {
        "all figures with intervals": lambda: estimate(figures(one), one.clusters, resamples=args.resamples),
        "comparison of two models": lambda: compare(one, other, resamples=args.resamples),
    }
    for name, do in work.items():
        wall, cpu = time.perf_counter(), time.process_time()
        do()
        told = {
            "what": name,
            "scans": args.scans,
            "resamples": args.resamples,
            "cpu_s": round(time.process_time() - cpu, 2),
            "wall_s": round(time.perf_counter() - wall, 2),
            "load_before": round(os.getloadavg()[0], 1),
        }
        print(json.dumps(told))


if __name__ == "__main__":
    main()
