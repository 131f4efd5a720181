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
        "|linkes|li|me|mama e|mama esq|sein g|mama i|mama izq|brust li|lb|ltb|l breast|l br|m esq"
        "|breast left|breast lt|mama lt|sn g"
    ),
    ("laterality", "right"): (
        "right|rt|rgt|right side|dir|direita|direito|dcha|der|derecha|derecho|droit|droite|dte|rechts|rechte|rechter"
        "|rechtes|re|md|mama d|mama dir|sein d|mama der|brust re|rb|rtb|r breast|r br|m dir"
        "|breast right|breast rt|mama rt|sn d"
    ),
    ("laterality", "bilateral"): "bilateral|bilat|bilaterale|bilateral breasts|beidseits|bds|both breasts",
    ("letter", "left"): "l",
    ("side_letter", "left"): "g|e|i",
    ("side_letter", "right"): "d",
    ("short_nipple", "n"): "n",
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
        "axilla|ax|axil|axillary|ax tail|tail|axila|axilar|prolongamento axilar|axillaire|aisselle|creux axillaire"
        "|achsel|achselhohle|axillar|axillary tail|axilla tail|prol axilar"
    ),
    ("region", "subareolar"): (
        "subareolar|retroareolar|ra|sa|periareolar|areola|retroareolaire|retromamillar|retroareolaer"
        "|retro areolar|sub areolar|retroar|retro ar|subar|retroaureolar|retroareolaire|behind nipple"
    ),
    ("region", "inframammary"): "imf|inframammary fold|inframammary|sulco inframamario|sillon sous mammaire",
    ("region", "parasternal"): "parasternal|paraesternal",
    ("region", "supraclavicular"): "supraclavicular|supraclav|sus claviculaire|supraklavikular",
    ("region", "infraclavicular"): "infraclavicular|infraclav|sous claviculaire|infraklavikular",
    ("nipple", "nipple"): "nipple|nip|mamilo|papila|pezon|mamelon|mamille|brustwarze",
    ("from_nipple", "fn"): (
        "fn|ftn|fr n|fr nip|from nip|from nipple|from n|frm nipple|from the nipple|cmfn|do mamilo|da papila|del pezon"
        "|du mamelon|da mamila|do bico|von der mamille|von der brustwarze|von mamille"
        "|mamillenabstand|dist nipple|nipple distance|dn|dfn"
    ),
    ("clock", "hour"): "o clock|oclock|o c|oc|clock|h|hr|hrs|hs|hora|horas|uhr|heure|heures|o'clock|o'c|position|pos",
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
        "post bx|post cnb|post core|post vab|post biopsy|post procedure|pos biopsia|post biopsia|post biopsie|post fire"
        "|postfire|post aspiration"
    ),
    ("measure", "length"): (
        "dist|distance|d1|d2|d3|d4|length|width|height|len|diameter|wid|hgt|comp|larg|alt|ancho|largo|alto|diam|diametro"
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

NEUTRAL: Final = (
    "mass|lesion|lump|cyst|node|ln|lns|scar|palp|palpable|area|of|concern|implant|implante|nodulo|nodule|nod|quiste|cisto"
    "|kyste|zyste|herd|knoten|lk|fa|fibroadenoma|at|a|the|de|da|do|del|du|la|le|und|and|y|et|with|post|pre|level|images"
    "|image|view|side|lado|cote|seite|us|c|tissue|normal|satellite|satelite|juncao|uniao|union|quadrante|quadrantes|quadrant|quadrants|cuadrante|superiores|inferiores"
    "|externos|internos|superieurs|inferieurs|externes|internes|superior|inferior|lateral|medial|upper|lower|outer|inner"
    "|zone|zona|region|oben|unten|aussen|innen"
)
"""Words that operators write beside the others, and that say nothing here."""
WEAK: Final = (
    "l|r|d|e|g|i|n|direita|direito|esquerda|esquerdo|izquierda|izquierdo|derecha|derecho|der|dir|droit|droite|gauche"
    "|links|linke|linker|linkes|rechte|rechter|rechtes|rechts|li|re|me|md|lb|rb|dte|esq|long|rad|quer|langs|axial|core"
    "|wire|clip|clipe|stanze|sa|ra|areola|harpon|arpon|asp|aspiration|ax|imf|trans|sag|obl|radiar|papila|nip|seno|bds"
    "|radiale|vab|position|pos"
)
"""Words that are names of people, too, or letters that mean much else. Beside words that nothing is known of they count
only next to one that is not weak: Long in ``LONG, MARY`` is nobody's orientation, MD after a name no breast."""
GERMAN_UIQ: Final = frozenset({"oaq", "oiq", "uaq", "quer", "langs", "uhr", "brust", "achsel", "rechts", "links"})
"""Words beside which UIQ is German (unten innen, lower inner), not English (upper inner)."""


@dataclass(frozen=True, slots=True)
class Term:
    """What a phrase is (``laterality``, ``unit``, ...) and what it means there."""

    sort: str
    meaning: str
    weak: bool = False


TERMS: Final[dict[tuple[str, ...], Term]] = {
    **{(word,): Term("neutral", "") for word in NEUTRAL.split("|")},
    **{
        tuple(phrase.split()): Term(sort, meaning, weak=phrase in WEAK.split("|"))
        for (sort, meaning), phrases in WORDS.items()
        for phrase in phrases.split("|")
    },
}
"""The phrases as tuples of words."""
LONGEST: Final = max(len(words) for words in TERMS)
"""Words of the longest phrase."""
