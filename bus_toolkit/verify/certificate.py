"""What was checked on a finished folder, in a form that may be given away with it, and its seal.

Made of counts, codes, digests and the toolkit's own sentences: nothing in it comes from headers or paths.
"""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit._version import __version__
from bus_toolkit.verify.folder import BYTES, DICOM, DIGESTS, NAMES, PIXELS, PLACES, PNG, TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bus_toolkit.deidentify import Key

SCHEMA: Final = "bus_toolkit/certificate/1"
CHECKS: Final = {
    PLACES: "The folder holds the files that the manifest names and the run's own, all of them, and nothing else: no "
    "other files or folders, links, hidden files or extended attributes.",
    DIGESTS: "Each file has the SHA-256 digest that was noted when it was written.",
    NAMES: "Each name of a file is a pseudonym, and holds nothing that identifies its source.",
    PNG: "PNG files: parts of the picture alone, no text, metadata or trailing bytes.",
    DICOM: "DICOM files: empty preamble, the toolkit's own file meta, only attributes that the profile allows, only "
    "UIDs made under the key unless they are retained, nothing beside or behind the picture.",
    BYTES: "Names, ids, dates and UIDs of the source searched for in the values and in every byte of its files, in all "
    "usual encodings and orders (in bytes: of seven characters and more, in uncompressed pixels of eleven).",
    PIXELS: "Pixels looked at once more for text by OCR, and what was read compared with the source's identifiers. "
    "Pictures made of a DICOM file are looked at in that file.",
    TEXTS: "Manifest, run summary and report searched for the identifiers of all sources.",
}
TITLES: Final = {
    PLACES: "nothing missing, nothing added",
    DIGESTS: "bytes as they were written",
    NAMES: "file names",
    PNG: "PNG files hold a picture alone",
    DICOM: "DICOM files hold what the profile allows",
    BYTES: "no identifier of the source in any byte",
    PIXELS: "no text in pixels",
    TEXTS: "no identifier in manifest, run.json and report",
}
"""The same in a few words, for a terminal."""
NEED_BOOKS: Final = (BYTES, TEXTS)
LIMITS: Final = (
    "No detector is perfect: text that OCR does not see, or a face or mark that identifies without text, may be left.",
    "Searched for was what the sources' headers, texts and file names hold, and nothing that is not written there.",
    "It says nothing about copies made elsewhere, nor about who may be recognised from rare findings or other data.",
    "It vouches for the files with the digests in the manifest whose SHA-256 stands here, and for no others.",
)
WITHOUT_BOOKS: Final = (
    "The private folder was not at hand: NO identifier of any source was searched for, digests are those that the "
    "folder itself tells, and no seal was made."
)
WITHOUT_PIXELS: Final = "Pixels were not looked at again: nothing is said about text in the pictures."
RETAINED: Final = (
    "Options that retain dates, UIDs, devices, institutions or characteristics keep these on purpose; see the codes."
)


def certificate(
    summary: Mapping[str, Any],
    *,
    files: Mapping[str, int],
    found: Mapping[str, int],
    digests: Mapping[str, str],
    books: bool,
    pixels: bool,
    when: datetime,
    withdrawn: int = 0,
) -> dict[str, Any]:
    """A certificate as plain JSON, not sealed yet.

    Parameters
    ----------
    summary
        Of the run, from :func:`bus_toolkit.audit.run.run_summary`.
    files, found
        By check: on how many files it was done, and how many finds there were.
    digests
        SHA-256 of the files that describe the run, as they are now.
    books, pixels
        Whether identifiers were at hand, and whether pixels were looked at.
    when
        The time of the check, with its zone.
    withdrawn
        How many files were taken out.
    """
    skipped = ({*NEED_BOOKS} if not books else set()) | ({PIXELS} if not pixels else set())
    checks = [
        {
            "check": name,
            "what": sentence,
            "files": files.get(name, 0),
            "found": found.get(name, 0),
            "result": _result(found.get(name, 0), files.get(name, 0), skipped=name in skipped),
        }
        for name, sentence in CHECKS.items()
    ]
    return {
        "schema": SCHEMA,
        "verdict": _verdict(sum(found.values()), books=books, pixels=pixels, withdrawn=withdrawn),
        "date": when.isoformat(timespec="seconds"),
        "checks": checks,
        "inputs": summary["inputs"],
        "outcomes": dict(summary["outcomes"]),
        "files": dict(summary["files"]),
        "profile": summary["deidentification"]["codes"],
        "policy": {"name": summary["policy"]["name"], "sha256": summary["policy"]["sha256"]},
        "made_with": {"bus_toolkit": summary["version"], **summary["libraries"]},
        "checked_with": {"bus_toolkit": __version__},
        "key_fingerprint": summary["key_fingerprint"],
        "digests": dict(digests),
        "limits": [
            *([] if books else [WITHOUT_BOOKS]),
            *([] if pixels else [WITHOUT_PIXELS]),
            *([RETAINED] if any("Retain" in code["meaning"] for code in summary["deidentification"]["codes"]) else []),
            *LIMITS,
        ],
    }


def _result(found: int, files: int, *, skipped: bool) -> str:
    if found:
        return "failed"
    if skipped:
        return "not done"
    return "passed" if files else "none"


def _verdict(found: int, *, books: bool, pixels: bool, withdrawn: int) -> dict[str, Any]:
    if found:
        why = f"{found} {'thing' if found == 1 else 'things'} did not pass; the table says in which check."
        if withdrawn:
            why += f" {withdrawn} files were taken out. What is left has to be verified again."
        return {"certified": False, "headline": "NOT CERTIFIED", "why": why}
    if books and pixels:
        why = "every check was done, and nothing was found."
        return {"certified": True, "headline": "CERTIFIED", "why": why}
    left = " and ".join(
        words for words, done in (("without the private folder", books), ("without the pixels", pixels)) if not done
    )
    why = f"nothing was found, but the check was made {left}. This does not suffice for a release."
    return {"certified": False, "headline": "NOT CERTIFIED: CHECKED IN PART", "why": why}


def _canonical(data: Mapping[str, Any]) -> bytes:
    """The same bytes for the same content, without the seal."""
    bare = {name: value for name, value in data.items() if name != "seal"}
    return json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def sealed(data: Mapping[str, Any], key: Key) -> dict[str, Any]:
    """The certificate with its seal: a keyed digest (HMAC-SHA-256) that only a holder of the key can make."""
    return {**data, "seal": key.seal(_canonical(data))}


def seal_is_good(data: Mapping[str, Any], key: Key) -> bool:
    """Whether the seal was made with the key over just this content."""
    seal = data.get("seal")
    return isinstance(seal, str) and hmac.compare_digest(seal.encode(), key.seal(_canonical(data)).encode())
