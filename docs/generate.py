"""Make the reference pages that are derived from the code.

python docs/generate.py           write them
python docs/generate.py --check   exit 1 when one is not what the code says
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).parent
COMMANDS = (
    (),
    ("ingest",),
    ("inspect",),
    ("explain",),
    ("selftest",),
    ("verify",),
    ("keys",),
    ("keys", "new"),
    ("keys", "show"),
    ("keys", "rotate"),
    ("lookup",),
    ("split",),
)
EVALUATION = tuple(
    (name,) if name else ()
    for name in ("", "score", "compare", "table", "ensemble", "predict", "explain", "export", "shortcuts")
)
NOTE = "<!-- Made by docs/generate.py from the code. Change the code, not this page. -->\n\n"
COLUMNS = "100"
"""Width that help is wrapped to, so that the page does not depend on the terminal."""


def help_of(command: tuple[str, ...], main: Callable[[list[str]], int]) -> str:
    """What ``COMMAND --help`` of a program prints."""
    os.environ["COLUMNS"] = COLUMNS
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main([*command, "--help"])
    return printed.getvalue().rstrip()


def cli_page() -> str:
    """Every command of ``bus-clean`` with its help."""
    from bus_toolkit.cli.clean import main

    return _helps("# Command line", "bus-clean", COMMANDS, main)


def train_page() -> str:
    """``bus-train`` with its help."""
    from bus_toolkit.cli.train import main

    return _helps("# bus-train", "bus-train", ((),), main)


def evaluate_page() -> str:
    """Every command of ``bus-eval`` with its help."""
    from bus_toolkit.cli.evaluate import main

    return _helps("# bus-eval", "bus-eval", EVALUATION, main)


def _helps(title: str, program: str, commands: tuple[tuple[str, ...], ...], main: Callable[[list[str]], int]) -> str:
    parts = [f"## {' '.join((program, *command))}\n\n```text\n{help_of(command, main)}\n```\n" for command in commands]
    return NOTE + "\n".join([f"{title}\n", *parts])


def manifest_page() -> str:
    """The columns of the manifest."""
    from bus_toolkit.manifest import COLUMNS as MANIFEST_COLUMNS

    lines = ["# Manifest\n", "`manifest.csv` has one row for each input, kept or not. Read it with", ""]
    lines += [
        "```python",
        "from pathlib import Path",
        "",
        "from bus_toolkit import read_manifest",
        "",
        'rows = read_manifest(Path("raw_york-clean/manifest.csv"))',
        "```",
    ]
    lines += ["", "| column | type | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{column.name}` | {column.type} | {column.meaning} |" for column in MANIFEST_COLUMNS]
    return NOTE + "\n".join(lines) + "\n"


def policies_page() -> str:
    """Every shipped policy: its sentences and its TOML."""
    from importlib import resources

    from bus_toolkit.batch.explain import explain
    from bus_toolkit.policy import load_policy, shipped_policies

    parts = ["# Policies\n"]
    for name in shipped_policies():
        policy = load_policy(name)
        sentences = "\n".join(f"{n}. {line}" for n, line in enumerate(explain(policy, anonymise=True), start=1))
        toml = resources.files("bus_toolkit.policies").joinpath(f"{name}.toml").read_text("utf-8")
        parts.append(
            f"## {name}\n\n{policy.summary}\n\n`bus-clean explain --policy {name} --anonymise` says:\n\n{sentences}\n\n"
            f"```toml\n{toml}```\n"
        )
    return NOTE + "\n".join(parts)


def options_page() -> str:
    """The options of PS3.15: code, flag and key of the policy."""
    from bus_toolkit.profile import BASIC_PROFILE, CLEAN_PIXEL_DATA, OPTIONS

    flags = {
        "retain_full_dates": ("--retain-dates full", 'dates = "full"'),
        "retain_modified_dates": ("--retain-dates modified", 'dates = "modified"'),
    }
    lines = [
        "# De-identification options",
        "",
        "What may be chosen on top of the Basic Profile of DICOM PS3.15, by a flag of `bus-clean ingest` or in the",
        "section `[deidentify]` of a [policy](../how-to/policy.md). What applies is written into each DICOM file with",
        "its code (PS3.16 CID 7050), into `run.json` and into the certificate.",
        "[How it is done](../explanation/deidentification.md) stands on its own page.",
        "",
        "| code | option | flag | policy | what it does |",
        "| --- | --- | --- | --- | --- |",
        f"| {BASIC_PROFILE.code} | {BASIC_PROFILE.meaning} | always | always | {BASIC_PROFILE.sentence} |",
        f"| {CLEAN_PIXEL_DATA.code} | {CLEAN_PIXEL_DATA.meaning} | always | always | {CLEAN_PIXEL_DATA.sentence} |",
    ]
    for name, option in OPTIONS.items():
        flag, key = flags.get(name, (f"--{name.replace('_', '-')}", f"{name} = true"))
        lines.append(f"| {option.code} | {option.meaning} | `{flag}` | `{key}` | {option.sentence} |")
    return NOTE + "\n".join(lines) + "\n"


PAGES = {
    "reference/options.md": options_page,
    "reference/cli.md": cli_page,
    "reference/evaluate.md": evaluate_page,
    "reference/train.md": train_page,
    "reference/manifest.md": manifest_page,
    "reference/policies.md": policies_page,
}


MADE_WITH = (3, 11)
"""argparse lays out its help differently from version to version: the page of commands is made and held to this one."""


def main(argv: list[str]) -> int:
    """Write the pages, or compare them."""
    stale = []
    for name, make in PAGES.items():
        if make in {cli_page, evaluate_page, train_page} and sys.version_info[:2] != MADE_WITH:
            continue
        path, text = DOCS / name, make()
        if "--check" not in argv:
            path.write_text(text, "utf-8")
        elif not path.is_file() or path.read_text("utf-8") != text:
            stale.append(name)
    for name in stale:
        print(f"{name} is not what the code says: run python docs/generate.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
