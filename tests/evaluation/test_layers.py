"""Evaluation works on arrays: it knows the manifest and the floor, loads nothing heavy, and no cleaning room."""

import ast
import json
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "bus_toolkit"
MAY_KNOW = {"_version", "atomic", "errors", "evaluation", "manifest", "outcome", "pages"}
HEAVY = {"keras", "tensorflow", "torch", "jax", "matplotlib", "sklearn", "scipy", "cv2", "PIL", "rich", "jinja2"}
LOOK = "import sys, json\n{}\nprint(json.dumps(sorted(sys.modules)))"
HELP = """
import contextlib
from bus_toolkit.cli.evaluate import main
for command in ("score", "compare", "table", "ensemble", "predict", "explain", "export", "shortcuts"):
    with contextlib.suppress(SystemExit):
        main([command, "--help"])
"""


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bus_toolkit"):
            parts = (node.module or "").split(".")
            rooms |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            rooms |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("bus_toolkit.")}
    return rooms


def test_it_knows_no_other_room() -> None:
    files = sorted((PACKAGE / "evaluation").rglob("*.py"))
    assert len(files) > 10
    for path in files:
        assert imported_rooms(path) <= MAY_KNOW, path.name


def test_pages_stand_on_the_floor() -> None:
    assert imported_rooms(PACKAGE / "pages.py") == {"atomic"}


def loaded(code: str) -> set[str]:
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", LOOK.format(code)], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


def test_importing_it_loads_nothing_heavy() -> None:
    assert loaded("import bus_toolkit.evaluation") & HEAVY == set()
    modules = ("summary", "compare", "ensemble", "table", "card", "runs", "plots", "svg", "pictures")
    assert loaded("\n".join(f"import bus_toolkit.evaluation.{name}" for name in modules)) & HEAVY == set()


def test_help_loads_nothing_heavy_at_all() -> None:
    assert loaded(HELP) & (HEAVY | {"numpy"}) == set()
