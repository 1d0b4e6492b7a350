"""A one-stage network in ONNX Runtime: its two graphs, and between them which boxes are objects.

onnxruntime is imported where it is used.
"""

import importlib.util
import os

import cv2
import numpy as np

from helpers.models.onnx_export import detect_graph, masks_graph
from helpers.one_stage.head import NUM_BINS, make_centres
from helpers.one_stage.neck import PathNeck
from helpers.structures import InputError


def has_engine() -> bool:
    """Whether ONNX Runtime is installed, and what writes its graphs."""
    return all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime"))


def onnx_program(model):
    """The network, any backend: the weights of the moment, on all cores.

    Args:
        model: OneStageMaskRCNN, built.

    Returns:
        (1, H, W, 3) uint8 of any sides divisible by 32, least score -> boxes (1, N, 4), labels
        (1, N), scores (1, N), mask_scores (1, N, M, M) of what scores as much, best first. Several
        threads may call it.

    Raises:
        InputError: ONNX Runtime is not installed.
    """
    config = model.config
    detect = _session(detect_graph, model)
    masks = _session(masks_graph, model)
    names = [one.name for one in masks.get_inputs()]
    side = config.mask_side

    def forward(images, least):
        class_logits, distance_logits, *maps = detect.run(None, {"image": images})
        boxes, labels, scores = choose(class_logits, distance_logits, images.shape[1:3], config)
        wanted = scores >= least
        boxes = boxes[wanted]
        mask_scores = np.zeros((0, side, side), np.float32)
        if len(boxes):
            (mask_scores,) = masks.run(None, dict(zip(names, [boxes, *maps], strict=True)))
        return boxes[None], labels[wanted][None], scores[wanted][None], mask_scores[None]

    return forward


def choose(class_logits, distance_logits, image_size, config):
    """Final boxes, as `helpers.one_stage.head.select_boxes` chooses them, of one image; NumPy.

    Args:
        class_logits: (A, K) float32.
        distance_logits: (A, 4, NUM_BINS) float32.
        image_size: (height, width) of the input, pixels, of which these are the cells.
        config: OneStageConfig; its image_size does not count here.

    Returns:
        boxes (N, 4) float32, labels (N,) int32 in 1..K and scores (N,) float32, best first; N may
        be 0.
    """
    least = np.log(config.min_score / (1 - config.min_score))
    cells, classes = np.nonzero(class_logits >= least)
    logits = class_logits[cells, classes]
    order = np.argsort(-logits, kind="stable")[: config.num_candidates]
    cells = cells[order]
    labels = (classes[order] + 1).astype(np.int32)
    scores = 1 / (1 + np.exp(-logits[order]))
    boxes = decode(distance_logits[cells], make_centres(image_size, PathNeck.strides)[cells])
    boxes = np.clip(boxes, 0, np.float32([*image_size[::-1]] * 2))
    sides = boxes[:, 2:] - boxes[:, :2]
    is_big_enough = (sides >= 1).all(1)
    boxes, sides = boxes[is_big_enough], sides[is_big_enough]
    labels, scores = labels[is_big_enough], scores[is_big_enough]
    if not len(boxes):
        return boxes, labels, scores
    kept = cv2.dnn.NMSBoxesBatched(
        np.concatenate([boxes[:, :2], sides], 1), scores, labels, 0.0, config.nms_iou
    )
    kept = kept[: config.num_detections]
    return boxes[kept], labels[kept], scores[kept]


def decode(distance_logits, centres):
    """`helpers.one_stage.head.decode`, in NumPy."""
    powers = np.exp(distance_logits - distance_logits.max(-1, keepdims=True))
    shares = powers / powers.sum(-1, keepdims=True)
    distances = shares @ np.arange(NUM_BINS, dtype=np.float32) * centres[:, 2:]
    return np.concatenate([centres[:, :2] - distances[:, :2], centres[:, :2] + distances[:, 2:]], 1)


def _session(graph_of, model):
    """A graph of a model, ready to run, on the cores that this process may use."""
    try:
        import onnxruntime
    except ImportError:
        wanted = "python -m pip install onnx onnxruntime, or leave fast=True out"
        raise InputError(f"fast=True needs ONNX Runtime here; {wanted}") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _num_cores()
    # Idle threads would go on looking for work, which takes it from whatever else is to do.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        graph_of(model).to_bytes(), options, providers=["CPUExecutionProvider"]
    )


def _num_cores():
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()
