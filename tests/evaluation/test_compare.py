import numpy as np
import pytest

from bus_toolkit.errors import ConfigError
from bus_toolkit.evaluation.compare import common, compare, mcnemar
from bus_toolkit.evaluation.pool import pool
from tests.evaluation.made_runs import made, said


def right(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    one = [1] * both + [1] * first + [0] * second + [0] * neither
    other = [1] * both + [0] * first + [1] * second + [0] * neither
    return np.array(one, dtype=bool), np.array(other, dtype=bool)


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [
        # Twice the lower tail of a fair coin, by hand: 2 * (1 + 10 + 45) / 1024 for 2 of 10.
        (2, 8, 112 / 1024),
        (8, 2, 112 / 1024),
        (0, 5, 2 / 32),
        (3, 3, 1.0),
        (0, 0, 1.0),
        # As in the documentation of statsmodels' mcnemar(exact=True) for the table [[101, 121], [59, 33]].
        (121, 59, 4.434444926375551e-06),
    ],
)
def test_mcnemar_against_known_numbers(first: int, second: int, p: float) -> None:
    found = mcnemar(*right(30, first, second, 4))
    assert (found.only_first, found.only_second) == (first, second)
    assert found.p == pytest.approx(p)


def test_a_better_model_is_found_to_be_better() -> None:
    worse = made(240, skill=0.5, seed=1)
    better = worse.with_probabilities(said(worse.labels, 3.0, 2))
    found = compare(pool([better]), pool([worse]), resamples=500)
    one = found.figures["accuracy"]
    assert one.difference.value == pytest.approx(one.first - one.second)
    assert one.difference.low > 0
    assert one.p < 0.01
    assert found.mcnemar.p < 0.001
    assert found.figures["brier"].difference.high < 0
    assert (found.scans, found.clusters) == (240, 80)


def test_it_is_the_same_the_other_way_round() -> None:
    one = made(90, skill=0.8, seed=1)
    other = one.with_probabilities(said(one.labels, 1.0, 2))
    there, back = (
        compare(pool([a]), pool([b]), resamples=200).figures["auc.malignant"] for a, b in ((one, other), (other, one))
    )
    assert there.difference.value == pytest.approx(-back.difference.value)
    assert there.difference.low == pytest.approx(-back.difference.high)
    assert there.p == back.p


def test_scans_are_paired_by_id_not_by_place() -> None:
    one = made(60, seed=1)
    shuffled = one.take(np.random.default_rng(0).permutation(60))
    found = compare(pool([one]), pool([shuffled]), resamples=100)
    assert all(each.difference.value == pytest.approx(0, abs=1e-12) for each in found.figures.values())
    assert found.figures["accuracy"].p == 1
    assert (found.mcnemar.only_first, found.mcnemar.only_second) == (0, 0)


def test_pairing_narrows_the_interval() -> None:
    # Two models that agree on nearly all: their difference is known better than either's accuracy.
    one = made(240, skill=1.0, seed=1)
    p = one.probabilities.copy()
    p[:6] = said(one.labels[:6], 3.0, 5)
    found = compare(pool([one]), pool([one.with_probabilities(p)]), resamples=500).figures["accuracy"].difference
    assert found.high - found.low < 0.06


def test_two_equal_models_rarely_differ_surely() -> None:
    rare = 0
    for trial in range(40):
        one = made(120, skill=1.0, seed=trial)
        other = one.with_probabilities(said(one.labels, 1.0, 1000 + trial))
        rare += compare(pool([one]), pool([other]), resamples=200).figures["accuracy"].p < 0.05
    assert rare <= 6


def test_other_scans_are_refused_unless_only_common_ones_are_asked_for() -> None:
    one, other = made(60), made(60).take(np.arange(30, 60))
    with pytest.raises(ConfigError, match="60 and 30 scans, 30 of them in common"):
        compare(pool([one]), pool([other]))
    cut = common(pool([one]), pool([other]))
    assert compare(*cut, resamples=50).scans == 30
    with pytest.raises(ConfigError, match="Got none"):
        common(pool([one]), pool([made(60, prefix="x")]))
