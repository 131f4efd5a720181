"""Reading again what was written, before it takes its name: nothing of the source may be left in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from bus_toolkit.deidentify import Identifiers
from bus_toolkit.io import read
from bus_toolkit.outcome import Outcome, Reason, Verdict
from bus_toolkit.overlays import FindText
from bus_toolkit.scan import Scan
from bus_toolkit.stage import Kind
from bus_toolkit.verify import check_dicom_file, check_name, check_png_file, look_again

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bus_toolkit.geometry import Mask
    from bus_toolkit.pipeline import Pipeline
    from bus_toolkit.profile import Profile
    from bus_toolkit.record import Record
    from bus_toolkit.verify import Leak

CODES = {"text": "text-left", "structure": "not-clean"}
"""Reason by what was found; everything else is an identifier."""


class Withdrawn(Exception):  # noqa: N818  no error of the program, but its answer
    """Something of the source is left in what was written. Holds kinds and places, never a value."""

    def __init__(self, leaks: Iterable[Leak]) -> None:
        self.leaks = tuple(leaks)
        super().__init__(f"{len(self.leaks)} finds")

    @property
    def verdict(self) -> Verdict:
        """Quarantine, with one reason for each kind of find in each place."""
        reasons = dict.fromkeys(reason_of(leak) for leak in self.leaks)
        return Verdict(outcome=Outcome.QUARANTINED, reasons=tuple(reasons))


def reason_of(leak: Leak) -> Reason:
    """Why a scan is quarantined in which a check found something."""
    code = CODES.get(leak.what, "identity-left")
    detail = {
        "text-left": "text was still found in the picture after it was cleaned",
        "not-clean": f"what was written is not as it must be: {leak.where}",
    }.get(code, f"an identifier of the source ({leak.what}) was found in what was written: {leak.where}")
    return Reason(code=code, detail=detail)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """Checks one file after another; every check raises :class:`Withdrawn` when it finds something."""

    finder: FindText
    profile: Profile

    @classmethod
    def of(cls, pipeline: Pipeline, profile: Profile) -> Voucher:
        """With the text finder of a pipeline."""
        (finder,) = (stage.second_look() for stage in pipeline.stages if isinstance(stage, FindText))
        return cls(finder=finder, profile=profile)

    @staticmethod
    def identifiers(record: Record) -> Identifiers:
        """What must not be found, from the books."""
        return Identifiers.from_json(record.identity["identifiers"])

    def check_picture(self, path: Path, identifiers: Identifiers, *, look: bool) -> None:
        """A PNG file: its bytes, and with ``look`` its pixels, too."""
        leaks = check_png_file(path, identifiers)
        _stop(leaks or (look_again(read(path), self.finder, identifiers) if look else []))

    def check_dicom(self, path: Path, identifiers: Identifiers) -> None:
        """A DICOM file: its bytes, its header and its pixels."""
        leaks = check_dicom_file(path, identifiers, profile=self.profile)
        _stop(leaks or look_again(read(path), self.finder, identifiers))

    @staticmethod
    def check_names(names: Iterable[str], identifiers: Identifiers) -> None:
        """The names under which it will stand."""
        _stop([leak for name in names if name for leak in check_name(name, identifiers)])

    def is_free_of_text(self, plane: Mask) -> bool:
        """Whether no text is seen in an overlay plane, bool ``(rows, cols)``, True where it is drawn."""
        scan = Scan.from_array(plane.astype(np.uint8) * 255)
        return not any(finding.kind is Kind.TEXT for finding in self.finder.examine(scan).findings)


def _stop(leaks: list[Leak]) -> None:
    if leaks:
        raise Withdrawn(leaks)
