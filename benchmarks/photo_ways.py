"""Ways to find objects in photographs, each in a process of its own, which answers questions.

    python benchmarks/photo_ways.py WAY [FOLDER]

benchmarks/photographs.py asks, a line of JSON for each question: {"file", "size", "least"}, a
picture's RGB bytes, its (height, width), and the score from which on objects are told of. The
answer is a line, too: what it took, and what was found.
"""

import json
import pathlib
import sys
import time

import numpy as np
from pycocotools import mask as rle

from helpers import DATA
from helpers.mask_rcnn.inference import Candidates, letterbox
from helpers.models import load_detector, load_model
from helpers.models.detector import Detector


def compiled(folder):
    """`everyday` in Keras, compiled."""
    return load_detector("everyday", fast=False, say=None)


def fast(folder):
    """`everyday` through ONNX Runtime, as `load_detector` gives it."""
    return load_detector("everyday", fast=True, say=None)


def version_1(folder):
    """Version 1's `everyday`, of three classes, whose files lie in the folder."""
    return load_detector(str(folder), fast=False, say=None)


def nanodet(folder):
    """NanoDet's graph as the package has it."""
    from photo_peers import nanodet_program

    return boxes_alone(nanodet_program(folder), (416, 416))


def openvino(folder):
    """The same graph in OpenVINO."""
    from photo_peers import nanodet_in_openvino

    return boxes_alone(nanodet_in_openvino(folder), (416, 416))


def centernet(folder):
    """CenterNet's graph as the package has it."""
    from photo_peers import centernet_program

    return boxes_alone(centernet_program(folder), (512, 512))


def boxes_alone(program, size):
    """A Detector of boxes: program(canvas (1, H, W, 3) uint8) -> boxes, labels 1..80, scores."""
    _, card = load_model(DATA / "everyday.json")
    ids = np.array([int(key) for key in card["categories"]], np.int32)

    def outputs(image, least):
        canvas, scale = letterbox(image, size)
        boxes, labels, scores = (np.asarray(value)[0] for value in program(canvas[None]))
        real = scores > 0
        return {
            "boxes": boxes[real] / scale,
            "labels": ids[labels[real].astype(int) - 1],
            "scores": scores[real],
        }

    def decode(found, image_size):
        return Candidates(found["boxes"], found["labels"], found["scores"], None)

    detector = Detector(outputs, decode, card)
    detector(np.zeros((*size, 3), np.uint8))
    return detector


WAYS = {way.__name__: way for way in (compiled, fast, version_1, nanodet, openvino, centernet)}


def answer(detector, question):
    """What a detector says of a picture, and the seconds that it took."""
    pixels = np.fromfile(question["file"], np.uint8).reshape(*question["size"], 3)
    detector = detector.with_threshold(question["least"])
    wall, cpu = time.perf_counter(), time.process_time()
    found = detector(pixels)
    took = time.perf_counter() - wall
    computed = time.process_time() - cpu
    masks = None
    if found.masks is not None:
        masks = [rle.encode(np.asfortranarray(mask))["counts"].decode() for mask in found.masks]
    return {
        "wall": took,
        "cpu": computed,
        "boxes": found.boxes.tolist(),
        "names": [found.categories[label] for label in found.labels.tolist()],
        "scores": found.scores.tolist(),
        "masks": masks,
    }


def main():
    """Load, say so, then answer line for line."""
    way, *folder = sys.argv[1:]
    begun = time.perf_counter()
    detector = WAYS[way](pathlib.Path(*folder))
    print(json.dumps({"loaded": time.perf_counter() - begun}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(detector, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
