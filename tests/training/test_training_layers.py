"""Training knows the manifest, the models and the errors; never a room that cleans."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "bus_toolkit" / "training").glob("*.py"))
KNOWN = {"training", "models", "manifest", "outcome", "errors", "atomic", "_version"}


def rooms(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("bus_toolkit.")}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_training_knows_no_cleaning_room(module: Path) -> None:
    assert rooms(module) <= KNOWN
