"""Make docs/images/before-after.png from the made scans: what a run finds, and what it leaves.

python docs/picture.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from bus_toolkit import build_pipeline, load_policy, read_scan
from bus_toolkit.audit.preview import draw_before
from bus_toolkit.stage import fan_of, findings_of

ROOT = Path(__file__).resolve().parents[1]
SCANS = (
    "benign/us_0003.png",
    "malignant/QUILMORE_CORA_1979-03-12.png",
    "benign/us_0010.png",
    "benign/us_0005.png",
)
TILE = (300, 360)
GAP, CAPTION = 8, 26
PAPER, INK = 255, (40, 40, 40)


def tile(picture: np.ndarray | None, caption: str) -> np.ndarray:
    """One picture, fitted into a tile with a caption under it."""
    canvas = np.full((TILE[0] + CAPTION, TILE[1], 3), PAPER, np.uint8)
    if picture is not None:
        colour = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)  # noqa: PLR2004
        scale = min(TILE[0] / colour.shape[0], TILE[1] / colour.shape[1])
        small = cv2.resize(colour, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        top, left = (TILE[0] - small.shape[0]) // 2, (TILE[1] - small.shape[1]) // 2
        canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    cv2.putText(canvas, caption, (4, TILE[0] + 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA)
    return canvas


def main() -> int:
    """Write the picture."""
    pipeline = build_pipeline(load_policy(), anonymise=True)
    columns = []
    for name in SCANS:
        scan = read_scan(ROOT / "fixtures" / "raw_york" / name)
        result = pipeline.run(scan)
        before = draw_before(scan.frames[0], findings_of(result.plans), fan_of(result.plans))
        after = result.scan.frames[0] if result.scan is not None else None
        words = str(result.outcome) + "".join(f", {reason.code}" for reason in result.verdict.reasons)
        columns.append(np.vstack([tile(before, "before, with what was found"), tile(after, f"after: {words}")]))
    gap = np.full((columns[0].shape[0], GAP, 3), PAPER, np.uint8)
    sheet = np.hstack([part for column in columns for part in (column, gap)][:-1])
    path = ROOT / "docs" / "images" / "before-after.png"
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return 0


if __name__ == "__main__":
    sys.exit(main())
