from typing import Any

import numpy as np
import pytest

from bus_toolkit import models
from bus_toolkit.errors import ConfigError

CLASSES = ("benign", "malignant", "normal")


def test_behind_global_pooling_grad_cam_is_the_class_activation_map(tiny: Any, scans: Any) -> None:
    """Selvaraju et al. 2017, section 3.1: there the two are the same but for a factor."""
    import cv2
    import keras

    planes = np.asarray(keras.Model(tiny.input, tiny.get_layer("conv3_relu").output)(scans[:1]))[0]
    kernel = tiny.get_layer("head_logits").get_weights()[0]
    for index, name in enumerate(CLASSES):
        wanted = cv2.resize(np.maximum((planes * kernel[:, index]).sum(axis=-1), 0), scans.shape[1:3])
        given = models.grad_cam(tiny, scans[0], target=name)
        assert given.dtype == np.float32
        assert given.shape == scans.shape[1:3]
        np.testing.assert_allclose(given, wanted / wanted.max(), atol=1e-4)


def test_without_a_target_the_likeliest_class_is_explained(tiny: Any, scans: Any) -> None:
    top = CLASSES[int(tiny.predict(scans[:1], verbose=0)[0].argmax())]
    np.testing.assert_array_equal(models.grad_cam(tiny, scans[0]), models.grad_cam(tiny, scans[0], target=top))


def test_another_layer_can_be_looked_at(tiny: Any, scans: Any) -> None:
    given = models.grad_cam(tiny, scans[0, ..., 0], target="benign", layer="conv2_relu")
    assert given.max() == 1
    assert not np.array_equal(given, models.grad_cam(tiny, scans[0], target="benign"))


def test_wrong_questions_are_told(tiny: Any, scans: Any) -> None:
    with pytest.raises(ConfigError, match="one of the classes"):
        models.grad_cam(tiny, scans[0], target="cyst")
    with pytest.raises(ConfigError, match="one of the model's layers"):
        models.grad_cam(tiny, scans[0], layer="nothing")
    with pytest.raises(ConfigError, match="rows and columns"):
        models.grad_cam(tiny, scans[0], layer="head_pool")
    with pytest.raises(ConfigError, match="uint8 of 48 x 48"):
        models.grad_cam(tiny, scans[0].astype(np.float32))


def test_an_overlay_leaves_the_scan_where_nothing_speaks() -> None:
    scan = np.full((4, 4), 100, np.uint8)
    heat = np.zeros((4, 4), np.float32)
    heat[1, 1] = 1
    given = models.overlay(scan, heat)
    assert given.dtype == np.uint8
    assert (given[heat == 0] == 100).all()
    # Turbo's end is a dark red: more red than blue.
    assert given[1, 1, 0] > given[1, 1, 2]
    with pytest.raises(ConfigError, match="the scan's size"):
        models.overlay(scan, heat[:2])
