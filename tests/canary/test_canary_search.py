"""A search that finds nothing anywhere would pass for a clean output: it must find what is there."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from tests.canary.plant_tokens import BINARY, BLOBS, SHORT, VRS, Tokens, encoded

FORMS = tuple(encoded("x"))


@pytest.mark.parametrize("form", FORMS)
def test_a_token_is_found_in_every_form(form: str) -> None:
    tokens = Tokens()
    told = tokens.text("here")
    data = b"some bytes\0" + encoded(told)[form] + b"\n and more"
    assert [found.partition(" (")[0] for found in tokens.found_in(data)][:1] == ["here"]


@pytest.mark.parametrize("vr", [vr for vr in VRS if vr not in SHORT])
def test_a_value_of_every_kind_is_found_as_it_is_written(vr: str) -> None:
    tokens = Tokens(first=4711)
    value = tokens.value(vr, vr)
    if vr in BINARY:
        raw = struct.pack(BINARY[vr], value)
    elif vr == "AT":
        raw = struct.pack("<HH", value >> 16, value & 0xFFFF)
    else:
        raw = value if vr in BLOBS else str(value).encode()
    assert tokens.found_in(b"\x00\x01AB " + raw + b" \x00")[0].startswith(vr)


@pytest.mark.parametrize(("date", "shown"), [("17000203", "1700-02-03"), ("17000203", "1700.02.03")])
def test_a_date_is_found_with_separators(date: str, shown: str) -> None:
    tokens = Tokens()
    value = ""
    while value != date:
        value = tokens.value("DA", "a date")
    assert tokens.found_in(f"on {shown} at".encode()) == ["a date (separated digits)"]


def test_values_are_unique() -> None:
    tokens = Tokens()
    made = [tokens.value(vr, vr) for vr in VRS if vr not in SHORT for _ in range(300)]
    assert len(tokens.made) == len(made) == len(tokens)


def test_noise_holds_no_token() -> None:
    noise = np.random.default_rng(3).integers(0, 256, 1_000_000, np.uint8).tobytes()
    tokens = Tokens()
    for _ in range(200):
        for vr in VRS:
            tokens.value(vr, vr)
    binary = [found for found in tokens.found_in(noise + noise.hex().encode()) if not found.startswith(("FL", "SL"))]
    assert binary == []
