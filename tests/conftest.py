"""What holds for all tests."""

from pathlib import Path

import pytest

SLOW_FOLDERS = {"canary", "easyocr_real", "faults", "leaks", "synth"}
"""Suites of whole runs, of made scans, of a heavy engine, and of thousands of planted values: left out of the quick
subset."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).parts[0] in SLOW_FOLDERS:
            item.add_marker(pytest.mark.slow)
