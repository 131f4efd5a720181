"""Nothing that it stands on knows it, and importing it loads no Keras."""

import json
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "bus_toolkit"


def test_no_room_below_knows_it() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name != "apply":
            assert "bus_toolkit.apply" not in path.read_text("utf-8"), path.name


def test_importing_it_loads_no_keras() -> None:
    modules = ("cleaning", "explain", "export", "material", "predict", "terminal", "trained", "vouched")
    lines = [*(f"import bus_toolkit.apply.{name}" for name in modules), "import sys, json"]
    code = "\n".join([*lines, "print(json.dumps(sorted(sys.modules)))"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert not {"keras", "tensorflow", "torch", "jax"} & set(json.loads(done.stdout.splitlines()[-1]))
