"""How many painted measurements are seen, by the form of their marks: by classical detectors, and with the segmenter.

    python benchmarks/calipers.py --backgrounds DIR [--scans 60]

Two measurements in one style, in a random colour, size and line, are painted over clean scans; a picture counts when a
caliper is found on it, and as located when half of the painted pixels lie in boxes of calipers. The same scans without
paint tell how often one is made up.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from bus_toolkit.geometry import mask_of_boxes
from bus_toolkit.overlays import FindGraphics, FindText
from bus_toolkit.scan import Scan
from bus_toolkit.segmenter.backgrounds import load_backgrounds
from bus_toolkit.stage import Kind
from bus_toolkit.synth import caliper, paint, random_ink
from bus_toolkit.synth.marks import LINES, MARKS
from bus_toolkit.synth.scene import without_box

HALF = 0.5


def painted(rng: np.random.Generator, image: np.ndarray, mark: str) -> tuple[np.ndarray, np.ndarray]:
    """A scan with two measurements, and where they are."""
    ink, line = without_box(random_ink(rng)), LINES[int(rng.integers(len(LINES)))]
    size, width, step = rng.uniform(9, 18), float(rng.choice([1.0, 1.5, 2.0])), rng.uniform(4, 8)
    centre = rng.uniform(0.3, 0.7, 2) * image.shape[:2]
    stamps = []
    for turn in (0.0, np.pi / 2):
        half = rng.uniform(25, 0.2 * min(image.shape[:2]) + 26)
        angle = turn + rng.normal(0, 0.3)
        way = half * np.array([np.sin(angle), np.cos(angle)])
        start, stop = (tuple(float(x) for x in centre + sign * way) for sign in (-1, 1))
        stamps += caliper(start, stop, ink, mark=mark, line=line, size=size, width=width, step=step)
    done = paint(image, stamps)
    return done.image, done.mask()


def look(image: np.ndarray, *, segmenter: bool) -> np.ndarray | None:
    """Where calipers are found, as a mask; None when there are none."""
    scan = Scan.from_array(image)
    text = FindText(segmenter=segmenter, witness="none" if segmenter else "full").examine(scan)
    plan = FindGraphics(segmenter=segmenter).examine(scan, (text,))
    found = [one.box for one in plan.findings if one.kind is Kind.CALIPER and one.box]
    return mask_of_boxes(scan.shape, [box.grow(1).clip(scan.shape) for box in found]) if found else None


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backgrounds", type=Path, required=True)
    parser.add_argument("--scans", type=int, default=60)
    parser.add_argument("--seed", type=int, default=11)
    args = parser.parse_args()
    scans = load_backgrounds([args.backgrounds], phantoms=0, seed=0, vet=False).scans
    picked = np.random.default_rng(args.seed).permutation(len(scans))[: args.scans]
    print("| mark | classical | both | located by both |\n| --- | ---: | ---: | ---: |")
    for place, mark in enumerate(MARKS):
        seen = {False: 0, True: 0}
        located = 0
        for number in picked:
            image, truth = painted(np.random.default_rng((args.seed, place, int(number))), scans[number], mark)
            for segmenter in seen:
                found = look(image, segmenter=segmenter)
                seen[segmenter] += found is not None
                located += bool(segmenter and found is not None and found[truth].mean() >= HALF)
        shares = (100 * hits / len(picked) for hits in (seen[False], seen[True], located))
        print(f"| {mark} | " + " | ".join(f"{share:.0f} %" for share in shares) + " |")
    made_up = sum(look(scan, segmenter=True) is not None for scan in scans)
    print(f"{made_up} of {len(scans)} scans without paint have a caliper")


if __name__ == "__main__":
    main()
