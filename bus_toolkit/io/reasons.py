"""Why a file that was found is not read: one code and one sentence for each kind."""

from __future__ import annotations

from typing import Final

from bus_toolkit.errors import InputError

ACCEPTED: Final = "DICOM, PNG, JPEG, TIFF or BMP"

REASONS: Final[dict[str, tuple[str, str]]] = {
    "dicomdir": ("dicomdir", "This is a DICOM directory and holds no picture."),
    "archive": ("archive", "This is a packed archive; unpack it to have what is in it read."),
    "pdf": ("pdf", f"This is a PDF document, not {ACCEPTED}."),
    "document": ("document", f"This is an office document, not {ACCEPTED}."),
    "text": ("text", f"This is text, not {ACCEPTED}."),
    "gif": ("unsupported-type", f"This is a GIF picture, not {ACCEPTED}."),
    "webp": ("unsupported-type", f"This is a WebP picture, not {ACCEPTED}."),
    "heif": ("unsupported-type", f"This is a HEIF or AVIF picture, not {ACCEPTED}."),
    "jpeg 2000": ("unsupported-type", f"This is a JPEG 2000 picture outside DICOM, not {ACCEPTED}."),
    "jpeg xl": ("unsupported-type", f"This is a JPEG XL picture outside DICOM, not {ACCEPTED}."),
    "video": ("unsupported-type", f"This is a video, not {ACCEPTED}."),
    "sound": ("unsupported-type", f"This is a sound recording, not {ACCEPTED}."),
    "array file": ("unsupported-type", f"This is an array file (HDF5, NumPy or MATLAB), not {ACCEPTED}."),
    "unknown": ("unrecognised", f"The content is not {ACCEPTED}."),
    "empty": ("empty", "The file is empty."),
    "unreadable": ("unreadable", "The file cannot be opened or read."),
    "unreadable-folder": ("unreadable", "The folder cannot be opened or read."),
    "link-outside": ("link-outside", "This link leads out of the folder; put the file itself or name its folder."),
    "link-broken": ("link-broken", "This link leads to nothing."),
    "link-loop": ("link-loop", "This link leads back to itself or to a folder that it lies in."),
    "link-inside": ("link-inside", "This link leads to something in the same folder tree, which is read there."),
    "hidden": ("hidden", "Hidden files and folders are left aside."),
    "system": ("system-file", "This file belongs to the operating system."),
    "special": ("not-a-file", "This is a pipe, socket or device, not a file."),
}
"""Kinds as :func:`bus_toolkit.io.sniff.sniff` and the walk of a folder name them: code and sentence."""


def reason_of(kind: str) -> InputError:
    """The error for a kind; unnamed kinds count as unrecognised."""
    code, message = REASONS.get(kind, REASONS["unknown"])
    return InputError(code, message)
