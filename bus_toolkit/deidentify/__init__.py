"""De-identification: headers by DICOM PS3.15 Annex E, pseudonyms under a key, checks of what was written.

A pydicom ``Dataset`` lives here and in :mod:`bus_toolkit.io`, nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bus_toolkit.deidentify.identifiers import Identifiers
from bus_toolkit.deidentify.key import Key
from bus_toolkit.deidentify.raster import check_no_metadata

if TYPE_CHECKING:
    from bus_toolkit.deidentify.dataset import deidentify_dataset, identity_of, patient_pseudonym

__all__ = ["Identifiers", "Key", "check_no_metadata", "deidentify_dataset", "identity_of", "patient_pseudonym"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - module attributes have any type
    """Load what needs pydicom only when it is asked for: a run on PNG files never pays for it."""
    if name in {"deidentify_dataset", "identity_of", "patient_pseudonym"}:
        from bus_toolkit.deidentify import dataset

        return getattr(dataset, name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
