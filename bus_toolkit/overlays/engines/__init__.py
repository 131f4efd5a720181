"""Text engines, one module each, behind the protocol in :mod:`bus_toolkit.overlays.engines.base`."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from bus_toolkit.errors import ConfigError

if TYPE_CHECKING:
    from bus_toolkit.overlays.engines.base import TextEngine

ENGINES = ("rapidocr", "easyocr")
"""Names that :func:`load_engine` takes; the first is the default."""


def check_engine(name: str) -> str:
    """Give ``name`` back when it is an engine's.

    Raises
    ------
    ConfigError
        When there is no engine of that name.
    """
    if name not in ENGINES:
        msg = f"an engine must be one of {', '.join(ENGINES)}. Got {name!r}"
        raise ConfigError(msg)
    return name


@lru_cache(maxsize=4)
def load_engine(name: str = "rapidocr", *, allow_download: bool = False) -> TextEngine:
    """The engine of that name, made once in a process; its models load when they are first used.

    Parameters
    ----------
    name
        One of :data:`ENGINES`.
    allow_download
        Whether an engine may fetch missing weights. ``rapidocr`` never does: its models are in its package.

    Raises
    ------
    ConfigError
        When there is no engine of that name.
    EngineError
        When its package or its weights are missing.
    """
    check_engine(name)
    if name == "rapidocr":
        from bus_toolkit.overlays.engines.rapidocr import RapidOcrEngine

        return RapidOcrEngine()
    from bus_toolkit.overlays.engines.easyocr import EasyOcrEngine

    return EasyOcrEngine(allow_download=allow_download)
