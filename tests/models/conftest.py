from typing import Any

import numpy as np
import pytest

from bus_toolkit import models

CLASSES = ("benign", "malignant", "normal")
SIDE = 48


@pytest.fixture(scope="session")
def tiny() -> Any:
    return models.build_model("tinycnn", classes=CLASSES, image_size=SIDE)


@pytest.fixture(scope="session")
def scans() -> Any:
    return np.random.default_rng(0).integers(0, 256, (12, SIDE, SIDE, 1)).astype(np.uint8)
