"""Frozen graphs of the Object Detection API that give the same detections for each picture.

Whether a pixel is of a mask is worked out here pixel by pixel, as the API's `crop_and_resize` does:
the first and the last pixel of a picture lie on its edges, the first and the last cell of a mask on
the edges of its box, and what lies between four cells has a score between theirs.
"""

import numpy as np

NEAR = 1e-4  # so near to one half, rounding decides: either is right
THRESHOLD = 0.5  # of scores, as `load_detector` has it


def check(rng, folder):
    """Write a graph of boxes, classes, scores and masks, run it, compare object by object."""
    from helpers.models import load_detector
    from tests import api_graph as writer

    size = rng.randint(30, 90), rng.randint(30, 90)
    boxes = _boxes(rng, size)
    num = len(boxes)
    labels = [rng.randint(1, 90) for _ in range(num)]
    scores = sorted((rng.uniform(0.4, 1) for _ in range(num)), reverse=True)
    masks = _masks(rng, num)
    shares = boxes[:, [1, 0, 3, 2]] / np.array([*size, *size])
    writer.toy(folder, shares, labels, scores, masks)

    found = load_detector(str(folder), say=None)(np.zeros((*size, 3), np.uint8))
    num = sum(score >= THRESHOLD for score in scores)
    np.testing.assert_allclose(found.boxes, boxes[:num], atol=1e-3)
    np.testing.assert_array_equal(found.labels, labels[:num])
    np.testing.assert_allclose(found.scores, scores[:num], rtol=1e-6)
    for number in range(num):
        _compare(found.masks[number], masks[number], boxes[number], f"mask {number}")


def _boxes(rng, size):
    """None to nine boxes, (N, 4) int, x1 y1 x2 y2: of whole pixels, to be sure what is inside."""
    boxes = []
    for _ in range(rng.randint(0, 9)):
        x1 = rng.randint(0, size[1] - 9)
        y1 = rng.randint(0, size[0] - 9)
        boxes.append([x1, y1, rng.randint(x1 + 4, size[1]), rng.randint(y1 + 4, size[0])])
    return np.array(boxes, int).reshape(-1, 4)


def _masks(rng, num):
    """(N, M, M), M as in the zoo's graphs: bitmaps of 0 and 1, or any scores between."""
    side = rng.choice((15, 33))
    draw = np.random.default_rng(rng.randrange(2**32))
    scores = draw.random((num, side, side), np.float32)
    is_bitmap = np.array([rng.random() < 0.5 for _ in range(num)], bool)
    scores[is_bitmap] = scores[is_bitmap] > 0.5
    return scores


def _compare(mask, scores, box, name):
    """Raise an AssertionError where a mask is not what its scores say."""
    height, width = mask.shape
    x1, y1, x2, y2 = box.tolist()
    rows = _places(y1, y2, height, len(scores))
    columns = _places(x1, x2, width, len(scores))
    scores = scores.tolist()
    assert mask.sum() == mask[np.ix_(list(rows), list(columns))].sum(), f"{name}: beyond its box"
    for y, (i, down) in rows.items():
        for x, (j, right) in columns.items():
            upper = scores[i][j] * (1 - right) + scores[i][j + 1] * right
            lower = scores[i + 1][j] * (1 - right) + scores[i + 1][j + 1] * right
            score = upper * (1 - down) + lower * down
            is_right = mask[y, x] == (score > 0.5) or abs(score - 0.5) < NEAR
            assert is_right, f"{name}, {box}: {mask[y, x]} at {x} {y}, its score is {score:.4f}"


def _places(low, high, length, cells):
    """{pixel: (cell before it, how far it is on the way to the next, 0..1)} between two edges.

    In whole numbers, as far as it goes: `steps` counts `(high - low) * (length - 1)` to a box.
    """
    places = {}
    for pixel in range(length):
        steps = pixel * length - low * (length - 1)
        if 0 <= steps <= (high - low) * (length - 1):
            at = steps * (cells - 1) / ((high - low) * (length - 1))
            first = min(int(at), cells - 2)
            places[pixel] = first, at - first
    return places
