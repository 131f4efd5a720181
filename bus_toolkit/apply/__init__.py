"""A trained run put to use: on new scans, which are cleaned as those that it learned from; with heatmaps; as a file.

The one room that knows cleaning, training and evaluation. Nothing below it knows it, and importing it loads no Keras.
"""
