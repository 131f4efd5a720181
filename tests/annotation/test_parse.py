"""Every construction and language has its phrase here, with what it says."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus_toolkit.annotation import Annotation, merge, parse
from bus_toolkit.annotation.fields import CLOCK, COLUMNS, VOCABULARY
from bus_toolkit.annotation.vocabulary import TERMS

PHRASES: dict[str, dict[str, Any]] = {
    "LEFT BREAST": {"laterality": "left"},
    "Rt. Breast": {"laterality": "right"},
    "RTBREAST": {"laterality": "right"},
    "L": {"laterality": "left"},
    "R BREAST": {"laterality": "right"},
    "BILATERAL": {"laterality": "bilateral"},
    "MAMA DIREITA": {"laterality": "right"},
    "Mama Esq": {"laterality": "left"},
    "MAMA E": {"laterality": "left"},
    "MAMA IZQUIERDA": {"laterality": "left"},
    "mama derecha": {"laterality": "right"},
    "SEIN DROIT": {"laterality": "right"},
    "SEIN G": {"laterality": "left"},
    "Brust links": {"laterality": "left"},
    "RECHTE BRUST": {"laterality": "right"},
    "LT 10 O'CLOCK": {"laterality": "left", "clock": "10:00"},
    "LT 1O H": {"laterality": "left", "clock": "10:00"},
    "RT 3 0'CLOCK": {"laterality": "right", "clock": "3:00"},
    "L BREAST 2:30": {"laterality": "left", "clock": "2:30"},
    "R 10:00": {"laterality": "right", "clock": "10:00"},
    "R 9H": {"laterality": "right", "clock": "9:00"},
    "MAMA ESQ 7 HORAS": {"laterality": "left", "clock": "7:00"},
    "5 Uhr": {"clock": "5:00"},
    "à 3 heures": {"clock": "3:00"},
    "10h30": {"clock": "10:30"},
    "3 CM FN": {"distance_from_nipple_mm": 30.0},
    "4CMFN": {"distance_from_nipple_mm": 40.0},
    "FN 2": {"distance_from_nipple_mm": 20.0},
    "5 cm from nipple": {"distance_from_nipple_mm": 50.0},
    "2,5 cm do mamilo": {"distance_from_nipple_mm": 25.0},
    "3 cm du mamelon": {"distance_from_nipple_mm": 30.0},
    "3 cm del pezón": {"distance_from_nipple_mm": 30.0},
    "35 mm von der Mamille": {"distance_from_nipple_mm": 35.0},
    "UOQ": {"quadrant": "upper_outer"},
    "LIQ": {"quadrant": "lower_inner"},
    "QSE": {"quadrant": "upper_outer"},
    "quadrante inferior interno": {"quadrant": "lower_inner"},
    "cuadrante superior interno": {"quadrant": "upper_inner"},
    "quadrant supéro-externe": {"quadrant": "upper_outer"},
    "unten außen": {"quadrant": "lower_outer"},
    "UIQ": {"quadrant": "upper_inner"},
    "Brust rechts UIQ": {"laterality": "right", "quadrant": "lower_inner"},
    "RADIAL": {"orientation": "radial"},
    "ANTI-RADIAL": {"orientation": "antiradial"},
    "ARAD": {"orientation": "antiradial"},
    "TRANS": {"orientation": "transverse"},
    "LONG": {"orientation": "sagittal"},
    "LÄNGS": {"orientation": "sagittal"},
    "RT AXILLA": {"laterality": "right", "region": "axilla"},
    "AXILA ESQUERDA": {"laterality": "left", "region": "axilla"},
    "retroareolar": {"region": "subareolar"},
    "Dist 12.3 mm": {"measurements_mm": (12.3,)},
    "1 L 1.23 cm": {"measurements_mm": (12.3,)},
    "+ 1,05cm": {"measurements_mm": (10.5,)},
    "D1: 1.1 cm": {"measurements_mm": (11.0,)},
    "12 x 8 mm": {"measurements_mm": (12.0, 8.0)},
    "1.2 x 0.8 x 0.5 cm": {"measurements_mm": (12.0, 8.0, 5.0)},
    "1.2cm \u00d7 0.8cm": {"measurements_mm": (12.0, 8.0)},
    "CORE BIOPSY": {"procedure": "biopsy"},
    "POST BX": {"procedure": "post_procedure"},
    "FNA": {"procedure": "fine_needle_aspiration"},
    # What says nothing, or not what it looks like.
    "": {},
    "MARIA DA SILVA": {},
    "DR. LEFTWICH": {},
    "10:32:45": {},
    "10:30": {},
    "14:30 LT": {"laterality": "left"},
    "2:45 LT": {"laterality": "left"},
    "13 o'clock": {},
    "Depth 4.0 cm": {},
    "4.0 cm": {},
    "900 cm FN": {},
    "LEFT RIGHT": {},
    "L 4.0": {},
    "٣ CM FN": {},
}
"""What each phrase says; fields that are not named must be empty."""


@pytest.mark.parametrize("phrase", PHRASES)
def test_phrase_says_what_it_says(phrase: str) -> None:
    assert parse(phrase) == Annotation(**PHRASES[phrase])


def test_lines_are_read_on_their_own() -> None:
    read = parse("LT BREAST\n2 O'CLOCK\n+ 1.2 cm\nx 0.9 cm\nDOE^JANE")
    assert read == Annotation(laterality="left", clock="2:00", measurements_mm=(12.0, 9.0))


def test_parts_that_contradict_each_other_say_nothing() -> None:
    assert merge([Annotation(laterality="left"), Annotation(laterality="right")]).laterality is None
    assert merge([Annotation(laterality="left"), Annotation(clock="3:00")]).laterality == "left"


@given(st.text(max_size=80))
def test_any_text_gives_only_the_vocabulary(text: str) -> None:
    cells = parse(text).columns()
    assert tuple(cells) == COLUMNS
    for name, words in VOCABULARY.items():
        assert cells[name] in {"", *words}
    assert cells["clock"] in {"", *CLOCK}
    for cell in (cells["distance_from_nipple_mm"], *cells["measurements_mm"].split(";")):
        assert cell == "" or float(cell) >= 0


@given(st.lists(st.sampled_from([" ".join(words) for words in TERMS] + ["3", "10", "1.5", "x", "DOE"]), max_size=8))
def test_words_of_the_vocabulary_in_any_order_never_fail(words: list[str]) -> None:
    read = parse(" ".join(words))
    assert read == merge([read])


@given(st.from_regex(r"[A-Z]{3,9}\^[A-Z]{3,9}", fullmatch=True))
def test_a_name_never_reaches_a_cell(name: str) -> None:
    cells = parse(f"LT BREAST {name} 3 CM FN").columns()
    assert not any(
        part.casefold() in cell
        for cell in cells.values()
        for part in name.split("^")
        if len(cell) and part.casefold() not in {word for words in VOCABULARY.values() for word in words}
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("laterality", "MARIA"),
        ("clock", "13:00"),
        ("distance_from_nipple_mm", -1.0),
        ("measurements_mm", (0.0,)),
        ("measurements_mm", (1.0,) * 13),
        ("procedure", "surgery"),
    ],
)
def test_what_no_vocabulary_holds_is_refused_without_being_told(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=field) as caught:
        Annotation(**{field: value})
    assert "MARIA" not in str(caught.value)


def test_columns_are_the_fields() -> None:
    assert tuple(field.name for field in fields(Annotation)) == COLUMNS
