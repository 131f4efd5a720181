"""The documentation cannot say what is not so: generated pages are current, links lead somewhere, snippets run."""

import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from bus_toolkit.batch.explain import explain
from bus_toolkit.policy import load_policy
from bus_toolkit.synth import make_phantom

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])


def test_generated_pages_are_what_the_code_says() -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), target


def test_the_readme_lists_what_a_run_does() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    listed = re.findall(r"^\d+\. (.+)$", readme, flags=re.MULTILINE)
    assert listed == list(explain(load_policy("york"), anonymise=True))


def test_the_snippets_for_python_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = make_phantom(np.random.default_rng(5), rows=200, cols=260, fan="full").image
    (tmp_path / "raw_york" / "benign").mkdir(parents=True)
    for name in ("scan.png", "raw_york/benign/a.png"):
        assert cv2.imwrite(str(tmp_path / name), picture)
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "how-to" / "python.md").read_text("utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)).replace("anonymise=True))", "jobs=0))")
    names: dict[str, object] = {"__name__": "snippet"}
    exec(compile(code, "python.md", "exec"), names)  # noqa: S102
    assert (tmp_path / "clean.png").is_file()
    assert names["rows"]


def test_commands_in_the_docs_exist() -> None:
    from bus_toolkit.cli.clean import main

    for page in PAGES:
        for command in set(re.findall(r"^bus-clean (\w+)", page.read_text("utf-8"), flags=re.MULTILINE)):
            with pytest.raises(SystemExit) as stopped:
                main([command, "--help"])
            assert stopped.value.code == 0
