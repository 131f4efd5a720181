"""Nothing that was planted in the made scans comes out: not in a byte, not in a pixel, not in a word that is said."""

import base64
import hashlib
import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest

from bus_toolkit.audit.ledger import Ledger
from bus_toolkit.geometry import Box
from bus_toolkit.io import read
from bus_toolkit.manifest import read_manifest
from bus_toolkit.outcome import Outcome
from bus_toolkit.overlays import FindText
from bus_toolkit.scan import Scan

pytestmark = pytest.mark.slow

FIXTURES = Path(__file__).parents[2] / "fixtures"
SCANS = json.loads((FIXTURES / "truth.json").read_text("utf-8"))["scans"]
IDENTIFIED = [scan["file"] for scan in SCANS if scan["identity_text"]]
PICTURE_CHUNKS = {b"IHDR", b"IDAT", b"IEND"}
JPEG_SEGMENTS = {0xD8, 0xE0, 0xDB, 0xC0, 0xC4, 0xDA}
"""Start, JFIF, tables, baseline frame, scan: no comment, no Exif."""


def test_the_search_finds_what_is_there(truth: Any, needles: Any, readings: Callable[..., Any]) -> None:
    """Without this, a search that finds nothing anywhere would pass for a clean output."""
    for file, scan in truth.scans.items():
        if not scan["header"] and not scan["chunks"]:
            continue
        path = FIXTURES / "raw_york" / file
        assert needles.in_bytes(path.read_bytes()), file
        if path.suffix:
            assert any(needles.in_text(text) for text in readings(path)[1]), file
    page = f"<img src='data:image/jpeg;base64,{base64.b64encode(b'xx1 QUILMORE, CORA').decode()}'>"
    for said in (page, "ST.%20Elsewhere", "5a4f4e444F5641", "ZONDOVA".encode("utf-16-le").decode("latin-1")):
        assert needles.in_bytes(said.encode("latin-1")), said
    assert needles.in_text("of Cora in 1979") == ["Cora"]


def test_outcomes_are_those_of_the_truth(cleaned: Any, truth: Any) -> None:
    assert set(cleaned.records) == set(truth.scans)
    wrong = {
        file: (scan["expect"], str(cleaned.records[file].outcome), [r.code for r in cleaned.records[file].reasons])
        for file, scan in truth.scans.items()
        if str(cleaned.records[file].outcome) not in scan["expect"]
    }
    assert not wrong
    assert cleaned.code == 3


def test_no_byte_and_no_word_of_the_output_holds_a_planted_token(
    cleaned: Any, needles: Any, readings: Callable[..., Any]
) -> None:
    assert len(cleaned.files()) > 10
    for path in cleaned.files():
        data, texts = readings(path)
        assert [found for part in data for found in needles.in_bytes(part)] == [], path.relative_to(cleaned.out)
        assert [found for text in texts for found in needles.in_text(text)] == [], path.relative_to(cleaned.out)


def test_no_name_of_a_file_or_folder_holds_a_planted_token(cleaned: Any, needles: Any) -> None:
    for path in cleaned.out.rglob("*"):
        name = path.relative_to(cleaned.out).as_posix()
        assert needles.in_text(name) == []
        assert needles.in_bytes(name.encode()) == []
        assert re.fullmatch(
            r"(images|dicom)(/(benign|malignant|normal)(/s[a-z2-7]{16}\.(png|dcm))?)?|manifest.csv|run.json|report.html",
            name,
        ), name


def test_what_is_said_holds_no_planted_token_and_no_place_of_the_source(cleaned: Any, needles: Any) -> None:
    assert needles.in_text(cleaned.said) == []
    assert needles.in_bytes(cleaned.said.encode()) == []
    assert "HAUGWITZ" not in cleaned.said
    assert "Traceback" not in cleaned.said
    assert "arning" not in cleaned.said


def test_the_key_and_the_digests_of_inputs_stay_inside(cleaned: Any, key_file: Path) -> None:
    secret = bytes.fromhex(key_file.read_text().split("\n")[1])
    digests = [hashlib.sha256((cleaned.src / file).read_bytes()).hexdigest().encode() for file in cleaned.records]
    for path in cleaned.files():
        data = path.read_bytes()
        lower = data.lower()
        assert secret not in data
        assert secret.hex().encode() not in lower
        assert secret[:8].hex().encode() not in lower
        assert not [digest for digest in digests if digest in lower], path.name
    assert secret.hex() not in cleaned.said


def test_no_absolute_path_is_in_the_output(cleaned: Any) -> None:
    places = {str(cleaned.src), str(cleaned.src.resolve()), str(cleaned.out), str(Path.home()), "HAUGWITZ", "/tmp/"}  # noqa: S108 - looked for, not used
    for path in cleaned.files():
        data = path.read_bytes()
        for place in places:
            assert len(place) < 3 or place.encode() not in data, path.name


def test_pictures_hold_picture_chunks_only(cleaned: Any) -> None:
    pictures = [path for path in cleaned.files() if path.suffix == ".png"]
    assert len(pictures) > 10
    for path in pictures:
        data, place, chunks = path.read_bytes(), 8, set()
        while place < len(data):
            (length,) = struct.unpack_from(">I", data, place)
            chunks.add(data[place + 4 : place + 8])
            place += length + 12
        assert place == len(data)
        assert chunks == PICTURE_CHUNKS


def test_thumbnails_hold_no_comment_and_no_exif(cleaned: Any, readings: Callable[..., Any]) -> None:
    _, *thumbnails = readings(cleaned.out / "report.html")[0]
    assert thumbnails
    for jpeg in thumbnails:
        place, segments = 2, set()
        while True:
            marker, length = jpeg[place + 1], struct.unpack_from(">H", jpeg, place + 2)[0]
            segments.add(marker)
            if marker == 0xDA:
                break
            place += 2 + length
        assert segments <= JPEG_SEGMENTS


def test_headers_hold_no_private_element_and_no_old_uid(cleaned: Any) -> None:
    files = [path for path in cleaned.files() if path.suffix == ".dcm"]
    assert len(files) >= 3
    for path in files:
        assert path.read_bytes()[:128] == bytes(128)
        dataset = pydicom.dcmread(path)
        assert not [element.tag for element in dataset.iterall() if element.tag.is_private]
        assert dataset.PatientIdentityRemoved == "YES"
        assert dataset.SOPInstanceUID.startswith("2.25.")


def placed(cleaned: Any, file: str) -> tuple[np.ndarray, np.ndarray]:
    """The frames read from the source, and the cleaned ones in the same geometry (-1 where they were cut away)."""
    record = cleaned.records[file]
    before = read(cleaned.src / file).scan.frames
    if record.dicom:
        return before, read(cleaned.out / record.dicom).scan.frames.astype(np.int16)
    (plan,) = (plan for plan in record.plans if plan.stage == "crop-fan")
    picture = cv2.imread(str(cleaned.out / record.image), cv2.IMREAD_UNCHANGED)
    picture = picture[..., ::-1] if picture.ndim == 3 else picture
    after = np.full(before.shape, -1, np.int16)
    after[0][Box.from_list(plan.params["box"]).slices] = picture
    return before, after


@pytest.mark.parametrize("file", IDENTIFIED)
def test_the_glyphs_of_identities_are_gone(cleaned: Any, truth: Any, file: str) -> None:
    scan = truth.scans[file]
    before, after = placed(cleaned, file)
    for overlay in scan["overlays"]:
        if overlay["text"] not in scan["identity_text"]:
            continue
        rows, cols = Box.from_list(overlay["box"]).slices
        old = (
            before[:, rows, cols]
            .astype(np.int16)
            .reshape(-1, rows.stop - rows.start, cols.stop - cols.start, 3 if before.ndim == 4 else 1)
            .max(-1)
        )
        new = after[:, rows, cols].reshape(*old.shape, -1).max(-1)
        # The brightest pixels of the box are the glyphs; the half of them is so for certain.
        glyphs = old >= np.partition(old.ravel(), -(overlay["pixels"] // 2))[-(overlay["pixels"] // 2)]
        assert np.mean(np.abs(new - old)[glyphs] > 2) > 0.98, overlay["role"]
        # And what is there instead does not draw them again.
        if new.std() > 0:
            assert abs(np.corrcoef(new.ravel(), glyphs.ravel())[0, 1]) < 0.5, overlay["role"]


@pytest.mark.parametrize("file", IDENTIFIED)
def test_ocr_reads_no_identity_in_what_is_given_away(cleaned: Any, truth: Any, file: str) -> None:
    record = cleaned.records[file]
    words = {
        word.lower() for text in truth.scans[file]["identity_text"] for word in re.findall(r"[A-Za-z0-9]{3,}", text)
    }
    for name in filter(None, (record.image, record.dicom)):
        scan = read(cleaned.out / name).scan
        # A DICOM file had its second look at this very size; what was cropped is looked at enlarged as well.
        for size in (1, 2) if name == record.image else (1,):
            frame = np.ascontiguousarray(np.repeat(np.repeat(scan.frames[0], size, 0), size, 1))
            seen = FindText(thorough=True).examine(Scan.from_array(frame)).findings
            said = " ".join(finding.text for finding in seen).lower()
            assert not [word for word in words if word in said], (name, size)


def test_every_frame_of_a_clip_was_cleaned(cleaned: Any, truth: Any) -> None:
    (file,) = (file for file, scan in truth.scans.items() if scan["shape"][0] > 1)
    record = cleaned.records[file]
    assert record.outcome is Outcome.KEPT
    before, after = placed(cleaned, file)
    assert len(after) == len(before) == 20
    rows, cols = Box.from_list(truth.scans[file]["overlays"][0]["box"]).slices
    changed = [
        np.mean(old[rows, cols].astype(np.int16) != new[rows, cols]) for old, new in zip(before, after, strict=True)
    ]
    assert min(changed) > 0.2


def test_manifest_and_ledger_tell_the_same(cleaned: Any) -> None:
    rows = {row.id: row for row in read_manifest(cleaned.out / "manifest.csv")}
    with Ledger(cleaned.private / "ledger.sqlite") as ledger:
        assert len(ledger) == len(rows)
    for record in cleaned.records.values():
        row = rows[record.id]
        assert (row.outcome, row.label, row.image) == (record.outcome, record.label, record.image)
        for name, digest in ((row.image, row.sha256), (row.dicom, row.dicom_sha256)):
            assert not name or hashlib.sha256((cleaned.out / name).read_bytes()).hexdigest() == digest


def test_what_leads_back_is_in_the_private_folder_and_closed(cleaned: Any) -> None:
    assert cleaned.private.stat().st_mode & 0o777 == 0o700
    review = (cleaned.private / "review.html").read_text("utf-8")
    assert "BRAXLEY_ADA_1984" in review
    for name in ("ledger.sqlite", "review.html"):
        assert (cleaned.private / name).stat().st_mode & 0o077 == 0
