"""Find scans in a folder, read them whatever their format, and write files that are never half written."""

from bus_toolkit.io.discover import Discovery, Ignored, Item, discover
from bus_toolkit.io.labels import CLASSES, UNLABELLED
from bus_toolkit.io.limits import Limits
from bus_toolkit.io.source import Source, read, read_bytes, read_scan
from bus_toolkit.io.write import atomic_path, atomic_write_bytes, encode_png, sweep_temporary, write_png

__all__ = [
    "CLASSES",
    "UNLABELLED",
    "Discovery",
    "Ignored",
    "Item",
    "Limits",
    "Source",
    "atomic_path",
    "atomic_write_bytes",
    "discover",
    "encode_png",
    "read",
    "read_bytes",
    "read_scan",
    "sweep_temporary",
    "write_png",
]
