"""From what cells say to detections: how many enter NMS, where it cuts, how many are kept.

AP on every other photograph of `coco343`, and on the photographs of feral cats that head and body
did not learn from (the mask branch did): choices are made on both, never on the validation set.
"""

import functools
import time

import numpy as np
from measure import table, take_turns

from helpers.evaluation import evaluate
from helpers.mask_rcnn.inference import letterbox
from helpers.models import load_detector
from helpers.training import everyday
from helpers.training.photo_scores import judge

SELECTIONS = (  # candidates, IoU, detections
    (300, 0.6, 40),  # as it was
    (300, 0.5, 40),
    (300, 0.45, 40),
    (300, 0.4, 40),
    (300, 0.45, 100),
    (500, 0.45, 100),
    (1000, 0.45, 100),
)
HEADER = (
    "candidates", "IoU", "detections", "coco343, mask AP", "AP50", "box AP", "cats, mask AP50",
    "box AP50", "CPU ms",
)  # fmt: skip


def compare_selections(data, small):
    """A row for each way: what it brings, and what the choice alone takes, compiled."""
    coco, others = everyday.photographs(data)
    feral = [i for i, source in enumerate(others.sources) if source == "feralcat"]
    some = range(0, len(coco), 2)
    cats = feral[:: everyday.EVERY]
    if small:
        some, cats = some[:2], cats[:2]
    detectors = {}
    for num_candidates, nms_iou, num_detections in SELECTIONS:
        detectors[num_candidates, nms_iou, num_detections] = load_detector(
            "everyday", fast=True, num_candidates=num_candidates, nms_iou=nms_iou,
            num_detections=num_detections,
        )  # fmt: skip
    times = take_turns(calls_of(detectors, coco[0][0]), 2 if small else 40, time.process_time)
    rows = []
    for selection, detector in detectors.items():
        of_coco = evaluate(*judge(detector, coco, some))
        of_cats = evaluate(*judge(detector, others, cats))
        values = [of_coco["mask"]["AP"], of_coco["mask"]["AP50"], of_coco["box"]["AP"]]
        values += [of_cats["mask"]["AP50"], of_cats["box"]["AP50"]]
        milliseconds = np.median(times[selection])
        rows.append([*selection, *(f"{value:.3f}" for value in values), f"{milliseconds:.1f}"])
    table(HEADER, rows)


def calls_of(detectors, image):
    """{selection: a call that selects from what the cells say of one photograph}."""
    import tensorflow as tf

    calls = {}
    for selection, detector in detectors.items():
        model = detector.model
        fitted, _ = letterbox(image, model.config.image_size)
        class_logits, distance_logits = model.head(model.neck(model.backbone(fitted[None])))
        class_logits = model.calibration(class_logits)
        logits = class_logits, distance_logits
        select = tf.function(model.select, autograph=False).get_concrete_function(*logits)
        calls[selection] = functools.partial(select, *logits)
    return calls
