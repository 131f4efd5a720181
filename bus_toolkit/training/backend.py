"""What depends on the machine below Keras: repeatable numbers, 16-bit arithmetic, and errors of memory."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from bus_toolkit.errors import ConfigError, TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bus_toolkit.training.recipe import Recipe

_NO_MEMORY: Final = ("ResourceExhaustedError", "OutOfMemoryError", "MemoryError")
_NO_MEMORY_TEXT: Final = ("RESOURCE_EXHAUSTED", "out of memory", "Out of memory")
MIXED: Final = ("mixed_float16", "mixed_bfloat16")
"""Policies of Keras for 16 bits: on a GPU, and elsewhere."""
BACKENDS: Final = {"tensorflow": ("tensorflow", "tensorflow-cpu"), "jax": ("jax",), "torch": ("torch",)}
"""Distributions that a backend of Keras comes in."""


def require_packages(*names: str) -> None:
    """Say what to install when one of the packages (by the names that are imported) is missing.

    Raises
    ------
    ConfigError
        When it is.
    """
    if missing := [name for name in names if find_spec(name) is None]:
        msg = f"training must have its packages (pip install 'bus-toolkit[train]'). Got no {', '.join(missing)}"
        raise ConfigError(msg)


def make_repeatable(seed: int) -> None:
    """Make the same seed give the same numbers: seeds of Python, numpy and the backend, and ordered sums in TensorFlow.

    This holds for the process from then on. On a CPU two runs agree bit for bit; a GPU may have kernels that do not.
    """
    import keras

    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


@contextmanager
def precision(*, mixed: bool) -> Iterator[None]:
    """Layers that are built in the block compute in float16 (on a GPU) or bfloat16 (else) when ``mixed``."""
    import keras

    before = keras.config.dtype_policy()
    if mixed:
        keras.config.set_dtype_policy(MIXED[0] if _has_gpu() else MIXED[1])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _has_gpu() -> bool:
    import keras

    return bool(keras.distribution.list_devices("gpu"))


@contextmanager
def memory_errors(recipe: Recipe) -> Iterator[None]:
    """Turn what a backend says when it runs out of memory into one sentence.

    Raises
    ------
    TrainingError
        When memory ran out in the block. Other errors pass.
    """
    try:
        yield
    except Exception as error:
        text = str(error)
        if type(error).__name__ not in _NO_MEMORY and not any(words in text for words in _NO_MEMORY_TEXT):
            raise
        msg = (
            f"{recipe.arch} must fit into memory with batches of {recipe.batch_size} at {recipe.image_size} pixels (a "
            "smaller --batch-size or --image-size helps). Got no more memory"
        )
        raise TrainingError(msg) from None


def versions() -> dict[str, str]:
    """Versions of what can change a result, by distribution."""
    import platform

    import keras

    backend = keras.backend.backend()
    found = {"python": platform.python_version(), "backend": backend}
    for name in ("bus-toolkit", "keras", "numpy", "opencv-python-headless", *BACKENDS.get(backend, ())):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
