"""How good is it, and how sure are we? Figures, intervals, thresholds, reports; plain arrays, no Keras.

Importing this loads neither Keras nor scikit-learn nor matplotlib.
"""

from bus_toolkit.evaluation.predictions import Predictions, make_predictions, read_predictions, write_predictions

__all__ = ["Predictions", "make_predictions", "read_predictions", "write_predictions"]
