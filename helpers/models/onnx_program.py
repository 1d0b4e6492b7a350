"""A one-stage network in ONNX Runtime: its two graphs, and between them which boxes are objects.

onnxruntime is imported where it is used.
"""

import os

import cv2
import numpy as np

from helpers.models.onnx_export import detect_graph, masks_graph
from helpers.structures import InputError


def onnx_program(model):
    """The network, any backend: the weights of the moment, on all cores.

    Args:
        model: OneStageMaskRCNN, built.

    Returns:
        (1, H, W, 3) uint8, least score -> boxes (1, N, 4), labels (1, N), scores (1, N),
        mask_scores (1, N, M, M) of what scores as much, best first. Several threads may call it.

    Raises:
        InputError: ONNX Runtime is not installed.
    """
    detect = _session(detect_graph, model)
    masks = _session(masks_graph, model)
    names = [one.name for one in masks.get_inputs()]
    side = model.config.mask_side

    def forward(images, least):
        class_logits, boxes, *maps = detect.run(None, {"image": images})
        boxes, labels, scores = choose(class_logits, boxes, model.config)
        wanted = scores >= least
        boxes = boxes[wanted]
        mask_scores = np.zeros((0, side, side), np.float32)
        if len(boxes):
            (mask_scores,) = masks.run(None, dict(zip(names, [boxes, *maps], strict=True)))
        return boxes[None], labels[wanted][None], scores[wanted][None], mask_scores[None]

    return forward


def choose(class_logits, boxes, config):
    """Final boxes, as `helpers.one_stage.head.select_boxes` chooses them, of one image; NumPy.

    Args:
        class_logits: (A, K) float32.
        boxes: (A, 4) float32, pixels of the input, of all cells.
        config: OneStageConfig.

    Returns:
        boxes (N, 4) float32, labels (N,) int32 in 1..K and scores (N,) float32, best first; N may
        be 0.
    """
    least = np.log(config.min_score / (1 - config.min_score))
    cells, classes = np.nonzero(class_logits >= least)
    logits = class_logits[cells, classes]
    order = np.argsort(-logits, kind="stable")[: config.num_candidates]
    boxes, labels = boxes[cells[order]], classes[order] + 1
    scores = 1 / (1 + np.exp(-logits[order]))
    sides = boxes[:, 2:] - boxes[:, :2]
    is_big_enough = (sides >= 1).all(1)
    boxes, sides = boxes[is_big_enough], sides[is_big_enough]
    labels, scores = labels[is_big_enough].astype(np.int32), scores[is_big_enough]
    if not len(boxes):
        return boxes, labels, scores
    kept = cv2.dnn.NMSBoxesBatched(
        np.concatenate([boxes[:, :2], sides], 1), scores, labels, 0.0, config.nms_iou
    )
    kept = kept[: config.num_detections]
    return boxes[kept], labels[kept], scores[kept]


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
