"""What the segmenter is taught is true, varied and the same for the same seed."""

import numpy as np
import pytest

from bus_toolkit.overlays.engines.segmenter import CLASSES, planes_of
from bus_toolkit.segmenter.lessons import Teacher, class_of, truth_of
from bus_toolkit.segmenter.negatives import add_negatives
from bus_toolkit.segmenter.spec import Spec, padding
from bus_toolkit.segmenter.strings import make_string
from bus_toolkit.stage import Kind
from bus_toolkit.synth import Font, Ink, make_phantom, paint, text_stamp


@pytest.fixture(scope="module")
def teacher() -> Teacher:
    rng = np.random.default_rng(1)
    grey = make_phantom(rng, rows=160, cols=200, fan="full").image
    return Teacher(backgrounds=(grey, np.stack([grey] * 3, axis=-1)), side=96)


def test_lessons_are_what_the_network_takes(teacher: Teacher) -> None:
    seen, truth = teacher.batch((1, 0), 7)
    assert seen.shape == (7, 96, 96, 2)
    assert seen.dtype == np.float32
    assert 0.0 <= seen.min() <= seen.max() <= 1.0
    assert truth.shape == (7, 96, 96, len(CLASSES))
    assert set(np.unique(truth)) == {0, 1}


def test_the_same_seed_gives_the_same_lessons_and_another_others(teacher: Teacher) -> None:
    first, again, other = (teacher.batch(seed, 4) for seed in ((3, 5), (3, 5), (3, 6)))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


def test_every_class_is_taught(teacher: Teacher) -> None:
    drawn = sum(teacher.batch((9, step), 12)[1].sum(axis=(0, 1, 2)) for step in range(6))
    assert np.all(np.asarray(drawn) > 0)


def test_truth_is_exactly_what_was_painted_and_hidden_things_are_gone() -> None:
    ground = np.full((60, 120), 40, dtype=np.uint8)
    font = Font("bundled")
    under = text_stamp("UNDER", (20, 20), font, 12, Ink())
    alone = paint(ground, [under])
    truth = truth_of(alone.overlays, (60, 120))
    assert np.array_equal(truth[CLASSES.index("text")], alone.image != ground)
    plate = text_stamp("X", (10, 10), font, 30, Ink(backing="box"), kind=Kind.GRAPHIC, role="sign")
    both = truth_of(paint(ground, [under, plate]).overlays, (60, 120))
    assert not (both[CLASSES.index("text")] & both[CLASSES.index("graphic")]).any()


@pytest.mark.parametrize(
    ("kind", "role", "wanted"),
    [
        (Kind.LOGO, "vendor", "text"),
        (Kind.CALIPER, "digit", "text"),
        (Kind.SCALE, "digit", "text"),
        (Kind.CALIPER, "mark", "caliper"),
        (Kind.DOPPLER, "frame", "graphic"),
        (Kind.DOPPLER, "flow", None),
        (Kind.MMODE, "strip", None),
    ],
)
def test_classes(kind: Kind, role: str, wanted: str | None) -> None:
    assert class_of(kind, role) == wanted


def test_fonts_that_are_left_out_are_not_used(teacher: Teacher) -> None:
    strict = Teacher(backgrounds=teacher.backgrounds, side=96, fonts_left_out=("DejaVu", "0", "1", "2", "3", "4"))
    names = {strict._font(np.random.default_rng(seed)).name for seed in range(200)}
    assert not [name for name in names if name.rpartition("/")[2].startswith(("DejaVu", "0", "1", "2", "3", "4"))]


def test_negatives_are_bright_and_have_no_colour_of_their_own() -> None:
    image = np.full((120, 160), 30, dtype=np.uint8)
    rng = np.random.default_rng(4)
    made = [add_negatives(rng, image) for _ in range(12)]
    assert any((picture > 100).any() for picture in made)
    assert all((picture >= 30).all() for picture in made)
    assert image.max() == 30


def test_strings_are_many() -> None:
    rng = np.random.default_rng(0)
    strings = [make_string(rng) for _ in range(300)]
    assert len(set(strings)) > 200
    assert all(strings)
    assert any(len(text) <= 2 for text in strings)


def test_a_colour_is_seen_as_coloured_and_grey_is_not() -> None:
    picture = np.zeros((4, 4, 3), dtype=np.uint8)
    picture[0, 0], picture[1, 1] = (255, 255, 255), (0, 200, 0)
    bright, chroma = planes_of(picture)
    assert (bright[0, 0], chroma[0, 0]) == (1.0, 0.0)
    assert bright[1, 1] == chroma[1, 1] == pytest.approx(200 / 255)
    assert np.array_equal(planes_of(np.full((3, 5), 51, np.uint8))[0], np.full((3, 5), np.float32(0.2)))


def test_specification_names_every_layer_once_and_halves_evenly() -> None:
    layers = list(Spec().layers())
    known = {"planes"}
    for layer in layers:
        assert set(layer.inputs) <= known
        assert layer.name not in known
        known.add(layer.name)
    assert layers[-1].channels == len(CLASSES)
    for kernel, stride in ((5, 2), (3, 2), (3, 1), (1, 1)):
        assert (64 + sum(padding(kernel, stride)) - kernel) // stride + 1 == 64 // stride
