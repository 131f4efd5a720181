"""What was found, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bus_toolkit.evaluation import wording

if TYPE_CHECKING:
    from collections.abc import Mapping

_COPIES = {
    "uncleaned": "On the originals, cut as the cleaned pictures are,",
    "uncropped": "On the whole originals, nothing filled and nothing cut,",
}


def sentences(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Verdicts: ``title``, ``text``, and ``stop`` for what must not be overlooked."""
    found = [_probes(data)]
    model = data["model"]
    if model is not None:
        found += [_border(data, model), _occluded(model["compared"])]
        found += [_copy(data, model["compared"][way], way) for way in _COPIES if way in model["compared"]]
        if model["differs_from_predictions"]:
            text = "On intact scans the models do not say what the run's predictions have. Were they replaced?"
            found.append(_verdict("The models are others.", text, stop=True))
    if data["scans"].get("too_few_originals"):
        text = (
            "With these originals a fold has fewer than two classes to learn from, so the probe 'filled' is left out."
        )
        found.append(_verdict("What was filled was not asked about.", text))
    if data["scans"]["leaking"]:
        text = "Tested scans have near-duplicates or scans of the same patient among those that were learned from; a "
        text += "probe that recognises these does well without any shortcut."
        found.append(_verdict("The test is not independent.", text, stop=True))
    return found


def is_above(found: Mapping[str, Any], figures: list[str]) -> bool:
    """Whether one of the figures is surely above chance."""
    return any(found[name]["above"] for name in figures)


def _verdict(title: str, text: str, *, stop: bool = False) -> dict[str, Any]:
    return {"title": title, "text": text, "stop": stop}


def _probes(data: Mapping[str, Any]) -> dict[str, Any]:
    figures = data["figures"]
    above = {name: one for name, one in data["probes"].items() if is_above(one, figures)}
    if not above:
        text = "No probe that sees no lesion guesses the class surely better than chance."
        return _verdict("No shortcut was found in the data.", text)
    best = max(above, key=lambda name: above[name][figures[0]]["value"])
    one = above[best]
    told = "; ".join(f"{wording.title(name)} {wording.figure(name, one[name])}" for name in figures)
    chance = f"chance is {wording.share(one[figures[0]]['chance'])} and {one[figures[1]]['chance']:.1f}"
    text = (
        f"Better than chance without seeing a lesion: {', '.join(above)}. Best of them is {best} ({one['sees']}): "
        f"{told}; {chance}. A model can learn this. It does not follow that it did; and a shadow or a depth that goes "
        "with a kind of lesion is no artefact."
    )
    return _verdict("The data hold a shortcut.", text)


def _border(data: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    figures = data["figures"]
    one = model["border_only"]
    told = "; ".join(
        f"{wording.title(name)} {wording.figure(name, one[name])}, p {wording.p_value(one[name]['p'])}"
        for name in figures
    )
    if is_above(one, figures):
        text = f"With all but the border blanked, the model still guesses better than chance: {told}."
        return _verdict("The model reads the border.", text, stop=True)
    text = f"With all but the border blanked, the model is not surely better than chance: {told}."
    return _verdict("That the model reads the border does not show.", text)


def _occluded(compared: Mapping[str, Any]) -> dict[str, Any]:
    parts = [
        f"without the border {_change(compared['no_border'])}",
        f"with filled areas smoothed further {_change(compared['smoothed'])}",
    ]
    return _verdict(_title_of(compared), f"Accuracy {'; '.join(parts)}.")


def _title_of(compared: Mapping[str, Any]) -> str:
    """What blanking the border and smoothing filled areas surely changes, for the worse or the better."""
    names = {"no_border": "the border", "smoothed": "filled areas"}
    sure = {way: _difference(compared[way])["high"] < 0 for way in names if _is_sure(compared[way])}
    if not sure:
        return "Blanking changes nothing that can be told from luck."
    parts = [f"{'misses' if lost else 'does better without'} {names[way]}" for way, lost in sure.items()]
    return f"The model {' and '.join(parts)}."


def _copy(data: Mapping[str, Any], compared: Mapping[str, Any], way: str) -> dict[str, Any]:
    title = {
        "uncleaned": "What is drawn over the tissue",
        "uncropped": "What is drawn, and what lies around the tissue",
    }[way]
    sure = "matters to the model." if _is_sure(compared) else "makes no difference that can be told from luck."
    accuracy = compared["figures"]["accuracy"]
    text = (
        f"{_COPIES[way]} accuracy is {wording.share(accuracy['first'])}, on the cleaned ones "
        f"{wording.share(accuracy['second'])} ({_change(compared)}); {compared['called_otherwise']} of "
        f"{compared['scans']} scans are called otherwise. Filled pixels are in {data['scans']['with_filled']} of the "
        f"{data['scans']['matched']} scans whose original was found."
    )
    return _verdict(f"{title} {sure}", text)


def _is_sure(compared: Mapping[str, Any]) -> bool:
    difference = _difference(compared)
    return (difference["low"] or 0) * (difference["high"] or 0) > 0


def _difference(compared: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = compared["figures"]["accuracy"]["difference"]
    return found


def _change(compared: Mapping[str, Any]) -> str:
    one = _difference(compared)
    known = f"{wording.points(one['low'])} to {wording.points(one['high'])}"
    reach = wording.lacking("accuracy", one) or known
    return f"changes by {wording.points(one['value'])} points ({reach})"
