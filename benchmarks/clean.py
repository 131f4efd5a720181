"""Speed and memory of ``bus-clean ingest``, beside a floor that only decodes and encodes.

    python benchmarks/clean.py [SRC] [--jobs 1 2] [--json FILE]

SRC is a folder of scans (default: the made ones in fixtures/). Everything is measured in one run, so the ratios hold on
a noisy machine where the absolute figures do not. Memory is the sum over all processes of the proportional set size,
sampled ten times a second, which counts shared pages once (proc(5), smaps_rollup).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SAMPLE_SECONDS = 0.1


def proportional_kib(pid: int) -> int:
    """Proportional set size of one process in KiB; 0 when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        return 0
    return 0


def family(pid: int) -> list[int]:
    """The process and all that it started."""
    found = [pid]
    for each in found:
        try:
            tasks = list(Path(f"/proc/{each}/task").iterdir())
        except OSError:
            continue
        for task in tasks:
            try:
                found += [int(child) for child in (task / "children").read_text().split()]
            except OSError:
                continue
    return found


class Watch(threading.Thread):
    """Samples the memory of a process and its children until told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak_kib, self.done = pid, 0, threading.Event()

    def run(self) -> None:
        """Sample until told to stop."""
        while not self.done.wait(SAMPLE_SECONDS):
            self.peak_kib = max(self.peak_kib, sum(proportional_kib(pid) for pid in family(self.pid)))


def floor(src: Path, out: Path) -> dict[str, float]:
    """Decode every scan and encode it again, nothing else, in one process."""
    from bus_toolkit.errors import InputError
    from bus_toolkit.io import discover, read, write_png

    out.mkdir()
    images, started, cpu = 0, time.perf_counter(), time.process_time()
    for item in discover(src).items:
        if item.skip is not None:
            continue
        try:
            scan = read(item.path).scan
        except InputError:
            continue
        write_png(out / f"{images}.png", scan.frames[len(scan.frames) // 2])
        images += 1
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return {"images": images, "images_per_s": images / seconds, "cpu_ms": 1000 * cpu / max(images, 1)}


def ingest(src: Path, out: Path, jobs: int) -> dict[str, Any]:
    """One ``bus-clean ingest``, as a user runs it."""
    command = [sys.executable, "-m", "bus_toolkit.cli.clean", "ingest", str(src), "--anonymise", "--quiet"]
    started = time.perf_counter()
    with subprocess.Popen([*command, "--out", str(out), "--jobs", str(jobs)]) as process:  # noqa: S603
        watch = Watch(process.pid)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.done.set()
        watch.join()
    seconds = time.perf_counter() - started
    run = json.loads((out / "run.json").read_text("utf-8"))
    return {
        "jobs": jobs,
        "exit": process.returncode,
        "images": run["inputs"],
        "outcomes": run["outcomes"],
        "seconds": seconds,
        "images_per_s": run["inputs"] / seconds,
        "cpu_ms": 1000 * (usage.ru_utime + usage.ru_stime) / run["inputs"],
        "peak_mib": watch.peak_kib / 1024,
        "stages": {name: value["mean"] for name, value in run["time"]["cpu_ms"].items()},
    }


def best_of(command: list[str], times: int = 5) -> float:
    """Shortest wall time of a command in seconds."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        taken.append(time.perf_counter() - started)
    return min(taken)


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    low = result["floor"]
    lines = [
        f"Floor (decode and encode only, one process): {low['images_per_s']:.1f} images/s, {low['cpu_ms']:.1f} CPU-ms",
        "",
        "| workers | images/s | CPU-ms per image | ratio to floor | peak MiB |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {run['jobs']} | {run['images_per_s']:.1f} | {run['cpu_ms']:.0f} | {run['cpu_ms'] / low['cpu_ms']:.1f} "
        f"| {run['peak_mib']:.0f} |"
        for run in result["ingest"]
    ]
    lines += ["", "| stage | CPU-ms per image |", "| --- | ---: |"]
    lines += [f"| {name} | {mean:.1f} |" for name, mean in result["ingest"][0]["stages"].items()]
    imported, helped = 1000 * result["import_s"], 1000 * result["help_s"]
    lines += ["", f"`import bus_toolkit` {imported:.0f} ms above bare Python; `--help` {helped:.0f} ms in all"]
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write JSON when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("src", type=Path, nargs="?", default=ROOT / "fixtures" / "raw_york")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    bare = best_of([sys.executable, "-c", "pass"])
    result: dict[str, Any] = {
        "import_s": best_of([sys.executable, "-c", "import bus_toolkit"]) - bare,
        "help_s": best_of([sys.executable, "-m", "bus_toolkit.cli.clean", "--help"]),
        "ingest": [],
    }
    with tempfile.TemporaryDirectory() as folder:
        result["floor"] = floor(args.src, Path(folder) / "floor")
        for jobs in args.jobs:
            result["ingest"].append(ingest(args.src, Path(folder) / f"jobs{jobs}", jobs))
    print(table(result))
    if args.json:
        args.json.write_text(json.dumps(result, indent=2), "utf-8")


if __name__ == "__main__":
    main()
