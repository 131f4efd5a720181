"""Every real ultrasound file at hand: what is written of it is sound to other programs, and shows the same picture."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from pydicom import data as pydicom_data
from pydicom import dcmread

from bus_toolkit.deidentify import Identifiers, deidentify_dataset
from bus_toolkit.errors import BusToolkitError
from bus_toolkit.io import read
from bus_toolkit.io.dicom_write import write_dicom
from bus_toolkit.profile import Profile
from bus_toolkit.verify import check_dicom_file
from tests.canary.plant_headers import KEY, reread

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from bus_toolkit.scan import Scan

pytestmark = pytest.mark.slow

SHARED = Path(__file__).parents[3] / "shared" / "data" / "us_dicom"
FIXTURES = Path(__file__).parents[2] / "fixtures" / "raw_york"
ULTRASOUND = re.compile(r"1\.2\.840\.10008\.5\.1\.4\.1\.1\.(3|6)(\.1)?")
LARGEST = 40_000_000
LARGEST_EDITED = 2_000_000
"""Frames of larger ones are edited by the tests of the writer; here they would take most of the time."""
JPEG_2000 = "1.2.840.10008.1.2.4.9"
JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
DUMPED = re.compile(r"^[WE]: (?!.*pixel aspect)", re.MULTILINE)


def folders() -> list[Path]:
    found = [Path(pydicom_data.__file__).parent, FIXTURES, SHARED]
    try:
        import data_store
    except ImportError:
        return found
    return [*found, Path(str(data_store.__file__)).parent]


@lru_cache(maxsize=1)
def corpus() -> tuple[Path, ...]:
    """Files of an ultrasound class below the folders, each content once."""
    seen: dict[tuple[int, bytes], Path] = {}
    for folder in folders():
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if not path.is_file() or not 1000 < path.stat().st_size < LARGEST:
                continue
            with path.open("rb") as stream:
                head = stream.read(4096)
            if head[128:132] == b"DICM" and ULTRASOUND.fullmatch(sop_class(path)):
                seen.setdefault((path.stat().st_size, head), path)
    return tuple(seen.values())


def sop_class(path: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return str(dcmread(path, specific_tags=["SOPClassUID"], stop_before_pixels=True).get("SOPClassUID", ""))


def blot(scan: Scan) -> Scan:
    edited = scan.frames.copy()
    edited[:, : scan.shape[0] // 8, : scan.shape[1] // 3] = 0
    return replace(scan, frames=edited)


def written(path: Path, folder: Path, *, edit: bool) -> Path:
    try:
        source = read(path)
    except BusToolkitError as refused:
        pytest.skip(f"not read: {getattr(refused, 'code', 'refused')}")
    assert source.dataset is not None
    assert source.clip is not None
    header = deidentify_dataset(source.dataset, KEY, anonymise=True, pixels_checked=True)
    out = folder / "out.dcm"
    write_dicom(out, header=header, clip=source.clip, edit=blot if edit else None)
    return out


CASES = [
    pytest.param(path, edit, id=f"{path.stem[:40]}-{'edited' if edit else 'as it was'}")
    for path in corpus()
    for edit in (False, True)
    if not edit or path.stat().st_size < LARGEST_EDITED
]


def said(*argv: str | Path) -> str:
    done = subprocess.run([str(part) for part in argv], capture_output=True, check=False, timeout=120)  # noqa: S603
    return (done.stdout + done.stderr).decode("latin-1")


def test_there_is_a_corpus() -> None:
    assert len(corpus()) >= 5


@pytest.mark.parametrize(("path", "edit"), CASES)
def test_what_is_written_is_sound_and_shows_the_same_picture(path: Path, tmp_path: Path, edit: bool) -> None:  # noqa: FBT001
    out = written(path, tmp_path, edit=edit)
    dataset = reread(out.read_bytes())
    check_contents(path, out, dataset)
    check_pixels(path, out, edit=edit)
    if shutil.which("dcmdump"):
        assert DUMPED.findall(said("dcmdump", "-q", "--print-short", out)) == []
    if shutil.which("dciodvfy"):
        assert errors(out) - errors(path) == set()
    check_their_picture(out, dataset)


def check_contents(path: Path, out: Path, dataset: Dataset) -> None:
    """Nothing of the header of the input is in the output."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        identifiers = Identifiers.of(dcmread(path, stop_before_pixels=True))
    assert check_dicom_file(out, identifiers, profile=Profile()) == []
    assert [element for element in dataset.iterall() if element.tag.is_private] == []


def errors(path: Path) -> set[str]:
    """What the validator calls an error, without values that differ between input and output."""
    lines = said("dciodvfy", path).splitlines()
    told = (line for line in lines if line.startswith("Error"))
    return {re.sub(r"Value=<[^>]*>|[Vv]alue <[^>]*>|= <[^>]*>$", "", line).strip() for line in told}


def check_their_picture(out: Path, dataset: Dataset) -> None:
    """Another program's decoder sees the same first frame."""
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    unread = syntax.startswith(JPEG_2000) or "SegmentedRedPaletteColorLookupTableData" in dataset
    program = "dcml2pnm" if syntax in JPEG_LS else "dcmj2pnm"
    if unread or shutil.which(program) is None:
        return
    grey = str(dataset.PhotometricInterpretation).startswith("MONOCHROME")
    window = ["+Wi", "1"] if grey and dataset.get("WindowCenter") not in (None, "") else []
    picture = out.with_name("theirs.pnm")
    told = said(program, "--frame", "1", *window, out, picture)
    assert picture.exists(), re.sub(r"/\S+", "", told)
    source = read(out)
    assert source.clip is not None
    ours = next(source.clip.frames()).shown
    with Image.open(picture) as opened:
        difference = np.abs(coloured(np.asarray(opened)).astype(int) - coloured(ours).astype(int))
    # Colour conversion of lossy JPEG may round differently.
    assert difference.max() <= (3 if source.scan.is_rgb else 1)


def check_pixels(path: Path, out: Path, *, edit: bool) -> None:
    """Outside the edit every frame is the original's."""
    before, after = read(path).clip, read(out).clip
    assert before is not None
    assert after is not None
    assert before.length == after.length
    for old, new in zip(before.frames(), after.frames(), strict=True):
        rows, cols = old.shown.shape[:2]
        same = np.ones((rows, cols), bool)
        if edit:
            same[: rows // 8, : cols // 3] = False
            assert int(new.shown[~same].max()) <= 1
        # Once the edit has taken the only colour away, a picture is read as grey.
        assert np.array_equal(coloured(new.shown)[same], coloured(old.shown)[same])


def coloured(shown: np.ndarray) -> np.ndarray:
    return shown if shown.ndim == 3 else np.repeat(shown[..., np.newaxis], 3, axis=2)
