"""Whatever is planted wherever, in whatever kind and under whatever options: no token comes out."""

from __future__ import annotations

import warnings

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from bus_toolkit.deidentify.table import by_tag
from bus_toolkit.errors import InputError
from bus_toolkit.profile import Dates, Profile
from tests.canary.plant_headers import (
    KEPT_NESTING,
    as_image,
    cleaned,
    in_a_file,
    load,
    numeric_tags,
    plant,
    table_tags,
    vr_of,
)
from tests.canary.plant_tokens import BINARY, BLOBS, SHORT, TEXT_VRS, Tokens

PLAIN = [tag for tag in table_tags() if vr_of(tag) != "SQ"]
SEQUENCES = [*KEPT_NESTING, 0x00091010, 0x00081110, 0x00400275, 0x0040A730, 0x00081072, 0x00082112, 0x52009229]
UNKNOWN = 0x00120998
ODD = [UNKNOWN, 0x50003000, 0x60003000, 0x60004000, 0x00091001, 0x00100000, 0x00420011, 0x54001010, 0x00880200]
CHARSETS = ["ISO_IR 100", "ISO_IR 192", "GB18030", ["", "ISO 2022 IR 87"], "ISO_IR 144", "ISO_IR 6"]
SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
ANY_VR = [vr for vr in (*sorted(TEXT_VRS), *sorted(BLOBS), "UI", "DA", "TM", "DT", "IS", "DS") if vr != "UN"]

profiles = st.builds(
    Profile,
    dates=st.sampled_from(Dates),
    retain_patient_characteristics=st.booleans(),
    retain_device_identity=st.booleans(),
    retain_institution_identity=st.booleans(),
    retain_uids=st.booleans(),
    retain_safe_private=st.booleans(),
    clean_descriptors=st.booleans(),
    clean_structured_content=st.booleans(),
    clean_graphics=st.booleans(),
)
OPTION = {
    "retain_full_dates": ("full_dates",),
    "retain_modified_dates": ("modified_dates",),
    "retain_patient_characteristics": ("patient",),
    "retain_device_identity": ("device",),
    "retain_institution_identity": ("institution",),
    "retain_uids": ("uids",),
}


def spared(where: str, profile: Profile) -> bool:
    """Whether an option keeps this attribute, or leaves dates that may fall on planted ones."""
    tag = int(where.split()[-2], 16)
    columns = {column for name in profile.names() for column in OPTION.get(name, ())}
    row = by_tag().get(tag)
    kept = row is not None and any(row.options.get(column) == "K" for column in columns)
    moved = profile.dates is Dates.MODIFIED and where[-2:] in {"DA", "DT", "TM"}
    # A UID that the table does not name is a UID all the same, and the option keeps all of them.
    return kept or moved or (profile.retain_uids and where[-2:] == "UI")


@st.composite
def planted(draw: st.DrawFn, tokens: Tokens, depth: int) -> Dataset:
    dataset = Dataset()
    for tag in draw(st.lists(st.sampled_from(PLAIN), max_size=6)):
        plant(dataset, tag, vr_of(tag), tokens)
    for tag in draw(st.lists(st.sampled_from(PLAIN + sorted(numeric_tags())), max_size=3)):
        vr = draw(st.sampled_from(ANY_VR))
        # A number in an attribute that is kept for its numbers is a measure.
        if tag not in dataset and not (tag in numeric_tags() and vr in {*BINARY, *SHORT, "IS", "DS", *BLOBS}):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                plant(dataset, tag, vr, tokens)
    for tag in draw(st.lists(st.sampled_from(ODD), max_size=2)):
        if vr_of(tag) != "SQ" or Tag(tag).is_private:
            plant(dataset, tag, "UN" if tag == UNKNOWN else draw(st.sampled_from(["LO", "OB"])), tokens)
    for group in draw(st.lists(st.integers(0x0009, 0x00FF).map(lambda number: number | 1), max_size=2, unique=True)):
        if group > 0x0008:
            block = draw(st.integers(0x10, 0xFF))
            plant(dataset, group << 16 | block, "LO", tokens, "creator ")
            plant(dataset, group << 16 | block << 8 | 1, draw(st.sampled_from(ANY_VR)), tokens, "private ")
    if depth:
        for tag in draw(st.lists(st.sampled_from(SEQUENCES), max_size=2)):
            items = [draw(planted(tokens, depth - 1)) for _ in range(draw(st.integers(0, 2)))]
            dataset.add(DataElement(Tag(tag), "SQ", Sequence(items)))
    return dataset


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data(), profiles, st.sampled_from(SYNTAXES), st.sampled_from(CHARSETS), st.booleans())
def test_no_token_survives(data: st.DataObject, profile: Profile, syntax: object, charset: object, fresh: bool) -> None:  # noqa: FBT001 - drawn
    tokens = Tokens()
    dataset = as_image(data.draw(planted(tokens, 5)))
    if charset != "ISO_IR 6":
        dataset.SpecificCharacterSet = charset
    source = dataset if fresh else load(in_a_file(dataset, tokens, syntax))  # type: ignore[arg-type]
    less = [where for where in tokens.made.values() if where.split()[-1] in ANY_VR_OR_MORE and _spared(where, profile)]
    assert tokens.found_in(cleaned(source, profile=profile, keep_overlay=lambda _: False), less=less) == []


ANY_VR_OR_MORE = {*ANY_VR, *BINARY, *SHORT, "AT"}


def _spared(where: str, profile: Profile) -> bool:
    parts = where.split()
    return len(parts) > 1 and len(parts[-2]) == 8 and parts[0] not in {"creator", "private"} and spared(where, profile)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400))
def test_bytes_written_over_a_header_bring_no_token_out(noise: bytes, place: int) -> None:
    """A header that is broken anywhere is refused or cleaned, and what is said holds no token."""
    tokens = Tokens()
    dataset = Dataset()
    for tag in PLAIN[:60]:
        plant(dataset, tag, vr_of(tag), tokens)
    raw = in_a_file(as_image(dataset), tokens)
    at = 300 + place * len(raw) // 600
    broken = raw[:at] + noise + raw[at + len(noise) :]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            source = load(broken)
            list(source.keys())
        except Exception:  # noqa: BLE001 - the parser's own trouble is not what is tested
            return
        if "SOPClassUID" not in source or len(source) < 2:
            return
        try:
            out = cleaned(source)
        except InputError as error:
            out = str(error).encode()
    assert [found for found in tokens.found_in(out) if "UI" not in found] == []
