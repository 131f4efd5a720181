"""Painted overlays: the masks are exactly the pixels that changed, and the strings are what was drawn."""

import subprocess
import sys

import numpy as np
import pytest

from bus_toolkit.errors import ConfigError
from bus_toolkit.geometry import Box, box_of_mask
from bus_toolkit.stage import Kind
from bus_toolkit.synth import (
    CHANCES,
    COLOURS,
    FAMILIES,
    PORTABLE,
    ROLES,
    Font,
    Ink,
    Stamp,
    across,
    bodymark,
    caliper,
    choose_font,
    colour_bar,
    compress_jpeg,
    contour_of,
    depth_scale,
    doppler,
    draw_text,
    dual_view,
    elastography,
    graphic,
    grey_bar,
    logo,
    make_text,
    mmode,
    outline,
    paint,
    paint_clip,
    paint_random,
    plan_random,
    spectral,
    text_stamp,
)
from bus_toolkit.synth.marks import LINES, MARKS, Mark

FONT = Font("bundled")
ALL = dict.fromkeys(CHANCES, 1.0)


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _blob(shape: tuple[int, int] = (200, 260)) -> np.ndarray:
    mask = np.zeros(shape, dtype=np.bool_)
    mask[60:120, 80:180] = True
    return mask


def _one_of_each() -> list[Stamp]:
    rng, ink = _rng(7), Ink(colour=COLOURS["green"])
    circle = tuple((100 + 30 * np.sin(a), 120 + 40 * np.cos(a)) for a in np.linspace(0, 6, 30))
    return [
        text_stamp("RT 10:00", (150, 30), FONT, 12, ink),
        text_stamp("boxed", (20, 30), FONT, 10, Ink(backing="box", back_colour=(0, 0, 90))),
        text_stamp("halo", (40, 30), FONT, 14, Ink(colour=COLOURS["yellow"], backing="halo", blur=0.6)),
        *caliper((60, 60), (130, 170), ink, digit=("1", FONT)),
        outline(circle, ink, line="dashed"),
        bodymark(rng, (160.0, 220.0), 40.0, ink),
        *depth_scale((10, 240), 150.0, ink, font=FONT),
        grey_bar((20, 4), 60, 8, tint=(1, 0.2, 0.2)),
        colour_bar((20, 200), 60, 8, flow="velocity"),
        logo("SONARIA", (-4, -20), FONT, 12, ink),
        graphic(rng, (30.0, 130.0), 12.0, ink),
        *doppler(rng, Box(50, 50, 150, 200), ink, flow="velocity", steered=True),
        elastography(rng, Box(60, 60, 100, 120)),
        spectral(rng, Box(150, 0, 200, 260)),
        mmode(rng, Box(150, 0, 200, 260), np.full((200, 260), 90, np.uint8)),
    ]


@pytest.mark.parametrize("stamp", _one_of_each(), ids=lambda stamp: f"{stamp.kind}-{stamp.role}")
def test_mask_is_exactly_what_changed(stamp: Stamp) -> None:
    # A pixel is drawn on when it comes out otherwise than it was over at least one of two backgrounds.
    changed = np.zeros((200, 260), dtype=np.bool_)
    for ground in (3, 128, 252):
        image = np.full((200, 260, 3), ground, dtype=np.uint8)
        painted = paint(image, [stamp])
        changed |= (painted.image != image).any(axis=2)
        assert (image == ground).all()  # the input is not touched
    overlay = painted.overlays[0]
    assert overlay.mask.any()
    assert (changed == overlay.mask).all()
    inner = box_of_mask(overlay.mask)
    assert overlay.box.intersect(inner) == inner
    if stamp.box is None:
        assert overlay.box == inner
    assert (overlay.kind, overlay.text, overlay.role) == (stamp.kind, stamp.text, stamp.role)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("colour", [False, True])
def test_random_scene_leaves_the_rest_alone(seed: int, colour: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    shape = (150, 190, 3) if colour else (150, 190)
    image = _rng(seed + 50).integers(0, 256, size=shape).astype(np.uint8)
    before = image.copy()
    painted = paint_random(_rng(seed), image, lesion_mask=_blob((150, 190)), families=PORTABLE)
    assert (image == before).all()
    expected = image if painted.image.ndim == image.ndim else np.repeat(image[..., np.newaxis], 3, axis=2)
    outside = ~painted.mask()
    assert (painted.image[outside] == expected[outside]).all()
    for overlay in painted.overlays:
        inner = box_of_mask(overlay.mask)
        assert overlay.box.intersect(inner) == inner
        assert overlay.box.clip(image.shape) == overlay.box
        if overlay.role in ROLES or overlay.role in {"digit", "vendor"}:
            assert overlay.text


def test_same_seed_same_scene() -> None:
    image = np.full((160, 200), 60, dtype=np.uint8)
    scenes = [paint_random(_rng(seed), image, chances=ALL, families=PORTABLE) for seed in (1, 1, 2)]
    assert scenes[0].image.tobytes() == scenes[1].image.tobytes()
    assert [o.text for o in scenes[0].overlays] == [o.text for o in scenes[1].overlays]
    assert scenes[0].image.tobytes() != scenes[2].image.tobytes()


def test_kinds_are_drawn_as_often_as_asked() -> None:
    image = np.full((300, 400), 60, dtype=np.uint8)
    every = {stamp.kind for stamp in plan_random(_rng(3), image, chances=ALL, families=PORTABLE)}
    assert every == set(CHANCES)
    assert plan_random(_rng(3), image, chances={}) == ()
    only = plan_random(_rng(3), image, chances={Kind.CALIPER: 1.0}, families=PORTABLE)
    assert {stamp.kind for stamp in only} == {Kind.CALIPER}


def test_scenes_vary() -> None:
    image = np.full((300, 400), 60, dtype=np.uint8)
    plans = [plan_random(_rng(seed), image, chances={Kind.TEXT: 1.0}, families=PORTABLE) for seed in range(60)]
    texts = [stamp for plan in plans for stamp in plan]
    assert len({stamp.text for stamp in texts}) > 60
    assert len({stamp.role for stamp in texts}) >= 8
    heights = sorted(stamp.alpha.shape[0] for stamp in texts)
    assert heights[len(heights) // 10] < 14
    assert heights[-len(heights) // 10] > 18
    assert len({tuple(stamp.colour[stamp.alpha == stamp.alpha.max()][0]) for stamp in texts}) > 5


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 3), (40, 300)])
def test_small_pictures_are_painted(shape: tuple[int, ...]) -> None:
    for seed in range(6):
        painted = paint_random(_rng(seed), np.zeros(shape, dtype=np.uint8), chances=ALL, families=PORTABLE)
        assert painted.image.shape[:2] == shape[:2]


def test_grey_stays_grey_until_colour_comes() -> None:
    image = np.zeros((40, 80), dtype=np.uint8)
    assert paint(image, [text_stamp("A", (5, 5), FONT, 10, Ink())]).image.ndim == 2
    assert paint(image, [text_stamp("A", (5, 5), FONT, 10, Ink(colour=COLOURS["cyan"]))]).image.ndim == 3


def test_a_logo_over_the_edge_is_clipped() -> None:
    image = np.zeros((60, 90), dtype=np.uint8)
    painted = paint(
        image, [logo("ECHOLINE", (-3, -30), FONT, 12, Ink()), logo("FAR AWAY", (500, 500), FONT, 12, Ink())]
    )
    cut, gone = painted.overlays
    assert cut.box.row0 == cut.box.col0 == 0
    assert cut.mask.any()
    assert cut.text == "ECHOLINE"
    assert not gone.mask.any()


@pytest.mark.parametrize("mark", MARKS)
def test_caliper_marks_sit_on_their_ends(mark: Mark) -> None:
    stamps = caliper((40, 50), (90, 150), Ink(), mark=mark, line="dotted", size=12, digit=("2", FONT))
    painted = paint(np.zeros((140, 200), dtype=np.uint8), stamps)
    roles = [overlay.role for overlay in painted.overlays]
    assert roles == ["line", "mark", "mark", "digit"]
    line, first, second, digit = painted.overlays
    for overlay, end in ((first, (40, 50)), (second, (90, 150))):
        grown = overlay.box.grow(1)
        assert grown.row0 <= end[0] <= grown.row1
        assert grown.col0 <= end[1] <= grown.col1
        assert 6 <= max(overlay.box.height, overlay.box.width) <= 17
    assert digit.text == "2"
    assert digit.kind is Kind.CALIPER
    dots = np.count_nonzero(np.diff(np.flatnonzero(line.mask.any(axis=0))) > 1)
    assert dots > 10


@pytest.mark.parametrize("line", LINES)
def test_lines_between_marks(line: str) -> None:
    stamps = caliper((40, 50), (90, 150), Ink(), line=line)  # type: ignore[arg-type]
    assert [stamp.role for stamp in stamps] == (["mark", "mark"] if line == "none" else ["line", "mark", "mark"])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("height", [8, 14, 24])
def test_letters_have_the_height_that_was_asked(family: str, height: int) -> None:
    font = choose_font(_rng(0), (family,))  # type: ignore[arg-type]
    ink = draw_text("H", font, height)
    assert abs(ink.shape[0] - height) <= max(3, height * 0.3)
    assert ink.max() > 150
    wide = draw_text("HHHH", font, height)
    assert wide.shape[1] > 2.5 * ink.shape[1]
    assert set(np.unique(wide)) - {0} == {value for value in np.unique(wide) if value >= 24}


def test_blank_text_has_no_ink_and_tiny_letters_are_refused() -> None:
    assert draw_text("  ", FONT, 12).size == 0
    with pytest.raises(ConfigError, match="at least 4"):
        draw_text("A", FONT, 3)


@pytest.mark.parametrize("families", [(), ("runes",)])
def test_font_families_are_checked(families: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="must be some of"):
        choose_font(_rng(), families)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ROLES)
def test_words_are_made_for_every_role(role: str) -> None:
    words = {make_text(_rng(seed), role) for seed in range(30)}  # type: ignore[arg-type]
    assert len(words) >= 6
    assert all(word.isascii() and word.strip() == word and word for word in words)


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(ConfigError, match="role must be"):
        make_text(_rng(), "rhyme")  # type: ignore[arg-type]


def test_doppler_keeps_colour_in_its_box() -> None:
    box = Box(40, 50, 140, 190)
    image = np.full((200, 260), 90, dtype=np.uint8)
    painted = paint(image, doppler(_rng(1), box, Ink(), flow="power", amount=0.1))
    assert {overlay.box for overlay in painted.overlays} == {box}
    flow = painted.overlays[0]
    assert flow.mask.sum() == pytest.approx(0.1 * box.area, rel=0.02)
    red, blue = painted.image[flow.mask][:, 0], painted.image[flow.mask][:, 2]
    assert (red > blue + 40).all()
    assert len(doppler(_rng(1), box, Ink(), amount=0.0)) == 1


def test_flow_stays_within_a_steered_frame() -> None:
    box = Box(20, 20, 180, 240)
    image = np.full((200, 260), 90, dtype=np.uint8)
    flow, frame = paint(image, doppler(_rng(4), box, Ink(), amount=0.6, steered=True)).overlays
    left, right = frame.mask.argmax(axis=1), 259 - frame.mask[:, ::-1].argmax(axis=1)
    assert np.ptp(left[30:170]) > 5  # it does lean
    rows, cols = np.nonzero(flow.mask)
    assert (cols >= left[rows] - 1).all()
    assert (cols <= right[rows] + 1).all()


@pytest.mark.parametrize("seed", range(10))
def test_a_steep_frame_stays_in_a_narrow_region(seed: int) -> None:
    box = Box(5, 20, 145, 31)
    for overlay in paint(np.zeros((150, 60), dtype=np.uint8), doppler(_rng(seed), box, Ink(), steered=True)).overlays:
        inner = box_of_mask(overlay.mask)
        assert box.intersect(inner) == inner


def test_dual_view_is_both_pictures_and_a_strip() -> None:
    left, right = np.full((50, 60), 80, np.uint8), np.full((50, 70), 120, np.uint8)
    painted = dual_view(left, right, gap=6)
    assert painted.image.shape == (50, 136)
    overlay = painted.overlays[0]
    assert overlay.kind is Kind.DUAL_VIEW
    assert overlay.box == Box(0, 0, 50, 136)
    assert (overlay.mask == (painted.image == 0)).all()


def test_clip_has_the_same_overlay_in_every_frame() -> None:
    frames = _rng(0).integers(0, 200, size=(5, 60, 90)).astype(np.uint8)
    new, painted = paint_clip(frames, [text_stamp("LT 4:00", (20, 20), Font("bitmap"), 10, Ink())])
    mask = painted.mask(Kind.TEXT)
    assert (new[:, mask] == 255).all()
    assert (new[:, ~mask] == frames[:, ~mask]).all()


def test_contour_and_chord_follow_the_lesion() -> None:
    mask = _blob()
    points = np.array(contour_of(mask, 0.0, _rng()))
    assert points[:, 0].min() == 60
    assert points[:, 1].max() == 179
    start, stop = across(mask, 0.0)
    assert (start[1], stop[1]) == pytest.approx((80, 179), abs=1)
    assert contour_of(np.zeros_like(mask), 1.0, _rng()) == ()
    assert len(across(np.zeros_like(mask), 0.0)) == 2


@pytest.mark.parametrize("shape", [(64, 80), (64, 80, 3)])
def test_jpeg_changes_little_and_keeps_channels(shape: tuple[int, ...]) -> None:
    image = np.zeros(shape, dtype=np.uint8)
    image[20:40] = 200
    if len(shape) == 3:
        image[..., 2] = 0
    out = compress_jpeg(image, 60)
    assert out.shape == image.shape
    assert 0 < np.abs(out.astype(int) - image).mean() < 12


def test_a_picture_of_another_type_is_refused() -> None:
    with pytest.raises(ConfigError, match="image must be uint8"):
        paint(np.zeros((4, 4)), [])  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="image must be uint8"):
        paint(np.zeros((4, 4, 4), dtype=np.uint8), [])


def test_texts_are_kept_out_of_reprs() -> None:
    stamp = text_stamp("ZONDOVA, INES", (1, 1), FONT, 10, Ink(), role="name")
    painted = paint(np.zeros((20, 90), dtype=np.uint8), [stamp])
    assert "ZONDOVA" not in repr(stamp) + repr(painted)


def test_synth_knows_only_the_contracts() -> None:
    code = (
        "import sys, bus_toolkit.synth\n"
        "rooms = {name.split('.')[1] for name in sys.modules if name.startswith('bus_toolkit.')}\n"
        "print(sorted(rooms - {'synth', 'geometry', 'stage', 'errors', 'scan', '_version'}))\n"
        "print(sorted({'pydicom', 'onnxruntime', 'rapidocr', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.split() == ["[]", "[]"]
