"""How well what operators write on scans is understood: fields read from pixels beside those of labels typed by eye.

    python benchmarks/annotations.py BUSI [--words]

BUSI holds ``labels.json`` and ``images/``, see docs/explanation/measurements.md. Over every scan whose labels hold a
string of an annotation: what the labels say, what is read when text is found as ``inspect`` finds it, and, field by
field, how often both agree. ``--words`` prints the strings of scans on which they differ.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from pathlib import Path

import cv2

from bus_toolkit.annotation import parse
from bus_toolkit.annotation.fields import COLUMNS
from bus_toolkit.annotation.lines import annotation_of, lines_of
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


def main() -> None:
    """Measure and print; a JSON line at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--words", action="store_true", help="print the strings where label and reading differ")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    finder = FindText()
    counts: dict[str, Counter] = {name: Counter() for name in COLUMNS}
    scans = alike = 0
    for record in json.loads((args.data / "labels.json").read_text("utf-8")):
        strings = labelled(record)
        if not strings:
            continue
        scans += 1
        plans = (finder.examine(read(args.data / "images" / record["file"]).scan),)
        said, seen = parse("\n".join(strings)).columns(), annotation_of(plans).columns()
        alike += said == seen
        for name in COLUMNS:
            kind = "neither" if not said[name] and not seen[name] else "equal" if said[name] == seen[name] else ""
            kind = kind or ("missed" if not seen[name] else "invented" if not said[name] else "other")
            counts[name][kind] += 1
        if args.words and said != seen:
            print(record["file"], strings, lines_of(findings_of(plans)))
    print(f"{scans} scans with an annotation; all fields equal on {alike}")
    for name, kinds in counts.items():
        labels = scans - kinds["neither"] - kinds["invented"]
        told = ", ".join(f"{kinds[kind]} {kind}" for kind in ("equal", "missed", "other", "invented"))
        print(f"{name:24} labelled on {labels:3}: {told}")
    print(json.dumps({"scans": scans, "alike": alike, **{name: dict(kinds) for name, kinds in counts.items()}}))


if __name__ == "__main__":
    main()
