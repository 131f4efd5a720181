"""Find the insonified area of a picture, and keep nothing but it.

A lit mask is found first (:mod:`bus_toolkit.fan.tissue`) and then read as a shape that a probe can make
(:mod:`bus_toolkit.fan.outline`), so that dark parts (shadows, cysts, low gain in the depth) stay inside.

The score of a fan is the mean of two shares, 0 to 1: how much of it is lit, and how many of its four sides are seen as
an edge, an arc or the border of the picture. Cropped and plain B-mode pictures score above 0.8, a dark sector 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.fan.background import separate
from bus_toolkit.fan.outline import Rays, Side, fit_leaning, ring, row_extents, sharpness
from bus_toolkit.fan.tissue import body_box, coarse_of
from bus_toolkit.geometry import Box, Fan, box_of_mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bus_toolkit.fan.tissue import Coarse
    from bus_toolkit.geometry import Mask, Pixels, Polygon

MIN_SCORE = 0.35
"""Score below which there is a lit patch, but nothing like a fan; the faintest real one (a probe in air) has 0.5."""
SMALLEST = 16
"""A picture with a side below this shows no fan."""
SHARP = 0.35
"""Share of a side that tissue must reach for the side to be the end of the fan rather than a fading."""
BORDER = 0.03
"""Share of the picture within which a side of the fan counts as touching the border."""
WHOLE = 0.985
"""Share of the picture from which a rectangular fan is the picture itself."""
PAD = 2
"""Coarse pixels kept clear of written things when a fading fan is extended."""
NOISY = 0.85
"""Share of empty screen, away from what is written, below which a strip is dark tissue rather than a margin."""
EMPTY = 0.5
"""Share of empty screen from which a line beyond the fan is no longer part of it."""
MOST_NOISE = 0.12
"""Share of its height or width by which a fan may go on as noise; compression also makes noise."""
REGION_HOLDS = 0.98
"""Share of the tissue that a region of the header must hold to be believed."""
REGION_TOP = 0.04
"""Share of the picture within which the top of a region must agree with the top of the tissue."""
POLYGON_TOLERANCE = 1.5
NOT_WORTH_CUTTING = 3
"""Pixels; a second crop of a cropped picture would otherwise nibble at it."""
WHOLE_BITMAP = 0.97
"""Share of the picture from which a region says nothing: it is the bitmap."""
REGION_WIDTH = 0.06
"""Share of its width by which a region may miss the lower corners of a wedge of its height."""
FLAT_TOP = 0.5
"""Share of the top edge that tissue must reach for the top to be flat rather than an arc."""
POINT = 0.25
"""Width at the top, relative to that of the whole, up to which the rays of a sector start in a point."""
NEAR_WRITING = 7
"""Coarse pixels around writing in which compression leaves noise."""
TOP, LEFT, BOTTOM, RIGHT = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outline:
    """A rectangle, wedge and ring on the coarse grid, and which of the sides are seen (top, left, bottom, right)."""

    box: Box
    left: Side | None = None
    right: Side | None = None
    rays: Rays | None = None
    seen: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


def _paint(shape: tuple[int, int], scale: tuple[float, float], outline: _Outline, slack: float) -> Mask:
    """The mask of an outline, ``shape`` ``(rows, cols)``, with sides and arcs moved out by ``slack`` coarse pixels."""
    down, across = scale
    box = outline.box
    whole = Box.from_list((box.row0 * down, box.col0 * across, box.row1 * down, box.col1 * across)).clip(shape)
    rows = ((np.arange(whole.row0, whole.row1, dtype=np.float32) + 0.5) / down - 0.5)[:, None]
    cols = ((np.arange(whole.col0, whole.col1, dtype=np.float32) + 0.5) / across - 0.5)[None, :]
    inside = np.ones((whole.height, whole.width), dtype=np.bool_)
    if outline.left is not None:
        reach = slack * float(np.hypot(1, outline.left.slope))
        inside &= cols >= (outline.left.offset + outline.left.slope * rows - reach).astype(np.float32)
    if outline.right is not None:
        reach = slack * float(np.hypot(1, outline.right.slope))
        inside &= cols <= (outline.right.offset + outline.right.slope * rows + reach).astype(np.float32)
    rays = outline.rays
    if rays is not None and (rays.inner > 0 or np.isfinite(rays.outer)):
        across_rays = (cols - np.float32(rays.apex[1])) * np.float32(rays.stretch)
        squared = (rows - np.float32(rays.apex[0])) ** 2 + across_rays**2
        inside &= (squared >= max(0.0, rays.inner - slack) ** 2) & (squared <= (rays.outer + slack) ** 2)
    mask = np.zeros(shape, dtype=np.bool_)
    mask[whole.slices] = inside
    return mask


def _fit(tissue: Mask, body: Box, like: Side | None, *, right: bool) -> Side | None:
    """One leaning side, or None; ``like`` is the other side when that is known."""
    rows, first, last = row_extents(tissue, body.row0, body.row1)
    if rows.size == 0:
        return None
    width = tissue.shape[1]
    slope = -abs(like.slope) if like is not None else None
    if not right:
        return fit_leaning(rows, first, body.col0, body.width, slope)
    found = fit_leaning(rows, width - 1.0 - last, width - body.col1, body.width, slope)
    return Side(offset=width - 1.0 - found.offset, slope=-found.slope, support=found.support) if found else None


def _sides(coarse: Coarse, body: Box) -> tuple[Side | None, Side | None]:
    """The leaning left and right side, where there are any: of the tissue, or of the part that noise does not reach."""
    sides: list[Side | None] = [None, None]
    for turn in range(3):
        index = turn % 2
        if sides[index] is None:
            found = [_fit(part, body, sides[1 - index], right=index == 1) for part in (coarse.tissue, coarse.firm)]
            sides[index] = max((side for side in found if side), key=lambda side: side.support, default=None)
    return sides[0], sides[1]


def _limit(margin: Mask, *, axis: int, backwards: bool) -> int:
    """How many lines of a written margin are free, counted from the fan outwards."""
    found = np.flatnonzero(margin.any(axis=axis))
    if found.size == 0:
        return int(margin.shape[1 - axis])
    free = margin.shape[1 - axis] - 1 - int(found[-1]) if backwards else int(found[0])
    return max(0, free - PAD)


def _free(written: Mask, box: Box) -> tuple[int, int, int, int]:
    """By how much a rectangle may grow at the top, left, bottom and right without meeting anything written."""
    rows, cols = box.slices
    return (
        _limit(written[: box.row0, cols], axis=1, backwards=True),
        _limit(written[rows, : box.col0], axis=0, backwards=True),
        _limit(written[box.row1 :, cols], axis=1, backwards=False),
        _limit(written[rows, box.col1 :], axis=0, backwards=False),
    )


def _noisy(plain: Mask, box: Box) -> tuple[int, int, int, int]:
    """By how many lines noise goes on beyond a rectangle at the top, left, bottom and right."""
    rows, cols = box.slices
    empty = (
        plain[: box.row0, cols].mean(axis=1)[::-1] >= EMPTY,
        plain[rows, : box.col0].mean(axis=0)[::-1] >= EMPTY,
        plain[box.row1 :, cols].mean(axis=1) >= EMPTY,
        plain[rows, box.col1 :].mean(axis=0) >= EMPTY,
    )
    top, left, bottom, right = (int(np.argmax(lines)) if lines.any() else lines.size for lines in empty)
    tall, wide = int(MOST_NOISE * box.height), int(MOST_NOISE * box.width)
    return min(top, tall), min(left, wide), min(bottom, tall), min(right, wide)


def _plain_shares(coarse: Coarse, box: Box) -> tuple[float, float, float, float]:
    """The share of empty screen beside a rectangle at the top, left, bottom and right, away from what is written."""
    near = cv2.dilate(coarse.written.view(np.uint8), np.ones((NEAR_WRITING, NEAR_WRITING), np.uint8)).astype(np.bool_)
    rows, cols = box.slices
    shares = []
    for part in np.s_[: box.row0, cols], np.s_[rows, : box.col0], np.s_[box.row1 :, cols], np.s_[rows, box.col1 :]:
        away = ~near[part]
        shares.append(float(coarse.plain[part][away].mean()) if away.any() else 1.0)
    return shares[0], shares[1], shares[2], shares[3]


def _extend(coarse: Coarse, outline: _Outline, region: Box | None) -> _Outline:
    """Let the rectangle grow over the dark where tissue fades.

    A side is moved when tissue ends raggedly there, or when the picture is cropped to the tissue: all other sides touch
    its border, or two do and what lies beyond is dark but noisy. Otherwise it goes on as far as the noise does. It
    stops at anything written, unless the header's region says where to stop, or the margin is noisy and all other sides
    touch the border: then the writing stands on dark tissue.
    """
    box, shape = outline.box, coarse.tissue.shape
    sharp = sharpness(coarse.tissue, box)
    gaps = (box.row0, box.col0, shape[0] - box.row1, shape[1] - box.col1)
    touches = [gap <= BORDER * shape[side % 2] for side, gap in enumerate(gaps)]
    inside = _paint(shape, (1.0, 1.0), replace(outline, box=Box.whole(shape)), 2.0)
    free = _free(coarse.written & inside, box)
    plain, going_on = _plain_shares(coarse, box), _noisy(coarse.plain, box)
    grown, seen = box.as_list(), list(outline.seen)
    for side in range(4):
        others = sum(touches) - touches[side]
        ragged = sharp[side] < SHARP
        seen[side] = max(seen[side], 1.0 if touches[side] else min(1.0, sharp[side] / SHARP))
        noisy, cropped = plain[side] < NOISY, others == len(sharp) - 1
        step = min(free[side], going_on[side])
        if ragged or cropped or (noisy and others == len(sharp) - 2):
            step = gaps[side] if cropped and noisy else free[side]
        if region is not None and ragged:
            step = max(0, (region.as_list()[side] - grown[side]) * (-1 if side < BOTTOM else 1))
        grown[side] += -step if side < BOTTOM else step
    return replace(outline, box=Box(*grown), seen=(seen[0], seen[1], seen[2], seen[3]))


def _believable(coarse: Coarse, region: Box, body: Box) -> Box | None:
    """A region of the header on the coarse grid, not clipped; None when it does not fit the tissue.

    Regions are sometimes those of another picture size, empty, or the whole bitmap.
    """
    down, across = coarse.scale
    rows, cols = coarse.tissue.shape
    box = Box.from_list((region.row0 / down, region.col0 / across, region.row1 / down, region.col1 / across))
    shown = box.clip((rows, cols))
    if shown.area == 0 or shown.area > WHOLE_BITMAP * rows * cols:
        return None
    held = coarse.tissue[shown.slices].sum() >= REGION_HOLDS * coarse.tissue.sum()
    return box if held and abs(shown.row0 - body.row0) <= REGION_TOP * rows else None


def _deepened(outline: _Outline, region: Box) -> Rays | None:
    """The rays down to the bottom of a region, when the region is the frame around just that wedge; else None."""
    rays, left, right = outline.rays, outline.left, outline.right
    if rays is None or left is None or right is None:
        return None
    outer = region.row1 - rays.apex[0]
    if outer <= 0:
        return None
    wrong = 0.0
    for side, col in ((left, region.col0), (right, region.col1)):
        reached = rays.apex[1] + outer * float(np.sin(np.arctan(side.slope * rays.stretch))) / rays.stretch
        wrong = max(wrong, abs(reached - col))
    return replace(rays, outer=outer) if wrong <= REGION_WIDTH * region.width else None


def _outline(coarse: Coarse, regions: Sequence[Box]) -> _Outline:
    """Read the lit tissue as a shape that a probe can make."""
    shape = coarse.tissue.shape
    body = body_box(coarse.tissue)
    left, right = _sides(coarse, body)
    rays = ring(coarse.tissue, left, right) if left and right else None
    if rays and sharpness(coarse.tissue, body)[TOP] >= FLAT_TOP:
        rays = replace(rays, inner=0.0)
    seen = (
        1.0 if rays and rays.inner else 0.0,
        1.0 if left else 0.0,
        1.0 if rays and np.isfinite(rays.outer) else 0.0,
        1.0 if right else 0.0,
    )
    outline = _Outline(box=body, left=left, right=right, rays=rays, seen=seen)
    frames = [*regions, reduce(Box.union, regions)] if len(regions) > 1 else regions
    region = next((box for box in (_believable(coarse, item, body) for item in frames) if box is not None), None)
    if region is not None and (deep := _deepened(outline, region)) is not None:
        outline = replace(outline, box=region.clip(shape), rays=deep)
        return replace(outline, box=box_of_mask(_paint(shape, (1.0, 1.0), outline, 1.0)))
    if left and right:
        inside = _paint(shape, (1.0, 1.0), replace(outline, box=Box.whole(shape)), 1.0)
        outline = replace(outline, box=box_of_mask(coarse.tissue & inside))
    outline = _extend(coarse, outline, region.clip(shape) if region else None)
    return replace(outline, box=outline.box.intersect(region)) if region else outline


def _name(outline: _Outline, share: float) -> str:
    """What the shape is called."""
    if share >= WHOLE:
        return "full"
    if outline.rays is None:
        return "linear" if outline.left is None and outline.right is None else "unknown"
    if outline.rays.inner:
        return "curved"
    left, right = outline.left, outline.right
    if left is None or right is None:
        return "unknown"
    top = outline.box.row0
    width = (right.offset + right.slope * top) - (left.offset + left.slope * top)
    return "linear" if width > POINT * outline.box.width else "sector"


def polygon_of_mask(mask: Mask) -> Polygon:
    """A simplified outline of the largest part of a mask, ``(row, col)``, within about 1.5 px; empty for an empty mask.

    Vertices are pixel corners, so that a rectangle of pixels gives its four half-open corners.
    """
    rows, cols = mask.shape
    padded = cv2.copyMakeBorder(mask.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    contours, _ = cv2.findContours(padded, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return ()
    contour = max(contours, key=cv2.contourArea)
    simple = cv2.approxPolyDP(contour, POLYGON_TOLERANCE, closed=True).reshape(-1, 2) - 1
    middle = simple.mean(axis=0)
    corners = simple + (simple > middle)
    return tuple((float(min(row, rows)), float(min(col, cols))) for col, row in corners)


def find_fan(picture: Pixels, regions: Sequence[Box] = ()) -> Fan | None:
    """Find the insonified area.

    Parameters
    ----------
    picture
        ``(rows, cols)`` grey or ``(rows, cols, 3)`` RGB, uint8; of a clip the maximum over time.
    regions
        Boxes of the B-mode regions that the header names, in pixels of ``picture``. Used where plausible.

    Returns
    -------
    Fan | None
        None when nothing looks like one.
    """
    shape = (int(picture.shape[0]), int(picture.shape[1]))
    if min(shape) < SMALLEST:
        return None
    background = separate(picture)
    coarse = coarse_of(background)
    if coarse is None:
        return None
    outline = _outline(coarse, regions)
    mask = _paint(shape, coarse.scale, outline, 1.0)
    kind = _name(outline, float(mask.mean()))
    if kind == "full":
        mask[:] = True
    lit = coarse.tissue & _paint(coarse.tissue.shape, (1.0, 1.0), outline, 1.0)
    cover = min(1.0, float(lit.sum()) * coarse.scale[0] * coarse.scale[1] / max(1, int(mask.sum())))
    score = round(0.5 * cover + 0.125 * sum(outline.seen), 3)
    if score < MIN_SCORE:
        return None
    return Fan(
        mask=mask,
        box=box_of_mask(mask),
        polygon=polygon_of_mask(mask),
        shape=kind,
        background=background.colour,
        score=score,
    )


def left_over(box: Box, shape: tuple[int, int]) -> Box:
    """What a crop to ``box`` leaves of a picture; a side that would lose next to nothing is left where it is."""
    box = box.clip(shape)
    return Box(
        0 if box.row0 <= NOT_WORTH_CUTTING else box.row0,
        0 if box.col0 <= NOT_WORTH_CUTTING else box.col0,
        shape[0] if shape[0] - box.row1 <= NOT_WORTH_CUTTING else box.row1,
        shape[1] if shape[1] - box.col1 <= NOT_WORTH_CUTTING else box.col1,
    )


def crop_frames(
    frames: npt.NDArray[np.uint8], box: Box, painted: Mask | None, colour: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """Cut ``(frames, rows, cols[, 3])`` to ``box`` and give the pixels under ``painted`` one colour; a new array.

    ``painted`` is ``(rows, cols)`` bool of the whole picture. A colour of another number of channels is made grey, or
    repeated.
    """
    cut = frames[(slice(None), *box.slices)].copy()
    if painted is not None:
        grey = np.uint8(np.rint(colour.mean()))
        cut[:, painted[box.slices]] = colour if cut.shape[3:] == colour.shape else grey
    return cut
