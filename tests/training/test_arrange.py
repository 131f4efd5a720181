"""Frozen parts that are run once, over varied copies or none, and last layers that begin fitted."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bus_toolkit import models
from bus_toolkit.errors import ConfigError
from bus_toolkit.training.arrange import _Copies, arrange, fit_last_layer
from bus_toolkit.training.feed import Feed
from bus_toolkit.training.fit import Lesson, fit
from bus_toolkit.training.recipe import Recipe
from bus_toolkit.training.run import train

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
CLASSES = ("benign", "malignant", "normal")
COUNT = 36


def recipe(**changes: Any) -> Recipe:
    return Recipe(**{"arch": "tinycnn", "image_size": 32, "batch_size": 8, "epochs": 2, "runs": 1, **changes})


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of weights of the net without its head, as pretrained weights come: they leave the head at random."""
    path = tmp_path_factory.mktemp("weights") / "tiny.keras"
    models.save_model(models.build_model("tinycnn", classes=("a", "b"), image_size=32, seed=3), path)
    return path


def lesson() -> Lesson:
    rng = np.random.default_rng(5)
    kinds = np.arange(COUNT) % 3
    pictures = (rng.integers(0, 50, (COUNT, 32, 32, 1)) + 70 * kinds[:, None, None, None]).astype(np.uint8)
    places = np.arange(0, COUNT - 6)
    feed = Feed(pictures=pictures, places=places, classes=kinds[places], class_count=3, batch_size=8, seed=1)
    rest = np.arange(COUNT - 6, COUNT)
    return Lesson(feed=feed, val_places=rest, val_classes=kinds[rest], classes=CLASSES)


def model(weights: Path | None = None) -> Any:
    return models.build_model("tinycnn", classes=CLASSES, image_size=32, pretrained=weights or False, seed=1)


def test_what_a_frozen_part_makes_of_scans_is_kept_for_the_next_training(tmp_path: Path) -> None:
    net = model()
    told: list[tuple[int, int]] = []
    models.set_trainable(net, freeze=False, fine_tune_from="conv3_point")
    asked = recipe(fine_tune_from="conv3_point", augment=False)
    first = arrange(net, asked, lesson(), seed=1, cache=tmp_path, tell=lambda *words: told.append(words))
    assert told[-1] == (COUNT, COUNT)
    count = len(told)
    again = arrange(net, asked, lesson(), seed=2, cache=tmp_path, tell=lambda *words: told.append(words))
    assert len(list(tmp_path.iterdir())) == 1
    assert len(told) == count
    np.testing.assert_array_equal(first.lesson.feed.pictures, again.lesson.feed.pictures)
    assert first.lesson.feed.views is None
    batch = next(iter(first.lesson.feed.batches(0)))
    assert batch.pictures.dtype == np.float32
    chosen = first.lesson.feed.order(0)[:8]
    whole = net.predict(lesson().feed.pictures[chosen], verbose=0)
    np.testing.assert_allclose(first.asked.predict(batch.pictures, verbose=0), whole, atol=2e-3)


def test_other_weights_are_other_features(tmp_path: Path) -> None:
    asked = recipe(freeze=True, augment=False)
    for seed in (1, 2):
        net = models.build_model("tinycnn", classes=CLASSES, image_size=32, seed=seed)
        arrange(net, asked, lesson(), seed=1, cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_copies_vary_and_belong_to_their_scans(tmp_path: Path) -> None:
    net = model()
    models.set_trainable(net, freeze=True)
    ready = arrange(net, recipe(freeze=True, views=3), lesson(), seed=1, cache=tmp_path)
    feed = ready.lesson.feed
    assert feed.pictures.shape == (COUNT * 4, 64)
    assert feed.views is not None
    assert feed.views.shape == (3, len(feed.places))
    plain, copies = feed.pictures[feed.places], feed.pictures[feed.views]
    assert (np.abs(copies - plain).max(axis=2) > 0).all()
    # A copy is nearer to its own scan than to those of other classes: its brightness is its class.
    distance = np.linalg.norm(copies[:, :, None] - plain[None, None], axis=3)
    nearest = feed.classes[distance.argmin(axis=2)]
    assert (nearest == feed.classes).mean() > 0.8
    shown = {tuple(feed._shown(epoch)) for epoch in range(4)}
    assert len(shown) == 4
    assert all(set(one) <= set(feed.views.ravel().tolist()) for one in shown)


def test_validation_is_never_asked_about_a_copy(tmp_path: Path) -> None:
    net = model()
    models.set_trainable(net, freeze=True)
    ready = arrange(net, recipe(freeze=True, views=2), lesson(), seed=1, cache=tmp_path)
    seen = ready.asked.predict(ready.lesson.feed.pictures[ready.lesson.val_places], verbose=0)
    whole = net.predict(lesson().feed.pictures[lesson().val_places], verbose=0)
    np.testing.assert_allclose(seen, whole, atol=1e-5)


def test_the_last_layer_begins_with_what_it_can_know(weights: Path, tmp_path: Path) -> None:
    net = model(weights)
    ready = arrange(net, recipe(), lesson(), seed=1, cache=tmp_path)
    before = net.predict(lesson().feed.pictures, verbose=0)
    assert fit_last_layer(net, ready, 8)
    after = net.predict(lesson().feed.pictures, verbose=0)
    kinds = np.arange(COUNT) % 3
    assert (after.argmax(axis=1) == kinds).mean() == 1.0
    assert (before.argmax(axis=1) == kinds).mean() < 0.8
    assert not fit_last_layer(net, ready, 8), "a layer that was trained must be left as it is"


def test_a_channel_that_hardly_answers_gets_no_huge_weight(weights: Path, tmp_path: Path) -> None:
    net = model(weights)
    layer = net.get_layer("conv3_bn")
    gamma, beta, *statistics = layer.get_weights()
    gamma[:4], beta[:4] = gamma[:4] * 1e-5, 0.0
    layer.set_weights([gamma, beta, *statistics])
    assert fit_last_layer(net, arrange(net, recipe(), lesson(), seed=1, cache=tmp_path), 8)
    kernel = np.abs(net.get_layer("head_logits").get_weights()[0])
    assert kernel[:4].max() < 0.01 * kernel.max()


def test_two_classes_have_two_outputs(tmp_path: Path) -> None:
    net = models.build_model("tinycnn", classes=("benign", "malignant"), image_size=32, seed=1)
    feed = lesson().feed
    kinds = (np.arange(len(feed.places)) % 3 == 2).astype(np.int64)
    pair = dataclasses.replace(lesson(), feed=dataclasses.replace(feed, classes=kinds, class_count=2))
    assert fit_last_layer(net, arrange(net, recipe(), pair, seed=1, cache=tmp_path), 8)
    score = net.predict(feed.pictures[feed.places], verbose=0)[:, 1]
    assert score[kinds == 1].min() > score[kinds == 0].max()
    assert score.mean() == pytest.approx(kinds.mean(), abs=0.01), "its bias is that of the classes"


def test_a_class_without_scans_leaves_the_layer_at_random(tmp_path: Path) -> None:
    net = model()
    feed = lesson().feed
    few = dataclasses.replace(lesson(), feed=dataclasses.replace(feed, classes=np.minimum(feed.classes, 1)))
    assert not fit_last_layer(net, arrange(net, recipe(), few, seed=1, cache=tmp_path), 8)


@pytest.mark.parametrize(
    "changes", [{}, {"fine_tune_from": "conv3_point", "views": 2}, {"freeze": True, "augment": False}]
)
def test_batch_normalisations_keep_what_they_were_pretrained_to(
    weights: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    net = fit(recipe(pretrained=str(weights), **changes), lesson(), tmp_path, seed=1, pretrained=weights)
    before = models.load_model(weights)
    for layer in before.layers:
        if layer.name.endswith("_bn"):
            for old, new in zip(layer.get_weights(), net.get_layer(layer.name).get_weights(), strict=True):
                np.testing.assert_array_equal(old, new)
    kernels = [one.get_layer("conv3_point").get_weights()[0] for one in (before, net)]
    assert np.array_equal(*kernels) == ("freeze" in changes)


def test_batch_normalisations_may_learn(weights: Path, tmp_path: Path) -> None:
    asked = recipe(pretrained=str(weights), freeze_batch_norm=False)
    net = fit(asked, lesson(), tmp_path, seed=1, pretrained=weights)
    statistics = [one.get_layer("conv3_bn").get_weights() for one in (models.load_model(weights), net)]
    assert all(np.abs(old - new).max() > 0 for old, new in zip(*statistics, strict=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"views": 4}, "views must go with augmentation, and with freeze or fine_tune_from"),
        ({"views": 4, "freeze": True, "augment": False}, "views must go with augmentation"),
        ({"views": -1}, "views must be 0"),
        ({"freeze_batch_norm": True}, "must go with pretrained weights"),
        ({"fit_last_layer": True}, "must go with pretrained weights"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        recipe(**changes)


def test_defaults_depend_on_pretrained_weights() -> None:
    assert not recipe().holds_batch_norm
    assert not recipe().fits_last_layer
    assert (recipe().mixing, recipe().smoothing) == (0, 0)
    made = recipe(pretrained="imagenet")
    assert (made.mixing, made.smoothing, made.rate) == (0.4, 0.05, pytest.approx(3e-4))
    assert recipe(arch="vgg16", pretrained="imagenet").rate == pytest.approx(1e-4)
    made = recipe(pretrained="imagenet", mixup=0.0, label_smoothing=0.0)
    assert (made.mixing, made.smoothing) == (0, 0)
    assert recipe(pretrained="imagenet").holds_batch_norm
    assert recipe(pretrained="imagenet").fits_last_layer
    assert not recipe(pretrained="imagenet", fit_last_layer=False).fits_last_layer


def test_a_run_tells_how_it_began(clean: Path, weights: Path, tmp_path: Path) -> None:
    asked = recipe(pretrained=str(weights), freeze=True, views=2, epochs=1)
    out = tmp_path / "run"
    train(asked, clean / "manifest.csv", out)
    config = json.loads((out / "config.json").read_text("utf-8"))
    told = {name: config[name] for name in ("freeze_batch_norm", "fit_last_layer", "views", "mixup")}
    assert told == {"freeze_batch_norm": True, "fit_last_layer": True, "views": 2, "mixup": 0.4}
    assert not list(out.rglob("features-*")), "what a frozen part made of the scans goes with the other pictures"


def test_copies_vary_the_pictures_and_leave_the_frozen_part_at_rest(tmp_path: Path) -> None:
    """Some nets drop layers at random in training, also in the part that is frozen."""
    import keras

    inputs = keras.Input((32, 32, 1), dtype="uint8")
    ones = keras.layers.Rescaling(0.0, offset=1.0)(inputs)
    features = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(keras.layers.Dropout(0.5)(ones)))
    found = {}
    for size in (8, 12):
        asked = recipe(freeze=True, views=2, batch_size=size)
        copies = _Copies(features=features, pictures=lesson().feed.pictures, copies=2, recipe=asked)
        found[size] = copies.load(tmp_path, tell=None)
        assert found[size].shape == (3 * COUNT, 1)
        assert np.all(found[size] == 1)
    # Copies are drawn a block at a time, so those of another size are others.
    assert len(list(tmp_path.iterdir())) == 2
