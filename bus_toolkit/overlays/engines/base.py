"""What every text engine can do. The rest of the toolkit knows an engine by this protocol alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bus_toolkit.geometry import Box, Pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One place that looks like text.

    ``box`` is in pixels of the picture that was given. ``score`` is 0 to 1, the engine's own mean probability that
    the pixels of the line are text.
    """

    box: Box
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one crop says. ``confidence`` is the mean probability of the characters, 0 to 1; 0 when none was read.

    ``text`` is private: it is never in a repr.
    """

    text: str = field(repr=False)
    confidence: float


@runtime_checkable
class TextEngine(Protocol):
    """Finds and reads text. Holds its models; one object serves one process and one thread."""

    @property
    def name(self) -> str:
        """The name that findings carry as their detector."""
        ...

    def detect(self, image: Pixels, *, scale: float = 1.0) -> tuple[Detection, ...]:
        """Find lines of text.

        Parameters
        ----------
        image
            ``(rows, cols)`` grey or ``(rows, cols, 3)`` RGB, uint8, any size from 1x1.
        scale
            The picture is looked at this much larger; boxes come back in pixels of ``image``, inside it.
        """
        ...

    def recognise(self, crops: Sequence[Pixels]) -> tuple[Reading, ...]:
        """Read each crop (grey or RGB, uint8, one line of text) and give the readings in the same order."""
        ...
