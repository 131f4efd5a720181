"""Read the tensors of a file of PyTorch's old format without PyTorch, and without running anything in it.

The old format (``torch.save`` before version 1.6) is five pickles behind one another, then the raw numbers: a magic
number, the protocol, facts about the machine, the object, the keys of the storages in the order in which their numbers
follow. A pickle may call any function it names; this reader knows the four names that a dictionary of tensors needs
and refuses every other (Python's manual, ``pickle``, Restricting Globals).
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bus_toolkit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    import numpy.typing as npt

    Array = npt.NDArray[Any]

MAGIC: Final = 0x1950A86A20F9469CFC6C
PROTOCOL: Final = 1001
MOST_BYTES: Final = 2**30
MOST_DIMENSIONS: Final = 8
_DTYPES: Final = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}


@dataclass(frozen=True, slots=True)
class _Storage:
    """A run of numbers that follows behind the pickles."""

    key: str
    dtype: str
    size: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A view of a storage; strides in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Tensors(OrderedDict[str, _Tensor]):
    """A dictionary of tensors; PyTorch hangs notes on it (``_metadata``), which are dropped."""

    def __setstate__(self, state: object) -> None:
        """Drop the notes."""


def _rebuild(storage: object, offset: object, shape: object, strides: object, *_: object) -> _Tensor:
    """What ``torch._utils._rebuild_tensor_v2`` is called with, checked: types here, sizes when numbers are read."""
    if not isinstance(storage, _Storage) or not isinstance(offset, int):
        raise _refused()
    if not isinstance(shape, tuple) or not isinstance(strides, tuple) or len(shape) != len(strides):
        raise _refused()
    numbers = (offset, *shape, *strides)
    if len(shape) > MOST_DIMENSIONS or not all(isinstance(item, int) and 0 <= item <= MOST_BYTES for item in numbers):
        raise _refused()
    return _Tensor(storage, offset, shape, strides)


class _Reader(pickle.Unpickler):
    """An unpickler that can make tensors, dictionaries and plain values, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - pickle's own signature
        """The few names that are known; any other ends the reading."""
        if (module, name) == ("collections", "OrderedDict"):
            return _Tensors
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise _refused()

    def persistent_load(self, pid: object) -> _Storage:
        """A storage: ``("storage", type, key, device, size, view)``."""
        match pid:
            case ("storage", str(dtype), str(key), str(), int(size), None) if (
                dtype in _DTYPES.values() and 0 <= size <= MOST_BYTES
            ):
                return _Storage(key, dtype, size)
        raise _refused()


def read_tensors(path: Path) -> dict[str, Array]:
    """The tensors of a state dictionary that ``torch.save`` wrote in its old format, by name.

    Returns
    -------
    Arrays of the shape and dtype they were saved with, each a copy of its own.

    Raises
    ------
    InputError
        ``not-tensors`` when the file holds anything but a dictionary of tensors, or is not whole.
    """
    try:
        with path.open("rb") as stream:
            return _read(stream)
    except InputError:
        raise
    except Exception as error:  # a broken pickle raises whatever it likes
        raise _refused() from error


def _read(stream: BinaryIO) -> dict[str, Array]:
    if _next(stream) != MAGIC or _next(stream) != PROTOCOL:
        raise _refused()
    machine = _next(stream)
    tensors = _next(stream)
    keys = _next(stream)
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise _refused()
    if not isinstance(tensors, dict) or not all(isinstance(item, _Tensor) for item in tensors.values()):
        raise _refused()
    storages = {item.storage.key: item.storage for item in tensors.values()}
    if not isinstance(keys, list) or set(keys) != set(storages) or len(keys) != len(storages):
        raise _refused()
    numbers = {key: _numbers(stream, storages[key]) for key in keys}
    return {str(name): _view(numbers[item.storage.key], item) for name, item in tensors.items()}


def _next(stream: BinaryIO) -> Any:  # noqa: ANN401
    return _Reader(stream).load()


def _numbers(stream: BinaryIO, storage: _Storage) -> Array:
    """The numbers of one storage: how many as int64, then they themselves."""
    dtype = np.dtype(storage.dtype)
    count = int(np.frombuffer(_exactly(stream, 8), "<i8")[0])
    if count != storage.size:
        raise _refused()
    return np.frombuffer(_exactly(stream, count * dtype.itemsize), dtype)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise _refused()
    return data


def _view(numbers: Array, tensor: _Tensor) -> Array:
    """A tensor's values, after a look that its view stays inside its storage."""
    size = int(np.prod(tensor.shape, dtype=object))
    last = tensor.offset + sum((side - 1) * step for side, step in zip(tensor.shape, tensor.strides, strict=True))
    if size == 0 or size > numbers.size or last >= numbers.size:
        raise _refused()
    steps = tuple(step * numbers.itemsize for step in tensor.strides)
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, steps, writeable=False).copy()


def _refused() -> InputError:
    return InputError("not-tensors", "the file must hold named tensors in PyTorch's old format. Got something else")
