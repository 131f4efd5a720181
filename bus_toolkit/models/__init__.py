"""The networks that are trained on clean scans: a table of them, building, weights, freezing, explaining, export.

Importing this package loads no Keras. Every model takes raw uint8 grey scans and does its preprocessing itself.
"""

from bus_toolkit.models.architectures import ARCHITECTURES, NAMES, Architecture, architecture
from bus_toolkit.models.build import build_model
from bus_toolkit.models.explain import grad_cam, overlay
from bus_toolkit.models.export import export
from bus_toolkit.models.facts import Facts, facts_of, read_facts, set_facts
from bus_toolkit.models.freezing import pooled_part, set_trainable, split_model
from bus_toolkit.models.parity import Exported, Parity, compare
from bus_toolkit.models.store import load_model, save_model

__all__ = [
    "ARCHITECTURES",
    "NAMES",
    "Architecture",
    "Exported",
    "Facts",
    "Parity",
    "architecture",
    "build_model",
    "compare",
    "export",
    "facts_of",
    "grad_cam",
    "load_model",
    "overlay",
    "pooled_part",
    "read_facts",
    "save_model",
    "set_facts",
    "set_trainable",
    "split_model",
]
