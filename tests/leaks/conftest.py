"""One run over the made scans, told apart into what may be given away and what was said, and what was planted."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pydicom
import pytest
from PIL import Image

from bus_toolkit.audit.ledger import Ledger
from bus_toolkit.record import Record

FIXTURES = Path(__file__).parents[2] / "fixtures"
KEY = bytes(range(7, 39))
"""Always the same, so that a token cannot appear by chance in one run of a thousand."""
LONG = 6
"""Shorter tokens occur by chance in compressed bytes; they are looked for as words in what can be read."""
STABLE = 8
"""Characters of base64 that do not depend on what stands before and after; fewer occur by chance."""


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def planted_in(scan: dict[str, Any]) -> set[str]:
    header = scan["header"]
    tokens = set(strings([header.get("tokens", {}), header.get("private", []), scan["identity_text"], scan["chunks"]]))
    dates = set(header.get("dates", {}).values())
    written = {f"{day[:4]}-{day[4:6]}-{day[6:8]}" for day in dates if re.fullmatch(r"\d{8}", day)}
    words = {word for token in tokens for word in re.split(r"[\s^,:]+", token) if any(c.isdigit() for c in word)}
    names = {word for token in scan["identity_text"] for word in re.findall(r"[A-Z]{4,}", token)}
    uids = {uid[:20] for uid in header.get("uids", {}).values()}
    return tokens | dates | written | {word for word in words if len(word) >= LONG} | names | uids


@dataclass(frozen=True)
class Truth:
    scans: dict[str, dict[str, Any]]

    @property
    def tokens(self) -> set[str]:
        names = {Path(file).stem for file in self.scans} | {part for file in self.scans for part in Path(file).parts}
        names |= {token for scan in self.scans.values() for token in scan["name_tokens"]}
        planted = {token for scan in self.scans.values() for token in planted_in(scan)}
        # "elsewhere" is a word of the report; the place that it is part of is looked for as a whole.
        return (planted | names | {"CANARY"}) - {"benign", "malignant", "normal", "ELSEWHERE", ""}


@dataclass(frozen=True)
class Run:
    src: Path
    out: Path
    private: Path
    code: int
    said: str
    records: dict[str, Record]

    def files(self) -> list[Path]:
        return sorted(path for path in self.out.rglob("*") if path.is_file())


@pytest.fixture(scope="session")
def truth() -> Truth:
    scans = json.loads((FIXTURES / "truth.json").read_text("utf-8"))["scans"]
    return Truth(scans={scan["file"]: scan for scan in scans})


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "key"
    path.write_text(f"bus_toolkit key 1\n{KEY.hex()}\n")
    path.chmod(0o600)
    return path


@pytest.fixture(scope="session")
def run_over(key_file: Path) -> Callable[..., Run]:
    def run(src: Path, out: Path, *more: str) -> Run:
        argv = [sys.executable, "-X", "faulthandler", "-m", "bus_toolkit.cli.clean", "ingest", str(src)]
        done = subprocess.run(  # noqa: S603 - the project's own command
            [*argv, "--out", str(out), "--key", str(key_file), "--jobs", "0", *more],
            capture_output=True,
            check=False,
            timeout=300,
        )
        private = out.with_name(f"{out.name}.private")
        with Ledger(private / "ledger.sqlite") as ledger:
            records = {record.file: record for record in ledger.records()}
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        return Run(src=src, out=out, private=private, code=done.returncode, said=said, records=records)

    return run


@pytest.fixture(scope="session")
def cleaned(run_over: Callable[..., Run], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The whole set, anonymised; the source lies in a folder whose name must not come out either."""
    place = tmp_path_factory.mktemp("FOLDEROFHAUGWITZ")
    src = place / "raw_york"
    src.symlink_to(FIXTURES / "raw_york")
    return run_over(src, tmp_path_factory.mktemp("given") / "away", "--anonymise")


def encodings(token: str) -> Iterator[tuple[str, bytes, bool]]:
    """Name, bytes to look for, and whether the case of letters counts."""
    raw = token.encode()
    yield "utf-8", raw, False
    yield "latin-1", token.encode("latin-1", "replace"), False
    yield "utf-16le", token.encode("utf-16-le"), False
    yield "utf-16be", token.encode("utf-16-be"), False
    yield "hex", raw.hex().encode(), False
    yield "url", quote(token).encode(), False
    yield "url, all of it", "".join(f"%{byte:02x}" for byte in raw).encode(), False
    yield "reversed", raw[::-1], True
    for form, data in (("base64", raw), ("base64 of utf-16", token.encode("utf-16-le"))):
        for shift in range(3):
            code = base64.b64encode(b"\0" * shift + data)
            # What depends on the bytes before and after is cut off.
            stable = code[(8 * shift + 5) // 6 : (8 * (shift + len(data))) // 6]
            if len(stable) >= STABLE:
                yield form, stable, True


@dataclass(frozen=True)
class Needles:
    """Everything to look for, compiled once."""

    exact: dict[bytes, tuple[str, str]]
    folded: dict[bytes, tuple[str, str]]
    words: re.Pattern[str]

    def in_bytes(self, data: bytes) -> list[tuple[str, str]]:
        lower = data.lower()
        found = [where for needle, where in self.exact.items() if needle in data]
        return found + [where for needle, where in self.folded.items() if needle in lower]

    def in_text(self, text: str) -> list[str]:
        return self.words.findall(text)


@pytest.fixture(scope="session")
def needles(truth: Truth) -> Needles:
    exact: dict[bytes, tuple[str, str]] = {}
    folded: dict[bytes, tuple[str, str]] = {}
    for token in sorted(truth.tokens, key=len):
        for form, needle, cased in encodings(token) if len(token) >= LONG else ():
            if cased:
                exact.setdefault(needle, (token, form))
            elif not any(shorter in needle.lower() for shorter in folded):
                # What holds a shorter needle is found by that one.
                folded[needle.lower()] = (token, form)
    words = "|".join(re.escape(token) for token in sorted(truth.tokens, key=len, reverse=True))
    return Needles(
        exact=exact, folded=folded, words=re.compile(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])", re.IGNORECASE)
    )


def _dicom_texts(dataset: pydicom.Dataset) -> Iterator[str]:
    for element in dataset:
        yield element.name
        if element.VR == "SQ":
            for item in element.value:
                yield from _dicom_texts(item)
        elif isinstance(element.value, bytes):
            if len(element.value) < 4096:  # longer ones are pixels, which are looked at as bytes
                yield element.value.decode("latin-1")
        else:
            yield str(element.value)


def _png_texts(path: Path) -> Iterator[str]:
    with Image.open(path) as picture:
        picture.load()
        yield from (f"{name} {value}" for name, value in picture.info.items())


@pytest.fixture(scope="session")
def readings() -> Callable[[Path], tuple[list[bytes], list[str]]]:
    """All that a file holds: its bytes and what is packed in them, and all text that a program would show of it."""

    def read(path: Path) -> tuple[list[bytes], list[str]]:
        data = path.read_bytes()
        if path.suffix == ".png":
            with Image.open(path) as picture:
                pixels = picture.tobytes()
            return [data, pixels], list(_png_texts(path))
        if path.suffix == ".dcm":
            dataset = pydicom.dcmread(path)
            return [data], [*_dicom_texts(dataset.file_meta), *_dicom_texts(dataset)]
        text = data.decode("utf-8")
        packed = [base64.b64decode(part) for part in re.findall(r"base64,([A-Za-z0-9+/=]+)", text)]
        # Words of packed pictures are noise; the text is what is left of the page without them.
        return [data, *packed], [re.sub(r"base64,[A-Za-z0-9+/=]+", "", text)]

    return read
