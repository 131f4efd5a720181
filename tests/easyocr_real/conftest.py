"""EasyOCR for real: its package and its weights, as ``make test-easyocr`` installs them. Skipped where they are not."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from bus_toolkit.overlays.engines import load_engine
from bus_toolkit.overlays.engines.easyocr import EasyOcrEngine
from bus_toolkit.synth import Font, Ink, Painted, make_phantom, paint, text_stamp

MISSING = [name for name in ("easyocr", "easyocr_en_models") if find_spec(name) is None]
REASON = "EasyOCR and its weights are not installed here; `make test-easyocr` runs this in an environment of its own"
CLOSED = """
import socket, sys

def closed(*_args, **_options):
    raise OSError("this test has no network")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = closed
"""
"""Run in front of a script: whatever would open a connection fails."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and MISSING:
            item.add_marker(pytest.mark.skip(reason=REASON))


@pytest.fixture(scope="session")
def weights() -> Path:
    spec = find_spec("easyocr_en_models")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "models"


@pytest.fixture(scope="session")
def engine(weights: Path) -> EasyOcrEngine:
    """One for all tests: loading takes seconds."""
    return EasyOcrEngine(folder=weights)


@pytest.fixture
def home(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home folder, and ``$EASYOCR_MODULE_PATH`` beside it, with the weights in ``model``."""
    home, root = tmp_path / "home", tmp_path / "easyocr"
    home.mkdir()
    root.mkdir()
    (root / "model").symlink_to(weights, target_is_directory=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(root))
    load_engine.cache_clear()
    yield home
    load_engine.cache_clear()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script in a process without a network."""

    def runner(script: str, *argv: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "script.py"
        # Workers of a pool import the script again: only the first process may act.
        body = "".join(f"    {line}\n" for line in script.strip().splitlines())
        file.write_text(f"{CLOSED}\nif __name__ == '__main__':\n{body}", "utf-8")
        command = [sys.executable, str(file), *argv]
        return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (our own script)

    return runner


def painted(*words: tuple[str, tuple[int, int]], height: int = 16, seed: int = 5) -> Painted:
    """A phantom with words on it, each with its top left corner at a place."""
    picture = make_phantom(np.random.default_rng(seed), rows=240, cols=320, fan="full", lesion="benign").image
    return paint(picture, [text_stamp(word, at, Font("bundled"), height, Ink()) for word, at in words])
