"""Names burnt into pixels that are those of the header: gone from what is written, or nothing is written."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from bus_toolkit.io import read
from bus_toolkit.outcome import Outcome
from bus_toolkit.overlays import FindText
from bus_toolkit.scan import Scan
from bus_toolkit.synth import Font, Ink, make_clip, paint, text_stamp
from tests.canary.conftest import Run, ingest
from tests.canary.plant_streams import image
from tests.canary.plant_tokens import Tokens
from tests.canary.test_canary_pixels import stored

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom.dataset import Dataset

pytestmark = pytest.mark.slow

NAMES = ("QUILMORE", "BRAXLEY", "ZONDOVA", "HAUGWITZ", "PETTIGREW", "ALDERTON", "FENWICK", "MARLOWE")
IDS = ("K4711815", "B9021077", "ZX662310", "H3350912", "P7781264", "A5529013", "F1204877", "M8846120")
ROWS, COLS = 240, 320
HEIGHT = 11
WHOLE = 36
"""Frames of a clip: more than are looked at, so that one of them alone is met by what is seen over all."""


def pixels(seed: int, frames: int, fan: str) -> np.ndarray:
    made = make_clip(np.random.default_rng(seed), frames=max(frames, 2), rows=ROWS, cols=COLS, fan=fan)  # type: ignore[arg-type]
    return np.ascontiguousarray(made.frames[:frames])


def burn(frames: np.ndarray, texts: tuple[str, ...], which: slice, seed: int, *, inside: bool) -> np.ndarray:
    """The same texts at the same random places on some of the frames."""
    rng = np.random.default_rng(seed)
    rows = (60, 180) if inside else (4, 20)
    stamps = []
    for number, text in enumerate(texts):
        row = int(rng.integers(*rows)) // 2 + number * 2 * HEIGHT + (rows[0] // 2 if inside else 0)
        at = (row, int(rng.integers(60, 110) if inside else rng.integers(4, 60)))
        stamps.append(text_stamp(text, at, Font("hershey", "0", weight=1), HEIGHT, Ink(backing="none")))
    burnt = frames.copy()
    for index in range(*which.indices(len(frames))):
        burnt[index] = paint(frames[index], stamps).image
    return burnt


CASES: dict[str, tuple[int, str, slice, bool]] = {
    "a still, outside": (1, "linear", slice(None), False),
    "a still, inside": (1, "full", slice(None), True),
    "a still in a sector": (1, "curved", slice(None), True),
    "a clip, all frames": (4, "full", slice(None), True),
    "a clip, its end": (WHOLE, "full", slice(WHOLE - 4, None), True),
    "a clip, one frame": (WHOLE, "full", slice(10, 11), True),
    "a clip, one frame outside": (WHOLE, "linear", slice(21, 22), False),
}


def person(dataset: Dataset, number: int) -> Dataset:
    dataset.PatientName, dataset.PatientID = f"{NAMES[number].title()}^Cora", IDS[number]
    dataset.PatientBirthDate = "19790412"
    return dataset


@pytest.fixture(scope="module")
def run(key_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    src = tmp_path_factory.mktemp("burnt")
    for number, (case, (count, fan, which, inside)) in enumerate(CASES.items()):
        texts = (NAMES[number], IDS[number], "12.04.1979")
        burnt = burn(pixels(100 + number, count, fan), texts, which, 7 + number, inside=inside)
        stored(person(image(burnt, "native", Tokens()), number), src / f"us_{number}.dcm")
        if count == 1:
            # The same as a picture that is named after the patient.
            Image.fromarray(burnt[0]).save(src / f"{NAMES[number]}_{IDS[number]}_{case[-3:]}.png")
    return ingest(src, tmp_path_factory.mktemp("given") / "away", "--jobs", "2", key=key_file)


def words_in(frames: np.ndarray) -> list[str]:
    """What text recognition reads in frames, each at its own size and enlarged."""
    finder, read_words = FindText(thorough=True), []
    for frame in frames:
        seen, doubts = finder.look(Scan.from_array(np.ascontiguousarray(frame)))
        said = " ".join((*(finding.text for finding in seen.findings), *doubts))
        read_words += re.findall(r"[A-Z0-9]{4,}", said.upper())
    return read_words


def like(word: str, secret: str) -> bool:
    return SequenceMatcher(None, word, secret).ratio() > 0.75


def test_every_input_came_to_an_end(run: Run) -> None:
    assert len(run.records) == len(CASES) + 3, run.said
    assert {record.outcome for record in run.records.values()} <= {Outcome.KEPT, Outcome.QUARANTINED, Outcome.REJECTED}


def test_most_were_cleaned_and_not_only_held_back(run: Run) -> None:
    """A program that writes nothing leaks nothing, and helps nobody."""
    kept = [record for record in run.records.values() if record.outcome is Outcome.KEPT]
    assert len(kept) >= 2, [
        (record.media, record.frames, [reason.code for reason in record.reasons]) for record in run.records.values()
    ]


@pytest.mark.parametrize("number", range(len(CASES)), ids=list(CASES))
def test_recognition_reads_no_identity_in_what_is_written(run: Run, number: int) -> None:
    secrets = (NAMES[number], IDS[number], "12041979", "1979")
    count, _, which, _ = list(CASES.values())[number]
    for file, record in run.records.items():
        if not (file == f"us_{number}.dcm" or file.startswith(NAMES[number])):
            continue
        for name in filter(None, (record.image, record.dicom)):
            frames = read(run.out / name).scan.frames
            if name == record.dicom and count > 1:
                clip = read(run.out / name).clip
                assert clip is not None
                assert clip.length == count
                frames = np.stack([frame.shown for frame in list(clip.frames())[which]][:3])
            found = [word for word in words_in(frames) for secret in secrets if like(word, secret)]
            assert found == [], (name.partition("/")[0], "the words are not shown")


def test_no_byte_and_no_word_holds_an_identity(run: Run) -> None:
    everything = run.everything().upper()
    for secret in (*NAMES, *IDS, "19790412", "1979-04-12", "12.04.1979"):
        assert secret.encode() not in everything


def test_names_of_a_middle_tone_in_two_frames_of_a_long_clip_do_not_come_out(key_file: Path, tmp_path: Path) -> None:
    """Neither the brightest nor the darkest of all frames shows such letters, and they stand in two frames alone.

    The probe is at rest: what moves as a whole hides letters of the tissue's own tone, which the documentation tells.
    """
    noise = np.random.default_rng(300).integers(0, 4, (100, ROWS, COLS)).astype(np.uint8)
    frames = np.minimum(pixels(300, 1, "full"), 250) + noise
    tone = int(frames.max(axis=0).mean() * 0.75)
    written = ((5, "QUILMORE K4711815", 60), (37, "BRAXLEY B9021077", 140))
    for index, text, row in written:
        stamp = text_stamp(text, (row, 60), Font("hershey", "0", weight=1), 12, Ink(colour=(tone, tone, tone)))
        frames[index] = paint(frames[index], [stamp]).image
    (tmp_path / "src").mkdir()
    stored(person(image(frames, "native", Tokens()), 0), tmp_path / "src" / "us.dcm")
    done = ingest(tmp_path / "src", tmp_path / "out", "--jobs", "0", key=key_file)
    (record,) = done.records.values()
    if record.dicom:
        clip = read(done.out / record.dicom).clip
        assert clip is not None
        shown = [frame.shown for frame in clip.frames()]
        found = words_in(np.stack([shown[index] for index, _, _ in written]))
        secrets = ("K4711815", "B9021077", "QUILMORE", "BRAXLEY", "4711815", "BRAXLEYB9021077")
        assert [word for word in found if any(like(word, secret) for secret in secrets)] == []
