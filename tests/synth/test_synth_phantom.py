"""Phantoms: what is asked for is what is there."""

import numpy as np
import pytest

from bus_toolkit.errors import ConfigError
from bus_toolkit.geometry import Box
from bus_toolkit.synth import Look, make_clip, make_phantom
from bus_toolkit.synth.tissue import LESION_KINDS, LesionKind
from bus_toolkit.synth.views import FAN_SHAPES, FanShape, make_view

CALM = Look(looks=4, range_db=60, gain_db=-12, gamma=1.0)


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("fan", FAN_SHAPES)
@pytest.mark.parametrize("background", [0, 205, (26, 34, 62)])
def test_background_fills_what_is_outside_the_fan(fan: FanShape, background: int | tuple[int, int, int]) -> None:
    phantom = make_phantom(_rng(3), rows=120, cols=160, fan=fan, background=background)
    assert phantom.image.shape[:2] == phantom.fan_mask.shape == phantom.lesion_mask.shape == (120, 160)
    assert phantom.image.dtype == np.uint8
    assert phantom.image.ndim == (3 if isinstance(background, tuple) else 2)
    assert (phantom.image[~phantom.fan_mask] == background).all()
    assert phantom.fan_mask.all() == (fan == "full")


@pytest.mark.parametrize("fan", FAN_SHAPES)
def test_fan_lies_within_the_picture_and_is_well_filled(fan: FanShape) -> None:
    for seed in range(12):
        view = make_view(_rng(seed), (200, 260), fan)
        rows, cols = np.nonzero(view.mask)
        assert np.ptp(rows) > 90
        assert np.ptp(cols) > 100
        if fan != "full":  # nothing touches the edge: the whole fan is to be seen
            assert min(rows.min(), cols.min()) > 0
            assert rows.max() < 199
            assert cols.max() < 259


def test_fans_have_their_shape() -> None:
    top: dict[str, float] = {}
    for fan in FAN_SHAPES:
        mask = make_view(_rng(1), (300, 400), fan).mask
        cols = [np.ptp(np.flatnonzero(row)) for row in mask if row.any()]
        top[fan] = cols[8] / max(cols)  # how wide the fan is near the probe
    assert top["sector"] < 0.2 < top["curved"] < 0.75 < top["linear"] <= top["full"] == 1


@pytest.mark.parametrize("lesion", LESION_KINDS)
def test_lesion_mask_marks_what_is_darker(lesion: LesionKind) -> None:
    phantom = make_phantom(_rng(8), rows=260, cols=320, fan="full", lesion=lesion, look=CALM)
    if lesion == "normal":
        assert not phantom.lesion_mask.any()
        assert phantom.lesion_box == Box(0, 0, 0, 0)
        return
    box = phantom.lesion_box
    around = np.zeros_like(phantom.lesion_mask)
    around[box.grow(12).clip(around.shape).slices] = True
    inside, outside = phantom.image[phantom.lesion_mask], phantom.image[around & ~phantom.lesion_mask]
    assert inside.mean() < outside.mean() - 25
    assert 0.005 < phantom.lesion_mask.mean() < 0.3


def _behind(lesion: LesionKind) -> float:
    """Mean grey straight behind the lesion, less that at the same depth beside it, over a few seeds."""
    gaps = []
    for seed in range(6):
        phantom = make_phantom(_rng(seed), rows=220, cols=280, fan="full", lesion=lesion, look=CALM)
        box = phantom.lesion_box
        rows = slice(box.row1 + 2, min(box.row1 + 22, 220))
        middle = (box.col0 + box.col1) // 2
        quarter = max(2, box.width // 4)
        image = phantom.image.astype(float)
        beside = np.concatenate([image[rows, : max(box.col0 - 8, 1)], image[rows, box.col1 + 8 :]], axis=1)
        gaps.append(image[rows, middle - quarter : middle + quarter].mean() - beside.mean())
    return float(np.mean(gaps))


def test_cysts_enhance_and_cancers_shadow() -> None:
    assert _behind("cyst") > 12
    assert _behind("malignant") < -12


def test_same_seed_same_bytes_and_other_seed_other_bytes() -> None:
    first = make_phantom(_rng(4), rows=90, cols=110, fan="curved").image
    assert first.tobytes() == make_phantom(_rng(4), rows=90, cols=110, fan="curved").image.tobytes()
    assert first.tobytes() != make_phantom(_rng(5), rows=90, cols=110, fan="curved").image.tobytes()


def test_clip_moves_a_little_and_stays_the_same_tissue() -> None:
    clip = make_clip(_rng(2), frames=6, rows=120, cols=150, fan="full", lesion="cyst")
    assert clip.frames.shape == (6, 120, 150)
    assert (clip.frames[0] == clip.first.image).all()
    assert clip.shifts[0] == (0, 0)
    for frame, (down, right) in zip(clip.frames[1:].astype(float), clip.shifts[1:], strict=True):
        back = np.roll(frame, (down, right), axis=(0, 1))[20:-20, 20:-20].ravel()
        assert np.corrcoef(back, clip.frames[0][20:-20, 20:-20].ravel())[0, 1] > 0.85
        assert (frame != clip.frames[0]).mean() > 0.3


def test_tint_makes_colour() -> None:
    phantom = make_phantom(_rng(0), rows=64, cols=64, fan="full", look=Look(tint=(0.8, 0.9, 1.0)))
    assert phantom.image.shape == (64, 64, 3)
    assert phantom.image[..., 2].mean() > phantom.image[..., 0].mean() * 1.15


@pytest.mark.parametrize(
    "wrong",
    [{"fan": "round"}, {"lesion": "odd"}, {"background": 256}, {"background": (1, 2)}, {"rows": 8}, {"cols": 31}],
)
def test_wrong_words_and_sizes_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="must"):
        make_phantom(_rng(), **{"rows": 64, "cols": 64, **wrong})  # type: ignore[arg-type]


def test_no_frames_are_refused() -> None:
    with pytest.raises(ConfigError, match="one frame"):
        make_clip(_rng(), frames=0)
