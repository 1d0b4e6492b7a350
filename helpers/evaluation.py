"""How good is a detector? Box and mask AP by pycocotools, and the kinds of error behind them."""

import contextlib
import io

import numpy as np

from helpers.structures import mask_iou, require

METRICS = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")


def evaluate(truth, found):
    """COCO average precision of boxes and of masks.

    Args:
        truth: list of Detections, the true objects of each image, with masks.
        found: list of Detections, what was found in the same images, with masks.

    Returns:
        {"mask": {"AP": …, "AP50": …, "AP75": …, "AP_small": …, …}, "box": {…},
        "per_class": {name: {"mask": AP, "box": AP, "num": true objects}}}. Numbers are 0..1, and
        None where nothing can be said: no true object of that size or class.

    Raises:
        ValueError: the lists differ in length, or an image has no masks.

    Source: COCO's evaluation code (pycocotools) does the arithmetic.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    require(len(truth) == len(found), f"{len(truth)} images with truth, {len(found)} with results")
    has_masks = all(d.masks is not None for d in (*truth, *found))
    require(has_masks, "evaluate needs masks in every image, in truth and in results")
    categories = {k: v for image in truth for k, v in image.categories.items()}
    result = {"per_class": {name: {} for name in categories.values()}}
    if not any(len(image) for image in truth):
        return {"mask": dict.fromkeys(METRICS), "box": dict.fromkeys(METRICS), "per_class": {}}
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools talks a lot
        coco, results = COCO(), COCO()
        coco.dataset, results.dataset = _dataset(truth, categories), _dataset(found, categories)
        coco.createIndex()
        results.createIndex()
        for kind, name in (("segm", "mask"), ("bbox", "box")):
            run = COCOeval(coco, results, kind)
            run.evaluate()
            run.accumulate()
            run.summarize()
            values = [None if v < 0 else round(float(v), 4) for v in run.stats[:6]]
            result[name] = dict(zip(METRICS, values, strict=True))
            for i, category in enumerate(run.params.catIds):
                precision = run.eval["precision"][:, :, i, 0, -1]
                ap = round(float(precision.mean()), 4) if precision.max() >= 0 else None
                result["per_class"][categories[category]][name] = ap
    for category, name in categories.items():
        num = sum(int((image.labels == category).sum()) for image in truth)
        result["per_class"][name]["num"] = num
    return result


def _dataset(images, categories):
    """A list of Detections as one COCO dataset."""
    annotations = []
    for image_id, image in enumerate(images, 1):
        for record in image.to_coco(image_id):
            annotations.append({**record, "id": len(annotations) + 1, "iscrowd": 0})
    sizes = [image.image_size for image in images]
    return {
        "images": [{"id": i, "height": h, "width": w} for i, (h, w) in enumerate(sizes, 1)],
        "annotations": annotations,
        "categories": [{"id": key, "name": name} for key, name in categories.items()],
    }


def error_kinds(truth, found, score_threshold=0.5, iou=0.5):
    """Sort detections by what is wrong with them, best score first; each true object counts once.

    Args:
        truth, found: lists of Detections of the same images, with masks.
        score_threshold: detections below it are left out.
        iou: mask IoU from which a detection is right.

    Returns:
        {"right", "wrong_class" (a fitting mask, another name), "duplicate" (an object found
        before), "badly_cut" (IoU .1 to `iou`), "background" (IoU below .1), "missed" (true
        objects that nothing found rightly)}: counts.
    """
    kinds = dict.fromkeys(
        ("right", "wrong_class", "duplicate", "badly_cut", "background", "missed"), 0
    )
    for true, image in zip(truth, found, strict=True):
        image = image[image.scores >= score_threshold]
        image = image[np.argsort(-image.scores, kind="stable")]
        overlaps = mask_iou(image.masks, true.masks)
        taken = np.zeros(len(true), bool)
        for i in range(len(image)):
            row = overlaps[i]
            same = (row >= iou) & (true.labels == image.labels[i])
            if (same & ~taken).any():
                taken[np.argmax(np.where(same & ~taken, row, -1))] = True
                kinds["right"] += 1
            elif same.any():
                kinds["duplicate"] += 1
            elif (row >= iou).any():
                kinds["wrong_class"] += 1
            else:
                kinds["badly_cut" if (row >= 0.1).any() else "background"] += 1
        kinds["missed"] += int((~taken).sum())
    return kinds
