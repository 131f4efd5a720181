"""What machines that this project did not build still read after cleaning: EasyOCR and Tesseract, before and after.

    make test-easyocr    # makes the environment below, once
    EASYOCR_MODULE_PATH=.venv-easyocr/easyocr .venv-easyocr/bin/python benchmarks/removal.py --busi DIR --breast DIR

DIR hold BUSI (``images/``, ``labels.json``) and BrEaST (``images/``); either may be left out. Three sets go through a
whole ``bus-clean ingest``: BUSI scans that are labelled with an annotation, BrEaST scans with two strings painted on
them, and scans with nothing on them. Each reader looks at every kept scan as it was and as it was written.

- A text is *found* when the reader gives at least three letters or digits with a confidence of at least 0.5.
- It is *drawn* when at least half of the smaller of its box and a labelled or painted box is common to both, else it
  is *false*.
- It is *left* when something similar is found after at the same place: half of the smaller box in common, and a ratio
  of matching characters (difflib) of at least 0.5 over letters and digits. *Anything* counts a text of any kind there.
- *New* is what is found after where nothing was found before.

Only what lies inside the part that was kept counts. EasyOCR runs as it comes (``readtext``), Tesseract on the picture
at twice its size, inverted (it expects dark letters), in sparse-text mode. EasyOCR's detector takes seconds a picture:
with ``--around 40`` it looks only at what lies within 40 pixels of a labelled or painted box, before and after. With
``--cache FILE`` what a reader said of a picture is kept by the picture's digest, so that a second run reads only what
changed; the file holds recognised text.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from bus_toolkit.audit.ledger import Ledger
from bus_toolkit.geometry import Box, mask_of_boxes
from bus_toolkit.synth import Font, choose_font, make_text, paint, random_ink, text_stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

CONFIDENCE, ALNUM, SIMILAR, COMMON = 0.5, 3, 0.5, 0.5
WORDS_OF = ("name", "date", "laterality", "annotation", "id")
SAVE_EVERY = 20
HELD_BACK = 3
"""Exit code of an ingest that quarantined something."""


@dataclass(frozen=True)
class Found:
    """One text that a reader gave, its box in pixels of the picture that went in."""

    text: str
    confidence: float
    box: Box

    @property
    def letters(self) -> str:
        """Its letters and digits, in lower case."""
        return "".join(sign for sign in self.text.lower() if sign.isalnum())


@dataclass
class Set:
    """A folder of scans and the boxes in which text is known to be."""

    name: str
    folder: Path
    truth: dict[str, list[Box]] = field(default_factory=dict)

    def add(self, picture: np.ndarray, truth: Sequence[Box]) -> None:
        """One more scan, as PNG."""
        file = f"{len(self.truth):03}.png"
        colour = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)  # noqa: PLR2004
        if not (self.folder / file).is_file():
            cv2.imwrite(str(self.folder / file), colour)
        self.truth[file] = list(truth)


def cpu_seconds() -> float:
    """CPU time of this process and of those that it waited for."""
    return sum(os.times()[:4])


def look(path: Path) -> np.ndarray:
    """A picture as it is stored: grey or RGB."""
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return picture if picture.ndim == 2 else cv2.cvtColor(picture[..., :3], cv2.COLOR_BGR2RGB)  # noqa: PLR2004


def with_easyocr() -> Callable[[np.ndarray], list[Found]]:
    """EasyOCR with its own defaults, on one thread; it never downloads."""
    import torch
    from easyocr import Reader

    torch.set_num_threads(1)
    reader = Reader(["en"], gpu=False, download_enabled=False, verbose=False)

    def read(picture: np.ndarray) -> list[Found]:
        found = []
        for corners, text, confidence in reader.readtext(picture):
            points = np.array(corners, dtype=float)
            box = Box.from_list((*points.min(axis=0)[::-1], *points.max(axis=0)[::-1])).clip(picture.shape)
            found.append(Found(str(text), float(confidence), box))
        return found

    return read


def with_tesseract() -> Callable[[np.ndarray], list[Found]]:
    """Tesseract by its command line, one word a text."""
    command = ["tesseract", "stdin", "stdout", "--psm", "11", "tsv"]
    alone = {**os.environ, "OMP_THREAD_LIMIT": "1"}

    def read(picture: np.ndarray) -> list[Found]:
        large = 255 - cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        data = cv2.imencode(".png", large)[1].tobytes()
        done = subprocess.run(command, input=data, capture_output=True, check=True, env=alone)  # noqa: S603
        found = []
        for row in csv.DictReader(StringIO(done.stdout.decode()), delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["level"] == "5" and row["text"].strip():
                left, top, width, height = (int(row[key]) / 2 for key in ("left", "top", "width", "height"))
                box = Box.from_list((top, left, top + height, left + width)).clip(picture.shape)
                found.append(Found(row["text"], float(row["conf"]) / 100, box))
        return found

    return read


READERS = {"easyocr": with_easyocr, "tesseract": with_tesseract}


class Cached:
    """A reader that remembers what it said of a picture."""

    def __init__(self, name: str, path: Path | None) -> None:
        self.name, self.path, self.reader = name, path, None
        self.known: dict[str, Any] = json.loads(path.read_text("utf-8")) if path and path.is_file() else {}
        self.fresh, self.seconds = 0, 0.0

    def __call__(self, picture: np.ndarray) -> list[Found]:
        """What counts as found, see the head of the file."""
        digest = f"{self.name} {picture.shape} {hashlib.sha256(picture.tobytes()).hexdigest()}"
        if digest not in self.known:
            self.reader = self.reader or READERS[self.name]()
            started = cpu_seconds()
            found = self.reader(picture)
            self.seconds += cpu_seconds() - started
            self.known[digest] = [(one.text, one.confidence, one.box.as_list()) for one in found]
            self.fresh += 1
            if self.fresh % SAVE_EVERY == 0:
                self.save()
        said = [Found(text, confidence, Box.from_list(box)) for text, confidence, box in self.known[digest]]
        return [one for one in said if one.confidence >= CONFIDENCE and len(one.letters) >= ALNUM]

    def save(self) -> None:
        """Write what is known, when a file was named."""
        if self.path:
            self.path.write_text(json.dumps(self.known), "utf-8")


def same_place(one: Box, other: Box) -> bool:
    """Whether they have half of the smaller one in common."""
    return one.intersect(other).area >= COMMON * max(1, min(one.area, other.area))


def parts_around(truth: Sequence[Box], around: int, shape: Sequence[int]) -> list[Box]:
    """Boxes that hold what lies within ``around`` pixels of the known texts, each pixel in few of them."""
    mask = mask_of_boxes((shape[0], shape[1]), [box.grow(around).clip(shape) for box in truth])
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    sides = [[int(value) for value in stats[index][:4]] for index in range(1, count)]
    return [Box(row, col, row + height, col + width) for col, row, width, height in sides]


def read_parts(reader: Cached, picture: np.ndarray, parts: Sequence[Box]) -> list[Found]:
    """What is found in parts of a picture, in the frame of the picture."""
    return [
        Found(one.text, one.confidence, one.box.shift(part.row0, part.col0))
        for part in parts
        for one in reader(np.ascontiguousarray(picture[part.slices]))
    ]


def similar(one: Found, other: Found) -> bool:
    """Whether half of their letters match."""
    return SequenceMatcher(None, one.letters, other.letters).ratio() >= SIMILAR


def busi_sets(busi: Path, folder: Path, clean: int) -> Iterator[Set]:
    """Scans with an annotation, and some with nothing at all."""
    records = [record for record in json.loads((busi / "labels.json").read_text("utf-8")) if not record["uncertain"]]
    annotated, bare = (Set(name, folder / name) for name in ("BUSI, annotated", "BUSI, nothing drawn"))
    for part in (annotated, bare):
        part.folder.mkdir(exist_ok=True)
    for record in records:
        boxes = [Box(b["y0"], b["x0"], b["y1"], b["x1"]) for b in record["boxes"] if b["kind"] == "text"]
        if "annotation" in record["text_types"]:
            annotated.add(look(busi / "images" / record["file"]), boxes)
        elif not record["boxes"] and len(bare.truth) < clean:
            bare.add(look(busi / "images" / record["file"]), [])
    yield from (annotated, bare)


def breast_set(breast: Path, folder: Path, scans: int, seed: int) -> Set:
    """BrEaST scans, each with two strings painted on it in the letters of some machine."""
    painted = Set("BrEaST, painted", folder / "painted")
    painted.folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    paths = sorted((breast / "images").glob("*.png"))
    for number in rng.permutation(len(paths))[:scans]:
        picture = look(paths[number])
        stamps = []
        for half in (0, 1):
            font: Font = choose_font(rng)
            text = make_text(rng, WORDS_OF[int(rng.integers(len(WORDS_OF)))])
            row = int((0.05 + 0.45 * half + rng.uniform(0, 0.35)) * picture.shape[0])
            at = (row, int(rng.uniform(0.02, 0.6) * picture.shape[1]))
            stamps.append(text_stamp(text, at, font, int(rng.integers(9, 24)), random_ink(rng)))
        done = paint(picture, stamps)
        painted.add(done.image, [item.box for item in done.overlays if item.mask.any()])
    return painted


def ingest(part: Set, policy: str) -> tuple[Counter[str], dict[str, tuple[np.ndarray, Box]]]:
    """Clean a set as a user would; how many ended how, and of each kept scan what was written and its place."""
    out = part.folder.with_name(part.folder.name + "-clean")
    command = [sys.executable, "-m", "bus_toolkit.cli.clean", "ingest", str(part.folder), "--anonymise", "--quiet"]
    done = subprocess.run([*command, "--out", str(out), "--policy", policy, "--jobs", "1"], check=False)  # noqa: S603
    if done.returncode not in (0, HELD_BACK):
        sys.exit(f"bus-clean must finish. Got exit code {done.returncode}")
    outcomes: Counter[str] = Counter()
    kept = {}
    with Ledger(out.with_name(out.name + ".private") / "ledger.sqlite") as ledger:
        for record in ledger.records():
            outcomes[str(record.outcome)] += 1
            if record.image:
                (crop,) = (plan for plan in record.plans if plan.stage == "crop-fan")
                kept[record.file] = look(out / record.image), Box.from_list(crop.params["box"])
    return outcomes, kept


def compare(before: list[Found], after: list[Found], kept: Box, truth: list[Box]) -> Counter[str]:
    """What was found before and is left, on one scan; ``after`` in the frame of ``before``."""
    told: Counter[str] = Counter()
    inside = [one for one in before if one.box.intersect(kept).area * 2 >= one.box.area]
    for one in inside:
        drawn = any(same_place(one.box, box) for box in truth)
        there = [other for other in after if same_place(one.box, other.box)]
        kind = "drawn" if drawn else "false"
        told[kind] += 1
        told[f"{kind} left"] += any(similar(one, other) for other in there)
        told[f"{kind} anything"] += bool(there)
    told["new"] = sum(not any(same_place(one.box, other.box) for other in before) for one in after)
    told["scans with drawn"] = told["drawn"] > 0
    return told


def measure(part: Set, policy: str, readers: Sequence[Cached], around: int, shown: list[str]) -> dict[str, Any]:
    """One set through the cleaning and all readers."""
    outcomes, kept = ingest(part, policy)
    result: dict[str, Any] = {"scans": len(part.truth), "outcomes": dict(outcomes), "readers": {}}
    for reader in readers:
        total: Counter[str] = Counter()
        for file, (picture, box) in sorted(kept.items()):
            raw = look(part.folder / file)
            parts = [Box.whole(raw.shape)]
            if around and reader.name == "easyocr":
                parts = parts_around(part.truth[file], around, raw.shape)
            before = read_parts(reader, raw, parts)
            # In the frame of the source, so that the same parts are looked at: those of it that were kept.
            inside = [(one, one.shift(-box.row0, -box.col0).clip(picture.shape)) for one in parts]
            after = [
                Found(one.text, one.confidence, one.box.shift(box.row0, box.col0))
                for one in read_parts(reader, picture, [cut for _, cut in inside if min(cut.height, cut.width) > 1])
            ]
            told = compare(before, after, box, part.truth[file])
            if told["drawn left"] or told["drawn anything"] or told["new"]:
                shown.append(f"{part.name} {file} {reader.name}: {dict(told)}")
            total += told
        result["readers"][reader.name] = dict(total)
        print(f"{part.name}, {reader.name}: {dict(total)}", file=sys.stderr, flush=True)
        reader.save()
    return result


def table(results: dict[str, Any]) -> str:
    """As Markdown."""
    lines = [
        "| scans | kept | reader | drawn, before | left | anything read there | false, before | left | new |",
        "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, result in results.items():
        for reader, told in result["readers"].items():
            keys = ("drawn", "drawn left", "drawn anything", "false", "false left", "new")
            figures = " | ".join(str(told.get(key, 0)) for key in keys)
            kept = f"{result['outcomes'].get('kept', 0)} of {result['scans']}"
            lines.append(f"| {name} | {kept} | {reader} | {figures} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--busi", type=Path)
    parser.add_argument("--breast", type=Path)
    parser.add_argument("--readers", nargs="+", choices=tuple(READERS), default=list(READERS))
    parser.add_argument("--painted", type=int, default=60, help="how many BrEaST scans to paint on")
    parser.add_argument("--clean", type=int, default=30, help="how many BUSI scans with nothing on them")
    parser.add_argument("--policy", default="york")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--cache", type=Path, help="keep what was read here (private: it holds text)")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--around", type=int, default=0, help="pixels around known text that EasyOCR sees; 0: all")
    parser.add_argument(
        "--work", type=Path, help="keep the sets and what came of them here; a run that is there goes on"
    )
    args = parser.parse_args()
    readers = [Cached(name, args.cache and args.cache.with_suffix(f".{name}.json")) for name in args.readers]
    results: dict[str, Any] = {}
    shown: list[str] = []
    with ExitStack() as stack:
        folder = args.work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        sets = [*busi_sets(args.busi, folder, args.clean)] if args.busi else []
        sets += [breast_set(args.breast, folder, args.painted, args.seed)] if args.breast else []
        for part in sets:
            results[part.name] = measure(part, args.policy, readers, args.around, shown)
    print("\n".join([table(results), "", *shown]))
    for reader in readers:
        if reader.fresh:
            print(f"{reader.name}: {reader.seconds / reader.fresh:.2f} CPU-s a picture, {reader.fresh} pictures")
    if args.json:
        args.json.write_text(json.dumps(results, indent=2), "utf-8")


if __name__ == "__main__":
    main()
