"""De-identify the header of a DICOM file and keep its pixels, without looking at them.

For whoever knows that nothing is burnt in, or will see to it elsewhere. The file says so: ``PatientIdentityRemoved`` is
NO, and no code claims that pixels were cleaned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bus_toolkit.atomic import atomic_path
from bus_toolkit.deidentify import Identifiers, deidentify_dataset
from bus_toolkit.errors import OutputError
from bus_toolkit.io import Limits, open_clip
from bus_toolkit.io.dicom_write import write_dicom
from bus_toolkit.profile import Profile
from bus_toolkit.verify import check_dicom_file

if TYPE_CHECKING:
    from pathlib import Path

    from bus_toolkit.deidentify import Key

BASIC: Final = Profile()
LIMITS: Final = Limits()


def rewrite_header(source: Path, target: Path, *, key: Key, profile: Profile = BASIC, durable: bool = True) -> str:
    """Write ``target``: the header of ``source`` de-identified, its pixel data as they are, less what is not picture.

    The written bytes are read again and searched for the identifiers of the source before they take their name.

    Parameters
    ----------
    source, target
        The original, which is not changed, and where the new file goes; its folder must exist.
    key
        Makes pseudonyms, UIDs and shifts of dates.
    profile
        The options on top of the Basic Profile.
    durable
        Whether the file is flushed to the disk before it takes its name. Without, it is whole or not there after a
        crash of the program, but a power cut may lose it.

    Returns
    -------
    str
        SHA-256 of the file in hex.

    Raises
    ------
    InputError
        When the source is no DICOM file with pixels that can be kept.
    OutputError
        When something of the source is left in what was written; then there is no file.
    OSError
        When the file cannot be written.
    """
    dataset, clip = open_clip(source, limits=LIMITS)
    identifiers = Identifiers.of(dataset, profile=profile)
    header = deidentify_dataset(dataset, key, profile=profile, identifiers=identifiers)
    with atomic_path(target, durable=durable) as temporary:
        written = write_dicom(temporary, header=header, clip=clip)
        leaks = check_dicom_file(temporary, identifiers, profile=profile)
        if leaks:
            found = ", ".join(sorted({f"{leak.what} in {leak.where}" for leak in leaks}))
            msg = f"a written file must hold nothing of its source. Got {found}"
            raise OutputError(msg)
    return written.sha256
