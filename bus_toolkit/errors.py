"""The errors that bus_toolkit raises on purpose.

No message may hold a header value, recognised text or a source path: each of them can be a person's name.
"""

from __future__ import annotations


class BusToolkitError(Exception):
    """Base of every error that the toolkit raises on purpose."""


class ConfigError(BusToolkitError, ValueError):
    """A parameter, policy or option is not what it must be."""


class InputError(BusToolkitError):
    """One input cannot be used; the run goes on with the others.

    Parameters
    ----------
    code
        Short stable slug for tables and tests, such as ``"truncated"``.
    message
        One plain sentence without anything private.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str]]:
        """Pickle with both parts, so that the code survives a worker process."""
        return type(self), (self.code, str(self))


class EngineError(BusToolkitError):
    """A detector is missing or cannot run. The scan is quarantined, never passed."""


class OutputError(BusToolkitError):
    """The output folder cannot be used as asked (other policy or key, not writeable)."""


class TrainingError(BusToolkitError):
    """A training cannot go on: its loss is no number any more, or there is not enough memory."""
