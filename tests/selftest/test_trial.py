from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bus_toolkit.batch import Options, ingest
from bus_toolkit.batch.cleaner import Cleaned, Cleaner, IngestCleaner
from bus_toolkit.errors import InputError
from bus_toolkit.io import Source, read
from bus_toolkit.manifest import read_manifest
from bus_toolkit.outcome import Outcome
from bus_toolkit.policy import load_policy
from bus_toolkit.scan import Scan
from bus_toolkit.selftest.painting import ink_of, plan_identities
from bus_toolkit.selftest.score import Fate, is_read, words_to_find
from bus_toolkit.selftest.trial import Spec, Task, TextReader, Trial, Worker, paint_scan, try_scan
from bus_toolkit.synth import Font, Ink, paint, text_stamp
from tests.selftest.fakes import Blanks, Leaves, Withholds, reads_nothing, source_of

FIXTURES = Path(__file__).parents[2] / "fixtures" / "raw_york"


def trial_with(cleaner: Cleaner, source: Source | None = None, seed: int = 1) -> Trial:
    return try_scan(source or source_of(), 1, cleaner, reads_nothing, seed=seed, strings=3)


def test_what_removes_nothing_leaves_every_string_and_touches_nothing() -> None:
    trial = trial_with(Leaves())
    assert len(trial.strings) == 3
    assert {one.fate for one in trial.strings} == {Fate.LEFT}
    assert all(one.erased == 0 and one.before and one.after for one in trial.strings)
    assert trial.touched is not None
    assert trial.touched.painted == trial.touched.unpainted == 0


def test_what_blanks_everything_removes_every_string_and_touches_all_tissue() -> None:
    trial = trial_with(Blanks())
    assert {one.fate for one in trial.strings} == {Fate.REMOVED}
    assert not any(one.before or one.after for one in trial.strings)
    assert trial.touched is not None
    assert trial.touched.painted == pytest.approx(1)
    assert trial.touched.far > trial.touched.near > 0
    assert trial.touched.unpainted == 0


def test_what_is_not_given_away_is_withheld() -> None:
    trial = trial_with(Withholds())
    assert {one.fate for one in trial.strings} == {Fate.WITHHELD}
    assert (trial.outcome, trial.painted_outcome) == (Outcome.KEPT, Outcome.QUARANTINED)
    assert trial.touched is None


def test_what_ocr_still_reads_is_left_whatever_a_mask_says(monkeypatch: pytest.MonkeyPatch) -> None:
    # Drawn alike on every machine, whatever fonts it has.
    monkeypatch.setattr("bus_toolkit.synth.glyphs.system_fonts", tuple)
    monkeypatch.setattr("bus_toolkit.selftest.painting.new_fonts", tuple)

    class Claims(Leaves):
        """Says that it has erased all, and has erased nothing."""

        def clean(self, scan: Scan, *, whole: bool) -> Cleaned:
            done = super().clean(scan, whole=whole)
            return replace(done, erased=np.ones(scan.shape, dtype=np.bool_))

    source = source_of()
    trial = try_scan(source, 1, Claims(), lambda _: ("BRAXLEY 1961 RT",), seed=1, strings=8, room=0.4)
    assert all((one.fate is Fate.LEFT) == one.read and one.erased == 1 for one in trial.strings)
    trial = try_scan(source, 1, Claims(), TextReader("rapidocr"), seed=1, strings=8, room=0.4)
    # OCR may pass over a lone letter such as R or L.
    plain = [
        one
        for one in trial.strings
        if one.height >= 12 and one.contrast >= 100 and one.place == "tissue" and one.role != "laterality"
    ]
    assert plain
    assert all(one.fate is Fate.LEFT for one in plain)


def test_a_scan_that_would_not_be_kept_is_not_painted() -> None:
    class Rejects:
        def clean(self, scan: Scan, *, whole: bool) -> Cleaned:  # noqa: ARG002
            return Cleaned(outcome=Outcome.REJECTED)

    trial = trial_with(Rejects())
    assert (trial.outcome, trial.painted_outcome, trial.strings) == (Outcome.REJECTED, None, ())


def test_the_same_seed_and_pixels_give_the_same_trial() -> None:
    assert trial_with(Leaves()) == trial_with(Leaves())
    assert trial_with(Leaves()) != trial_with(Leaves(), seed=2)


def test_words_are_found_in_spite_of_characters_of_like_shape() -> None:
    assert words_to_find("BRAXLEY, ADA") == words_to_find("braxley^ada")
    assert is_read("MRN 01234567", ["... O1Z34567"])
    assert not is_read("MRN 01234567", ["0123", "RT"])
    # A string of short words only counts as read when all of it is.
    assert is_read("R 3", ["R3"])
    assert not is_read("RT", ["R", "T"])
    assert not is_read("RT", ["PART"])
    assert not is_read("L", ["L", "1"])


def test_a_word_in_the_picture_is_read_and_a_blank_one_is_not() -> None:
    picture = source_of(rows=80, cols=260).scan.frames[0]
    written = paint(picture, [text_stamp("QUILMORE CORA", (30, 20), Font("bundled"), 18, Ink())]).image
    read_all = TextReader("rapidocr")
    assert is_read("QUILMORE CORA", read_all(written))
    assert not is_read("QUILMORE CORA", read_all(np.full_like(written, 90)))


def test_a_file_that_cannot_be_read_is_a_failed_trial(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    worker = Worker(Spec(policy=load_policy(), engine="rapidocr", allow_download=False, seed=0, strings=1))
    assert worker.work(Task(path=tmp_path / "x.png", number=1)).outcome is Outcome.FAILED
    refused = Task(path=tmp_path / "x.png", number=2, refused=InputError("link-broken", "a link to nothing"))
    assert [reason.code for reason in worker.work(refused).reasons] == ["link-broken"]


NAMES = ("benign/us_0003.png", "malignant/QUILMORE_CORA_1979-03-12.png", "benign/case_07.dcm", "malignant/us_0101.png")


def test_pictures_are_those_that_an_ingest_writes(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "raw" / name).write_bytes((FIXTURES / name).read_bytes())
    ingest(Options(src=tmp_path / "raw", out=tmp_path / "out", anonymise=True, jobs=0))
    written = read_manifest(tmp_path / "out" / "manifest.csv")
    cleaner = IngestCleaner(load_policy())
    outcomes, frames = [], {}
    for name in NAMES:
        source = read(tmp_path / "raw" / name)
        done = cleaner.clean(source.scan, whole=source.clip is not None)
        outcomes.append(str(done.outcome))
        assert (done.scan is None) == (done.erased is None) == (done.outcome is not Outcome.KEPT)
        if done.scan is not None and done.erased is not None:
            frame = done.scan.frames[source.middle]
            frames[frame.shape, frame.tobytes()] = name
            if source.clip is not None:
                kept = ~done.erased
                assert np.array_equal(frame[kept], source.scan.frames[source.middle][kept])
    assert sorted(outcomes) == sorted(str(row.outcome) for row in written)
    assert outcomes.count("kept") >= 3
    for row in written:
        if row.outcome == "kept":
            again = read(tmp_path / "out" / (row.dicom or row.image))
            frame = again.scan.frames[again.middle]
            assert (frame.shape, frame.tobytes()) in frames


def test_a_clip_is_painted_in_every_frame_and_in_its_extremes() -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 200, size=(5, 200, 260), dtype=np.uint8)
    scan = Scan(frames=frames[1:4], extremes=(frames.min(axis=0), frames.max(axis=0)))
    strings = plan_identities(rng, scan.frames[1], np.ones(scan.shape, dtype=np.bool_), 3, room=0.3)
    painted, everything = paint_scan(scan, strings), paint_scan(Scan(frames=frames), strings)
    assert np.array_equal(painted.frames, everything.frames[1:4])
    assert painted.extremes is not None
    assert np.array_equal(painted.extremes[0], everything.frames.min(axis=0))
    assert np.array_equal(painted.extremes[1], everything.frames.max(axis=0))
    touched = ink_of(strings, scan.shape)
    assert touched.any()
    same = painted.frames if painted.frames.ndim == 3 else painted.frames.max(axis=3)
    assert np.array_equal(same[:, ~touched], scan.frames[:, ~touched])


def test_a_clip_of_a_file_is_tried_whole() -> None:
    source = read(FIXTURES / "malignant" / "clip_20.dcm")
    assert len(source.scan.frames) > 1

    class Notes(Leaves):
        whole: bool | None = None

        def clean(self, scan: Scan, *, whole: bool) -> Cleaned:
            self.whole = whole
            return super().clean(scan, whole=whole)

    cleaner = Notes()
    trial = try_scan(source, 1, cleaner, reads_nothing, seed=0, strings=2)
    assert cleaner.whole
    assert len(trial.strings) == 2
