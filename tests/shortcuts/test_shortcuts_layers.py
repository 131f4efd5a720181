"""Private books and uncleaned files are the matter of one module."""

import ast
from pathlib import Path

ROOM = Path(__file__).parents[2] / "bus_toolkit" / "shortcuts"
KNOWN = {"_version", "atomic", "errors", "evaluation", "manifest", "models", "pages", "shortcuts", "training"}


def test_only_one_module_knows_originals() -> None:
    for path in sorted(ROOM.glob("*.py")):
        rooms = {
            node.module.split(".")[1]
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bus_toolkit.")
        }
        allowed = KNOWN | ({"batch", "io"} if path.name == "originals.py" else set())
        assert rooms <= allowed, path.name
