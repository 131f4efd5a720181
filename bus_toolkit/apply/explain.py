"""Where the models of a run saw what speaks for a class, as a picture for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import numpy as np

from bus_toolkit.apply.trained import ask
from bus_toolkit.errors import ConfigError
from bus_toolkit.models.explain import grad_cam, overlay

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from bus_toolkit.apply.trained import Floats, Trained
    from bus_toolkit.training.pictures import Grey

    Heatmap = npt.NDArray[np.float32]
    Picture = npt.NDArray[np.uint8]

SIDE: Final = 448
"""Least rows and columns of each half of the picture: smaller ones are enlarged."""
GAP: Final = 8
STRIP: Final = 64
BELOW: Final = 34
TEXT: Final = 22
SMALL: Final = 15
_WHITE, _SOFT, _BLACK = (255, 255, 255), (190, 190, 190), (0, 0, 0)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explained:
    """What is shown of one scan.

    Attributes
    ----------
    square
        ``(size, size)`` uint8, as the models saw it.
    heatmap
        ``(size, size)`` float32, 0 to 1: mean of the models' maps, 1 where it speaks most for the class.
    target
        The class that is explained.
    called
        The class with the highest probability.
    probabilities
        float64 ``(classes,)``, mean of the models.
    classes, members
        Of the run; the models that spoke.
    """

    square: Grey
    heatmap: Heatmap
    target: str
    called: str
    probabilities: Floats
    classes: tuple[str, ...]
    members: tuple[str, ...]

    @property
    def probability(self) -> float:
        """Of the class that is explained, 0 to 1."""
        return float(self.probabilities[self.classes.index(self.target)])


def explain_squares(
    trained: Trained, squares: Sequence[Grey], *, target: str = "", tell: Callable[[str], None] | None = None
) -> list[Explained]:
    """Grad-CAM of each picture, for the class that the models together find most probable, or for ``target``.

    One model is in memory at a time; ``tell`` is called with the name of each before it is asked.

    Raises
    ------
    ConfigError
        When there is no such class.
    """
    if target and target not in trained.classes:
        msg = f"--class must be one of {', '.join(trained.classes)}. Got another"
        raise ConfigError(msg)
    if not squares:
        return []
    batch = np.array(squares, np.uint8).reshape(len(squares), trained.size, trained.size, 1)
    # The class is that of all models together, so each must have spoken before any is asked where.
    said = np.mean(list(ask(trained, batch, tell=tell).values()), axis=0)
    called = [trained.classes[number] for number in said.argmax(axis=1)]
    targets = [target or name for name in called]
    heat = np.zeros(batch.shape[:3], np.float32)
    for name in trained.members:
        model = trained.load(name)
        heat += [grad_cam(model, square, target=wanted) for square, wanted in zip(batch, targets, strict=True)]
    return [
        Explained(
            square=square,
            heatmap=_to_one(one),
            target=wanted,
            called=name,
            probabilities=probabilities,
            classes=trained.classes,
            members=trained.members,
        )
        for square, one, wanted, name, probabilities in zip(squares, heat, targets, called, said, strict=True)
    ]


def _to_one(heat: Heatmap) -> Heatmap:
    top = float(heat.max())
    return heat / np.float32(top) if top > 0 else heat


def draw(shown: Explained, *, remark: str = "") -> Picture:
    """The scan beside its overlay, with class and probability above: uint8 RGB ``(rows, cols, 3)``.

    ``remark`` is written below, such as how cleaning ended when it held the scan back.
    """
    from PIL import Image, ImageDraw, ImageFont

    left = np.repeat(shown.square[:, :, np.newaxis], 3, axis=2)
    right = overlay(shown.square, shown.heatmap)
    side = max(SIDE, shown.square.shape[0])
    width = 2 * side + GAP
    page = Image.new("RGB", (width, STRIP + side + BELOW), _BLACK)
    for place, half in ((0, left), (side + GAP, right)):
        page.paste(Image.fromarray(half).resize((side, side), Image.Resampling.BICUBIC), (place, STRIP))
    pen = ImageDraw.Draw(page)
    large, small = ImageFont.load_default(TEXT), ImageFont.load_default(SMALL)
    pen.text((10, 8), _title(shown), font=large, fill=_WHITE)
    pen.text((10, 38), _others(shown), font=small, fill=_SOFT)
    pen.text((side + GAP + 10, 8), f"what speaks for {shown.target}", font=large, fill=_WHITE)
    pen.text((side + GAP + 10, 38), _legend(shown), font=small, fill=_SOFT)
    below = f"{remark}. " if remark else ""
    pen.text((10, STRIP + side + 9), f"{below}Shows where, proves no why. Research only.", font=small, fill=_SOFT)
    return np.asarray(page, np.uint8)


def _title(shown: Explained) -> str:
    best = float(shown.probabilities.max())
    return f"{shown.called} {best:.2f}"


def _others(shown: Explained) -> str:
    told = ", ".join(f"{name} {value:.2f}" for name, value in zip(shown.classes, shown.probabilities, strict=True))
    many = f" (mean of {len(shown.members)})" if len(shown.members) > 1 else f" ({shown.members[0]})"
    return told + many


def _legend(shown: Explained) -> str:
    if not shown.heatmap.any():
        return "Grad-CAM: nothing in this picture does"
    return f"Grad-CAM, {shown.target} {shown.probability:.2f}: red most, blue least"
