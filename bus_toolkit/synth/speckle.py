"""Speckle: what a coherent imager makes of scatterers that are too small to be seen one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from bus_toolkit.errors import ConfigError

if TYPE_CHECKING:
    from bus_toolkit.synth.fields import Field

RAYLEIGH_RATIO = float(np.sqrt(np.pi / (4 - np.pi)))
"""Mean over standard deviation of a Rayleigh variable, 1.913."""

Complex: TypeAlias = npt.NDArray[np.complex64]
DEPTH_LEVELS = 4
"""Blurs between which the lateral resolution is interpolated over depth; more cannot be told apart by eye."""


def scatterers(rng: np.random.Generator, shape: tuple[int, int]) -> Complex:
    """Complex circular Gaussian noise of unit power: many scatterers in each cell."""
    parts = rng.standard_normal((*shape, 2), dtype=np.float32) * np.float32(np.sqrt(0.5))
    return np.ascontiguousarray(parts).view(np.complex64)[..., 0]


def _blur(field: Complex, axial: float, lateral: float) -> Complex:
    parts = np.ascontiguousarray(field).view(np.float32).reshape(*field.shape, 2)
    blurred = cv2.GaussianBlur(parts, (0, 0), sigmaX=lateral, sigmaY=axial, borderType=cv2.BORDER_REFLECT)
    # A Gaussian of standard deviation s passes 1 / (4 pi s_axial s_lateral) of the power of white noise.
    gain = np.float32(np.sqrt(4 * np.pi * axial * lateral))
    return np.ascontiguousarray(blurred * gain).view(np.complex64)[..., 0]


def envelope(
    field: Complex,
    *,
    axial: float = 0.9,
    lateral: tuple[float, float] = (1.2, 3.0),
    focus: float = 0.4,
) -> Field:
    """Echo amplitude of a field of scatterers seen through a resolution that depends on depth.

    The point spread is a Gaussian whose lateral width grows with the distance from the focus. A linear system
    leaves a circular Gaussian field circular Gaussian, so that the envelope of even tissue is Rayleigh distributed
    (Wagner et al. 1983, Statistics of speckle in ultrasound B-scans, doi 10.1109/T-SU.1983.31404).

    Parameters
    ----------
    field
        Complex ``(depth, lines)``, as :func:`scatterers` makes it, times the amplitude of the tissue.
    axial
        Standard deviation of the point spread along the beam, in samples.
    lateral
        Standard deviation across the beam at the focus and at the depth farthest from it, in lines.
    focus
        Depth of the focus, 0 (probe) to 1 (deepest sample).

    Returns
    -------
    Field
        ``(depth, lines)`` float32, not negative; mean square 1 where unit scatterers were even.

    Raises
    ------
    ConfigError
        When a width is not positive.
    """
    if axial <= 0 or min(lateral) <= 0:
        msg = f"point spread widths must be positive. Got axial {axial}, lateral {lateral}"
        raise ConfigError(msg)
    depth = np.linspace(0, 1, field.shape[0], dtype=np.float32)
    reach = max(focus, 1 - focus)
    level = np.abs(depth - focus) / reach * (DEPTH_LEVELS - 1)
    mixed = np.zeros(field.shape, dtype=np.complex64)
    power = np.zeros(field.shape[0], dtype=np.float32)
    widths = np.linspace(lateral[0], lateral[1], DEPTH_LEVELS)
    for index, width in enumerate(widths):
        weight = np.clip(1 - np.abs(level - index), 0, 1).astype(np.float32)
        mixed += weight[:, np.newaxis] * _blur(field, axial, float(width))
        # Neighbouring levels are correlated: this is the power of their mixture to within the correlation below.
        for other, other_width in enumerate(widths):
            other_weight = np.clip(1 - np.abs(level - other), 0, 1)
            shared = np.sqrt(2 * width * other_width / (width**2 + other_width**2))
            power += (weight * other_weight * shared).astype(np.float32)
    return np.asarray(np.abs(mixed) / np.sqrt(power)[:, np.newaxis], dtype=np.float32)


def log_compress(echo: Field, *, range_db: float, gain_db: float = 0.0) -> Field:
    """Amplitude to display units 0 to 255: ``range_db`` below the top is black; amplitude 1 with no gain is the top."""
    decibel = 20 * np.log10(np.maximum(echo, 1e-6)) + gain_db
    return np.asarray(np.clip(1 + decibel / range_db, 0, 1) * 255, dtype=np.float32)
