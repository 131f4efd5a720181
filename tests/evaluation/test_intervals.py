import numpy as np
import pytest

from bus_toolkit.errors import ConfigError
from bus_toolkit.evaluation import Predictions, make_predictions
from bus_toolkit.evaluation.intervals import Estimate, estimate, interval, resample, resamples_of
from bus_toolkit.evaluation.metrics import figures
from bus_toolkit.evaluation.pool import pool
from bus_toolkit.evaluation.statistic import Difference, Mean, MeanOfModels, Share, mean_of_defined
from tests.evaluation.made_runs import CLASSES, made


def share(hits: np.ndarray) -> Share:
    return Share(hits.astype(float), np.ones(hits.size))


def test_whole_clusters_are_drawn() -> None:
    clusters = np.array([0, 1, 1, 2, 2, 2])
    weights = np.concatenate(list(resamples_of(clusters, 500, 0)))
    assert weights.shape == (500, 6)
    assert (weights[:, 1] == weights[:, 2]).all()
    assert (weights[:, 3] == weights[:, 5]).all()
    # Three clusters are drawn each time, each once on average.
    drawn = weights[:, [0, 1, 3]]
    assert (drawn.sum(axis=1) == 3).all()
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.15)


def test_the_same_seed_gives_the_same_interval_and_another_another() -> None:
    whole = pool([made(60)])
    one, again, other = (estimate(figures(whole), whole.clusters, resamples=200, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one["accuracy"] != other["accuracy"]


def test_it_is_the_interval_of_a_mean_when_scans_are_independent() -> None:
    hits = np.random.default_rng(3).random(2000) < 0.8
    found = estimate({"a": share(hits)}, np.arange(2000), resamples=4000)["a"]
    spread = 1.96 * np.sqrt(hits.mean() * (1 - hits.mean()) / 2000)
    assert found.low == pytest.approx(hits.mean() - spread, abs=0.002)
    assert found.high == pytest.approx(hits.mean() + spread, abs=0.002)


def test_it_is_wider_when_scans_hang_together() -> None:
    # Each scan stands there eight times: there is an eighth of the knowledge, so sqrt(8) times the width.
    hits = np.repeat(np.random.default_rng(4).random(100) < 0.7, 8)
    naive = estimate({"a": share(hits)}, np.arange(800), resamples=2000)["a"]
    honest = estimate({"a": share(hits)}, np.repeat(np.arange(100), 8), resamples=2000)["a"]
    ratio = (honest.high - honest.low) / (naive.high - naive.low)
    assert ratio == pytest.approx(np.sqrt(8), rel=0.15)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for trial in range(150):
        # Clusters of four scans of which one is right or wrong alike: the truth is 0.7.
        hits = np.repeat(rng.random(60) < 0.7, 4)
        found = estimate({"a": share(hits)}, np.repeat(np.arange(60), 4), resamples=300, seed=trial)["a"]
        covered += found.low <= 0.7 <= found.high
    assert 0.88 <= covered / 150 <= 0.99


def test_the_area_interval_covers_too() -> None:
    rng = np.random.default_rng(6)
    truth, covered = 0.7602, 0  # of two normal distributions one standard deviation apart: Phi(1 / sqrt(2))
    for trial in range(100):
        labels = np.arange(120) % 2
        score = 1 / (1 + np.exp(-(rng.normal(size=120) + labels)))
        one = make_predictions(labels, np.stack([1 - score, score], axis=1), classes=("benign", "malignant"))
        whole = pool([one])
        wanted = {"auc": figures(whole)["auc.malignant"]}
        found = estimate(wanted, whole.clusters, resamples=300, seed=trial)["auc"]
        covered += found.low <= truth <= found.high
    assert 0.87 <= covered / 100 <= 1


def test_none_of_eight_is_not_never() -> None:
    # Clopper and Pearson: 0 of 8 has an upper end of 1 - 0.025 ** (1 / 8).
    found = estimate({"a": share(np.zeros(8)), "b": share(np.ones(8))}, np.arange(8), resamples=50)
    assert (found["a"].low, found["a"].high) == (0, pytest.approx(0.3694, abs=1e-4))
    assert (found["b"].low, found["b"].high) == (pytest.approx(0.6306, abs=1e-4), 1)


def test_none_of_eight_in_two_clusters_says_less() -> None:
    found = estimate({"a": share(np.zeros(8))}, np.repeat([0, 1], 4), resamples=50)["a"]
    assert found.high == pytest.approx(1 - 0.025**0.5)


def test_a_perfect_ranking_has_no_interval_rather_than_one_of_no_width() -> None:
    labels = np.arange(12) % 3
    whole = pool([make_predictions(labels, np.eye(3)[labels], classes=CLASSES)])
    found = estimate(figures(whole), whole.clusters, resamples=100)
    assert found["auc.malignant"].as_json() == {"value": 1, "low": None, "high": None}
    assert 0 < found["accuracy"].low < 1


def test_what_is_not_defined_stays_so() -> None:
    nothing = Share(np.zeros(4), np.zeros(4))
    found = estimate({"a": nothing}, np.arange(4), resamples=20)["a"]
    assert found.as_json() == {"value": None, "low": None, "high": None}
    # One class in one cluster: in some resamples it is not drawn; they are left out.
    rare = Share(np.array([1.0, 0, 0, 0]), np.array([1.0, 0, 0, 0]))
    drawn = resample({"a": rare}, np.arange(4), resamples=200)["a"]
    assert 0 < np.isnan(drawn).sum() < 200
    assert interval(drawn) == (1.0, 1.0)


def test_means_and_differences_are_computed_from_their_parts() -> None:
    one, other = share(np.array([1, 0, 1, 0])), share(np.array([1, 1, 1, 0]))
    both = {"one": one, "other": other, "mean": Mean([one, other]), "less": Difference(one, other)}
    drawn = resample(both, np.arange(4), resamples=100)
    np.testing.assert_allclose(drawn["mean"], (drawn["one"] + drawn["other"]) / 2)
    np.testing.assert_allclose(drawn["less"], drawn["one"] - drawn["other"])
    weights = np.ones((1, 4))
    assert Mean([one, other])(weights)[0] == 0.625
    assert Difference(one, other)(weights)[0] == -0.25


def test_a_mean_over_classes_is_always_over_the_same_ones() -> None:
    never, rare = Share(np.zeros(4), np.zeros(4)), Share(np.array([0.0, 0, 0, 0]), np.array([0.0, 0, 0, 1]))
    often = share(np.array([1, 0, 1, 0]))
    weights = np.array([[1.0, 1, 1, 1], [2, 1, 1, 0]])
    np.testing.assert_array_equal(mean_of_defined([often, rare, never], 4)(weights), [0.25, np.nan])
    np.testing.assert_array_equal(mean_of_defined([never], 4)(weights), [np.nan, np.nan])
    # Models estimate the same, so one that is not defined is left out.
    np.testing.assert_array_equal(MeanOfModels([often, rare, never])(weights), [0.25, 0.75])


def three_normals_misread(*, benign_as_normal: int = 0) -> Predictions:
    """17 benign and 17 malignant scans, most of them called right, and 3 normal ones, all called something else."""
    labels = np.repeat([0, 1, 2], [17, 17, 3])
    called = labels.copy()
    called[:4] = 1
    called[17:20] = 0
    called[34:] = [0, 1, 0]
    called[4 : 4 + benign_as_normal] = 2
    return make_predictions(labels, np.eye(3)[called] * 0.7 + 0.1, classes=CLASSES)


def test_a_draw_without_one_class_does_not_count() -> None:
    whole = pool([three_normals_misread(benign_as_normal=2)])
    statistics = figures(whole)
    found = estimate(statistics, whole.clusters)
    assert found["balanced_accuracy"].value == pytest.approx((11 / 17 + 14 / 17) / 3)
    assert found["balanced_accuracy"].high < 0.65
    drawn = resample(statistics, whole.clusters)
    missing = np.isnan(drawn["sensitivity.normal"])
    # (1 - 3 / 37) ** 37 of the draws have no normal scan.
    assert 0.02 < missing.mean() < 0.07
    for name in ("balanced_accuracy", "macro_f1", "macro_auc", "f1.normal", "auc.normal"):
        np.testing.assert_array_equal(np.isnan(drawn[name]), missing, err_msg=name)


def test_a_class_that_is_not_tested_leaves_the_means_as_they_are() -> None:
    one = made(60).take(np.flatnonzero(made(60).labels < 2))
    whole = pool([one])
    statistics = figures(whole)
    # Some are called normal: the F1 of that class is 0, as scikit-learn has it.
    assert statistics["f1.normal"](np.ones((1, len(whole))))[0] == 0
    assert not np.isnan(resample(statistics, whole.clusters, resamples=100)["balanced_accuracy"]).any()


def test_what_is_the_same_in_every_draw_has_no_interval() -> None:
    labels = np.repeat([0, 1, 2], 6)
    called = np.repeat([0, 1, 0], 6)
    whole = pool([make_predictions(labels, np.eye(3)[called], classes=CLASSES)])
    found = estimate(figures(whole), whole.clusters, resamples=100)["balanced_accuracy"]
    assert found.as_json() == {"value": 0.666667, "low": None, "high": None}


def test_the_best_threshold_of_the_very_scans_has_no_interval() -> None:
    # Each draw would choose its own, and most draws lie above the figure.
    name = "sensitivity_at_95_specificity.malignant"
    whole = pool([made(240, skill=0.8, seed=3, group=1)])
    statistics = figures(whole)
    found = estimate(statistics, whole.clusters, resamples=100)
    assert 0 < found[name].value < 1
    assert np.isnan([found[name].low, found[name].high]).all()
    assert np.isfinite([found["sensitivity.malignant"].low, found["sensitivity.malignant"].high]).all()
    drawn = resample({name: statistics[name]}, whole.clusters, resamples=400)[name]
    assert drawn.mean() > found[name].value


def test_it_refuses_what_it_cannot_do() -> None:
    whole = pool([made(9)])
    with pytest.raises(ConfigError, match="resample"):
        estimate(figures(whole), whole.clusters, resamples=0)
    with pytest.raises(ConfigError, match="level"):
        estimate(figures(whole), whole.clusters, level=1.0)


def test_many_scans_are_drawn_in_pieces() -> None:
    pieces = list(resamples_of(np.arange(200_000), 5, 0))
    assert len(pieces) > 1
    assert sum(len(piece) for piece in pieces) == 5


def test_an_estimate_says_six_places() -> None:
    found = Estimate(value=1 / 3, low=float("nan"), high=2 / 3).as_json()
    assert found == {"value": 0.333333, "low": None, "high": 0.666667}
