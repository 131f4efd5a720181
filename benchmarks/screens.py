"""What each screen finds and what it mistakes, on pictures made over real scans; fits the scores, draws, writes docs.

    python benchmarks/screens.py --backgrounds DIR [DIR ...] [--labels labels.json] [--each 60] [--out records.json]
    python benchmarks/screens.py --records records.json --fit --plot docs/images/screens-reliability.svg

Every kind of picture in ``bus_toolkit.synth.challenge`` is made over real scans that show none of it. Scans, with
their near-duplicates, fall into two halves: on the developers' half thresholds were set and curves are fitted, the
half held out only measures. Every screen is asked about every picture, so that a power Doppler that is taken for
elastography counts against elastography. Where two things are true of a picture, or one is next to the other (flow
inside a map of hardness), it is left out for the kind in doubt. Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from bus_toolkit.errors import BusToolkitError
from bus_toolkit.fan import FindFan
from bus_toolkit.io import discover, read
from bus_toolkit.overlays import FindGraphics
from bus_toolkit.scan import Scan
from bus_toolkit.screen import fingerprint, group
from bus_toolkit.screen.calibration import STEEPEST, Curve, calibrated, curves, stored
from bus_toolkit.screen.stage import seen_on
from bus_toolkit.stage import OPERATING_POINT, Kind, fan_of
from bus_toolkit.synth.challenge import CHALLENGES

HALVES = ("developers", "held out")
CUTS = (0.3, 0.5, 0.7, 0.9)
STORED = Path(__file__).parent.parent / "bus_toolkit" / "screen" / "calibration.json"
FEWEST = 10
"""Pictures of either kind from which a curve is fitted."""
SETTLED = 1e-8
DRAWN = ("plain", "tinted", "with marks", "closed outline", "filled mask")
"""Pictures on which outlines are looked for: the stage that finds them costs more than all screens together."""
DOUBT: dict[str, frozenset[Kind]] = {
    # One kind of picture may truly look like another; neither answer is wrong.
    "elastography over": frozenset({Kind.DOPPLER, Kind.MASK}),
    "elastography beside": frozenset({Kind.DOPPLER, Kind.MASK}),
    "colour Doppler": frozenset({Kind.MASK}),
    "power Doppler": frozenset({Kind.MASK}),
    "filled mask": frozenset({Kind.DOPPLER, Kind.OUTLINE}),
    "mask picture": frozenset({Kind.MASK, Kind.BLANK, Kind.DOPPLER, Kind.OUTLINE}),
    "closed outline": frozenset({Kind.DOPPLER}),
    "air or dark": frozenset({Kind.NOT_ULTRASOUND}),
    "contact lost": frozenset({Kind.NOT_ULTRASOUND}),
    "spectrum alone": frozenset({Kind.NOT_ULTRASOUND, Kind.BLANK}),
    "M-mode alone": frozenset({Kind.NOT_ULTRASOUND}),
}
FOR_KIND: dict[str, frozenset[str]] = {
    "screen.flow": frozenset({"colour Doppler", "power Doppler"}),
    "screen.colour-box": frozenset({"box in grey", "box in colour"}),
}
"""Where a kind has two detectors: what each of them is there for. Only on these is a miss its own."""


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    if total == 0:
        return 0.0, 1.0
    z, p = 1.959963984540054, hits / total
    centre = (p + z * z / (2 * total)) / (1 + z * z / total)
    half = z * np.sqrt(p * (1 - p) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return max(0.0, centre - half), min(1.0, centre + half)


def told(hits: int, total: int) -> str:
    """A share in percent with its interval and its counts."""
    if total == 0:
        return "none"
    low, high = wilson(hits, total)
    return f"{100 * hits / total:.1f} [{100 * low:.1f}-{100 * high:.1f}], {hits}/{total}"


def load(folders: list[Path], labels: Path | None) -> tuple[dict[str, list[np.ndarray]], str]:
    """Scans in their halves, near-duplicates in the same one, and the digest of all."""
    barred = set()
    if labels is not None:
        rows = json.loads(labels.read_text("utf-8"))
        barred = {row["file"] for row in rows if row.get("doppler") or row.get("dual_view") or row.get("uncertain")}
    pictures, digest = {}, hashlib.sha256()
    for folder in folders:
        for item in discover(folder).items:
            if item.skip is not None or item.path.relative_to(folder).as_posix() in barred:
                continue
            try:
                scan = read(item.path).scan
            except BusToolkitError:
                continue
            pictures[str(item.path)] = np.ascontiguousarray(scan.frames[len(scan.frames) // 2])
            digest.update(scan.digest().encode())
    groups = group({name: fingerprint(picture) for name, picture in pictures.items()})
    halves: dict[str, list[np.ndarray]] = {name: [] for name in HALVES}
    for name, picture in pictures.items():
        halves[HALVES[groups[name] % 2]].append(picture)
    return halves, digest.hexdigest()


def measure(picture: np.ndarray, *, drawn: bool) -> dict[str, list]:
    """What each detector measures: detector to [kind, measure]."""
    scan = Scan.from_array(picture)
    plan = FindFan().examine(scan)
    out: dict[str, list] = {}
    for kind, detector, sighting in seen_on(scan, fan_of((plan,))):
        if sighting.score > out.get(detector, ["", 0.0])[1]:
            out[detector] = [str(kind), round(float(sighting.score), 4)]
    if drawn:
        found = FindGraphics(segmenter=False, least=0.0).examine(scan, (plan,)).findings
        best = max((item.score for item in found if item.kind is Kind.OUTLINE), default=0.0)
        out["graphics.outline"] = [str(Kind.OUTLINE), round(best, 4)]
    return out


def run(args: argparse.Namespace) -> dict:
    """Make the pictures and measure them."""
    halves, digest = load(args.backgrounds, args.labels)
    names = [name for name in CHALLENGES if not args.only or name in args.only]
    records, started = [], time.monotonic()
    for half, scans in halves.items():
        order = np.random.default_rng(args.seed).permutation(len(scans))
        for number, name in enumerate(names):
            each = args.each * (3 if not CHALLENGES[name].shows else 1)
            for index in range(min(each, len(scans)) if not args.repeat else each):
                rng = np.random.default_rng((args.seed, len(half), index, *name.encode()))
                one, other = (scans[order[(index + step) % len(scans)]] for step in (0, 1 + number))
                picture = CHALLENGES[name].make(rng, one, other)
                seen = measure(picture, drawn=name in DRAWN)
                records.append({"half": half, "challenge": name, "index": index, "seen": seen})
        print(f"{half}: {len(scans)} scans, {time.monotonic() - started:.0f} s", file=sys.stderr)
    return {"backgrounds": digest, "scans": {half: len(scans) for half, scans in halves.items()}, "records": records}


def scores_of(records: list[dict], kind: Kind, *, fitted: bool) -> dict[str, list[float]]:
    """Challenge to the scores of a kind: the highest of its detectors."""
    out: dict[str, list[float]] = defaultdict(list)
    for record in records:
        if kind in DOUBT.get(record["challenge"], ()) or (kind is Kind.OUTLINE and record["challenge"] not in DRAWN):
            continue
        values = [
            calibrated(name, value) if fitted else value
            for name, (seen, value) in record["seen"].items()
            if seen == str(kind)
        ]
        out[record["challenge"]].append(max(values, default=0.0))
    return out


def table(records: list[dict]) -> list[str]:
    """Lines of a table: sensitivity by challenge, specificity by kind."""
    lines = []
    kinds = [kind for kind in Kind if any(kind in challenge.shows for challenge in CHALLENGES.values())]
    for kind in kinds:
        scores = scores_of(records, kind, fitted=True)
        wrong, total, worst = 0, 0, {}
        for name, values in scores.items():
            hits = sum(value >= OPERATING_POINT for value in values)
            if kind in CHALLENGES[name].shows:
                lines.append(f"{kind:15} found in {name:20} {told(hits, len(values))}")
            else:
                wrong, total = wrong + hits, total + len(values)
                worst |= {name: hits} if hits else {}
        lines.append(f"{kind:15} specificity {'':18} {told(total - wrong, total)}  {worst or ''}")
    return lines


def pairs_of(records: list[dict], detector: str) -> tuple[np.ndarray, np.ndarray]:
    """Measures of a detector and whether what it told is true; pictures in doubt are left out."""
    values, truths = [], []
    kinds = sorted({record["seen"][detector][0] for record in records if detector in record["seen"]})
    for record in records:
        shows = CHALLENGES[record["challenge"]].shows
        seen, value = record["seen"].get(detector, ["", 0.0])
        told_of = {Kind(seen)} if seen else {Kind(kind) for kind in kinds}
        meant = FOR_KIND.get(detector)
        if told_of & DOUBT.get(record["challenge"], frozenset()):
            continue
        if meant is not None and told_of & shows and record["challenge"] not in meant:
            continue
        if detector == "graphics.outline" and record["challenge"] not in DRAWN:
            continue
        values.append(value)
        truths.append(bool(told_of & shows))
    return np.array(values), np.array(truths)


def fit(values: np.ndarray, truths: np.ndarray) -> Curve:
    """Platt's curve by Newton's method, positives and negatives with half of the weight each.

    Its own even odds lie at ``offset``; the prevalence that moves them to the measure 0.5 is told with the slope.
    """
    positives, negatives = int(truths.sum()), int((~truths).sum())
    # Platt's targets: no sample of finite size makes anything certain.
    target = np.where(truths, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    weight = np.where(truths, 0.5 / positives, 0.5 / negatives)
    design = np.stack([values - 0.5, np.ones_like(values)], axis=1)
    beta = np.array([8.0, 0.0])
    for _ in range(100):
        odds = 1 / (1 + np.exp(-np.clip(design @ beta, -40, 40)))
        gradient = design.T @ (weight * (target - odds))
        hessian = (design * (weight * odds * (1 - odds))[:, None]).T @ design + 1e-6 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        beta += np.clip(step, -2, 2)
        if np.abs(step).max() < SETTLED:
            break
    slope = float(np.clip(beta[0], 1.0, STEEPEST))
    prevalence = 1 / (1 + np.exp(np.clip(beta[1], -12, 12)))
    return Curve(slope=round(slope, 3), prevalence=round(float(prevalence), 5))


def fit_all(result: dict) -> dict:
    """Curves of all screens from the developers' half, with what they were fitted on."""
    developers = [record for record in result["records"] if record["half"] == HALVES[0]]
    detectors = sorted({name for record in developers for name in record["seen"] if name.startswith("screen.")})
    curves = {}
    for detector in detectors:
        values, truths = pairs_of(developers, detector)
        if min(truths.sum(), (~truths).sum()) < FEWEST:
            continue
        curve = fit(values, truths)
        curves[detector] = {
            "slope": curve.slope,
            "prevalence": curve.prevalence,
            "positives": int(truths.sum()),
            "negatives": int((~truths).sum()),
        }
    return {
        "made_by": "benchmarks/screens.py --fit",
        "backgrounds_sha256": result["backgrounds"],
        "scans": result["scans"],
        "curves": curves,
    }


def operating_points(records: list[dict]) -> list[str]:
    """A Markdown table: sensitivity and specificity of each kind at several scores, in percent."""
    lines = ["| kind | pictures of it, others | " + " | ".join(f"{cut}" for cut in CUTS) + " |"]
    lines.append("| --- | --- | " + " | ".join("---" for _ in CUTS) + " |")
    for kind in Kind:
        scores = scores_of(records, kind, fitted=True)
        yes = [value for name, values in scores.items() if kind in CHALLENGES[name].shows for value in values]
        no = [value for name, values in scores.items() if kind not in CHALLENGES[name].shows for value in values]
        if not yes:
            continue
        cells = [f"{100 * np.mean(np.array(yes) >= cut):.0f} / {100 * np.mean(np.array(no) < cut):.1f}" for cut in CUTS]
        lines.append(f"| {kind} | {len(yes)}, {len(no)} | " + " | ".join(cells) + " |")
    return lines


def reliability(records: list[dict]) -> list[tuple[float, float, int]]:
    """Mean score, share that is true, and number, in five classes of score of all screens with a curve.

    Pictures are weighted to the prevalence for which each curve was fitted.
    """
    rows = []
    for detector, curve in curves().items():
        values, truths = pairs_of(records, detector)
        if min(truths.sum(), (~truths).sum()) < FEWEST:
            continue
        weight = np.where(truths, curve.prevalence / truths.sum(), (1 - curve.prevalence) / (~truths).sum())
        rows += [(curve.score(value), truth, one) for value, truth, one in zip(values, truths, weight, strict=True)]
    table_of = np.array(rows, dtype=np.float64)
    out = []
    for low in np.arange(0, 1, 0.2):
        part = table_of[(table_of[:, 0] >= low) & (table_of[:, 0] < low + 0.2 + (low > 0.7) * 1e-9)]  # noqa: PLR2004
        if len(part):
            mean, share = (float(np.average(part[:, column], weights=part[:, 2])) for column in (0, 1))
            out.append((mean, share, len(part)))
    return out


def plot(points: list[tuple[float, float, int]]) -> str:
    """The reliability diagram as SVG."""
    left, top, side = 60, 20, 300
    lines = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 420 390" font-family="sans-serif" font-size="13">']
    lines.append('<rect width="420" height="390" fill="#fff"/>')
    for share in np.linspace(0, 1, 6):
        x, y = left + side * share, top + side * (1 - share)
        lines += [
            f'<path d="M{left} {y:.0f}h{side}M{x:.0f} {top}v{side}" stroke="#ccc"/>',
            f'<text x="{left - 8}" y="{y + 4:.0f}" text-anchor="end">{share:.1f}</text>',
            f'<text x="{x:.0f}" y="{top + side + 18}" text-anchor="middle">{share:.1f}</text>',
        ]
    lines.append(f'<path d="M{left} {top + side}L{left + side} {top}" stroke="#888" stroke-dasharray="4"/>')
    for mean, share, number in points:
        x, y = left + side * mean, top + side * (1 - share)
        lines += [
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="5" fill="#06c"/>',
            f'<text x="{x + 8:.0f}" y="{y + 16:.0f}">{number}</text>',
        ]
    lines.append(f'<text x="{left + side / 2}" y="375" text-anchor="middle">score</text>')
    lines.append('<text x="16" y="14">share that is true</text></svg>')
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make, measure, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backgrounds", type=Path, nargs="+", help="folders of plain B-mode scans")
    parser.add_argument("--labels", type=Path, help="JSON list with file, doppler, dual_view: these are left out")
    parser.add_argument("--each", type=int, default=60, help="pictures of each kind and half, plain ones three times")
    parser.add_argument("--repeat", action="store_true", help="use scans more than once when there are too few")
    parser.add_argument("--only", nargs="+", help="kinds of pictures, by the names in bus_toolkit.synth.challenge")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="write the records here, for --records")
    parser.add_argument("--records", type=Path, help="records of an earlier run instead of making pictures")
    parser.add_argument("--fit", action="store_true", help="fit the curves and store them in the package")
    parser.add_argument("--plot", type=Path, help="draw the reliability of the half held out into this SVG")
    args = parser.parse_args()
    if (args.records is None) == (args.backgrounds is None):
        parser.error("one of --backgrounds and --records must be given")
    result = json.loads(args.records.read_text("utf-8")) if args.records else run(args)
    if args.out:
        args.out.write_text(json.dumps(result), encoding="utf-8")
    if args.fit:
        STORED.write_text(json.dumps(fit_all(result), indent=1) + "\n", encoding="utf-8")
        for cached in (stored, curves):
            cached.cache_clear()
    held_out = [record for record in result["records"] if record["half"] == HALVES[1]]
    if args.plot:
        args.plot.write_text(plot(reliability(held_out)), encoding="utf-8")
    print("\n".join(operating_points(held_out)))
    for half in HALVES:
        print(f"== {half}")
        print("\n".join(table([record for record in result["records"] if record["half"] == half])))


if __name__ == "__main__":
    main()
