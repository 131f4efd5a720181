"""No patient and no group on two sides, everyone assigned once, the same seed the same split, labels in proportion."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bus_toolkit.cli.clean import main
from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.manifest import Row
from bus_toolkit.training.splits import Part, Split, deal, make_split, read_split, units_of, write_split

LABELS = ("benign", "malignant", "normal")
names = st.integers(0, 150).map(lambda number: f"n{number}" if number < 130 else "")
described = st.lists(st.tuples(st.sampled_from(LABELS), names, names), min_size=30, max_size=70)


def rows_of(row: Callable[..., Row], facts: list[tuple[str, str, str]]) -> list[Row]:
    return [row(n, label=label, group=group, patient=patient) for n, (label, group, patient) in enumerate(facts)]


def split_or_skip(rows: list[Row], **options: object) -> Split:
    """A drawn manifest may have too few units to fill each part; that it says so is tested below."""
    try:
        return make_split(rows, no_groups=True, **options)  # type: ignore[arg-type]
    except ConfigError:
        assume(False)  # noqa: FBT003
        raise


def assert_nothing_is_torn(split: Split) -> None:
    for fold in range(split.folds):
        for kind in ("group", "patient"):
            sides: dict[str, set[str]] = {}
            for one in split.assignments:
                if one.fold == fold and getattr(one, kind):
                    sides.setdefault(getattr(one, kind), set()).add(one.part)
            assert all(len(parts) == 1 for parts in sides.values())


@settings(max_examples=60, deadline=None)
@given(facts=described, seed=st.integers(0, 5))
def test_a_grouped_split_tears_nothing_and_forgets_nobody(
    row: Callable[..., Row], facts: list[tuple[str, str, str]], seed: int
) -> None:
    rows = rows_of(row, facts)
    split = split_or_skip(rows, seed=seed)
    assert_nothing_is_torn(split)
    assert sorted(one.id for one in split.assignments) == sorted(one.id for one in rows)
    assert make_split(rows[::-1], seed=seed, no_groups=True) == split, "the order of rows must not matter"


@settings(max_examples=30, deadline=None)
@given(facts=described, folds=st.integers(2, 4))
def test_each_scan_is_tested_on_in_one_fold(
    row: Callable[..., Row], facts: list[tuple[str, str, str]], folds: int
) -> None:
    rows = rows_of(row, facts)
    split = split_or_skip(rows, protocol="grouped-kfold", folds=folds)
    assert_nothing_is_torn(split)
    assert Counter(one.id for one in split.assignments) == dict.fromkeys((one.id for one in rows), folds)
    tested = Counter(one.id for one in split.assignments if one.part is Part.TEST)
    assert tested == dict.fromkeys((one.id for one in rows), 1)


def test_labels_keep_their_proportions(row: Callable[..., Row]) -> None:
    rng = np.random.default_rng(0)
    facts = [(LABELS[int(k)], f"g{rng.integers(250)}", "") for k in rng.choice(3, 400, p=(0.5, 0.3, 0.2))]
    rows = rows_of(row, facts)
    whole = Counter(one.label for one in rows)
    split = make_split(rows)
    for part, share in ((Part.TEST, 0.2), (Part.VAL, 0.08), (Part.TRAIN, 0.72)):
        counts = Counter(one.label for one in split.part(part))
        for label in LABELS:
            assert abs(counts[label] - share * whole[label]) <= 2


def test_links_are_followed_over_any_chain(row: Callable[..., Row]) -> None:
    rows = rows_of(row, [("benign", "a", "x"), ("normal", "b", "x"), ("normal", "b", "y"), ("benign", "", "y")])
    rows += [row(8, label="benign"), row(9, label="benign")]
    assert [[one.id for one in unit] for unit in units_of(rows)] == [
        ["s000", "s001", "s002", "s003"],
        ["s008"],
        ["s009"],
    ]


def test_large_units_do_not_break_the_shares(row: Callable[..., Row]) -> None:
    units = [[row(n, label="benign") for n in range(20)], *([row(n, label="benign")] for n in range(20, 100))]
    sides = deal(units, (0.8, 0.2), np.random.default_rng(3))
    assert sum(len(unit) for unit, side in zip(units, sides, strict=True) if side == 1) == 20


def test_another_seed_gives_another_split(row: Callable[..., Row]) -> None:
    rows = rows_of(row, [(LABELS[n % 3], f"g{n}", "") for n in range(60)])
    assert make_split(rows, seed=1) != make_split(rows, seed=2)


def test_a_manifest_without_groups_is_refused_unless_told(row: Callable[..., Row]) -> None:
    rows = rows_of(row, [(LABELS[n % 3], "", f"p{n}") for n in range(60)])
    with pytest.raises(ConfigError, match="--no-groups"):
        make_split(rows)
    assert "not searched" in make_split(rows, no_groups=True).warnings[0]


def test_york_has_the_counts_of_the_paper_and_says_what_leaks(row: Callable[..., Row]) -> None:
    labels = ["benign"] * 300 + ["malignant"] * 210 + ["normal"] * 133
    split = make_split([row(n, label=label, group=f"g{n // 2}") for n, label in enumerate(labels)], protocol="york")
    counts = Counter((one.part, one.label) for one in split.assignments)
    assert [counts[Part.TEST, label] for label in LABELS] == [17, 17, 8]
    assert [counts[Part.VAL, label] for label in LABELS] == [19, 19, 12]
    assert [counts[Part.TRAIN, label] for label in LABELS] == [174, 174, 110]
    leak = next(words for words in split.warnings if "leaks" in words)
    torn = sum(
        len({one.part for one in split.assignments if one.group == group}) > 1
        for group in {one.group for one in split.assignments}
    )
    assert f"{torn} groups" in leak
    assert any("93 of 643 scans are not used" in words for words in split.warnings)


def test_york_scales_to_what_there_is_or_says_that_it_cannot(row: Callable[..., Row]) -> None:
    labels = ["benign"] * 105 + ["malignant"] * 150 + ["normal"] * 100
    split = make_split([row(n, label=label) for n, label in enumerate(labels)], protocol="york")
    assert Counter(one.label for one in split.assignments) == {"benign": 105, "malignant": 105, "normal": 65}
    assert any("50%" in words for words in split.warnings)
    with pytest.raises(ConfigError, match="none of malignant"):
        make_split([row(n, label=LABELS[0]) for n in range(9)], protocol="york")
    with pytest.raises(ConfigError, match="3 scans or more"):
        make_split([row(n, label=LABELS[n % 3]) for n in range(6)], protocol="york")


def test_what_cannot_be_filled_is_an_error(row: Callable[..., Row]) -> None:
    one_patient = [row(n, label=LABELS[n % 3], group=f"g{n}", patient="p") for n in range(30)]
    with pytest.raises(ConfigError, match="each part must have a scan"):
        make_split(one_patient)
    rare = [row(n, label="benign", group=f"g{n}") for n in range(30)] + [row(30, label="normal", group="x")]
    with pytest.raises(ConfigError, match="training must have each class"):
        make_split(rare, protocol="grouped-kfold", folds=3)


@pytest.mark.parametrize(
    "options", [{"protocol": "x"}, {"test_fraction": 1.0}, {"val_fraction": 0.0}, {"folds": 1}, {"seed": -1}]
)
def test_options_out_of_range(row: Callable[..., Row], options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="must be"):
        make_split([row(1, label="benign")], **options)  # type: ignore[arg-type]


def test_a_split_survives_its_file_and_is_held_against_the_manifest(row: Callable[..., Row], tmp_path: Path) -> None:
    rows = rows_of(row, [(LABELS[n % 3], f"=g{n // 2}", "") for n in range(60)])
    split = make_split(rows, protocol="grouped-kfold", folds=3)
    path = tmp_path / "splits.csv"
    write_split(path, split)
    assert read_split(path, rows).assignments == split.assignments
    with pytest.raises(InputError, match="row 2"):
        read_split(path, rows[1:])
    path.write_text(path.read_text().replace(",train,", ",trane,"))
    with pytest.raises(InputError, match="a part"):
        read_split(path, rows)


def test_a_file_that_leaks_is_told_on(row: Callable[..., Row], tmp_path: Path) -> None:
    rows = rows_of(row, [(LABELS[n % 3], f"g{n // 6}", "") for n in range(60)])
    path = tmp_path / "splits.csv"
    write_split(path, make_split([row(n, label=LABELS[n % 3], group=f"g{n}") for n in range(60)]))
    assert any("leaks" in words for words in read_split(path, rows).warnings)


def test_the_command_writes_it_and_shows_the_counts(
    clean: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "splits.csv"
    assert main(["split", str(clean), "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines()[0].split() == ["fold", "part", "benign", "malignant", "normal", "all"]
    assert len(out.read_text().splitlines()) == 43
    assert main(["split", str(clean), "--protocol", "york", "--out", str(out)]) == 0
    assert "Warning: This split leaks" in capsys.readouterr().err
    assert main(["split", str(tmp_path / "HAUGWITZ"), "--out", str(out)]) == 1
    assert "HAUGWITZ" not in capsys.readouterr().err
