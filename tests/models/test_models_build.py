import ast
import json
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bus_toolkit import models
from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.models import nets

CLASSES = ("benign", "malignant", "normal")
SIDE = 48


def test_importing_models_loads_no_keras() -> None:
    code = "import sys, bus_toolkit.models; sys.exit(bool({'keras', 'tensorflow', 'torch', 'jax'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603


def test_models_know_no_cleaning_room() -> None:
    allowed = {"atomic", "errors", "geometry", "manifest", "models", "runtime"}
    for path in Path(models.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bus_toolkit"):
                assert str(node.module).split(".")[1] in allowed, path.name


def test_the_model_takes_bytes_and_gives_probabilities(tiny: Any, scans: Any) -> None:
    given = tiny.predict(scans, verbose=0)
    assert tiny.input.dtype == "uint8"
    assert given.dtype == np.float32
    assert given.shape == (len(scans), 3)
    np.testing.assert_allclose(given.sum(axis=1), 1, atol=1e-6)
    assert np.ptp(given, axis=0).max() > 0


def test_a_seed_fixes_the_weights_and_leaves_the_generators_alone(tiny: Any) -> None:
    before = random.getstate()
    again = models.build_model("tinycnn", classes=CLASSES, image_size=SIDE)
    other = models.build_model("tinycnn", classes=CLASSES, image_size=SIDE, seed=124)
    assert random.getstate() == before
    first = [model.get_layer("conv1").get_weights()[0] for model in (tiny, again, other)]
    np.testing.assert_array_equal(first[0], first[1])
    assert not np.array_equal(first[0], first[2])


@pytest.mark.parametrize(
    ("scaling", "wanted"),
    [
        ("caffe", [[-103.939, -116.779, -123.68], [151.061, 138.221, 131.32]]),
        ("signed", [[-1, -1, -1], [1, 1, 1]]),
        ("bytes", [[0, 0, 0], [255, 255, 255]]),
        ("lite", [[-127 / 128] * 3, [1, 1, 1]]),
    ],
)
def test_preprocessing_is_exact(scaling: str, wanted: list[list[float]]) -> None:
    from bus_toolkit.models.layers import Preprocess

    given = np.asarray(Preprocess(scaling)(np.array([0, 255], np.uint8).reshape(1, 1, 2, 1)))
    np.testing.assert_allclose(given[0, 0], wanted, atol=1e-5)


def test_preprocessing_is_that_of_keras() -> None:
    import keras

    from bus_toolkit.models.layers import Preprocess

    grey = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    colour = np.repeat(grey, 3, axis=-1).astype(np.float32)
    for scaling, theirs in (("caffe", keras.applications.vgg16), ("signed", keras.applications.inception_v3)):
        wanted = theirs.preprocess_input(colour.copy())
        np.testing.assert_allclose(np.asarray(Preprocess(scaling)(grey)), wanted, atol=1e-4)


def test_a_saved_model_is_the_same_and_knows_itself(tiny: Any, scans: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    models.save_model(tiny, path)
    again = models.load_model(path)
    np.testing.assert_array_equal(again.predict(scans, verbose=0), tiny.predict(scans, verbose=0))
    facts = models.read_facts(path)
    assert facts == models.facts_of(again) == models.facts_of(tiny)
    assert (facts.arch, facts.classes, facts.image_size, facts.scaling) == ("tinycnn", CLASSES, SIDE, "signed")


def test_threshold_and_temperature_travel_with_the_model(scans: Any, tmp_path: Path) -> None:
    model = models.build_model("tinycnn", classes=CLASSES, image_size=SIDE)
    plain = model.predict(scans, verbose=0)
    models.set_facts(model, positive="malignant", threshold=0.4, temperature=2.0)
    models.save_model(model, tmp_path / "model.keras")
    again = models.load_model(tmp_path / "model.keras")
    facts = models.facts_of(again)
    assert (facts.positive, facts.threshold, facts.temperature) == ("malignant", 0.4, 2.0)
    cooler = np.sqrt(plain) / np.sqrt(plain).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(again.predict(scans, verbose=0), cooler, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arch": "vgg13"}, "must be one of vgg12"),
        ({"classes": ["benign"]}, "two or more"),
        ({"classes": ["benign", "benign"]}, "two or more"),
        ({"image_size": 8}, "at least 16"),
        ({"dropout": 1.0}, "below 1"),
    ],
)
def test_wrong_arguments_are_told(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        models.build_model(**{"arch": "tinycnn", "classes": CLASSES, "image_size": SIDE, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ["a", "b"]}, "only positive, temperature, threshold"),
        ({"temperature": 0}, "above 0"),
        ({"threshold": 0.5}, "together"),
        ({"positive": "cyst", "threshold": 0.5}, "one of the classes"),
        ({"positive": "benign", "threshold": 2.0}, "between 0 and 1"),
    ],
)
def test_wrong_facts_are_told(tiny: Any, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        models.set_facts(tiny, **changes)


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"must be a .keras model"):
        models.load_model(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"config": {"layers": [{"config": {"name": "dense"}}]}}))
    with pytest.raises(InputError, match=r"must be a .keras model"):
        models.read_facts(path)


def test_a_model_of_others_has_no_facts(tmp_path: Path) -> None:
    import keras

    with pytest.raises(ConfigError, match="one that build_model made"):
        models.save_model(keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]), tmp_path / "model.keras")


def test_half_precision_still_gives_float32(tmp_path: Path) -> None:
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = models.build_model("tinycnn", classes=CLASSES, image_size=SIDE)
        given = model(np.zeros((1, SIDE, SIDE, 1), np.uint8), training=False)
        assert model.get_layer("conv1").compute_dtype == "float16"
        assert keras.backend.standardize_dtype(given.dtype) == "float32"
        assert model.get_layer("preprocess").compute_dtype == "float32"
        with pytest.raises(ConfigError, match="must be in float32"):
            models.export(model, tmp_path / "model.tflite", format="litert")
    finally:
        keras.config.set_dtype_policy(before)


def test_freezing_holds_weights_and_statistics(scans: Any) -> None:
    model = models.build_model("tinycnn", classes=CLASSES, image_size=SIDE)
    learning = models.set_trainable(model, freeze=True)
    assert learning == 64 * 3 + 3
    trunk = [layer for layer in model.layers if not layer.name.startswith("head_")]
    before = [value.copy() for layer in trunk for value in layer.get_weights()]
    head = model.get_layer("head_logits").get_weights()[0].copy()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(scans, np.arange(len(scans)) % 3, epochs=1, verbose=0)
    after = [value for layer in trunk for value in layer.get_weights()]
    assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))
    assert not np.array_equal(head, model.get_layer("head_logits").get_weights()[0])


def test_fine_tuning_begins_at_a_layer() -> None:
    model = models.build_model("tinycnn", classes=CLASSES, image_size=SIDE)
    models.set_trainable(model, freeze=True, fine_tune_from="conv3_point")
    state = {layer.name: layer.trainable for layer in model.layers if layer.weights}
    assert not state["conv2_bn"]
    assert not state["conv3_depth"]
    assert state["conv3_point"]
    assert state["conv3_bn"]
    assert models.set_trainable(model, freeze=False) > models.set_trainable(model, freeze=True)
    for name in ("nothing", "head_logits"):
        with pytest.raises(ConfigError, match="such as conv1, conv2_point"):
            models.set_trainable(model, freeze=True, fine_tune_from=name)


def test_a_split_model_is_the_model(tiny: Any, scans: Any) -> None:
    features, head = models.split_model(tiny)
    pooled = features.predict(scans, verbose=0)
    assert pooled.shape == (len(scans), 64)
    np.testing.assert_allclose(head.predict(pooled, verbose=0), tiny.predict(scans, verbose=0), atol=1e-6)


# What learns in each net without its classifier: from the papers, and from Keras' own summaries.
TRUNKS = {
    "vgg16": 14_714_688,
    "vgg19": 20_024_384,
    "resnet50": 23_534_592,
    "inceptionv3": 21_768_352,
    "mobilenetv3": 927_008,
    "efficientnetb0": 4_007_548,
    "resnet18": 11_176_512,
    "efficientnetlite0": 3_371_008,
    "tinycnn": 3_648,
    "vgg12": 9_368_064,
}


def _learning(layers: Any) -> int:
    return sum(int(np.prod(weight.shape)) for layer in layers for weight in layer.trainable_weights)


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in models.NAMES])
def test_every_net_builds_as_published(name: str) -> None:
    kind = models.architecture(name)
    size = max(kind.smallest, 64)
    model = models.build_model(name, classes=CLASSES, image_size=size)
    trunk = [layer for layer in model.layers if not layer.name.startswith("head_")]
    if name == "vgg12":
        convolutions = [layer for layer in trunk if layer.weights]
        kernels = [tuple(layer.get_weights()[0].shape[2:]) for layer in convolutions]
        wanted = [(3, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), *[(512, 512)] * 3]
        assert kernels == wanted
        assert [layer.name for layer in model.layers if layer.weights][9:] == [
            "head_dense1",
            "head_dense2",
            "head_logits",
        ]
    assert _learning(trunk) == TRUNKS[name]
    names = [layer.name for layer in trunk]
    assert set(kind.stages) <= set(names)
    assert kind.cam_layer in {"", *names}
    given = model(np.zeros((1, size, size, 1), np.uint8), training=False)
    assert given.shape == (1, 3)


def test_lite0_has_the_published_size() -> None:
    import keras

    inputs = keras.Input((64, 64, 3))
    trunk = keras.Model(inputs, nets.efficientnetlite0(inputs))
    learning = sum(int(np.prod(weight.shape)) for weight in trunk.trainable_weights)
    assert learning == TRUNKS["efficientnetlite0"]
    # Tan and Le's release gives 4.7 million with the classifier of 1000 classes.
    assert learning + 1280 * 1000 + 1000 == 4_652_008
    assert trunk.output.shape == (None, 2, 2, 1280)
