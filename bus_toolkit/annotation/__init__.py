"""What operators write over a scan, as fields: side, clock position, distance, orientation, size, procedure."""

from bus_toolkit.annotation.fields import Annotation, merge
from bus_toolkit.annotation.grammar import parse

__all__ = ["Annotation", "merge", "parse"]
