"""What a run leaves for people: ``report.html`` and ``model_card.html``, each one file that loads nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from markupsafe import Markup

from bus_toolkit._version import __version__
from bus_toolkit.atomic import PUBLIC_MODE
from bus_toolkit.evaluation import plots, wording
from bus_toolkit.evaluation.card import CARD, make_card, write_card
from bus_toolkit.evaluation.intervals import RESAMPLES
from bus_toolkit.evaluation.metrics import POSITIVE
from bus_toolkit.evaluation.pictures import MOST, error_pictures
from bus_toolkit.evaluation.runs import read_run
from bus_toolkit.evaluation.summary import SUMMARY, Summary, scaled_pool, summarise
from bus_toolkit.pages import asset, house_style, write_page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bus_toolkit.evaluation.pool import Pool
    from bus_toolkit.evaluation.runs import Run

REPORT: Final = "report.html"
CARD_PAGE: Final = "model_card.html"
PACKAGE: Final = "bus_toolkit.evaluation"
OVERALL: Final = ("accuracy", "balanced_accuracy", "macro_auc", "auc_benign_malignant", "macro_f1", "brier")
OF_CLASS: Final = ("sensitivity", "specificity", "ppv", "npv", "f1", "auc")
_FILTERS: Final = {
    word.__name__: word
    for word in (
        wording.heading,
        wording.meaning,
        wording.share,
        wording.plain,
        wording.points,
        wording.figure,
        wording.estimate,
        wording.reach,
        wording.spread,
    )
}


def report_run(run: Path, *, resamples: int = RESAMPLES, seed: int = 0) -> Summary:
    """Score a run folder; write ``summary.json``, ``model_card.json``, ``model_card.html`` and ``report.html`` into it.

    Parameters
    ----------
    run
        The folder; see :mod:`bus_toolkit.evaluation.runs`.
    resamples, seed
        Of the 95 % intervals.

    Raises
    ------
    InputError
        When it is not a run with finished members, or one of its files is broken.
    OSError
        When a file cannot be written.
    """
    read = read_run(run)
    summary = summarise(read, resamples=resamples, seed=seed)
    write_all(read, summary)
    return summary


def write_all(run: Run, summary: Summary) -> None:
    """Write summary, card and pages of a run that was scored; the summary last, so that it vouches for the others."""
    card = make_card(run, summary)
    write_card(run.folder / CARD, card)
    write_card_page(run.folder / CARD_PAGE, card)
    write_report(run.folder / REPORT, run, summary)
    summary.write(run.folder / SUMMARY)


def write_report(path: Path, run: Run, summary: Summary) -> None:
    """Write ``report.html``: figures, plots, worst errors; self-contained.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    tested = run.tested()
    scaled = scaled_pool(tested, [member["temperature"] for member in summary.data["members"]])
    voice = tested.mean()
    errors = list(error_pictures(run, voice))
    context = {
        "version": __version__,
        "run": summary.data,
        "config": run.config,
        "weights": wording.weights(run.config.get("pretrained")),
        "heads": _heads(summary),
        "overall": [name for name in OVERALL if name in summary.data["figures"]],
        "of_class": OF_CLASS,
        "plots": {name: Markup(svg) for name, svg in _plots(run, summary, tested, scaled).items()},  # noqa: S704 - ours
        "errors": errors,
        "wrong": int((voice.predicted != voice.labels).sum()),
        "most": MOST,
        "card_page": CARD_PAGE,
    }
    _page(path, "report.html", context)


def write_card_page(path: Path, card: Mapping[str, Any]) -> None:
    """Write ``model_card.html`` from the card.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    _page(path, "card.html", {"card": card, "version": __version__})


def _page(path: Path, template: str, context: dict[str, Any]) -> None:
    style = house_style() + asset(PACKAGE, "report.css.html")
    write_page(
        path,
        template,
        package=PACKAGE,
        filters=_FILTERS,
        style=style,
        images=["data:"],
        mode=PUBLIC_MODE,
        context=context,
    )


def _heads(summary: Summary) -> list[dict[str, Any]]:
    """The four figures that a reader looks for first."""
    figures = summary.data["figures"]
    names = ["accuracy", "auc.malignant", "sensitivity_at_95_specificity.malignant", "normal_called_malignant"]
    if POSITIVE not in summary.data["classes"]:
        names = ["accuracy", "balanced_accuracy", "macro_auc"]
    found = []
    for name in names:
        if name in figures:
            one = figures[name]
            interval = wording.interval(name, one)
            found.append({"name": name, "value": wording.estimate(name, one), "interval": interval})
    return found


def _plots(run: Run, summary: Summary, tested: Pool, scaled: Pool) -> dict[str, str]:
    figures = summary.data["figures"]
    areas = {name: figures[f"auc.{name}"]["mean"] for name in run.classes}
    drawn = {
        "confusion": plots.confusion_plot(np.array(summary.data["confusion"]), run.classes),
        "roc": plots.roc_plot(tested, areas),
        "precision": plots.precision_plot(tested),
        "reliability": plots.reliability_plot(tested, scaled),
        "decision": plots.decision_plot(scaled),
        "spread": plots.spread_plot(tested.mean(), _threshold(summary)),
        "learning": plots.learning_plot(run.members),
    }
    return {name: svg for name, svg in drawn.items() if svg is not None}


def _threshold(summary: Summary) -> float | None:
    """The mean of the members' thresholds for the first operating point; None when one has none."""
    if not summary.data["operating"]:
        return None
    name = summary.data["operating"][0]["name"]
    return float(np.mean([member["thresholds"][name]["threshold"] for member in summary.data["members"]]))
