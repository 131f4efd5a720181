"""Find what was drawn over the tissue: text, makers' logos, calipers, outlines, body marks, scales and bars."""

from bus_toolkit.overlays.graphics import FindGraphics
from bus_toolkit.overlays.text_stage import FindText

__all__ = ["FindGraphics", "FindText"]
