"""Frozen graphs of the Object Detection API that find the same in each picture."""

import numpy as np


def check(rng, folder):
    """Write a graph of boxes, classes, scores and whole masks, run it, compare."""
    from helpers.models import load_detector
    from tests import api_graph as writer

    size = rng.randint(30, 90), rng.randint(30, 90)
    boxes = _boxes(rng, size)
    num = len(boxes)
    labels = [rng.randint(1, 90) for _ in range(num)]
    scores = sorted((rng.uniform(0.55, 1) for _ in range(num)), reverse=True)
    shares = boxes[:, [1, 0, 3, 2]] / np.array([*size, *size])
    writer.toy(folder, shares, labels, scores, np.ones((num, 15, 15)))
    found = load_detector(str(folder), say=None)(np.zeros((*size, 3), np.uint8))
    np.testing.assert_allclose(found.boxes, boxes, atol=1e-3)
    np.testing.assert_array_equal(found.labels, labels)
    np.testing.assert_allclose(found.scores, scores, rtol=1e-6)
    for mask, box in zip(found.masks, boxes.astype(int), strict=True):
        _check_mask(mask, box)


def _boxes(rng, size):
    """None to nine boxes, (N, 4) x1 y1 x2 y2."""
    boxes = []
    for _ in range(rng.randint(0, 9)):
        x1 = rng.randint(0, size[1] - 9)
        y1 = rng.randint(0, size[0] - 9)
        boxes.append([x1, y1, rng.randint(x1 + 4, size[1]), rng.randint(y1 + 4, size[0])])
    return np.array(boxes, float).reshape(-1, 4)


def _check_mask(mask, box):
    """Raise an AssertionError unless it fills its box; the API's pasting may lose its border."""
    x1, y1, x2, y2 = box
    wanted = np.zeros(mask.shape, bool)
    wanted[y1:y2, x1:x2] = True
    missing = wanted & ~mask
    missing[[y1, y2 - 1]] = False
    missing[:, [x1, x2 - 1]] = False
    assert not (mask & ~wanted).any() and not missing.any()
