"""What C++ writes to standard error is lost, what Python writes there is not."""

import os
import subprocess
import sys

import pytest

from bus_toolkit.cli.quiet import hushed

CODE = """
import os, sys
from bus_toolkit.cli.quiet import hushed
with hushed(unless={unless}):
    os.write(2, b"noise\\n")
    sys.stderr.write("word\\n")
    assert sys.stderr.isatty() == sys.__stderr__.isatty()
os.write(2, b"after\\n")
sys.stderr.write("end\\n")
"""


@pytest.mark.parametrize(("unless", "told"), [(False, "word after end"), (True, "noise word after end")])
def test_only_what_is_written_past_python_is_lost(*, unless: bool, told: str) -> None:
    code = CODE.format(unless=unless)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stderr.split() == told.split()


def fails() -> None:
    sys.stderr.write("word")
    raise KeyError


def test_an_error_goes_through_and_all_is_as_before(capsys: pytest.CaptureFixture[str]) -> None:
    before = os.fstat(2), sys.stderr
    with pytest.raises(KeyError), hushed():
        fails()
    assert (os.fstat(2), sys.stderr) == before
    assert capsys.readouterr().err == "word"
