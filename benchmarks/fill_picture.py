"""Draw what fills look like: a made scan, drawn over, filled by whole boxes and by strokes alone.

    python benchmarks/fill_picture.py docs/images/fill.png

Everything is made by ``bus_toolkit.synth``; no scan of anybody is shown.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from fill import GROW, LINE_MARGIN, navier_stokes

from bus_toolkit.fill.functional import grow_mask, inpaint
from bus_toolkit.geometry import mask_of_boxes
from bus_toolkit.synth import Font, Ink, caliper, make_phantom, paint, text_stamp

SHAPE = (200, 300)
ZOOM = 1.4
WORDS = (("LEFT BREAST", (24, 20), 12), ("3 OCLOCK RAD", (160, 130), 16))
CAPTION, GAP, COLUMNS = 26, 8, 3


def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A phantom, the same drawn over, and the masks of whole boxes and of strokes, as they are filled."""
    clean = make_phantom(np.random.default_rng(8), rows=SHAPE[0], cols=SHAPE[1], fan="full", lesion="benign").image
    stamps = [text_stamp(text, at, Font("bundled"), height, Ink()) for text, at, height in WORDS]
    words = paint(clean, stamps)
    cross = caliper((95.0, 95.0), (105.0, 205.0), Ink())
    drawn = paint(clean, [*stamps, *cross])
    marks = paint(clean, cross).mask()
    boxes = mask_of_boxes(SHAPE, [one.box.grow(LINE_MARGIN).clip(SHAPE) for one in words.overlays])
    return clean, drawn.image, grow_mask(boxes | marks, GROW), grow_mask(words.mask() | marks, GROW)


def tile(picture: np.ndarray, caption: str) -> np.ndarray:
    """One picture, enlarged, with a caption under it."""
    large = cv2.resize(picture, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC)
    canvas = np.full((large.shape[0] + CAPTION, large.shape[1]), 255, np.uint8)
    canvas[: large.shape[0]] = large
    cv2.putText(canvas, caption, (4, canvas.shape[0] - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 40, 1, cv2.LINE_AA)
    return canvas


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    args = parser.parse_args()
    clean, drawn, boxes, strokes = scene()
    everywhere = np.ones(SHAPE, dtype=np.bool_)
    tiles = [
        tile(clean, "made scan"),
        tile(drawn, "drawn over"),
        tile(inpaint(drawn, boxes, radius=3), "whole boxes, Telea, radius 3"),
        tile(inpaint(drawn, boxes, radius=8), "whole boxes, Telea, radius 8"),
        tile(navier_stokes(drawn, boxes, everywhere, 3), "whole boxes, Navier-Stokes, radius 3"),
        tile(inpaint(drawn, strokes, radius=3), "strokes alone, Telea, radius 3"),
    ]
    gap = np.full((tiles[0].shape[0], GAP), 255, np.uint8)
    rows = []
    for start in range(0, len(tiles), COLUMNS):
        parts = [part for one in tiles[start : start + COLUMNS] for part in (one, gap)][:-1]
        rows += [np.hstack(parts), np.full((GAP, tiles[0].shape[1] * COLUMNS + GAP * (COLUMNS - 1)), 255, np.uint8)]
    args.file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(args.file), np.vstack(rows[:-1]), [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
