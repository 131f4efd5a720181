"""``bus-eval export``: a model of a run as a file for phones, or for any machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bus_toolkit.cli.evaluate_options import EXIT_ATTENTION, EXIT_DONE, add_json, command, show, show_json
from bus_toolkit.cli.evaluate_scans import add_run, quiet_keras, spinner

if TYPE_CHECKING:
    import argparse

DESCRIPTION: Final = """\
Write a model of a run as LiteRT (.tflite, for phones) or ONNX (.onnx, for any machine). Both take raw grey scans,
uint8, and do their preprocessing themselves; what must be known to use the file lies beside it as JSON.

  --quantize none       32-bit floats, the same answers
  --quantize dynamic    weights in 8 bits: a quarter of the size
  --quantize int8       all in 8 bits: fastest on phones; calibrated on training scans of the run

The file is then asked about the scans that the model was tested on. How its answers differ, its size and its time for a
scan on one thread go into the run's model_card.json. Thresholds are chosen anew, on the file's own scores for the
validation scans. The clean folder that the run was trained on must still lie where it was.
"""
EPILOG: Final = """\
examples:
  bus-eval export runs/lite0 --out lite0.tflite
  bus-eval export runs/lite0 --quantize int8 --member fold-2 --out lite0-int8.tflite
  bus-eval export runs/lite0 --format onnx --out lite0.onnx

exit codes:
  0    written and measured
  3    written, but accuracy changed by more than one point, up or down: look before you use it
  1    it could not be done
"""


def add_export(commands: Any) -> None:  # noqa: ANN401 - argparse's class for this has no public name
    """Add the command ``export``."""
    parser = command(commands, "export", summary="a model as a file for phones", description=DESCRIPTION, epilog=EPILOG)
    add_run(parser)
    parser.add_argument("--format", choices=("litert", "onnx"), help="(default: as --out ends)")
    parser.add_argument(
        "--quantize", choices=("none", "dynamic", "int8"), default="none", help="see above (%(default)s)"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="ends in .tflite or .onnx")
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress")
    add_json(parser)
    parser.set_defaults(run=_export)


def _export(args: argparse.Namespace) -> int:
    quiet_keras()
    from dataclasses import replace

    from bus_toolkit.apply.export import export_member
    from bus_toolkit.apply.terminal import export_table
    from bus_toolkit.apply.trained import open_trained

    trained = open_trained(args.folder, args.member)
    if len(trained.members) > 1:
        first, *others = trained.members
        sys.stderr.write(f"bus-eval: exporting {first}; --member chooses another of {', '.join(others)}\n")
        trained = replace(trained, members=(first,))
    form = args.format or ("onnx" if args.out.suffix == ".onnx" else "litert")
    with spinner(quiet=args.quiet) as tell:
        made = export_member(trained, args.out, format=form, quantize=args.quantize, tell=tell)
    if args.json:
        show_json(made.as_json())
    else:
        show(export_table(made))
        sys.stdout.write(f"Told in  {args.folder / 'model_card.json'}\n")
    if made.needs_attention:
        change = 100 * (made.parity.accuracy_change or 0.0)
        sys.stderr.write(
            f"bus-eval: accuracy changed by {change:+.1f} points on {made.parity.scans} test scans, more than one\n"
        )
        return EXIT_ATTENTION
    return EXIT_DONE
