import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus_toolkit.errors import ConfigError
from bus_toolkit.screen.calibration import Curve, calibrated, curves, stored
from bus_toolkit.stage import OPERATING_POINT

MEASURES = st.floats(0.0, 1.0)


@given(MEASURES, MEASURES, st.floats(0.5, 60.0))
def test_a_curve_keeps_the_order_and_the_operating_point(one: float, other: float, slope: float) -> None:
    curve = Curve(slope=slope, prevalence=0.1)
    low, high = sorted((one, other))
    assert 0.0 <= curve.score(low) <= curve.score(high) <= 1.0
    assert curve.score(OPERATING_POINT) == pytest.approx(OPERATING_POINT)
    assert curve.score(0.0) == 0.0


def test_every_stored_curve_says_what_it_was_fitted_on() -> None:
    assert {"screen.flow", "screen.colour-box", "screen.dual-view", "screen.photo", "screen.mask"} <= set(curves())
    assert len(stored()["backgrounds_sha256"]) == 64
    for name, curve in curves().items():
        assert 0 < curve.prevalence < 1
        assert stored()["curves"][name]["positives"] >= 10
        assert calibrated(name, OPERATING_POINT) == pytest.approx(OPERATING_POINT)


def test_a_detector_without_a_curve_keeps_its_measure() -> None:
    assert calibrated("screen.regions", 0.6) == 0.6


@pytest.mark.parametrize("slope", [0.0, -1.0, 61.0])
def test_a_bad_slope_is_refused(slope: float) -> None:
    with pytest.raises(ConfigError, match="slope must be"):
        Curve(slope=slope, prevalence=0.5)
