import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from bus_toolkit.audit.ledger import Ledger
from bus_toolkit.errors import EngineError
from bus_toolkit.geometry import Box, mask_of_boxes
from bus_toolkit.overlays import FindText
from bus_toolkit.overlays.engines import load_engine
from bus_toolkit.overlays.engines.base import TextEngine
from bus_toolkit.overlays.engines.easyocr import WEIGHTS, EasyOcrEngine
from bus_toolkit.scan import Scan
from bus_toolkit.stage import Kind

from .conftest import painted

FIXTURES = Path(__file__).parents[2] / "fixtures" / "raw_york"
SCANS = {
    "benign/BRAXLEY_ADA_1984.png": "kept",
    "benign/us_0003.png": "kept",
    "malignant/us_0103.png": "rejected",
    "normal/us_0203.png": "kept",
}
Run = Callable[..., subprocess.CompletedProcess[str]]


def share(mask: np.ndarray, boxes: list[Box]) -> float:
    return float(mask_of_boxes(mask.shape, boxes)[mask].mean())


def test_the_weights_are_those_that_easyocr_pins(weights: Path) -> None:
    from easyocr.config import detection_models, recognition_models

    pinned = (detection_models["craft"], recognition_models["gen2"]["english_g2"])
    assert tuple(model["filename"] for model in pinned) == WEIGHTS
    for model in pinned:
        found = hashlib.md5((weights / model["filename"]).read_bytes(), usedforsecurity=False).hexdigest()
        assert found == model["md5sum"]


def test_it_is_an_engine_and_detects_what_is_painted(engine: EasyOcrEngine) -> None:
    assert isinstance(engine, TextEngine)
    done = painted(("LEFT BREAST", (20, 30)), ("3 OCLOCK", (180, 150)))
    found = engine.detect(done.image)
    for overlay in done.overlays:
        assert share(overlay.mask, [seen.box for seen in found]) > 0.9
    assert all(0 < seen.score <= 1 and seen.box == seen.box.clip(done.image.shape) for seen in found)


def test_small_words_are_not_dropped_for_their_size(engine: EasyOcrEngine) -> None:
    done = painted(("LT", (60, 60)), ("RT", (60, 220)), ("LT", (200, 60)), height=9, seed=6)
    boxes = [seen.box for seen in engine.detect(done.image, scale=1.0)]
    small = [box for box in boxes if max(box.height, box.width) <= 20]
    assert any(share(overlay.mask, small) > 0.9 for overlay in done.overlays)


@pytest.mark.parametrize("scale", [0.75, 1.5])
def test_boxes_come_back_in_pixels_of_the_picture_at_any_scale(engine: EasyOcrEngine, scale: float) -> None:
    done = painted(("RIGHT BREAST", (90, 60)), height=20)
    boxes = [seen.box for seen in engine.detect(done.image, scale=scale)]
    assert share(done.overlays[0].mask, boxes) > 0.9
    assert mask_of_boxes(done.image.shape[:2], boxes).mean() < 0.15


def test_nothing_is_detected_on_bare_tissue_and_any_size_is_accepted(engine: EasyOcrEngine) -> None:
    assert engine.detect(painted().image) == ()
    assert engine.detect(np.zeros((1, 1), np.uint8)) == ()
    assert engine.detect(np.zeros((40, 7, 3), np.uint8), scale=0.1) == ()


def test_crops_are_read_in_their_order(engine: EasyOcrEngine) -> None:
    words = ("LEFT BREAST", "AXILLA", "12345")
    done = painted(*((word, (20 + 60 * index, 40)) for index, word in enumerate(words)))
    crops = [done.image[overlay.box.grow(3).slices] for overlay in done.overlays]
    colour = [cv2.cvtColor(crop, cv2.COLOR_GRAY2RGB) for crop in crops]
    for readings in (engine.recognise(crops), engine.recognise(colour)):
        assert tuple(reading.text.upper() for reading in readings) == words
        assert all(0.5 < reading.confidence <= 1 for reading in readings)
    assert engine.recognise([]) == ()


def test_what_says_nothing_reads_as_nothing_or_is_doubtful(engine: EasyOcrEngine) -> None:
    readings = engine.recognise([np.zeros((20, 60), np.uint8), np.zeros((1, 1), np.uint8)])
    assert all(not reading.text or reading.confidence < 0.5 for reading in readings)
    assert all(0 <= reading.confidence <= 1 for reading in readings)


def test_it_needs_no_network_and_makes_nothing_in_the_home_folder(home: Path, weights: Path, run: Run) -> None:
    (home.parent / "easyocr" / "model").unlink()
    before = sorted(path.name for path in weights.iterdir())
    done = run(
        """
import pathlib
import numpy as np
from bus_toolkit.overlays.engines.easyocr import EasyOcrEngine
engine = EasyOcrEngine(folder=pathlib.Path(sys.argv[1]))
engine.detect(np.zeros((60, 80), np.uint8))
engine.recognise([np.zeros((20, 60), np.uint8)])
print("done")
""",
        str(weights),
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    assert done.stderr == ""
    assert list(home.iterdir()) == []
    assert list((home.parent / "easyocr").iterdir()) == []
    assert sorted(path.name for path in weights.iterdir()) == before


@pytest.mark.parametrize("missing", WEIGHTS)
def test_a_missing_weight_file_is_an_error_at_once(tmp_path: Path, weights: Path, missing: str) -> None:
    for name in WEIGHTS:
        if name != missing:
            (tmp_path / name).symlink_to(weights / name)
    with pytest.raises(EngineError, match=missing):
        EasyOcrEngine(folder=tmp_path)


def test_other_weights_than_the_pinned_ones_are_not_loaded(tmp_path: Path, weights: Path) -> None:
    for name in WEIGHTS:
        shutil.copy(weights / name, tmp_path / name)
    changed = tmp_path / WEIGHTS[1]
    data = bytearray(changed.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    digest = hashlib.sha256(changed.read_bytes()).digest()
    with pytest.raises(EngineError, match="must load"):
        EasyOcrEngine(folder=tmp_path).recognise([np.zeros((9, 9), np.uint8)])
    assert hashlib.sha256(changed.read_bytes()).digest() == digest


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("segmenter", [False, True])
def test_the_stage_finds_text_with_it(segmenter: bool) -> None:  # noqa: FBT001
    done = painted(("LEFT BREAST", (20, 30)), ("AXILLA", (190, 180)))
    stage = FindText(engine="easyocr", segmenter=segmenter)
    plan = stage.examine(Scan(frames=done.image[np.newaxis]))
    boxes = [finding.box for finding in plan.findings if finding.kind is Kind.TEXT and finding.box is not None]
    for overlay in done.overlays:
        assert share(overlay.mask, boxes) > 0.9
    assert any("easyocr" in finding.detector for finding in plan.findings)
    assert {"LEFT BREAST", "AXILLA"} <= {finding.text.upper() for finding in plan.findings}
    assert any("easyocr" in sentence for sentence in stage.describe())


@pytest.mark.parametrize("jobs", ["0", "2"])
def test_a_whole_ingest_leaves_nothing_that_it_can_read(
    home: Path, tmp_path: Path, run: Run, engine: EasyOcrEngine, jobs: str
) -> None:
    for name in SCANS:
        (tmp_path / "raw" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FIXTURES / name, tmp_path / "raw" / name)
    script = "from bus_toolkit.cli.clean import main\nsys.exit(main(sys.argv[1:]))"
    argv = ("ingest", str(tmp_path / "raw"), "--anonymise", "--engine", "easyocr", "--jobs", jobs)
    done = run(script, *argv)
    assert done.returncode in {0, 3}, done.stderr
    assert "pin_memory" not in done.stderr
    assert list(home.iterdir()) == []
    with Ledger(tmp_path / "raw-clean.private" / "ledger.sqlite") as ledger:
        records = {record.file: record for record in ledger.records()}
    assert set(records) == set(SCANS)
    for file, expected in SCANS.items():
        assert records[file].outcome == expected
    before = [text for file in SCANS for text in words_in(engine, FIXTURES / file)]
    after = [text for path in (tmp_path / "raw-clean" / "images").rglob("*.png") for text in words_in(engine, path)]
    assert len(before) >= 3
    assert after == []


def words_in(engine: EasyOcrEngine, path: Path) -> list[str]:
    picture = np.asarray(Image.open(path))
    crops = [picture[seen.box.slices] for seen in engine.detect(picture)]
    return [reading.text for reading in engine.recognise(crops) if len(reading.text) > 2 and reading.confidence > 0.5]


def test_an_ingest_without_weights_stops_before_anything_is_written(home: Path, tmp_path: Path, run: Run) -> None:
    (home.parent / "easyocr" / "model").unlink()
    (tmp_path / "raw").mkdir()
    shutil.copy(FIXTURES / "benign" / "us_0001.png", tmp_path / "raw")
    script = "from bus_toolkit.cli.clean import main\nsys.exit(main(sys.argv[1:]))"
    done = run(script, "ingest", str(tmp_path / "raw"), "--anonymise", "--engine", "easyocr")
    assert done.returncode == 1
    assert WEIGHTS[0] in done.stderr
    assert not (tmp_path / "raw-clean").exists()


def test_engines_are_kept_apart_by_name(home: Path) -> None:
    assert home.is_dir()
    assert load_engine("easyocr").name == "easyocr"
    assert load_engine("easyocr") is load_engine("easyocr")
