"""Speckle has the statistics that physics gives it."""

import numpy as np
import pytest

from bus_toolkit.errors import ConfigError
from bus_toolkit.synth.fields import filaments, smooth_field
from bus_toolkit.synth.speckle import RAYLEIGH_RATIO, envelope, log_compress, scatterers


@pytest.fixture(scope="module")
def even_tissue() -> np.ndarray:
    return envelope(scatterers(np.random.default_rng(5), (700, 900)), lateral=(1.2, 3.0), focus=0.3)


def _width(rows: np.ndarray) -> float:
    """Correlation between neighbours two lines apart: the wider the point spread, the higher."""
    centred = rows - rows.mean()
    return float((centred[:, 2:] * centred[:, :-2]).mean() / centred.var())


def test_envelope_of_even_tissue_is_rayleigh(even_tissue: np.ndarray) -> None:
    assert pytest.approx(1.913, abs=1e-3) == RAYLEIGH_RATIO
    assert even_tissue.mean() / even_tissue.std() == pytest.approx(RAYLEIGH_RATIO, rel=0.02)
    for quantile in (0.1, 0.5, 0.9):
        expected = np.sqrt(-np.log(1 - quantile))  # of a Rayleigh variable with mean square 1
        assert np.quantile(even_tissue, quantile) == pytest.approx(expected, rel=0.04)


def test_power_is_one_at_every_depth(even_tissue: np.ndarray) -> None:
    bands = [float((band**2).mean()) for band in np.array_split(even_tissue, 7)]
    assert bands == pytest.approx([1.0] * 7, abs=0.08)


def test_resolution_is_best_at_the_focus(even_tissue: np.ndarray) -> None:
    focus, deep = even_tissue[180:240], even_tissue[640:700]
    assert _width(deep) > _width(focus) + 0.15


def test_echo_follows_the_amplitude_of_the_tissue() -> None:
    field = scatterers(np.random.default_rng(1), (200, 300))
    field[:, 150:] *= 10 ** (-12 / 20)
    echo = envelope(field)
    gap_db = 20 * np.log10(echo[:, 160:].mean() / echo[:, :140].mean())
    assert gap_db == pytest.approx(-12, abs=0.7)


@pytest.mark.parametrize("widths", [{"axial": 0.0}, {"lateral": (1.0, -1.0)}])
def test_a_width_must_be_positive(widths: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="must be positive"):
        envelope(scatterers(np.random.default_rng(0), (8, 8)), **widths)  # type: ignore[arg-type]


def test_log_compression_maps_decibel_to_grey() -> None:
    echo = np.array([[1.0, 10 ** (-30 / 20), 10 ** (-60 / 20), 0.0]], dtype=np.float32)
    assert log_compress(echo, range_db=60).tolist()[0] == pytest.approx([255, 127.5, 0, 0], abs=0.01)
    assert log_compress(echo, range_db=60, gain_db=-30)[0, 0] == pytest.approx(127.5, abs=0.01)


def test_smooth_field_is_standardised_and_smooth() -> None:
    field = smooth_field(np.random.default_rng(0), (120, 200), (10, 40))
    assert field.mean() == pytest.approx(0, abs=1e-4)
    assert field.std() == pytest.approx(1, abs=1e-3)
    assert np.abs(np.diff(field, axis=1)).mean() < 0.5 * np.abs(np.diff(field, axis=0)).mean()


def test_threads_are_thin_and_face_the_probe() -> None:
    threads = filaments(np.random.default_rng(0), (300, 300), (40, 40), 0.1)
    assert 0 <= threads.min() <= threads.max() <= 1
    assert (threads > 0.3).mean() < 0.15
    assert np.abs(np.diff(threads, axis=0)).mean() > 1.3 * np.abs(np.diff(threads, axis=1)).mean()
