import sys
import types
from importlib.machinery import ModuleSpec
from typing import Any, Never

import numpy as np
import pytest

from bus_toolkit.errors import EngineError
from bus_toolkit.geometry import Box
from bus_toolkit.overlays.engines.base import Reading, TextEngine
from bus_toolkit.overlays.engines.easyocr import WEIGHTS, EasyOcrEngine, default_folder


class Reader:
    made = ()

    def __init__(self, languages: Any, **options: Any) -> None:
        self.options = {"languages": languages, **options}
        Reader.made = (*Reader.made, self)

    def detect(self, image: Any, **options: Any) -> Any:
        assert image.shape == (80, 200, 3)
        assert options["canvas_size"] == 200
        assert options["min_size"] < 10
        slanted = [[20, 60], [60, 64], [58, 74], [18, 70]]
        return [[[10, 50, 20, 31]]], [[slanted]]

    def recognize(self, image: Any, *, horizontal_list: Any, free_list: Any, detail: Any) -> Any:
        assert image.ndim == 2
        assert horizontal_list == [[0, image.shape[1], 0, image.shape[0]]]
        assert (free_list, detail) == ([], 1)
        return [([], "LT 3", 0.75)] if image.any() else []


@pytest.fixture
def fake(monkeypatch: Any) -> None:
    module = types.ModuleType("easyocr")
    module.Reader = Reader
    module.__spec__ = ModuleSpec("easyocr", None)
    monkeypatch.setitem(sys.modules, "easyocr", module)
    Reader.made = ()


@pytest.fixture
def weights(tmp_path: Any) -> Any:
    for name in WEIGHTS:
        (tmp_path / name).write_bytes(b"weights")
    return tmp_path


def test_a_missing_package_is_an_error_that_says_how_to_get_it(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "easyocr", None)
    monkeypatch.setattr("bus_toolkit.overlays.engines.easyocr.find_spec", lambda _name: None)
    with pytest.raises(EngineError, match=r"bus-toolkit\[easyocr\]"):
        EasyOcrEngine()


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("there", [(), WEIGHTS[:1]])
def test_missing_weights_are_an_error_and_never_a_download(tmp_path: Any, there: Any) -> None:
    for name in there:
        (tmp_path / name).write_bytes(b"weights")
    with pytest.raises(EngineError, match=WEIGHTS[1]) as caught:
        EasyOcrEngine(folder=tmp_path)
    assert str(tmp_path) not in str(caught.value)
    assert Reader.made == ()


@pytest.mark.usefixtures("fake")
def test_allowing_a_download_is_an_act(tmp_path: Any) -> None:
    EasyOcrEngine(allow_download=True, folder=tmp_path).recognise([np.zeros((9, 9), np.uint8)])
    assert Reader.made[0].options["download_enabled"] is True


@pytest.mark.usefixtures("fake")
def test_boxes_come_back_in_pixels_of_the_picture(weights: Any) -> None:
    engine = EasyOcrEngine(folder=weights)
    boxes = [seen.box for seen in engine.detect(np.zeros((40, 100), np.uint8), scale=2.0)]
    assert boxes == [Box(10, 5, 16, 25), Box(30, 9, 37, 30)]
    assert isinstance(engine, TextEngine)


@pytest.mark.usefixtures("fake")
def test_readings_and_one_reader_without_download(weights: Any) -> None:
    engine = EasyOcrEngine(folder=weights)
    crops = [np.full((9, 30, 3), 200, np.uint8), np.zeros((9, 30), np.uint8)]
    assert engine.recognise(crops) == (Reading(text="LT 3", confidence=0.75), Reading(text="", confidence=0.0))
    (reader,) = Reader.made
    assert reader.options["download_enabled"] is False
    assert reader.options["gpu"] is False
    assert reader.options["languages"] == ["en"]


@pytest.mark.usefixtures("fake")
def test_a_package_that_does_not_load_is_an_error(weights: Any, monkeypatch: Any) -> None:
    def broken(*_args: Any, **_options: Any) -> Never:
        message = "secret"
        raise RuntimeError(message)

    monkeypatch.setattr(sys.modules["easyocr"], "Reader", broken)
    with pytest.raises(EngineError, match="RuntimeError") as caught:
        EasyOcrEngine(folder=weights).recognise([np.zeros((9, 9), np.uint8)])
    assert "secret" not in str(caught.value)


def test_weights_are_looked_for_where_easyocr_looks(monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path))
    assert default_folder() == tmp_path / "model"
    monkeypatch.delenv("EASYOCR_MODULE_PATH")
    monkeypatch.setenv("MODULE_PATH", str(tmp_path / "b"))
    assert default_folder() == tmp_path / "b" / "model"
    monkeypatch.delenv("MODULE_PATH")
    assert default_folder().parts[-2:] == (".EasyOCR", "model")
