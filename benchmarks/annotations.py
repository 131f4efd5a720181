"""How well what operators write on scans is understood: fields read from pixels beside those of labels typed by eye.

    python benchmarks/annotations.py BUSI [--others DIR ...] [--ingest] [--words]

BUSI holds ``labels.json`` and ``images/``, see docs/explanation/measurements.md. Over every scan whose labels hold a
string of an annotation: what the labels say, what is read when text is found as ``inspect`` finds it, and, field by
field, how often both agree. On its other scans, and on all below ``--others`` (data without annotations), every field
that is told is invented. ``--ingest`` finds text as ``ingest`` does: the segmenter finds, and the engine only reads.
``--words`` prints the strings of scans on which they differ.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from pathlib import Path

import cv2

from bus_toolkit.annotation import Annotation, parse
from bus_toolkit.annotation.fields import COLUMNS
from bus_toolkit.annotation.lines import annotation_of, lines_of
from bus_toolkit.errors import InputError
from bus_toolkit.io import read
from bus_toolkit.overlays import FindText
from bus_toolkit.stage import findings_of

REMARK = re.compile(r"\s*\(.*\)")
"""What a labeller adds in brackets is not on the scan."""


def labelled(record: dict) -> list[str]:
    """Strings of annotations on one scan, as labelled, from top to bottom."""
    boxes = [box for box in record["boxes"] if box["kind"] == "text" and box.get("type") == "annotation"]
    ordered = sorted(boxes, key=lambda box: (box["y0"], box["x0"]))
    return [REMARK.sub("", box["string"]) for box in ordered if box.get("string")]


def seen_on(finder: FindText, path: Path) -> tuple[Annotation, list[str]]:
    """What is told of one scan, and the lines that were read on it."""
    plans = (finder.examine(read(path).scan),)
    return annotation_of(plans), lines_of(findings_of(plans))


def invented(finder: FindText, paths: list[Path], *, words: bool) -> tuple[int, int]:
    """Of scans without an annotation: how many could be read, and of how many something is told."""
    looked = told = 0
    for path in paths:
        try:
            said, lines = seen_on(finder, path)
        except InputError:
            continue
        looked += 1
        told += bool(said)
        if words and said:
            print(path.name, {name: cell for name, cell in said.columns().items() if cell}, lines)
    return looked, told


def main() -> None:
    """Measure and print; a JSON line at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--others", type=Path, nargs="+", default=[], help="folders of scans without annotations")
    parser.add_argument("--ingest", action="store_true", help="find text as ingest does, by the segmenter alone")
    parser.add_argument("--words", action="store_true", help="print the strings where label and reading differ")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    finder = FindText(witness="none" if args.ingest else "full")
    counts: dict[str, Counter] = {name: Counter() for name in COLUMNS}
    scans = alike = 0
    plain = []
    for record in json.loads((args.data / "labels.json").read_text("utf-8")):
        strings, path = labelled(record), args.data / "images" / record["file"]
        if not strings:
            plain.append(path)
            continue
        scans += 1
        seen, lines = seen_on(finder, path)
        said, cells = parse("\n".join(strings)).columns(), seen.columns()
        alike += said == cells
        for name in COLUMNS:
            kind = "neither" if not said[name] and not cells[name] else "equal" if said[name] == cells[name] else ""
            kind = kind or ("missed" if not cells[name] else "invented" if not said[name] else "other")
            counts[name][kind] += 1
        if args.words and said != cells:
            print(record["file"], strings, lines)
    print(f"{scans} scans with an annotation; all fields equal on {alike}")
    for name, kinds in counts.items():
        labels = scans - kinds["neither"] - kinds["invented"]
        told = ", ".join(f"{kinds[kind]} {kind}" for kind in ("equal", "missed", "other", "invented"))
        print(f"{name:24} labelled on {labels:3}: {told}")
    result = {"scans": scans, "alike": alike, **{name: dict(kinds) for name, kinds in counts.items()}}
    folders = [sorted(path for path in folder.rglob("*") if path.is_file()) for folder in args.others]
    for number, paths in enumerate([plain, *folders]):
        looked, told = invented(finder, paths, words=args.words)
        print(f"without annotations, set {number}: something is told of {told} of {looked}")
        result[f"without_{number}"] = {"scans": looked, "told": told}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
