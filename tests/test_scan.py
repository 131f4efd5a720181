import numpy as np
import pytest

from bus_toolkit.errors import ConfigError
from bus_toolkit.geometry import Box, Placement
from bus_toolkit.scan import Scan, SourceRef


def clip(frames: int = 3, *, rgb: bool = False) -> Scan:
    shape = (frames, 4, 5, 3) if rgb else (frames, 4, 5)
    return Scan(frames=np.arange(np.prod(shape), dtype=np.int64).astype(np.uint8).reshape(shape))


def test_frames_are_copied_and_locked() -> None:
    array = np.zeros((4, 5), np.uint8)
    scan = Scan.from_array(array)
    array[0, 0] = 9
    assert scan.frames[0, 0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        scan.frames[0, 0, 0] = 1


@pytest.mark.parametrize(
    "frames", [np.zeros((4, 5), np.uint8), np.zeros((1, 4, 5), np.uint16), np.zeros((1, 4, 5, 4), np.uint8),
               np.zeros((0, 4, 5), np.uint8)]
)  # fmt: skip
def test_other_arrays_are_refused(frames: np.ndarray) -> None:
    with pytest.raises(ConfigError, match="frames must be uint8"):
        Scan(frames=frames)


def test_composites_over_time() -> None:
    frames = np.stack([np.full((2, 2), value, np.uint8) for value in (10, 20, 90)])
    scan = Scan(frames=frames)
    assert scan.composite("min")[0, 0] == 10
    assert scan.composite("median")[0, 0] == 20
    assert scan.composite("max")[0, 0] == 90
    assert clip(100).composite("median").shape == (4, 5)


def test_with_frames_checks_shape() -> None:
    scan = clip()
    with pytest.raises(ConfigError, match="count and channels"):
        scan.with_frames(scan.frames[:2])
    with pytest.raises(ConfigError, match="placement"):
        scan.with_frames(scan.frames[:, 1:])
    where = Placement(frame_shape=(4, 5)).crop(Box(1, 0, 4, 5))
    assert scan.with_frames(scan.frames[:, 1:], placement=where).placement == where


def test_digest_tells_shape_and_pixels_apart() -> None:
    scan = clip()
    assert scan.digest() == clip().digest()
    other = scan.frames.copy()
    other[0, 0, 0] += 1
    assert scan.with_frames(other).digest() != scan.digest()
    assert Scan(frames=scan.frames.reshape(3, 5, 4)).digest() != scan.digest()


def test_repr_says_nothing_private() -> None:
    scan = Scan(frames=np.zeros((1, 4, 5), np.uint8), source=SourceRef(id="CANARY", digest="CANARY", media="png"))
    assert "CANARY" not in repr(scan)
