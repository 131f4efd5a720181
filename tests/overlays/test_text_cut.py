from typing import Any

import cv2
import numpy as np

from bus_toolkit.geometry import Box, mask_of_boxes
from bus_toolkit.overlays.text_cut import find_cut_logos


def tissue(rows: Any = 200, cols: Any = 300) -> Any:
    grey = np.random.default_rng(3).normal(150, 25, (rows, cols))
    return np.clip(cv2.GaussianBlur(grey, (0, 0), 2) + 20, 0, 255).astype(np.uint8)


def with_piece(image: Any) -> Any:
    ink = np.zeros_like(image)
    cv2.putText(ink, "Q", (-5, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 2)
    image[cv2.dilate(ink, np.ones((5, 5), np.uint8)) > 127] = 0
    image[ink > 127] = 200
    return image


def test_a_cut_outlined_glyph_is_found_and_covered() -> None:
    image = with_piece(tissue())
    found = find_cut_logos(image)
    drawn = image.astype(int) - tissue()
    mask = mask_of_boxes(image.shape, [box.grow(1) for box, _ in found])
    assert found[0][0].col0 == 0
    assert mask[np.abs(drawn) > 30].all()
    assert 0.8 <= found[0][1] <= 1


def test_the_right_corner_is_the_left_one_mirrored() -> None:
    box = find_cut_logos(with_piece(tissue()))[0][0]
    other = find_cut_logos(np.ascontiguousarray(with_piece(tissue())[:, ::-1]))[0][0]
    assert other == Box(box.row0, 300 - box.col1, box.row1, 300 - box.col0)


def test_tissue_black_and_the_wedge_beside_a_fan_are_no_logos() -> None:
    assert find_cut_logos(tissue()) == []
    assert find_cut_logos(np.zeros((50, 50), np.uint8)) == []
    assert find_cut_logos(np.zeros((1, 1), np.uint8)) == []
    wedge = tissue()
    for row in range(20):
        wedge[row, : 20 - row] = 0
    assert find_cut_logos(wedge) == []


def test_an_outline_away_from_the_edge_is_left_to_the_recogniser() -> None:
    image = tissue()
    image[10:22, 10:14] = 0
    assert find_cut_logos(image) == []
