"""Heatmaps of a run, and the picture that shows one."""

import stat
from pathlib import Path

import numpy as np
import pytest

from bus_toolkit.apply.explain import GAP, SIDE, STRIP, draw, explain_squares
from bus_toolkit.apply.trained import ask, open_trained
from bus_toolkit.cli.evaluate import main
from bus_toolkit.errors import ConfigError
from bus_toolkit.io import read_scan
from bus_toolkit.models import grad_cam


def test_a_heatmap_is_the_mean_of_the_models(runs: Path) -> None:
    trained = open_trained(runs)
    squares = [np.random.default_rng(seed).integers(0, 255, (32, 32), np.uint8) for seed in range(2)]
    found = explain_squares(trained, squares, target="normal")
    batch = np.array(squares)[..., np.newaxis]
    said = np.mean(list(ask(trained, batch).values()), axis=0)
    for number, one in enumerate(found):
        maps = [grad_cam(trained.load(name), squares[number], target="normal") for name in trained.members]
        mean = np.mean(maps, axis=0)
        assert np.allclose(one.heatmap, mean / (mean.max() or 1), atol=1e-5)
        assert np.allclose(one.probabilities, said[number])
        assert one.called == trained.classes[said[number].argmax()]
        assert one.probability == pytest.approx(said[number][2])
    assert explain_squares(trained, squares[:1])[0].target == found[0].called
    with pytest.raises(ConfigError, match="--class must be"):
        explain_squares(trained, squares, target="HAUGWITZ")


def test_the_picture_has_the_scan_at_the_left_and_colour_at_the_right(runs: Path) -> None:
    trained = open_trained(runs, "run-0")
    (one,) = explain_squares(trained, [np.random.default_rng(0).integers(0, 255, (32, 32), np.uint8)])
    picture = draw(one, remark="rejected: a caliper")
    assert picture.shape[1] == 2 * SIDE + GAP
    halves = picture[STRIP : STRIP + SIDE]
    left, right = halves[:, :SIDE].astype(int), halves[:, SIDE + GAP :].astype(int)
    assert np.ptp(left, axis=2).max() == 0
    assert (np.ptp(right, axis=2).max() > 30) == bool(one.heatmap.any())
    assert picture[:STRIP].max() == 255
    assert not np.array_equal(picture, draw(one))


def test_explain_as_it_is_typed(
    runs: Path, elsewhere: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "why"
    assert main(["explain", str(runs), str(elsewhere.parent), "--out", str(out), "--member", "run-0"]) == 0
    assert len(list(out.iterdir())) == 16
    assert read_scan(out / "e000.png").frames.shape[-1] == 3
    assert stat.S_IMODE((out / "e000.png").stat().st_mode) == 0o600
    assert "e000" in capsys.readouterr().out
    assert main(["explain", str(runs), str(elsewhere.parent), "--out", str(tmp_path / "one.png")]) == 1
    assert "--out must be a folder" in capsys.readouterr().err
    broken = tmp_path / "HAUGWITZ.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    assert main(["explain", str(runs), str(broken), "--policy", "york", "--out", str(tmp_path / "one.png")]) == 3
    told = capsys.readouterr().err
    assert "scan 0001 was not explained: failed" in told
    assert "HAUGWITZ" not in told
    assert not (tmp_path / "one.png").exists()
    assert main(["explain", str(runs), str(broken), "--class", "cyst", "--out", str(tmp_path / "one.png")]) == 1
