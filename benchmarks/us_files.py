"""A made ultrasound file of 600 kB with a header as scanners write it, for the benchmarks. All of it is invented."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

if TYPE_CHECKING:
    from pathlib import Path

ROWS, COLS = 640, 960
US_IMAGE, US_CLIP = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1"
ROOT = "1.2.276.0.7230010.3.1.4.8323329"


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def _region(number: int) -> Dataset:
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = 1, 1, 2
    item.RegionLocationMinX0, item.RegionLocationMinY0 = 40 + number, 60
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = 900, 600
    item.PhysicalUnitsXDirection, item.PhysicalUnitsYDirection = 3, 3
    item.PhysicalDeltaX, item.PhysicalDeltaY = 0.0071, 0.0071
    item.TransducerFrequency = 12000
    return item


def _reference(number: int) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = US_IMAGE, f"{ROOT}.9.{number}"
    item.PurposeOfReferenceCodeSequence = Sequence([_code("121322", "Source image")])
    return item


def header(number: int, frames: int) -> Dataset:
    """About 120 attributes: what a scanner writes, a maker's private blocks, references two levels deep."""
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 100"
    made.ImageType = ["ORIGINAL", "PRIMARY", "BREAST", "0001"]
    made.SOPClassUID, made.SOPInstanceUID = US_CLIP if frames > 1 else US_IMAGE, f"{ROOT}.1.{number}"
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "InstanceCreationDate"):
        setattr(made, keyword, f"2024{1 + number % 12:02d}{1 + number % 28:02d}")
    for keyword in ("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime", "InstanceCreationTime"):
        setattr(made, keyword, "101500.123")
    made.AccessionNumber, made.Modality, made.Manufacturer = f"ACC{770000 + number}", "US", "Invented Ultrasound"
    made.InstitutionName, made.InstitutionAddress = "Sankt Vorgestell Hospital", "Erfunden Street 7"
    made.ReferringPhysicianName, made.OperatorsName = "Brenner^Quirin", "Zadok^Ilse"
    made.StationName, made.StudyDescription = "VORGESTELL-US3", "US breast left"
    made.SeriesDescription, made.ManufacturerModelName = "Zadok targeted", "Model Q7"
    made.PhysiciansOfRecord, made.PerformingPhysicianName = "Brenner^Quirin", "Zadok^Ilse"
    made.ReferencedStudySequence = Sequence([_reference(1)])
    made.PatientName, made.PatientID = f"Quilmore^Cora{number}", f"K{4711000 + number}"
    made.PatientBirthDate, made.PatientSex, made.PatientAge = "19610312", "F", "063Y"
    made.OtherPatientIDs, made.PatientAddress = f"OLD{number + 5000}", "Nirgend Lane 9"
    made.PatientComments = f"seen by Brenner, call {555000 + number}"
    made.DeviceSerialNumber, made.SoftwareVersions, made.ProtocolName = f"SN{88000 + number}", "5.1.2", "Breast"
    made.TransducerData, made.TransducerType, made.DepthOfScanField = ["L12-5", "", ""], "LINEAR", 45
    made.MechanicalIndex, made.BoneThermalIndex, made.SoftTissueThermalIndex = "0.9", "0.2", "0.2"
    made.StudyInstanceUID, made.SeriesInstanceUID = f"{ROOT}.2.{number % 40}", f"{ROOT}.3.{number % 80}"
    made.StudyID, made.SeriesNumber, made.InstanceNumber = f"ST{number + 3000}", "1", str(number)
    made.FrameOfReferenceUID, made.Laterality = f"{ROOT}.4.{number}", "L"
    made.SequenceOfUltrasoundRegions = Sequence([_region(0), _region(1)])
    made.SourceImageSequence = Sequence([_reference(number) for number in range(3)])
    made.ViewCodeSequence = Sequence([_code("399067008", "medio-lateral")])
    made.RequestAttributesSequence = Sequence([Dataset()])
    made.RequestAttributesSequence[0].ScheduledProcedureStepID = f"SPS{number}"
    made.RequestAttributesSequence[0].RequestedProcedureDescription = "Quilmore follow-up"
    made.PerformedProcedureStepStartDate, made.PerformedProcedureStepStartTime = "20240102", "101000"
    made.PerformedProcedureStepID = f"PPS{number}"
    for group, creator in ((0x0009, "INVENTED_IDEN_01"), (0x7FE1, "INVENTED_MOVIE"), (0x200D, "INVENTED US 033")):
        block = made.private_block(group, creator, create=True)
        for element in range(12):
            block.add_new(element, "LO", f"private {number} Quilmore {element}")
        block.add_new(0x20, "OB", bytes(range(256)) * 8)
    return made


def write_file(path: Path, number: int, frames: int = 1) -> None:
    """Write one file of 640 x 960 grey pixels a frame."""
    made = header(number, frames)
    rng = np.random.default_rng(number)
    made.Rows, made.Columns, made.SamplesPerPixel, made.PhotometricInterpretation = ROWS, COLS, 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    if frames > 1:
        made.NumberOfFrames, made.FrameTime, made.FrameIncrementPointer = frames, "33.3", 0x00181063
    still = rng.normal(70, 25, (ROWS, COLS)).clip(0, 255).astype(np.uint8)
    made.PixelData = b"".join(np.roll(still, shift, axis=0).tobytes() for shift in range(frames))
    made["PixelData"].VR = "OB"
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID, made.file_meta.MediaStorageSOPInstanceUID = (
        made.SOPClassUID,
        made.SOPInstanceUID,
    )
    made.save_as(path, enforce_file_format=True)
