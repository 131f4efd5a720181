"""What the terminal shows while a classifier is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.console import Console

    from bus_toolkit.training.checkpoint import Line

LINES: Final = 10
"""That tell how far the frozen part is, where there is no bar."""


@dataclass(slots=True)
class Shown:
    """A bar for the epochs of the training at hand, with its loss and time left, and one line for each finished epoch.

    Into a file or a pipe only the lines go. It is an audience as :class:`bus_toolkit.training.run.Audience` wants it.
    """

    console: Console
    epochs: int
    bar: Progress = field(init=False)
    row: TaskID = field(init=False)
    member: str = field(default="", init=False)
    tenth: int = field(default=-1, init=False)

    def __post_init__(self) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[place]}"),
            TextColumn("{task.fields[loss]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self.row = self.bar.add_task("Starting", total=None, place="", loss="")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def say(self, sentence: str) -> None:
        """Print something to know."""
        self.console.print(sentence, highlight=False, soft_wrap=True, markup=False)

    def warn(self, sentence: str) -> None:
        """Print a warning."""
        self.console.print(f"Warning: {sentence}", highlight=False, soft_wrap=True, markup=False)

    def decoded(self, done: int, total: int) -> None:
        """So many pictures are decoded."""
        self.bar.update(self.row, description="Decoding", completed=done, total=total, place=f"{done}/{total}")

    def begin(self, member: str, number: int, total: int) -> Shown:
        """A training begins."""
        self.member = member
        words = f"{member} ({number} of {total})"
        self.bar.reset(self.row, description=words, total=None, place=f"epoch 1/{self.epochs}", loss="")
        self.console.print(f"{words}", highlight=False, markup=False)
        return self

    def prepared(self, done: int, total: int) -> None:
        """So many pictures, and copies of them, went through a frozen part."""
        self.bar.update(self.row, completed=done, total=total, place=f"frozen part {done}/{total}")
        if not self.console.is_terminal and self._is_due(done, total):
            words = f"  the frozen part has run over {done} of {total} pictures"
            self.console.print(words, highlight=False, markup=False, soft_wrap=True)
        if done == total:
            self.console.print(f"  {total} pictures went through the frozen part, once", highlight=False, markup=False)

    def _is_due(self, done: int, total: int) -> bool:
        """Whether a line is due: at first, so that it is seen to work, then at each tenth but the last."""
        tenth = LINES * done // total
        due = tenth > self.tenth and done < total
        self.tenth = tenth if done < total else -1
        return due

    def step(self, epoch: int, step: int, steps: int, loss: float) -> None:
        """A batch was learned."""
        done = epoch * steps + step
        place = f"epoch {epoch + 1}/{self.epochs} batch {step}/{steps}"
        self.bar.update(self.row, completed=done, total=self.epochs * steps, place=place, loss=f"loss {loss:.3f}")

    def epoch(self, line: Line) -> None:
        """An epoch ended."""
        words = (
            f"  epoch {line['epoch']:.0f}/{self.epochs}  loss {line['loss']:.3f}  accuracy {line['accuracy']:.3f}  "
            f"val loss {line['val_loss']:.3f}  val accuracy {line['val_accuracy']:.3f}  {line['seconds']:.1f} s"
        )
        self.console.print(words, highlight=False, markup=False, soft_wrap=True)
