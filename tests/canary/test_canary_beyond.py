"""A token wherever Table E.1-1 does not look: none comes out."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from pydicom import dcmwrite
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from bus_toolkit.deidentify import deidentify_dataset
from bus_toolkit.profile import Dates, Profile
from tests.canary.plant_beyond import compound, implicit, old_and_odd, private_blocks, unknown_sequences, unnamed
from tests.canary.plant_headers import (
    KEPT_NESTING,
    KEY,
    as_image,
    cleaned,
    in_a_file,
    join,
    load,
    nest,
    plant_item,
    short_left,
    walk,
)
from tests.canary.plant_tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable

PLACES = {"unnamed": unnamed, "private": private_blocks, "old": old_and_odd, "compound": compound}
PROFILES = {
    "basic": Profile(),
    "cleaning": Profile(
        clean_descriptors=True, clean_structured_content=True, clean_graphics=True, retain_safe_private=True
    ),
}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("place", PLACES)
def test_no_token_survives_outside_the_table(place: str, profile: str) -> None:
    tokens = Tokens()
    make: Callable[[Tokens], Dataset] = PLACES[place]
    dataset = join(make(tokens), join(nest(make(tokens), *KEPT_NESTING[:1]), nest(make(tokens), *KEPT_NESTING)))
    raw = in_a_file(as_image(dataset), tokens)
    data = cleaned(load(raw), profile=PROFILES[profile], keep_overlay=lambda _: False)
    assert tokens.found_in(data) == []
    assert short_left(load(data), lambda tag: tag >> 16 not in {0x5000, 0x6000}) == []


@pytest.mark.parametrize("place", PLACES)
def test_no_token_survives_outside_the_table_in_an_implicit_file(place: str) -> None:
    tokens = Tokens()
    raw = in_a_file(as_image(PLACES[place](tokens)), tokens, ImplicitVRLittleEndian)
    assert tokens.found_in(cleaned(load(raw))) == []


def test_what_is_planted_outside_the_table_is_there() -> None:
    for make in PLACES.values():
        tokens = Tokens()
        raw = in_a_file(make(tokens), tokens)
        lost = set(tokens.made.values()) - {found.rpartition(" (")[0] for found in tokens.found_in(raw)}
        # The writer of the test leaves group lengths out.
        assert {where for where in lost if "0000 UL" not in where} == set()


def test_an_overlay_that_stays_holds_its_plane_alone() -> None:
    tokens = Tokens()
    raw = in_a_file(as_image(old_and_odd(tokens)), tokens)
    data = cleaned(load(raw), profile=PROFILES["cleaning"], keep_overlay=lambda _: True)
    # Somebody vouched for the bits of the planes; nothing else of the groups stays.
    left = {found.rpartition(" (")[0] for found in tokens.found_in(data)}
    assert left == {"bits of 6000", "bits of 6002", "bits of 601E"}


def test_sequences_of_an_unknown_representation_do_not_survive() -> None:
    tokens = Tokens()
    raw = in_a_file(as_image(Dataset()), tokens)
    end = raw.index(b"\xfc\xff\xfc\xffOB")
    source = load(raw[:end] + unknown_sequences(tokens))
    assert set(source.keys()) >= {0x00081115, 0x00186011}
    assert tokens.found_in(cleaned(source)) == []


def test_elements_that_come_out_of_order_do_not_survive() -> None:
    tokens = Tokens()
    dataset = as_image(Dataset())
    raw = in_a_file(dataset, tokens, ImplicitVRLittleEndian)
    late = b"".join(
        implicit(tag, tokens.text(f"late {tag:08X}").encode()) for tag in (0x00100010, 0x00080080, 0x00091001)
    )
    assert tokens.found_in(cleaned(load(raw + late))) == []


def test_an_attribute_that_stands_there_twice_does_not_survive() -> None:
    tokens = Tokens()
    dataset = as_image(Dataset())
    dataset.Manufacturer = "ACME"
    raw = in_a_file(dataset, tokens, ImplicitVRLittleEndian)
    twice = implicit(0x00100010, tokens.text("first").encode()) + implicit(0x00100010, tokens.text("second").encode())
    assert tokens.found_in(cleaned(load(raw + twice))) == []


def test_a_deflated_file_is_no_hiding_place() -> None:
    tokens = Tokens()
    dataset = join(private_blocks(tokens), plant_item(tokens))
    plain = in_a_file(as_image(dataset), tokens)
    start = plain.index(struct.pack("<HH", 0x0008, 0x0005) if b"\x08\0\x05\0" in plain else b"\x08\0\x16\0UI")
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(plain[start:]) + packer.flush()
    meta = plain[:start].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    grown = len(b"1.2.840.10008.1.2.1.99") - len(b"1.2.840.10008.1.2.1\0")
    place = meta.index(b"1.2.840.10008.1.2.1.99") - 2
    meta = meta[:place] + struct.pack("<H", 22) + meta[place + 2 :]
    length = struct.unpack_from("<L", meta, 140)[0] + grown
    meta = meta[:140] + struct.pack("<L", length) + meta[144:]
    source = load(meta + packed + tokens.text("behind the stream").encode())
    assert source.get("Rows") == 4
    assert tokens.found_in(cleaned(source)) == []


@pytest.mark.parametrize("depth", [6, 30, 150])
def test_nesting_without_end_is_no_hiding_place(depth: int) -> None:
    tokens = Tokens()
    inner = plant_item(tokens)
    for _ in range(depth):
        outer = plant_item(tokens) if depth < 50 else Dataset()
        outer.add(DataElement(Tag(KEPT_NESTING[0]), "SQ", Sequence([inner])))
        inner = outer
    assert tokens.found_in(cleaned(as_image(inner))) == []


class TestIdentifiersInWhatStays:
    """What stays for its kind goes when it is an identifier of this very file."""

    def image(self) -> Dataset:
        dataset = as_image(Dataset())
        dataset.PatientName, dataset.PatientID, dataset.AccessionNumber = "Quilmore^Cora", "4711815", "A-90210"
        dataset.PatientBirthDate = "19790412"
        return dataset

    @pytest.mark.parametrize(
        "text", ["ACME Quilmore", "cora's scanner", "ACME A90210", "4711815", "ACME 12.04.1979", "ACME 1979-04-12"]
    )
    @pytest.mark.parametrize("keyword", ["Manufacturer", "ManufacturerModelName"])
    def test_free_text_that_is_kept(self, keyword: str, text: str) -> None:
        dataset = self.image()
        setattr(dataset, keyword, text)
        assert not deidentify_dataset(dataset, KEY, anonymise=True).get(keyword)

    @pytest.mark.parametrize(
        ("keyword", "value"),
        [
            ("SeriesNumber", 4711815),
            ("FrameTime", "4711815"),
            ("FrameTime", "4711815.0"),
            ("FrameTime", "+4711815"),
            ("FrameTime", "4.711815e6"),
            ("FrameTime", "04711815"),
            ("HeartRate", "4711815"),
            ("RegionFlags", 4711815),
            ("ReferencePixelX0", 4711815),
            ("PhysicalDeltaX", 4711815.0),
            ("DopplerSampleVolumeXPosition", 4711815),
            ("TriggerTimeOffset", 4711815.0),
            ("SelectorULValue", 4711815),
            ("DataPointRows", 4711815),
            ("PulseRepetitionFrequency", 4711815),
            ("FrameTime", "19790412"),
            ("TransducerFrequency", 19790412),
        ],
    )
    def test_numbers_that_are_kept(self, keyword: str, value: object) -> None:
        dataset = self.image()
        setattr(dataset, keyword, value)
        found = deidentify_dataset(dataset, KEY, anonymise=True).get(keyword)
        assert found is None or float(found) != float(str(value))

    def test_numbers_that_spell_a_name(self) -> None:
        """Bytes that a text editor shows, in an attribute of a few binary numbers."""
        dataset = self.image()
        spelt = list(struct.unpack("<8H", b"QUILMORE^CORA   "))
        dataset.add(DataElement(Tag(0x00186058), "OW", struct.pack("<8H", *spelt)))
        dataset.RedPaletteColorLookupTableDescriptor = [8, 0, 16]
        dataset.RedPaletteColorLookupTableData = struct.pack("<8H", *spelt)
        dataset.TableOfParameterValues = list(struct.unpack("<4f", b"QUILMORE^CORA   "))
        dataset.TableOfXBreakPoints = list(struct.unpack("<4l", b"QUILMORE^CORA   "))
        assert b"QUILMORE" not in cleaned(dataset)

    def test_names_in_many_other_values(self) -> None:
        """A header made of thousands of identifiers hides none of those that matter."""
        dataset = self.image()
        items = []
        for number in range(5000):
            item = Dataset()
            item.ReferencedSOPInstanceUID = f"1.2.3.{number}"
            items.append(item)
        dataset.ReferencedImageSequence = items
        dataset.ManufacturerModelName = "scanner of Quilmore"
        assert not deidentify_dataset(dataset, KEY).get("ManufacturerModelName")

    @pytest.mark.parametrize("name", ["O'Brien^Mae", "Smith-Jones^Al", "Müller^Änne", "Nuñez^José", "李^小龍"])
    def test_names_of_every_make(self, name: str) -> None:
        dataset = self.image()
        dataset.SpecificCharacterSet = "ISO_IR 192"
        dataset.PatientName = name
        family, given = name.split("^")
        for text in (f"ACME {family}", f"ACME {family.upper()}", f"{given}, {family}"):
            dataset.ManufacturerModelName = text
            assert not deidentify_dataset(dataset, KEY).get("ManufacturerModelName"), text


def test_a_name_of_two_short_parts_goes_as_a_whole() -> None:
    dataset = as_image(Dataset())
    dataset.PatientName = "Ng^Wu"
    for text in ("ACME Ng Wu", "ACME for Wu, Ng"):
        dataset.ManufacturerModelName = text
        assert not deidentify_dataset(dataset, KEY).get("ManufacturerModelName"), text


def test_institution_and_station_in_the_model_name_go_unless_they_are_kept() -> None:
    dataset = as_image(Dataset())
    dataset.InstitutionName, dataset.StationName = "Haugwitz Spital", "WARD7-US3"
    for text in ("Scanner Haugwitz Spital", "E9 WARD7-US3"):
        dataset.ManufacturerModelName = text
        assert not deidentify_dataset(dataset, KEY).get("ManufacturerModelName")
    kept = Profile(dates=Dates.FULL, retain_institution_identity=True)
    dataset.ManufacturerModelName = "Scanner Haugwitz Spital"
    assert deidentify_dataset(dataset, KEY, profile=kept).InstitutionName == "Haugwitz Spital"


def test_the_input_is_not_changed() -> None:
    tokens = Tokens()
    raw = in_a_file(as_image(join(private_blocks(tokens), compound(tokens))), tokens)
    dataset, untouched = load(raw), load(raw)
    cleaned(dataset)
    assert dataset == untouched


def test_the_same_input_gives_the_same_bytes() -> None:
    tokens = Tokens()
    dataset = as_image(join(old_and_odd(tokens), compound(tokens)))
    assert cleaned(dataset) == cleaned(dataset)


def test_output_holds_known_attributes_alone() -> None:
    tokens = Tokens()
    dataset = as_image(join(old_and_odd(tokens), join(private_blocks(tokens), compound(tokens))))
    for path, _ in walk(load(cleaned(dataset))):
        tag = Tag(path[-1])
        assert not tag.is_private
        assert tag.element != 0
        assert tag.group >> 8 not in {0x50, 0x60}
    stream = BytesIO()
    dcmwrite(stream, load(cleaned(dataset)))
    assert ExplicitVRLittleEndian.is_little_endian
