"""What a self-test is asked to do, checked before anything is touched."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003  the fields of a dataclass are read at run time by some tools

from bus_toolkit.batch.options import available_cores
from bus_toolkit.errors import ConfigError
from bus_toolkit.overlays.engines import check_engine
from bus_toolkit.policy import Policy, load_policy

MOST_STRINGS = 12
"""More would cover the tissue, and the pipeline quarantines a scan of which too much is covered."""


def _inside(inner: Path, outer: Path) -> bool:
    return inner == outer or outer in inner.parents


@dataclass(frozen=True, slots=True, kw_only=True)
class SelftestOptions:
    """One self-test.

    Attributes
    ----------
    src
        A folder of scans, or one scan. Only read.
    out
        Where the report goes; ``<src>-selftest.private`` beside the source by default. It shows pieces of the scans.
    scans
        How many scans are drawn from the source, at least 1; all of them when it holds fewer.
    strings
        How many strings are painted over each, 1 to 12.
    seed
        0 or more. The same seed paints the same strings over the same scans.
    policy, engine, allow_download
        As for an ingest; the policy must write pictures.
    jobs
        Worker processes; 0 works in this process.

    Raises
    ------
    ConfigError
        When one of them is not what it must be, or source and report lie inside one another.
    """

    src: Path
    out: Path | None = None
    scans: int = 60
    strings: int = 3
    seed: int = 0
    policy: Policy = field(default_factory=load_policy)
    engine: str = "rapidocr"
    allow_download: bool = False
    jobs: int = field(default_factory=available_cores)

    def __post_init__(self) -> None:
        check_engine(self.engine)
        for name, least in (("scans", 1), ("strings", 1), ("seed", 0), ("jobs", 0)):
            if getattr(self, name) < least:
                msg = f"{name} must be {least} or more. Got {getattr(self, name)}"
                raise ConfigError(msg)
        if self.strings > MOST_STRINGS:
            msg = f"strings must be at most {MOST_STRINGS} a scan. Got {self.strings}"
            raise ConfigError(msg)
        if not self.policy.output.pictures:
            msg = "the policy must write pictures, or nothing is cleaned. Got one that only reports"
            raise ConfigError(msg)
        self._check_places()

    def _check_places(self) -> None:
        if not self.src.exists():
            msg = "the source must be a folder or a file that exists. Got a path where there is nothing"
            raise ConfigError(msg)
        src = self.src.resolve()
        if not src.name:
            msg = "the source must be a folder inside another. Got the root of the file system"
            raise ConfigError(msg)
        default = src.with_name(f"{src.stem if src.is_file() else src.name}-selftest.private")
        out = (self.out or default).resolve()
        if _inside(out, src) or _inside(src, out):
            msg = "source and report must be apart, neither inside the other. Got one inside the other"
            raise ConfigError(msg)
        object.__setattr__(self, "src", src)
        object.__setattr__(self, "out", out)

    @property
    def folder(self) -> Path:
        """Where the report goes."""
        if self.out is None:
            msg = "a folder for the report must be known by now. Got none"
            raise ConfigError(msg)
        return self.out
