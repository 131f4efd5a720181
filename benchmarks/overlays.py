"""What finds text, at what cost: the segmenter, OCR at full and half size, and both, on painted scans.

    python benchmarks/overlays.py --backgrounds DIR [--scans 40] [--fonts Lato OpenSans Inconsolata C059]

Strings are painted over clean scans in fonts that the shipped segmenter was not trained with (a font that is not
installed is left out). For each configuration: the share of the strings' pixels that lie in findings, and of the
strings that are covered by 99 % and more, by height of the capitals; the area that was touched beside them; CPU-ms.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from bus_toolkit.geometry import mask_of_boxes
from bus_toolkit.overlays.drawn import see_drawn
from bus_toolkit.overlays.engines import load_engine
from bus_toolkit.overlays.text_find import find_text
from bus_toolkit.segmenter.backgrounds import load_backgrounds
from bus_toolkit.segmenter.strings import make_string
from bus_toolkit.synth import Font, paint, random_ink, text_stamp
from bus_toolkit.synth.glyphs import system_fonts

CONFIGURATIONS = {
    "ocr full": (False, "full"),
    "ocr half": (False, "half"),
    "segmenter": (True, "none"),
    "segmenter + ocr half": (True, "half"),
    "segmenter + ocr full": (True, "full"),
}
CLASSES = ((6, 8), (8, 12), (12, 18), (18, 30))
"""Heights of capitals in pixels, half-open."""
COVERED = 0.99
"""Share of its pixels from which a string counts as covered."""
LEGIBLE = 8
"""Height of capitals from which strings count in the plot."""
GROW = 2
"""Pixels by which the filling grows what was found."""


def painted(rng: np.random.Generator, image: np.ndarray, fonts: list[str]) -> tuple[np.ndarray, list]:
    """A scan with one string of each class of heights, and the strings."""
    stamps, heights = [], []
    for low, high in CLASSES:
        height = int(rng.integers(low, high))
        font = Font("system", fonts[int(rng.integers(len(fonts)))])
        row, col = (int(rng.uniform(0.02, 0.85) * side) for side in image.shape[:2])
        stamps.append(text_stamp(make_string(rng), (row, col), font, height, random_ink(rng)))
        heights.append(low)
    done = paint(image, stamps)
    return done.image, [(low, item.mask) for low, item in zip(heights, done.overlays, strict=True) if item.mask.any()]


def plot(result: dict) -> str:
    """Strings with capitals of 8 px and more that are covered, over CPU-ms, as SVG."""
    points = {
        name: (
            one["cpu_ms"],
            100 * float(np.mean([share for low, (_, share) in one["covered"].items() if int(low) >= LEGIBLE])),
        )
        for name, one in result.items()
    }
    most = 1.25 * max(cost for cost, _ in points.values())
    least = 10 * np.floor(min(share for _, share in points.values()) / 10)
    left, top, width, height = 60, 20, 520, 260

    def place(cost: float, share: float) -> tuple[float, float]:
        return left + width * cost / most, top + height * (100 - share) / (100 - least)

    lines = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 340" font-family="sans-serif" font-size="13">']
    lines.append('<rect width="640" height="340" fill="#fff"/>')
    for share in np.arange(least, 101, 10):
        y = place(0, share)[1]
        lines += [
            f'<path d="M{left} {y:.0f}h{width}" stroke="#ccc"/>',
            f'<text x="{left - 8}" y="{y + 4:.0f}" text-anchor="end">{share:.0f} %</text>',
        ]
    lines += [
        f'<text x="{place(cost, 0)[0]:.0f}" y="{top + height + 20}" text-anchor="middle">{cost:.0f}</text>'
        for cost in np.linspace(0, most, 6)
    ]
    for name, (cost, share) in points.items():
        x, y = place(cost, share)
        lines.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="5" fill="#06c"/>')
        lines.append(f'<text x="{x + 9:.0f}" y="{y + 16:.0f}">{name}</text>')
    lines.append(
        f'<text x="{left + width / 2}" y="{top + height + 44}" text-anchor="middle">CPU-ms a picture</text></svg>'
    )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and print; a JSON line at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backgrounds", type=Path, required=True)
    parser.add_argument("--scans", type=int, default=40)
    parser.add_argument("--fonts", nargs="+", default=["Lato", "OpenSans", "Inconsolata", "C059"])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--svg", type=Path, help="draw covered strings over CPU-ms into this file")
    args = parser.parse_args()
    fonts = [path for path in system_fonts() if Path(path).name.startswith(tuple(args.fonts))]
    scans = load_backgrounds([args.backgrounds], phantoms=0, seed=0, vet=False).scans
    picked = np.random.default_rng(args.seed).permutation(len(scans))[: args.scans]
    engine = load_engine()
    pixels: dict = defaultdict(lambda: defaultdict(list))
    touched, clean, cpu = defaultdict(list), defaultdict(list), defaultdict(float)
    for number in picked:
        image, strings = painted(np.random.default_rng((args.seed, int(number))), scans[number], fonts)
        ink = np.any([mask for _, mask in strings], axis=0)
        for name, (segmenter, witness) in CONFIGURATIONS.items():
            started = time.process_time()
            drawn = see_drawn(image) if segmenter else None
            lines = find_text(image, engine, drawn=drawn, witness=witness)
            cpu[name] += time.process_time() - started
            found = mask_of_boxes(image.shape[:2], [line.box.grow(GROW).clip(image.shape) for line in lines])
            for low, mask in strings:
                pixels[name][low].append(float(found[mask].mean()))
            touched[name].append(float((found & ~ink).mean()))
            bare = find_text(
                scans[number], engine, drawn=see_drawn(scans[number]) if segmenter else None, witness=witness
            )
            clean[name].append(float(mask_of_boxes(image.shape[:2], [line.box for line in bare]).mean()))
    print(f"{len(picked)} scans, fonts {', '.join(sorted({Path(font).stem for font in fonts}))}")
    result = {}
    for name in CONFIGURATIONS:
        shares = {low: (np.mean(values), np.mean(np.array(values) >= COVERED)) for low, values in pixels[name].items()}
        told = "  ".join(f"{low}+ px {100 * a:5.1f}/{100 * b:5.1f} %" for low, (a, b) in sorted(shares.items()))
        told += f"  clean scans touched {100 * np.mean(clean[name]):.3f} %"
        print(f"{name:22} {told}  {1000 * cpu[name] / len(picked):.0f} CPU-ms")
        result[name] = {
            "covered": {str(low): [round(float(a), 4), round(float(b), 4)] for low, (a, b) in sorted(shares.items())},
            "touched_beside_strings": round(float(np.mean(touched[name])), 6),
            "clean_touched": round(float(np.mean(clean[name])), 6),
            "cpu_ms": round(1000 * cpu[name] / len(picked), 1),
        }
    print(json.dumps(result))
    if args.svg:
        args.svg.write_text(plot(result), encoding="utf-8")


if __name__ == "__main__":
    main()
