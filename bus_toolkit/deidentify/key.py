"""The key under which pseudonyms and UIDs are made, and nothing that leads back from them.

HMAC-SHA-256 (RFC 2104, FIPS 198-1) of the original under 32 random bytes, with a different prefix for every kind of
value, so that a patient and a file of the same name do not share a pseudonym. Who has the key can make the pseudonym
of a known person again; who has not cannot.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
import secrets
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

from bus_toolkit.atomic import PRIVATE_FOLDER_MODE, PRIVATE_MODE
from bus_toolkit.errors import ConfigError, OutputError

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES: Final = 32
KEY_NAME: Final = "key"
PSEUDONYM_BYTES: Final = 10
"""80 bits: with a million patients the chance that two share a pseudonym is below 1e-12."""
MOST_DAYS: Final = 3650
"""Ten years: more would make people of today live in another century."""
UUID_VERSION: Final = 8
"""RFC 9562: version 8 is for bits that an application makes by its own rule."""

_HEADER: Final = "bus_toolkit key 1"
_KIND: Final = re.compile(r"[a-z][a-z_]{0,31}")
_DOMAIN: Final = b"bus_toolkit/pseudonym/1"


@final
@dataclass(frozen=True, slots=True)
class Key:
    """32 secret bytes. Hashable, comparable, and silent: its repr shows only the fingerprint.

    Raises
    ------
    ConfigError
        When the secret is not 32 bytes.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            msg = f"a key must be {KEY_BYTES} bytes. Got {len(self.secret)}"
            raise ConfigError(msg)

    def __repr__(self) -> str:
        return f"Key({self.fingerprint})"

    @classmethod
    def random(cls) -> Key:
        """A new key from the system's source of randomness, not stored anywhere."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def create(cls, path: Path) -> Key:
        """Make a new key and store it in ``path`` (0600), in a folder that only the owner can enter (0700).

        The file appears whole or not at all, and an existing one is never replaced.

        Raises
        ------
        OutputError
            When a key is there already or the place cannot be written.
        """
        key = cls.random()
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            path.parent.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
            path.parent.chmod(PRIVATE_FOLDER_MODE)
            try:
                _write_whole(temporary, key)
                _take_place(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
        except FileExistsError:
            msg = "the place of a new key must be free. Got one that holds a key already"
            raise OutputError(msg) from None
        except OSError:
            msg = "the key must be stored in a folder that can be written. Got one that cannot"
            raise OutputError(msg) from None
        return key

    @classmethod
    def load(cls, path: Path) -> Key:
        """Read a stored key.

        Raises
        ------
        OutputError
            When there is none, when others than the owner may read it, or when the file is not a key.
        """
        try:
            mode, text = path.stat().st_mode, path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            msg = "the key must be a file that can be read. Got none, or one that cannot"
            raise OutputError(msg) from None
        if mode & 0o077:
            msg = f"the key file must be readable by its owner alone (0600). Got {mode & 0o777:04o}"
            raise OutputError(msg)
        return cls.parse(text)

    @classmethod
    def parse(cls, text: str) -> Key:
        """The key that the text of a key file holds.

        Raises
        ------
        OutputError
            When it holds none.
        """
        header, _, rest = text.partition("\n")
        if header != _HEADER or not re.fullmatch(r"[0-9a-f]{64}\n?", rest):
            msg = "the key file must hold a key of the form that this version knows. Got something else"
            raise OutputError(msg)
        return cls(bytes.fromhex(rest.strip()))

    @classmethod
    def load_or_create(cls, path: Path) -> Key:
        """The stored key, or a new one at the first run. Safe when several processes start at once."""
        if not path.exists():
            try:
                return cls.create(path)
            except OutputError:
                if not path.exists():
                    raise
        return cls.load(path)

    @property
    def fingerprint(self) -> str:
        """16 hex digits that tell two keys apart and do not lead back to the key."""
        return hmac.digest(self.secret, b"bus_toolkit/fingerprint/1", "sha256")[:8].hex()

    def _mac(self, kind: str, value: bytes) -> bytes:
        if not _KIND.fullmatch(kind):
            msg = f"a kind must be a short lower-case word. Got {kind!r}"
            raise ConfigError(msg)
        return hmac.digest(self.secret, b"\x00".join((_DOMAIN, kind.encode(), value)), "sha256")

    def pseudonym(self, kind: str, *values: str) -> str:
        """A stable name for ``values``: a letter (the first of ``kind``) and 16 characters of a-z and 2-7.

        ``kind`` keeps things of different nature apart (``"patient"``, ``"scan"``, ...). Several values are one
        identity; their borders count. Unicode is normalised (NFC), so one name typed two ways is one.
        """
        code = base64.b32encode(self._mac(kind, _framed(values))[:PSEUDONYM_BYTES]).decode("ascii").lower()
        return f"{kind[0]}{code}"

    def days(self, *identity: str) -> int:
        """By how many days the dates of one person go back: 1 to 3650, the same for the same identity."""
        return 1 + int.from_bytes(self._mac("days", _framed(identity))[:8], "big") % MOST_DAYS

    def seal(self, data: bytes) -> str:
        """64 hex digits that only a holder of the key can make for ``data``."""
        return self._mac("seal", data).hex()

    def uid(self, original: str) -> str:
        """A valid DICOM UID under 2.25 (PS3.5 B.2), at most 44 characters; the same for the same original."""
        bits = int.from_bytes(self._mac("uid", original.strip(" \x00").encode("utf-8", "surrogatepass"))[:16], "big")
        bits = bits & ~(0xF << 76) | UUID_VERSION << 76
        bits = bits & ~(0x3 << 62) | 0x2 << 62
        return f"2.25.{bits}"


def _framed(values: tuple[str, ...]) -> bytes:
    """Several texts as bytes that no other texts give."""
    parts = [unicodedata.normalize("NFC", value).encode("utf-8", "surrogatepass") for value in values]
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def _take_place(temporary: Path, path: Path) -> None:
    """Give a whole file its name, unless something has that name: of two first runs one wins, the other learns it.

    A link, unlike a rename, fails where a file stands. Where the file system has no links, look before the rename.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        if path.exists():
            raise FileExistsError from None
        temporary.rename(path)


def _write_whole(path: Path, key: Key) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(f"{_HEADER}\n{key.secret.hex()}\n")
        stream.flush()
        os.fsync(stream.fileno())
