"""Made pictures of every kind over phantoms: what must be found, and what must not."""

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import pytest

from bus_toolkit.fan import FindFan
from bus_toolkit.scan import Scan
from bus_toolkit.screen import Screen
from bus_toolkit.stage import OPERATING_POINT, Kind
from bus_toolkit.synth import make_phantom
from bus_toolkit.synth.challenge import CHALLENGES, lesion_in

Picture = np.ndarray
Make = Callable[..., Picture]
SCREEN = Screen()
SEEDS = 3


@cache
def _scans(seed: int) -> tuple[Picture, Picture]:
    one, other = (
        make_phantom(np.random.default_rng((seed, which)), rows=300, cols=380, fan="full", lesion="benign").image
        for which in range(2)
    )
    return one, other


def _made(name: str, seed: int) -> Picture:
    return CHALLENGES[name].make(np.random.default_rng((seed, *name.encode())), *_scans(seed))


def _kinds(picture: Picture) -> set[Kind]:
    scan = Scan.from_array(picture)
    return {finding.kind for finding in SCREEN.examine(scan, (FindFan().examine(scan),)).findings}


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("colour Doppler", 2),
        ("power Doppler", 2),
        ("box in colour", 1),
        ("elastography over", 3),
        ("two views", 2),
        ("M-mode below", 2),
        ("contact lost", 2),
        ("photo of a screen", 2),
        ("filled mask", 2),
        ("mask picture", 2),
    ],
)
def test_most_pictures_of_a_kind_are_found(name: str, least: int) -> None:
    found = [CHALLENGES[name].shows & _kinds(_made(name, seed)) for seed in range(SEEDS)]
    assert sum(map(bool, found)) >= least


@pytest.mark.parametrize("name", ["plain", "tinted", "with marks"])
def test_plain_scans_with_tints_and_marks_are_none_of_these(name: str) -> None:
    found = [_kinds(_made(name, seed)) for seed in range(SEEDS)]
    other = {Kind.PHOTO, Kind.MASK, Kind.MMODE, Kind.SPECTRAL, Kind.ELASTOGRAPHY, Kind.BLANK}
    assert not any(other & kinds for kinds in found)
    # Small coloured letters in a sector that was found too wide are close to the least flow that counts.
    assert sum(Kind.DOPPLER in kinds for kinds in found) <= 1


def test_a_recipe_gives_the_same_pixels_again() -> None:
    for name in CHALLENGES:
        assert np.array_equal(_made(name, 0), _made(name, 0)), name


def test_a_large_cyst_is_not_lost_contact(tissue: Make) -> None:
    picture = tissue()
    cv2.ellipse(picture, (250, 170), (170, 110), 0, 0, 360, 2, -1)
    assert Kind.BLANK not in _kinds(picture)


def test_lost_contact_leaves_a_strip(tissue: Make) -> None:
    picture = tissue()
    picture[30:, 90:] = 1
    assert Kind.BLANK in _kinds(picture)


@pytest.mark.parametrize("value", [90, 140, 190])
def test_a_box_of_the_tissues_own_grey_is_found(tissue: Make, value: int) -> None:
    picture = tissue()
    cv2.rectangle(picture, (120, 60), (330, 220), value, 1)
    assert Kind.DOPPLER in _kinds(picture)


@pytest.mark.parametrize(
    ("colour", "opacity"),
    [((255, 255, 255), 1.0), ((255, 0, 0), 1.0), ((0, 200, 60), 1.0), ((255, 0, 0), 0.55), ((0, 200, 60), 0.55)],
)
def test_a_painted_lesion_is_a_mask(tissue: Make, rgb: Make, colour: tuple[int, ...], opacity: float) -> None:
    picture = rgb(tissue())
    lesion = lesion_in(np.random.default_rng(3), picture)
    picture[lesion] = (picture[lesion] * (1 - opacity) + np.array(colour) * opacity).astype(np.uint8)
    found = [item for item in SCREEN.examine(Scan.from_array(picture)).findings if item.kind is Kind.MASK]
    assert len(found) == 1
    assert found[0].box is not None
    assert found[0].score >= OPERATING_POINT


def test_the_edge_of_a_map_is_no_seam(tissue: Make, rgb: Make, with_map: Make) -> None:
    picture = with_map(rgb(tissue()), (10, 240, 350, 440), 0.7)
    kinds = _kinds(picture)
    assert Kind.ELASTOGRAPHY in kinds
    assert Kind.DUAL_VIEW not in kinds


@pytest.mark.parametrize("fan", ["curved", "sector", "linear"])
def test_a_sector_is_one_view_and_no_trace_for_all_its_shape(fan: str) -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        image = make_phantom(rng, rows=380, cols=560, fan=fan, lesion="benign").image  # type: ignore[arg-type]
        scan = Scan.from_array(image)
        found = Screen().examine(scan, (FindFan().examine(scan),)).findings
        assert not {one.kind for one in found} & {Kind.DUAL_VIEW, Kind.SPECTRAL, Kind.MMODE}
