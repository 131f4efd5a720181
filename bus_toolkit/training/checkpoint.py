"""What a stopped training goes on from: weights with the state of the optimizer, and the history until then.

``checkpoint.json`` names the weights file that belongs to it, so that a process killed between the two writes leaves
the older pair whole.
"""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from bus_toolkit.atomic import atomic_path, atomic_text
from bus_toolkit.errors import OutputError
from bus_toolkit.training.folder import HISTORY, STATE
from bus_toolkit.training.table import write_table

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS: Final = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds", "learning_rate")
LARGEST_NUMBER: Final = 4
"""Bytes of a weight, and of a number of the optimizer."""
SPARE: Final = 10
"""Writing a checkpoint may take a tenth of the time: with large networks on fast devices not every epoch gets one."""

Line: TypeAlias = dict[str, float]
"""One epoch of the history, by :data:`COLUMNS`."""


@dataclass(slots=True)
class Checkpoints:
    """The checkpoints of one training in its folder. Files: ``epoch-N.weights.h5``, ``best.weights.h5``."""

    folder: Path
    due: float = field(default=0.0, init=False)

    def save(self, model: Any, history: list[Line], *, last: bool = False) -> None:  # noqa: ANN401
        """Write the history, and, when one is due or it is the last epoch, a checkpoint."""
        write_table(self.folder / HISTORY, COLUMNS, ([line[name] for name in COLUMNS] for line in history))
        started = time.monotonic()
        if started < self.due and not last:
            return
        name = f"epoch-{len(history)}.weights.h5"
        write_weights(model, self.folder / name)
        with atomic_text(self.folder / STATE) as stream:
            stream.write(json.dumps({"weights": name, "history": history}) + "\n")
        for old in self.folder.glob("epoch-*.weights.h5"):
            if old.name != name:
                old.unlink()
        now = time.monotonic()
        self.due = now + SPARE * (now - started)

    def save_best(self, model: Any) -> None:  # noqa: ANN401
        """Keep these weights as the best so far."""
        write_weights(model, self.folder / "best.weights.h5")

    def restore(self, model: Any) -> list[Line]:  # noqa: ANN401
        """Put the last checkpoint into a compiled model; gives the history until then, empty when there is none.

        Raises
        ------
        OutputError
            When what is there cannot be read, or is of another model.
        """
        state = self.folder / STATE
        if not state.is_file():
            return []
        try:
            known = json.loads(state.read_text("utf-8"))
            # The optimizer has its variables only after it was built; loading needs them.
            model.optimizer.build(model.trainable_variables)
            model.load_weights(self.folder / known["weights"])
        except (OSError, ValueError, KeyError) as error:
            msg = f"a checkpoint to go on from must be whole, and of this model. Got a {type(error).__name__}"
            raise OutputError(msg) from None
        history: list[Line] = known["history"]
        return history

    def restore_best(self, model: Any) -> None:  # noqa: ANN401
        """Put the best weights into the model."""
        model.load_weights(self.folder / "best.weights.h5")

    def sweep(self) -> None:
        """Remove what only a training in progress needs."""
        for path in [*self.folder.glob("*.weights.h5"), self.folder / STATE]:
            path.unlink(missing_ok=True)


def write_weights(model: Any, path: Path) -> None:  # noqa: ANN401
    """Weights and, of a compiled model, the state of its optimizer, whole or not at all.

    Raises
    ------
    OSError
        When there is no room.
    """
    variables = [*model.variables, *(model.optimizer.variables if getattr(model, "optimizer", None) else ())]
    wanted = sum(math.prod(one.shape) for one in variables) * LARGEST_NUMBER
    if shutil.disk_usage(path.parent).free < wanted:
        # Looked at beforehand: HDF5 on a full disk tells of it with paths, and may crash at the end of the process.
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with atomic_path(path, durable=False) as temporary:
        # Keras insists on the ending; the file is renamed as a whole afterwards.
        whole = temporary.with_name(f"{temporary.name}.weights.h5")
        try:
            model.save_weights(whole)
            whole.replace(temporary)
        finally:
            whole.unlink(missing_ok=True)
