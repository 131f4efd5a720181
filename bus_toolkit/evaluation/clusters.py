"""Which scans hang together: those of one near-duplicate group or of one patient, and what these have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


def clusters(groups: Sequence[str], patients: Sequence[str]) -> npt.NDArray[np.int64]:
    """Number the clusters of scans: two scans share one when a chain of common groups or patients joins them.

    Parameters
    ----------
    groups, patients
        One text for each scan; an empty one joins nothing.

    Returns
    -------
    int64, ``(scans,)``: 0 to the number of clusters less 1, in the order of first appearance.
    """
    parent = list(range(len(groups)))

    def root(scan: int) -> int:
        while parent[scan] != scan:
            parent[scan] = parent[parent[scan]]
            scan = parent[scan]
        return scan

    first: dict[tuple[str, str], int] = {}
    for kind, names in (("group", groups), ("patient", patients)):
        for scan, name in enumerate(names):
            if name:
                one, other = root(first.setdefault((kind, name), scan)), root(scan)
                # The earlier scan stays the root, so that numbers follow first appearance.
                parent[max(one, other)] = min(one, other)
    roots = [root(scan) for scan in range(len(groups))]
    return np.unique(np.array(roots, dtype=np.int64), return_inverse=True)[1].astype(np.int64)
