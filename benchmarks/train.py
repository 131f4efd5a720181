"""What feeding costs: epochs as `bus-train` feeds them, against bare `model.fit` on arrays in memory, in one run.

    python benchmarks/train.py [--arch mobilenetv3] [--scans 256] [--batch-size 16] [--image-size 224] [--rounds 5]

Made pictures, decoded into the mapped cache as a run does it; the same model, loss and optimizer, augmentation off.
Epochs of both kinds alternate; each ratio is of two neighbours, and the median of the ratios counts. On a
machine that is busy with other things the ratio of CPU times is the steadier figure. JSON at the end.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from bus_toolkit.manifest import Row
from bus_toolkit.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES = ("benign", "malignant", "normal")
SHAPE = (480, 620)


def made_rows(folder: Path, count: int) -> list[Row]:
    """Rows of pictures of noise, written into ``folder``."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(count):
        name = f"{number:05d}.png"
        cv2.imwrite(str(folder / name), cv2.blur(rng.integers(0, 256, SHAPE, np.uint8), (5, 5)))
        facts = {"reasons": (), "media": "png", "dicom": "", "patient": "", "group": "", "frames": 1}
        facts |= {"spacing_row_mm": None, "spacing_col_mm": None, "anonymised": True, "dicom_sha256": ""}
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        label = CLASSES[number % len(CLASSES)]
        size = {"rows": SHAPE[0], "cols": SHAPE[1]}
        rows.append(
            Row(id=name, label=label, outcome=Outcome.KEPT, image=name, sha256=digest, **size, **facts)  # type: ignore[arg-type]
        )
    return rows


class Times(NamedTuple):
    """Seconds by the clock, and of all threads of this process."""

    wall: float
    cpu: float


def timed(work: Callable[[], object]) -> Times:
    """How long it takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Times(time.perf_counter() - wall, time.process_time() - cpu)


def main() -> None:
    """Measure and print; a JSON line at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", default="mobilenetv3")
    parser.add_argument("--scans", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

    from bus_toolkit.models import build_model
    from bus_toolkit.training.backend import make_repeatable
    from bus_toolkit.training.cache import load_pictures
    from bus_toolkit.training.feed import Feed
    from bus_toolkit.training.fit import _compile, _epoch
    from bus_toolkit.training.recipe import Recipe

    count = args.scans - args.scans % args.batch_size
    recipe = Recipe(arch=args.arch, image_size=args.image_size, batch_size=args.batch_size, augment=False)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = made_rows(folder, count)
        started = time.perf_counter()
        pictures = load_pictures(rows, folder, folder / "cache", size=args.image_size)
        decoding = time.perf_counter() - started
        kinds = np.arange(count) % len(CLASSES)
        feed = Feed(
            pictures=pictures,
            places=np.arange(count),
            classes=kinds,
            class_count=len(CLASSES),
            batch_size=args.batch_size,
        )
        in_memory, labels = np.array(pictures), np.eye(len(CLASSES), dtype=np.float32)[kinds]
        make_repeatable(recipe.seed)
        model = build_model(args.arch, classes=CLASSES, image_size=args.image_size)
        _compile(model, recipe, feed.steps)

        def fed(epoch: int) -> Times:
            return timed(lambda: _epoch(model, feed, recipe.seed, epoch, None))

        def bare() -> Times:
            options = {"batch_size": args.batch_size, "epochs": 1, "shuffle": True, "verbose": 0}
            return timed(lambda: model.fit(in_memory, labels, **options))

        fed(0), bare()  # both graphs are traced
        times = [(fed(epoch + 1), bare()) for epoch in range(args.rounds)]
    ratios = [one.wall / other.wall for one, other in times]
    result = {
        "arch": args.arch,
        "scans": count,
        "decode_ms_per_picture": round(1000 * decoding / count, 2),
        "fed_s_per_epoch": round(statistics.median(one.wall for one, _ in times), 3),
        "bare_fit_s_per_epoch": round(statistics.median(other.wall for _, other in times), 3),
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "cpu_ratio": round(statistics.median(one.cpu / other.cpu for one, other in times), 3),
    }
    print(
        f"{args.arch}: {result['fed_s_per_epoch']} s an epoch fed, {result['bare_fit_s_per_epoch']} s bare fit: "
        f"ratio {result['ratio']} (CPU time {result['cpu_ratio']}); "
        f"decoding {result['decode_ms_per_picture']} ms a picture"
    )
    print(json.dumps(result))


if __name__ == "__main__":
    main()
