import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bus_toolkit.cli.evaluate import main
from bus_toolkit.errors import ConfigError
from bus_toolkit.evaluation import Predictions, make_predictions
from bus_toolkit.evaluation.compare import Comparison, common, compare, mcnemar
from bus_toolkit.evaluation.ensemble import write_ensemble
from bus_toolkit.evaluation.pool import pool
from bus_toolkit.evaluation.runs import read_run
from bus_toolkit.evaluation.terminal import comparison_table
from tests.evaluation.made_runs import CLASSES, made, run_folder, said

BOLD = "\x1b[1m"


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
    assert any(BOLD in line for line in shown(found).splitlines() if "accuracy" in line)
    assert found.mcnemar is not None
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
    assert found.mcnemar is None, "both say the same"


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


def shown(found: Comparison) -> str:
    page = io.StringIO()
    Console(file=page, width=200, force_terminal=True, highlight=False).print(comparison_table(found, ("one", "other")))
    return page.getvalue()


def two_normals(right: bool) -> Predictions:  # noqa: FBT001
    """30 scans that are called as they are for the most part, and two normal ones that are called alike."""
    labels = np.repeat([0, 1, 2], [15, 15, 2])
    called = np.where(np.arange(32) % 5 == 0, 1 - labels, labels)
    called[30:] = 2 if right else 1
    return make_predictions(labels, np.eye(3)[called], classes=CLASSES)


def test_the_same_difference_in_every_draw_is_no_certainty() -> None:
    found = compare(pool([two_normals(right=True)]), pool([two_normals(right=False)]))
    one = found.figures["normal_misread"]
    assert (one.first, one.second, one.difference.value) == (0, 1, -1)
    told = found.as_json()["figures"]["normal_misread"]
    assert (told["difference"]["low"], told["difference"]["high"], told["p"]) == (None, None, None)
    (line,) = (line for line in shown(found).splitlines() if "normal scans called" in line)
    assert "none: the same in every draw" in line
    assert BOLD not in line, "only what is surely different is bold"
    # No difference at all is none in every draw, and nothing is claimed of it.
    same = found.figures["sensitivity.malignant"]
    assert (same.difference.value, same.difference.low, same.difference.high, same.p) == (0, 0, 0, 1)


def test_the_best_threshold_of_the_very_scans_is_not_held_against_another() -> None:
    one = made(120, skill=0.8, seed=1)
    found = compare(pool([one]), pool([one.with_probabilities(said(one.labels, 1.2, 2))]), resamples=100)
    told = found.as_json()["figures"]["sensitivity_at_95_specificity.malignant"]
    assert told["difference"]["value"] == pytest.approx(told["first"] - told["second"], abs=1e-6)
    assert (told["difference"]["low"], told["difference"]["high"], told["p"]) == (None, None, None)
    (line,) = (line for line in shown(found).splitlines() if "at 95 % specificity" in line)
    assert "none: threshold chosen on these scans" in line


def test_groups_that_only_one_run_knows_of_count_for_both() -> None:
    one = made(60, seed=1)
    bare = make_predictions(one.labels, said(one.labels, 1.0, 2), classes=CLASSES, ids=one.ids)
    # A name that is used in one run for other scans than in the other joins nothing.
    otherwise = make_predictions(
        one.labels, said(one.labels, 1.0, 2), classes=CLASSES, ids=one.ids, groups=one.groups[3:] + one.groups[:3]
    )
    for other in (bare, otherwise):
        there, back = (compare(*map(pool, ([a], [b])), resamples=100) for a, b in ((one, other), (other, one)))
        assert there.clusters == back.clusters == 20
        there_, back_ = there.figures["accuracy"].difference, back.figures["accuracy"].difference
        assert there_.low == pytest.approx(-back_.high)
    assert compare(pool([bare]), pool([bare]), resamples=10).clusters == 60


def test_an_ensemble_is_not_tested_against_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_folder(tmp_path / "run")
    write_ensemble(read_run(folder), folder / "ensemble")
    words = ["compare", str(folder), str(folder / "ensemble"), "--resamples", "50"]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "McNemar's test says nothing here" in told
    assert "exact p" not in told
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mcnemar"] is None
    assert main(["compare", str(folder), str(run_folder(tmp_path / "other", seed=1)), "--resamples", "50"]) == 0
    assert "exact p" in capsys.readouterr().out
