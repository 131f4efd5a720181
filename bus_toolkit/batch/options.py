"""What a run is asked to do, checked before anything is touched."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bus_toolkit.errors import ConfigError
from bus_toolkit.overlays.engines import check_engine
from bus_toolkit.policy import Policy, load_policy

if TYPE_CHECKING:
    from pathlib import Path


def available_cores() -> int:
    """The cores that this process may use, which a container often limits below what the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _resolved_source(src: Path) -> Path:
    if not src.exists():
        msg = "the source must be a folder or a file that exists. Got a path where there is nothing"
        raise ConfigError(msg)
    return _below_root(src, "source")


def _below_root(path: Path, what: str) -> Path:
    """The resolved path; the root of a file system has no name and no place beside it."""
    resolved = path.resolve()
    if not resolved.name:
        msg = f"the {what} must be a folder inside another. Got the root of the file system"
        raise ConfigError(msg)
    return resolved


def _check_common(engine: str, jobs: int, labels: Path | None) -> None:
    check_engine(engine)
    if jobs < 0:
        msg = f"jobs must be 0 (in this process) or more. Got {jobs}"
        raise ConfigError(msg)
    if labels is not None and not labels.is_file():
        msg = "labels must be a CSV file that exists. Got a path where there is none"
        raise ConfigError(msg)


def _within(inner: Path, outer: Path) -> bool:
    return inner == outer or outer in inner.parents


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One ingest.

    Attributes
    ----------
    src
        A folder, or one file.
    out
        Where the clean scans go; ``<src>-clean`` beside the source by default. What is private goes to
        ``<out>.private``.
    anonymise
        Pseudonymous file names, and everything outside the ultrasound sector becomes background.
    policy, labels, engine, allow_download
        What decides, an optional CSV of labels, the OCR engine, and whether it may fetch its weights.
    key
        A key file to use instead of the one in the private folder.
    jobs
        Worker processes; 0 works in this process.
    fresh
        Throw away what an earlier run left in ``out`` and start again.
    transfer_syntax
        How edited DICOM pixels are stored, a name of :func:`bus_toolkit.io.dicom_write.write_dicom`; None: as they came
        when they were uncompressed, else its default for compressed ones.

    Raises
    ------
    ConfigError
        When one of them is not what it must be, source and output lie inside one another, or the key in the output.
    """

    src: Path
    out: Path | None = None
    anonymise: bool = False
    policy: Policy = field(default_factory=load_policy)
    labels: Path | None = None
    engine: str = "rapidocr"
    allow_download: bool = False
    key: Path | None = None
    jobs: int = field(default_factory=available_cores)
    fresh: bool = False
    transfer_syntax: str | None = None

    def __post_init__(self) -> None:
        _check_common(self.engine, self.jobs, self.labels)
        src = _resolved_source(self.src)
        object.__setattr__(self, "src", src)
        default = src.with_name(f"{src.stem if src.is_file() else src.name}-clean")
        out = _below_root(self.out or default, "output")
        object.__setattr__(self, "out", out)
        if any(_within(a, b) for a, b in ((out, src), (src, out), (self.private, src), (src, self.private))):
            msg = "source and output must be apart, neither inside the other. Got one inside the other"
            raise ConfigError(msg)
        if self.key is not None and not self.key.is_file():
            msg = "key must be a key file that exists. Got a path where there is none"
            raise ConfigError(msg)
        if self.key is not None and _within(self.key.resolve(), out):
            msg = "the key must be outside the output, which may be given away. Got one inside"
            raise ConfigError(msg)

    @property
    def output(self) -> Path:
        """The folder that may be given away."""
        if self.out is None:
            msg = "an output folder must be known by now. Got none"
            raise ConfigError(msg)
        return self.out

    @property
    def private(self) -> Path:
        """The sibling folder that holds everything that could lead back to a person."""
        return self.output.with_name(f"{self.output.name}.private")


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectOptions:
    """One look at a folder that writes evidence and no pixels; fields as in :class:`Options`."""

    src: Path
    findings: Path
    policy: Policy = field(default_factory=load_policy)
    labels: Path | None = None
    engine: str = "rapidocr"
    allow_download: bool = False
    jobs: int = field(default_factory=available_cores)

    def __post_init__(self) -> None:
        _check_common(self.engine, self.jobs, self.labels)
        object.__setattr__(self, "src", _resolved_source(self.src))
        findings = self.findings.resolve()
        if findings.is_dir() or not findings.parent.is_dir():
            msg = "the findings file must be a file in a folder that exists. Got something else"
            raise ConfigError(msg)
        if _within(findings, self.src):
            msg = "the findings file must be outside the source, in which nothing is ever written. Got one inside"
            raise ConfigError(msg)
