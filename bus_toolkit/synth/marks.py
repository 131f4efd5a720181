"""Things that a machine or its operator draws over a picture: one function each, each a stamp or a few."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import cv2
import numpy as np

from bus_toolkit.geometry import Mask, box_of_mask
from bus_toolkit.stage import Kind
from bus_toolkit.synth.fields import to_pixels
from bus_toolkit.synth.glyphs import Font, draw_text
from bus_toolkit.synth.stamps import Ink, Stamp, Stroke, draw_strokes, make_stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from bus_toolkit.geometry import Pixels

Point: TypeAlias = tuple[float, float]
"""``(row, col)`` in pixels."""
Mark: TypeAlias = Literal["plus", "cross", "bold_plus", "ring", "tick", "gap_plus", "diamond"]
MARKS: tuple[Mark, ...] = ("plus", "cross", "bold_plus", "ring", "tick", "gap_plus", "diamond")
Line: TypeAlias = Literal["none", "dotted", "dashed", "solid"]
LINES: tuple[Line, ...] = ("none", "dotted", "dashed", "solid")


def text_stamp(
    text: str,
    at: tuple[int, int],
    font: Font,
    height: int,
    ink: Ink,
    *,
    kind: Kind = Kind.TEXT,
    role: str = "annotation",
) -> Stamp:
    """One line of text with its top left corner of ink at ``at`` and capitals ``height`` pixels high."""
    return make_stamp(kind, draw_text(text, font, height), at, ink, role=role, text=text)


def stroke_stamp(kind: Kind, strokes: list[Stroke], ink: Ink, *, role: str = "", smooth: bool = True) -> Stamp:
    """Strokes at their own places as one stamp."""
    coverage, at = draw_strokes(strokes, smooth=smooth)
    return make_stamp(kind, coverage, at, ink, role=role)


def circle(centre: Point, radius: float, start: float = 0.0, stop: float = 2 * np.pi) -> tuple[Point, ...]:
    """Points of an arc, ``(row, col)``; angle 0 points right and grows downwards."""
    angles = np.linspace(start, stop, max(9, round(radius * 3)))
    return tuple((centre[0] + radius * float(np.sin(a)), centre[1] + radius * float(np.cos(a))) for a in angles)


def _mark(mark: Mark, at: Point, size: float, width: float) -> list[Stroke]:
    """The strokes of one caliper mark; ``size`` is its whole extent."""
    row, col = at
    arm = size / 2
    if mark == "bold_plus":
        width += 1
    return [Stroke(line, width) for line in _MARK_LINES[mark](row, col, arm)]


_Lines: TypeAlias = list[tuple[Point, ...]]


def _plus(row: float, col: float, arm: float) -> _Lines:
    return [((row - arm, col), (row + arm, col)), ((row, col - arm), (row, col + arm))]


def _cross(row: float, col: float, arm: float) -> _Lines:
    arm *= 0.8
    down = ((row - arm, col - arm), (row + arm, col + arm))
    return [down, ((row - arm, col + arm), (row + arm, col - arm))]


def _ring(row: float, col: float, arm: float) -> _Lines:
    return [circle((row, col), arm * 0.8), ((row, col - 0.4), (row, col + 0.4))]


def _tick(row: float, col: float, arm: float) -> _Lines:
    return [((row, col), (row - arm, col)), ((row - arm, col - arm * 0.8), (row - arm, col + arm * 0.8))]


def _gap_plus(row: float, col: float, arm: float) -> _Lines:
    ends = [(-arm, -arm * 0.35), (arm * 0.35, arm)]
    upright = [((row + a, col), (row + b, col)) for a, b in ends]
    return [*upright, *[((row, col + a), (row, col + b)) for a, b in ends]]


def _diamond(row: float, col: float, arm: float) -> _Lines:
    return [((row - arm, col), (row, col + arm), (row + arm, col), (row, col - arm), (row - arm, col))]


_MARK_LINES: dict[Mark, Callable[[float, float, float], _Lines]] = {
    "plus": _plus,
    "cross": _cross,
    "bold_plus": _plus,
    "ring": _ring,
    "tick": _tick,
    "gap_plus": _gap_plus,
    "diamond": _diamond,
}


def _along(start: Point, stop: Point, line: Line, step: float, width: float) -> list[Stroke]:
    """The line between two marks, in pieces."""
    length = float(np.hypot(stop[0] - start[0], stop[1] - start[1]))
    if line == "none" or length < step:
        return []
    if line == "solid":
        return [Stroke((start, stop), width)]
    way = ((stop[0] - start[0]) / length, (stop[1] - start[1]) / length)
    piece = 0.3 if line == "dotted" else step * 0.5
    pieces = []
    for at in np.arange(step, length - step / 2, step):
        first, last = float(at) - piece / 2, float(at) + piece / 2
        ends = tuple((start[0] + way[0] * t, start[1] + way[1] * t) for t in (first, last))
        pieces.append(Stroke(ends, width))
    return pieces


def caliper(
    start: Point,
    stop: Point,
    ink: Ink,
    *,
    mark: Mark = "plus",
    line: Line = "dotted",
    size: float = 12.0,
    width: float = 1.5,
    step: float = 5.0,
    smooth: bool = True,
    digit: tuple[str, Font] | None = None,
) -> list[Stamp]:
    """One measurement: a mark at each end, the line between them, and its digit beside the first mark.

    Each part is a stamp of its own, of kind caliper and role ``"mark"``, ``"line"`` or ``"digit"``. ``size`` is the
    extent of a mark, ``width`` that of its strokes, ``step`` the period of dots, all in pixels.
    """
    strokes = _along(start, stop, line, step, min(width, 1.4))
    stamps = [stroke_stamp(Kind.CALIPER, strokes, ink, role="line", smooth=smooth)] if strokes else []
    marks = [_mark(mark, end, size, width) for end in (start, stop)]
    stamps += [stroke_stamp(Kind.CALIPER, strokes, ink, role="mark", smooth=smooth) for strokes in marks]
    if digit is not None:
        word, font = digit
        height = max(8, round(size * 0.8))
        at = (round(start[0] - height * 0.9), round(start[1] - size * 0.5 - height * 0.8 * len(word)))
        stamps.append(text_stamp(word, at, font, height, ink, kind=Kind.CALIPER, role="digit"))
    return stamps


def outline(
    points: tuple[Point, ...], ink: Ink, *, line: Line = "solid", step: float = 5.0, width: float = 1.5
) -> Stamp:
    """A contour drawn round a lesion: closed, solid or in pieces."""
    closed = (*points, points[0])
    if line in ("solid", "none"):
        return stroke_stamp(Kind.OUTLINE, [Stroke(closed, width)], ink, role="contour")
    steps = np.hypot(*np.diff(np.array(closed), axis=0).T)
    reached = np.concatenate([[0.0], np.cumsum(steps)])
    piece = 0.3 if line == "dotted" else step * 0.5
    strokes = []
    for at in np.arange(0, reached[-1] - piece, step):
        ends = [tuple(float(np.interp(t, reached, axis)) for axis in np.array(closed).T) for t in (at, at + piece)]
        strokes.append(Stroke(((ends[0][0], ends[0][1]), (ends[1][0], ends[1][1])), width))
    return stroke_stamp(Kind.OUTLINE, strokes, ink, role="contour")


def contour_of(mask: Mask, wobble: float, rng: np.random.Generator) -> tuple[Point, ...]:
    """The border of the largest part of a mask as an operator would trace it, ``wobble`` pixels off; empty if none."""
    found = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    if not found:
        return ()
    border = max(found, key=len).reshape(-1, 2)[:, ::-1].astype(np.float64)
    picked = border[np.unique(np.linspace(0, len(border) - 1, max(8, len(border) // 6)).astype(int))]
    shaken = picked + rng.normal(0, wobble, picked.shape)
    return tuple((float(row), float(col)) for row, col in shaken)


def bodymark(rng: np.random.Generator, at: Point, size: float, ink: Ink, *, width: float = 1.2) -> Stamp:
    """A little drawing of a breast (or two) with the probe on it; ``at`` is its centre, ``size`` its extent."""
    row, col = at
    radius = size / 2
    strokes: list[Stroke] = []
    style = int(rng.integers(3))
    if style == 0:
        strokes += [Stroke(circle(at, radius), width), Stroke(circle(at, radius * 0.2), width)]
        tail = (
            (row - radius * 0.6, col - radius * 0.8),
            (row - radius * 1.15, col - radius * 1.2),
            (row, col - radius),
        )
        strokes.append(Stroke(tail, width))
    elif style == 1:
        for side in (-1, 1):
            centre = (row, col + side * radius * 0.55)
            strokes += [Stroke(circle(centre, radius * 0.5), width), Stroke(circle(centre, radius * 0.1), width)]
            shoulder = (
                (row - radius * 0.6, centre[1] + side * radius * 0.4),
                (row - radius * 0.95, centre[1] + side * radius * 0.7),
            )
            strokes.append(Stroke(shoulder, width))
    else:
        strokes += [Stroke(circle(at, radius), width), Stroke(((row - radius, col), (row + radius, col)), width)]
        strokes.append(Stroke(((row, col - radius), (row, col + radius)), width))
    angle, reach = rng.uniform(0, 2 * np.pi), radius * rng.uniform(0.3, 0.8)
    tip = (row + reach * float(np.sin(angle)), col + reach * float(np.cos(angle)))
    turn, half = rng.uniform(0, np.pi), radius * 0.3
    way = (half * float(np.sin(turn)), half * float(np.cos(turn)))
    strokes.append(Stroke(((tip[0] - way[0], tip[1] - way[1]), (tip[0] + way[0], tip[1] + way[1])), width * 1.8))
    return stroke_stamp(Kind.BODYMARK, strokes, ink, role="breast")


def depth_scale(
    top: Point,
    length: float,
    ink: Ink,
    *,
    ticks: int = 5,
    side: int = 1,
    axis: bool = True,
    font: Font | None = None,
    letters: int = 9,
) -> list[Stamp]:
    """A ruler that runs down from ``top``: ticks to one ``side`` (1 right, -1 left), long ones at each unit.

    With a ``font`` every unit has its number, a stamp of kind scale and role ``"digit"``.
    """
    row, col = top
    strokes = [Stroke(((row, col), (row + length, col)), 1.0)] if axis else []
    minor = 5
    for index in range(ticks * minor + 1):
        at, reach = row + length * index / (ticks * minor), 7 if index % minor == 0 else 3
        strokes.append(Stroke(((at, col), (at, col + side * reach)), 1.0))
    stamps = [stroke_stamp(Kind.SCALE, strokes, ink, role="ruler", smooth=False)]
    for index in range(1, ticks + 1) if font else ():
        offset = 11 if side > 0 else -11 - letters
        at_digit = (round(row + length * index / ticks - letters / 2), round(col + offset))
        stamps.append(
            text_stamp(str(index), at_digit, font or Font("bundled"), letters, ink, kind=Kind.SCALE, role="digit")
        )
    return stamps


def grey_bar(at: tuple[int, int], length: int, width: int, *, tint: tuple[float, float, float] = (1, 1, 1)) -> Stamp:
    """The grey map as a bar, white on top, with a thin frame."""
    ramp = np.linspace(255, 0, length)[:, np.newaxis, np.newaxis] * np.array(tint)
    colour = np.repeat(to_pixels(ramp), width, axis=1)
    colour[[0, -1]] = colour[:, [0, -1]] = 128
    alpha = np.full((length, width), 255, dtype=np.uint8)
    return Stamp(kind=Kind.GREY_BAR, at=at, alpha=alpha, colour=colour, role="grey")


def logo(name: str, at: tuple[int, int], font: Font, height: int, ink: Ink, *, plate: bool = False) -> Stamp:
    """A vendor's word, on a plate when asked; place it over the picture's edge to have it clipped."""
    word: Pixels = draw_text(name, font, height)
    if plate:
        word = np.pad(word, 3)
        word = np.where(word > 0, 255 - word, 255).astype(np.uint8)
    return make_stamp(Kind.LOGO, word, at, ink, role="vendor", text=name)


def graphic(rng: np.random.Generator, at: Point, size: float, ink: Ink) -> Stamp:
    """A small sign without a meaning for tissue: the probe's side, a focus arrow, a cursor or a pointer."""
    row, col = at
    arm = size / 2
    style = int(rng.integers(4))
    if style == 0:
        strokes = [
            Stroke(circle(at, arm), 1.3),
            Stroke(((row + arm, col - arm), (row + arm * 1.4, col - arm * 1.4)), 1.3),
        ]
    elif style == 1:
        strokes = [Stroke(((row - arm, col - arm), (row + arm, col - arm), (row, col + arm)), 1.0, fill=True)]
    elif style == 2:  # noqa: PLR2004 - the third of four
        shaft = ((row - arm * 2, col - arm * 2), (row, col))
        head = ((row - arm, col), (row, col), (row, col - arm))
        strokes = [Stroke(shaft, 1.5), Stroke(head, 1.5)]
    else:
        corner = ((row, col), (row + arm * 2, col + arm * 0.8), (row + arm, col + arm * 1.2), (row, col))
        strokes = [Stroke(corner, 1.0, fill=True)]
    return stroke_stamp(Kind.GRAPHIC, strokes, ink, role="sign")


def across(mask: Mask, angle: float) -> tuple[Point, Point]:
    """The ends of the longest chord direction ``angle`` (rad, 0 is to the right) through a mask's centre.

    Where calipers are set; the middle of the array when the mask is empty.
    """
    rows, cols = np.nonzero(mask)
    if rows.size == 0:
        box = box_of_mask(np.ones_like(mask))
        middle = (box.height / 2, box.width / 2)
        return (middle[0], middle[1] - box.width / 8), (middle[0], middle[1] + box.width / 8)
    centre = (float(rows.mean()), float(cols.mean()))
    way = (float(np.sin(angle)), float(np.cos(angle)))
    along = (rows - centre[0]) * way[0] + (cols - centre[1]) * way[1]
    away = np.abs((rows - centre[0]) * way[1] - (cols - centre[1]) * way[0])
    near = along[away < 2] if bool((away < 2).any()) else along  # noqa: PLR2004 - pixels beside the line
    ends = [(centre[0] + way[0] * t, centre[1] + way[1] * t) for t in (float(near.min()), float(near.max()))]
    return ends[0], ends[1]
