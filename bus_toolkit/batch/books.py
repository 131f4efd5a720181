"""What the private books note of a finished run, so that the folder can be checked and described anew later."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.errors import ConfigError, OutputError
from bus_toolkit.profile import BASIC_PROFILE, CLEAN_PIXEL_DATA, Profile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bus_toolkit.audit.ledger import Ledger

TEXTS: Final = ("manifest.csv", "run.json", "report.html")
"""What describes the run in words."""


def file_digest(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def profile_facts(profile: Profile) -> dict[str, Any]:
    """The chosen options as plain JSON: the settings, and the codes of PS3.16 CID 7050 that they stand for."""
    settings = {name: value if isinstance(value, bool) else str(value) for name, value in asdict(profile).items()}
    options = (BASIC_PROFILE, CLEAN_PIXEL_DATA, *profile.options())
    codes = [{"code": option.code, "meaning": option.meaning} for option in options]
    return {"settings": settings, "codes": sorted(codes, key=lambda entry: entry["code"])}


def profile_of(summary: Mapping[str, Any]) -> Profile:
    """Inverse of :func:`profile_facts`, out of a run summary.

    Raises
    ------
    OutputError
        When the summary does not tell.
    """
    try:
        return Profile(**summary["deidentification"]["settings"])
    except (KeyError, TypeError, ConfigError):
        msg = "run.json must tell which options of PS3.15 were used. Got one that does not: ingest again"
        raise OutputError(msg) from None


def remember(ledger: Ledger, out: Path, summary: Mapping[str, Any]) -> None:
    """Note the summary, and the digests of what describes the run in words."""
    ledger.set_meta("run", json.dumps(summary))
    ledger.set_meta("texts", json.dumps({name: file_digest(out / name) for name in TEXTS}))


def recall(ledger: Ledger) -> tuple[dict[str, Any], dict[str, str]]:
    """The summary and the digests of the last finished run.

    Raises
    ------
    OutputError
        When there was none.
    """
    run, texts = ledger.meta("run"), ledger.meta("texts")
    if run is None or texts is None:
        msg = "the output must be of a run that was finished. Got one that was not: ingest again"
        raise OutputError(msg)
    return json.loads(run), json.loads(texts)
