"""Find text in one picture: arrays in, findings out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from bus_toolkit.geometry import Box
from bus_toolkit.overlays.drawn import DETECTOR
from bus_toolkit.overlays.text_cut import find_cut_logos
from bus_toolkit.overlays.text_digits import brightest, find_glyphs
from bus_toolkit.overlays.text_logo import is_logo
from bus_toolkit.overlays.text_segments import lines_of
from bus_toolkit.stage import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bus_toolkit.geometry import Pixels
    from bus_toolkit.overlays.drawn import Drawn
    from bus_toolkit.overlays.engines.base import Detection, Reading, TextEngine
    from bus_toolkit.overlays.text_segments import Segment

SHORT_SIDE: Final = 480
"""Pictures are looked at with at least this many pixels on their shorter side: small pictures have small text. The
cost grows with the pixels looked at; what more of them would bring is told at ``THOROUGH``."""
THOROUGH: Final = 1.5
"""The second, thorough look is this much larger. Of 128 strings painted at random over 45 scans of BrEaST, in many
fonts and colours, 118 were covered by 90 % after the first look and 122 after both, for 3.2 times the time
(with 512 for ``SHORT_SIDE``)."""
LARGEST_SCALE: Final = 2.0
TILE: Final = 832
"""A picture is looked at in tiles of at most this side, so that memory stays bounded: a process that looked at pictures
of 1024x768 had 0.53 GB at most, one that looked at 2600x2000 0.59 GB."""
TILE_OVERLAP: Final = 128
"""Tiles share this many pixels, more than the height of any line."""
LARGEST_SIDE: Final = 4096
"""Beyond this a picture is looked at in reduced size."""

PAD: Final = 8
"""Rows and columns by which the edges are drawn out: a detector overlooks what the edge cuts. Without, 48 of 52 names,
dates and other identities on DICOM screens were found, with it all 52, for a tenth more time."""
TALL: Final = 45
"""Text overlays are lower than this (rows, at 600 rows of picture); what is taller must be read to count."""
ONE_LINE: Final = 0.7
"""Share of rows that two boxes of one line of writing have in common."""
MERGED: Final = 0.6
"""Two boxes of which one covers this share of the other are one line."""
SURE: Final = 0.87
"""What the detector is less sure of must be read to count, and so must what is tall."""
READ_SURE: Final = 0.8
"""Confidence of a reading that counts."""
WORD: Final = 3
"""Letters and digits that something tall must say to count."""
LEAST_CONTRAST: Final = 40
"""Grey levels between the dark and the bright parts of a line of text; the false boxes on tissue had less."""
MARGIN: Final = 1
"""Pixels by which a box is grown for reading."""
GLYPH_MARGIN: Final = 2
"""A single character is measured by its strokes alone; its outline and soft edge lie outside them."""
GLYPH_TEXT: Final = 2
"""What stands beside a cross has at most this many characters."""
SEGMENT_MARGIN: Final = 3
"""Pixels by which the segmenter's boxes are grown: soft edges and halos of letters lie outside them."""
BLOCK: Final = 26
"""A piece of text with both sides at least so many pixels may be several lines."""
SEGMENT_SURE: Final = 0.9
"""Lines of which the segmenter is less sure must be read as a word, or stand beside the mark of a measurement. On 464
scans of BUSI the two false lines had 0.88, and no line of an annotation had less than this."""
SEGMENT_SURE_CUT: Final = 0.95
"""The same at the upper and lower edge: there, the cut of a bright layer looks like the cut of a word. On 230 scans of
BrEaST eight such cuts had 0.90 to 0.941."""
SEGMENT_SURE_LONE: Final = 0.98
"""The same for a lone piece away from every edge, unless a letter or digit can be read in it: a calcification looks
like one sign. On BUSI and BrEaST four such pieces had 0.90 to 0.979."""
HALF: Final = 0.5
Witness: TypeAlias = Literal["full", "half", "none"]
GLYPHS: Final = "cross-glyphs"
CUT_OUTLINES: Final = "cut-outlines"
"""Names of the detectors here, as findings carry them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One piece of text. ``text`` is private."""

    box: Box
    score: float
    text: str = field(default="", repr=False)
    detector: str
    logo: bool = False


def scale_for(shape: tuple[int, int]) -> float:
    """How much larger a picture of ``(rows, cols)`` is looked at: 1 to 2, less than 1 for huge ones."""
    if max(shape) > LARGEST_SIDE:
        return LARGEST_SIDE / max(shape)
    return float(min(LARGEST_SCALE, max(1.0, SHORT_SIDE / max(1, min(shape)))))


def tiles_of(shape: tuple[int, int], side: int) -> tuple[Box, ...]:
    """Overlapping boxes of at most ``side`` pixels a side that cover ``(rows, cols)``."""
    rows, cols = (_starts(length, side) for length in shape)
    return tuple(Box(row, col, min(row + side, shape[0]), min(col + side, shape[1])) for row in rows for col in cols)


def _starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [0]
    count = int(np.ceil((length - TILE_OVERLAP) / (side - TILE_OVERLAP)))
    return [round(start) for start in np.linspace(0, length - side, count)]


def unite(lines: Iterable[Line]) -> list[Line]:
    """Join boxes that cover most of each other; the one of which more was read gives text and score."""
    united: list[Line] = []
    for line in sorted(lines, key=lambda line: (-line.box.area, line.box)):
        for index, other in enumerate(united):
            if line.box.intersect(other.box).area >= MERGED * line.box.area:
                best = max(other, line, key=lambda one: (count_alnum(one.text), one.score))
                united[index] = replace(
                    best,
                    box=other.box.union(line.box),
                    logo=line.logo or other.logo,
                    detector=together(other.detector, line.detector),
                )
                break
        else:
            united.append(line)
    return sorted(united, key=lambda line: line.box)


def together(*detectors: str) -> str:
    """The names of several detectors as one, each once, in the order of the alphabet."""
    return "+".join(sorted({name for names in detectors for name in names.split("+")}))


def bridge(lines: Sequence[Line]) -> list[Line]:
    """Join neighbours on one line of writing, so that no comma or hyphen between two words is left over.

    Neighbours overlap in most of their rows, and the gap between them is at most as wide as they are high.
    """
    joined: list[Line] = []
    for line in sorted(lines, key=lambda line: (line.box.col0, line.box)):
        for index, other in enumerate(joined):
            if line.logo == other.logo and _neighbours(other.box, line.box):
                text = f"{other.text} {line.text}".strip()
                best = max(other, line, key=lambda one: one.score)
                names = together(other.detector, line.detector)
                joined[index] = replace(best, box=other.box.union(line.box), text=text, detector=names)
                break
        else:
            joined.append(line)
    return sorted(joined, key=lambda line: line.box)


def _neighbours(left: Box, right: Box) -> bool:
    common = min(left.row1, right.row1) - max(left.row0, right.row0)
    high = min(left.height, right.height)
    gap = right.col0 - left.col1
    return common >= ONE_LINE * max(left.height, right.height) and gap <= high


def count_alnum(text: str) -> int:
    """Letters and digits in recognised text."""
    return sum(sign.isalnum() for sign in text)


def crop_of(image: Pixels, box: Box) -> Pixels:
    """The part of ``image`` in ``box`` and a margin."""
    return image[box.grow(MARGIN).clip(image.shape).slices]


def detect_lines(image: Pixels, engine: TextEngine, scale: float, pad: int = PAD) -> list[Detection]:
    """All that the engine's detector sees at ``scale`` with ``pad`` pixels drawn out, boxes in pixels of ``image``."""
    shape = (image.shape[0], image.shape[1])
    found: list[Detection] = []
    for tile in tiles_of(shape, max(1, round(TILE / scale))):
        padded = np.pad(image[tile.slices], ((pad, pad), (pad, pad), (0, 0))[: image.ndim], mode="edge")
        for seen in engine.detect(padded, scale=scale):
            box = seen.box.shift(tile.row0 - pad, tile.col0 - pad).clip(shape)
            if box.area:
                found.append(replace(seen, box=box))
    return found


def read_lines(
    image: Pixels, found: Sequence[Detection], engine: TextEngine, doubts: list[str] | None = None
) -> list[Line]:
    """Read what was detected, and drop what has no contrast and what is doubtful and says nothing.

    What was read in a place that is dropped as doubtful is added to ``doubts``.
    """
    found = [seen for seen in found if contrast_of(image, seen.box) >= LEAST_CONTRAST]
    tall = TALL * max(1.0, min(image.shape[:2]) / 600)
    lines = []
    for seen, reading in zip(found, engine.recognise([crop_of(image, seen.box) for seen in found]), strict=True):
        readable = is_read(reading)
        low = min(seen.box.height, seen.box.width) <= tall
        if (low and seen.score >= SURE) or (readable and (low or is_word(reading, seen, tall))):
            score = max(seen.score, reading.confidence if readable else 0.0)
            lines.append(Line(box=seen.box, score=score, text=reading.text, detector=engine.name))
        elif doubts is not None and reading.text:
            doubts.append(reading.text)
    return lines


def is_word(reading: Reading, seen: Detection, tall: float) -> bool:
    """Whether a box too tall for text says several characters: tissue may look like one."""
    return seen.box.height <= 2 * tall and count_alnum(reading.text) >= WORD


def is_read(reading: Reading) -> bool:
    """Whether a reading is sure and holds a letter or digit."""
    return reading.confidence >= READ_SURE and any(sign.isalnum() for sign in reading.text)


def contrast_of(image: Pixels, box: Box) -> int:
    """Grey levels between the 5th and 95th percentile of the brightest channel in ``box``."""
    part = np.sort(brightest(np.ascontiguousarray(image[box.slices])), axis=None)
    return int(part[round(0.95 * (part.size - 1))]) - int(part[round(0.05 * (part.size - 1))])


def read_glyphs(image: Pixels, engine: TextEngine) -> list[Line]:
    """Digits and letters beside the crosses of calipers."""
    glyphs = find_glyphs(image)
    readings = engine.recognise([glyph.picture for glyph in glyphs])
    return [
        Line(
            box=glyph.box.grow(GLYPH_MARGIN).clip(image.shape),
            score=reading.confidence,
            text=reading.text,
            detector=f"{GLYPHS}+{engine.name}",
        )
        for glyph, reading in zip(glyphs, readings, strict=True)
        if is_read(reading) and reading.text.isascii() and len(reading.text) <= GLYPH_TEXT
    ]


def cut_logos(image: Pixels) -> list[Line]:
    """What a crop has left of a logo in an upper corner."""
    found = find_cut_logos(brightest(image))
    return [
        Line(box=box.grow(1).clip(image.shape), score=score, detector=CUT_OUTLINES, logo=True) for box, score in found
    ]


def read_segments(image: Pixels, drawn: Drawn, engine: TextEngine) -> list[Line]:
    """Lines that the segmenter saw, with what was read in them: the sure ones count whether they can be read or not."""
    shape = (image.shape[0], image.shape[1])
    found = [
        (replace(segment, box=part.grow(SEGMENT_MARGIN).clip(shape)))
        for segment in lines_of(drawn, shape)
        for part in split_block(image, segment.box, engine)
    ]
    readings = engine.recognise([crop_of(image, segment.box) for segment in found])
    return [
        Line(
            box=segment.box,
            score=min(1.0, segment.score),
            text=reading.text if is_read(reading) else "",
            detector=DETECTOR,
        )
        for segment, reading in zip(found, readings, strict=True)
        if _counts(segment, reading, shape)
    ]


def _counts(segment: Segment, reading: Reading, shape: tuple[int, int]) -> bool:
    """Whether a line that the segmenter saw is text: by its number, by what is read, or because it is sure."""
    if segment.number or (is_read(reading) and count_alnum(reading.text) >= WORD):
        return True
    return segment.score >= (SEGMENT_SURE if is_read(reading) else sure_for(segment, shape))


def sure_for(segment: Segment, shape: tuple[int, int]) -> float:
    """How sure the segmenter must be of a line that nobody can read."""
    box = segment.box
    if box.row0 == 0 or box.row1 == shape[0]:
        return SEGMENT_SURE_CUT
    lone = segment.pieces == 1 and box.col0 > 0 and box.col1 < shape[1]
    return SEGMENT_SURE_LONE if lone else SEGMENT_SURE


def split_block(image: Pixels, box: Box, engine: TextEngine) -> list[Box]:
    """The lines of a block of text, between which the segmenter's pixels leave no gap; together they are the block."""
    if min(box.height, box.width) < BLOCK:
        return [box]
    part = image[box.slices]
    rows = sorted((seen.box.row0, seen.box.row1) for seen in detect_lines(part, engine, scale_for(image.shape[:2])))
    cuts, last = [0], 0
    for top, bottom in rows:
        # Words of one line share most of their rows: only what begins below the middle of the last line is a new one.
        if last and top >= last - (bottom - top) // 3:
            cuts.append((top + last) // 2)
        last = max(last, bottom)
    cuts.append(box.height)
    return [
        Box(box.row0 + top, box.col0, box.row0 + bottom, box.col1) for top, bottom in pairwise(cuts) if bottom > top
    ]


def find_text(
    image: Pixels,
    engine: TextEngine,
    *,
    drawn: Drawn | None = None,
    witness: Witness = "full",
    thorough: bool = False,
    doubts: list[str] | None = None,
) -> list[Line]:
    """Lines of text in one picture, from top to bottom.

    Parameters
    ----------
    image
        ``(rows, cols)`` grey or ``(rows, cols, 3)`` RGB, uint8.
    engine
        What detects and reads.
    drawn
        What the segmenter saw on the same picture; None leaves it out.
    witness
        How the engine's detector looks beside it: ``"full"`` size, ``"half"`` (a quarter of the time; the smallest
        strings are not seen), or ``"none"``.
    thorough
        Look a second time, larger: for about three times the time, more of the smallest strings.
    doubts
        Gets what was read in places that are too doubtful to be lines. Private.
    """
    scale = scale_for((image.shape[0], image.shape[1]))
    found = [] if witness == "none" else detect_lines(image, engine, scale * (HALF if witness == "half" else 1.0))
    if thorough:
        found += detect_lines(image, engine, min(LARGEST_SCALE, scale * THOROUGH), pad=2 * PAD)
    lines = read_lines(image, found, engine, doubts)
    if drawn is not None:
        lines += read_segments(image, drawn, engine)
    return bridge(unite([*lines, *read_glyphs(image, engine), *cut_logos(image)]))


def findings_from(lines: Iterable[Line], shape: tuple[int, int]) -> tuple[Finding, ...]:
    """Turn lines into findings of kind text or logo."""
    return tuple(
        Finding(
            kind=Kind.LOGO if line.logo or is_logo(line.text, line.box, shape) else Kind.TEXT,
            box=line.box,
            score=round(line.score, 4),
            detector=line.detector,
            text=line.text,
        )
        for line in lines
    )
