"""A fair judgement of what a detector says of photographs whose truth tells only a part."""

from collections import defaultdict

import numpy as np

from helpers.evaluation import (
    bootstrap,
    error_kinds,
    evaluate,
    interval,
    match,
    rounded,
    summarize,
)
from helpers.evaluation.matching import common_ids, renumbered
from helpers.evaluation.scoring import progress
from helpers.structures import box_iou


def judge(detector, photos, indices):
    """Lists of truth and detections of some pictures, as `counted` leaves them."""
    detector = detector.with_threshold(0.0)
    truth, detections = [], []
    for index in progress(indices):
        image, true = photos[index]
        true, detected = counted(true, detector(image), photos.known(index))
        truth.append(true)
        detections.append(detected)
    return truth, detections


def counted(truth, detections, known):
    """Truth and detections of a picture without what nobody can judge.

    Args:
        truth: Detections, maybe partial, see `to_partial_targets`.
        detections: Detections.
        known: ids that were looked for.

    Returns:
        truth without regions; detections, with the ids of the truth for classes of the same name,
        without classes that were not looked for, and without what lies in a region and away from
        every true object (a box IoU below .1).
    """
    (detections,) = renumbered([detections], common_ids([truth], [detections]))
    objects, regions = truth[truth.scores > 0], truth[truth.scores == 0]
    detections = detections[np.isin(detections.labels, list(known))]
    in_region = _mostly_inside(detections.boxes, regions.boxes)
    at_object = (box_iou(detections.boxes, objects.boxes) >= 0.1).any(1)
    return objects, detections[~in_region | at_object]


def _mostly_inside(boxes, regions):
    """Which boxes (N, 4) lie for the most part in one of the regions (M, 4): (N,) bool."""
    low = np.maximum(boxes[:, None, :2], regions[:, :2])
    high = np.minimum(boxes[:, None, 2:], regions[:, 2:])
    overlap = np.prod(np.maximum(high - low, 0), 2)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], 1)
    return (overlap > 0.5 * areas[:, None]).any(1)


def report(detector, photos, indices=None):
    """What a detector reaches on `photos`, class by class and source by source.

    Args:
        detector: Detector.
        photos: Photos.
        indices: those of them to judge; None for all that have masks. A class of which they show
            nothing is not told of.

    Returns:
        {"images", "mask", "box" (as `evaluate`), "errors", "classes": {name: {"objects", "mask_AP",
        "mask_AP50", "interval" (of AP50, by bootstrap)}}, "sources": {source: {name: mask AP50}},
        "empty": {"images" that show nothing, "false" objects detected there at .5}}.
    """
    if indices is None:
        indices = [i for i in range(len(photos)) if photos.has_masks(i)]
    truth, detections = judge(detector, photos, indices)
    result = evaluate(truth, detections)
    del result["per_class"]
    result["errors"] = error_kinds(truth, detections)
    result["images"] = len(truth)
    result["classes"] = {}
    result["sources"] = defaultdict(dict)
    for category_id, name in photos.categories.items():
        looked_for = [k for k, i in enumerate(indices) if category_id in photos.known(i)]
        true = [_only(truth[k], category_id) for k in looked_for]
        detected = [_only(detections[k], category_id) for k in looked_for]
        if not any(len(one) for one in true):
            continue
        result["classes"][name] = _report_of_class(true, detected)
        sources = [photos.sources[indices[k]] for k in looked_for]
        for source in sorted(set(photos.sources)):
            some = [k for k, other in enumerate(sources) if other == source]
            if any(len(true[k]) for k in some):
                scores = evaluate([true[k] for k in some], [detected[k] for k in some])
                result["sources"][source][name] = scores["mask"]["AP50"]
    result["sources"] = dict(result["sources"])
    result["empty"] = _report_of_empty(photos, indices, detections)
    return rounded(result)


def _only(detections, category_id):
    return detections[detections.labels == category_id]


def _report_of_class(truth, detections):
    matched = match(truth, detections)
    mask = summarize(matched)["mask"]
    span = interval(bootstrap(matched, "mask", "AP50"))
    return {
        "objects": sum(len(one) for one in truth),
        "mask_AP": mask["AP"],
        "mask_AP50": mask["AP50"],
        "interval": list(span) if span else [],
    }


def _report_of_empty(photos, indices, detections):
    """How many pictures show nothing of what was looked for, which was everything."""
    num_images, num_false = 0, 0
    for index, detected in zip(indices, detections, strict=True):
        is_complete = photos.known(index) == set(photos.categories)
        if is_complete and not photos.annotations[photos.rows[index].id]:
            num_images += 1
            num_false += int((detected.scores >= 0.5).sum())
    return {"images": num_images, "false": num_false}
