"""``bus-eval predict``: what a run says about scans."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.cli.evaluate_options import (
    EXIT_ATTENTION,
    EXIT_DONE,
    add_intervals,
    add_json,
    command,
    show,
    show_json,
)
from bus_toolkit.cli.evaluate_scans import add_run, add_scans, clean_folder, quiet_keras, seen_scans, spinner

if TYPE_CHECKING:
    import argparse

    from bus_toolkit.apply.predict import Answer, Clean
    from bus_toolkit.apply.trained import Trained

DESCRIPTION: Final = """\
Ask the models of a run about scans (DICOM, PNG, JPEG, TIFF, BMP). Each is cleaned in memory as the scans were that the
run learned from; nothing of it is written. What cleaning rejects or quarantines is not asked about, but listed with the
reasons: a caliper or a name over the tissue gives away the answer, or is taken for one.

Of several models the mean of their probabilities counts. The class is the most probable one; whether the malignant
score reaches the threshold stands beside it. Thresholds were chosen on the run's validation scans.

A clean folder (with its manifest.csv) may be given as well: its kept pictures are taken as they are. With --score, what
each model says about them is written as an external test: a run folder with report and model card.

Scans are told by numbers in the order of their names, for names may be those of persons; --names tells the files.
"""
EPILOG: Final = """\
examples:
  bus-eval predict runs/resnet50 new.dcm
  bus-eval predict runs/resnet50 incoming/ --out predictions.csv
  bus-eval predict runs/resnet50 incoming/ --names --point sensitivity_95
  bus-eval predict runs/resnet50 breast-clean/ --score runs/resnet50-on-breast
  bus-eval predict runs/resnet50 new.png --json | jq .scans[0].probabilities

exit codes:
  0    every scan was asked about
  3    done, but some scans were not: held back by cleaning, or not readable
  1    it could not be done
"""


def add_predict(commands: Any) -> None:  # noqa: ANN401 - argparse's class for this has no public name
    """Add the command ``predict``."""
    from bus_toolkit.cli.evaluate_points import POINTS

    parser = command(commands, "predict", summary="what a run says about scans", description=DESCRIPTION, epilog=EPILOG)
    add_run(parser)
    add_scans(parser)
    parser.add_argument("-o", "--out", type=Path, metavar="CSV", help="write a row for each scan into this file")
    parser.add_argument("--names", action="store_true", help="tell the names of files, which may be those of persons")
    parser.add_argument(
        "--point",
        choices=POINTS,
        default=POINTS[0],
        help="what the threshold of the malignant score was chosen for (%(default)s)",
    )
    parser.add_argument(
        "--score", type=Path, metavar="DIR", help="of a clean folder: write the external test into this new folder"
    )
    add_intervals(parser)
    add_json(parser)
    parser.set_defaults(run=_predict)


def _predict(args: argparse.Namespace) -> int:
    quiet_keras()
    from bus_toolkit.apply.predict import as_json, predict_scans, write_answer
    from bus_toolkit.apply.terminal import answer_table
    from bus_toolkit.apply.trained import open_trained
    from bus_toolkit.errors import ConfigError

    trained = open_trained(args.folder, args.member)
    clean = clean_folder(args, trained)
    if args.score is not None and clean is None:
        msg = "--score must go with a clean folder, whose manifest has the labels. Got scans"
        raise ConfigError(msg)
    scans = seen_scans(args, trained, clean)
    with spinner(quiet=args.quiet) as tell:
        answer = predict_scans(trained, scans, point=args.point, tell=lambda name: tell(f"Asking {name}"))
    if args.out is not None:
        write_answer(args.out, answer, names=args.names)
    if args.score is not None and clean is not None:
        _score(args, trained, clean, answer)
    elif args.json:
        show_json(as_json(answer, names=args.names))
    else:
        show(answer_table(answer, names=args.names))
    if answer.withheld:
        sys.stderr.write(f"bus-eval: {answer.withheld} of {len(answer.said)} scans were not asked about\n")
    return EXIT_ATTENTION if answer.withheld else EXIT_DONE


def _score(args: argparse.Namespace, trained: Trained, clean: Clean, answer: Answer) -> None:
    from bus_toolkit.apply.predict import score_external
    from bus_toolkit.evaluation.report import REPORT, write_all
    from bus_toolkit.evaluation.summary import summarise
    from bus_toolkit.evaluation.terminal import summary_table

    made, left_out = score_external(trained, clean, answer, args.score)
    if left_out:
        sys.stderr.write(f"bus-eval: {left_out} scans have no label of the run's classes and are not scored\n")
    summary = summarise(made, resamples=args.resamples, seed=args.seed)
    write_all(made, summary)
    if args.json:
        show_json(summary.data)
    else:
        show(summary_table(summary))
        sys.stdout.write(f"Report   {args.score / REPORT}\n")
