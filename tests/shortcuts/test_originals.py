"""Which original a clean scan was made from."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from bus_toolkit.audit.ledger import Ledger
from bus_toolkit.errors import ConfigError, OutputError
from bus_toolkit.manifest import read_manifest
from bus_toolkit.outcome import Outcome
from bus_toolkit.record import Record
from bus_toolkit.shortcuts.originals import Originals, laid_over
from bus_toolkit.training.cache import read_vouched
from bus_toolkit.training.pictures import decode
from tests.shortcuts.conftest import EDGE, MARK, SHAPE, original_of, picture


@pytest.mark.parametrize("shape", [(48, 64), (200, 260)])
def test_it_is_laid_over_where_it_was_cut(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    clean = rng.integers(10, 200, shape, dtype=np.uint8)
    whole = rng.integers(10, 200, (shape[0] + 30, shape[1] + 41), dtype=np.uint8)
    inner = clean.copy()
    inner[MARK] = 255
    whole[7 : 7 + shape[0], 19 : 19 + shape[1]] = inner
    found = laid_over(whole, clean)
    assert found is not None
    assert np.array_equal(found.cut, inner)
    assert found.filled[MARK].mean() > 0.9
    assert found.filled.sum() == found.filled[MARK].sum()


def test_another_picture_is_none() -> None:
    rng = np.random.default_rng(6)
    clean = picture(0, rng, border=False)
    assert laid_over(original_of(picture(0, rng, border=False), mark=False), clean) is None
    assert laid_over(clean[:20], clean) is None


def test_by_equal_names(silent: Path) -> None:
    clean = silent.parent / "clean"
    row = read_manifest(clean / "manifest.csv")[0]
    found = Originals(silent.parent / "source").of(row, decode(read_vouched(row, clean)))
    assert found is not None
    assert found.whole.shape == (SHAPE[0] + EDGE + 4, SHAPE[1] + 2 * EDGE)
    assert found.filled[MARK].all()
    assert "array" not in repr(found)


def test_by_the_ledger(silent: Path, tmp_path: Path) -> None:
    clean, source = silent.parent / "clean", silent.parent / "source"
    first, second, third = read_manifest(clean / "manifest.csv")[:3]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        for row, file, digest in ((first, "benign/s000.png", None), (second, "benign/s001.png", "0" * 64)):
            real = hashlib.sha256((source / file).read_bytes()).hexdigest()
            ledger.put(Record(file=file, outcome=Outcome.KEPT, image_sha256=row.sha256, source_sha256=digest or real))
    originals = Originals(source, tmp_path)
    there = [originals.of(row, decode(read_vouched(row, clean))) is not None for row in (first, second, third)]
    assert there == [True, False, False], "known; changed since it was cleaned; not in the books"


def test_what_is_no_private_folder_is_refused(silent: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="private folder"):
        Originals(silent.parent / "source", tmp_path)
    with pytest.raises(ConfigError, match="source must be"):
        Originals(tmp_path / "nowhere")
