"""The check of a finished folder before it is given away, from locking the books to the certificate."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, final

from bus_toolkit.audit.certificate import JSON_NAME, PAGE_NAME, write_certificate
from bus_toolkit.audit.report import write_report
from bus_toolkit.audit.review import write_review
from bus_toolkit.audit.run import run_summary, write_run
from bus_toolkit.batch.books import TEXTS, file_digest, profile_of, recall, remember
from bus_toolkit.batch.finish import group_names
from bus_toolkit.batch.folders import CERTIFICATE, remove_certificate, withdraw
from bus_toolkit.batch.keys import keys_in
from bus_toolkit.batch.lookup import books_of
from bus_toolkit.batch.own_words import own_words
from bus_toolkit.batch.pool import Pool
from bus_toolkit.batch.runner import silent
from bus_toolkit.batch.vouch import reason_of
from bus_toolkit.deidentify import Identifiers
from bus_toolkit.errors import ConfigError, InputError, OutputError
from bus_toolkit.manifest import Row, read_manifest, row_of, write_manifest
from bus_toolkit.outcome import Outcome
from bus_toolkit.record import Record
from bus_toolkit.verify import Leak, check_text_file
from bus_toolkit.verify.certificate import certificate, sealed
from bus_toolkit.verify.folder import (
    BYTES,
    DIGESTS,
    PLACES,
    Checked,
    FileTask,
    Find,
    check_file,
    check_places,
    check_texts,
)
from bus_toolkit.verify.folder import TEXTS as TEXT_CHECK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from bus_toolkit.audit.ledger import Ledger
    from bus_toolkit.batch.runner import Progress
    from bus_toolkit.deidentify import Key
    from bus_toolkit.overlays import FindText
    from bus_toolkit.profile import Profile


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """One check of a finished folder.

    Attributes
    ----------
    out
        The folder.
    against
        Its private folder; the sibling ``<out>.private`` by default, when there is one.
    key
        A key file that the runs were given, when there was one.
    pixels
        Whether pixels are looked at.
    jobs
        Worker processes; 0 works in this process.

    Raises
    ------
    ConfigError
        When a folder is not there or ``jobs`` is negative.
    """

    out: Path
    against: Path | None = None
    key: Path | None = None
    pixels: bool = True
    jobs: int = 0

    def __post_init__(self) -> None:
        if not self.out.is_dir():
            msg = "the folder to verify must be one that exists. Got a path where there is none"
            raise ConfigError(msg)
        if self.against is not None and not self.against.is_dir():
            msg = "the private folder must be one that exists. Got a path where there is none"
            raise ConfigError(msg)
        if self.jobs < 0:
            msg = f"jobs must be 0 (in this process) or more. Got {self.jobs}"
            raise ConfigError(msg)

    @property
    def folder(self) -> Path:
        """The folder, resolved."""
        return self.out.resolve()

    @property
    def private(self) -> Path | None:
        """The private folder that is at hand, or None."""
        if self.against is not None:
            return self.against.resolve()
        sibling = self.folder.with_name(f"{self.folder.name}.private")
        return sibling if (sibling / "ledger.sqlite").is_file() else None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What came of it. ``withdrawn`` files were moved to the private folder."""

    certificate: Mapping[str, Any] = field(repr=False)
    finds: tuple[Find, ...]
    withdrawn: int

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.finds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folder:
    """What is known of the folder, from the private books or, without them, from itself."""

    summary: dict[str, Any]
    digests: dict[str, str]
    rows: list[Row]
    identifiers: dict[str, Identifiers] | None = None
    ledger: Ledger | None = None
    key: Key | None = None
    private: Path | None = None


def verify(options: VerifyOptions, *, progress: Progress = silent) -> Verification:
    """Check a finished folder, take out what does not pass, and write a certificate into it.

    With the private folder at hand, what does not pass is moved to ``withdrawn/`` there, the scan is quarantined, and
    manifest, run summary and report are written anew. Without it nothing but the certificate is touched.

    Raises
    ------
    ConfigError, OutputError
        When the folder was not made with ``--anonymise``, or is no finished output; the private folder is of another
        output or in use by a run; a key is missing.
    """
    out, private = options.folder, options.private
    with ExitStack() as held:
        if private is None:
            known = _from_folder(out)
        else:
            known = _from_books(held.enter_context(books_of(private)), private, options.key)
        profile = profile_of(known.summary)
        remove_certificate(out)
        finds, counts = _check(out, known, options, profile, progress)
        moved = _take_out(out, known, finds) if finds else 0
        summary = _describe_anew(out, known) if finds else known.summary
        written = certificate(
            summary,
            files=counts,
            found=Counter(find.check for find in finds),
            digests={name: file_digest(out / name) for name in TEXTS if (out / name).is_file()},
            books=known.identifiers is not None,
            pixels=options.pixels,
            when=datetime.now(UTC),
            withdrawn=moved,
        )
        written = sealed(written, known.key) if known.key is not None else written
        write_certificate(out, written)
        _search_certificate(out, known)
    return Verification(certificate=written, finds=tuple(finds), withdrawn=moved)


def _from_folder(out: Path) -> _Folder:
    """Without the books: the folder's own word, which is all there is."""
    try:
        summary = json.loads((out / "run.json").read_text("utf-8"))
        rows = read_manifest(out / "manifest.csv")
    except (OSError, ValueError, InputError):
        msg = "the folder must be a finished output of bus-clean ingest, with manifest.csv and run.json. Got another"
        raise OutputError(msg) from None
    if not isinstance(summary, dict) or summary.get("anonymised") is not True or not all(r.anonymised for r in rows):
        raise _not_anonymised()
    return _Folder(summary=summary, digests=dict.fromkeys(TEXTS, ""), rows=rows)


def _from_books(ledger: Ledger, private: Path, key_path: Path | None) -> _Folder:
    if ledger.meta("--anonymise setting") != "True":
        raise _not_anonymised()
    summary, digests = recall(ledger)
    fingerprint = ledger.meta("key")
    key = next((key for key in keys_in(private, key_path) if key.fingerprint == fingerprint), None)
    if key is None:
        msg = "the key must be the one that the output was made with. Got another"
        raise OutputError(msg)
    groups = group_names(ledger, key)
    identifiers, rows = {}, []
    for record in ledger.records():
        rows.append(row_of(record, anonymised=True, group=groups.get(record.id, "")))
        known = record.identity.get("identifiers")
        identifiers[record.id] = Identifiers.from_json(known) if known else Identifiers()
    return _Folder(
        summary=summary, digests=digests, rows=rows, identifiers=identifiers, ledger=ledger, key=key, private=private
    )


def _not_anonymised() -> OutputError:
    msg = "the folder must be one that was made with --anonymise. Got one that was not: nobody can vouch for it"
    return OutputError(msg)


def _check(
    out: Path, known: _Folder, options: VerifyOptions, profile: Profile, progress: Progress
) -> tuple[list[Find], Counter[str]]:
    """Everything that did not pass, and on how many files each check was done."""
    named = {name: row.id for row in known.rows for name in (row.image, row.dicom) if name}
    labels = {row.label for row in known.rows}
    finds = list(check_places(out, named, (*TEXTS, *CERTIFICATE), labels))
    _require_texts(out, finds)
    union = _names(known) if known.identifiers is not None else None
    finds += check_texts(out, known.digests, union)
    counts = Counter({PLACES: len(named) + len(TEXTS), DIGESTS: len(TEXTS) if known.ledger is not None else 0})
    counts[TEXT_CHECK] = len(TEXTS) if union is not None else 0
    tasks = [task for task in _tasks(known) if is_plain(out / task.name)]
    engine = str(known.summary["options"].get("engine", "rapidocr")) if options.pixels else ""
    pool = Pool[FileTask, Checked](
        work=work,
        start=start,
        start_args=(out, profile, engine),
        lost=_lost,
        jobs=min(options.jobs, len(tasks)),
    )
    progress(0, len(tasks), None)
    for done, checked in enumerate(pool.run(tasks) if tasks else (), start=1):
        finds += checked.finds
        counts.update(checked.checks)
        progress(done, len(tasks), _shown(checked))
    return finds, counts


def _names(known: _Folder) -> Identifiers:
    """What must not stand in words: the identifiers of all sources, less the toolkit's own words."""
    return Identifiers.union((known.identifiers or {}).values()).without(own_words())


def _require_texts(out: Path, finds: list[Find]) -> None:
    leak = Leak(what="structure", where="a file that is missing")
    finds += [Find(check=PLACES, name=name, leak=leak) for name in TEXTS if not (out / name).exists()]


def is_plain(path: Path) -> bool:
    """Whether it is a file and no link."""
    return path.is_file() and not path.is_symlink()


def _tasks(known: _Folder) -> Iterable[FileTask]:
    for row in known.rows:
        theirs = known.identifiers[row.id] if known.identifiers is not None else None
        for name, digest, look in ((row.image, row.sha256, not row.dicom), (row.dicom, row.dicom_sha256, True)):
            if name:
                yield FileTask(name=name, owner=row.id, sha256=digest, look=look, identifiers=theirs)


def _shown(checked: Checked) -> Record:
    """What a progress bar is told."""
    return Record(file="", outcome=Outcome.QUARANTINED if checked.finds else Outcome.KEPT)


def _lost(task: FileTask) -> Checked:
    leak = Leak(what="structure", where="the file cannot be read again")
    find = Find(check=BYTES, name=task.name, leak=leak, owner=task.owner)
    return Checked(task=task, checks=(), finds=(find,))


_checker: tuple[Path, Profile, FindText | None] | None = None


def start(out: Path, profile: Profile, engine: str) -> None:
    """Make ready this process; a process pool calls it once in each. No engine: pixels are not looked at."""
    global _checker  # noqa: PLW0603  a process pool has no other place for what a process keeps
    import cv2

    from bus_toolkit.overlays import FindText

    cv2.setNumThreads(1)
    _checker = (out, profile, FindText(engine=engine).second_look() if engine else None)


def work(task: FileTask) -> Checked:
    """Check one file in this process."""
    if _checker is None:
        msg = "a process must be made ready before it checks"
        raise RuntimeError(msg)
    out, profile, finder = _checker
    try:
        return check_file(out, task, profile=profile, finder=finder)
    except OSError:
        return _lost(task)


def _take_out(out: Path, known: _Folder, finds: list[Find]) -> int:
    """Move what did not pass, with whatever else was written of the same scan; how many files were moved."""
    if known.ledger is None or known.private is None:
        return 0
    owners: dict[str, list[Find]] = {}
    for find in finds:
        if find.owner:
            owners.setdefault(find.owner, []).append(find)
    names = [find.name for find in finds if not find.owner]
    for record in [record for record in known.ledger.records() if record.id in owners]:
        names += [name for name in (record.image, record.dicom) if name]
        known.ledger.put(_quarantined(record, owners[record.id]))
    moved = 0
    for name in dict.fromkeys(names):
        if (out / name).is_symlink() or (out / name).exists():
            withdraw(out, known.private, name)
            moved += 1
    return moved


def _quarantined(record: Record, finds: list[Find]) -> Record:
    reasons = dict.fromkeys(reason_of(find.leak) for find in finds)
    return replace(
        record,
        outcome=Outcome.QUARANTINED,
        reasons=tuple(reasons),
        image="",
        dicom="",
        image_sha256="",
        dicom_sha256="",
    )


def _describe_anew(out: Path, known: _Folder) -> dict[str, Any]:
    """Write manifest, run summary, report and review by the books as they are now; the summary comes back."""
    ledger, key, private = known.ledger, known.key, known.private
    if ledger is None or key is None or private is None:
        return known.summary
    old = known.summary
    groups = group_names(ledger, key)
    rows = [row_of(record, anonymised=True, group=groups.get(record.id, "")) for record in ledger.records()]
    summary = run_summary(
        ledger.records(),
        inputs=old["inputs"],
        policy=old["policy"]["name"],
        policy_hash=old["policy"]["sha256"],
        version=old["version"],
        options=old["options"],
        seconds=old["time"]["seconds"],
        worked=old["time"]["worked"],
        anonymised=True,
        key_fingerprint=key.fingerprint,
        sentences=old["policy"]["sentences"],
        groups=groups,
        aside=old["aside"],
        peak_mib=old["time"]["peak_mib"],
    )
    # The pictures were made by what the run had, not by what is installed now.
    summary |= {name: old[name] for name in ("libraries", "python", "deidentification")}
    write_manifest(out / "manifest.csv", rows)
    write_run(out / "run.json", summary)
    write_report(out / "report.html", summary, rows)
    write_review(private, ledger.records())
    remember(ledger, out, summary)
    return summary


def _search_certificate(out: Path, known: _Folder) -> None:
    """It is made of the toolkit's own words; this proves it.

    Raises
    ------
    OutputError
        When an identifier stands in it; it is gone then.
    """
    if any(check_text_file(out / name, _names(known)) for name in (JSON_NAME, PAGE_NAME)):
        remove_certificate(out)
        msg = "a certificate must name nobody. Got one in which an identifier stands, and removed it"
        raise OutputError(msg)
