"""Is a piece of text a maker's logo? Only then may a picture with it count as free of annotation."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bus_toolkit.geometry import Box

VENDOR_WORDS: Final = (
    *("LOGIQ", "LOGIQE9", "LOGIQE10", "LOGIQS8", "GEHEALTHCARE", "VOLUSON", "VIVID", "VSCAN", "PHILIPS", "EPIQ"),
    *("AFFINITI", "IU22", "HDI5000", "SIEMENS", "ACUSON", "SEQUOIA", "SONOLINE", "HEALTHINEERS", "TOSHIBA", "APLIO"),
    *("XARIO", "NEMIO", "CANON", "SAMSUNG", "MEDISON", "ACCUVIX", "UGEO", "HITACHI", "ALOKA", "PROSOUND", "ARIETTA"),
    *("HIVISION", "ESAOTE", "MYLAB", "MINDRAY", "RESONA", "SUPERSONIC", "AIXPLORER", "SUPERLINEAR", "SONOSITE"),
    *(
        "FUJIFILM",
        "ULTRASONIX",
        "SONIXTOUCH",
        "TERASON",
        "ALPINION",
        "SONOSCAPE",
        "VINNO",
        "CHISON",
        "EDAN",
        "BKMEDICAL",
    ),
    *("WISONIC", "SIUI", "KONICAMINOLTA", "HOLOGIC", "SUPERSONICMACH", "HEWLETTPACKARD"),
)
"""Names of makers and scanners as they stand on screens, capitals and digits only."""
PIECE: Final = 5
"""A piece of a vendor's word must have this many characters to be known by them alone, anywhere in the picture: a
shorter one is in many words (``LT 1``, with look-alikes folded, is in ``AFFINITI``)."""
CORNER: Final = (48, 96)
"""Rows and columns of the corners of a picture in which a cut logo lies: logos are drawn beside the fan's top, and a
crop to the fan cuts them. Of 440 labelled pieces in 480 scans of BUSI, 429 lie within; all lie in the first 31 rows."""
SHORT_PIECE: Final = 3
"""A cut piece of a logo has at most this many characters that nothing else tells from a word."""
CONFUSED: Final = str.maketrans({"0": "O", "Ø": "O", "1": "I", "|": "I", "L": "I", "5": "S", "8": "B"})
"""Characters that a recogniser takes for each other are folded into one."""


def plain(text: str) -> str:
    """Capitals and digits of ``text``, without accents, spaces and signs."""
    split = unicodedata.normalize("NFKD", text.upper())
    return "".join(sign for sign in split if sign.isascii() and sign.isalnum())


def _fold(text: str) -> str:
    return plain(text).translate(CONFUSED)


_FOLDED: Final = tuple(_fold(word) for word in VENDOR_WORDS)


def is_vendor(text: str) -> bool:
    """Whether ``text`` is a vendor's name, or a piece of one of five characters or more.

    Characters that look alike are taken for each other, so that ``L0G1Q`` is known too.
    """
    folded = _fold(text)
    return folded in _FOLDED or (len(folded) >= PIECE and any(folded in word for word in _FOLDED))


def is_logo(text: str, box: Box, shape: tuple[int, int]) -> bool:
    """Whether a piece of text is a maker's logo, whole or cut at an upper corner of the picture.

    Parameters
    ----------
    text
        What was read; may be empty.
    box
        Around it.
    shape
        ``(rows, cols)`` of the picture, which ``box`` is in pixels of.

    Notes
    -----
    In an upper corner a piece of at most three characters is taken for a logo whatever it says, and so is a piece
    of a vendor's word. Text and logos are treated alike when a picture is made safe to share; the difference is
    for the counts alone.
    """
    if is_vendor(text):
        return True
    rows, cols = CORNER
    beside = box.col1 <= cols or box.col0 >= shape[1] - cols
    folded = _fold(text)
    piece = len(folded) <= SHORT_PIECE or any(folded in word for word in _FOLDED)
    return beside and box.row1 <= rows and piece
