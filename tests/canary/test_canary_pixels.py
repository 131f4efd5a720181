"""Tokens in and around the pixel data of written files: all gone, the picture untouched."""

from __future__ import annotations

import struct
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataelem import DataElement
from pydicom.encaps import encapsulate_extended
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from bus_toolkit.deidentify import deidentify_dataset
from bus_toolkit.errors import InputError
from bus_toolkit.io import read
from bus_toolkit.io.dicom_write import write_dicom
from tests.canary.plant_beyond import letters_in_high_bits
from tests.canary.plant_headers import KEY, reread
from tests.canary.plant_streams import COLS, ENCODERS, ROWS, frames, image, jpeg
from tests.canary.plant_tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydicom.dataset import Dataset

    from bus_toolkit.io import Source
    from bus_toolkit.scan import Scan

KINDS = ["native", *ENCODERS]


def blot(scan: Scan) -> Scan:
    """An edit that changes a corner of every frame."""
    edited = scan.frames.copy()
    edited[:, :8, :8] = 0
    return replace(scan, frames=edited)


def stored(dataset: Dataset, path: Path) -> Path:
    dataset.preamble = bytes(128)
    stream = BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    path.write_bytes(stream.getvalue())
    return path


def through(path: Path, out: Path, edit: Callable[[Scan], Scan] | None = None, syntax: str | None = None) -> Source:
    """Read, de-identify, write, and read again."""
    source = read(path)
    assert source.dataset is not None
    assert source.clip is not None
    header = deidentify_dataset(source.dataset, KEY, anonymise=True, pixels_checked=True)
    write_dicom(out, header=header, clip=source.clip, edit=edit, syntax=syntax)
    reread(out.read_bytes())
    return source


@pytest.mark.parametrize("edit", [None, blot], ids=["as it was", "edited"])
@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_no_token_of_a_file_survives(
    kind: str, count: int, edit: Callable[[Scan], Scan] | None, tmp_path: Path
) -> None:
    tokens = Tokens()
    pixels = frames(count)
    path = stored(image(pixels, kind, tokens), tmp_path / "in.dcm")
    assert tokens.lost(path.read_bytes()) == []
    before = through(path, tmp_path / "out.dcm", edit)
    assert tokens.found_in((tmp_path / "out.dcm").read_bytes()) == []
    after = read(tmp_path / "out.dcm").scan.frames
    expected = before.scan.frames.copy()
    if edit is not None:
        expected[:, :8, :8] = 0
    assert np.array_equal(after, expected)
    if kind != "jpeg" and edit is None:
        assert np.array_equal(after, pixels)


@pytest.mark.parametrize("edit", [None, blot], ids=["as it was", "edited"])
def test_unused_high_bits_are_zero(edit: Callable[[Scan], Scan] | None, tmp_path: Path) -> None:
    tokens = Tokens()
    dataset = image(frames(), "native", tokens)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 8, 7
    spelt = tokens.text("high bits").encode()
    data = letters_in_high_bits(spelt, ROWS * COLS)
    dataset.add(DataElement(Tag(0x7FE00010), "OW", data))
    through(stored(dataset, tmp_path / "in.dcm"), tmp_path / "out.dcm", edit)
    out = dcmread(tmp_path / "out.dcm")
    values = np.frombuffer(out.PixelData, "<u2" if out.BitsAllocated == 16 else "u1")
    assert values.max() <= 255
    assert out.BitsStored == 8
    assert tokens.found_in(bytes((values >> 8).astype(np.uint8))) == []


def test_an_overlay_in_the_pixels_goes_with_its_bits(tmp_path: Path) -> None:
    tokens = Tokens()
    dataset = image(frames(), "native", tokens)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    values = np.arange(ROWS * COLS, dtype=np.uint16) % 4000
    values[::3] |= 0x8000
    dataset.add(DataElement(Tag(0x7FE00010), "OW", values.astype("<u2").tobytes()))
    for element, vr, value in ((0x0010, "US", ROWS), (0x0011, "US", COLS), (0x0100, "US", 16), (0x0102, "US", 15)):
        dataset.add(DataElement(Tag(0x6000, element), vr, value))
    through(stored(dataset, tmp_path / "in.dcm"), tmp_path / "out.dcm")
    out = dcmread(tmp_path / "out.dcm")
    assert np.array_equal(np.frombuffer(out.PixelData, "<u2"), values & 0x0FFF)
    assert not [element for element in out if element.tag.group == 0x6000]


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian], ids=["implicit", "big"])
def test_bytes_behind_the_last_pixel_go_in_every_encoding(syntax: object, tmp_path: Path) -> None:
    tokens = Tokens()
    dataset = image(frames(), "native", tokens)
    dataset.file_meta.TransferSyntaxUID = syntax
    path = tmp_path / "in.dcm"
    stream = BytesIO()
    little = syntax is ImplicitVRLittleEndian
    dcmwrite(stream, dataset, enforce_file_format=True, implicit_vr=little, little_endian=little)
    path.write_bytes(stream.getvalue())
    through(path, tmp_path / "out.dcm")
    assert tokens.found_in((tmp_path / "out.dcm").read_bytes()) == []


def test_the_padding_byte_is_zero(tmp_path: Path) -> None:
    tokens = Tokens()
    pixels = frames(rows=33, cols=35)
    dataset = image(pixels, "native", tokens)
    dataset.add(DataElement(Tag(0x7FE00010), "OB", pixels.tobytes() + b"Q"))
    through(stored(dataset, tmp_path / "in.dcm"), tmp_path / "out.dcm")
    assert dcmread(tmp_path / "out.dcm").PixelData[-1] == 0


def test_the_tail_of_a_palette_goes(tmp_path: Path) -> None:
    tokens = Tokens()
    dataset = image(frames(), "native", tokens)
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    ramp = struct.pack("<256H", *(value << 8 for value in range(256)))
    for tag in (0x00281101, 0x00281102, 0x00281103):
        dataset.add(DataElement(Tag(tag), "US", [256, 0, 16]))
        dataset.add(DataElement(Tag(tag + 0x100), "OW", ramp + tokens.text(f"palette {tag:08X}").encode()))
    for tag, how in ((0x00281111, "US"), (0x00281199, "UI")):
        dataset.add(DataElement(Tag(tag), how, [256, 0, 16] if how == "US" else tokens.value("UI", "palette UID")))
    said = tried(dataset, tmp_path)
    assert tokens.found_in(said) == []


def tried(dataset: Dataset, folder: Path) -> bytes:
    """What comes out: the bytes of the file, or the words with which it is refused."""
    try:
        through(stored(dataset, folder / "in.dcm"), folder / "out.dcm")
    except InputError as error:
        return f"{error} {error.code}".encode()
    return (folder / "out.dcm").read_bytes()


def test_tables_of_grey_values_hold_what_their_descriptor_says(tmp_path: Path) -> None:
    from pydicom.dataset import Dataset as Item

    tokens = Tokens()
    dataset = image(frames(), "native", tokens)
    item = Item()
    item.add(DataElement(Tag(0x00283002), "US", [256, 0, 16]))
    item.add(DataElement(Tag(0x00283003), "LO", tokens.value("LO", "explanation")))
    table = struct.pack("<256H", *(value << 8 for value in range(256)))
    item.add(DataElement(Tag(0x00283006), "OW", table + tokens.text("behind the table").encode()))
    dataset.VOILUTSequence = [item]
    through(stored(dataset, tmp_path / "in.dcm"), tmp_path / "out.dcm")
    assert tokens.found_in((tmp_path / "out.dcm").read_bytes()) == []


def test_an_extended_offset_table_and_empty_fragments_go(tmp_path: Path) -> None:
    tokens = Tokens()
    pixels = frames(3)
    dataset = image(pixels, "jpeg", tokens)
    parts = [jpeg(frame, tokens) for frame in pixels]
    data, offsets, lengths = encapsulate_extended([part + b"\0" * (len(part) % 2) for part in parts])
    dataset.add(DataElement(Tag(0x7FE00010), "OB", data))
    dataset["PixelData"].is_undefined_length = True
    dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = offsets, lengths
    through(stored(dataset, tmp_path / "in.dcm"), tmp_path / "out.dcm")
    assert tokens.found_in((tmp_path / "out.dcm").read_bytes()) == []
    assert read(tmp_path / "out.dcm").scan.frames.shape == pixels.shape


def test_fragments_without_bytes_hold_nothing(tmp_path: Path) -> None:
    tokens = Tokens()
    pixels = frames()
    dataset = image(pixels, "jpeg", tokens)
    item = b"\xfe\xff\x00\xe0" + bytes(4)
    end = b"\xfe\xff\xdd\xe0\0\0\0\0"
    raw = dataset.PixelData.removesuffix(end)
    dataset.add(DataElement(Tag(0x7FE00010), "OB", raw + item + item + end))
    dataset["PixelData"].is_undefined_length = True
    assert tokens.found_in(tried(dataset, tmp_path)) == []


@pytest.mark.parametrize("syntax", ["explicit", "jpeg-lossless", "jpeg-ls", "jpeg2000-lossless", "rle"])
def test_no_token_comes_in_with_what_an_encoder_writes(syntax: str, tmp_path: Path) -> None:
    tokens = Tokens()
    path = stored(image(frames(3), "jpeg", tokens), tmp_path / "in.dcm")
    before = through(path, tmp_path / "out.dcm", blot, syntax)
    data = (tmp_path / "out.dcm").read_bytes()
    assert tokens.found_in(data) == []
    after = read(tmp_path / "out.dcm").scan.frames
    assert np.array_equal(after[:, 8:], before.scan.frames[:, 8:])
    assert not after[:, :8, :8].any()


def test_a_value_for_padding_is_a_number(tmp_path: Path) -> None:
    tokens = Tokens()
    dataset = image(frames(), "native", tokens)
    dataset.add(DataElement(Tag(0x00280120), "OB", tokens.text("padding").encode()))
    through(stored(dataset, tmp_path / "in.dcm"), tmp_path / "out.dcm")
    assert tokens.found_in((tmp_path / "out.dcm").read_bytes()) == []


@pytest.mark.parametrize("part", ["header", "tail"])
def test_run_length_data_with_text_inside_is_refused_or_cleaned(part: str, tmp_path: Path) -> None:
    tokens = Tokens()
    dataset = image(frames(), "rle", tokens)
    token = tokens.text(part).encode()
    if part == "header":
        raw = dataset.PixelData.replace(struct.pack("<LL", 1, 64) + bytes(10), struct.pack("<LL", 1, 64) + token)
        dataset.add(DataElement(Tag(0x7FE00010), "OB", raw))
    else:
        end = b"\xfe\xff\xdd\xe0\0\0\0\0"
        start = 8 + 4
        body = dataset.PixelData[start + 4 :].removesuffix(end) + token
        raw = dataset.PixelData[:start] + struct.pack("<L", len(body)) + body + end
        dataset.add(DataElement(Tag(0x7FE00010), "OB", raw))
    dataset["PixelData"].is_undefined_length = True
    assert tokens.found_in(tried(dataset, tmp_path)) == []
