"""Models on disk: written whole or not at all, loaded with the layers they need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bus_toolkit.atomic import atomic_write_bytes
from bus_toolkit.models.facts import facts_of, read_facts

if TYPE_CHECKING:
    from pathlib import Path


def save_model(model: Any, path: Path) -> None:  # noqa: ANN401 (Keras ships no annotations)
    """Write a model that :func:`bus_toolkit.models.build_model` made as a ``.keras`` file.

    Raises
    ------
    ConfigError
        When the model carries no facts.
    """
    import tempfile
    from pathlib import Path

    facts_of(model)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "model.keras"
        model.save(made)
        atomic_write_bytes(path, made.read_bytes())


def load_model(path: Path, *, compile: bool = False) -> Any:  # noqa: A002, ANN401 - Keras' own name for it
    """A model from a ``.keras`` file: uint8 ``(n, size, size, 1)`` to float32 probabilities ``(n, classes)``.

    Nothing in the file is run as code: Keras' safe mode is on.

    Raises
    ------
    InputError
        ``not-a-model`` when the file is not one that :func:`save_model` wrote.
    """
    import keras

    from bus_toolkit.models import layers as _registered  # noqa: F401 - registers the layers

    read_facts(path)
    return keras.saving.load_model(path, compile=compile, safe_mode=True)
