from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from bus_toolkit.io.dicom_facts import acquisition_of


def dataset(**elements: Any) -> Any:
    ds = Dataset()
    ds.Rows, ds.Columns = 100, 200
    for key, value in elements.items():
        setattr(ds, key, value)
    return ds


def region(x0: Any = 10, y0: Any = 20, x1: Any = 109, y1: Any = 89, delta: Any = 0.02, **more: Any) -> Any:
    return dataset(
        RegionLocationMinX0=x0,
        RegionLocationMinY0=y0,
        RegionLocationMaxX1=x1,
        RegionLocationMaxY1=y1,
        PhysicalUnitsXDirection=3,
        PhysicalUnitsYDirection=3,
        PhysicalDeltaX=delta,
        PhysicalDeltaY=delta * 1.5,
        RegionSpatialFormat=1,
        RegionDataType=1,
        RegionFlags=2,
        **more,
    )


@pytest.mark.parametrize(
    ("written", "maker"),
    [
        ("GE Healthcare Ultrasound", "GE"),
        ("G.E. Medical Systems", "GE"),
        ("GEMS Ultrasound", ""),
        ("TOSHIBA_MEC", "Toshiba"),
        ("ACUSON", "Siemens"),
        ("Philips Medical Systems", "Philips"),
        ("SAMSUNG MEDISON CO., LTD.", "Samsung"),
        ("Mary Miller, room 4", ""),
        ("Philips, which Mary Miller of room 4 brought back last week xxx", "Philips"),
    ],
)
def test_makers_become_one_name_of_a_list(written: Any, maker: Any) -> None:
    assert acquisition_of(dataset(Manufacturer=written)).manufacturer == maker


@pytest.mark.parametrize(
    "model",
    ["LOGIQ E9", "iU22", "EPIQ 7G", "SSD-4000", "Xario", "Aplio 500", "S2000", "Voluson E10", "RS80A", "Aixplorer"],
)
def test_models_of_known_shape_stay(model: Any) -> None:
    assert acquisition_of(dataset(Manufacturer="GE Medical", ManufacturerModelName=model)).model == model


@pytest.mark.parametrize(
    "model",
    [
        "Mary Miller",
        "MILLER^MARY",
        "12345678",
        "LOGIQ of Mary Miller",
        "room 4 scanner",
        "2019-03-04",
        "LOGIQ Margaret",
    ],
)
def test_models_that_could_be_something_else_go(model: Any) -> None:
    assert acquisition_of(dataset(Manufacturer="GE Medical", ManufacturerModelName=model)).model == ""


def test_a_model_of_an_unknown_maker_goes() -> None:
    assert acquisition_of(dataset(Manufacturer="Somebody", ManufacturerModelName="S2000")).model == ""


def test_regions_become_half_open_boxes_with_millimetres() -> None:
    facts = acquisition_of(dataset(SequenceOfUltrasoundRegions=Sequence([region()])))
    (found,) = facts.regions
    assert found.box.as_list() == [20, 10, 90, 110]
    assert (found.spatial_format, found.data_type, found.flags) == (1, 1, 2)
    assert found.delta_mm == pytest.approx((0.3, 0.2))
    assert facts.spacing_mm == pytest.approx((0.3, 0.2))


def test_regions_that_disagree_or_lie_outside_give_no_spacing() -> None:
    two = Sequence([region(), region(delta=0.03)])
    assert acquisition_of(dataset(SequenceOfUltrasoundRegions=two)).spacing_mm is None
    beyond = acquisition_of(dataset(SequenceOfUltrasoundRegions=Sequence([region(x1=300)])))
    assert beyond.spacing_mm is None
    assert beyond.regions[0].box.col1 == 301
    inverted = acquisition_of(dataset(SequenceOfUltrasoundRegions=Sequence([region(x1=3)])))
    assert inverted.regions == ()


def test_pixel_spacing_comes_first_and_must_be_plausible() -> None:
    regions = Sequence([region()])
    facts = acquisition_of(dataset(PixelSpacing=[0.1, 0.12], SequenceOfUltrasoundRegions=regions))
    assert facts.spacing_mm == (0.1, 0.12)
    facts = acquisition_of(dataset(PixelSpacing=[0, 0], ImagerPixelSpacing=[0.2, 0.2]))
    assert facts.spacing_mm == (0.2, 0.2)
    assert acquisition_of(dataset(PixelSpacing=[80, 80])).spacing_mm is None
    assert acquisition_of(dataset()).spacing_mm is None


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"FrameTime": "40"}, 40.0),
        ({"FrameTimeVector": ["0", "30", "50"]}, 40.0),
        ({"CineRate": "25"}, 40.0),
        ({"FrameTime": "0", "RecommendedDisplayFrameRate": "50"}, 20.0),
        ({"FrameTime": "-3"}, None),
        ({}, None),
    ],
)
def test_frame_time(elements: Any, expected: Any) -> None:
    assert acquisition_of(dataset(**elements)).frame_time_ms == expected


@pytest.mark.parametrize(
    ("modality", "sop_class", "says"),
    [
        ("US", "1.2.840.10008.5.1.4.1.1.6.1", True),
        ("OT", "1.2.840.10008.5.1.4.1.1.6.1", True),
        ("US", "1.2.840.10008.5.1.4.1.1.7", True),
        ("OT", "1.2.840.10008.5.1.4.1.1.7", None),
        ("", "", None),
        ("MR", "1.2.840.10008.5.1.4.1.1.4", False),
    ],
)
def test_class_or_modality_say_whether_it_is_ultrasound(modality: str, sop_class: str, says: object) -> None:
    assert acquisition_of(dataset(Modality=modality, SOPClassUID=sop_class)).ultrasound is says
