"""Whether a certificate is genuine and the folder is still the one that it was made for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bus_toolkit.audit.certificate import JSON_NAME
from bus_toolkit.batch.books import TEXTS, file_digest
from bus_toolkit.batch.folders import CERTIFICATE
from bus_toolkit.batch.keys import keys_in
from bus_toolkit.batch.release import VerifyOptions, is_plain
from bus_toolkit.errors import InputError, OutputError
from bus_toolkit.manifest import Row, read_manifest
from bus_toolkit.verify.certificate import seal_is_good
from bus_toolkit.verify.folder import check_places

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def check_seal(out: Path, *, against: Path | None = None, key: Path | None = None) -> list[str]:
    """What is wrong with the certificate of a folder, in sentences; nothing when it is sealed and still holds.

    Raises
    ------
    ConfigError, OutputError
        When there is no certificate or no key.
    """
    options = VerifyOptions(out=out, against=against, key=key)
    folder = options.folder
    if options.private is None and key is None:
        msg = "a seal can be confirmed only with the key, in the private folder or by --key. Got neither"
        raise OutputError(msg)
    try:
        data = json.loads((folder / JSON_NAME).read_text("utf-8"))
        rows = read_manifest(folder / "manifest.csv")
        keys = keys_in(options.private or folder, key)
        digests, certified = dict(data["digests"]), data["verdict"]["certified"]
    except (OSError, ValueError, KeyError, TypeError, InputError):
        msg = "the folder must hold a certificate and a manifest that can be read. Got one without"
        raise OutputError(msg) from None
    wrong = []
    if not any(seal_is_good(data, one) for one in keys):
        wrong.append("the seal is not good: the certificate was changed, or made with another key")
    if not certified:
        wrong.append("the certificate does not certify the folder")
    if {name: file_digest(folder / name) for name in TEXTS if is_plain(folder / name)} != digests:
        wrong.append("manifest, run.json or report have changed since the certificate was made")
    wrong += _changed(folder, rows)
    return wrong


def _changed(folder: Path, rows: list[Row]) -> Iterable[str]:
    files = {row.image: row.sha256 for row in rows if row.image} | {r.dicom: r.dicom_sha256 for r in rows if r.dicom}
    places = list(check_places(folder, dict.fromkeys(files, ""), (*TEXTS, *CERTIFICATE), {row.label for row in rows}))
    if places:
        yield f"{len(places)} things in the folder are missing, or were not there when the certificate was made"
    changed = sum(is_plain(folder / name) and file_digest(folder / name) != digest for name, digest in files.items())
    if changed:
        yield f"{changed} files have changed since they were written"
