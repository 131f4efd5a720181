"""Cleaners whose result is known beforehand."""

from __future__ import annotations

import numpy as np

from bus_toolkit.batch.cleaner import Cleaned
from bus_toolkit.geometry import Box, Fan, Mask, Pixels
from bus_toolkit.io import Source
from bus_toolkit.outcome import Outcome, Reason
from bus_toolkit.scan import Scan
from bus_toolkit.synth import make_phantom


def fan_of(mask: Mask) -> Fan:
    return Fan(mask=mask, box=Box.whole(mask.shape), polygon=(), shape="full", background=(0,), score=1.0)


class Leaves:
    """Keeps every scan as it is."""

    def clean(self, scan: Scan, *, whole: bool) -> Cleaned:  # noqa: ARG002
        none = np.zeros(scan.shape, dtype=np.bool_)
        return Cleaned(outcome=Outcome.KEPT, scan=scan, erased=none, fan=fan_of(~none))


class Blanks:
    """Blanks every painted scan, and keeps the first that it sees, which is not painted, as it is."""

    def __init__(self) -> None:
        self.seen = 0

    def clean(self, scan: Scan, *, whole: bool) -> Cleaned:  # noqa: ARG002
        self.seen += 1
        erased = np.full(scan.shape, self.seen % 2 == 0)
        frames = np.zeros_like(scan.frames) if self.seen % 2 == 0 else scan.frames
        fan = fan_of(np.ones(scan.shape, dtype=np.bool_))
        return Cleaned(outcome=Outcome.KEPT, scan=scan.with_frames(frames), erased=erased, fan=fan)


class Withholds(Leaves):
    """Quarantines every painted scan."""

    def __init__(self) -> None:
        self.seen = 0

    def clean(self, scan: Scan, *, whole: bool) -> Cleaned:
        self.seen += 1
        if self.seen % 2:
            return super().clean(scan, whole=whole)
        return Cleaned(outcome=Outcome.QUARANTINED, reasons=(Reason(code="text-left", detail="text was found"),))


def reads_nothing(picture: Pixels) -> tuple[str, ...]:  # noqa: ARG001
    return ()


def source_of(seed: int = 3, rows: int = 320, cols: int = 420) -> Source:
    picture = make_phantom(np.random.default_rng(seed), rows=rows, cols=cols, fan="full").image
    return Source(media="png", scan=Scan.from_array(picture), dataset=None, sha256="")
