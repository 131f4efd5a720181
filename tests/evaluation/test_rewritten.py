"""Run folders that are made from others: what they carry on, and what becomes of an older one in their place."""

import json
import shutil
from pathlib import Path

import pytest

from bus_toolkit.errors import InputError
from bus_toolkit.evaluation.ensemble import write_ensemble
from bus_toolkit.evaluation.external import write_external
from bus_toolkit.evaluation.runs import Run, read_run
from bus_toolkit.evaluation.summary import summarise
from tests.evaluation.made_runs import made, run_folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return run_folder(tmp_path / "source")


def external(run: Run, out: Path, **more: str) -> Run:
    said = {member.name: made(30, 1.0, number) for number, member in enumerate(run.members)}
    return write_external(run, said, out, name="elsewhere", **more)


def without(folder: Path, member: str) -> Run:
    """The run once more, with a member that is not finished."""
    (folder / "members" / member / "predictions.csv").unlink()
    return read_run(folder)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "members").iterdir())


def test_members_of_an_older_external_test_are_gone(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    external(read_run(source), out)
    (out / "members" / "notes").mkdir()
    fewer = read_run(run_folder(tmp_path / "fewer", runs=2))
    external(fewer, out)
    assert names(out) == ["notes", "run-0", "run-1"], "what is no member stays"
    again = read_run(out)
    assert [member.name for member in again.members] == ["run-0", "run-1"]
    assert again.missing == ()


def test_no_model_is_removed(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    external(read_run(source), out)
    before = (out / "config.json").read_bytes()
    model = out / "members" / "run-2" / "model.keras"
    model.write_bytes(b"a model")
    with pytest.raises(InputError, match=r"nothing but predictions\.csv\. Got one with other files"):
        external(read_run(run_folder(tmp_path / "fewer", runs=2)), out)
    assert model.read_bytes() == b"a model"
    assert (out / "config.json").read_bytes() == before
    model.unlink()
    shutil.move(out / "members" / "run-2", tmp_path / "aside")
    (out / "members" / "run-2").symlink_to(tmp_path / "aside")
    with pytest.raises(InputError, match="other files"):
        external(read_run(tmp_path / "fewer"), out)
    assert (tmp_path / "aside" / "predictions.csv").is_file()


def test_only_members_that_the_config_tells_of_are_read(source: Path) -> None:
    shutil.copytree(source / "members" / "run-0", source / "members" / "run-3")
    assert [member.name for member in read_run(source).members] == ["run-0", "run-1", "run-2"]
    config = json.loads((source / "config.json").read_text())
    for untold in ({**config, "members": []}, {key: config[key] for key in config if key != "members"}):
        (source / "config.json").write_text(json.dumps(untold))
        assert len(read_run(source).members) == 4
    (source / "config.json").write_text(json.dumps({**config, "members": ["run-9"]}))
    with pytest.raises(InputError, match="finished member"):
        read_run(source)


def test_what_is_missing_stays_missing(source: Path, tmp_path: Path) -> None:
    whole = read_run(source)
    written = external(whole, tmp_path / "elsewhere"), write_ensemble(whole, tmp_path / "ensemble")
    assert [run.missing for run in written] == [(), ()]
    part = without(source, "run-1")
    written = external(part, tmp_path / "elsewhere"), write_ensemble(part, tmp_path / "ensemble")
    for run in written:
        again = read_run(run.folder)
        assert run.missing == again.missing == ("run-1",)
        assert [one.name for one in again.members] == [one.name for one in run.members]
        for one in (run, again):
            remarks = summarise(one, resamples=20).data["remarks"]
            assert any(remark["stop"] and remark["title"] == "The run is not complete." for remark in remarks)
    assert read_run(tmp_path / "ensemble").config["ensemble_of"] == ["run-0", "run-2"]


def test_the_splits_of_an_older_ensemble_are_gone(source: Path, tmp_path: Path) -> None:
    out = write_ensemble(read_run(source), tmp_path / "ensemble").folder
    assert read_run(out).splits
    (source / "splits.csv").unlink()
    write_ensemble(read_run(source), out)
    assert read_run(out).splits == ()


def test_an_external_test_has_the_policy_of_its_own_scans(source: Path, tmp_path: Path) -> None:
    run = read_run(source)
    assert run.config["policy_hash"] == "ab" * 32
    assert external(run, tmp_path / "out").config["policy_hash"] == ""
    external(run, tmp_path / "out", policy_hash="cd" * 32, digest="ef" * 32)
    config = read_run(tmp_path / "out").config
    assert (config["policy_hash"], config["manifest_sha256"]) == ("cd" * 32, "ef" * 32)
