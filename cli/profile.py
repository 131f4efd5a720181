"""Flags for the options of PS3.15, on top of what the policy chose."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from bus_toolkit.policy import Policy

FLAGS = (
    ("retain_patient_characteristics", "keep age, sex, size, weight and the like"),
    ("retain_device_identity", "keep serial number, station name and the like"),
    ("retain_institution_identity", "keep name and address of the institution"),
    ("retain_uids", "keep the original UIDs, which lead back to whoever has the originals"),
    ("retain_safe_private", "keep private attributes that are known to be safe"),
    ("clean_descriptors", "keep the words of descriptions that stand in the toolkit's vocabulary"),
    ("clean_structured_content", "keep coded and numeric content items"),
    ("clean_graphics", "keep overlay planes in which no text is seen"),
    ("clean_pixel_data", "always on, and listed for completeness: pixels are cleaned and looked at again"),
)


def add_profile(parser: argparse.ArgumentParser) -> None:
    """Add one flag for each option; what is not given stays as the policy has it."""
    group = parser.add_argument_group(
        "DICOM headers",
        "The Basic Profile of DICOM PS3.15 removes most; each option keeps more, and is recorded with its code.",
    )
    group.add_argument(
        "--retain-dates",
        dest="dates",
        choices=("modified", "full"),
        help="keep dates shifted by whole days, alike for all files of a patient (modified), or as they are (full)",
    )
    for name, words in FLAGS:
        group.add_argument(f"--{name.replace('_', '-')}", action="store_true", default=None, help=words)


def with_profile(policy: Policy, args: argparse.Namespace) -> Policy:
    """The policy with the options that the flags ask for."""
    given = {item.name: getattr(args, item.name, None) for item in fields(policy.deidentify)}
    chosen = {name: value for name, value in given.items() if value is not None}
    return replace(policy, deidentify=replace(policy.deidentify, **chosen)) if chosen else policy
