"""Fill what was drawn over a picture: Telea's method inside the sector, flat background outside it."""

from bus_toolkit.fill.stage import DRAWN, Fill

__all__ = ["DRAWN", "Fill"]
