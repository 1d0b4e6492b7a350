"""What does it cost to paste 100 masks into a full HD picture, and how exact is each way?

    python benchmarks/pasting.py [--masks 100] [--rounds 7] [--size 1080 1920]

The objects are ellipses, so that their true pixels are known: those whose centre lies inside. Their
28x28 grids are what a perfect mask head would say: the share of each cell that is inside. A grid
is read in one of two ways: its cells fill the box (Mask R-CNN, Detectron2, this project), or the
centres of the outermost ones lie on the box's edges (the Object Detection API). Each way of
pasting gets both grids: on the one that it is made for, its error is small.
"""

import argparse
import statistics

import cv2
import numpy as np
from measure import spread, table, take_turns

from helpers.mask_rcnn import paste_masks

SIDE, FINE = 28, 16  # cells of a grid; points of a cell, along each axis


class Ellipses:
    """Ellipses of known pixels, 10 pixels long and more, wholly inside a picture.

    Args:
        num: how many.
        size: (height, width) of the picture.
        seed: of places, sizes and angles.
        spread: 1 for half axes from 5 pixels to 0.4 of the height; 0 for all alike.

    Attributes:
        boxes: (num, 4) float32, as tight as can be.
    """

    def __init__(self, num, size, spread=1.0):
        rng = np.random.default_rng(0)
        self.size = size
        low, high = np.log([5, 0.4 * size[0]])
        chance = 0.5 + spread * (rng.random(num) - 0.5)
        length = np.exp(low + chance * (high - low))
        self.axes = np.stack([length, length * rng.uniform(0.4, 1, num)], 1)
        angles = rng.uniform(0, np.pi, num)
        self.cos, self.sin = np.cos(angles), np.sin(angles)
        long, short = self.axes.T
        half = [np.hypot(long * self.cos, short * self.sin)]
        half = np.stack([*half, np.hypot(long * self.sin, short * self.cos)], 1)
        self.centres = half + rng.uniform(size=(num, 2)) * (np.array(size[::-1]) - 2 * half)
        self.boxes = np.hstack([self.centres - half, self.centres + half]).astype(np.float32)

    def inside(self, i, x, y):
        """Whether the points of a grid, x (W,) and y (H,), lie in ellipse i: (H, W) bool."""
        x, y = x - self.centres[i, 0], (y - self.centres[i, 1])[:, None]
        along, across = x * self.cos[i] + y * self.sin[i], y * self.cos[i] - x * self.sin[i]
        return (along / self.axes[i, 0]) ** 2 + (across / self.axes[i, 1]) ** 2 <= 1

    def masks(self):
        """Their pixels: (N, H, W) bool."""
        y, x = (np.arange(side) + 0.5 for side in self.size)
        return np.stack([self.inside(i, x, y) for i in range(len(self.boxes))])

    def grids(self, corners):
        """The share of each cell that is inside, 0..1: (N, SIDE, SIDE) float32."""
        step = 1 / (SIDE - 1) if corners else 1 / SIDE
        points = (np.arange(SIDE * FINE) + 0.5) / FINE * step - (step / 2 if corners else 0)
        grids = []
        for i, (x1, y1, x2, y2) in enumerate(self.boxes.astype(float)):
            fine = self.inside(i, x1 + (x2 - x1) * points, y1 + (y2 - y1) * points)
            grids.append(fine.reshape(SIDE, FINE, SIDE, FINE).mean((1, 3)))
        return np.array(grids, np.float32)


def crop_and_resize(grids, boxes, size):
    """TensorFlow's way: the whole picture is cropped from each grid, as seen from its box."""
    import tensorflow as tf

    (height, width) = size
    (x1, y1, x2, y2) = boxes.T
    left, right = -x1 / (x2 - x1), (width - x1) / (x2 - x1)
    top, bottom = -y1 / (y2 - y1), (height - y1) / (y2 - y1)
    view = np.stack([top, left, bottom, right], 1)
    pasted = tf.image.crop_and_resize(grids[..., None], view, np.arange(len(boxes)), size)
    return (pasted[..., 0] > 0.5).numpy()


def resize_each(grids, boxes, size):
    """The way of many scripts: OpenCV enlarges each grid to the pixels that its box touches."""
    masks = np.zeros((len(boxes), *size), bool)
    corners = np.rint(boxes).astype(int)
    for mask, grid, (x1, y1, x2, y2) in zip(masks, grids, corners, strict=True):
        mask[y1:y2, x1:x2] = (
            cv2.resize(grid, (max(x2 - x1, 1), max(y2 - y1, 1)))[: y2 - y1, : x2 - x1] >= 0.5
        )
    return masks


WAYS = {
    "ours": paste_masks,
    "ours, corners=True": lambda *given: paste_masks(*given, corners=True),
    "TensorFlow, crop_and_resize": crop_and_resize,
    "OpenCV, a resize for each box": resize_each,
}


def error(masks, truth):
    """Mean of 1 - IoU, pair by pair."""
    both, either = (masks & truth).sum((1, 2)), (masks | truth).sum((1, 2))
    return float(np.mean(1 - both / np.maximum(either, 1)))


def main():
    """Print a table: way, median and spread in ms, ratio to ours, error on both grids."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--masks", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--size", type=int, nargs=2, default=(1080, 1920), help="height, width")
    args = parser.parse_args()
    size = tuple(args.size)
    ellipses = Ellipses(args.masks, args.size)
    truth = ellipses.masks()
    boxes = ellipses.boxes
    full, cornered = ellipses.grids(False), ellipses.grids(True)
    calls = {name: lambda way=way: way(full, boxes, size) for name, way in WAYS.items()}
    times = take_turns(calls, args.rounds)
    rows = []
    for name, way in WAYS.items():
        errors = [
            f"{100 * error(way(grids, boxes, size), truth):.2f}" for grids in (full, cornered)
        ]
        median, base = (statistics.median(times[key]) for key in (name, "ours"))
        rows.append((name, f"{median:.0f}", spread(times[name]), f"{median / base:.2f}", *errors))
    print(f"{args.masks} masks into {size[1]} x {size[0]} pixels; error: mean of 1 - IoU with the")
    print(
        "true pixels, in percent, on a grid that fills the box, and on one from corner to corner."
    )
    table(("way", "ms", "10–90 %", "ratio", "error, fills", "error, corners"), rows)


if __name__ == "__main__":
    main()
