"""Which models of a run speak, about what, and from which score on a scan is called malignant."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bus_toolkit.apply.cleaning import policy_for, was_anonymised
from bus_toolkit.apply.material import drawn, fold_of, known_to, manifest_of, material
from bus_toolkit.apply.trained import POINTS, ask, open_trained, threshold_on
from bus_toolkit.cli.evaluate_points import POINTS as NAMED
from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.evaluation.ensemble import ensemble
from bus_toolkit.evaluation.operating import Wanted, choose_threshold
from bus_toolkit.evaluation.predictions import make_predictions, read_predictions
from bus_toolkit.evaluation.runs import Run, read_run
from bus_toolkit.manifest import read_manifest
from bus_toolkit.models import Facts
from bus_toolkit.models.facts import NEVER
from bus_toolkit.policy import load_policy

CHANGED = {"classes": ["a", "b", "c"], "image_size": 33}


def run_with(**config: object) -> Run:
    told = {"classes": ["benign", "malignant"], **config}
    return Run(folder=Path("nowhere"), config=told, members=(), missing=(), splits=())


def test_names_of_points_are_the_same_on_the_command_line() -> None:
    assert tuple(POINTS) == NAMED


def test_what_a_model_says_is_what_it_said_in_training(runs: Path, folds: Path) -> None:
    for folder, member in ((runs, "run-1"), (folds, "fold-1")):
        trained = open_trained(folder, member)
        known = read_predictions(folder / "members" / member / "predictions.csv")
        for part in ("val", "test"):
            found = material(trained, member, part)
            said = ask(trained, found.squares)[member]
            assert np.allclose(said, known.part(part).probabilities, atol=1e-5)
            assert found.labels.tolist() == known.part(part).labels.tolist()


def test_one_member_has_its_own_threshold_and_folds_the_mean(runs: Path, folds: Path) -> None:
    point = "sensitivity_95"
    each = [open_trained(folds, name).threshold(point) for name in ("fold-0", "fold-1")]
    assert None not in each
    assert open_trained(folds).threshold(point) == pytest.approx(np.mean([one for one in each if one is not None]))
    mean = threshold_on(ensemble(read_run(runs)).part("val"), POINTS[point])
    assert open_trained(runs).threshold(point) == mean
    with pytest.raises(ConfigError, match="operating point"):
        open_trained(runs).threshold("accuracy_95")


def test_a_threshold_that_nothing_reaches_fits_into_facts() -> None:
    chosen = choose_threshold([1.0, 1.0], [False, True], Wanted(specificity=0.95))
    assert chosen is not None
    assert chosen.value > 1
    kept = {"arch": "tinycnn", "classes": ("a", "b"), "image_size": 32, "scaling": "-"}
    for value in (chosen.value, NEVER):
        assert Facts(**kept, positive="a", threshold=value).threshold == value
    assert np.float32(1) < np.float32(NEVER)
    with pytest.raises(ConfigError, match="just above 1"):
        Facts(**kept, positive="a", threshold=1.001)


@pytest.mark.parametrize("key", CHANGED)
def test_models_that_are_not_the_runs_are_refused(runs: Path, tmp_path: Path, key: str) -> None:
    run = shutil.copytree(runs, tmp_path / "run")
    config = json.loads((run / "config.json").read_text()) | {key: CHANGED[key]}
    if key == "classes":
        for path in run.glob("members/*/predictions.csv"):
            known = read_predictions(path)
            text = path.read_text().replace("p_benign,p_malignant,p_normal", "p_a,p_b,p_c")
            for old, new in zip(known.classes, CHANGED[key], strict=True):  # type: ignore[call-overload]
                text = text.replace(f",{old},", f",{new},")
            path.write_text(text)
    (run / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"classes and the image size of config\.json"):
        open_trained(run)
    (run / "config.json").write_text(json.dumps(config | {"fit": None}))
    with pytest.raises(InputError, match="image_size and fit"):
        open_trained(run)


def test_a_missing_model_or_member_is_told(runs: Path, tmp_path: Path) -> None:
    run = shutil.copytree(runs, tmp_path / "run")
    (run / "members" / "run-1" / "model.keras").unlink()
    with pytest.raises(InputError, match="must have its models"):
        open_trained(run)
    assert open_trained(run, "run-0").members == ("run-0",)
    with pytest.raises(ConfigError, match="--member must be one of"):
        open_trained(run, "run-7")


def test_the_policy_is_found_by_its_hash() -> None:
    for name in ("york", "keep-annotated"):
        assert policy_for(run_with(policy_hash=load_policy(name).hash)) == (load_policy(name), True)
    assert policy_for(run_with()) == (load_policy("york"), False)
    assert policy_for(run_with(policy_hash="ab" * 32), "york") == (load_policy("york"), False)
    with pytest.raises(ConfigError, match="--policy must name"):
        policy_for(run_with(policy_hash="ab" * 32))
    with pytest.raises(ConfigError, match="writes pictures"):
        policy_for(run_with(), "report-only")


def test_a_manifest_that_is_gone_or_changed_is_told(runs: Path, tmp_path: Path) -> None:
    run = read_run(runs)
    assert was_anonymised(run)
    with pytest.raises(InputError, match="must tell the manifest"):
        manifest_of(run_with())
    with pytest.raises(InputError, match="moved or removed"):
        manifest_of(run_with(manifest=str(tmp_path / "HAUGWITZ.csv"), manifest_sha256="0"))
    changed = tmp_path / "manifest.csv"
    changed.write_bytes(Path(run.config["manifest"]).read_bytes() + b"\n")
    with pytest.raises(InputError, match="cleaned anew"):
        manifest_of(run_with(manifest=str(changed), manifest_sha256=run.config["manifest_sha256"]))


def test_scans_that_a_run_knows_are_counted(runs: Path, manifest: Path, elsewhere: Path) -> None:
    run = read_run(runs)
    kept = [row for row in read_manifest(manifest) if row.image]
    assert known_to(run, kept) == len(kept) == 60
    assert known_to(run, [row for row in read_manifest(elsewhere) if row.image]) == 0
    lost = Run(folder=run.folder, config={**run.config, "manifest": ""}, members=(), missing=(), splits=run.splits)
    assert known_to(lost, kept) == 60


def test_folds_are_counted_as_members(folds: Path, runs: Path) -> None:
    assert [fold_of(read_run(folds), name) for name in ("fold-0", "fold-1")] == ["0", "1"]
    assert [fold_of(read_run(runs), name) for name in ("run-0", "run-1")] == ["0", "0"]


def test_a_draw_keeps_the_shares_of_the_classes() -> None:
    labels = np.array([0] * 60 + [1] * 30 + [2] * 10)
    some = drawn(labels, 20, 0)
    assert np.bincount(labels[some]).tolist() == [12, 6, 2]
    assert some.tolist() == drawn(labels, 20, 0).tolist() == sorted(set(some.tolist()))
    assert some.tolist() != drawn(labels, 20, 1).tolist()
    assert drawn(labels, 100, 0).tolist() == list(range(100))


def test_a_threshold_needs_both_kinds() -> None:
    said = make_predictions([0, 0], [[0.5, 0.5], [0.4, 0.6]], classes=("benign", "malignant"))
    assert threshold_on(said, Wanted(specificity=0.95)) is None
