"""What one look costs: the segmenter, the OCR detector and the recogniser on made scans of two sizes, in CPU-ms.

    python benchmarks/looks.py [--rounds 15]

Each in one thread; the rounds take turns, and the median counts, for machines are noisy.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from bus_toolkit.overlays.engines import load_engine
from bus_toolkit.overlays.engines.segmenter import load_segmenter
from bus_toolkit.overlays.text_find import detect_lines, scale_for
from bus_toolkit.synth import Font, Ink, draw_text, make_phantom, paint, text_stamp

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = ((500, 600), (600, 800))
LINES = ("LEFT BREAST", "10:30 RAD")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    engine, segmenter = load_engine(), load_segmenter()
    crops = [draw_text(line, Font("bundled"), 16) for line in LINES]
    looks: dict[str, Callable[[], object]] = {f"recogniser, {len(LINES)} lines": lambda: engine.recognise(crops)}
    for rows, cols in SIZES:
        made = make_phantom(np.random.default_rng(1), rows=rows, cols=cols, fan="full").image
        picture = paint(made, [text_stamp(LINES[0], (40, 60), Font("bundled"), 16, Ink())]).image
        looks[f"segmenter, {rows}x{cols}"] = lambda p=picture: segmenter.probabilities(p)  # type: ignore[misc]
        looks[f"OCR detector, {rows}x{cols}"] = lambda p=picture: detect_lines(p, engine, scale_for(p.shape[:2]))  # type: ignore[misc]
    taken: dict[str, list[float]] = defaultdict(list)
    for turn in range(args.rounds + 1):
        for name, look in looks.items():
            started = time.process_time()
            look()
            if turn:
                taken[name].append(1000 * (time.process_time() - started))
    print("| look | CPU-ms |\n| --- | ---: |")
    for name, times in taken.items():
        print(f"| {name} | {np.median(times):.0f} |")


if __name__ == "__main__":
    main()
