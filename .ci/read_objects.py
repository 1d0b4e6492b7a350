"""Reads a data set with whichever `helpers` comes first on the path, and writes what it holds.

    python .ci/read_objects.py MODULE PATH RESULT [--fix]

MODULE has `read_dataset`. RESULT is JSON: {"pictures": {path: [object, …]}, "problems": [[name of
the picture or null, line], …]}; an object is [class, box x y x y, mask as RLE, is it a crowd].
"""

import importlib
import json
import sys

from pycocotools import mask as rle


def objects_of(record, categories):
    """The objects of a picture of a data set; version 1 knows no crowds."""
    _, _, labels, codes, *crowds = record
    crowds = crowds[0] if crowds else [False] * len(labels)
    for label, code, is_crowd in zip(labels, codes, crowds, strict=True):
        x, y, width, height = rle.toBbox(code)
        box = [x, y, x + width, y + height]
        yield categories[label], box, [*code["size"], code["counts"].decode()], bool(is_crowd)


def main(module, path, result, *fix):
    """Read, and write."""
    dataset = importlib.import_module(module).read_dataset(path, fix=bool(fix))
    pictures = {}
    for record in dataset.records:
        pictures[str(record[0])] = list(objects_of(record, dataset.categories))
    problems = [[problem.picture, str(problem)] for problem in dataset.problems]
    with open(result, "w", encoding="utf-8") as file:
        json.dump({"pictures": pictures, "problems": problems}, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
