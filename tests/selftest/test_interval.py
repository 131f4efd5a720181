import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus_toolkit.errors import ConfigError
from bus_toolkit.selftest.interval import by_cluster, wilson


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    # The first is of Newcombe 1998, doi 10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E.
    [(81, 263, 0.2553, 0.3662), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634)],
)
def test_wilson_is_what_is_published(hits: int, trials: int, low: float, high: float) -> None:
    assert wilson(hits, trials) == pytest.approx((low, high), abs=5e-5)


def test_nothing_is_known_without_trials() -> None:
    assert wilson(0, 0) == by_cluster([], [], seed=1) == by_cluster([0, 0], [0, 0], seed=1) == (0.0, 1.0)


@pytest.mark.parametrize("wrong", [(-1, 5), (6, 5)])
def test_hits_are_not_more_than_trials(wrong: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match="hits must be"):
        wilson(*wrong)
    with pytest.raises(ConfigError, match="each cluster"):
        by_cluster([1], [1, 2], seed=0)


@given(trials=st.integers(1, 500), share=st.floats(0, 1))
def test_wilson_holds_its_share_and_lies_between_0_and_1(trials: int, share: float) -> None:
    hits = round(share * trials)
    low, high = wilson(hits, trials)
    assert 0 <= low <= hits / trials <= high <= 1
    assert low < high


def test_clusters_that_agree_give_no_width_and_whole_ones_give_all() -> None:
    assert by_cluster([1, 2, 3], [2, 4, 6], seed=0) == (0.5, 0.5)
    assert by_cluster([3, 0], [3, 3], seed=0) == (0.0, 1.0)


def test_strings_that_fall_together_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    whole = (rng.random(60) < 0.8).astype(int) * 3
    low, high = by_cluster(whole.tolist(), [3] * 60, seed=0)
    narrow = wilson(int(whole.sum()), 180)
    assert high - low > 1.3 * (narrow[1] - narrow[0])
    assert by_cluster(whole.tolist(), [3] * 60, seed=0) == (low, high)
