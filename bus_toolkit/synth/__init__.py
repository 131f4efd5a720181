"""Made scans: B-mode phantoms, and overlays painted over any picture, with exact truth about both."""

from bus_toolkit.synth.glyphs import FAMILIES, PORTABLE, Font, choose_font, draw_text
from bus_toolkit.synth.marks import (
    across,
    bodymark,
    caliper,
    contour_of,
    depth_scale,
    graphic,
    grey_bar,
    logo,
    outline,
    text_stamp,
)
from bus_toolkit.synth.modes import colour_bar, doppler, dual_view, elastography, mmode, spectral
from bus_toolkit.synth.phantom import Clip, Look, Phantom, make_clip, make_phantom, random_look
from bus_toolkit.synth.scene import CHANCES, compress_jpeg, paint_random, plan_random, random_ink
from bus_toolkit.synth.speckle import RAYLEIGH_RATIO, envelope, log_compress, scatterers
from bus_toolkit.synth.stamps import COLOURS, Ink, Overlay, Painted, Stamp, make_stamp, paint, paint_clip
from bus_toolkit.synth.words import ROLES, make_text

__all__ = [
    "CHANCES",
    "COLOURS",
    "FAMILIES",
    "PORTABLE",
    "RAYLEIGH_RATIO",
    "ROLES",
    "Clip",
    "Font",
    "Ink",
    "Look",
    "Overlay",
    "Painted",
    "Phantom",
    "Stamp",
    "across",
    "bodymark",
    "caliper",
    "choose_font",
    "colour_bar",
    "compress_jpeg",
    "contour_of",
    "depth_scale",
    "doppler",
    "draw_text",
    "dual_view",
    "elastography",
    "envelope",
    "graphic",
    "grey_bar",
    "log_compress",
    "logo",
    "make_clip",
    "make_phantom",
    "make_stamp",
    "make_text",
    "mmode",
    "outline",
    "paint",
    "paint_clip",
    "paint_random",
    "plan_random",
    "random_ink",
    "random_look",
    "scatterers",
    "spectral",
    "text_stamp",
]
