"""Names of operating points, here as well so that help need not load what knows them; a test holds both alike."""

from __future__ import annotations

from typing import Final

POINTS: Final = ("specificity_95", "sensitivity_95")
