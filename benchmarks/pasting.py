"""How long does it take to paste masks into a picture, and how exact are the ways to do it?

    python benchmarks/pasting.py [--masks 100] [--size 1080 1920] [--rounds 5]

The masks are ellipses of any turn, so that the truth is known for every pixel: a mask branch that
knew it, too, would give each cell the share of it that is inside. Three ways from 28 x 28 cells to
the picture: ours; `cv2.resize` into the box, rounded to whole pixels; and TensorFlow's
`crop_and_resize` of the whole picture from the cells, as the Object Detection API does it. All work
on the same masks, in turn, in one process: read the ratios. Error: 1 - IoU with the truth, mean.
"""

import argparse
import os
import pathlib
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import cv2
import numpy as np
import tensorflow as tf

from helpers.mask_rcnn.mask_head import paste_masks

SIDE, FINE, CHUNK = 28, 8, 20


def inside(x, y, box, turn):
    """Whether points lie in the ellipse of half axes 1 and 1/2, turned, in a box of -1 to 1."""
    x1, y1, x2, y2 = box
    u, v = 2 * (x - x1) / (x2 - x1) - 1, 2 * (y - y1) / (y2 - y1) - 1
    along, across = u * np.cos(turn) + v * np.sin(turn), v * np.cos(turn) - u * np.sin(turn)
    return along**2 + (2 * across) ** 2 <= 1


def draw(num, size, rng):
    """Boxes (N, 4), cells (N, 28, 28) as shares, truth (N, height, width)."""
    sides = rng.uniform(0.05, 0.4, (num, 2)) * size[::-1]
    corners = rng.uniform(0, 1, (num, 2)) * (np.array(size[::-1]) - sides)
    boxes = np.concatenate([corners, corners + sides], 1)
    rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
    grid = (np.arange(SIDE * FINE) + 0.5) / (SIDE * FINE)
    cells, truth = [], []
    for box, turn in zip(boxes, rng.uniform(0, np.pi, num), strict=True):
        (x1, y1, x2, y2), unit = box, (0, 0, 1, 1)
        fine = inside(*np.meshgrid(grid, grid), unit, turn)
        cells.append(fine.reshape(SIDE, FINE, SIDE, FINE).mean((1, 3)))
        mask = np.zeros(size, bool)
        part = np.s_[int(y1) : int(y2) + 1, int(x1) : int(x2) + 1]
        mask[part] = inside(columns[part], rows[part], box, turn)
        truth.append(mask)
    return boxes, np.float32(cells), np.array(truth)


def by_resize(cells, boxes, size):
    """`cv2.resize` into the rounded box."""
    masks = np.zeros((len(boxes), *size), bool)
    for mask, scores, box in zip(masks, cells, boxes.round().astype(int), strict=True):
        x1, y1, x2, y2 = box
        mask[y1:y2, x1:x2] = cv2.resize(scores, (x2 - x1, y2 - y1)) >= 0.5
    return masks


def by_crop_and_resize(cells, boxes, size):
    """The whole picture is a crop of the cells that reaches far beyond them; a few at a time."""
    x1, y1, x2, y2 = (boxes / np.tile(size[::-1], 2)).T
    whole = np.stack(
        [-y1 / (y2 - y1), -x1 / (x2 - x1), (1 - y1) / (y2 - y1), (1 - x1) / (x2 - x1)], 1
    )
    parts = []
    for first in range(0, len(boxes), CHUNK):
        some = slice(first, first + CHUNK)
        which = np.arange(len(boxes[some]))
        crops = tf.image.crop_and_resize(cells[some, ..., None], whole[some], which, size)
        parts.append(crops.numpy()[..., 0] > 0.5)
    return np.concatenate(parts)


def main():
    """Print a table: way, seconds, ratio, error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--masks", type=int, default=100)
    parser.add_argument("--size", type=int, nargs=2, default=(1080, 1920))
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    size = tuple(args.size)
    boxes, cells, truth = draw(args.masks, size, np.random.default_rng(0))
    ways = {"ours": paste_masks, "cv2.resize": by_resize, "crop_and_resize": by_crop_and_resize}
    seconds, errors = {way: [] for way in ways}, {}
    for number in range(args.rounds + 1):
        for way, paste in ways.items():
            start = time.perf_counter()
            masks = paste(cells, boxes, size)
            if number:  # the first round warms up
                seconds[way].append(time.perf_counter() - start)
            else:
                both, either = (masks & truth).sum((1, 2)), (masks | truth).sum((1, 2))
                errors[way] = float(np.mean(1 - both / either))
    base = statistics.median(seconds["ours"])
    print(f"{'way':18}{'seconds':>9}{'ratio':>8}{'error':>9}")
    for way, values in seconds.items():
        median = statistics.median(values)
        print(f"{way:18}{median:9.3f}{median / base:8.2f}{errors[way]:9.4f}")


if __name__ == "__main__":
    main()
