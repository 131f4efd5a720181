import pytest

from bus_toolkit.errors import ConfigError
from bus_toolkit.policy import load_policy, parse_policy
from bus_toolkit.profile import OPTIONS, Dates, Profile

CODES = {f"1131{number:02d}" for number in range(3, 13)}
EVERYTHING = Profile(
    dates=Dates.MODIFIED,
    retain_patient_characteristics=True,
    retain_device_identity=True,
    retain_institution_identity=True,
    retain_uids=True,
    retain_safe_private=True,
    clean_descriptors=True,
    clean_structured_content=True,
    clean_graphics=True,
)


def test_every_option_of_cid_7050_has_its_own_code() -> None:
    assert {option.code for option in OPTIONS.values()} == CODES
    assert len({option.sentence for option in OPTIONS.values()}) == len(OPTIONS)


def test_the_default_is_the_basic_profile_alone() -> None:
    assert list(Profile().options()) == []
    assert load_policy().deidentify == Profile()


def test_chosen_options_come_in_the_order_of_their_codes() -> None:
    codes = [option.code for option in EVERYTHING.options()]
    assert codes == sorted(CODES - {"113106"})
    assert all(code in sentence for code, sentence in zip(codes, EVERYTHING.describe(), strict=True))


def test_full_and_modified_dates_exclude_each_other() -> None:
    assert [option.code for option in Profile(dates=Dates.FULL).options()] == ["113106"]
    assert [option.code for option in Profile(dates=Dates.MODIFIED).options()] == ["113107"]


def test_a_policy_chooses_options() -> None:
    policy = parse_policy('name = "x"\n[deidentify]\ndates = "modified"\nclean_descriptors = true')
    assert policy.deidentify == Profile(dates=Dates.MODIFIED, clean_descriptors=True)
    assert policy.hash != parse_policy('name = "x"').hash


@pytest.mark.parametrize(
    "line",
    ['dates = "shifted"', "dates = true", "clean_pixel_data = false", "retain_names = true", 'retain_uids = "yes"'],
)
def test_a_wrong_choice_is_refused(line: str) -> None:
    with pytest.raises(ConfigError, match=r"deidentify.* must .* Got "):
        parse_policy(f'name = "x"\n[deidentify]\n{line}')
