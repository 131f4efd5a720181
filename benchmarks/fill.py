"""How near a fill comes to the tissue that was there, by method and radius.

    python benchmarks/fill.py --scans DIR [--number 120] [--biharmonic 16] [--svg FILE] [--json FILE]

DIR holds clean scans (BrEaST's ``images/``). Over each the masks of drawn things are laid as the pipeline would fill
them, grown by two pixels: whole boxes of lines of text with capitals of 8 to 26 px, the strokes of the same text alone,
and a caliper (two crosses and a dotted line). What was under the mask is known, so the fill can be compared with it:

- PSNR over the filled pixels of a scan: ``10 log10(255^2 / mean squared error)``, in dB.
- SSIM (Wang et al. 2004, doi 10.1109/TIP.2003.819861): its map over the whole picture (Gaussian window, sigma 1.5), of
  which the mean over the filled pixels is taken. Windows at the rim see true pixels too, as an eye does.
- Texture: standard deviation of the second derivative (Laplacian) over the filled pixels, of the fill over the truth's.
  A fill without speckle has 0. PSNR does not see it: it rewards what is smooth.

One half of the scans, drawn at random, is for choosing, the other for confirming. Differences are paired, scan by scan,
with 1.96 standard errors, to Telea with radius 3, where it began. The columns behind the first difference are of the
confirming half. Biharmonic filling is scikit-image's, on fewer scans of each half, for it is slow.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bus_toolkit.fan import FindFan
from bus_toolkit.fill.functional import grow_mask, inpaint, windows
from bus_toolkit.geometry import mask_of_boxes
from bus_toolkit.io import read
from bus_toolkit.stage import fan_of
from bus_toolkit.synth import Ink, caliper, choose_font, make_text, paint, text_stamp

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask, Pixels

RADII = (1, 2, 3, 5, 8, 12)
HEIGHTS = (8, 12, 18, 26)
LINE_MARGIN, GROW = 3, 2
"""Pixels by which the pipeline grows a line's box, and then every mask."""
START = "telea 3"
SSIM_RIM = 2
"""As a radius of :func:`windows`: a rim of 8 pixels, more than half a window of SSIM."""
KINDS = ("text boxes", "text strokes", "caliper")
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
HALVES = ("choosing", "confirming")
COLOURS = {"telea": "#06c", "navier-stokes": "#c60"}


def masks_over(rng: np.random.Generator, picture: Pixels, fan: Mask) -> dict[str, Mask]:
    """What would be filled, by kind, if text and a caliper were drawn on the picture; inside the fan."""
    rows, cols = picture.shape[:2]
    stamps = []
    for place, height in zip(rng.permutation(len(HEIGHTS)), HEIGHTS, strict=True):
        at = (int((0.06 + 0.22 * place + rng.uniform(0, 0.12)) * rows), int(rng.uniform(0.05, 0.5) * cols))
        text = make_text(rng, ("laterality", "annotation", "date")[int(rng.integers(3))])
        stamps.append(text_stamp(text, at, choose_font(rng), height, Ink()))
    lines = paint(picture, stamps)
    start, stop = (tuple(rng.uniform(0.15, 0.85, 2) * (rows, cols)) for _ in range(2))
    cross = paint(picture, caliper(start, stop, Ink())).mask()
    boxes = [item.box.grow(LINE_MARGIN).clip(picture.shape) for item in lines.overlays if item.mask.any()]
    drawn = {"text boxes": mask_of_boxes((rows, cols), boxes), "text strokes": lines.mask(), "caliper": cross}
    return {kind: grow_mask(mask, GROW) & fan for kind, mask in drawn.items()}


def navier_stokes(picture: Pixels, mask: Mask, fan: Mask, radius: int) -> Pixels:
    """OpenCV's other method (Bertalmio et al. 2001, doi 10.1109/CVPR.2001.990497), on the same windows."""
    filled = picture.copy()
    for box, own in windows(mask, radius):
        unknown = mask[box.slices] | ~fan[box.slices]
        if not unknown.all():
            part = picture[box.slices].copy()
            part[unknown] = np.median(part[~unknown], axis=0).astype(np.uint8)
            done = cv2.inpaint(part, unknown.astype(np.uint8), radius, cv2.INPAINT_NS)
            filled[box.slices][own] = done[own]
    return filled


def biharmonic(picture: Pixels, mask: Mask, fan: Mask) -> Pixels:
    """scikit-image's (Damelin and Hoang 2018, doi 10.1155/2018/3950312), on windows with a rim of 11 pixels."""
    from skimage.restoration import inpaint_biharmonic

    filled = picture.copy()
    for box, own in windows(mask, 3):
        unknown = mask[box.slices] | ~fan[box.slices]
        if not unknown.all():
            done = inpaint_biharmonic(picture[box.slices], unknown, channel_axis=2 if picture.ndim > 2 else None)  # noqa: PLR2004
            filled[box.slices][own] = np.clip(np.rint(255 * done), 0, 255).astype(np.uint8)[own]
    return filled


def ssim_map(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """SSIM of two grey pictures, pixel by pixel."""
    a, b = one.astype(np.float64), other.astype(np.float64)

    def blur(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b, both = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2, blur(a * b) - mean_a * mean_b
    return ((2 * mean_a * mean_b + C1) * (2 * both + C2)) / ((mean_a**2 + mean_b**2 + C1) * (var_a + var_b + C2))


def grey_of(picture: Pixels) -> np.ndarray:
    """What is compared."""
    return picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)  # noqa: PLR2004


def compare(filled: Pixels, truth: Pixels, mask: Mask) -> tuple[float, float, float]:
    """PSNR in dB, SSIM and texture over the filled pixels."""
    one, other = grey_of(filled), grey_of(truth)
    error = float(np.mean((one[mask].astype(float) - other[mask]) ** 2))
    likeness, edges = [], ([], [])
    for box, own in windows(mask, SSIM_RIM):
        parts = one[box.slices], other[box.slices]
        likeness.append(ssim_map(*parts)[own])
        for each, part in zip(edges, parts, strict=True):
            each.append(cv2.Laplacian(part.astype(np.float64), cv2.CV_64F)[own])
    texture = np.concatenate(edges[0]).std() / max(np.concatenate(edges[1]).std(), 1)
    return 10 * np.log10(255**2 / max(error, 1e-3)), float(np.concatenate(likeness).mean()), float(texture)


def methods(picture: Pixels, mask: Mask, fan: Mask, *, slow: bool) -> dict[str, tuple[Pixels, float]]:
    """Every fill of one mask, and its milliseconds of CPU."""
    done = {}

    def timed(name: str, fill: object) -> None:
        started = time.process_time()
        result = fill()  # type: ignore[operator]
        done[name] = (result, 1000 * (time.process_time() - started))

    for radius in RADII:
        timed(f"telea {radius}", lambda radius=radius: inpaint(picture, mask, fan, radius=radius))
        timed(f"navier-stokes {radius}", lambda radius=radius: navier_stokes(picture, mask, fan, radius))
    if slow:
        timed("biharmonic", lambda: biharmonic(picture, mask, fan))
    return done


def measure(paths: list[Path], slow: int, seed: int) -> dict[str, dict[str, dict[int, tuple[float, ...]]]]:
    """``[kind][method][number of the scan]``: PSNR, SSIM, texture, ms, share of the fan that was filled."""
    results: dict = defaultdict(lambda: defaultdict(dict))
    for number, path in enumerate(paths):
        scan = read(path).scan
        picture = np.ascontiguousarray(scan.frames[0])
        found = fan_of((FindFan().examine(scan),))
        if found is None:
            continue
        for kind, mask in masks_over(np.random.default_rng((seed, number)), picture, found.mask).items():
            if not mask.any():
                continue
            share = float(mask.sum() / found.mask.sum())
            for name, (filled, cost) in methods(picture, mask, found.mask, slow=number < 2 * slow).items():
                results[kind][name][number] = (*compare(filled, picture, mask), cost, share)
        print(f"\r{number + 1}/{len(paths)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return results


def row(kind_results: dict, name: str, half: int) -> list[float]:
    """Means of one half, and the paired difference of PSNR to the default's with 1.96 standard errors."""
    values = {number: told for number, told in kind_results[name].items() if number % 2 == half}
    means = np.mean(list(values.values()), axis=0)
    gain = np.array([told[0] - kind_results[START][number][0] for number, told in values.items()])
    gain_ssim = np.array([told[1] - kind_results[START][number][1] for number, told in values.items()])
    noise = [1.96 * each.std(ddof=1) / np.sqrt(len(each)) for each in (gain, gain_ssim)]
    return [*(float(x) for x in (*means, gain.mean(), noise[0], gain_ssim.mean(), noise[1])), len(values)]


def table(rows: dict) -> str:
    """As Markdown, a block a kind."""
    lines = []
    for kind in KINDS:
        share = 100 * rows[kind][START][1][4]
        lines += [
            f"**{kind.capitalize()}**, {share:.1f} % of the sector on average",
            "",
            "| method | PSNR, choosing | difference | PSNR | difference | SSIM | difference | texture | CPU-ms |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        ]
        for name, (first, second) in rows[kind].items():
            psnr = " | ".join(f"{one[0]:.2f} | {one[5]:+.2f} ± {one[6]:.2f}" for one in (first, second))
            lines.append(
                f"| {name} | {psnr} | {second[1]:.3f} | {second[7]:+.3f} ± {second[8]:.3f} | {second[2]:.2f} "
                f"| {second[3]:.0f} |"
            )
        lines.append("")
    return "\n".join(lines)


def plot(rows: dict) -> str:
    """PSNR over the radius on the confirming half, as SVG: one panel a kind, one line a method."""
    wide, high, left, top = 220, 200, 55, 40
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 310" font-family="sans-serif" font-size="12">',
        '<rect width="860" height="310" fill="#fff"/>',
    ]
    for panel, kind in enumerate(KINDS):
        x0 = left + panel * (wide + 55)
        values = [rows[kind][f"{method} {radius}"][1][0] for method in COLOURS for radius in RADII]
        low = np.floor(min(values) * 2) / 2
        top_value = max(np.ceil(max(values) * 2) / 2, low + 1)
        lines.append(f'<text x="{x0}" y="22" font-size="14">{kind}</text>')
        for value in np.linspace(low, top_value, 5):
            y = top + high * (top_value - value) / (top_value - low)
            lines.append(f'<path d="M{x0} {y:.1f}h{wide}" stroke="#ddd"/>')
            lines.append(f'<text x="{x0 - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>')
        places = np.linspace(x0 + 12, x0 + wide - 12, len(RADII))
        lines += [
            f'<text x="{x:.0f}" y="{top + high + 18}" text-anchor="middle">{radius}</text>'
            for x, radius in zip(places, RADII, strict=True)
        ]
        for method, colour in COLOURS.items():
            told = [rows[kind][f"{method} {radius}"][1][0] for radius in RADII]
            points = [(x, top + high * (top_value - v) / (top_value - low)) for x, v in zip(places, told, strict=True)]
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            lines.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    lines.append(f'<text x="{left}" y="296">PSNR in dB over the radius in pixels:</text>')
    lines += [
        f'<path d="M{x} 292h24" stroke="{colour}" stroke-width="2"/><text x="{x + 30}" y="296">{method}</text>'
        for x, (method, colour) in zip((280, 360), COLOURS.items(), strict=True)
    ]
    return "\n".join([*lines, "</svg>"]) + "\n"


def main() -> None:
    """Measure and print; draw and write JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=Path, required=True)
    parser.add_argument("--number", type=int, default=120, help="how many scans, both halves together")
    parser.add_argument("--biharmonic", type=int, default=0, help="scans of each half to fill so (needs scikit-image)")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--svg", type=Path, help="draw PSNR over the radius into this file")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    paths = sorted(args.scans.glob("*.png"))
    order = np.random.default_rng(args.seed).permutation(len(paths))[: args.number]
    results = measure([paths[index] for index in order], args.biharmonic, args.seed)
    rows = {
        kind: {name: [row(results[kind], name, half) for half in range(len(HALVES))] for name in results[kind]}
        for kind in KINDS
    }
    print(table(rows))
    if args.svg:
        args.svg.write_text(plot(rows), "utf-8")
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2), "utf-8")


if __name__ == "__main__":
    main()
