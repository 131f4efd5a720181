"""Every construction and language has its phrase here, with what it says."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
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


FROM_PRACTICE: dict[str, dict[str, Any]] = {
    "MAMA DIR QSE 10H": {"laterality": "right", "clock": "10:00", "quadrant": "upper_outer"},
    "MAMA ESQ 2 HS A 3 CM DO MAMILO": {"laterality": "left", "clock": "2:00", "distance_from_nipple_mm": 30.0},
    "SEIN G 3H RAD": {"laterality": "left", "clock": "3:00", "orientation": "radial"},
    "BRUST LI 2 UHR": {"laterality": "left", "clock": "2:00"},
    "MAMA IZQ CSE": {"laterality": "left", "quadrant": "upper_outer"},
    "RT BREAST 10:00 N+5 ARAD": {
        "laterality": "right",
        "clock": "10:00",
        "distance_from_nipple_mm": 50.0,
        "orientation": "antiradial",
    },
    "LT AXILLA TRV": {"laterality": "left", "orientation": "transverse", "region": "axilla"},
    "RIGHT BREAST 12 OC 4 CM FN SAG": {
        "laterality": "right",
        "clock": "12:00",
        "distance_from_nipple_mm": 40.0,
        "orientation": "sagittal",
    },
    "AISSELLE D": {"laterality": "right", "region": "axilla"},
    "POST BX CLIP": {"procedure": "clip"},
    "CORE BX RT 3:00": {"laterality": "right", "clock": "3:00", "procedure": "biopsy"},
    "LTBREAST 2 OCLOCK": {"laterality": "left", "clock": "2:00"},
    "RT8": {"laterality": "right", "clock": "8:00"},
    "lt11": {"laterality": "left", "clock": "11:00"},
    "LT 3-4": {"laterality": "left", "clock": "3:30"},
    "LT 5": {"laterality": "left", "clock": "5:00"},
    "RT 12 C": {"laterality": "right", "clock": "12:00"},
    "L LOQ": {"laterality": "left", "quadrant": "lower_outer"},
    "LT10:00": {"laterality": "left", "clock": "10:00"},
    "RTB AX": {"laterality": "right", "region": "axilla"},
    "AX TAIL": {"region": "axilla"},
    "RTR UIQ": {"quadrant": "upper_inner"},
    "LT RETROAR": {"laterality": "left", "region": "subareolar"},
    "RT LOQ C": {"laterality": "right", "quadrant": "lower_outer"},
    "RT 1O:00": {"laterality": "right", "clock": "10:00"},
    "RT I0:00": {"laterality": "right", "clock": "10:00"},
    "RT BREAST l0:00": {"laterality": "right", "clock": "10:00"},
    "RT BREAST 1l:00": {"laterality": "right", "clock": "11:00"},
    "RT BREAST 11 0CLOCK": {"laterality": "right", "clock": "11:00"},
    "RT BREAST 3 O'CL0CK": {"laterality": "right", "clock": "3:00"},
    "RT BREAST 3 O'CIOCK": {"laterality": "right", "clock": "3:00"},
    "RT 3OCLOCK": {"laterality": "right", "clock": "3:00"},
    "R1GHT BREAST": {"laterality": "right"},
    "LEF7 BREA5T": {"laterality": "left"},
    "LT AX1LLA": {"laterality": "left", "region": "axilla"},
    "LT AXlLLA": {"laterality": "left", "region": "axilla"},
    "RT 10N4": {"laterality": "right", "clock": "10:00", "distance_from_nipple_mm": 40.0},
    "L 10:00 N+5": {"laterality": "left", "clock": "10:00", "distance_from_nipple_mm": 50.0},
    "R BREAST 10:00 5CMFN": {"laterality": "right", "clock": "10:00", "distance_from_nipple_mm": 50.0},
    "LT BREAST 4:00 3CM FN RADIAL": {
        "laterality": "left",
        "clock": "4:00",
        "distance_from_nipple_mm": 30.0,
        "orientation": "radial",
    },
    "LT BREAST 6 O'CLOCK SUBAREOLAR": {"laterality": "left", "clock": "6:00", "region": "subareolar"},
    "L BREAST 12:30 ZONE 2": {"laterality": "left", "clock": "12:30"},
    "RIGHT AXILLARY TAIL": {"laterality": "right", "region": "axilla"},
    "RIGHT BREAST UPPER OUTER QUADRANT": {"laterality": "right", "quadrant": "upper_outer"},
    "BILATERAL BREASTS": {"laterality": "bilateral"},
    "MAMA DIREITA QUADRANTE SUPERIOR EXTERNO": {"laterality": "right", "quadrant": "upper_outer"},
    "MAMA ESQUERDA JUNÇÃO QUADRANTES SUPERIORES": {"laterality": "left"},
    "MD QSL 11H": {"laterality": "right", "clock": "11:00", "quadrant": "upper_outer"},
    "ME QII 4 HORAS 2CM DA PAPILA": {
        "laterality": "left",
        "clock": "4:00",
        "quadrant": "lower_inner",
        "distance_from_nipple_mm": 20.0,
    },
    "M. ESQ. 3H": {"laterality": "left", "clock": "3:00"},
    "MAMA E RETROAREOLAR": {"laterality": "left", "region": "subareolar"},
    "MAMA D 9H PERIAREOLAR": {"laterality": "right", "clock": "9:00", "region": "subareolar"},
    "AXILA D": {"laterality": "right", "region": "axilla"},
    "AXILA E": {"laterality": "left", "region": "axilla"},
    "MAMA DERECHA CUADRANTE INFERIOR INTERNO": {"laterality": "right", "quadrant": "lower_inner"},
    "MAMA DCHA R10": {"laterality": "right"},
    "MAMA IZQ H3 A 4 CM DEL PEZON": {"laterality": "left", "clock": "3:00", "distance_from_nipple_mm": 40.0},
    "MAMA DER 11 HRS": {"laterality": "right", "clock": "11:00"},
    "PEZON IZQ": {"laterality": "left", "region": "nipple"},
    "AXILA DERECHA": {"laterality": "right", "region": "axilla"},
    "SEIN DROIT QUADRANT SUPERO-EXTERNE": {"laterality": "right", "quadrant": "upper_outer"},
    "SEIN GAUCHE 11H30": {"laterality": "left", "clock": "11:30"},
    "SEIN D UNION QUADRANTS EXTERNES 9H A 2 CM DU MAMELON": {
        "laterality": "right",
        "clock": "9:00",
        "distance_from_nipple_mm": 20.0,
    },
    "AISSELLE GAUCHE": {"laterality": "left", "region": "axilla"},
    "CREUX AXILLAIRE DROIT": {"laterality": "right", "region": "axilla"},
    "MAMMA LINKS OAQ": {"laterality": "left", "quadrant": "upper_outer"},
    "MAMMA RE 10 UHR 3CM VON DER MAMILLE": {"laterality": "right", "clock": "10:00", "distance_from_nipple_mm": 30.0},
    "RECHTS 7 UHR": {"laterality": "right", "clock": "7:00"},
    "BRUST RE UIQ": {"laterality": "right", "quadrant": "lower_inner"},
    "LINKE AXILLA": {"laterality": "left", "region": "axilla"},
    "ACHSEL RE": {"laterality": "right", "region": "axilla"},
    "BRUST LI OIQ QUER": {"laterality": "left", "quadrant": "upper_inner", "orientation": "transverse"},
    "MASS 1.2 X 0.8 X 0.9 CM": {"measurements_mm": (12.0, 8.0, 9.0)},
    "1.2cm x 0.8cm x 0.9cm": {"measurements_mm": (12.0, 8.0, 9.0)},
    "2 L 0.98 cm": {"measurements_mm": (9.8,)},
    "1 1.23 cm": {"measurements_mm": (12.3,)},
    "2 H 0.9 cm": {"measurements_mm": (9.0,)},
    "+ Dist 1.23 cm": {"measurements_mm": (12.3,)},
    "+ 12.3mm": {"measurements_mm": (12.3,)},
    "x 8.1mm": {"measurements_mm": (8.1,)},
    "Dist A 1.2 cm": {"measurements_mm": (12.0,)},
    "D1 11.2 mm": {"measurements_mm": (11.2,)},
    "FNA LT 3:00": {"laterality": "left", "clock": "3:00", "procedure": "fine_needle_aspiration"},
    "CYST ASPIRATION RT": {"laterality": "right", "procedure": "aspiration"},
    "PAAF MAMA IZQ": {"laterality": "left", "procedure": "fine_needle_aspiration"},
    "BIOPSIA MAMA DIR": {"laterality": "right", "procedure": "biopsy"},
    "WIRE LOC LT": {"laterality": "left", "procedure": "wire_localisation"},
    "PUNCAO MAMA ESQ": {"laterality": "left", "procedure": "aspiration"},
    "STANZBIOPSIE BRUST LI": {"laterality": "left", "procedure": "biopsy"},
    "POST CLIP RT 9:00": {"laterality": "right", "clock": "9:00", "procedure": "clip"},
    "LT NIPPLE": {"laterality": "left", "region": "nipple"},
    "RT IMF": {"laterality": "right", "region": "inframammary"},
    "LT BREAST TRANSV 3-4 OC": {"laterality": "left", "clock": "3:30", "orientation": "transverse"},
    "PALP LT 4:00": {"laterality": "left", "clock": "4:00"},
    "LT SATELITE": {"laterality": "left"},
    "Left Breast 10 o'clock, 3 cm from nipple, Transverse": {
        "laterality": "left",
        "clock": "10:00",
        "distance_from_nipple_mm": 30.0,
        "orientation": "transverse",
    },
    "RT BREAST 1000 6CM FN": {"laterality": "right", "clock": "10:00", "distance_from_nipple_mm": 60.0},
    "RIGHT 9:30 6 CM FN AR": {"laterality": "right", "clock": "9:30", "distance_from_nipple_mm": 60.0},
    "MARIA DIREITO": {},
    "MARIA LONG LT BREAST 2:30": {"laterality": "left", "clock": "2:30"},
    "LT BREAST 2:30 LONG, MARIA": {"laterality": "left", "clock": "2:30"},
    "WEI LI LONG 3:00": {},
    "JOHN DOE, MD RT AXILLA": {"laterality": "right", "region": "axilla"},
    "LEFTWICH, ANNA": {},
    "R. AXELROD": {},
    "LONG, MARY": {},
    "MARIA IZQUIERDO": {},
    "IZQUIERDO^LONG": {},
    "JOHN DOE MD": {},
    "WEI LI": {},
    "SARA LIRA": {},
    "SARA": {},
    "LIRA": {},
    "12/03/2024 10:30:15": {},
    "12/03/2024 10:30": {},
    "LT BREAST 12.03.2024 10:30": {"laterality": "left"},
    "2024-03-12 3:00": {},
    "10:30 AM LT BREAST": {"laterality": "left"},
    "LEFT BREAST 3:00 PM": {"laterality": "left"},
    "MI 0.9": {},
    "MI 1.2 TIS 0.4": {},
    "D 4.0 cm": {},
    "Depth 4 cm": {},
    "D4.0cm": {},
    "12L5 4.0cm": {},
    "L12-5 50mm": {},
    "L12-3": {},
    "9L 4.0 cm": {},
    "ML6-15": {},
    "FR 25Hz": {},
    "FR 25 4.0 cm": {},
    "Gn 60": {},
    "L 4 cm": {},
    "0 1 2 3 4 cm": {},
    "4 5 cm": {},
    "130 lb": {},
    "72 kg/160 lbs": {},
    "DOB 01/02/1960": {},
    "RT 15 FPS": {"laterality": "right"},
    "RT 5 MHz": {"laterality": "right"},
    "ID 10 30 45": {},
    "Clip 1/3": {},
    "BRAXLEY ADA LEFT BREAST 3:00": {"laterality": "left", "clock": "3:00"},
    "10h32": {},
    "14h30": {},
    "Zoom 2.0x": {},
    "2x 4.0 cm": {},
    "Focus 2.0 cm": {},
    "12.0 MHz": {},
    "AGE 45 F": {},
    "H 1.2 cm": {},
    "S/A 1/4": {},
    "Breast 10:30": {},
    "Map 3 L": {},
    "CORE, JANE": {},
    "BELLE AISSELLE": {"region": "axilla"},
    "RIGHTER": {},
    "R 3.0 cm": {},
    "LT 3 CM": {"laterality": "left"},
    "Prof 4 cm": {},
    "Tiefe: 4 cm": {},
    "foco 2 cm": {},
    "LT BREAST 3:00 JONES R": {"laterality": "left", "clock": "3:00"},
    "SMITH R 10:30": {},
    "L. LOPEZ 3:00": {},
    "LLOQ": {"laterality": "left", "quadrant": "lower_outer"},
    "RUOQ": {"laterality": "right", "quadrant": "upper_outer"},
    "It axilla": {"laterality": "left", "region": "axilla"},
    "L .T3": {"laterality": "left", "clock": "3:00"},
    "It1": {"laterality": "left", "clock": "1:00"},
    "AX TAII": {"region": "axilla"},
    "LBREAST 3:00": {"laterality": "left", "clock": "3:00"},
    "RAXELROD": {},
    "RT BREAST OO:30": {"laterality": "right"},
    "L BREAST 9;30": {"laterality": "left", "clock": "9:30"},
    "RT BREAST 12:OO": {"laterality": "right", "clock": "12:00"},
    "IPALE RT 3:00": {"laterality": "right", "clock": "3:00"},
    "MAMA DCHA 11 HRS A 3CM DEL PEZON": {"laterality": "right", "clock": "11:00", "distance_from_nipple_mm": 30.0},
    "24-MAY-02": {},
    "8:48:26 AM 4/14/2020": {},
    "H4.00 MHz": {},
    "8M12L": {},
    "TIS<0.4 MI=0.8 AO=100%": {},
    "3cm3cm 8M12L": {},
    "10 h 30 x 20 mm": {"clock": "10:00", "measurements_mm": (30.0, 20.0)},
    "3 H 30 MM FN": {"clock": "3:00", "distance_from_nipple_mm": 30.0},
    "AGNES LONG 3:00": {},
    "LANGE, PETRA 3 CM": {},
    "Gray Map L": {},
    "R 12.3 mm": {},
    "LT 24-MAY-02 10:30": {"laterality": "left"},
    "RT MAY 24, 2002 3:00": {"laterality": "right"},
    "12 MAR 2024 LT 3:00": {"laterality": "left"},
}
"""What operators and machines write, with what recognition makes of it, and names that look like terms."""


@pytest.mark.parametrize("phrase", [*PHRASES, *FROM_PRACTICE])
def test_phrase_says_what_it_says(phrase: str) -> None:
    assert parse(phrase) == Annotation(**{**PHRASES, **FROM_PRACTICE}[phrase])


def test_lines_are_read_on_their_own() -> None:
    read = parse("LT BREAST\n2 O'CLOCK\n+ 1.2 cm\nx 0.9 cm\nDOE^JANE")
    assert read == Annotation(laterality="left", clock="2:00", measurements_mm=(12.0, 9.0))


def test_a_lone_letter_says_a_side_only_when_no_word_does() -> None:
    assert parse("R\nLT BREAST").laterality == "left"
    assert parse("R\n3 CM FN").laterality == "right"
    assert parse("L\nLEFT BREAST\nRIGHT BREAST").laterality is None


def test_a_word_that_says_less_contradicts_nothing() -> None:
    assert parse("POST BX\nCLIP").procedure == "clip"
    assert parse("CORE BX\nWIRE LOC").procedure is None


def test_parts_that_contradict_each_other_say_nothing() -> None:
    assert merge([Annotation(laterality="left"), Annotation(laterality="right")]).laterality is None
    assert merge([Annotation(laterality="left"), Annotation(clock="3:00")]).laterality == "left"


WORDS = [" ".join(words) for words in TERMS]
SCREEN = st.lists(
    st.sampled_from(WORDS)
    | st.sampled_from(["x", "+", "-", ":", "\n", "^", "MARIA", "DOE", "cm", "mm", "fn", "h", "1O", "l", "n"])
    | st.from_regex(r"[0-9]{1,4}([.,:][0-9]{1,4})?", fullmatch=True)
    | st.text(max_size=6),
    max_size=14,
)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80) | SCREEN.map(" ".join) | SCREEN.map("".join))
def test_any_text_gives_only_the_vocabulary(text: str) -> None:
    read = parse(text)
    assert Annotation.from_json(json.loads(json.dumps(read.to_json()))) == read
    cells = read.columns()
    assert tuple(cells) == COLUMNS
    for name, words in VOCABULARY.items():
        assert cells[name] in {"", *words}
    assert cells["clock"] in {"", *CLOCK}
    assert re.fullmatch(r"(\d{1,3}(\.\d{1,2})?)?", cells["distance_from_nipple_mm"])
    assert re.fullmatch(r"(\d{1,3}(\.\d{1,2})?(;\d{1,3}(\.\d{1,2})?){0,11})?", cells["measurements_mm"])
    lengths = [float(cell) for cell in cells["measurements_mm"].split(";") if cell]
    assert all(0 < length <= 200 for length in lengths)
    assert float(cells["distance_from_nipple_mm"] or 0) <= 250


@settings(deadline=None)
@given(st.lists(st.sampled_from([" ".join(words) for words in TERMS] + ["3", "10", "1.5", "x", "DOE"]), max_size=8))
def test_words_of_the_vocabulary_in_any_order_never_fail(words: list[str]) -> None:
    read = parse(" ".join(words))
    assert read == merge([read])


@settings(deadline=None)
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
        ("distance_from_nipple_mm", 12.3456),
        ("distance_from_nipple_mm", float("nan")),
        ("distance_from_nipple_mm", "MARIA"),
        ("measurements_mm", (12.125,)),
        ("measurements_mm", ("MARIA",)),
        ("measurements_mm", "MARIA"),
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
