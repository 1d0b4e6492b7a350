"""Reads a data set with whichever `helpers` comes first on the path, and writes what it holds.

    python .ci/read_objects.py MODULE PATH RESULT [--fix]

MODULE has `read_dataset`, or `Photos`, which reads partly labelled photographs for training. RESULT
is JSON: {"pictures": {path: [object, …]}, "problems": [[name of the picture or null, line], …]}; an
object is [class, box x y x y, mask as RLE, is it a crowd].
"""

import importlib
import json
import pathlib
import sys

import numpy as np
from pycocotools import mask as rle


def read_dataset(module, path, fix):
    """What `read_dataset` of a module makes of a path, and what it says about it."""
    dataset = module.read_dataset(path, fix=fix)
    pictures = {}
    for record in dataset.records:
        pictures[str(record[0])] = list(objects_of(record, dataset.categories))
    return pictures, [[problem.picture, str(problem)] for problem in dataset.problems]


def objects_of(record, categories):
    """The objects of a picture of a data set; version 1 knows no crowds."""
    _, _, labels, codes, *crowds = record
    crowds = crowds[0] if crowds else [False] * len(labels)
    for label, code, is_crowd in zip(labels, codes, crowds, strict=True):
        x, y, width, height = rle.toBbox(code)
        box = [x, y, x + width, y + height]
        yield categories[label], box, plain(code), bool(is_crowd)


def read_photos(module, path):
    """What `Photos` of a module makes of a folder, all classes; it says nothing."""
    pictures = {}
    for file in sorted(pathlib.Path(path).glob("instances_*.json")):
        names = [one["name"] for one in json.loads(file.read_text("utf-8"))["categories"]]
        part = file.stem.removeprefix("instances_")
        photos = module.Photos(path, part, names)
        for i in range(len(photos)):
            pictures[str(photos.file(i))] = list(truths_of(photos.truth(i)))
    return pictures, []


def truths_of(truth):
    """The objects of Detections; a score of 0 is a region to leave out."""
    for i, name in enumerate(truth.names):
        code = rle.encode(np.asfortranarray(truth.masks[i].astype(np.uint8)))
        yield name, truth.boxes[i].tolist(), plain(code), bool(truth.scores[i] == 0)


def plain(code):
    """COCO's RLE as JSON has it: height, width, counts."""
    return [*code["size"], code["counts"].decode()]


def main(name, path, result, *fix):
    """Read, and write."""
    module = importlib.import_module(name)
    if hasattr(module, "Photos"):
        pictures, problems = read_photos(module, path)
    else:
        pictures, problems = read_dataset(module, path, bool(fix))
    with open(result, "w", encoding="utf-8") as file:
        json.dump({"pictures": pictures, "problems": problems}, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
