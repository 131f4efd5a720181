"""Pictures are decoded once and checked, squares keep the aspect ratio, and the order is the seed's and the epoch's."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.training import cache
from bus_toolkit.training.cache import cache_key, load_pictures
from bus_toolkit.training.data import find_manifest, load_data
from bus_toolkit.training.feed import Feed, blocks
from bus_toolkit.training.pictures import decode, fit_square


def test_padding_keeps_the_aspect_ratio_and_is_black() -> None:
    square = fit_square(np.full((40, 80), 200, np.uint8), 32)
    assert square.shape == (32, 32)
    assert (square[8:24] == 200).all()
    assert not square[:8].any()
    assert not square[24:].any()


def test_squashing_and_cropping_fill_the_square() -> None:
    picture = np.repeat(np.arange(80, dtype=np.uint8)[np.newaxis], 40, axis=0)
    assert fit_square(picture, 40, "squash").min() < 3
    cropped = fit_square(picture, 40, "crop")
    assert (cropped[0] == np.arange(20, 60)).all()
    with pytest.raises(ConfigError, match="pad, squash, crop"):
        fit_square(picture, 40, "stretch")


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (31, 33)])
@pytest.mark.parametrize("fit", ["pad", "squash", "crop"])
def test_any_shape_becomes_a_square(shape: tuple[int, int], fit: str) -> None:
    square = fit_square(np.full(shape, 9, np.uint8), 32, fit)
    assert square.shape == (32, 32)
    assert square.max() == 9


def test_what_is_no_picture_is_an_error() -> None:
    for data in (b"", b"MARY"):
        with pytest.raises(InputError, match="readable PNG"):
            decode(data)


def test_pictures_are_decoded_once_and_mapped(clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = load_data(clean / "manifest.csv").rows
    seen: list[tuple[int, int]] = []
    first = load_pictures(rows, clean, tmp_path, size=32, tell=lambda done, total: seen.append((done, total)))
    assert first.shape == (42, 32, 32, 1)
    assert first.dtype == np.uint8
    assert seen[-1] == (42, 42)
    monkeypatch.setattr(cache, "decode", None)
    again = load_pictures(rows, clean, tmp_path, size=32)
    assert isinstance(again, np.memmap)
    assert not again.flags.writeable
    assert np.array_equal(first, again)
    (kept,) = tmp_path.glob("*.npy")
    assert kept.stat().st_mode & 0o777 == 0o600, "pictures are for their owner"


def test_the_key_depends_on_pictures_order_size_and_fit(clean: Path) -> None:
    rows = load_data(clean / "manifest.csv").rows
    keys = {cache_key(rows, 32, "pad"), cache_key(rows, 33, "pad"), cache_key(rows, 32, "crop")}
    assert len(keys | {cache_key(rows[::-1], 32, "pad"), cache_key(rows[1:], 32, "pad")}) == 5


def test_half_a_cache_is_made_again(clean: Path, tmp_path: Path) -> None:
    rows = load_data(clean / "manifest.csv").rows
    whole = np.array(load_pictures(rows, clean, tmp_path, size=32))
    (path,) = tmp_path.glob("*.npy")
    path.write_bytes(path.read_bytes()[:1000])
    assert np.array_equal(load_pictures(rows, clean, tmp_path, size=32), whole)


def test_a_picture_that_was_changed_is_refused(clean: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy-clean"
    shutil.copytree(clean, copy)
    rows = load_data(copy / "manifest.csv").rows
    (copy / rows[3].image).write_bytes((copy / rows[4].image).read_bytes())
    with pytest.raises(InputError, match="digest"):
        load_pictures(rows, copy, tmp_path / "cache", size=32)
    (copy / rows[3].image).unlink()
    with pytest.raises(InputError, match="must be there"):
        load_pictures(rows, copy, tmp_path / "cache", size=32)
    assert not list((tmp_path / "cache").iterdir())


def make_feed(**options: object) -> Feed:
    kinds = np.array([0] * 10 + [1] * 4 + [2] * 2)
    pictures = np.arange(32, dtype=np.uint8).reshape(32, 1, 1, 1)
    return Feed(pictures=pictures, places=np.arange(16) * 2, classes=kinds, class_count=3, **options)  # type: ignore[arg-type]


def test_each_scan_is_seen_in_each_epoch_with_its_label() -> None:
    feed = make_feed(batch_size=5)
    batches = list(feed.batches(0))
    assert len(batches) == feed.steps == 4
    assert {len(batch.pictures) for batch in batches} == {5}
    seen = np.concatenate([batch.pictures.ravel() for batch in batches])
    assert set(seen.tolist()) == set(range(0, 32, 2))
    labels = np.concatenate([batch.labels.argmax(axis=1) for batch in batches])
    assert (labels == feed.classes[seen // 2]).all()


def test_the_order_is_the_seed_and_the_epoch() -> None:
    feed = make_feed()
    assert np.array_equal(feed.order(3), make_feed().order(3))
    assert not np.array_equal(feed.order(3), feed.order(4))
    assert not np.array_equal(feed.order(3), make_feed(seed=7).order(3))


def test_classes_can_be_drawn_or_weighed_alike() -> None:
    order = make_feed(balance=True).order(0)
    feed = make_feed(class_weights=True)
    assert np.bincount(feed.classes[order]).tolist() == [10, 10, 10]
    assert set(order) == set(range(16))
    sums = [feed.weights()[feed.classes == kind].sum() for kind in range(3)]
    assert np.allclose(sums, 16 / 3)


def test_a_feed_needs_scans_and_labels() -> None:
    with pytest.raises(ConfigError, match="must have scans"):
        make_feed(batch_size=0)


def test_blocks_have_one_size_and_say_how_many_count() -> None:
    pictures = np.arange(9, dtype=np.uint8).reshape(9, 1, 1, 1)
    found = [(block.ravel().tolist(), count) for block, count in blocks(pictures, np.array([8, 2, 4]), 2)]
    assert found == [([8, 2], 2), ([4, 4], 1)]


def test_the_only_clean_folder_is_found(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Got none"):
        find_manifest(None, cwd=tmp_path)
    for name in ("a-clean", "b-clean"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.csv").touch()
        if name == "a-clean":
            assert find_manifest(None, cwd=tmp_path) == tmp_path / "a-clean" / "manifest.csv"
    with pytest.raises(ConfigError, match=r"a-clean/manifest.csv\n  b-clean/manifest.csv"):
        find_manifest(None, cwd=tmp_path)
    assert find_manifest(tmp_path / "b-clean", cwd=tmp_path) == tmp_path / "b-clean" / "manifest.csv"
    with pytest.raises(ConfigError, match="--data must be"):
        find_manifest(tmp_path / "c", cwd=tmp_path)


def mixing(**changes: object) -> Feed:
    kinds = np.arange(24) % 3
    pictures = np.broadcast_to((100 * kinds).astype(np.uint8)[:, None, None, None], (24, 4, 4, 1))
    made = {"pictures": pictures, "places": np.arange(24), "classes": kinds, "class_count": 3, "batch_size": 8}
    return Feed(**{**made, "mixup": 0.4, **changes})  # type: ignore[arg-type]


def test_mixing_blends_pictures_and_labels_in_one_share() -> None:
    kinds = {True: 0, False: 0}
    for epoch in range(8):
        for batch in mixing().batches(epoch):
            assert batch.pictures.dtype == np.uint8
            np.testing.assert_allclose(batch.labels.sum(axis=1), 1, atol=1e-6)
            # Grey is 100 times the class, so a blend of scans has the grey of its blended label.
            np.testing.assert_allclose(batch.pictures[:, 0, 0, 0], batch.labels @ [0, 100, 200], atol=0.51)
            assert (batch.labels.max(axis=1) >= 1 / 2 - 1e-6).all(), "the larger share is a picture's own"
            kinds[bool((batch.labels.max(axis=1) < 1).any())] += 1
    assert min(kinds.values()) >= 4, "some batches are mixed, and some show scans as they are"


def test_mixing_is_the_seeds_and_weights_go_with_it() -> None:
    first, again = ([batch.pictures.tobytes() for batch in mixing(seed=4).batches(2)] for _ in range(2))
    assert first == again
    assert first != [batch.pictures.tobytes() for batch in mixing(seed=5).batches(2)]
    some = mixing(classes=np.array([0] * 16 + [1] * 6 + [2] * 2), class_weights=True)
    for batch in some.batches(0):
        assert batch.weights.dtype == np.float32
        assert (batch.weights <= some.weights().max() + 1e-6).all()


def test_features_are_mixed_as_they_are() -> None:
    kinds = np.arange(24) % 3
    found = [batch.pictures for batch in mixing(pictures=kinds[:, None].astype(np.float16)).batches(0)]
    assert all(one.dtype == np.float32 for one in found)
    assert any((one % 1 > 0.01).any() for one in found)
