"""Make docs/images/gallery/*.png: hard cases, and cases that are missed, before and after a run.

python docs/gallery.py

Every picture is a made scan with overlays painted over it: real scans of patients are not kept here. Prints what came
of each, for the page that shows them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from picture import GAP, PAPER, tile

from bus_toolkit import build_pipeline, load_policy
from bus_toolkit.audit.preview import draw_before
from bus_toolkit.geometry import Box
from bus_toolkit.scan import Scan, SourceRef
from bus_toolkit.segmenter.icons import filled_icon
from bus_toolkit.stage import fan_of, findings_of
from bus_toolkit.synth import (
    Font,
    Ink,
    Phantom,
    Stamp,
    bodymark,
    caliper,
    compress_jpeg,
    doppler,
    dual_view,
    logo,
    make_phantom,
    outline,
    paint,
    text_stamp,
)
from bus_toolkit.synth.marks import contour_of
from bus_toolkit.synth.photo import photograph

FOLDER = Path(__file__).resolve().parent / "images" / "gallery"
SIZE = (440, 560)
PLAIN = Font("bundled")
WHITE, GREEN, YELLOW, GREY = (255, 255, 255), (40, 230, 90), (240, 220, 60), (150, 150, 150)


def phantom(seed: int, fan: str = "full", lesion: str = "malignant") -> Phantom:
    """A made scan."""
    rng = np.random.default_rng(seed)
    return make_phantom(rng, rows=SIZE[0], cols=SIZE[1], fan=fan, lesion=lesion)  # type: ignore[arg-type]


def tinted(image: np.ndarray, tint: tuple[float, float, float]) -> np.ndarray:
    """A grey scan as machines with a coloured grey map show it."""
    return np.clip(image[..., np.newaxis] * np.array(tint), 0, 255).astype(np.uint8)


def word(text: str, at: tuple[int, int], height: int, colour: tuple[int, int, int] = WHITE, **ink: object) -> Stamp:
    """A line of text."""
    return text_stamp(text, at, PLAIN, height, Ink(colour=colour, **ink))  # type: ignore[arg-type]


def measured(made: Phantom, colour: tuple[int, int, int], **style: object) -> list[Stamp]:
    """Two measurements across the lesion, with their numbers."""
    box = made.lesion_box
    row, col = (box.row0 + box.row1) / 2, (box.col0 + box.col1) / 2
    ends = (((row, box.col0), (row, box.col1)), ((box.row0, col), (box.row1, col)))
    return [
        stamp
        for number, (start, stop) in enumerate(ends, start=1)
        for stamp in caliper(start, stop, Ink(colour=colour), digit=(str(number), PLAIN), **style)  # type: ignore[arg-type]
    ]


def portuguese() -> np.ndarray:
    """Portuguese text over bright speckle."""
    made = phantom(3)
    words = [word("MAMA ESQ QSL 2H", (30, 190), 15), word("AXILA DIREITA", (330, 40), 12, GREY)]
    return paint(made.image, words).image


def cut() -> np.ndarray:
    """A word and a logo that the edge has cut."""
    made = phantom(4)
    stamps = [word("LEFT BREAST", (SIZE[0] - 8, 210), 16), logo("ECHOLINE", (-7, -60), PLAIN, 15, Ink(colour=WHITE))]
    return paint(made.image, stamps).image


def coloured_calipers() -> np.ndarray:
    """Coloured calipers with numbers that touch them."""
    made = phantom(5)
    return paint(made.image, measured(made, GREEN, size=13, line="dotted", step=6)).image


def tinted_icon() -> np.ndarray:
    """A bluish scan with a solid body mark in a corner."""
    made = phantom(6)
    image = tinted(made.image, (0.72, 0.86, 1.0))
    icon = filled_icon(np.random.default_rng(8), SIZE, YELLOW)
    moved = Stamp(kind=icon.kind, at=(330, 410), alpha=icon.alpha, colour=icon.colour, role=icon.role, text=icon.text)
    return paint(image, [moved, word("R 10:00", (20, 30), 14, YELLOW)]).image


def grey_box() -> np.ndarray:
    """The grey box of a colour region without any flow in it."""
    made = phantom(7)
    return paint(
        made.image, doppler(np.random.default_rng(1), Box(120, 150, 320, 420), Ink(colour=GREY), amount=0)
    ).image


def two_views() -> np.ndarray:
    """Two views side by side."""
    return dual_view(phantom(8).image[:, :300], phantom(9, lesion="benign").image[:, :300], gap=0).image


def contour() -> np.ndarray:
    """A contour that was drawn round the lesion."""
    made = phantom(10)
    points = contour_of(made.lesion_mask, 1.0, np.random.default_rng(2))
    return paint(made.image, [outline(points, Ink(colour=(255, 80, 60)), line="dashed", width=1.6)]).image


def screen_photo() -> np.ndarray:
    """A telephone's photograph of a screen."""
    made = phantom(11, fan="curved")
    shown = paint(made.image, [word("BRAXLEY ADA", (8, 10), 13)]).image
    return photograph(np.random.default_rng(5), shown).image


def banner() -> np.ndarray:
    """A banner outside the sector and a name over it, after JPEG."""
    made = phantom(12, fan="linear")
    words = [word("BRAXLEY ADA  12/03/1984", (4, 8), 12), word("QUILMORE", (200, 230), 14, GREY, backing="shadow")]
    return compress_jpeg(paint(made.image, words).image, 60)


def tiny() -> np.ndarray:
    """Letters of six pixels."""
    return paint(phantom(13).image, [word("RT BREAST 9 OC", (90, 120), 6, GREY)]).image


def faint() -> np.ndarray:
    """Letters that are hardly brighter than the tissue."""
    made = phantom(14)
    return paint(made.image, [word("LT AXILLA", (150, 200), 14, (120, 120, 120), opacity=0.45)]).image


def rings() -> np.ndarray:
    """Two small rings without a line between them."""
    made = phantom(15)
    return paint(made.image, measured(made, GREY, mark="ring", line="none", size=7, width=1)[:4]).image


def sidemark() -> np.ndarray:
    """A thin grey body mark over tissue."""
    stamp = bodymark(np.random.default_rng(3), (350.0, 470.0), 60.0, Ink(colour=GREY, opacity=0.7))
    return paint(phantom(16).image, [stamp]).image


def withheld() -> np.ndarray:
    """Stands where no picture is given away."""
    sheet = np.full((300, 360), 235, np.uint8)
    cv2.putText(sheet, "nothing is given away", (84, 155), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (110,), 1, cv2.LINE_AA)
    return sheet


CASES = {
    "portuguese": portuguese,
    "cut": cut,
    "coloured-calipers": coloured_calipers,
    "tinted-icon": tinted_icon,
    "grey-box": grey_box,
    "two-views": two_views,
    "contour": contour,
    "screen-photo": screen_photo,
    "banner": banner,
    "body-mark": sidemark,
    "six-pixels": tiny,
    "faint": faint,
    "rings": rings,
}


def main() -> int:
    """Write the pictures."""
    pipeline = build_pipeline(load_policy(), anonymise=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in CASES.items():
        image = make()
        scan = Scan(frames=np.ascontiguousarray(image)[np.newaxis], source=SourceRef(id=name, digest="0" * 64))
        result = pipeline.run(scan)
        seen = findings_of(result.plans)
        words = str(result.outcome) + "".join(f", {reason.code}" for reason in result.verdict.reasons)
        tiles = [
            tile(image, "as it came"),
            tile(draw_before(image, seen, fan_of(result.plans)), "what was seen"),
            tile(withheld() if result.scan is None else result.scan.frames[0], words),
        ]
        gap = np.full((tiles[0].shape[0], GAP, 3), PAPER, np.uint8)
        sheet = np.hstack([part for each in tiles for part in (each, gap)][:-1])
        sheet = cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(FOLDER / f"{name}.jpg"), sheet, [cv2.IMWRITE_JPEG_QUALITY, 82])
        found = sorted({f"{finding.kind} ({finding.detector})" for finding in seen})
        print(f"{name}: {words}; seen: {', '.join(found) or 'nothing'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
