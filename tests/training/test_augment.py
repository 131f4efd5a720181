"""What augmentation does to a picture, one thing at a time, and that it leaves alone what it must."""

from typing import Any

import numpy as np
import pytest

from bus_toolkit.errors import ConfigError
from bus_toolkit.training.augment import Augmentation, augmented, reseed

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
NOTHING = {"flip": False, "rotation": 0, "zoom": 0, "shift": 0, "brightness": 0, "contrast": 0, "speckle": 0}
SIDE = 32


def varied(pictures: np.ndarray, *, training: bool = True, epoch: int = 0, **ranges: Any) -> np.ndarray:
    """What a model that gives back its pictures sees."""
    import keras

    inputs = keras.Input(pictures.shape[1:], dtype="uint8")
    model = keras.Model(inputs, keras.layers.Identity(dtype="uint8")(inputs))
    whole = augmented(model, Augmentation(**{**NOTHING, **ranges}), seed=5)
    reseed(whole, 5, epoch)
    result = np.asarray(whole(pictures, training=training))
    assert result.dtype == np.uint8
    assert result.shape == pictures.shape
    return result


def pictures(count: int = 64) -> np.ndarray:
    values = np.random.default_rng(0).integers(40, 180, (count, SIDE, SIDE, 1), np.uint8)
    values[:, :4] = 0
    return values


def test_nothing_asked_for_is_nothing_done() -> None:
    assert np.array_equal(varied(pictures()), pictures())


def test_outside_training_nothing_is_done() -> None:
    ranges = {
        "flip": True,
        "rotation": 10,
        "zoom": 0.1,
        "shift": 0.1,
        "brightness": 0.1,
        "contrast": 0.2,
        "speckle": 0.1,
    }
    assert np.array_equal(varied(pictures(), training=False, **ranges), pictures())


def test_a_flip_mirrors_left_and_right_and_about_half() -> None:
    before, after = pictures(), varied(pictures(), flip=True)
    mirrored = (after == before[:, :, ::-1]).all(axis=(1, 2, 3))
    same = (after == before).all(axis=(1, 2, 3))
    assert (mirrored | same).all()
    assert 16 < mirrored.sum() < 48


def test_a_shift_moves_within_its_range_and_brings_in_black() -> None:
    before = np.full((64, SIDE, SIDE, 1), 200, np.uint8)
    after = varied(before, shift=0.25)
    covered = (after > 0).mean(axis=(1, 2, 3))
    assert covered.min() >= 0.75**2 - 0.05
    assert covered.mean() < 0.9


def test_a_rotation_turns_about_the_middle_within_its_range() -> None:
    before = np.zeros((64, SIDE, SIDE, 1), np.uint8)
    before[:, 15:17, :] = 255
    after = varied(before, rotation=20)[..., 0].astype(float)
    left = (after[:, :, 3] * np.arange(SIDE)).sum(axis=1) / after[:, :, 3].sum(axis=1)
    angles = np.degrees(np.arctan((left - 15.5) / 12.5))
    assert 12 < np.abs(angles).max() <= 21
    assert (after[:, 15:17, 15:17] > 200).all()


def test_a_zoom_scales_within_its_range() -> None:
    before = np.zeros((64, SIDE, SIDE, 1), np.uint8)
    before[:, 8:24, 8:24] = 255
    sides = np.sqrt((varied(before, zoom=0.25) > 127).sum(axis=(1, 2, 3)))
    assert 12 <= sides.min() < 14
    assert 18 < sides.max() <= 20


def test_brightness_adds_within_its_range_and_leaves_black_alone() -> None:
    before = pictures()
    after = varied(before, brightness=0.1)
    moved = (after.astype(int) - before)[:, 4:].mean(axis=(1, 2, 3))
    assert 15 < np.abs(moved).max() <= 26
    assert (after[:, :4] == 0).all()


def test_contrast_stretches_within_its_range() -> None:
    before = np.full((64, SIDE, SIDE, 1), 100, np.uint8)
    before[:, ::2] = 140
    after = varied(before, contrast=0.25).astype(float)
    spread = after[:, ::2].mean(axis=(1, 2, 3)) - after[:, 1::2].mean(axis=(1, 2, 3))
    assert 29 <= spread.min() < 35
    assert 45 < spread.max() <= 51


def test_speckle_is_multiplicative_and_has_a_grain_of_two_pixels() -> None:
    dark = np.full((64, SIDE, SIDE, 1), 50, np.uint8)
    bright = np.full((64, SIDE, SIDE, 1), 150, np.uint8)
    noise = {"dark": varied(dark, speckle=0.2), "bright": varied(bright, speckle=0.2)}
    assert noise["bright"].std() / noise["dark"].std() == pytest.approx(3, rel=0.05)
    assert np.array_equal(noise["bright"][:, ::2, ::2], noise["bright"][:, 1::2, 1::2])
    each = noise["bright"].std(axis=(1, 2, 3)) / 150
    assert each.min() < 0.05
    assert each.max() <= 0.21


def test_the_epoch_decides_what_is_drawn() -> None:
    first, again, other = (varied(pictures(8), shift=0.2, epoch=epoch) for epoch in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("ranges", [{"rotation": 90}, {"zoom": -0.1}, {"speckle": 0.6}])
def test_ranges_have_bounds(ranges: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="must be between"):
        Augmentation(**ranges)
