"""What a run would do, in sentences that come from the very objects that do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bus_toolkit.batch.pipelines import build_pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bus_toolkit.policy import Policy


def explain(policy: Policy, *, anonymise: bool) -> Iterator[str]:
    """One plain sentence for each thing that ``bus-clean ingest`` does under ``policy``, in order."""
    yield "Read every PNG, JPEG, TIFF, BMP and DICOM file below the source, and set companion masks aside."
    yield from build_pipeline(policy, anonymise=anonymise, witness="none").describe()
    if policy.output.pictures:
        yield from _written(policy, anonymise=anonymise)
    if policy.output.annotations:
        yield (
            "Tell in the manifest what operators wrote on kept and rejected scans (side, clock position, quadrant, "
            "distance from the nipple, orientation, region, lengths, procedure): known words and numbers in range, "
            "never the text."
        )


def _written(policy: Policy, *, anonymise: bool) -> Iterator[str]:
    """What is written of kept scans, and how it is checked."""
    yield "Write each kept scan as PNG without any metadata."
    yield "For DICOM input, write a DICOM file too: same geometry, header de-identified by PS3.15's Basic Profile."
    yield from policy.deidentify.describe()
    yield (
        "Read what was written again, search it for every name, id, date and UID of its source and for text that is "
        "left in the pixels, and quarantine the scan when anything is found."
    )
    if anonymise:
        yield "Name every output file by a keyed pseudonym."
    else:
        yield "Keep file names, and say in the manifest that the output is not anonymised."
    yield "Group exact and near duplicates, so that a later split cannot tear them apart."
