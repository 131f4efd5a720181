"""What ``bus-eval predict`` and ``bus-eval explain`` have in common: which scans, and how they are cleaned."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator

    from bus_toolkit.apply.cleaning import Seen
    from bus_toolkit.apply.predict import Clean
    from bus_toolkit.apply.trained import Trained
    from bus_toolkit.apply.vouched import Vouched
    from bus_toolkit.io import Item

FEW: Final = 4
"""Scans below which worker processes cost more than they save."""


def add_run(parser: argparse.ArgumentParser) -> None:
    """``RUN`` and ``--member``."""
    parser.add_argument("folder", type=Path, metavar="RUN", help="a run folder of bus-train")
    parser.add_argument("--member", default="", metavar="NAME", help="one model of the run, such as run-0 or fold-2")


def add_scans(parser: argparse.ArgumentParser) -> None:
    """Which scans, and how they are cleaned."""
    parser.add_argument(
        "scans",
        type=Path,
        nargs="+",
        metavar="SCAN",
        help="scans or folders of them, to be cleaned; a clean folder, or pictures of one, are taken as they are",
    )
    parser.add_argument(
        "--policy",
        default="",
        metavar="NAME|FILE",
        help="to clean under (default: the one that the run's scans were cleaned under, else york)",
    )
    parser.add_argument(
        "--rejected-too",
        action="store_true",
        help="also take scans that cleaning rejects or quarantines: they are unlike what the run learned from",
    )
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="worker processes that clean (default: the cores)")
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress")


def quiet_keras() -> None:
    """Before Keras is loaded: TensorFlow tells of the machine what nobody asked."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Several models are asked one after the other, which TensorFlow takes for a mistake and warns of.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


@contextmanager
def progress(word: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, as the callback that says how many of how many are done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True) as shown:
        row = shown.add_task(word, total=None)
        yield lambda done, total: shown.update(row, completed=done, total=total)


@contextmanager
def spinner(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A word on standard error of what is done now."""
    from rich.console import Console

    console = Console(stderr=True, quiet=quiet)
    if not console.is_terminal or quiet:
        yield lambda _word: None
        return
    with console.status("Starting") as status:
        yield status.update


def clean_folder(args: argparse.Namespace, trained: Trained) -> Clean | None:
    """The clean folder that is meant, or None when scans are."""
    from bus_toolkit.apply.predict import find_clean, open_clean
    from bus_toolkit.errors import ConfigError

    manifests = [manifest for manifest in map(find_clean, args.scans) if manifest is not None]
    if not manifests:
        return None
    if len(args.scans) > 1:
        msg = "a clean folder (with a manifest.csv) must be given alone. Got other paths as well"
        raise ConfigError(msg)
    return open_clean(manifests[0], trained.run)


def seen_scans(args: argparse.Namespace, trained: Trained, clean: Clean | None) -> list[Seen]:
    """The scans that were named, cleaned; or the pictures of a clean folder."""
    if clean is not None:
        from bus_toolkit.apply.predict import seen_in

        _tell_clean(clean)
        with progress("Reading", quiet=args.quiet) as tell:
            return seen_in(clean, trained, tell=tell)
    from bus_toolkit.apply.cleaning import found_scans
    from bus_toolkit.apply.material import known_to
    from bus_toolkit.apply.vouched import seen_as_is, vouched_for

    items = found_scans(args.scans)
    vouched = vouched_for(items)
    if vouched:
        sys.stderr.write(f"bus-eval: {len(vouched)} pictures of a clean folder are taken as they are\n")
        _tell_unlike(_unlike(trained, list(vouched.values())))
        _tell_known(known_to(trained.run, [one.row for one in vouched.values()]), len(vouched))
    cleaned = iter(_cleaned(args, trained, [item for item in items if item.path not in vouched]))
    return [seen_as_is(item, vouched[item.path], trained) if item.path in vouched else next(cleaned) for item in items]


def _cleaned(args: argparse.Namespace, trained: Trained, items: list[Item]) -> list[Seen]:
    from bus_toolkit.apply.cleaning import Way, clean_scans, policy_for, was_anonymised

    if not items:
        return []
    policy, same = policy_for(trained.run, args.policy)
    if not same:
        sys.stderr.write(
            f"bus-eval: cleaned under the policy {policy.name}, which is not known to be that of the scans that the "
            "run learned from\n"
        )
    way = Way(
        policy=policy,
        size=trained.size,
        fit=trained.fit,
        anonymise=was_anonymised(trained.run),
        rejected_too=args.rejected_too,
    )
    with progress("Cleaning", quiet=args.quiet) as tell:
        return clean_scans(items, way, jobs=_jobs(args.jobs, len(items)), tell=tell)


def _jobs(asked: int | None, scans: int) -> int:
    from bus_toolkit.batch.options import available_cores
    from bus_toolkit.errors import ConfigError

    if asked is not None and asked < 0:
        msg = f"--jobs must be 0 (in this process) or more. Got {asked}"
        raise ConfigError(msg)
    if asked is None and scans < FEW:
        return 0
    return min(available_cores() if asked is None else asked, scans)


def _tell_clean(clean: Clean) -> None:
    if clean.others:
        sys.stderr.write(f"bus-eval: {clean.others} rows without a picture are left out\n")
    _tell_unlike(clean.unlike)
    _tell_known(clean.known, len(clean.rows))


def _unlike(trained: Trained, vouched: list[Vouched]) -> list[str]:
    """How pictures of clean folders were cleaned otherwise than those that the run learned from; each way once."""
    from bus_toolkit.apply.material import unlike
    from bus_toolkit.training.data import MANIFEST, policy_hash_of

    found = []
    for root in {one.root: None for one in vouched}:
        rows = [one.row for one in vouched if one.root == root]
        found += unlike(trained.run, policy_hash_of(root / MANIFEST), rows)
    return list(dict.fromkeys(found))


def _tell_unlike(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        sys.stderr.write(f"bus-eval: {sentence}\n")


def _tell_known(known: int, scans: int) -> None:
    if known:
        sys.stderr.write(
            f"bus-eval: {known} of {scans} scans are of those that the run was trained, chosen or tested on: figures "
            "on them are better than on others\n"
        )
