"""A finished output, made once and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

from bus_toolkit.batch import Options, ingest
from bus_toolkit.manifest import Row, read_manifest

FIXTURES = Path(__file__).parents[2] / "fixtures" / "raw_york"
PICTURE = "malignant/QUILMORE_CORA_1979-03-12.png"
DICOM = "benign/case_07.dcm"
PATIENT = "PID-CANARY07-4411"
NAME = "ZYXCANARY07^IMAGINARIA"


def make_output(folder: Path) -> Path:
    """Ingest two fixtures; the output, beside which its private folder lies."""
    for name in (PICTURE, DICOM):
        (folder / "raw" / name).parent.mkdir(parents=True)
        shutil.copy(FIXTURES / name, folder / "raw" / name)
    ingest(Options(src=folder / "raw", out=folder / "out", anonymise=True, jobs=0))
    return folder / "out"


def copied(made: Path, folder: Path) -> Path:
    """A copy of the output and its private folder that a test may spoil."""
    shutil.copytree(made, folder / "out")
    shutil.copytree(made.with_name("out.private"), folder / "out.private")
    return folder / "out"


def row_of_media(out: Path, media: str) -> Row:
    """The one row of the manifest with that kind of input."""
    (row,) = (row for row in read_manifest(out / "manifest.csv") if row.media == media)
    return row
