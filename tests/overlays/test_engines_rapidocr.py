import socket
from typing import Any, Never

import cv2
import numpy as np
import pytest

from bus_toolkit.errors import ConfigError, EngineError
from bus_toolkit.geometry import Box
from bus_toolkit.overlays.engines import ENGINES, check_engine, load_engine, rapidocr
from bus_toolkit.overlays.engines.base import Reading, TextEngine
from bus_toolkit.overlays.engines.onnx_weights import flush_subnormals, open_session
from bus_toolkit.overlays.engines.rapidocr import RapidOcrEngine, decode, lines_of


@pytest.fixture(scope="module")
def engine() -> Any:
    return load_engine()


def picture(text: Any = "MARIA 42", level: Any = 220) -> Any:
    image = np.full((120, 260), 40, np.uint8)
    cv2.putText(image, text, (40, 70), cv2.FONT_HERSHEY_SIMPLEX, 0.7, level, 2)
    return image


def test_it_detects_and_reads_without_a_socket(engine: Any, monkeypatch: Any) -> None:
    def refuse(*_args: Any, **_kwargs: Any) -> Never:
        raise AssertionError

    monkeypatch.setattr(socket, "socket", refuse)
    image = picture()
    (seen,) = engine.detect(image)
    rows, cols = np.nonzero(image > 60)
    assert seen.box.row0 <= rows.min()
    assert seen.box.row1 > rows.max()
    assert seen.box.col0 <= cols.min()
    assert seen.box.col1 > cols.max()
    assert seen.box.area < 3 * (np.ptp(rows) + 1) * (np.ptp(cols) + 1)
    (reading,) = engine.recognise([image[seen.box.slices]])
    assert reading.text.replace(" ", "") == "MARIA42"
    assert 0.8 < reading.confidence <= 1


def test_boxes_are_in_pixels_of_the_picture_whatever_the_scale(engine: Any) -> None:
    ((once,), (twice,)) = (engine.detect(picture(), scale=scale) for scale in (1.0, 2.0))
    assert once.box.iou(twice.box) > 0.7


def test_readings_keep_the_order_of_the_crops_of_many_widths(engine: Any) -> None:
    words = ["1", "LT AXILLA", "RT", "2", "LEFT BREAST UPPER OUTER", "E9"]
    crops = []
    for word in words:
        (width, _), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 2)
        crop = np.full((44, width + 12, 3), 30, np.uint8)
        crops.append(cv2.putText(crop, word, (6, 34), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (230, 230, 40), 2))
    assert [reading.text.replace(" ", "") for reading in engine.recognise(crops)] == [w.replace(" ", "") for w in words]
    assert engine.recognise([]) == ()


def test_tiny_pictures_are_accepted(engine: Any) -> None:
    for shape in ((1, 1), (1, 1, 3), (2, 300)):
        assert engine.detect(np.zeros(shape, np.uint8)) == ()


def test_one_engine_is_made_in_a_process_and_fits_the_protocol(engine: Any) -> None:
    assert load_engine("rapidocr") is load_engine("rapidocr")
    assert isinstance(engine, TextEngine)
    assert check_engine("easyocr") in ENGINES
    with pytest.raises(ConfigError, match="rapidocr"):
        load_engine("tesseract")


def test_a_missing_model_is_an_error_that_names_the_file(tmp_path: Any) -> None:
    with pytest.raises(EngineError, match="PP-OCRv6_det_small"):
        RapidOcrEngine(folder=tmp_path).detect(np.zeros((40, 40), np.uint8))


def test_a_missing_package_is_told_before_anything_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rapidocr, "find_spec", lambda _name: None)
    with pytest.raises(EngineError, match="must be installed"):
        RapidOcrEngine()


def test_a_broken_model_is_an_error(tmp_path: Any) -> None:
    for name, content in (("cut.onnx", b"\x3a\xff\x01abc"), ("noise.onnx", bytes(range(1, 90))), ("empty.onnx", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(EngineError):
            open_session(tmp_path / name)


def message(number: Any, content: Any) -> Any:
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def test_subnormal_weights_become_zero_and_nothing_else_changes() -> None:
    weights = np.array([1.5, 1e-40, -1e-41, 0.0, -2e-38], "<f4")
    tensor = b"\x10\x01" + message(9, weights.tobytes())
    whole = b"\x10\x01" + message(7, message(5, tensor) + message(1, message(5, message(5, tensor))))
    changed, count = flush_subnormals(b"\x08\x08" + whole)
    flushed = np.array([1.5, 0, 0, 0.0, -2e-38], "<f4")
    assert count == 4
    assert len(changed) == len(whole) + 2
    assert changed == (b"\x08\x08" + whole).replace(weights.tobytes(), flushed.tobytes())


def test_integers_that_look_subnormal_are_left_alone() -> None:
    tensor = b"\x10\x07" + message(9, np.array([1, 2], "<i8").tobytes())
    model = message(7, message(5, tensor))
    assert flush_subnormals(model) == (model, 0)


def test_a_kernel_grows_back_to_its_line_and_weak_ones_are_dropped() -> None:
    probability = np.zeros((100, 200), np.float32)
    probability[40:46, 50:90] = 0.9
    probability[80:86, 50:90] = 0.4
    (seen,) = lines_of(probability, (50, 100))
    assert seen.score == pytest.approx(0.9)
    assert seen.box == Box(17, 22, 26, 48)


def test_a_kernel_at_the_edge_gives_a_box_inside() -> None:
    probability = np.zeros((40, 40), np.float32)
    probability[0:6, 0:40] = 1.0
    (seen,) = lines_of(probability, (40, 40))
    assert (seen.box.row0, seen.box.col0, seen.box.col1) == (0, 0, 40)


def test_decoding_folds_repeats_and_skips_nothings() -> None:
    steps = np.eye(4, dtype=np.float32)[[1, 1, 0, 1, 2, 2, 0]] * np.float32(0.8)
    assert decode(steps, ("", "a", "b", " ")) == Reading(text="aab", confidence=pytest.approx(0.8))
    assert decode(np.eye(4, dtype=np.float32)[[0, 0]], ("", "a", "b", " ")) == Reading(text="", confidence=0.0)
    assert "secret" not in repr(Reading(text="secret", confidence=1.0))
