"""Average precision of boxes and masks, as COCO counts it."""

from helpers.evaluation.matching import METRICS, class_names, match, row_of


def evaluate(truth, detections):
    """COCO average precision of boxes and of masks.

    Args:
        truth: list of Detections, the true objects of each image. One of score 0 is a region to
            leave out: what is found there counts neither way, as COCO does with crowds.
        detections: list of Detections, what was found in the same images. AP looks at every
            score: do not leave out the low ones. Ids may differ: classes are compared by name.

    Returns:
        {"mask": {"AP": …, "AP50": …, "AP75": …, "AP_small": …, …}, "box": {…},
        "per_class": {name: {"mask": AP, "box": AP, "num": true objects}}}. Numbers are 0..1, not
        rounded, and None where nothing can be said: no true object of that size or class, or no
        masks.

    Raises:
        ValueError: the lists differ in length.

    Source: COCO's evaluation code (pycocotools) does the arithmetic.
    """
    return summarize(match(truth, detections))


def summarize(matched):
    """What `evaluate` returns, of what `match` returned."""
    coco = matched["box"].cocoGt
    per_class = {}
    for category_id, category in coco.cats.items():
        per_class[category["name"]] = {
            "num": len(coco.getAnnIds(catIds=[category_id], iscrowd=False))
        }
    result = {"per_class": per_class}
    for kind, run in matched.items():
        if run is None:
            result[kind] = dict.fromkeys(METRICS)
            for row in per_class.values():
                row[kind] = None
            continue
        values = zip(METRICS, run.stats, strict=False)
        result[kind] = {metric: _known(value) for metric, value in values}
        for i, name in enumerate(class_names(run)):
            per_class[name][kind] = _known(run.eval["precision"][:, :, i, 0, -1].mean())
    return result


def _known(value):
    """COCO writes -1 where nothing can be said."""
    return None if value < 0 else float(value)


def precision_recall(matched, kind="mask", iou=0.5):
    """How precise the detections still are when the score falls until a share is found.

    Args:
        matched: from `match`.
        kind: "mask" or "box".
        iou: from which on a detection is right, one of .5, .55, … .95.

    Returns:
        {class name: (101,) float, the best precision from recall 0, .01, … 1 on}; 0 where that
        recall is never reached. Their mean is the class's AP at that IoU. Classes without a true
        object are left out; {} if there are none, or no masks.
    """
    run = matched[kind]
    if run is None:
        return {}
    curves = run.eval["precision"][row_of(run, iou), :, :, 0, -1].T
    named = zip(class_names(run), curves, strict=True)
    return {name: curve for name, curve in named if curve[0] >= 0}


def rounded(result, digits=4):
    """The same with every number in it rounded, in dicts and lists too: for cards and tables."""
    if isinstance(result, dict):
        return {key: rounded(value, digits) for key, value in result.items()}
    if isinstance(result, list):
        return [rounded(value, digits) for value in result]
    return round(result, digits) if isinstance(result, float) else result
