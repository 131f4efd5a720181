"""Pictures of a clean folder, given by themselves: a manifest vouches for them, so they are not cleaned again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, final

from bus_toolkit.apply.cleaning import Seen
from bus_toolkit.apply.material import kept_rows, squares_of
from bus_toolkit.errors import InputError
from bus_toolkit.manifest import read_manifest
from bus_toolkit.pipeline import failure
from bus_toolkit.training.data import MANIFEST, UNLABELLED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bus_toolkit.apply.trained import Trained
    from bus_toolkit.io import Item
    from bus_toolkit.manifest import Row

LEVELS: Final = 3
"""Folders above a picture in which its manifest may lie: ``CLEAN/images/LABEL/ID.png``."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vouched:
    """A picture that a manifest lists as kept: its row, and the folder of the manifest."""

    row: Row
    root: Path = field(repr=False)


def vouched_for(items: Iterable[Item]) -> dict[Path, Vouched]:
    """Those of the inputs that are kept pictures of a clean folder, by their path.

    Whether a picture still is what the manifest has the digest of is found out when it is read. A manifest that cannot
    be read vouches for nothing: its pictures are cleaned as any others.
    """
    known: dict[Path, dict[Path, Vouched]] = {}
    found: dict[Path, Vouched] = {}
    for item in items:
        path = item.path.resolve()
        for root in path.parents[:LEVELS]:
            if root not in known:
                known[root] = _pictures_of(root)
            if path in known[root]:
                found[item.path] = known[root][path]
                break
    return found


def _pictures_of(root: Path) -> dict[Path, Vouched]:
    try:
        rows = read_manifest(root / MANIFEST) if (root / MANIFEST).is_file() else []
    except InputError:
        return {}
    return {(root / row.image).resolve(): Vouched(row=row, root=root) for row in kept_rows(rows)}


def seen_as_is(item: Item, vouched: Vouched, trained: Trained) -> Seen:
    """A picture as it is; ``id`` is that of the manifest.

    One that is not what the manifest has the digest of has failed, and no model is to be asked about it.
    """
    row = vouched.row
    label = "" if row.label == UNLABELLED else row.label
    seen = Seen(id=row.id, file=item.file, label=label, outcome=row.outcome)
    try:
        square = squares_of([row], vouched.root, trained)[0, :, :, 0]
    except InputError as error:
        verdict = failure(error)
        return replace(seen, outcome=verdict.outcome, reasons=verdict.reasons)
    return replace(seen, square=square)
