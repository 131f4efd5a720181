"""A whole run over pictures and DICOM files whose every corner holds a token, names of files and folders among them."""

from __future__ import annotations

import base64
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmwrite

from bus_toolkit.outcome import Outcome
from tests.canary import plant_rasters
from tests.canary.conftest import Run, ingest
from tests.canary.plant_beyond import compound, old_and_odd, private_blocks
from tests.canary.plant_headers import join, plant_table
from tests.canary.plant_streams import frames, image
from tests.canary.plant_tokens import Tokens

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset

pytestmark = pytest.mark.slow

ROWS, COLS = 120, 160


def fill(src: Path, tokens: Tokens) -> None:
    """Every kind of picture and stream, in folders whose names are tokens as well."""
    for number, (ending, make) in enumerate(plant_rasters.MAKERS.items()):
        (picture,) = frames(rows=ROWS, cols=COLS, seed=50 + number)
        folder = src / tokens.text("folder") / "benign" / tokens.text("deep folder")
        folder.mkdir(parents=True)
        (folder / f"{tokens.text('stem')}.{ending}").write_bytes(make(picture, tokens))
    (picture,) = frames(rows=ROWS, cols=COLS, seed=70)
    odd = tokens.text("line break")
    for name in (
        f"{odd}\n{tokens.text('second line')}.png",
        unicodedata.normalize("NFC", f"Jos\u00e9 {tokens.text('composed')}.png"),
        unicodedata.normalize("NFD", f"Jos\u00e9 {tokens.text('composed')}.png"),
        f"{tokens.text('patient')}^{tokens.text('given')}, 1979-04-12.png",
    ):
        folder = src / "Malignant" / tokens.text("folder")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / name, "PNG")
        picture = np.roll(picture, 3, 1)
    deep = src
    for _ in range(12):
        deep /= tokens.text("very deep")
    deep.mkdir(parents=True)
    Image.fromarray(picture).save(deep / "us.png")
    fill_dicom(src, tokens)


def fill_dicom(src: Path, tokens: Tokens) -> None:
    for number, kind in enumerate(("native", "jpeg", "jpeg-ls", "jpeg-2000", "rle")):
        pixels = frames(1 + 2 * (kind in {"jpeg", "native"}), rows=ROWS, cols=COLS, seed=80 + number)
        dataset = image(pixels, kind, tokens)
        kept = {element.tag for element in dataset}
        for more in (plant_table(tokens, f"{kind} "), private_blocks(tokens), old_and_odd(tokens), compound(tokens)):
            dataset = with_file(join(dataset, without(more, kept)), dataset)
        folder = src / tokens.text("study folder") / "normal"
        folder.mkdir(parents=True)
        dataset.preamble = tokens.text("preamble").encode().ljust(128, b"\0")
        dataset.file_meta.SourceApplicationEntityTitle = tokens.value("AE", "meta AE")
        dcmwrite(folder / tokens.text("DICOM stem"), dataset, enforce_file_format=True)


def without(dataset: Dataset, tags: set[Any]) -> Dataset:
    pixels = {0x00280100, 0x00280101, 0x00280102, 0x00280103, 0x00280004}
    for tag in [tag for tag in dataset.keys() if tag in tags or int(tag) in pixels or int(tag) >> 16 >= 0x7FE0]:  # noqa: SIM118
        del dataset[tag]
    return dataset


def with_file(dataset: Dataset, other: Dataset) -> Dataset:
    dataset.file_meta = other.file_meta
    return dataset


@pytest.fixture(scope="module")
def planted() -> Tokens:
    return Tokens()


@pytest.fixture(scope="module")
def run(planted: Tokens, key_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("in")
    src = place / planted.text("source folder")
    src.mkdir()
    fill(src, planted)
    return ingest(src, tmp_path_factory.mktemp("given") / "away", "--jobs", "2", key=key_file)


def told(run: Run) -> dict[str, tuple[str, list[str]]]:
    """By kind of input (never by name): the outcome and why."""
    return {
        f"{record.media}.{number}": (str(record.outcome), [reason.code for reason in record.reasons])
        for number, record in enumerate(run.records.values())
    }


def test_what_was_clean_is_kept(run: Run) -> None:
    assert run.code in {0, 3}, run.said
    kept = [record for record in run.records.values() if record.outcome is Outcome.KEPT]
    assert {record.media for record in kept} >= {"png", "jpeg", "tiff", "bmp", "dicom"}, told(run)
    assert len(run.records) == 16
    assert sum(record.media == "dicom" for record in kept) == 5, told(run)


def test_a_kind_that_is_not_read_is_refused_cleanly(run: Run) -> None:
    (record,) = (record for file, record in run.records.items() if file.endswith(".gif"))
    assert record.outcome is Outcome.FAILED
    assert [reason.code for reason in record.reasons] != ["internal"]


def test_no_token_is_in_any_byte_or_name_or_word(run: Run, planted: Tokens) -> None:
    assert len(planted) > 5000
    assert planted.found_in(run.everything()) == []
    for path in run.files():
        assert planted.found_in(path.read_bytes()) == [], path.suffix


def test_no_token_is_packed_in_what_a_program_would_unpack(run: Run, planted: Tokens) -> None:
    for path in run.files():
        if path.suffix == ".png":
            with Image.open(path) as picture:
                assert planted.found_in(picture.tobytes()) == []
                assert picture.info == {}
        elif path.suffix == ".html":
            for packed in re.findall(r"base64,([A-Za-z0-9+/=]+)", path.read_text()):
                assert planted.found_in(base64.b64decode(packed)) == []


def test_output_names_are_pseudonyms_below_labels_alone(run: Run) -> None:
    names = [path.relative_to(run.out).as_posix() for path in run.out.rglob("*")]
    allowed = re.compile(
        r"(images|dicom)(/(benign|malignant|normal|unlabelled)(/s[a-z2-7]{16}\.(png|dcm))?)?|manifest.csv|run.json|report.html"
    )
    assert [name for name in names if not allowed.fullmatch(name)] == []


def test_two_names_that_look_alike_are_two_inputs(run: Run) -> None:
    composed = [record for file, record in run.records.items() if "Jos" in file]
    assert len({record.id for record in composed}) == len(composed) == 2


def test_labels_with_names_of_patients_do_not_leak(key_file: Path, tmp_path: Path) -> None:
    tokens = Tokens(first=700000)
    src = tmp_path / "src"
    src.mkdir()
    rows = ["file,label,patient"]
    for number in range(3):
        (picture,) = frames(rows=ROWS, cols=COLS, seed=90 + number)
        name = f"{tokens.text('stem')}.png"
        Image.fromarray(picture).save(src / name)
        rows.append(f"{name},benign,{tokens.text('patient')} {tokens.text('given')}")
    labels = tmp_path / f"{tokens.text('labels file')}.csv"
    labels.write_text("\n".join(rows))
    done = ingest(src, tmp_path / "out", "--jobs", "0", "--labels", str(labels), key=key_file)
    assert len(done.records) == 3, done.said
    assert tokens.found_in(done.everything()) == []
    assert (done.out / "images" / "benign").is_dir()
    labels.write_text("\n".join([*rows, f"{tokens.text('not there')}.png,benign,{tokens.text('nobody')}"]))
    wrong = ingest(src, tmp_path / "other", "--jobs", "0", "--labels", str(labels), key=key_file)
    assert wrong.code == 1
    assert tokens.found_in(wrong.said.encode()) == []
