"""Make ultrasound scans safe to share and fit to learn from.

Importing this loads no neural network, no OCR engine and no Keras, and opens no socket.
"""

from bus_toolkit._version import __version__

__all__ = ["__version__"]
