"""From what was discovered to tasks, with output names that cannot collide."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bus_toolkit.batch.worker import Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bus_toolkit.io import Item
    from bus_toolkit.record import Record

REPLACED_ENDINGS = frozenset({".png", ".dcm"})
"""Endings that the output has too; any other ending stays in the name, as in ``x.jpg.png``."""


def bare(name: str) -> str:
    """A relative name without an ending that the output has too."""
    path = PurePosixPath(name)
    return str(path.with_suffix("") if path.suffix.lower() in REPLACED_ENDINGS else path)


def _wanted(item: Item) -> str:
    """The name that an output keeps: the path in the source, less the folder that gave the label."""
    parts = PurePosixPath(item.file).parts
    kept = [part for part in parts[:-1] if part.lower() != item.label.lower()]
    return bare(str(PurePosixPath(*kept, parts[-1])))


def make_tasks(items: Sequence[Item], booked: Iterable[Record]) -> list[Task]:
    """One task for each item, in the same order.

    Where two names would be one (``x.png`` beside ``x.dcm``, or a file system that ignores case), the later one gets
    a number; names that the ledger already gave to other inputs stay theirs.
    """
    owners: dict[str, str] = {}
    stems: dict[str, str] = {}
    for record in booked:
        for name in (record.image, record.dicom):
            if name:
                stem = bare(str(PurePosixPath(*PurePosixPath(name).parts[2:])))
                owners[f"{record.label}/{stem}".lower()] = record.file
                stems[f"{record.label}/{record.file}"] = stem
    tasks = []
    for item in items:
        stem, number = stems.get(f"{item.label}/{item.file}", _wanted(item)), 1
        while owners.setdefault(f"{item.label}/{stem}".lower(), item.file) != item.file:
            number += 1
            stem = f"{_wanted(item)}-{number}"
        tasks.append(
            Task(path=item.path, file=item.file, label=item.label, patient=item.patient, stem=stem, refused=item.skip)
        )
    return tasks
