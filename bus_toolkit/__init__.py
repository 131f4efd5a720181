"""Make ultrasound scans safe to share and fit to learn from.

Importing this loads no neural network, no OCR engine and no Keras, and opens no socket: each name below loads what it
needs when it is first used.

>>> import bus_toolkit as bt
>>> scan = bt.read_scan("scan.png")  # doctest: +SKIP
>>> result = bt.build_pipeline(bt.load_policy("york"), anonymise=True).run(scan)  # doctest: +SKIP
>>> result.outcome  # doctest: +SKIP
<Outcome.KEPT: 'kept'>
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bus_toolkit._version import __version__

if TYPE_CHECKING:
    from bus_toolkit.batch import InspectOptions, Options, ingest, inspect
    from bus_toolkit.batch.pipelines import build_pipeline
    from bus_toolkit.fan import CropFan, FindFan
    from bus_toolkit.fill import Fill
    from bus_toolkit.io import read_scan, write_png
    from bus_toolkit.manifest import read_manifest
    from bus_toolkit.outcome import Outcome
    from bus_toolkit.overlays import FindGraphics, FindText
    from bus_toolkit.pipeline import Pipeline
    from bus_toolkit.policy import Policy, load_policy
    from bus_toolkit.scan import Scan
    from bus_toolkit.screen import Screen
    from bus_toolkit.stage import Finding, Kind, Plan, Stage

__all__ = [
    "CropFan",
    "Fill",
    "FindFan",
    "FindGraphics",
    "FindText",
    "Finding",
    "InspectOptions",
    "Kind",
    "Options",
    "Outcome",
    "Pipeline",
    "Plan",
    "Policy",
    "Scan",
    "Screen",
    "Stage",
    "__version__",
    "build_pipeline",
    "ingest",
    "inspect",
    "load_policy",
    "read_manifest",
    "read_scan",
    "write_png",
]

_HOMES = {
    "fan": ("CropFan", "FindFan"),
    "fill": ("Fill",),
    "batch": ("InspectOptions", "Options", "ingest", "inspect"),
    "batch.pipelines": ("build_pipeline",),
    "io": ("read_scan", "write_png"),
    "manifest": ("read_manifest",),
    "outcome": ("Outcome",),
    "overlays": ("FindGraphics", "FindText"),
    "pipeline": ("Pipeline",),
    "policy": ("Policy", "load_policy"),
    "scan": ("Scan",),
    "screen": ("Screen",),
    "stage": ("Finding", "Kind", "Plan", "Stage"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401  it stands for every public name
    """Load a public name from its room when it is first asked for (PEP 562)."""
    if name not in _HOME_OF:
        msg = f"module 'bus_toolkit' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"bus_toolkit.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
