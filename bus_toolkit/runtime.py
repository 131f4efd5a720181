"""Load onnxruntime so that it tells nobody anything: the one way in which the toolkit loads it."""

from __future__ import annotations

import os
from typing import Any

NO_TELEMETRY = "ORT_DISABLE_TELEMETRY"


def load_onnxruntime() -> Any:  # noqa: ANN401 (onnxruntime ships no annotations)
    """The module onnxruntime, with its telemetry off.

    From 1.32 on its builds for Linux and macOS tell their maker over the network which models are run, under an
    identifier that they keep in the home folder, unless this variable is set before they are loaded. Where something
    else loaded it before, and on Windows, its own switch stops the events.
    """
    os.environ[NO_TELEMETRY] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime
