"""Is it a plain B-mode scan, and has it been seen before? Evidence only."""

from bus_toolkit.screen.duplicates import fingerprint, group
from bus_toolkit.screen.stage import Screen

__all__ = ["Screen", "fingerprint", "group"]
