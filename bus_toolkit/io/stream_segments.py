"""What the cleaners of compressed streams share."""

from __future__ import annotations

from bus_toolkit.errors import InputError


def corrupt() -> InputError:
    """The error for a stream whose segments do not follow each other."""
    return InputError("corrupt", "A frame of the pixel data is not built as its transfer syntax says.")
