"""Augmentation as Keras layers: part of the training graph, on its device, and never of the model that is saved.

All ranges are symmetric and drawn evenly for each picture. They stay within what one scan of one lesion could look like
on another day: probe and gain differ a little, left and right breast mirror each other; up and down never do, for depth
is down and shadows fall downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from bus_toolkit.errors import ConfigError

STREAM: Final = 7919
"""Added to the seed for each further layer, so that no two draw the same numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How far pictures are varied. Everything at 0, and ``flip`` off, leaves them as they are.

    Attributes
    ----------
    flip
        Mirror left and right with even chance.
    rotation
        Degrees to either side, 0 to 45.
    zoom
        Share by which a picture is enlarged or shrunk, the aspect ratio kept, 0 to 0.5.
    shift
        Share of the side by which it is moved along each axis, 0 to 0.5. What comes in from outside is black.
    brightness
        Share of the full range (255) that is added or taken, 0 to 0.5. Black stays black, as outside the sector.
    contrast
        Share by which differences from the mean of the picture are stretched or shrunk, 0 to 0.9.
    speckle
        Largest standard deviation of the multiplicative noise, 0 to 0.5; each picture draws its own between 0 and this.
    """

    flip: bool = True
    rotation: float = 10.0
    zoom: float = 0.1
    shift: float = 0.08
    brightness: float = 0.1
    contrast: float = 0.2
    speckle: float = 0.1

    def __post_init__(self) -> None:
        highest = {"rotation": 45, "zoom": 0.5, "shift": 0.5, "brightness": 0.5, "contrast": 0.9, "speckle": 0.5}
        for name, most in highest.items():
            if not 0 <= getattr(self, name) <= most:
                msg = f"{name} must be between 0 and {most}. Got {getattr(self, name)}"
                raise ConfigError(msg)


def augmented(model: Any, augmentation: Augmentation, *, seed: int) -> Any:  # noqa: ANN401 (Keras ships no annotations)
    """A Keras model that varies its pictures in training and then asks ``model``, with which it shares all weights.

    Parameters
    ----------
    model
        Takes ``(n, size, size, 1)`` uint8.
    augmentation
        The ranges.
    seed
        Of what is drawn.

    Returns
    -------
    A model of the same inputs and outputs. Its layers draw from seed generators, which are among its ``variables``.
    """
    import keras

    inputs = keras.Input(model.input_shape[1:], dtype="uint8", name="pictures")
    return keras.Model(inputs, model(_varied(inputs, augmentation, seed)), name="augmented")


def varied_only(shape: tuple[int, ...], augmentation: Augmentation, *, seed: int) -> Any:  # noqa: ANN401
    """A Keras model that varies pictures as :func:`augmented` does, and asks none: uint8 ``(n, *shape)`` both ways."""
    import keras

    inputs = keras.Input(shape, dtype="uint8", name="pictures")
    return keras.Model(inputs, _varied(inputs, augmentation, seed), name="varied")


def _varied(inputs: Any, augmentation: Augmentation, seed: int) -> Any:  # noqa: ANN401
    tensor = _move_layer(augmentation, seed)(inputs)
    tensor = _tone_layer(augmentation, seed + STREAM)(tensor)
    tensor = _speckle_layer(augmentation.speckle, seed + 2 * STREAM)(tensor)
    return _round_layer()(tensor)


def _move_layer(ranges: Augmentation, seed: int) -> Any:  # noqa: ANN401
    """Flip, rotation, zoom and shift as one affine map, so that pixels are interpolated once and not four times."""
    import keras
    from keras import ops

    class Move(keras.layers.Layer):  # type: ignore[misc] # a class of Keras can only be made when Keras is loaded
        def __init__(self) -> None:
            # Geometry and grey values need all of float32, whatever the policy of the network is.
            super().__init__(name="augment_move", dtype="float32", autocast=False)
            self.draws = keras.random.SeedGenerator(seed)

        def call(self, inputs: Any, training: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - Keras' own form
            pictures = ops.cast(inputs, "float32")
            return self.moved(pictures) if training else pictures

        def moved(self, pictures: Any) -> Any:  # noqa: ANN401
            count, (rows, cols) = ops.shape(pictures)[0], pictures.shape[1:3]
            turn, zoom, right, down, mirror = ops.unstack(
                keras.random.uniform((5, count), -1.0, 1.0, seed=self.draws), num=5, axis=0
            )
            angle = turn * (ranges.rotation * 3.141592653589793 / 180)
            scale = 1.0 + zoom * ranges.zoom
            side = ops.where(mirror < 0, -1.0, 1.0) if ranges.flip else ops.ones_like(mirror)
            cosine, sine = ops.cos(angle) / scale, ops.sin(angle) / scale
            # From a point of the result, counted from the middle, to the point of the picture that it shows.
            a0, a1, b0, b1 = side * cosine, side * -sine, sine, cosine
            middle_x, middle_y = (cols - 1) / 2, (rows - 1) / 2
            a2 = middle_x - a0 * middle_x - a1 * middle_y + right * (ranges.shift * cols)
            b2 = middle_y - b0 * middle_x - b1 * middle_y + down * (ranges.shift * rows)
            none = ops.zeros_like(a0)
            rule = ops.stack([a0, a1, a2, b0, b1, b2, none, none], axis=1)
            return ops.image.affine_transform(
                pictures, rule, interpolation="bilinear", fill_mode="constant", fill_value=0.0
            )

    return Move()


def _tone_layer(ranges: Augmentation, seed: int) -> Any:  # noqa: ANN401
    """Brightness and contrast, as the gain and the dynamic range of a scanner."""
    import keras
    from keras import ops

    class Tone(keras.layers.Layer):  # type: ignore[misc] # as above
        def __init__(self) -> None:
            super().__init__(name="augment_tone", dtype="float32", autocast=False)
            self.draws = keras.random.SeedGenerator(seed)

        def call(self, inputs: Any, training: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002
            if not training:
                return inputs
            drawn = keras.random.uniform((2, ops.shape(inputs)[0], 1, 1, 1), -1.0, 1.0, seed=self.draws)
            mean = ops.mean(inputs, axis=(1, 2, 3), keepdims=True)
            toned = mean + (inputs - mean) * (1.0 + ranges.contrast * drawn[0]) + 255.0 * ranges.brightness * drawn[1]
            # What is black is no tissue: the ground around the sector must not tell how a picture was varied.
            return ops.where(inputs > 0, ops.clip(toned, 0.0, 255.0), inputs)

    return Tone()


def _speckle_layer(most: float, seed: int) -> Any:  # noqa: ANN401
    """Multiplicative noise with a grain of two pixels: speckle has a size, and one of single pixels would be hiss."""
    import keras
    from keras import ops

    class Speckle(keras.layers.Layer):  # type: ignore[misc] # as above
        def __init__(self) -> None:
            super().__init__(name="augment_speckle", dtype="float32", autocast=False)
            self.draws = keras.random.SeedGenerator(seed)

        def call(self, inputs: Any, training: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002
            if not training or most == 0:
                return inputs
            count, (rows, cols) = ops.shape(inputs)[0], inputs.shape[1:3]
            deviation = keras.random.uniform((count, 1, 1, 1), 0.0, most, seed=self.draws)
            coarse = keras.random.normal((count, -(-rows // 2), -(-cols // 2), 1), seed=self.draws)
            grain = ops.repeat(ops.repeat(coarse, 2, axis=1), 2, axis=2)[:, :rows, :cols, :]
            return ops.clip(inputs * (1.0 + deviation * grain), 0.0, 255.0)

    return Speckle()


def _round_layer() -> Any:  # noqa: ANN401
    """Back to uint8: the model learns from just what it will be given."""
    import keras
    from keras import ops

    class Round(keras.layers.Layer):  # type: ignore[misc] # as above
        def __init__(self) -> None:
            super().__init__(name="augment_round", dtype="float32", autocast=False)

        def call(self, inputs: Any) -> Any:  # noqa: ANN401
            return ops.cast(ops.round(inputs), "uint8")

        def compute_output_spec(self, inputs: Any) -> Any:  # noqa: ANN401
            return keras.KerasTensor(inputs.shape, dtype="uint8")

    return Round()


def reseed(model: Any, seed: int, epoch: int) -> None:  # noqa: ANN401
    """Set every random state of a model (dropout, augmentation) to what the seed and the epoch say.

    With this, an epoch draws the same numbers whether the epochs before it ran in this process or in one that was
    stopped.
    """
    import numpy as np

    states = [one for one in model.variables if one.path.rsplit("/", 1)[-1].startswith("seed_generator_state")]
    for place, state in enumerate(states):
        # 31 bits fit the type of every backend.
        words = np.random.SeedSequence((seed, epoch, place)).generate_state(2) >> 1
        state.assign(words.astype(state.dtype))
