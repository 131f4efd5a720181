"""Whatever the bytes are, reading ends in a scan or in an InputError."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import uid

from bus_toolkit.errors import InputError
from bus_toolkit.io import Limits, read, read_bytes
from bus_toolkit.io.sniff import sniff

HEADS = [
    b"",
    b"\x89PNG\r\n\x1a\n",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"\xff\xd8\xff",
    b"II*\0\x08\0\0\0",
    b"MM\0*",
    b"BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0",
    b"\0" * 128 + b"DICM",
    b"\0" * 128 + b"DICM\x02\0\0\0UL\x04\0",
    b"\x08\0\x05\0CS",
    b"\x08\0\x08\0\x10\0\0\0",
    b"\0\x08\0\x05CS",
]
LIMITS = Limits(max_file_bytes=2**20, max_frame_pixels=2**18, max_total_pixels=2**20)
FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def attempt(data: Any) -> Any:
    try:
        source = read_bytes(data, limits=LIMITS)
    except InputError as refusal:
        code, sentence = refusal.code, str(refusal)
    else:
        code, sentence = "", "."
        assert source.scan.frames.dtype == np.uint8
    assert sentence.endswith(".")
    return code


@FEW
@given(head=st.sampled_from(HEADS), tail=st.binary(max_size=300))
@example(head=b"\x08\0\x05\0CS", tail=b"\xff\xff")
def test_random_bytes(head: Any, tail: Any) -> None:
    attempt(head + tail)
    assert sniff(head + tail)


def samples(make_dicom: Any) -> Any:
    scene = np.arange(16 * 24 * 3, dtype=np.uint8).reshape(16, 24, 3)
    found = [make_dicom(scene[None]), make_dicom(scene[None, ..., 0], preamble=False)]
    for form, options in (("PNG", {}), ("JPEG", {}), ("TIFF", {"compression": "tiff_lzw"}), ("BMP", {}), ("TIFF", {})):
        stream = BytesIO()
        Image.fromarray(scene).save(stream, form, **options)
        found.append(stream.getvalue())
    found.append(
        make_dicom(scene[None], syntax=uid.JPEGBaseline8Bit, encoded=[found[3]], PhotometricInterpretation="YBR_FULL")
    )
    return found


@FEW
@given(data=st.data())
def test_damaged_files(data: Any, make_dicom: Any) -> None:
    files = samples(make_dicom)
    damaged = bytearray(data.draw(st.sampled_from(files)))
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(damaged))))
    attempt(bytes(damaged[:cut]))


def test_the_whole_samples_are_read(make_dicom: Any) -> None:
    assert [attempt(data) for data in samples(make_dicom)] == [""] * 8


def test_what_is_no_file(tmp_path: Any) -> None:
    for path in (tmp_path, tmp_path / "nothing", tmp_path / "a\0b"):
        with pytest.raises(InputError) as caught:
            read(path)
        assert caught.value.code in {"unreadable", "not-a-file"}
        assert str(tmp_path) not in str(caught.value)
    empty = tmp_path / "empty.png"
    empty.touch()
    with pytest.raises(InputError) as caught:
        read(empty)
    assert caught.value.code == "empty"
    empty.write_bytes(b"x" * 100)
    with pytest.raises(InputError) as caught:
        read(empty, limits=Limits(max_file_bytes=99))
    assert caught.value.code == "too-large"
