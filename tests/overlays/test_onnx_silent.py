"""The runtime of the models keeps nothing and tells nobody anything."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import numpy as np
from bus_toolkit.overlays.drawn import see_drawn
from bus_toolkit.overlays.engines import load_engine
picture = np.zeros((64, 64), np.uint8)
see_drawn(picture)
load_engine().recognise([picture])
"""
"""Loads every model that cleaning uses."""
SWITCHES = ("CI", "ORT_", "XDG_")
"""What could turn telemetry off besides this toolkit, or move what it writes."""


def test_no_model_leaves_an_identifier_in_the_home_folder_or_a_file_anywhere_near(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(SWITCHES)}
    environment |= {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(  # noqa: S603 (our own script)
        command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*")) == []
