from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus_toolkit.errors import ConfigError
from bus_toolkit.screen import duplicates as module
from bus_toolkit.screen import fingerprint, group

Picture = np.ndarray


@pytest.fixture(scope="module")
def scans() -> list[Picture]:
    """Different scans: large structures on speckle."""
    rng = np.random.default_rng(11)
    made = []
    for _ in range(40):
        coarse = cv2.GaussianBlur(rng.normal(size=(300, 400)).astype(np.float32), (0, 0), sigmaX=28, sigmaY=12)
        speckle = cv2.GaussianBlur(rng.normal(size=(300, 400)).astype(np.float32), (0, 0), sigmaX=2, sigmaY=1)
        made.append(np.clip(110 + 45 * coarse / coarse.std() + 25 * speckle / speckle.std(), 0, 255).astype(np.uint8))
    return made


def _cropped(picture: Picture) -> Picture:
    return picture[8:-4, 6:-12]


def _resized(picture: Picture) -> Picture:
    return cv2.resize(picture, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)


def _brighter(picture: Picture) -> Picture:
    return np.clip(255 * (picture / 255.0) ** 0.7 * 1.1, 0, 255).astype(np.uint8)


def _written_on(picture: Picture) -> Picture:
    out = picture.copy()
    cv2.putText(out, "RT UOQ 12", (30, 260), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)
    cv2.line(out, (120, 140), (270, 160), 255, 1)
    cv2.line(out, (200, 80), (190, 220), 255, 1)
    return out


def _saved_again(picture: Picture) -> Picture:
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_GRAYSCALE)


def _in_colour(picture: Picture) -> Picture:
    return np.repeat(picture[..., np.newaxis], 3, axis=2)


@pytest.mark.parametrize(
    "change",
    [
        _cropped,
        _resized,
        _brighter,
        _written_on,
        _saved_again,
        _in_colour,
        lambda p: _brighter(_written_on(_cropped(p))),
    ],
)
def test_a_changed_copy_joins_its_original_and_nothing_else(
    scans: list[Picture], change: Callable[[Picture], Picture]
) -> None:
    prints = {f"{index:03d}": fingerprint(scan) for index, scan in enumerate(scans)}
    prints |= {f"{index:03d}-copy": fingerprint(change(scan)) for index, scan in enumerate(scans)}
    numbers = group(prints)
    assert [numbers[f"{index:03d}-copy"] for index in range(len(scans))] == list(range(len(scans)))
    assert [numbers[f"{index:03d}"] for index in range(len(scans))] == list(range(len(scans)))


def test_fingerprints_have_one_length_whatever_the_picture() -> None:
    for shape in ((1, 1), (1, 1, 3), (3, 900), (700, 2), (64, 64, 3)):
        code = fingerprint(np.full(shape, 77, np.uint8))
        assert len(code) == module.HEX_DIGITS
        int(code, 16)


def test_flat_pictures_join_only_their_equals(scans: list[Picture]) -> None:
    black, white = np.zeros((50, 60), np.uint8), np.full((90, 70), 255, np.uint8)
    numbers = group({"a": fingerprint(black), "b": fingerprint(white), "c": fingerprint(scans[0])})
    assert numbers["a"] == numbers["b"] != numbers["c"]


def test_groups_close_over_chains_and_do_not_depend_on_order(scans: list[Picture]) -> None:
    chain = {str(step): fingerprint(scans[0][:, 12 * step : 300 + 12 * step]) for step in range(6)}
    assert module.similarity(chain["0"], chain["5"]) < module.ALIKE
    numbers = group(chain)
    assert set(numbers.values()) == {0}
    assert group(dict(reversed(chain.items()))) == numbers


def test_the_blocks_of_a_large_run_change_nothing(scans: list[Picture], monkeypatch: pytest.MonkeyPatch) -> None:
    prints = {str(i): fingerprint(scan) for i, scan in enumerate(scans)}
    prints |= {f"{i}-copy": fingerprint(_cropped(scan)) for i, scan in enumerate(scans)}
    whole = group(prints)
    monkeypatch.setattr(module, "BLOCK", 7)
    monkeypatch.setattr(module, "BATCH", 2)
    assert group(prints) == whole


def test_nothing_gives_no_groups() -> None:
    assert group({}) == {}


@pytest.mark.parametrize("code", ["", "zz" * 288, "00" * 287])
def test_a_bad_fingerprint_is_refused(code: str) -> None:
    with pytest.raises(ConfigError, match="576 hexadecimal digits"):
        group({"a": code})


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 39), max_size=12))
def test_every_name_gets_a_group_and_equal_prints_one(picks: list[int]) -> None:
    rng = np.random.default_rng(2)
    codes = [rng.bytes(module.HEX_DIGITS // 2).hex() for _ in range(40)]
    prints = {f"{place:02d}": codes[pick] for place, pick in enumerate(picks)}
    numbers = group(prints)
    assert set(numbers) == set(prints)
    assert sorted(set(numbers.values())) == list(range(len(set(picks))))
