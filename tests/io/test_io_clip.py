"""Clips are read frame by frame: any number of them, in the same memory."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus_toolkit.errors import InputError
from bus_toolkit.io import read
from bus_toolkit.io.dicom_tone import Tone
from tests.io.dicom_files import clip_of, colour, grey, noise

if TYPE_CHECKING:
    from pathlib import Path

PEAK = """
import re, sys
from pathlib import Path
from bus_toolkit.io import read
from bus_toolkit.io.dicom_write import write_dicom
from bus_toolkit.deidentify import Key, deidentify_dataset
source = read(Path(sys.argv[1]))
def edit(scan):
    frames = scan.frames.copy()
    frames[:, :9] = 0
    return scan.with_frames(frames)
header = deidentify_dataset(source.dataset, Key(bytes(32)))
write_dicom(Path(sys.argv[2]), header=header, clip=source.clip, edit=edit)
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def test_a_short_clip_is_looked_at_as_a_whole(tmp_path: Path) -> None:
    array = noise(7, 6, 8)
    grey(array).save_as(tmp_path / "a.dcm", enforce_file_format=True)
    source = read(tmp_path / "a.dcm")
    assert np.array_equal(source.scan.frames, array)
    assert source.scan.extremes is None
    assert source.middle == 3


def test_a_long_clip_is_looked_at_in_a_sample_with_the_extremes_of_all(tmp_path: Path) -> None:
    array = np.full((200, 16, 16), 90, np.uint8) + np.arange(200, dtype=np.uint8)[:, None, None] % 5
    array[77, 8:] = 255  # one frame that no even spread meets
    array[31, :8] = 3
    grey(array).save_as(tmp_path / "a.dcm", enforce_file_format=True)
    source = read(tmp_path / "a.dcm")
    scan = source.scan
    assert source.clip is not None
    assert source.clip.length == 200
    assert len(scan.frames) <= 33
    assert np.array_equal(scan.frames[source.middle], array[100])
    assert np.array_equal(scan.frames[0], array[0])
    assert any(np.array_equal(frame, array[77]) for frame in scan.frames)
    assert np.array_equal(scan.composite("min"), array.min(axis=0))
    assert np.array_equal(scan.composite("max"), array.max(axis=0))


def test_a_clip_whose_last_frame_is_cut_is_refused(tmp_path: Path) -> None:
    dataset = grey(noise(3, 6, 8))
    dataset.PixelData = dataset.PixelData[:-5] + b""
    dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    with pytest.raises(InputError) as caught:
        read(tmp_path / "a.dcm")
    assert caught.value.code == "truncated"


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of one process alone is told by Linux only")
@pytest.mark.parametrize("colours", [False, True])
def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path, *, colours: bool) -> None:
    peaks = []
    for count in (40, 160):
        array = noise(count, 300, 400, 3) if colours else noise(count, 300, 400)
        path = tmp_path / f"{count}.dcm"
        (colour(array) if colours else grey(array)).save_as(path, enforce_file_format=True)
        done = subprocess.run(  # noqa: S603 - this very interpreter
            [sys.executable, "-c", PEAK, str(path), str(tmp_path / "out.dcm")],
            capture_output=True,
            check=True,
            text=True,
        )
        peaks.append(int(done.stdout))
    assert peaks[1] < 1.15 * peaks[0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["MONOCHROME1", "MONOCHROME2"]), st.booleans())
def test_what_is_shown_leads_back_to_what_is_stored(seed: int, photometric: str, deep: bool) -> None:  # noqa: FBT001
    rng = np.random.default_rng(seed)
    array = rng.integers(0, 4096 if deep else 256, (1, 6, 7)).astype("<u2" if deep else "u1")
    facts = {"BitsStored": 12, "HighBit": 11} if deep else {}
    clip = clip_of(grey(array, PhotometricInterpretation=photometric, **facts))
    frame = next(clip.frames())
    assert np.array_equal(clip.stored_for(frame.shown, frame), frame.stored)
    wanted = frame.shown.copy()
    wanted[2:4] = rng.integers(0, 256, (2, 7))
    stored = clip.stored_for(wanted, frame)
    same = wanted == frame.shown
    assert np.array_equal(stored[same], frame.stored[same])
    tone = clip._prepare()
    low, high = (int(array.min()), int(array.max())) if deep else (0, 255)
    reachable = tone.shown(np.arange(low, high + 1, dtype=array.dtype))
    best = np.abs(reachable[:, None, None].astype(int) - wanted).min(axis=0)
    assert np.array_equal(np.abs(tone.shown(stored).astype(int) - wanted)[~same], best[~same])


def test_a_palette_gives_its_nearest_colour() -> None:
    tone = Tone(np.array([[0, 0, 0], [255, 0, 0], [250, 250, 250]], np.uint8), low=5)
    stored = tone.stored(np.array([[240, 10, 10], [1, 2, 3], [255, 255, 255]], np.uint8), np.dtype("u1"))
    assert stored.tolist() == [6, 5, 7]
