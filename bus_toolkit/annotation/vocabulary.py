"""The words that are known, in English, Portuguese, Spanish, French and German, without accents, in lower case.

Laterality, views and regions follow what the ACR BI-RADS Atlas (fifth edition, 2013, ultrasound) asks every image to
be labelled with: side, clock position or quadrant, distance from the nipple, orientation of the probe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WORDS: Final[dict[tuple[str, str], str]] = {
    ("laterality", "left"): (
        "left|lt|lft|left side|esq|esqda|esquerda|esquerdo|izq|izqda|izquierda|izquierdo|gauche|gche|links|linke|linker"
        "|linkes|li|me|mama e|mama esq|sein g|mama i|mama izq|brust li|lb|l breast|m esq"
    ),
    ("laterality", "right"): (
        "right|rt|rgt|right side|dir|direita|direito|dcha|der|derecha|derecho|droit|droite|dte|rechts|rechte|rechter"
        "|rechtes|re|md|mama d|mama dir|sein d|mama der|brust re|rb|r breast|m dir"
    ),
    ("laterality", "bilateral"): "bilateral|bilat|bilaterale|bilateral breasts|beidseits|bds|both breasts",
    ("letter", "left"): "l",
    ("letter", "right"): "r",
    ("quadrant", "upper_outer"): (
        "uoq|upper outer|upper outer quadrant|outer upper|qse|qsl|quadrante superior externo|quadrante superior lateral"
        "|quadrante superolateral|quadrante superoexterno|cse|cuadrante superior externo|cuadrante superoexterno"
        "|quadrant superieur externe|quadrant supero externe|quadrant superoexterne|oaq|oben aussen"
        "|oberer ausserer quadrant"
    ),
    ("quadrant", "upper_inner"): (
        "uiq|upper inner|upper inner quadrant|inner upper|qsi|qsm|quadrante superior interno|quadrante superior medial"
        "|quadrante superomedial|quadrante superointerno|csi|cuadrante superior interno|cuadrante superointerno"
        "|quadrant superieur interne|quadrant supero interne|quadrant superointerne|oiq|oben innen"
        "|oberer innerer quadrant"
    ),
    ("quadrant", "lower_outer"): (
        "loq|lower outer|lower outer quadrant|outer lower|qie|qil|quadrante inferior externo|quadrante inferior lateral"
        "|quadrante inferolateral|quadrante inferoexterno|cie|cuadrante inferior externo|cuadrante inferoexterno"
        "|quadrant inferieur externe|quadrant infero externe|quadrant inferoexterne|uaq|unten aussen"
        "|unterer ausserer quadrant"
    ),
    ("quadrant", "lower_inner"): (
        "liq|lower inner|lower inner quadrant|inner lower|qii|qim|quadrante inferior interno|quadrante inferior medial"
        "|quadrante inferomedial|quadrante inferointerno|cii|cuadrante inferior interno|cuadrante inferointerno"
        "|quadrant inferieur interne|quadrant infero interne|quadrant inferointerne|unten innen"
        "|unterer innerer quadrant"
    ),
    ("orientation", "radial"): "radial|rad|radiale|radiar",
    ("orientation", "antiradial"): "antiradial|anti radial|antirad|anti rad|arad|antiradiale",
    ("orientation", "transverse"): (
        "transverse|trans|trv|trx|transv|transversal|transversale|transverso|transversa|quer|querschnitt|axial"
    ),
    ("orientation", "sagittal"): (
        "sagittal|sag|longitudinal|long|longit|longitudinale|sagital|saggital|langs|langsschnitt"
    ),
    ("orientation", "oblique"): "oblique|obl|obliquo|obliqua|oblicuo|oblicua|schrag",
    ("region", "axilla"): (
        "axilla|ax|axil|axillary|axila|axilar|prolongamento axilar|axillaire|aisselle|creux axillaire|achsel"
        "|achselhohle|axillar|axillary tail"
    ),
    ("region", "subareolar"): (
        "subareolar|retroareolar|ra|sa|periareolar|areola|retroareolaire|retromamillar|retroareolaer"
        "|retro areolar|sub areolar"
    ),
    ("region", "inframammary"): "imf|inframammary fold|inframammary|sulco inframamario|sillon sous mammaire",
    ("region", "parasternal"): "parasternal|paraesternal",
    ("region", "supraclavicular"): "supraclavicular|supraclav|sus claviculaire|supraklavikular",
    ("region", "infraclavicular"): "infraclavicular|infraclav|sous claviculaire|infraklavikular",
    ("nipple", "nipple"): "nipple|nip|mamilo|papila|pezon|mamelon|mamille|brustwarze",
    ("from_nipple", "fn"): (
        "fn|fr n|from nipple|from n|frm nipple|from the nipple|cmfn|do mamilo|da papila|del pezon|du mamelon"
        "|von der mamille|von mamille|mamillenabstand|dist nipple|nipple distance|dn|dfn"
    ),
    ("clock", "hour"): "o clock|oclock|o c|oc|clock|h|hr|hrs|hs|hora|horas|uhr|heure|heures|o'clock",
    ("breast", "breast"): "breast|br|mama|seno|sein|brust|mamma|breasts",
    ("procedure", "biopsy"): (
        "biopsy|bx|biopsia|core|core biopsy|cnb|core needle biopsy|biopsie|vab|microbiopsie|stanzbiopsie|stanze"
    ),
    ("procedure", "fine_needle_aspiration"): "fna|fine needle|fine needle aspiration|paaf|feinnadel|cytoponction",
    ("procedure", "aspiration"): "aspiration|asp|cyst aspiration|puncao|puncion|ponction|punktion",
    ("procedure", "clip"): "clip|marker clip|clip placement|post clip|clipe",
    ("procedure", "wire_localisation"): (
        "wire|wire loc|wire localisation|wire localization|hookwire|agulhamento|arpon|harpon|drahtmarkierung"
    ),
    ("procedure", "post_procedure"): (
        "post bx|post biopsy|post procedure|pos biopsia|post biopsia|post biopsie|post fire|postfire|post aspiration"
    ),
    ("measure", "length"): (
        "dist|distance|d1|d2|d3|d4|length|width|height|len|wid|hgt|comp|larg|alt|ancho|largo|alto|diam|diametro"
        "|longueur|largeur|hauteur|lange|breite|hohe|abstand|distancia|dist a|dist b"
    ),
    ("depth", "depth"): (
        "depth|prof|profundidade|profundidad|profondeur|tiefe|dep|focus|foco|zoom|gain|skin|pele|piel|peau|haut|thi"
    ),
    ("unit", "mm"): "mm|millimetres|millimeters",
    ("unit", "cm"): "cm|cms|centimetres|centimeters",
    ("times", "x"): "x|by|por|par",
}
"""Every phrase, by what it is and what it means; phrases are parted by ``|``."""

GERMAN_UIQ: Final = frozenset({"oaq", "oiq", "uaq", "quer", "langs", "uhr", "brust", "achsel", "rechts", "links"})
"""Words beside which UIQ is German (unten innen, lower inner), not English (upper inner)."""


@dataclass(frozen=True, slots=True)
class Term:
    """What a phrase is (``laterality``, ``unit``, ...) and what it means there."""

    sort: str
    meaning: str


TERMS: Final[dict[tuple[str, ...], Term]] = {
    tuple(phrase.split()): Term(sort, meaning)
    for (sort, meaning), phrases in WORDS.items()
    for phrase in phrases.split("|")
}
"""The phrases as tuples of words."""
LONGEST: Final = max(len(words) for words in TERMS)
"""Words of the longest phrase."""
