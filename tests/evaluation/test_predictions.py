from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.evaluation import make_predictions, read_predictions, write_predictions
from bus_toolkit.evaluation.clusters import clusters
from bus_toolkit.evaluation.pool import pool
from tests.evaluation.made_runs import CLASSES, made, said


def test_a_round_trip_keeps_everything(tmp_path: Path) -> None:
    labels = np.array([0, 2, 1])
    before = make_predictions(
        labels,
        said(labels, 1.0, 3),
        classes=CLASSES,
        ids=["=cmd", "-b", 'c",d'],
        groups=["g", "", "g"],
        patients=["", "p1", ""],
        parts=["val", "test", "train"],
    )
    write_predictions(tmp_path / "p.csv", before)
    after = read_predictions(tmp_path / "p.csv", CLASSES)
    assert (after.ids, after.groups, after.patients, after.parts) == (
        before.ids,
        before.groups,
        before.patients,
        before.parts,
    )
    assert after.labels.tolist() == [0, 2, 1]
    np.testing.assert_allclose(after.probabilities, before.probabilities, atol=1e-9)
    assert "\n'=cmd," in (tmp_path / "p.csv").read_text()
    assert after.part("test").ids == ("-b",)
    assert len(after.part("nothing")) == 0


def test_predictions_cannot_be_changed() -> None:
    one = made(9)
    with pytest.raises(ValueError, match="read-only"):
        one.probabilities[0, 0] = 1.0


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"probabilities": [[0.5, 0.2, 0.2]]}, "add up to 1"),
        ({"probabilities": [[1.5, -0.5, 0.0]]}, "between 0 and 1"),
        ({"probabilities": [[float("nan"), 0.5, 0.5]]}, "between 0 and 1"),
        ({"probabilities": [[0.5, 0.5]]}, "scans, classes"),
        ({"labels": [3]}, "indices of classes"),
        ({"labels": [-1]}, "indices of classes"),
        ({"labels": [0.5]}, "of int"),
        ({"classes": ("a", "a", "b")}, "two or more"),
        ({"groups": ["a", "b"]}, "groups must have one entry"),
        ({"labels": [0, 0], "probabilities": [[1, 0, 0]] * 2, "ids": ["a", "a"]}, "unique"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object], match: str) -> None:
    good: dict[str, object] = {"labels": [0], "probabilities": [[1.0, 0.0, 0.0]], "classes": CLASSES}
    with pytest.raises(ConfigError, match=match):
        make_predictions(**{**good, **wrong})  # type: ignore[arg-type]


HEADER = "id,label,group,patient,part,p_benign,p_malignant,p_normal\n"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "header"),
        ("id,label\n", "header"),
        (HEADER.replace("p_normal", "normal"), "header"),
        (HEADER.replace("p_normal", "p_other"), "benign, malignant, normal"),
        (HEADER + "a,benign,,,test,1,0\n", r"row 2 .* 8 cells. Got 7"),
        (HEADER + "a,benign,,,test,1,0,0\nb,secret,,,test,1,0,0\n", "row 3 .* labels"),
        (HEADER + "a,benign,,,test,1,zero,0\n", "row 2 .* numbers"),
        (HEADER + "a,benign,,,test,1,1,1\n", "add up to 1"),
        (HEADER + "a,benign,,,test,1,0,0\na,benign,,,test,1,0,0\n", "unique"),
    ],
)
def test_a_broken_file_is_told_without_its_content(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(InputError, match=match) as caught:
        read_predictions(tmp_path / "p.csv", CLASSES)
    assert caught.value.code == "predictions"
    assert "secret" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="FileNotFoundError"):
        read_predictions(tmp_path / "none.csv")


def test_chains_of_groups_and_patients_are_one_cluster() -> None:
    groups = ["a", "a", "", "b", "", "", "b"]
    patients = ["", "p", "p", "", "", "q", "q"]
    #          a-a-p: 0,1,2;  b: 3,6 and q: 5,6;  4 is alone
    assert clusters(groups, patients).tolist() == [0, 0, 0, 1, 2, 1, 1]


def test_a_group_and_a_patient_of_one_name_are_two_things() -> None:
    assert clusters(["x", ""], ["", "x"]).tolist() == [0, 1]


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b", "c"]), st.sampled_from(["", "p", "q"])), max_size=12))
def test_scans_that_share_something_are_in_one_cluster(scans: list[tuple[str, str]]) -> None:
    numbers = clusters([group for group, _ in scans], [patient for _, patient in scans])
    assert len(numbers) == len(scans)
    for one, number in zip(scans, numbers, strict=True):
        for other, its in zip(scans, numbers, strict=True):
            if any(a and a == b for a, b in zip(one, other, strict=True)):
                assert number == its
    for place, (group, patient) in enumerate(scans):
        if not group and not patient:
            assert (numbers == numbers[place]).sum() == 1
    assert set(numbers) == set(range(len(set(numbers))))


def test_a_pool_puts_scans_of_all_members_in_one_order() -> None:
    whole = made(12)
    one, other = whole.take([0, 1, 2, 3]), whole.take([3, 9])
    both = pool([one, other])
    assert both.ids == (*one.ids, whole.ids[9])
    assert [index.tolist() for index in both.index] == [[0, 1, 2, 3], [3, 4]]
    assert both.labels.tolist() == whole.labels[[0, 1, 2, 3, 9]].tolist()
    assert both.total([np.ones(4), np.ones(2)]).tolist() == [1, 1, 1, 2, 1]


def test_the_voice_of_a_pool_is_the_mean_of_its_members() -> None:
    one = made(9)
    other = one.with_probabilities(said(one.labels, 0.5, 77)).take([8, 0])
    mean = pool([one, other]).mean()
    assert mean.ids == one.ids
    np.testing.assert_allclose(mean.probabilities[1], one.probabilities[1])
    np.testing.assert_allclose(mean.probabilities[8], (one.probabilities[8] + other.probabilities[0]) / 2)
    np.testing.assert_allclose(mean.probabilities[0], (one.probabilities[0] + other.probabilities[1]) / 2)


def test_a_pool_refuses_what_contradicts_itself() -> None:
    one = make_predictions([0], [[1, 0, 0]], classes=CLASSES, ids=["a"])
    with pytest.raises(ConfigError, match="two labels"):
        pool([one, make_predictions([1], [[1, 0, 0]], classes=CLASSES, ids=["a"])])
    with pytest.raises(ConfigError, match="same classes"):
        pool([one, make_predictions([1], [[1, 0, 0]], classes=CLASSES[::-1], ids=["a"])])
    with pytest.raises(ConfigError, match="Got none"):
        pool([one.part("val")])
