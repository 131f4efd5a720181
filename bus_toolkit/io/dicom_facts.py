"""The few facts of a DICOM header that may travel with the pixels, each held to a list or a range."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bus_toolkit.geometry import Box
from bus_toolkit.io.dicom_file import numbers_of, says_ultrasound, text_of, value_of, whole_of
from bus_toolkit.scan import Acquisition, Region

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MAKERS: Final[tuple[tuple[str, str], ...]] = (
    (r"\bge\b|g\.?e\.? ?(medical|health|ultrasound|vingmed)|kretz|vingmed", "GE"),
    (r"philips|\batl\b|advanced technology lab", "Philips"),
    (r"hewlett|\bhp\b|agilent", "Hewlett-Packard"),
    (r"siemens|acuson", "Siemens"),
    (r"toshiba", "Toshiba"),
    (r"canon", "Canon"),
    (r"samsung|medison", "Samsung"),
    (r"aloka", "Aloka"),
    (r"hitachi", "Hitachi"),
    (r"sonosite", "SonoSite"),
    (r"fujifilm|\bfuji\b", "Fujifilm"),
    (r"mindray|zonare", "Mindray"),
    (r"esaote|pie medical", "Esaote"),
    (r"supersonic|hologic", "SuperSonic Imagine"),
    (r"bk[ -]?(medical|ultrasound)|b-k medical|analogic", "BK Medical"),
    (r"ultrasonix", "Ultrasonix"),
    (r"terason|teratech", "Terason"),
    (r"butterfly", "Butterfly"),
    (r"clarius", "Clarius"),
    (r"konica|minolta", "Konica Minolta"),
    (r"shimadzu", "Shimadzu"),
    (r"chison", "Chison"),
    (r"alpinion", "Alpinion"),
    (r"vinno", "Vinno"),
    (r"sonoscape", "SonoScape"),
    (r"telemed", "Telemed"),
    (r"edan\b", "Edan"),
    (r"u-?systems", "U-Systems"),
)
"""What makers write, and the one name that is kept for each: free text of an unknown maker is dropped."""
FAMILIES: Final = (
    r"logiq|voluson|vivid|venue|vscan|invenia|epiq|affiniti|lumify|sparq|envisor|sonos|hdi|clearvue|sequoia|aspen|"
    r"antares|sonoline|juniper|redwood|freestyle|aplio|xario|nemio|viamo|powervision|accuvix|sonoace|ugeo|hera|"
    r"arietta|preirus|ascendus|avius|prosound|prologue|noblus|lisendo|hi vision|turbo|edge|micromaxx|m-turbo|"
    r"s-nerve|x-porte|titan|resona|myeldas|mylab(?: ?twice)?|technos|aixplorer|mach|ultrasonix|sonixtouch|"
    r"terason|usmart|imagio|abvs|somo-v|iq|sonimage|e-cube|consona|recho|nuewa"
)
GRADES: Final = r"[ -]?\d{1,4}[a-z]{0,3}|[ -](?:[a-z]{1,2}\d{0,4}|pro|premium|platinum|plus|expert|elite)"
MODEL: Final = re.compile(rf"^(?:acuson )?(?:{FAMILIES})(?:{GRADES}){{0,3}}$", re.IGNORECASE)
"""A known family with at most three short words: longer text could be a name that someone gave to a machine."""
MODEL_CODE: Final = re.compile(r"^(?:acuson )?[A-Za-z]{1,4}-?\d{1,4}[A-Za-z]{0,3}$", re.IGNORECASE)
"""A bare code such as ``iU22``, ``CX50``, ``SSD-4000``, ``S2000``."""
LONGEST_TEXT: Final = 64
SPACING_RANGE_MM: Final = (0.001, 5.0)
"""A pixel of a diagnostic ultrasound picture is some 0.02 to 0.5 mm; outside this range the value is a mistake."""
FRAME_TIME_RANGE_MS: Final = (0.1, 10_000.0)
CM: Final = 3
"""PhysicalUnitsXDirection: centimetres (DICOM PS3.3 C.8.5.5.1.17)."""
FORMAT_2D: Final = 1
TISSUE: Final = 1
AGREEMENT: Final = 0.02
"""Regions whose pixel sizes differ by more than this part have no common spacing."""
MM_PER_CM: Final = 10.0
SLACK: Final = 1
"""Some makers write the last row and column half-open: one pixel beyond the picture says nothing."""
MOST_REGIONS: Final = 64


def acquisition_of(dataset: Dataset) -> Acquisition:
    """Collect the allow-listed facts; what is missing, implausible or not on a list stays empty.

    ``spacing_mm`` (row, col) comes from PixelSpacing, else ImagerPixelSpacing, else from the two-dimensional regions
    in centimetres when all of them agree and lie within the picture (where they do not, the picture was scaled or cut
    after the regions were written, and their pixel size with it).
    """
    regions = _regions(dataset)
    maker = _maker(text_of(dataset, "Manufacturer"))
    return Acquisition(
        manufacturer=maker,
        model=_model(text_of(dataset, "ManufacturerModelName")) if maker else "",
        spacing_mm=_spacing(dataset, regions, (whole_of(dataset, "Rows"), whole_of(dataset, "Columns"))),
        regions=regions,
        frame_time_ms=_frame_time(dataset),
        ultrasound=says_ultrasound(dataset),
    )


def _maker(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        return ""
    lowered = text.lower().replace("_", " ")
    return next((name for pattern, name in MAKERS if re.search(pattern, lowered)), "")


def _model(text: str) -> str:
    plain = " ".join(text.replace("_", " ").split())
    fits = len(plain) <= LONGEST_TEXT and (MODEL.match(plain) or MODEL_CODE.match(plain))
    return plain if fits else ""


def _pair(values: tuple[float, ...]) -> tuple[float, float] | None:
    if len(values) != 2:  # noqa: PLR2004 - rows and columns
        return None
    low, high = SPACING_RANGE_MM
    row, col = abs(values[0]), abs(values[1])
    return (row, col) if low <= row <= high and low <= col <= high else None


def _spacing(dataset: Dataset, regions: tuple[Region, ...], shape: tuple[int, int]) -> tuple[float, float] | None:
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        pair = _pair(numbers_of(dataset, keyword))
        if pair is not None:
            return pair
    if any(r.box.row1 > shape[0] + SLACK or r.box.col1 > shape[1] + SLACK for r in regions):
        return None
    sizes = [r.delta_mm for r in regions if r.spatial_format == FORMAT_2D and r.data_type <= TISSUE and r.delta_mm]
    if not sizes:
        return None
    first = sizes[0]
    same = all(abs(a - b) <= AGREEMENT * b for size in sizes for a, b in zip(size, first, strict=True))
    return first if same else None


def _regions(dataset: Dataset) -> tuple[Region, ...]:
    """Geometry as the header has it: a box may be empty of picture or reach beyond it; an inverted one is dropped."""
    items = value_of(dataset, "SequenceOfUltrasoundRegions")
    if items is None or isinstance(items, str | bytes) or not hasattr(items, "__iter__"):
        return ()
    found = [_region(item) for item in list(items)[:MOST_REGIONS]]
    return tuple(region for region in found if region is not None)


def _region(item: Dataset) -> Region | None:
    names = ("RegionLocationMinY0", "RegionLocationMinX0", "RegionLocationMaxY1", "RegionLocationMaxX1")
    row0, col0, row1, col1 = (whole_of(item, name, default=-1) for name in names)
    if min(row0, col0) < 0 or row1 < row0 or col1 < col0:
        return None
    units = (whole_of(item, "PhysicalUnitsYDirection"), whole_of(item, "PhysicalUnitsXDirection"))
    deltas = (*numbers_of(item, "PhysicalDeltaY")[:1], *numbers_of(item, "PhysicalDeltaX")[:1])
    in_mm = tuple(value * MM_PER_CM for value in deltas)
    return Region(
        box=Box(row0, col0, row1 + 1, col1 + 1),
        spatial_format=whole_of(item, "RegionSpatialFormat"),
        data_type=whole_of(item, "RegionDataType"),
        flags=whole_of(item, "RegionFlags"),
        delta_mm=_pair(in_mm) if units == (CM, CM) else None,
    )


def _frame_time(dataset: Dataset) -> float | None:
    """Milliseconds between frames: FrameTime, the mean of FrameTimeVector, or one of the two frame rates."""
    candidates = [*numbers_of(dataset, "FrameTime")[:1]]
    vector = numbers_of(dataset, "FrameTimeVector")[1:]
    if vector:
        candidates.append(sum(vector) / len(vector))
    rates = (*numbers_of(dataset, "CineRate")[:1], *numbers_of(dataset, "RecommendedDisplayFrameRate")[:1])
    candidates.extend(1000.0 / rate for rate in rates if rate > 0)
    low, high = FRAME_TIME_RANGE_MS
    return next((value for value in candidates if low <= value <= high), None)
