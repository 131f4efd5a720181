"""Is anything of the source left? Checks of written bytes, of one file and of a finished folder."""

from __future__ import annotations

from bus_toolkit.deidentify.leak import Leak
from bus_toolkit.verify.files import check_dicom_file, check_name, check_png_file, check_text_file
from bus_toolkit.verify.pixels import look_again

__all__ = ["Leak", "check_dicom_file", "check_name", "check_png_file", "check_text_file", "look_again"]
