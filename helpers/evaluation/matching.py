"""Which detection stands for which true object? pycocotools compares them, once.

`truth` and `detections` are lists of Detections, one for each picture, in the same order. Classes
are the same if their names are. A true object of score 0 is a region to leave out, such as a crowd.
"""

import contextlib
import io

import numpy as np

from helpers.structures import require

METRICS = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")


def match(truth, detections):
    """Find out which detection stands for which true object, at each IoU from .5 to .95.

    Args:
        truth, detections: see `evaluate`.

    Returns:
        {"mask": COCOeval, or None if masks are missing, "box": COCOeval}: pycocotools' own
        objects, accumulated. The size of a true object is that of its mask, if it has one; that
        of a detection is its mask's or its box's, whichever is judged.

    Raises:
        ValueError: the lists differ in length.
    """
    require_pairs(truth, detections)
    ids = common_ids(truth, detections)
    wanted = {name for image in truth for name in image.categories.values()}
    truth, detections = renumbered(truth, ids), renumbered(detections, ids)
    sizes = [image.image_size for image in truth]
    shared = {
        "images": [{"id": i, "height": h, "width": w} for i, (h, w) in enumerate(sizes, 1)],
        "categories": [{"id": id, "name": name} for name, id in ids.items() if name in wanted],
    }
    true_objects = _annotations(truth)
    with_masks = [{**row, "iscrowd": 0} for row in _annotations(detections)]
    as_boxes = [{**row, "area": row["bbox"][2] * row["bbox"][3]} for row in with_masks]

    matched = {"mask": None}
    if all(_has_masks(image) for image in (*truth, *detections)):
        matched["mask"] = _compare(shared, true_objects, with_masks, "segm")
    matched["box"] = _compare(shared, true_objects, as_boxes, "bbox")
    return matched


def require_pairs(truth, detections):
    """Refuse lists of different lengths."""
    require(
        len(truth) == len(detections),
        f"{len(truth)} images with truth, {len(detections)} with results",
    )


def common_ids(truth, detections):
    """{class name: id} for lists of Detections that may number the same classes differently.

    A class has the id that it has first, in the truth if it occurs there, unless another class has
    it already.
    """
    ids = {}
    for categories in _each_once([*truth, *detections]):
        for number, name in categories.items():
            if name not in ids:
                is_taken = number in ids.values()
                ids[name] = max(ids.values()) + 1 if is_taken else number
    return ids


def _each_once(images):
    """The categories of Detections; of those that say the same only the first."""
    different = []
    for image in images:
        if image.categories not in different:
            different.append(image.categories)
    return different


def renumbered(images, ids):
    """A list of Detections with the ids of `common_ids`."""
    categories = {number: name for name, number in ids.items()}
    same = []
    for image in images:
        labels = [ids[name] for name in image.names]
        same.append(image.replace(labels=labels, categories=categories))
    return same


def _has_masks(image):
    return image.masks is not None or len(image) == 0


def _annotations(images):
    """Lists of Detections as COCO annotations, image ids from 1; nothing is rounded."""
    annotations = []
    for image_id, image in enumerate(images, 1):
        for i, record in enumerate(image.to_coco(image_id)):
            x1, y1, x2, y2 = image.boxes[i].tolist()
            annotation = {"area": (x2 - x1) * (y2 - y1), **record}
            annotation["bbox"] = [x1, y1, x2 - x1, y2 - y1]
            annotation["score"] = float(image.scores[i])
            annotation["id"] = len(annotations) + 1
            annotation["iscrowd"] = int(annotation["score"] == 0)
            annotations.append(annotation)
    return annotations


def _compare(shared, true_objects, results, iou_type):
    """A COCOeval that has done all its steps; iou_type is "segm" or "bbox"."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools talks a lot
        sides = []
        for annotations in (true_objects, results):
            side = COCO()
            side.dataset = {**shared, "annotations": annotations}
            side.createIndex()
            sides.append(side)
        run = COCOeval(*sides, iou_type)
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run


def class_names(run):
    """The class of each column of what a COCOeval holds, by id."""
    return [run.cocoGt.cats[id]["name"] for id in run.params.catIds]


def row_of(run, iou):
    """Where a COCOeval keeps the numbers of an IoU; ValueError if COCO does not ask about it."""
    rows = np.flatnonzero(np.isclose(run.params.iouThrs, iou))
    require(len(rows) == 1, f"iou must be one of .5, .55, … .95, as COCO has them, got {iou}")
    return rows[0]
