"""New scans, cleaned in memory as those that a run learned from, and brought to the square that its models take."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, cast, final

from bus_toolkit.apply.material import anonymised
from bus_toolkit.batch.cleaner import IngestCleaner
from bus_toolkit.batch.pipelines import build_pipeline
from bus_toolkit.batch.pool import Pool
from bus_toolkit.deidentify import Identifiers
from bus_toolkit.errors import ConfigError
from bus_toolkit.fan import CropFan
from bus_toolkit.io import discover, read
from bus_toolkit.io.write import encode_png
from bus_toolkit.outcome import Outcome, Reason
from bus_toolkit.overlays.engines import load_engine
from bus_toolkit.pipeline import failure
from bus_toolkit.policy import DEFAULT_POLICY, load_policy, shipped_policies
from bus_toolkit.training.data import UNLABELLED
from bus_toolkit.training.pictures import decode, fit_square

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bus_toolkit.batch.cleaner import Cleaned
    from bus_toolkit.evaluation.runs import Run
    from bus_toolkit.geometry import Pixels
    from bus_toolkit.io import Item, Source
    from bus_toolkit.policy import Policy
    from bus_toolkit.scan import Scan
    from bus_toolkit.training.pictures import Grey

ENGINE: Final = "rapidocr"


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What came of one input.

    Attributes
    ----------
    id
        Its number in the order of names, or its id in a manifest.
    file
        Its name. Private.
    label
        As its folder or the manifest says; empty when neither does.
    outcome, reasons
        As cleaning ended.
    square
        ``(size, size)`` uint8, what a model is asked about; None when it is not to be asked.
    """

    id: str
    file: str = field(repr=False)
    label: str = ""
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    square: Grey | None = field(default=None, repr=False)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How scans are cleaned and brought to size; sent to each worker process.

    ``rejected_too`` takes a picture even of a scan that cleaning holds back.
    """

    policy: Policy
    size: int
    fit: str
    anonymise: bool = True
    rejected_too: bool = False


def policy_for(run: Run, named: str = "") -> tuple[Policy, bool]:
    """The policy to clean new scans under, and whether it is that of the scans that the run learned from.

    Parameters
    ----------
    run
        Its config has the hash of its policy.
    named
        The name of a shipped policy, or a TOML file; empty: the shipped one that has this hash, and york for a run
        that tells none.

    Raises
    ------
    ConfigError
        When none is named and no shipped one has the hash, or the policy writes no pictures.
    """
    known = str(run.config.get("policy_hash") or "")
    if named:
        policy = load_policy(named)
    elif not known:
        policy = load_policy(DEFAULT_POLICY)
    else:
        found = [one for one in map(load_policy, shipped_policies()) if one.hash == known]
        if not found:
            msg = (
                "--policy must name the policy that the run's scans were cleaned under, for it is none of those that "
                f"are shipped ({', '.join(shipped_policies())}). Got none"
            )
            raise ConfigError(msg)
        policy = found[0]
    if not policy.output.pictures:
        msg = "the policy must be one that writes pictures, for models are asked about cleaned ones. Got another"
        raise ConfigError(msg)
    return policy, policy.hash == known


def was_anonymised(run: Run) -> bool:
    """Whether the run learned from anonymised scans (all outside the sector blanked), as far as its manifest tells.

    True when the manifest is not to be had.
    """
    return anonymised(run) is not False


def found_scans(paths: Sequence[Path]) -> list[Item]:
    """The scans in files and folders, each once, in the order given and by name within.

    Raises
    ------
    ConfigError
        When a path leads to nothing, or there is no scan in any.
    """
    items = {item.path.resolve(): item for path in paths for item in discover(path).items}
    if not items:
        msg = "there must be a scan (DICOM, PNG, JPEG, TIFF, BMP) to be looked at. Got none"
        raise ConfigError(msg)
    return list(items.values())


def clean_scans(
    items: Sequence[Item], way: Way, *, jobs: int = 0, tell: Callable[[int, int], None] | None = None
) -> list[Seen]:
    """Clean scans, in this process or in ``jobs`` others; what came of each, in their order.

    Nothing is written, and nothing about a single scan is raised.

    Raises
    ------
    EngineError
        When the OCR engine is not installed.
    """
    load_engine(ENGINE, allow_download=False)
    width = max(4, len(str(len(items))))
    tasks = [(str(number).zfill(width), item) for number, item in enumerate(items, start=1)]
    pool = Pool[tuple[str, "Item"], Seen](work=_work, start=_start, start_args=(way,), lost=_lost, jobs=jobs)
    done: dict[str, Seen] = {}
    for seen in pool.run(tasks):
        done[seen.id] = seen
        if tell is not None:
            tell(len(done), len(tasks))
    return [done[number] for number, _ in tasks]


@final
class _Desk:
    """What one process needs to clean scans."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.cleaner = IngestCleaner(way.policy, anonymise=way.anonymise, engine=ENGINE)
        fan = way.policy.fan
        self.crop = CropFan(anonymise=way.anonymise, crop=fan.crop, margin=fan.margin)

    def see(self, number: str, item: Item) -> Seen:
        label = "" if item.label == UNLABELLED else item.label
        seen = Seen(id=number, file=item.file, label=label, outcome=Outcome.FAILED)
        try:
            source = _read(item)
            cleaned = self.cleaner.clean(
                source.scan, whole=source.clip is not None, identifiers=self._identifiers(source, item)
            )
            picture = self._picture(source, cleaned)
            square = None if picture is None else self._square(picture)
        except Exception as error:  # noqa: BLE001  one scan's trouble must not end the run
            verdict = failure(error)
            return replace(seen, outcome=verdict.outcome, reasons=verdict.reasons)
        return replace(seen, outcome=cleaned.outcome, reasons=cleaned.reasons, square=square)

    def _identifiers(self, source: Source, item: Item) -> Identifiers:
        """What must not be read in a picture: as an ingest gathers it."""
        names = PurePosixPath(item.file).parts if self.way.anonymise else ()
        texts = Identifiers.of_texts(source.texts, names=names)
        if source.dataset is None:
            return texts
        return Identifiers.of(source.dataset, profile=self.way.policy.deidentify).merged([texts])

    def _picture(self, source: Source, cleaned: Cleaned) -> Pixels | None:
        if cleaned.scan is None:
            return self._held_back(source) if self.way.rejected_too else None
        if source.clip is None:
            return _frame(cleaned.scan, source)
        return _frame(self._cut(cleaned.scan, cleaned), source)

    def _cut(self, scan: Scan, cleaned: Cleaned) -> Scan:
        """As an ingest makes the picture of a DICOM file, whose geometry it keeps."""
        return self.crop.apply(scan, self.crop.examine(scan, cleaned.plans))

    def _held_back(self, source: Source) -> Pixels:
        """The picture of a scan that cleaning holds back: edited as far as can be, else as it came."""
        policy = self.way.policy
        lenient = replace(
            policy,
            verdict=replace(policy.verdict, reject=(), quarantine=()),
            fill=replace(policy.fill, max_fraction=1.0),
        )
        result = build_pipeline(lenient, anonymise=self.way.anonymise, engine=ENGINE).run(source.scan)
        return _frame(result.scan or source.scan, source)

    def _square(self, picture: Pixels) -> Grey:
        # Through PNG, as it would be read in training: the same bytes, and the same rounding of colour to grey.
        return fit_square(decode(encode_png(picture)), self.way.size, self.way.fit)


def _read(item: Item) -> Source:
    if item.skip is not None:
        raise item.skip
    return read(item.path)


def _frame(scan: Scan, source: Source) -> Pixels:
    return cast("Pixels", scan.frames[source.middle])


_desk: _Desk | None = None


def _start(way: Way) -> None:
    global _desk  # noqa: PLW0603  a process pool has no other place for what a process keeps
    _desk = _Desk(way)


def _work(task: tuple[str, Item]) -> Seen:
    if _desk is None:
        msg = "a worker must be started before it works"
        raise RuntimeError(msg)
    return _desk.see(*task)


def _lost(task: tuple[str, Item]) -> Seen:
    reason = Reason(code="worker-died", detail="the process that worked on it died, twice")
    return Seen(id=task[0], file=task[1].file, outcome=Outcome.FAILED, reasons=(reason,))
