"""How the overlay segmenter is trained: its architecture, its lessons, the fit, the export, the model card.

Cleaning never needs this package; it runs the exported weights (:mod:`bus_toolkit.overlays.engines.segmenter`).
"""
