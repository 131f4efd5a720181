"""One run over a folder that is full of tokens, for the tests of whole runs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from bus_toolkit.audit.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from bus_toolkit.record import Record

KEY_BYTES = bytes(range(7, 39))


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

    def everything(self) -> bytes:
        """All names and all bytes below OUT, and all that was said."""
        names = "\n".join(path.relative_to(self.out).as_posix() for path in self.out.rglob("*"))
        return b"\n".join((names.encode(), self.said.encode(), *(path.read_bytes() for path in self.files())))


def write_key(path: Path, secret: bytes = KEY_BYTES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"bus_toolkit key 1\n{secret.hex()}\n")
    path.chmod(0o600)
    return path


def ingest(src: Path, out: Path, *more: str, key: Path) -> Run:
    """Clean a folder in a process of its own, as a user does."""
    argv = [sys.executable, "-X", "faulthandler", "-m", "bus_toolkit.cli.clean", "ingest", str(src)]
    done = subprocess.run(  # noqa: S603 - the project's own command
        [*argv, "--out", str(out), "--key", str(key), "--anonymise", *more],
        capture_output=True,
        check=False,
        timeout=600,
    )
    private = out.with_name(f"{out.name}.private")
    records: dict[str, Record] = {}
    if (private / "ledger.sqlite").exists():
        with Ledger(private / "ledger.sqlite") as ledger:
            records = {record.file: record for record in ledger.records()}
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    return Run(src=src, out=out, private=private, code=done.returncode, said=said, records=records)


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_key(tmp_path_factory.mktemp("keys") / "key")
