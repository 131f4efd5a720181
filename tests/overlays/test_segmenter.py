"""The shipped segmenter sees what is drawn, and its pieces become findings."""

import hashlib
import json

import numpy as np
import pytest

from bus_toolkit.geometry import mask_of_boxes
from bus_toolkit.overlays import FindGraphics, FindText
from bus_toolkit.overlays.drawn import Drawn, drawn_of, param_of, see_drawn
from bus_toolkit.overlays.engines.segmenter import CLASSES, TILE, WEIGHTS, Segmenter, load_segmenter
from bus_toolkit.overlays.text_segments import lines_of
from bus_toolkit.scan import Scan
from bus_toolkit.stage import Kind, Plan
from bus_toolkit.synth import Font, Ink, caliper, make_phantom, paint, text_stamp

FONT = Font("bundled", weight=1)


def phantom(seed: int = 5, rows: int = 300, cols: int = 400) -> np.ndarray:
    return make_phantom(np.random.default_rng(seed), rows=rows, cols=cols, fan="full").image


def test_weights_are_small_and_the_card_is_theirs() -> None:
    data = WEIGHTS.read_bytes()
    card = json.loads(WEIGHTS.with_suffix(".json").read_text())
    assert len(data) == card["bytes"] <= 4 * 2**20
    assert hashlib.sha256(data).hexdigest() == card["sha256"]
    assert card["classes"] == list(CLASSES)
    assert "CC BY 4.0" in card["credit"]


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (33, 47), (300, 400), (TILE + 40, 60)])
def test_any_size_grey_or_colour(shape: tuple[int, int]) -> None:
    grey = np.zeros(shape, dtype=np.uint8)
    for picture in (grey, np.stack([grey] * 3, axis=-1)):
        probabilities = load_segmenter().probabilities(picture)
        assert probabilities.shape == (len(CLASSES), *shape)
        assert np.isfinite(probabilities).all()


@pytest.mark.parametrize("colour", [(255, 255, 255), (255, 240, 40), (70, 230, 255)])
def test_strokes_of_letters_are_seen_pixel_by_pixel(colour: tuple[int, int, int]) -> None:
    stamps = [text_stamp("LEFT 9:00", (100, 80), FONT, 14, Ink(colour=colour))]
    painted = paint(phantom(), stamps)
    likely = load_segmenter().probabilities(painted.image)[CLASSES.index("text")] > 0.5
    ink = painted.mask()
    assert likely[ink].mean() > 0.9
    assert (likely & ~ink).mean() < 0.01


def test_half_a_word_at_the_edge_and_a_lone_digit_are_text() -> None:
    stamps = [text_stamp("RIGHT", (-9, 60), FONT, 18, Ink()), text_stamp("7", (180, 300), FONT, 16, Ink())]
    painted = paint(phantom(), stamps)
    boxes = mask_of_boxes((300, 400), [line.box.grow(2) for line in lines_of(see_drawn(painted.image), (300, 400))])
    for overlay in painted.overlays:
        assert boxes[overlay.mask].mean() > 0.95


def test_tissue_alone_has_nothing_drawn() -> None:
    for seed in range(4):
        assert FindText(witness="none").examine(Scan.from_array(phantom(seed))).findings == ()


def test_what_was_seen_survives_the_way_through_a_plan() -> None:
    painted = paint(phantom(), [text_stamp("LT", (50, 50), FONT, 14, Ink())])
    seen = see_drawn(painted.image)
    plan = Plan(stage="any", params=json.loads(json.dumps(param_of(seen, (300, 400)))))
    again = drawn_of((plan,), (300, 400))
    assert isinstance(again, Drawn)
    for name in CLASSES:
        assert np.array_equal(again.masks[name], seen.masks[name])
        assert [piece.box for piece in again.pieces[name]] == [piece.box for piece in seen.pieces[name]]
    for line, before in zip(lines_of(again, (300, 400)), lines_of(seen, (300, 400)), strict=True):
        assert (line.box, line.number, line.pieces) == (before.box, before.number, before.pieces)
        assert line.score == pytest.approx(before.score, abs=1e-3)
    assert drawn_of((plan,), (300, 401)) is None


def test_findings_name_their_detectors() -> None:
    painted = paint(phantom(), [text_stamp("RT AXILLA", (50, 50), FONT, 16, Ink())])
    scan = Scan.from_array(painted.image)
    alone = [one for one in FindText(witness="none").examine(scan).findings if one.kind is Kind.TEXT]
    both = [one for one in FindText(witness="full").examine(scan).findings if one.kind is Kind.TEXT]
    assert [one.detector for one in alone] == ["segmenter"]
    assert [one.detector for one in both] == ["rapidocr+segmenter"]
    assert "AXILLA" in alone[0].text
    assert [one.detector for one in FindText().second_look().examine(scan).findings] == ["rapidocr"]


@pytest.mark.parametrize("mark", ["ring", "diamond", "cross"])
def test_marks_that_are_no_crosses_are_calipers(mark: str) -> None:
    stamps = caliper((90.0, 120.0), (190.0, 260.0), Ink(), mark=mark, line="dotted", size=14, width=2)  # type: ignore[arg-type]
    painted = paint(phantom(), stamps)
    plan = FindGraphics().examine(Scan.from_array(painted.image))
    found = [one for one in plan.findings if one.kind is Kind.CALIPER]
    assert found
    boxes = mask_of_boxes((300, 400), [one.box.grow(2).clip((300, 400)) for one in found if one.box])
    assert boxes[painted.mask()].mean() > 0.7


def test_missing_weights_are_an_engine_error(tmp_path: object) -> None:
    from pathlib import Path

    from bus_toolkit.errors import EngineError

    with pytest.raises(EngineError, match="install it again"):
        Segmenter(Path(str(tmp_path)) / "none.onnx").probabilities(phantom())
