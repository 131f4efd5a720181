"""Find the ultrasound sector of a picture, and crop to it."""

from bus_toolkit.fan.stage import CropFan, FindFan

__all__ = ["CropFan", "FindFan"]
