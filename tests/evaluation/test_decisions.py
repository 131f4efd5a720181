"""Calibration, thresholds and decision curves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from bus_toolkit.errors import ConfigError
from bus_toolkit.evaluation.calibration import (
    brier_score,
    fit_temperature,
    log_loss,
    reliability,
    scale,
    top_label,
)
from bus_toolkit.evaluation.decision import decision_curve
from bus_toolkit.evaluation.operating import WANTED, Wanted, choose_threshold
from tests.evaluation.made_runs import said, softmax


def test_reliability_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(500)
    truth = rng.random(500) < p
    found = reliability(p, truth, bins=10)
    true, mean = calibration_curve(truth, p, n_bins=10)
    np.testing.assert_allclose(found.came_true, true)
    np.testing.assert_allclose(found.said, mean)
    assert found.cases.sum() == 500


def test_the_calibration_error_by_hand() -> None:
    # Two bins of two and one: |0.9 - 0.5| * 2 / 3 + |0.3 - 1| * 1 / 3
    found = reliability([0.85, 0.95, 0.3], [True, False, True], bins=2)
    assert found.error() == pytest.approx((0.4 * 2 + 0.7) / 3)
    assert found.cases.tolist() == [1, 2]


def test_the_upper_end_belongs_to_a_bin() -> None:
    assert reliability([0.5, 0.0, 1.0], [1, 0, 1], bins=2).cases.tolist() == [2, 1]


def test_losses_are_those_of_scikit_learn() -> None:
    y = np.arange(90) % 3
    p = said(y, 1.0, 1)
    assert log_loss(y, p) == pytest.approx(sk.log_loss(y, p))
    assert brier_score(y, p) == pytest.approx(sum(sk.brier_score_loss(y == k, p[:, k]) for k in range(3)))


def test_the_temperature_that_spoiled_a_model_is_found_again() -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(20_000, 3)) * 2
    true = softmax(logits)
    y = (rng.random((20_000, 1)) > true.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    assert fit_temperature(y, true) == pytest.approx(1, abs=0.05)
    bold = softmax(3 * logits)
    temperature = fit_temperature(y, bold)
    assert temperature == pytest.approx(3, rel=0.05)
    mended = scale(bold, temperature)
    assert top_label(y, mended).error() < 0.02 < top_label(y, bold).error()
    assert log_loss(y, mended) < log_loss(y, bold)


def test_a_model_without_a_mistake_gets_the_coldest() -> None:
    y = np.arange(30) % 3
    assert fit_temperature(y, np.eye(3)[y] * 0.4 + 0.2) == pytest.approx(0.05, rel=0.05)


@settings(deadline=None)
@given(st.integers(0, 1000), st.floats(0.05, 20))
def test_a_temperature_never_changes_what_is_called(seed: int, temperature: float) -> None:
    y = np.arange(12) % 3
    p = said(y, 0.5, seed)
    mild = scale(p, temperature)
    assert mild.argmax(axis=1).tolist() == p.argmax(axis=1).tolist()
    np.testing.assert_allclose(mild.sum(axis=1), 1)


def test_certain_models_can_be_scaled() -> None:
    found = scale([[1.0, 0.0, 0.0]], 2.0)
    assert np.isfinite(found).all()
    assert log_loss(np.array([1]), np.array([[1.0, 0.0, 0.0]])) < 30


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_temperatures_are_above_0(temperature: float) -> None:
    with pytest.raises(ConfigError, match="above 0"):
        scale([[0.5, 0.5]], temperature)


def test_nothing_can_be_calibrated_on_nothing() -> None:
    with pytest.raises(ConfigError, match="one scan at least"):
        fit_temperature(np.zeros(0, dtype=np.int64), np.zeros((0, 3)))
    with pytest.raises(ConfigError, match="a case and a bin"):
        reliability([], [])


SCORES = [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9]
TRUTH = [0, 0, 1, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("wanted", "value", "sensitivity", "specificity"),
    [
        (Wanted(specificity=1.0), 0.65, 0.75, 1.0),
        (Wanted(specificity=0.75), 0.5, 0.75, 0.75),
        (Wanted(specificity=0.5), 0.25, 1.0, 0.5),
        (Wanted(specificity=0.0), 0.0, 1.0, 0.0),
        (Wanted(sensitivity=1.0), 0.25, 1.0, 0.5),
        (Wanted(sensitivity=0.75), 0.65, 0.75, 1.0),
        (Wanted(sensitivity=0.5), 0.75, 0.5, 1.0),
    ],
)
def test_thresholds_by_hand(wanted: Wanted, value: float, sensitivity: float, specificity: float) -> None:
    found = choose_threshold(SCORES, TRUTH, wanted)
    assert found is not None
    assert found.value == pytest.approx(value)
    assert (found.sensitivity, found.specificity) == (sensitivity, specificity)
    assert (found.positives, found.negatives) == (4, 4)


def test_19_of_20_are_95_percent() -> None:
    scores = np.linspace(0, 0.9, 21)
    found = choose_threshold(scores, [0] * 19 + [1, 0], Wanted(specificity=0.95))
    assert found is not None
    assert found.specificity == 0.95
    assert found.sensitivity == 1


def test_nothing_is_called_when_the_surest_are_wrong() -> None:
    found = choose_threshold([1.0, 0.5], [0, 1], Wanted(specificity=1.0))
    assert found is not None
    assert found.value > 1
    assert found.sensitivity == 0


@pytest.mark.parametrize("truth", [[0, 0], [1, 1]])
def test_there_is_no_threshold_without_both(truth: list[int]) -> None:
    assert choose_threshold([0.1, 0.9], truth, WANTED[0]) is None


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=30),
    st.floats(0, 1),
    st.booleans(),
)
def test_a_threshold_keeps_what_was_wanted_and_no_other_gives_more(
    cases: list[tuple[float, bool]],
    share: float,
    by_specificity: bool,  # noqa: FBT001 - hypothesis hands it over
) -> None:
    scores = np.array([score for score, _ in cases])
    truth = np.array([positive for _, positive in cases])
    wanted = Wanted(specificity=share) if by_specificity else Wanted(sensitivity=share)
    found = choose_threshold(scores, truth, wanted)
    if truth.all() or not truth.any():
        assert found is None
        return
    assert found is not None
    called = scores >= found.value
    assert called[truth].mean() == pytest.approx(found.sensitivity)
    assert (~called[~truth]).mean() == pytest.approx(found.specificity)
    kept, other = (found.specificity, found.sensitivity) if by_specificity else (found.sensitivity, found.specificity)
    assert kept >= share - 1e-6
    for value in [*scores, 2.0]:
        sensitivity, specificity = (scores >= value)[truth].mean(), (scores < value)[~truth].mean()
        its, more = (specificity, sensitivity) if by_specificity else (sensitivity, specificity)
        assert its < share - 1e-9 or more <= other + 1e-9


@pytest.mark.parametrize("wrong", [{}, {"sensitivity": 0.5, "specificity": 0.5}, {"sensitivity": 1.2}])
def test_exactly_one_thing_is_wanted(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="one of sensitivity and specificity"):
        Wanted(**wrong)


def test_wanted_has_a_name() -> None:
    assert [wanted.name for wanted in WANTED] == ["specificity_95", "sensitivity_95"]


def test_net_benefit_by_hand() -> None:
    # At 0.2: four cancers and two others of eight are called: 4/8 - 2/8 * 0.25. At 0.65: 3/8 - 0.
    found = decision_curve(SCORES, TRUTH, [0.25, 0.65])
    assert found.model.tolist() == pytest.approx([4 / 8 - 2 / 8 * (0.25 / 0.75), 3 / 8])
    assert found.treat_all.tolist() == pytest.approx([0.5 - 0.5 / 3, 0.5 - 0.5 * 0.65 / 0.35])


def test_a_perfect_model_is_worth_the_prevalence_at_every_threshold() -> None:
    found = decision_curve([1.0, 0.0, 0.0, 0.0], [1, 0, 0, 0])
    assert found.model.tolist() == pytest.approx([0.25] * 99)
    assert (found.model >= found.treat_all).all()


@pytest.mark.parametrize("thresholds", [[0.0], [1.0], [-0.5]])
def test_thresholds_of_decisions_lie_between(thresholds: list[float]) -> None:
    with pytest.raises(ConfigError, match="above 0 and below 1"):
        decision_curve([0.5], [1], thresholds)
