"""Make bus_toolkit/deidentify/attribute_types.csv: types of attributes in the objects that the toolkit writes.

    python tools/make_iod_types.py FOLDER

FOLDER holds the data files of the PyPI package highdicom (MIT), which carry the tables of DICOM PS3.3 as JSON: unpack
its wheel and name ``highdicom/_standard``. Only attributes whose action in PS3.15 Table E.1-1 depends on the type are
taken. Where several modules of an object have an attribute, the strictest type counts: a dummy value conforms wherever
zero length would, and says no more.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

from bus_toolkit.deidentify.table import rows

TARGET = Path(__file__).parents[1] / "bus_toolkit" / "deidentify" / "attribute_types.csv"
OBJECTS = (
    "ultrasound-image",
    "ultrasound-multi-frame-image",
    "enhanced-us-volume",
    "secondary-capture-image",
    "multi-frame-single-bit-secondary-capture-image",
    "multi-frame-grayscale-byte-secondary-capture-image",
    "multi-frame-grayscale-word-secondary-capture-image",
    "multi-frame-true-color-secondary-capture-image",
)
STRICTEST_FIRST = ("1", "1C", "2", "2C", "3")


def types_of(modules: list[dict[str, str]], attributes: dict[str, list[dict[str, object]]]) -> dict[str, str]:
    """Strictest type by path (keywords with a slash between)."""
    found: dict[str, str] = {}
    for module in modules:
        for entry in attributes.get(module["key"], []):
            path = "/".join([*entry["path"], str(entry["keyword"])])  # type: ignore[misc]
            kind = str(entry["type"])
            if kind not in STRICTEST_FIRST:
                continue
            found[path] = min(found.get(path, "3"), kind, key=STRICTEST_FIRST.index)
    return found


def main() -> int:
    """Write the file; print how many rows each object has."""
    folder = Path(sys.argv[1])
    objects = json.loads((folder / "iod_module_map.json").read_text("utf-8"))
    attributes = json.loads((folder / "module_attribute_map.json").read_text("utf-8"))
    conditional = {row.keyword for row in rows() if "/" in row.basic and row.keyword}
    lines: dict[tuple[str, str], list[str]] = {}
    for name in OBJECTS:
        types = types_of(objects[name], attributes)
        kept = {path: kind for path, kind in types.items() if path.rpartition("/")[2] in conditional}
        sys.stdout.write(f"{name}: {len(kept)}\n")
        for path, kind in kept.items():
            lines.setdefault((path, kind), []).append(name)
    with TARGET.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["path", "type", "objects"])
        for (path, kind), names in sorted(lines.items()):
            writer.writerow([path, kind, "*" if len(names) == len(OBJECTS) else " ".join(names)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
