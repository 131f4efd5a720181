"""Speed and memory of de-identification, beside its peers.

    python benchmarks/deidentify.py [--peers] [--files 200] [--rounds 5] [--clips 1 30 300] [--json FILE]

Headers: copies of a made ultrasound file of 600 kB, read, de-identified and written in one process; this toolkit also
reads again what it wrote and searches it. With ``--peers`` the same files go through dicognito, dicom-anonymizer and
deid, which are installed into an environment of their own (the one thing here that needs a package index). Rounds of
all tools take turns, so the ratios of their medians hold on a noisy machine where the absolute figures do not.

Clips: a whole ``ingest`` of one clip, in a process of its own: time, and peak of resident memory (VmHWM of proc(5)).
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from us_files import write_file

HERE = Path(__file__).parent
PEERS = {"dicognito": "dicognito==0.19.0", "dicom-anonymizer": "dicom-anonymizer==2.1.0", "deid": "deid==0.4.13"}
INGEST = """
import re, sys, time
from pathlib import Path
from bus_toolkit.batch import Options, ingest
from bus_toolkit.policy import parse_policy
if __name__ == "__main__":
    started = time.perf_counter()
    options = Options(src=Path(sys.argv[1]), out=Path(sys.argv[2]), anonymise=True, jobs=0,
                      policy=parse_policy('name = "bench"'))
    report = ingest(options)
    status = Path("/proc/self/status")
    peak = re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1] if status.exists() else 0
    print("outcome", [name for name, count in report.outcomes.items() if count])
    print("seconds", time.perf_counter() - started)
    print("peak_kib", peak)
"""


def told(text: str, name: str) -> float:
    """A number that a child process told."""
    found = re.search(rf"^{name} ([0-9.]+)$", text, re.MULTILINE)
    if found is None:
        msg = f"the measured process must tell its {name}. Got nothing"
        raise SystemExit(msg)
    return float(found[1])


def run(*command: str) -> str:
    """What a program printed; it must end well."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own commands
    if done.returncode:
        sys.stderr.write(done.stderr[-2000:])
        raise SystemExit(1)
    return done.stdout


def pythons(folder: Path, *, peers: bool) -> dict[str, str]:
    """The interpreter of each tool."""
    found = {"ours": sys.executable}
    if peers:
        run(sys.executable, "-m", "venv", str(folder))
        python = str(folder / "bin" / "python")
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS.values())
        found |= dict.fromkeys(PEERS, python)
    return found


def headers(folder: Path, tools: dict[str, str], files: int, rounds: int) -> dict[str, dict[str, float]]:
    """Files a second of each tool, the median of the rounds."""
    source = folder / "headers"
    source.mkdir()
    for number in range(files):
        write_file(source / f"{number:04d}.dcm", number)
    rates: dict[str, list[float]] = {tool: [] for tool in tools}
    for _ in range(rounds):
        for tool, python in tools.items():
            said = run(python, str(HERE / "peers_headers.py"), tool, str(source), str(folder / "out"))
            rates[tool].append(files / told(said, "seconds"))
    middle = {tool: statistics.median(found) for tool, found in rates.items()}
    return {
        tool: {"files_per_second": round(rate, 1), "ours_is": round(middle["ours"] / rate, 2)}
        for tool, rate in middle.items()
    }


def clips(folder: Path, counts: list[int]) -> dict[int, dict[str, float]]:
    """Seconds and peak memory of a whole ingest, by number of frames."""
    found = {}
    script = folder / "ingest.py"
    script.write_text(INGEST)
    for count in counts:
        source = folder / f"clip_{count}.dcm"
        write_file(source, 1, count)
        said = run(sys.executable, str(script), str(source), str(folder / f"clip_{count}"))
        seconds = told(said, "seconds")
        found[count] = {
            "seconds": round(seconds, 2),
            "ms_per_frame": round(1000 * seconds / count, 1),
            "peak_mib": round(told(said, "peak_kib") / 1024),
        }
        source.unlink()
    return found


def table(rows: dict[str, dict[str, float]] | dict[int, dict[str, float]]) -> str:
    """As Markdown."""
    names = list(next(iter(rows.values())))
    lines = ["| | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    lines += [f"| {key} | " + " | ".join(str(row[name]) for name in names) + " |" for key, row in rows.items()]
    return "\n".join(lines)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", action="store_true", help="install dicognito, dicom-anonymizer and deid beside")
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clips", type=int, nargs="*", default=[1, 30, 300])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tools = pythons(folder / "peers", peers=args.peers)
        result = {
            "headers": headers(folder, tools, args.files, args.rounds),
            "clips": clips(folder, args.clips) if args.clips else {},
        }
    print("Headers, one process; ours verifies what it wrote\n")
    print(table(result["headers"]))
    if not args.peers:
        print("\nPeers were not asked for: add --peers to install and measure them.")
    if result["clips"]:
        print("\nClips of 640x960, a whole ingest\n")
        print(table(result["clips"]))
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
