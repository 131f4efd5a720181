"""B-mode phantoms: made pictures that look like breast ultrasound, with everything about them known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.errors import ConfigError
from bus_toolkit.geometry import Box, Mask, Pixels, box_of_mask
from bus_toolkit.synth.fields import Field, to_pixels
from bus_toolkit.synth.speckle import Complex, envelope, log_compress, scatterers
from bus_toolkit.synth.tissue import LesionKind, make_slice
from bus_toolkit.synth.views import FanShape, View, make_view

if TYPE_CHECKING:
    from collections.abc import Iterator

Background = int | tuple[int, int, int]
MIN_SIDE = 32
"""Below this many pixels a side no layer is left to be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the machine draws: all that is not tissue.

    Attributes
    ----------
    axial, lateral, focus
        See :func:`bus_toolkit.synth.speckle.envelope`.
    looks
        Envelopes averaged (spatial compounding); 1 leaves fully developed speckle.
    smooth
        Standard deviation in pixels of a blur after compression (speckle reduction), 0 for none.
    range_db, gain_db, gamma
        Log compression and the grey curve behind it.
    noise_db
        Level of the electronic noise, against bright gland.
    tint
        RGB factors 0 to 1 of a coloured grey map; None gives a grey picture.
    """

    axial: float = 0.9
    lateral: tuple[float, float] = (1.2, 2.6)
    focus: float = 0.4
    looks: int = 2
    smooth: float = 0.5
    range_db: float = 58.0
    gain_db: float = -14.0
    gamma: float = 1.0
    noise_db: float = -45.0
    tint: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Phantom:
    """One made picture and the truth about it.

    Attributes
    ----------
    image
        uint8 ``(rows, cols)``, or ``(rows, cols, 3)`` RGB when the background or the grey map has colour.
    fan_mask, lesion_mask
        ``(rows, cols)`` bool, True inside; the second is empty when there is no lesion.
    fan, lesion, background
        What was asked for.
    facts
        Plain JSON: depths of the layers and what was drawn at random.
    """

    image: Pixels
    fan_mask: Mask
    lesion_mask: Mask
    fan: FanShape
    lesion: LesionKind
    background: Background
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def fan_box(self) -> Box:
        """The smallest box around the fan."""
        return box_of_mask(self.fan_mask)

    @property
    def lesion_box(self) -> Box:
        """The smallest box around the lesion; empty at the origin when there is none."""
        return box_of_mask(self.lesion_mask)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clip:
    """Many frames of one slice while the probe moves a little.

    ``frames`` is uint8 ``(frames, rows, cols)`` or ``(frames, rows, cols, 3)``; ``first`` is the phantom of frame 0;
    ``shifts`` tells how far, in samples and lines, each frame's slice moved.
    """

    frames: npt.NDArray[np.uint8]
    first: Phantom
    shifts: tuple[tuple[int, int], ...]


def random_look(rng: np.random.Generator, rows: int, *, colour: bool = False) -> Look:
    """A machine at random; speckle grows with the number of rows, as zoomed pictures show it."""
    grain = float(np.clip(rows / 480, 0.6, 2.0))
    tint = (rng.uniform(0.75, 0.95), rng.uniform(0.85, 0.98), 1.0) if colour else None
    return Look(
        axial=rng.uniform(0.9, 1.25) * grain,
        lateral=(rng.uniform(1.8, 2.8) * grain, rng.uniform(3.0, 4.8) * grain),
        focus=rng.uniform(0.25, 0.6),
        looks=int(rng.integers(2, 11)),
        smooth=rng.uniform(0.3, 0.7) * grain,
        range_db=rng.uniform(50, 62),
        gain_db=rng.uniform(-18, -7),
        gamma=rng.uniform(1.0, 1.8),
        noise_db=rng.uniform(-55, -40),
        tint=tint,
    )


def make_phantom(
    rng: np.random.Generator,
    *,
    rows: int = 480,
    cols: int = 640,
    fan: FanShape = "linear",
    lesion: LesionKind = "benign",
    background: Background = 0,
    look: Look | None = None,
) -> Phantom:
    """Make one B-mode picture.

    The same generator state and arguments give the same pixels with the same library versions. Tissue is made along
    the beams and scan-converted, so that layers, speckle and shadows follow the fan.

    Parameters
    ----------
    rng
        Source of everything random.
    rows, cols
        Size of the picture, at least 32 each.
    fan
        ``"linear"``, ``"curved"``, ``"sector"`` or ``"full"`` (no background at all).
    lesion
        ``"benign"``, ``"malignant"``, ``"normal"`` (none) or ``"cyst"``.
    background
        Grey value or RGB of what lies outside the fan, 0 to 255.
    look
        The machine; None draws one at random.

    Raises
    ------
    ConfigError
        When a size is too small or a word or value is unknown.
    """
    clip = make_clip(rng, frames=1, rows=rows, cols=cols, fan=fan, lesion=lesion, background=background, look=look)
    return clip.first


def make_clip(
    rng: np.random.Generator,
    *,
    frames: int = 20,
    rows: int = 240,
    cols: int = 320,
    fan: FanShape = "linear",
    lesion: LesionKind = "benign",
    background: Background = 0,
    look: Look | None = None,
) -> Clip:
    """Make a clip; parameters as for :func:`make_phantom`.

    The slice slides under the beams by a few samples, its scatterers with it, while the noise is new in each frame.

    Raises
    ------
    ConfigError
        When a size is too small, there is no frame, or a word or value is unknown.
    """
    if min(rows, cols) < MIN_SIDE or frames < 1:
        msg = f"a phantom must have at least {MIN_SIDE} rows and cols, and one frame. Got {rows} x {cols}, {frames}"
        raise ConfigError(msg)
    colour = _check_background(background)
    view = make_view(rng, (rows, cols), fan)
    look = look or random_look(rng, rows)
    shifts = _walk(rng, frames)
    reach = max(max(abs(down), abs(right)) for down, right in shifts)
    samples, lines = view.beam_shape
    tissue = make_slice(rng, (samples + 2 * reach, lines + 2 * reach), lesion)
    amplitude = (10 ** ((tissue.level_db + tissue.path_db) / 20)).astype(np.float32)
    echoes = [scatterers(rng, amplitude.shape) * amplitude for _ in range(look.looks)]
    windows = [(slice(reach + d, reach + d + samples), slice(reach + r, reach + r + lines)) for d, r in shifts]
    pictures = [
        _finish(_draw(rng, [echo[window] for echo in echoes], view, look), view, look, background, colour=colour)
        for window in windows
    ]
    lesion_mask = view.convert(tissue.lesion[windows[0]].astype(np.float32)) > 0.5  # noqa: PLR2004 - half covered
    first = Phantom(
        image=pictures[0],
        fan_mask=view.mask,
        lesion_mask=np.asarray(lesion_mask, dtype=np.bool_),
        fan=fan,
        lesion=lesion,
        background=background,
        facts={"layers": {name: round(at, 4) for name, at in tissue.layers.items()}, "looks": look.looks},
    )
    return Clip(frames=np.stack(pictures), first=first, shifts=shifts)


def _check_background(background: Background) -> bool:
    """Whether it is a colour.

    Raises
    ------
    ConfigError
        When it is not a grey value or three of RGB, 0 to 255.
    """
    values = (background,) if isinstance(background, int) else background
    if len(values) not in (1, 3) or not all(0 <= value <= 255 for value in values):  # noqa: PLR2004 - uint8
        msg = f"background must be one grey value or three of RGB, 0 to 255. Got {background!r}"
        raise ConfigError(msg)
    return len(set(values)) > 1


def _walk(rng: np.random.Generator, frames: int) -> tuple[tuple[int, int], ...]:
    """A slow path of a few samples, beginning at rest."""
    steps: Iterator[tuple[int, int]] = zip(
        rng.integers(-1, 2, size=frames - 1).tolist(), rng.integers(-2, 3, size=frames - 1).tolist(), strict=True
    )
    path = [(0, 0)]
    for down, right in steps:
        path.append((path[-1][0] + down, path[-1][1] + right))
    return tuple(path)


def _draw(rng: np.random.Generator, echoes: list[Complex], view: View, look: Look) -> Field:
    """Grey values of one frame, ``(rows, cols)``, outside the fan 0."""
    total = np.zeros(view.beam_shape, dtype=np.float32)
    for echo in echoes:
        noise = scatterers(rng, view.beam_shape) * np.float32(10 ** (look.noise_db / 20))
        # The noise is white before the receiver's filter, so it passes the same point spread.
        total += envelope(echo + noise, axial=look.axial, lateral=look.lateral, focus=look.focus)
    mean = np.asarray(total / len(echoes), dtype=np.float32)
    grey = log_compress(mean, range_db=look.range_db, gain_db=look.gain_db)
    if look.smooth > 0:
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), look.smooth), dtype=np.float32)
    return view.convert(np.asarray(255 * (grey / 255) ** look.gamma, dtype=np.float32))


def _finish(grey: Field, view: View, look: Look, background: Background, *, colour: bool) -> Pixels:
    if look.tint is None and not colour:
        value = background if isinstance(background, int) else background[0]
        return to_pixels(np.where(view.mask, grey, value))
    tint = np.asarray(look.tint or (1.0, 1.0, 1.0), dtype=np.float32)
    filler = np.asarray([background] * 3 if isinstance(background, int) else background, dtype=np.float32)
    return to_pixels(np.where(view.mask[..., np.newaxis], grey[..., np.newaxis] * tint, filler))
