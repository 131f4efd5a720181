import numpy as np
import pytest

from bus_toolkit.selftest.painting import APART, HEIGHTS, LEAST_CONTRAST, ROOM, ink_of, plan_identities
from bus_toolkit.selftest.places import PLACES
from bus_toolkit.synth import make_phantom, paint


@pytest.fixture(scope="module")
def framed() -> tuple[np.ndarray, np.ndarray]:
    """A sector with a broad frame that reaches the lower edge, and its mask."""
    phantom = make_phantom(np.random.default_rng(1), rows=380, cols=380, fan="full")
    picture, mask = np.zeros((460, 640), np.uint8), np.zeros((460, 640), dtype=np.bool_)
    picture[80:, 130:510], mask[80:, 130:510] = phantom.image, True
    return picture, mask


def test_strings_lie_where_they_say_apart_and_can_be_seen(framed: tuple[np.ndarray, np.ndarray]) -> None:
    picture, sector = framed
    seen = set()
    for seed in range(6):
        strings = plan_identities(np.random.default_rng(seed), picture, sector, 6)
        assert len(strings) >= 4
        assert sum(int(sector[one.box.slices].sum()) for one in strings) <= ROOM * sector.sum()
        for number, one in enumerate(strings):
            seen.add(one.place)
            inside = float(sector[one.ink].mean())
            assert {"tissue": inside == 1, "outside": inside == 0, "sector-edge": 0 < inside < 1}.get(one.place, True)
            cut = one.ink[0].any() or one.ink[-1].any() or one.ink[:, 0].any() or one.ink[:, -1].any()
            assert cut or one.place != "picture-edge"
            assert HEIGHTS[0] - 1 <= one.height <= HEIGHTS[1] + 2
            assert one.contrast >= LEAST_CONTRAST
            assert not any(one.box.grow(APART).intersect(other.box).area for other in strings[number + 1 :])
    assert seen == set(PLACES)


def test_ink_is_inside_what_painting_changes(framed: tuple[np.ndarray, np.ndarray]) -> None:
    picture, sector = framed
    strings = plan_identities(np.random.default_rng(2), picture, sector, 5)
    overlays = paint(picture, [one.stamp for one in strings]).overlays
    painted = ink_of(strings, picture.shape)
    for one, overlay in zip(strings, overlays, strict=True):
        assert one.ink.any()
        assert not (one.ink & ~overlay.mask).any()
        assert one.box.clip(picture.shape) == one.box
    assert np.array_equal(painted, np.logical_or.reduce([overlay.mask for overlay in overlays]))


def test_the_same_seed_gives_the_same_strings(framed: tuple[np.ndarray, np.ndarray]) -> None:
    picture, sector = framed
    first, again, other = (plan_identities(np.random.default_rng(seed), picture, sector, 3) for seed in (5, 5, 6))
    assert [(one.text, one.box, one.contrast) for one in first] == [(one.text, one.box, one.contrast) for one in again]
    assert [one.text for one in first] != [one.text for one in other]


def test_a_sector_that_fills_the_picture_has_nothing_beside_it() -> None:
    picture = make_phantom(np.random.default_rng(4), rows=300, cols=400, fan="full").image
    whole = np.ones(picture.shape, dtype=np.bool_)
    places = {one.place for seed in range(5) for one in plan_identities(np.random.default_rng(seed), picture, whole, 3)}
    assert places == {"tissue", "picture-edge"}


def test_a_picture_without_room_gets_none() -> None:
    assert plan_identities(np.random.default_rng(0), np.zeros((8, 8), np.uint8), np.ones((8, 8), np.bool_), 3) == ()


def test_no_text_is_in_a_repr(framed: tuple[np.ndarray, np.ndarray]) -> None:
    strings = plan_identities(np.random.default_rng(2), *framed, 3)
    assert not any(one.text in repr(one) for one in strings)
