"""Find scans in a folder, read them whatever their format, and write pictures and DICOM files."""

from bus_toolkit.io.discover import Discovery, Ignored, Item, discover
from bus_toolkit.io.labels import CLASSES, UNLABELLED
from bus_toolkit.io.limits import Limits
from bus_toolkit.io.source import Source, open_clip, read, read_bytes, read_scan
from bus_toolkit.io.write import encode_png, write_png

__all__ = [
    "CLASSES",
    "UNLABELLED",
    "Discovery",
    "Ignored",
    "Item",
    "Limits",
    "Source",
    "discover",
    "encode_png",
    "open_clip",
    "read",
    "read_bytes",
    "read_scan",
    "write_png",
]
