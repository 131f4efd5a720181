"""Libraries below Python tell on standard error what nobody asked; what this project says there still comes through."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

STDERR: Final = 2
"""The file descriptor."""


@contextmanager
def hushed(*, unless: bool = False) -> Iterator[None]:
    """Within, what is written past Python to the descriptor of standard error is lost; ``sys.stderr`` still works.

    TensorFlow and its converters write there from C++, before any log level counts.

    Parameters
    ----------
    unless
        Change nothing: for ``--debug``, when every word may help.
    """
    if unless:
        yield
        return
    sys.stderr.flush()
    kept, nowhere = os.dup(STDERR), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STDERR)
    os.close(nowhere)
    ours = sys.stderr
    # Somebody may have put another stream in its place, which then is none of our business.
    replaced = ours is sys.__stderr__
    if replaced:
        sys.stderr = os.fdopen(os.dup(kept), "w", encoding=ours.encoding, errors=ours.errors, buffering=1)
    try:
        yield
    finally:
        if replaced:
            sys.stderr.close()
            sys.stderr = ours
        os.dup2(kept, STDERR)
        os.close(kept)
