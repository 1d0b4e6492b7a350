"""Ways to find objects in photographs, each in a process of its own, which answers questions.

    python benchmarks/photo_ways.py WAY [FOLDER]

benchmarks/photographs.py asks, a line of JSON for each question: {"file", "size", "least"}, a
picture's RGB bytes, its (height, width), and the score from which on objects are told of. The
answer is a line, too: what it took, and what was found.
"""

import json
import os
import pathlib
import sys
import time

import cv2
import numpy as np
from pycocotools import mask as rle

from helpers import DATA
from helpers.mask_rcnn.inference import Candidates, letterbox
from helpers.models import load_detector, load_model, network_detector, write_onnx
from helpers.models.detector import Detector


def compiled(folder):
    """`everyday` as `load_detector` gives it."""
    return load_detector("everyday", say=None)


def fast(folder):
    """`everyday` through TensorFlow Lite."""
    return load_detector("everyday", fast=True, say=None)


def version_1(folder):
    """Version 1's `everyday`, of three classes, whose files lie in the folder."""
    return load_detector(str(folder), say=None)


def onnx(folder):
    """`everyday` as the graphs of the site's page, through ONNX Runtime."""
    import onnxruntime

    model, card = load_model(DATA / "everyday.json")
    write_onnx(model, folder)
    options = onnxruntime.SessionOptions()
    if hasattr(os, "sched_getaffinity"):  # it takes all cores for its own, also of a part of them
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
    detect, masks = (
        onnxruntime.InferenceSession(folder / name, options, providers=["CPUExecutionProvider"])
        for name in ("detect.onnx", "masks.onnx")
    )
    names = [one.name for one in masks.get_inputs()]

    def forward(image, least):
        logits, boxes, *maps = detect.run(None, {"image": image})
        chosen = chosen_objects(logits, boxes, model.config)
        wanted = [row for row in chosen if row[2] >= least]
        boxes = np.array([box for box, _, _ in wanted], np.float32).reshape(-1, 4)
        labels = np.array([label for _, label, _ in wanted], np.int32)
        scores = np.array([score for _, _, score in wanted], np.float32)
        cells = np.zeros((0, model.config.mask_side, model.config.mask_side), np.float32)
        if wanted:
            (cells,) = masks.run(None, dict(zip(names, [boxes, *maps], strict=True)))
        return boxes[None], labels[None], scores[None], cells[None]

    card = {**card, "image_size": model.config.image_size}
    return network_detector(forward, card, selective=True)


def chosen_objects(logits, boxes, config):
    """What `select_boxes` does, of one picture: (box, label from 1, score) each, best first.

    Args:
        logits: (A, K) float32.
        boxes: (A, 4) float32, pixels.
        config: OneStageConfig.
    """
    least = np.log(config.min_score / (1 - config.min_score))
    cells, classes = np.nonzero(logits >= least)
    values = logits[cells, classes]
    order = np.argsort(-values, kind="stable")[: config.num_candidates]
    cells, classes = cells[order], classes[order]
    scores = 1 / (1 + np.exp(-values[order]))
    corners = boxes[cells]
    sides = corners[:, 2:] - corners[:, :2]
    scores = np.where((sides >= 1).all(1), scores, 0)
    keep = cv2.dnn.NMSBoxesBatched(
        np.concatenate([corners[:, :2], sides], 1), scores, classes, config.min_score,
        config.nms_iou,
    )  # fmt: skip
    kept = np.array(keep, int).reshape(-1)[: config.num_detections]
    return [(corners[i], int(classes[i]) + 1, float(scores[i])) for i in kept]


def nanodet(folder):
    """NanoDet's graph as the package has it."""
    from photo_peers import nanodet_program

    return boxes_alone(nanodet_program(folder), (416, 416))


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


WAYS = {way.__name__: way for way in (compiled, fast, onnx, version_1, nanodet, centernet)}


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
