"""Train a classifier on what cleaning wrote: splits, feed, augmentation, fit, and the folder of a run.

This room knows the manifest, the models and the report of a finished run, and never a cleaning room. Importing it loads
no Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bus_toolkit.training.recipe import Recipe
    from bus_toolkit.training.run import train
    from bus_toolkit.training.splits import Split, make_split, read_split, write_split

__all__ = ["Recipe", "Split", "make_split", "read_split", "train", "write_split"]

_HOMES = {
    "recipe": ("Recipe",),
    "run": ("train",),
    "splits": ("Split", "make_split", "read_split", "write_split"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401  it stands for every public name
    """Load a public name when it is first asked for (PEP 562)."""
    from importlib import import_module

    if name not in _HOME_OF:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
