"""The plots of a report, each an ``<svg>`` element. scikit-learn gives the curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bus_toolkit.evaluation.calibration import top_label
from bus_toolkit.evaluation.decision import decision_curve
from bus_toolkit.evaluation.metrics import POSITIVE
from bus_toolkit.evaluation.svg import INK, PALETTE, draw_svg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bus_toolkit.evaluation.pool import Pool
    from bus_toolkit.evaluation.predictions import FloatArray, Predictions
    from bus_toolkit.evaluation.runs import Member

_DARK_CELL: Final = 0.55
"""Share of a row from which white letters are read better than the page's."""
_GRID: Final = np.linspace(0, 1, 201)


def confusion_plot(counts: FloatArray, classes: Sequence[str]) -> str:
    """Scans by true class (down) and called class (across), shaded by their share of the row."""

    def draw(axes: Any) -> None:  # noqa: ANN401 - matplotlib is not imported for its types
        from matplotlib.patches import Rectangle

        axes.grid(visible=False)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-9)
        for (row, col), share in np.ndenumerate(shares):
            axes.add_patch(Rectangle((col - 0.48, row - 0.48), 0.96, 0.96, color=PALETTE[0], alpha=share, lw=0))
            colour = "white" if share > _DARK_CELL else INK
            words = f"{_count(float(counts[row, col]))}\n{100 * share:.0f} %"
            axes.text(col, row, words, ha="center", va="center", color=colour, fontsize=11)
        places = range(len(classes))
        axes.set_xticks(places, classes)
        axes.set_yticks(places, classes, rotation=90, va="center")
        axes.tick_params(length=0)
        axes.set_xlim(-0.5, len(classes) - 0.5)
        axes.set_ylim(len(classes) - 0.5, -0.5)
        axes.set_xlabel("called")
        axes.set_ylabel("truly")
        axes.set_aspect("equal")
        axes.spines[:].set_visible(False)

    return draw_svg(draw, name="confusion", label="Confusion matrix: scans by true and called class")


def roc_plot(tested: Pool, areas: Mapping[str, float | None]) -> str:
    """One curve for each class against the rest: the mean over members (thick), and each member (thin).

    ``areas`` are the AUCs for the legend. Curves are averaged over false alarms (Fawcett 2006,
    doi 10.1016/j.patrec.2005.10.010).
    """
    from sklearn.metrics import roc_curve

    def draw(axes: Any) -> None:  # noqa: ANN401
        axes.plot([0, 1], [0, 1], color=INK, lw=0.8, ls=":", alpha=0.6)
        for number, name in enumerate(tested.classes):
            colour = PALETTE[number % len(PALETTE)]
            curves = []
            for member in tested.members:
                truth = member.labels == number
                if truth.any() and not truth.all():
                    false, found, _ = roc_curve(truth, member.probabilities[:, number], drop_intermediate=True)
                    curves.append(_steps(false, found))
                    if len(tested.members) > 1:
                        axes.plot(false, found, color=colour, lw=0.7, alpha=0.4)
            if curves:
                axes.plot(
                    _GRID, np.mean(curves, axis=0), color=colour, lw=2, label=_legend(name, "AUC", areas.get(name))
                )
        _unit(axes, "1 - specificity", "sensitivity")
        axes.legend(loc="lower right")

    return draw_svg(draw, name="roc", label="ROC curves of each class against the rest")


def precision_plot(tested: Pool) -> str:
    """Precision (PPV) against recall (sensitivity) of each class over all members; dotted: what chance would give."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    labels, said = tested.stacked()

    def draw(axes: Any) -> None:  # noqa: ANN401
        for number, name in enumerate(tested.classes):
            truth = labels == number
            if not truth.any():
                continue
            colour = PALETTE[number % len(PALETTE)]
            precision, recall, _ = precision_recall_curve(truth, said[:, number], drop_intermediate=True)
            area = float(average_precision_score(truth, said[:, number]))
            # The first point calls every scan so: its precision is the share of the class.
            axes.plot(recall, precision, color=colour, lw=2, label=_legend(name, "AP", area), drawstyle="steps-pre")
            axes.axhline(truth.mean(), color=colour, lw=0.8, ls=":")
        _unit(axes, "recall (sensitivity)", "precision (PPV)")
        axes.legend(loc="lower left")

    return draw_svg(draw, name="precision", label="Precision against recall of each class")


def reliability_plot(tested: Pool, scaled: Pool) -> str:
    """Probability of the called class against how often it is right, as trained and after temperature scaling."""

    def draw(axes: Any) -> None:  # noqa: ANN401
        axes.plot([0, 1], [0, 1], color=INK, lw=0.8, ls=":", alpha=0.6)
        for whole, name, colour in ((tested, "as trained", PALETTE[0]), (scaled, "at its temperature", PALETTE[1])):
            found = top_label(*whole.stacked(), bins=10)
            sizes = 12 + 90 * found.cases / found.cases.sum()
            axes.plot(found.said, found.came_true, color=colour, lw=1.4, alpha=0.8)
            axes.scatter(found.said, found.came_true, s=sizes, color=colour, lw=0, label=name)
        _unit(axes, "probability of what was called", "share that is right")
        axes.legend(loc="upper left")

    return draw_svg(draw, name="reliability", label="Reliability: probabilities against what came true")


def decision_plot(scaled: Pool) -> str | None:
    """Net benefit of acting on the model, on all and on none, by the threshold probability; None without malignant."""
    if POSITIVE not in scaled.classes:
        return None
    labels, said = scaled.stacked()
    positive = scaled.classes.index(POSITIVE)
    curve = decision_curve(said[:, positive], labels == positive)

    def draw(axes: Any) -> None:  # noqa: ANN401
        axes.axhline(0, color=INK, lw=0.9, alpha=0.7, label="biopsy none")
        axes.plot(curve.thresholds, curve.treat_all, color=PALETTE[5], lw=1.4, ls="--", label="biopsy all")
        axes.plot(curve.thresholds, curve.model, color=PALETTE[1], lw=2, label="follow the model")
        top = max(float(curve.model.max()), float(curve.treat_all.max()), 0.01)
        axes.set_xlim(0, 1)
        axes.set_ylim(-0.35 * top, 1.08 * top)
        axes.set_xlabel("probability of cancer from which one acts")
        axes.set_ylabel("net benefit")
        axes.legend(loc="upper right")

    return draw_svg(draw, name="decision", label="Decision curve: net benefit by threshold probability")


def learning_plot(members: Sequence[Member]) -> str | None:
    """Loss and accuracy by epoch, of training and validation scans, one line for each member; None without history."""
    known = [member.history for member in members if member.history and member.history["epoch"].size]
    if not known:
        return None

    def draw(panels: Any) -> None:  # noqa: ANN401
        for axes, what in zip(panels, ("loss", "accuracy"), strict=True):
            for number, history in enumerate(known):
                # A single epoch is a point, which a line does not show.
                mark = "o" if history["epoch"].size == 1 else None
                for key, name, colour in ((what, "training", PALETTE[0]), (f"val_{what}", "validation", PALETTE[1])):
                    label = None if number else name
                    axes.plot(history["epoch"], history[key], color=colour, lw=1.3, alpha=0.8, label=label, marker=mark)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.set_xlabel("epoch")
            axes.set_ylabel(what)
        panels[1].set_ylim(0, 1.02)
        panels[0].set_ylim(bottom=0)
        panels[0].legend(loc="upper right")

    label = "Learning curves: loss and accuracy by epoch"
    return draw_svg(draw, name="learning", label=label, size=(9.4, 3.4), panels=2)


def spread_plot(voice: Predictions, threshold: float | None) -> str | None:
    """Probability of malignancy of each scan, by true class, with the threshold; None without malignant."""
    if POSITIVE not in voice.classes:
        return None
    scores = voice.probabilities[:, voice.classes.index(POSITIVE)]

    def draw(axes: Any) -> None:  # noqa: ANN401
        shake = np.random.default_rng(0).uniform(-0.32, 0.32, len(voice))
        axes.scatter(
            scores,
            voice.labels + shake,
            s=9,
            lw=0,
            alpha=0.55,
            c=[PALETTE[label % len(PALETTE)] for label in voice.labels],
        )
        if threshold is not None:
            axes.axvline(threshold, color=INK, lw=1, ls="--")
        axes.set_yticks(range(len(voice.classes)), voice.classes, rotation=90, va="center")
        axes.set_ylim(len(voice.classes) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        axes.set_xlim(-0.02, 1.02)
        axes.set_xlabel("probability of malignancy")

    return draw_svg(draw, name="spread", label="Probability of malignancy of each scan, by true class")


def _steps(false: FloatArray, found: FloatArray) -> FloatArray:
    """Sensitivity at each point of the grid: the best that does not exceed this share of false alarms."""
    return np.asarray(found[np.searchsorted(false, _GRID, side="right") - 1], dtype=np.float64)


def _unit(axes: Any, across: str, up: str) -> None:  # noqa: ANN401
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.02)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.set_aspect("equal")


def _legend(name: str, figure: str, value: float | None) -> str:
    return name if value is None else f"{name}, {figure} {value:.3f}"


def _count(value: float) -> str:
    return f"{value:.0f}" if abs(value - round(value)) < 1e-6 else f"{value:.1f}"  # noqa: PLR2004 - rounding of sums
