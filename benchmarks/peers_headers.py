"""One tool de-identifies the headers of a folder of DICOM files; seconds for the loop go to standard output.

    python benchmarks/peers_headers.py TOOL SOURCE TARGET

Run by benchmarks/deidentify.py in the environment that has the tool. Reading and writing are in the time, imports and
the first file are not.
"""

from __future__ import annotations

import logging
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def ours() -> Callable[[Path, Path], Any]:
    """Our own way, verifying what it wrote."""
    from bus_toolkit.batch.headers import rewrite_header
    from bus_toolkit.deidentify import Key

    key = Key.random()
    return lambda source, target: rewrite_header(source, target, key=key, durable=False)


def dicognito() -> Callable[[Path, Path], Any]:
    """Dicognito with its defaults."""
    import pydicom
    from dicognito.anonymizer import Anonymizer

    anonymizer = Anonymizer()

    def work(source: Path, target: Path) -> None:
        dataset = pydicom.dcmread(source)
        anonymizer.anonymize(dataset)
        dataset.save_as(target)

    return work


def dicom_anonymizer() -> Callable[[Path, Path], Any]:
    """The package dicom-anonymizer with its defaults."""
    from dicomanonymizer import anonymize_dicom_file

    return lambda source, target: anonymize_dicom_file(str(source), str(target))


def deid() -> Callable[[Path, Path], Any]:
    """Deid with its own recipe, one file at a time."""
    from deid.config import DeidRecipe
    from deid.dicom import get_identifiers, replace_identifiers

    logging.disable()
    recipe = DeidRecipe()

    def work(source: Path, target: Path) -> None:
        found = get_identifiers([str(source)], expand_sequences=False)
        replace_identifiers(
            [str(source)], ids=found, deid=recipe, save=True, output_folder=str(target.parent), overwrite=True
        )

    return work


TOOLS = {"ours": ours, "dicognito": dicognito, "dicom-anonymizer": dicom_anonymizer, "deid": deid}


def main() -> int:
    """Run one tool over one folder."""
    tool, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    work = TOOLS[tool]()
    files = sorted(source.iterdir())
    work(files[0], target / files[0].name)
    started = time.perf_counter()
    for path in files:
        work(path, target / path.name)
    sys.stdout.write(f"\nseconds {time.perf_counter() - started}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
