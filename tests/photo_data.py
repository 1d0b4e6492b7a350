"""Photographs whose truth tells only a part, as small files."""

import json
import pathlib

import cv2
import numpy as np
from pycocotools import mask as rle

EVERYDAY = pathlib.Path(__file__).parents[2] / "shared/data/everyday"  # the real ones
NAMES = ("person", "cat")
CATEGORIES = {1: "person", 17: "cat"}


def bitmap(x1, y1, x2, y2, size=(20, 30)):
    mask = np.zeros(size, np.uint8, order="F")
    mask[y1:y2, x1:x2] = 1
    return mask


def code(mask):
    packed = rle.encode(mask)
    return {"size": packed["size"], "counts": packed["counts"].decode()}


def write(folder):
    """Three pictures of 30 x 20: one of COCO's kind, one of a main person, one with boxes alone."""
    shades = {"a.png": 50, "b.png": 150, "c.png": 250}
    (folder / "images").mkdir()
    for name, shade in shades.items():
        cv2.imwrite(str(folder / "images" / name), np.full((20, 30, 3), shade, np.uint8))
    images = [
        {"id": 7, "file_name": "a.png", "height": 20, "width": 30},
        {"id": 8, "file_name": "b.png", "height": 20, "width": 30, "source": "ccp",
         "labelled": [1]},
        {"id": 9, "file_name": "c.png", "height": 20, "width": 30, "source": "cocobox",
         "labelled": [1, 99], "has_masks": False},
    ]  # fmt: skip
    square = [[2, 4, 10, 4, 10, 12, 2, 12]]
    rows = [  # picture, category, x, y, width, height, outline, crowd
        (7, 17, [2, 4, 8, 8], square, 0),
        (7, 1, [20, 0, 10, 20], {"size": [20, 30], "counts": [400, 200]}, 1),
        (7, 44, [0, 0, 3, 3], square, 0),
        (8, 1, [10, 2, 10, 16], code(bitmap(10, 2, 20, 18)), 0),
        (9, 1, [3, 5, 6, 10], [], 0),
    ]
    keys = "image_id", "category_id", "bbox", "segmentation", "iscrowd"
    coco = {
        "images": images,
        "annotations": [dict(zip(keys, row, strict=True)) for row in rows],
        "categories": [{"id": 1, "name": "person"}, {"id": 17, "name": "cat"},
                       {"id": 44, "name": "bottle"}],
    }  # fmt: skip
    for part in ("train", "val"):
        (folder / f"instances_{part}.json").write_text(json.dumps(coco))
    return folder
