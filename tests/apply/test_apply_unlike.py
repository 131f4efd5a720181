"""Whether scans of a clean folder were cleaned as those that a run learned from, and whose policy a test is told of."""

import json
import shutil
from pathlib import Path

import pytest

from bus_toolkit.apply.cleaning import was_anonymised
from bus_toolkit.apply.predict import open_clean
from bus_toolkit.cli.evaluate import main
from bus_toolkit.errors import InputError
from bus_toolkit.evaluation.runs import Run, read_run
from bus_toolkit.training.data import policy_hash_of
from tests.evaluation.made_runs import clean_folder, made, run_folder

OWN, OTHER = "ab" * 32, "cd" * 32
POLICY, HIDDEN, SHOWN = (
    "the clean folder was cleaned under a policy that is not known to be that of the scans that the run learned from",
    "the clean folder is anonymised, the scans that the run learned from are not",
    "the clean folder is not anonymised, the scans that the run learned from are",
)


def cleaned_under(manifest: Path, policy_hash: str) -> Path:
    manifest.with_name("run.json").write_text(json.dumps({"policy": {"name": "york", "sha256": policy_hash}}))
    return manifest


def run_of(folder: Path, *, anonymised: bool) -> Run:
    manifest = clean_folder(folder / "own", made(6, prefix="o"), anonymised=anonymised)
    return read_run(run_folder(folder / "run", runs=1, manifest=manifest, policy_hash=OWN))


def test_the_policy_that_cleaning_wrote_is_read(tmp_path: Path) -> None:
    manifest = clean_folder(tmp_path / "clean", made(3))
    assert policy_hash_of(manifest) == ""
    assert policy_hash_of(cleaned_under(manifest, OTHER)) == OTHER
    for broken in ("{", "[]", "{}", '{"policy": "HAUGWITZ"}'):
        manifest.with_name("run.json").write_text(broken)
        with pytest.raises(InputError, match="must be what cleaning wrote") as caught:
            policy_hash_of(manifest)
        assert "HAUGWITZ" not in str(caught.value)


@pytest.mark.parametrize(
    ("policy_hash", "own", "here", "told"),
    [
        (OWN, True, True, ()),
        (OWN, False, False, ()),
        (OTHER, True, True, (POLICY,)),
        ("", True, True, (POLICY,)),
        (OWN, False, True, (HIDDEN,)),
        (OWN, True, False, (SHOWN,)),
        (OTHER, True, False, (POLICY, SHOWN)),
    ],
)
def test_what_is_unlike_is_told(
    tmp_path: Path, *, policy_hash: str, own: bool, here: bool, told: tuple[str, ...]
) -> None:
    run = run_of(tmp_path, anonymised=own)
    manifest = clean_folder(tmp_path / "clean", made(6), anonymised=here)
    if policy_hash:
        cleaned_under(manifest, policy_hash)
    clean = open_clean(manifest, run)
    assert (clean.policy_hash, clean.unlike) == (policy_hash, told)


def test_without_the_manifest_of_the_run_nothing_is_said_of_anonymising(tmp_path: Path) -> None:
    run = run_of(tmp_path, anonymised=True)
    shutil.rmtree(tmp_path / "own")
    manifest = cleaned_under(clean_folder(tmp_path / "clean", made(6), anonymised=False), OWN)
    assert open_clean(manifest, run).unlike == ()


def test_predict_warns_and_the_external_test_has_the_policy_of_its_scans(
    runs: Path, elsewhere: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(elsewhere.parent, tmp_path / "clean")
    cleaned_under(folder / "manifest.csv", OTHER)
    out = tmp_path / "external"
    assert main(["predict", str(runs), str(folder), "--score", str(out), "--resamples", "20"]) == 0
    assert f"bus-eval: {POLICY}\n" in capsys.readouterr().err
    assert read_run(out).config["policy_hash"] == OTHER
    assert json.loads((out / "model_card.json").read_text())["data"]["policy_hash"] == OTHER
    # A picture of the folder, given by itself, is no more like those of the run.
    picture = next((folder / "images").rglob("*.png"))
    assert main(["predict", str(runs), str(picture)]) == 0
    assert f"bus-eval: {POLICY}\n" in capsys.readouterr().err
    same = shutil.copytree(runs, tmp_path / "same")
    config = json.loads((same / "config.json").read_text())
    (same / "config.json").write_text(json.dumps(config | {"policy_hash": OTHER}))
    for scans in (folder, picture):
        assert main(["predict", str(same), str(scans)]) == 0
        assert "the clean folder was" not in capsys.readouterr().err


@pytest.mark.parametrize("known", [True, False])
def test_a_run_whose_clean_folder_was_moved_still_knows(tmp_path: Path, *, known: bool) -> None:
    run = run_of(tmp_path, anonymised=known)
    shutil.rmtree(tmp_path / "own")
    assert was_anonymised(run), "what nobody knows is cleaned the safe way"
    (tmp_path / "run" / "config.json").write_text(json.dumps({**run.config, "anonymised": known}))
    assert was_anonymised(read_run(tmp_path / "run")) is known


def test_training_notes_it(runs: Path) -> None:
    assert json.loads((runs / "config.json").read_text())["anonymised"] is True
