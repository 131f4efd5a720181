"""Keep what decoders say about a file away from terminals and logs: it can hold a header value, so a name."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TALKERS = ("pydicom", "PIL", "pylibjpeg", "openjpeg", "rle")
"""Loggers that put header values, tags or offsets into their messages."""


class _Gate:
    """One lock a process: filters of warnings belong to the process and must not be swapped by two threads at once."""

    def __init__(self) -> None:
        self.lock = threading.RLock()

    def renew(self) -> None:
        """A forked child must not inherit a lock that a thread of its parent holds."""
        self.lock = threading.RLock()


_GATE = _Gate()
os.register_at_fork(after_in_child=_GATE.renew)


@contextmanager
def quiet() -> Iterator[None]:
    """No warning and no log record of the decoders leaves this block; one thread at a time.

    Threads wait for each other here (worker processes do not), because Python's warning filters are shared by all
    threads of a process.
    """
    loggers = [logging.getLogger(name) for name in TALKERS]
    with _GATE.lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = [(logger.propagate, logger.disabled) for logger in loggers]
        for logger in loggers:
            logger.propagate = False
        try:
            yield
        finally:
            for logger, (propagate, _) in zip(loggers, before, strict=True):
                logger.propagate = propagate
