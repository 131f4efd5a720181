import ast
import configparser
import json
import subprocess
import sys
from pathlib import Path

import pytest

import bus_toolkit

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "bus_toolkit"


@pytest.mark.parametrize("name", bus_toolkit.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(bus_toolkit, name) is not None
    assert name in dir(bus_toolkit)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = bus_toolkit.nothing  # type: ignore[attr-defined]


def _modules_after(code: str) -> set[str]:
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    return set(json.loads(done.stdout.splitlines()[-1]))


HELP = """
import contextlib
from bus_toolkit.cli.clean import main
with contextlib.suppress(SystemExit):
    main(["ingest", "--help"])
"""
HEAVY = {"cv2", "numpy", "onnxruntime", "pydicom", "rapidocr", "keras", "tensorflow", "torch", "PIL", "rich", "socket"}


@pytest.mark.parametrize(
    "code",
    ["import bus_toolkit", HELP],
)
def test_import_and_help_stay_light(code: str) -> None:
    assert _modules_after(code) & HEAVY == set()


def test_the_package_list_is_the_tree() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    tree = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    assert listed == tree | {"bus_toolkit.cli"}


def _imports(path: Path) -> set[str]:
    """Rooms of bus_toolkit that a module imports, at any depth of its code."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("bus_toolkit.")}
    return rooms


ROOMS = {"audit", "deidentify", "fan", "fill", "io", "overlays", "screen", "synth"}
FLOOR = {"_version", "atomic", "errors", "geometry", "outcome", "record", "runtime", "scan", "stage", "manifest"}
"""Modules; and ``annotation``, the one room that they may know, for it knows nothing but them."""
ALLOWED_BETWEEN_ROOMS = {("io", "deidentify"), ("deidentify", "io")}


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_rooms_do_not_know_each_other(room: str) -> None:
    for path in (PACKAGE / room).rglob("*.py"):
        for other in _imports(path) & (ROOMS - {room}):
            assert (room, other) in ALLOWED_BETWEEN_ROOMS, f"{path.relative_to(ROOT)} imports {other}"


def test_the_floor_stands_on_itself() -> None:
    for name in FLOOR:
        assert _imports(PACKAGE / f"{name}.py") <= FLOOR | {"annotation"}
    for path in (PACKAGE / "annotation").rglob("*.py"):
        assert _imports(path) <= {"annotation", "geometry", "stage"}, path.name


def test_datasets_stay_in_two_rooms() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name not in {"io", "deidentify"}:
            assert "pydicom" not in path.read_text("utf-8").replace('"pydicom"', ""), path.name


def test_onnxruntime_is_loaded_in_one_place() -> None:
    """There its telemetry is turned off."""
    loaders = [path.name for path in PACKAGE.rglob("*.py") if "    import onnxruntime" in path.read_text("utf-8")]
    assert loaders == ["runtime.py"]
