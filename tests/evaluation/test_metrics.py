"""The figures against scikit-learn, against values worked out by hand, and what must hold for any predictions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from bus_toolkit.evaluation import Predictions, make_predictions
from bus_toolkit.evaluation.intervals import values_of
from bus_toolkit.evaluation.metrics import MEANINGS, confusion, figures
from bus_toolkit.evaluation.pool import pool
from bus_toolkit.evaluation.statistic import Auc, SensitivityAt, rank
from tests.evaluation.made_runs import CLASSES, made, said


def values(*members: Predictions) -> dict[str, float]:
    whole = pool(members)
    return values_of(figures(whole), len(whole))


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    one = made(150, skill=1.0, seed=4)
    # Two decimals make plenty of ties.
    coarse = np.round(one.probabilities, 2)
    return one.with_probabilities(coarse / coarse.sum(axis=1, keepdims=True))


def test_shares_are_those_of_scikit_learn(predictions: Predictions) -> None:
    found, y, called = values(predictions), predictions.labels, predictions.predicted
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(y, called))
    assert found["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(y, called))
    assert found["macro_f1"] == pytest.approx(sk.f1_score(y, called, average="macro"))
    for number, name in enumerate(CLASSES):
        assert found[f"sensitivity.{name}"] == pytest.approx(sk.recall_score(y == number, called == number))
        assert found[f"specificity.{name}"] == pytest.approx(sk.recall_score(y != number, called != number))
        assert found[f"ppv.{name}"] == pytest.approx(sk.precision_score(y == number, called == number))
        assert found[f"npv.{name}"] == pytest.approx(sk.precision_score(y != number, called != number))
        assert found[f"f1.{name}"] == pytest.approx(sk.f1_score(y == number, called == number))
    np.testing.assert_array_equal(confusion(pool([predictions])), sk.confusion_matrix(y, called))


def test_areas_are_those_of_scikit_learn_with_ties(predictions: Predictions) -> None:
    found, y, p = values(predictions), predictions.labels, predictions.probabilities
    for number, name in enumerate(CLASSES):
        assert found[f"auc.{name}"] == pytest.approx(sk.roc_auc_score(y == number, p[:, number]))
    assert found["macro_auc"] == pytest.approx(sk.roc_auc_score(y, p, multi_class="ovr", average="macro"))
    two = y < 2
    odds = p[two, 1] / (p[two, 0] + p[two, 1])
    assert found["auc_benign_malignant"] == pytest.approx(sk.roc_auc_score(y[two] == 1, odds))


def test_weighted_areas_are_those_of_scikit_learn(predictions: Predictions) -> None:
    weights = np.random.default_rng(2).integers(0, 4, (5, len(predictions))).astype(float)
    truth, scores = predictions.labels == 1, predictions.probabilities[:, 1]
    expected = [sk.roc_auc_score(truth, scores, sample_weight=row) for row in weights]
    np.testing.assert_allclose(Auc(rank(scores, truth))(weights), expected)


def test_the_brier_score_is_that_of_scikit_learn(predictions: Predictions) -> None:
    by_class = [sk.brier_score_loss(predictions.labels == k, predictions.probabilities[:, k]) for k in range(3)]
    assert values(predictions)["brier"] == pytest.approx(sum(by_class))


def test_sensitivity_at_a_specificity_is_the_best_on_the_curve(predictions: Predictions) -> None:
    truth, scores = predictions.labels == 1, predictions.probabilities[:, 1]
    false, true, _ = sk.roc_curve(truth, scores, drop_intermediate=False)
    expected = true[false <= 0.05 + 1e-12].max()
    found = SensitivityAt(rank(scores, truth), 0.95)(np.ones((1, len(predictions))))
    assert found[0] == pytest.approx(expected)
    assert values(predictions)["sensitivity_at_95_specificity.malignant"] == pytest.approx(expected)


def test_worked_by_hand() -> None:
    # truth        b    b    m    m    n    n
    # called       b    m    m    b    n    m
    labels = [0, 0, 1, 1, 2, 2]
    p = [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.1, 0.9, 0.0], [0.5, 0.4, 0.1], [0.1, 0.2, 0.7], [0.2, 0.5, 0.3]]
    found = values(make_predictions(labels, p, classes=CLASSES))
    assert found["accuracy"] == 3 / 6
    assert found["sensitivity.malignant"] == 1 / 2
    assert found["specificity.malignant"] == 2 / 4
    assert found["ppv.malignant"] == 1 / 3
    assert found["npv.malignant"] == 2 / 3
    assert found["normal_called_malignant"] == 1 / 2
    assert found["normal_misread"] == 1 / 2
    # Malignant scores 0.9 and 0.4 against 0.1, 0.6, 0.2, 0.5: of 8 pairs, 4 and 2 are in order.
    assert found["auc.malignant"] == 6 / 8
    # Benign scans have odds 1/9 and 2/3, malignant ones 9/10 and 4/9: of 4 pairs, 3 are in order.
    assert found["auc_benign_malignant"] == 3 / 4
    assert found["sensitivity_at_95_specificity.malignant"] == 1 / 2


def test_a_class_that_is_not_there_has_no_figures_and_spoils_none() -> None:
    labels = np.array([0, 1, 0, 1])
    found = values(make_predictions(labels, said(labels, 1.0, 5), classes=CLASSES))
    assert np.isnan(found["sensitivity.normal"])
    assert np.isnan(found["auc.normal"])
    assert np.isnan(found["normal_misread"])
    two = [found["sensitivity.benign"], found["sensitivity.malignant"]]
    assert found["balanced_accuracy"] == pytest.approx(np.mean(two))


def test_other_classes_than_ours_have_the_general_figures() -> None:
    one = make_predictions([0, 1], [[0.6, 0.4], [0.2, 0.8]], classes=("cyst", "solid"))
    found = values(one)
    assert found["accuracy"] == 1
    assert not any("malignant" in name or "normal" in name for name in found)


def test_every_figure_has_a_meaning(predictions: Predictions) -> None:
    assert {name.partition(".")[0] for name in values(predictions)} == set(MEANINGS)


def test_repeated_runs_are_averaged() -> None:
    one = made(60, 1.0, 1)
    other = one.with_probabilities(said(one.labels, 1.0, 9))
    both, single = values(one, other), (values(one), values(other))
    names = ("accuracy", "auc.malignant", "brier", "specificity.normal", "sensitivity_at_95_specificity.malignant")
    for name in names:
        assert both[name] == pytest.approx((single[0][name] + single[1][name]) / 2), name


def test_folds_are_put_together_but_ranked_apart() -> None:
    whole = made(90, 1.0, 1)
    folds = [whole.take(np.arange(90) // 9 % 2 == fold) for fold in range(2)]
    both = values(*folds)
    assert both["accuracy"] == pytest.approx(values(whole)["accuracy"])
    assert both["auc.malignant"] == pytest.approx(np.mean([values(fold)["auc.malignant"] for fold in folds]))
    assert confusion(pool(folds)).sum() == 90


labelled = st.integers(0, 10_000).flatmap(lambda seed: st.tuples(st.just(seed), st.integers(6, 40)))


@settings(max_examples=25, deadline=None)
@given(labelled)
def test_the_order_of_scans_says_nothing(drawn: tuple[int, int]) -> None:
    seed, scans = drawn
    one = made(scans, 0.7, seed)
    shuffled = values(one.take(np.random.default_rng(seed).permutation(scans)))
    for name, value in values(one).items():
        assert shuffled[name] == pytest.approx(value, nan_ok=True), name


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=6, max_size=30).filter(lambda labels: len(set(labels)) == 3))
def test_perfect_and_wholly_wrong_models(labels: list[int]) -> None:
    truth = np.array(labels)
    right = np.eye(3)[truth] * 0.8 + 0.2 / 3
    best = values(make_predictions(truth, right, classes=CLASSES))
    worst = values(make_predictions(truth, (1 - right) / 2, classes=CLASSES))
    for name in ("accuracy", "macro_auc", "sensitivity.malignant", "npv.normal", "auc_benign_malignant"):
        assert best[name] == pytest.approx(1.0), name
    assert best["normal_misread"] == 0
    assert worst["accuracy"] == 0
    assert worst["macro_auc"] == pytest.approx(0.0)


@settings(max_examples=25, deadline=None)
@given(labelled)
def test_every_share_is_a_share(drawn: tuple[int, int]) -> None:
    for name, value in values(made(drawn[1], 0.3, drawn[0])).items():
        assert np.isnan(value) or 0 <= value <= (2 if name == "brier" else 1), name
