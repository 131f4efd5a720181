"""Would it do to fill the strokes of text only? What it costs in tissue, and whether the word can still be read.

    EASYOCR_MODULE_PATH=.venv-easyocr/easyocr .venv-easyocr/bin/python benchmarks/fill_strokes.py --scans DIR

Words of at least five letters and digits are painted over clean scans (BrEaST's ``images/``). Each is filled as the
pipeline does, the whole box of its line, and in other ways: the pixels that the segmenter thinks likely text, grown by
2, 4 and 6 pixels, and the strokes themselves (known here) grown by 2. For each way:

- tissue: pixels filled, in percent of the whole box;
- PSNR in dB over the whole box against the clean scan, so that ink that is left counts as error;
- read: the share of words of which EasyOCR's recogniser or Tesseract (single-line mode, three times the size) reads
  something similar, given the box. Similar is a ratio of matching characters (difflib) of at least 0.6 over letters and
  digits. Both look at the box as it is and with its grey levels stretched, and one success is a success: whoever wants
  to read knows where to look. What they read of the clean scan at the same place is the rate of chance.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from fill import GROW, LINE_MARGIN, grey_of

from bus_toolkit.fan import FindFan
from bus_toolkit.fill.functional import grow_mask, inpaint
from bus_toolkit.geometry import Box, mask_of_boxes
from bus_toolkit.io import read
from bus_toolkit.overlays.drawn import see_drawn
from bus_toolkit.overlays.engines import load_engine
from bus_toolkit.stage import fan_of
from bus_toolkit.synth import Ink, choose_font, make_text, paint, text_stamp

if TYPE_CHECKING:
    from bus_toolkit.geometry import Mask, Pixels
    from bus_toolkit.overlays.engines.base import TextEngine

ROLES = ("name", "date", "laterality", "annotation", "id")
HEIGHTS = (10, 14, 20)
LONG, SIMILAR = 5, 0.6
GROWN = (2, 4, 6)
MARGIN = 6
"""Pixels around the box that a reader sees."""
INKS = ((255, 255, 255), (200, 200, 200), (255, 240, 40))
SURE = 255


def letters_of(text: str) -> str:
    """Its letters and digits, in lower case."""
    return "".join(sign for sign in text.lower() if sign.isalnum())


def long_text(rng: np.random.Generator) -> str:
    """A made entry with enough letters that chance does not read it."""
    while len(letters_of(text := make_text(rng, ROLES[int(rng.integers(len(ROLES)))]))) < LONG:
        pass
    return text


def words_on(rng: np.random.Generator, picture: Pixels) -> tuple[Pixels, list[tuple[str, Box, Mask]]]:
    """A scan with a word of each height, and the words."""
    stamps = []
    for place, height in zip(rng.permutation(len(HEIGHTS)), HEIGHTS, strict=True):
        row = int((0.08 + 0.28 * place + rng.uniform(0, 0.15)) * picture.shape[0])
        at = (row, int(rng.uniform(0.03, 0.4) * picture.shape[1]))
        ink = Ink(colour=INKS[int(rng.integers(len(INKS)))], opacity=float(rng.uniform(0.85, 1)))
        stamps.append(text_stamp(long_text(rng), at, choose_font(rng), height, ink))
    done = paint(picture, stamps)
    return done.image, [(one.text, one.box, one.mask) for one in done.overlays if one.mask.any()]


def ways(painted: Pixels, words: list[tuple[str, Box, Mask]]) -> dict[str, Mask]:
    """What each way fills."""
    shape = painted.shape[:2]
    boxes = mask_of_boxes(shape, [box.grow(LINE_MARGIN).clip(shape) for _, box, _ in words])
    likely = see_drawn(painted).masks["text"] & boxes
    ink = np.any([mask for _, _, mask in words], axis=0)
    grown = {f"segmenter's pixels, grown by {pixels}": grow_mask(likely, pixels) for pixels in GROWN}
    return {"whole box": grow_mask(boxes, GROW), **grown, "true strokes, grown by 2": grow_mask(ink, GROW)}


def tesseract(crop: np.ndarray) -> str:
    """What Tesseract reads of one line."""
    large = 255 - cv2.resize(crop, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    done = subprocess.run(
        ["tesseract", "stdin", "stdout", "--psm", "7"],  # noqa: S607 (where it is, differs)
        input=cv2.imencode(".png", large)[1].tobytes(),
        capture_output=True,
        check=True,
        env={**os.environ, "OMP_THREAD_LIMIT": "1"},
    )
    return done.stdout.decode()


def is_read(text: str, crop: np.ndarray, engine: TextEngine) -> tuple[bool, bool]:
    """Whether EasyOCR and whether Tesseract read something similar to ``text``."""
    low, high = np.percentile(crop, (1, 99))
    stretched = np.clip((crop - low) * (SURE / max(high - low, 1)), 0, SURE).astype(np.uint8)
    wanted = letters_of(text)

    def alike(said: str) -> bool:
        return SequenceMatcher(None, wanted, letters_of(said)).ratio() >= SIMILAR

    by_easyocr = any(alike(reading.text) for reading in engine.recognise([crop, stretched]))
    return by_easyocr, any(alike(tesseract(picture)) for picture in (crop, stretched))


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """In dB."""
    return float(10 * np.log10(255**2 / max(np.mean((one.astype(float) - other) ** 2), 1e-3)))


def measure(paths: list[Path], radius: int, seed: int) -> dict[str, dict[str, list[float]]]:
    """``[way][figure]``: one value a word."""
    engine = load_engine("easyocr")
    told: dict = defaultdict(lambda: defaultdict(list))
    for number, path in enumerate(paths):
        clean = grey_of(np.ascontiguousarray(read(path).scan.frames[0]))
        painted, words = words_on(np.random.default_rng((seed, number)), clean)
        fan = fan_of((FindFan().examine(read(path).scan),))
        usable = fan.mask if fan is not None else None
        filled = {"nothing filled": (painted, None), "clean scan": (clean, None)}
        for way, mask in ways(painted, words).items():
            filled[way] = (inpaint(painted, mask, usable, radius=radius), mask)
        for text, box, _ in words:
            whole, seen = box.grow(LINE_MARGIN).clip(clean.shape), box.grow(MARGIN).clip(clean.shape)
            for way, (picture, mask) in filled.items():
                grey = grey_of(picture)
                figures = told[way]
                figures["tissue"].append(float(mask[whole.slices].mean()) if mask is not None else 0.0)
                figures["psnr"].append(psnr(grey[whole.slices], clean[whole.slices]))
                for name, success in zip(
                    ("easyocr", "tesseract"), is_read(text, grey[seen.slices], engine), strict=True
                ):
                    figures[name].append(float(success))
        print(f"\r{number + 1}/{len(paths)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return told


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=Path, required=True)
    parser.add_argument("--number", type=int, default=40)
    parser.add_argument("--radius", type=int, default=3)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    paths = sorted(args.scans.glob("*.png"))
    order = np.random.default_rng(args.seed).permutation(len(paths))[: args.number]
    told = measure([paths[index] for index in order], args.radius, args.seed)
    print(f"{len(told['clean scan']['psnr'])} words on {len(order)} scans\n")
    print("| filled | tissue, % of the box | PSNR over the box | EasyOCR reads | Tesseract reads |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for way, figures in told.items():
        tissue, quality = 100 * np.mean(figures["tissue"]), np.mean(figures["psnr"])
        reads = " | ".join(f"{100 * np.mean(figures[name]):.0f} %" for name in ("easyocr", "tesseract"))
        print(f"| {way} | {tissue:.0f} | {'' if way == 'clean scan' else f'{quality:.1f}'} | {reads} |")
    if args.json:
        args.json.write_text(json.dumps(told), "utf-8")


if __name__ == "__main__":
    main()
