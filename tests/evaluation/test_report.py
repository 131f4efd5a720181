"""What a run leaves: summary, card, pages; from made-up run folders."""

import html
import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bus_toolkit.errors import ConfigError, InputError
from bus_toolkit.evaluation import make_predictions
from bus_toolkit.evaluation.ensemble import ensemble, write_ensemble
from bus_toolkit.evaluation.external import write_external
from bus_toolkit.evaluation.pictures import error_pictures, worst_errors
from bus_toolkit.evaluation.report import report_run
from bus_toolkit.evaluation.runs import Assigned, leaking, read_run
from bus_toolkit.evaluation.summary import SUMMARY, Summary, read_summary, summarise
from bus_toolkit.evaluation.table import long_table, paper_table
from bus_toolkit.manifest import read_manifest
from tests.evaluation.made_runs import CLASSES, clean_folder, made, run_folder

DRAWS = 100


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    return run_folder(folder / "resnet", manifest=clean_folder(folder / "clean", made()))


@pytest.fixture(scope="module")
def summary(run: Path) -> Summary:
    return report_run(run, resamples=DRAWS)


@pytest.fixture(scope="module")
def folds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_folder(tmp_path_factory.mktemp("runs") / "folds", folds=5, pretrained="w.h5", arch="vgg16")


def copied(run: Path, tmp_path: Path, **config: Any) -> Path:
    shutil.copytree(run, tmp_path / "copy")
    path = tmp_path / "copy" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    return path.parent


def test_the_summary_is_what_was_written(run: Path, summary: Summary) -> None:
    assert read_summary(run / SUMMARY).data == summary.data
    assert summary.accuracy == summary.value("accuracy")
    assert summary.value("nothing") is None


def test_accuracy_is_the_mean_of_the_runs_with_their_spread(run: Path, summary: Summary) -> None:
    shares = []
    for member in read_run(run).members:
        test = member.predictions.part("test")
        shares.append((test.predicted == test.labels).mean())
    found = summary.data["figures"]["accuracy"]
    assert found["value"] == pytest.approx(np.mean(shares), abs=1e-6)
    assert found["sd"] == pytest.approx(np.std(shares, ddof=1), abs=1e-6)
    assert found["members"] == pytest.approx(shares, abs=1e-6)
    assert found["low"] < found["value"] < found["high"]
    paper = summary.data["paper"]
    assert paper["score_percent"] == pytest.approx(100 * np.mean(shares), abs=0.005)
    assert paper["right"] == [round(120 * share) for share in shares]
    assert paper["reached"] == (np.mean(shares) >= 0.75)


def test_the_test_scans_choose_nothing(run: Path, summary: Summary, tmp_path: Path) -> None:
    # With other test labels the thresholds and temperatures are the same.
    other = copied(run, tmp_path)
    for path in (other / "members").glob("*/predictions.csv"):
        text = path.read_text().replace(",benign,sg", ",xx,sg").replace(",malignant,sg", ",benign,sg")
        path.write_text(text.replace(",xx,sg", ",malignant,sg"))
    again = summarise(read_run(other), resamples=DRAWS)
    assert again.accuracy != summary.accuracy
    for one, same in zip(summary.data["members"], again.data["members"], strict=True):
        assert (one["thresholds"], one["temperature"]) == (same["thresholds"], same["temperature"])


def test_operating_points_are_those_of_the_members(run: Path, summary: Summary) -> None:
    called = true = 0
    for member, told in zip(read_run(run).members, summary.data["members"], strict=True):
        test = member.predictions.part("test")
        threshold = told["thresholds"]["specificity_95"]["threshold"]
        malignant = test.labels == 1
        called += int((test.probabilities[malignant, 1] >= threshold).sum())
        true += int(malignant.sum())
        assert told["thresholds"]["specificity_95"]["val_specificity"] >= 0.95
    found = summary.data["operating"][0]
    assert found["wanted"] == {"sensitivity": None, "specificity": 0.95}
    assert found["test"]["sensitivity"]["value"] == pytest.approx(called / true, abs=1e-6)


def test_the_same_run_gives_the_same_bytes(run: Path, summary: Summary, tmp_path: Path) -> None:
    other = copied(run, tmp_path)
    assert report_run(other, resamples=DRAWS).data == summary.data
    for name in ("summary.json", "report.html", "model_card.json", "model_card.html"):
        assert (other / name).read_bytes() == (run / name).read_bytes()


def test_folds_are_scored_out_of_fold(folds: Path) -> None:
    found = report_run(folds, resamples=DRAWS)
    assert found.data["folds"]
    assert found.data["data"]["tested"] == 120
    assert np.sum(found.data["confusion"]) == pytest.approx(120)
    assert found.data["data"]["leaking"] == 0
    assert "5 folds" in (folds / "report.html").read_text()


def test_the_page_needs_nothing_from_elsewhere(run: Path, summary: Summary) -> None:
    page = (run / "report.html").read_text()
    assert "default-src 'none'" in html.unescape(page)
    assert not re.search(r'(?:src|href)="(?!data:|#|model_card\.html)', page)
    assert ' style="' not in page, "the page's policy would drop it"
    assert page.count("<style>") == 1
    assert page.count('<svg class="plot"') == 7
    identifiers = re.findall(r'\sid="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers))
    assert set(re.findall(r'(?:url\(#|href="#)([^")]+)', page)) <= set(identifiers)
    assert f"{100 * summary.accuracy:.1f} %" in page


def test_names_cannot_become_markup(run: Path, tmp_path: Path) -> None:
    other = copied(run, tmp_path, name="<script>x</script>", arch="<b>", versions={"<i>": "1"})
    report_run(other, resamples=20)
    for name in ("report.html", "model_card.html"):
        page = (other / name).read_text()
        assert "<script>" not in page
        assert "<b>&" not in page
        assert "&lt;script&gt;" in page


def test_the_worst_errors_come_first_with_their_pictures(run: Path) -> None:
    read = read_run(run)
    voice = read.tested().mean()
    worst = worst_errors(voice)
    said = [voice.probabilities[i, voice.labels[i]] for i in worst]
    assert said == sorted(said)
    assert all(voice.predicted[i] != voice.labels[i] for i in worst)
    shown = list(error_pictures(read, voice))
    assert len(shown) == len(worst)
    assert all(one["uri"].startswith("data:image/jpeg;base64,") for one in shown)
    assert shown[0]["id"] == voice.ids[worst[0]]
    assert (run / "report.html").read_text().count("data:image/jpeg") == len(shown)


def test_no_picture_that_nobody_vouches_for(run: Path, tmp_path: Path) -> None:
    read = read_run(run)
    voice = read.tested().mean()
    clean = clean_folder(tmp_path / "clean", made(), anonymised=False)
    other = read_run(copied(run, tmp_path, manifest=str(clean)))
    assert not any(one["uri"] for one in error_pictures(other, voice)), "the manifest has another digest"
    for row in read_manifest(clean):
        (clean.parent / row.image).write_bytes(b"another picture")
    again = read_run(run_folder(tmp_path / "again", manifest=clean))
    shown = list(error_pictures(again, voice))
    assert not any(one["uri"] for one in shown), "the pictures have other digests"
    assert not any(one["id"] for one in shown), "an id that is no pseudonym may be a name"
    (tmp_path / "again" / "config.json").write_text(
        json.dumps({**again.config, "manifest": str(tmp_path / "gone.csv")})
    )
    report_run(tmp_path / "again", resamples=20)
    assert "The pictures cannot be shown" in (tmp_path / "again" / "report.html").read_text()


def test_the_card_says_what_must_be_known(run: Path, summary: Summary) -> None:
    card = json.loads((run / "model_card.json").read_text())
    assert card["classes"] == list(CLASSES)
    assert card["input"]["shape"] == [None, 224, 224, 1]
    assert card["training"]["seeds"] == [123, 124, 125]
    assert card["data"]["policy_hash"] == "ab" * 32
    assert card["data"]["parts"]["train"] == {"benign": 30, "malignant": 30, "normal": 30}
    assert card["models"][0]["thresholds"] == summary.data["members"][0]["thresholds"]
    assert re.fullmatch(r"[0-9a-f]{64}", card["models"][0]["sha256"])
    assert any("21 malignant" in limit for limit in card["limits"])
    for text in (run / "model_card.json").read_text(), (run / "summary.json").read_text():
        assert str(run.parent) not in text, "a path may hold a name"
    assert str(run.parent) not in (run / "report.html").read_text()


def test_a_test_that_leaks_is_told(tmp_path: Path) -> None:
    found = report_run(run_folder(tmp_path / "leak", leak=True), resamples=20)
    assert found.data["data"]["leaking"] == 3
    assert "3 tested scans have a near-duplicate" in (tmp_path / "leak" / "report.html").read_text()
    assert "not independent" in json.loads((tmp_path / "leak" / "model_card.json").read_text())["limits"][0]


def row(scan: str, part: str, fold: str = "0", group: str = "", patient: str = "") -> Assigned:
    return Assigned(id=scan, image="", label="benign", group=group, patient=patient, part=part, fold=fold)


def test_leaks_are_looked_for_fold_by_fold() -> None:
    parted = [row("a", "train", "0", "g"), row("b", "train", "0", "g"), row("a", "test", "1", "g")]
    assert leaking([*parted, row("b", "test", "1", "g")]) == 0
    assert leaking([*parted, row("b", "train", "1", "g")]) == 1
    assert leaking([row("a", "test", patient="p"), row("b", "val", patient="p"), row("c", "test")]) == 1


def test_a_run_that_is_not_complete_is_told(run: Path, tmp_path: Path) -> None:
    other = copied(run, tmp_path)
    (other / "members" / "run-1" / "predictions.csv").unlink()
    found = summarise(read_run(other), resamples=20)
    assert found.data["missing"] == ["run-1"]
    assert [member["name"] for member in found.data["members"]] == ["run-0", "run-2"]
    assert any(remark["stop"] and "run-1" in remark["text"] for remark in found.data["remarks"])


def test_a_run_needs_no_validation_scans_no_splits_and_no_history(run: Path, tmp_path: Path) -> None:
    other = copied(run, tmp_path)
    (other / "splits.csv").unlink()
    for path in (other / "members").glob("*/history.csv"):
        path.unlink()
    for path in (other / "members").glob("*/predictions.csv"):
        path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if ",val," not in line))
    found = report_run(other, resamples=20)
    assert found.data["operating"] == []
    assert found.data["members"][0]["temperature"] is None
    assert any("No validation scans" in remark["title"] for remark in found.data["remarks"])
    page = (other / "report.html").read_text()
    assert "Operating points" not in page
    assert "Learning curves" not in page


def test_a_class_without_test_scans_has_no_figures(run: Path, tmp_path: Path) -> None:
    other = copied(run, tmp_path)
    for path in (other / "members").glob("*/predictions.csv"):
        path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if ",normal," not in line))
    found = report_run(other, resamples=20)
    assert found.value("sensitivity.normal") is None
    assert found.value("balanced_accuracy") is not None
    json.loads((other / "summary.json").read_text(), parse_constant=pytest.fail)


def test_other_classes_are_reported_too(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "other")
    names = ["cyst", "mass", "none"]
    for path in [*run.rglob("*.csv"), run / "config.json"]:
        text = path.read_text()
        for ours, theirs in zip(CLASSES, names, strict=True):
            text = text.replace(ours, theirs)
        path.write_text(text)
    found = report_run(run, resamples=20)
    assert found.data["operating"] == found.data["decision"] == []
    assert "Is it of use?" not in (run / "report.html").read_text()


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("config.json", "{", "readable config.json"),
        ("config.json", "[]", "two or more classes"),
        ("config.json", '{"classes": ["a"]}', "two or more classes"),
        ("config.json", '{"classes": ["a", "a"]}', "two or more classes"),
        ("config.json", '{"classes": ["a", "b"]}', "for the classes a, b"),
        ("splits.csv", "id,part\na,test\n", "must have the columns id"),
        ("splits.csv", "id,image,label,group,patient,part,fold\na,,,,,exam,0\n", "parts train, val, test"),
        ("splits.csv", "id,image\na\n", "as many cells"),
        ("members/run-0/history.csv", "epoch,loss\n1,2\n", "columns epoch, loss"),
        ("members/run-0/predictions.csv", "", "header of predictions"),
    ],
)
def test_a_broken_folder_is_told(run: Path, tmp_path: Path, name: str, text: str, match: str) -> None:
    other = copied(run, tmp_path)
    (other / name).write_text(text)
    with pytest.raises(InputError, match=match):
        read_run(other)


def test_what_is_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"folder with a readable config\.json"):
        report_run(tmp_path)
    (tmp_path / "config.json").write_text('{"classes": ["a", "b"]}')
    with pytest.raises(InputError, match="finished member"):
        report_run(tmp_path)


def test_members_that_contradict_each_other_are_told(run: Path, tmp_path: Path) -> None:
    other = copied(run, tmp_path)
    path = other / "members" / "run-1" / "predictions.csv"
    path.write_text(path.read_text().replace("s0000,benign", "s0000,normal"))
    with pytest.raises(InputError, match=r"cannot be scored.*two labels"):
        report_run(other)


def test_a_summary_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / SUMMARY).write_text('{"schema": 0}')
    with pytest.raises(InputError, match="score the run again"):
        read_summary(tmp_path / SUMMARY)
    (tmp_path / SUMMARY).write_text("{")
    with pytest.raises(InputError, match="readable JSON"):
        read_summary(tmp_path / SUMMARY)


def test_an_ensemble_is_a_run_of_its_own(run: Path, tmp_path: Path) -> None:
    read = read_run(run)
    written = write_ensemble(read, tmp_path / "ensemble")
    again = read_run(tmp_path / "ensemble")
    assert again.config["ensemble_of"] == ["run-0", "run-1", "run-2"]
    said = again.members[0].predictions
    assert set(said.parts) == {"val", "test"}
    each = [m.predictions.probabilities[m.predictions.ids.index(said.ids[7])] for m in read.members]
    np.testing.assert_allclose(said.probabilities[7], np.mean(each, axis=0), atol=1e-8)
    found = summarise(again, resamples=DRAWS)
    assert found.accuracy > summarise(read, resamples=DRAWS).accuracy, "members that err apart mend each other"
    assert written.members[0].predictions.ids == said.ids
    write_ensemble(read, tmp_path / "ensemble")  # over an older one


def test_what_cannot_be_an_ensemble(run: Path, folds: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="same scans"):
        ensemble(read_run(folds))
    with pytest.raises(ConfigError, match=r"two members or more\. Got 1"):
        ensemble(read_run(run_folder(tmp_path / "one", runs=1)))
    with pytest.raises(InputError, match="new folder"):
        write_ensemble(read_run(run), tmp_path)


def test_an_external_test_keeps_what_was_chosen(run: Path, summary: Summary, tmp_path: Path) -> None:
    read = read_run(run)
    # The same names as those of the run's own scans: they are other scans all the same.
    said = {m.name: made(30, 1.0, 7 + n, prefix="v") for n, m in enumerate(read.members)}
    write_external(read, said, tmp_path / "breast", name="breast")
    found = report_run(tmp_path / "breast", resamples=DRAWS)
    assert found.data["data"]["tested"] == 30
    for one, own in zip(found.data["members"], summary.data["members"], strict=True):
        assert one["temperature"] == pytest.approx(own["temperature"], abs=1e-4)
        for name, chosen in own["thresholds"].items():
            assert one["thresholds"][name]["threshold"] == pytest.approx(chosen["threshold"], abs=1e-6)
    card = json.loads((tmp_path / "breast" / "model_card.json").read_text())
    assert card["external_test_of"] == "resnet"
    assert any("another source" in limit for limit in card["limits"])
    write_external(read, said, tmp_path / "breast", name="again")
    assert read_run(tmp_path / "breast").name == "again"


def test_what_cannot_be_an_external_test(run: Path, tmp_path: Path) -> None:
    read = read_run(run)
    said = {member.name: made(30) for member in read.members}
    with pytest.raises(InputError, match="new folder"):
        write_external(read, said, tmp_path, name="x")
    with pytest.raises(ConfigError, match="each member"):
        write_external(read, {"run-0": made(30)}, tmp_path / "x", name="x")
    other = make_predictions([0], [[1.0, 0.0]], classes=("a", "b"))
    with pytest.raises(ConfigError, match="classes of the run"):
        write_external(read, dict.fromkeys(said, other), tmp_path / "x", name="x")


def test_tables(summary: Summary, folds: Path) -> None:
    both = [summary, summarise(read_run(folds), resamples=DRAWS)]
    lines = long_table(both).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert re.fullmatch(r"\| resnet50 +\| de novo +\| grouped, 3 runs .*", lines[2])
    assert "pretrained (w.h5)" in lines[3]
    assert "5 folds" in lines[3]
    figures = summary.data["figures"]["accuracy"]
    assert f"{100 * figures['mean']:.1f} ± {100 * figures['sd']:.1f} %" in lines[2]
    told = paper_table(both).splitlines()
    assert re.fullmatch(r"\| resnet50 +\| [\d.]+ ± [\d.]+ % +\| – +\|", told[2])  # noqa: RUF001
    assert re.fullmatch(r"\| vgg16 +\| – +\| [\d.]+ ± [\d.]+ % +\|", told[3])  # noqa: RUF001


def test_nothing_in_json_is_not_a_number(summary: Summary) -> None:
    def look(value: Any) -> None:
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            look(each)
        assert not isinstance(value, float) or math.isfinite(value)

    look(summary.data)
