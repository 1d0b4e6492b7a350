"""How good is a detector? Box and mask AP by pycocotools, and the kinds of error behind them.

    matched = match(truth, found)           # pycocotools compares, once; what follows only counts
    summarize, precision_recall             # of what it matched; more in confidence.py
    error_kinds, confusion, worst_pictures  # of truth and found, from one score on

`truth` and `found` are lists of Detections, one for each picture, in the same order. Where either
has boxes without masks, whatever is said of masks is None.
"""

import contextlib
import io

import numpy as np

from helpers.structures import box_iou, mask_iou, require

METRICS = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")
KINDS = ("right", "wrong_class", "duplicate", "badly_cut", "background", "missed")


def evaluate(truth, found):
    """COCO average precision of boxes and of masks.

    Args:
        truth: list of Detections, the true objects of each image.
        found: list of Detections, what was found in the same images. AP looks at every score: do
            not leave out the low ones.

    Returns:
        {"mask": {"AP": …, "AP50": …, "AP75": …, "AP_small": …, …}, "box": {…},
        "per_class": {name: {"mask": AP, "box": AP, "num": true objects}}}. Numbers are 0..1, not
        rounded, and None where nothing can be said: no true object of that size or class, or no
        masks.

    Raises:
        ValueError: the lists differ in length.

    Source: COCO's evaluation code (pycocotools) does the arithmetic.
    """
    return summarize(match(truth, found))


def match(truth, found):
    """Find out which detection stands for which true object, at each IoU from .5 to .95.

    Args:
        truth, found: see `evaluate`.

    Returns:
        {"mask": COCOeval, or None if masks are missing, "box": COCOeval}: pycocotools' own
        objects, accumulated. The size of a true object is that of its mask, if it has one; that
        of a detection is its mask's or its box's, whichever is judged.

    Raises:
        ValueError: the lists differ in length.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    _require_pairs(truth, found)
    has_masks = all(image.masks is not None or not len(image) for image in (*truth, *found))
    names = {id: name for image in truth for id, name in image.categories.items()}
    sizes = [image.image_size for image in truth]
    head = {
        "images": [{"id": i, "height": h, "width": w} for i, (h, w) in enumerate(sizes, 1)],
        "categories": [{"id": id, "name": name} for id, name in names.items()],
    }
    true, cut = _annotations(truth), _annotations(found)
    boxed = [{**one, "area": one["bbox"][2] * one["bbox"][3]} for one in cut]
    matched = {"mask": None}
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools talks a lot
        for kind, name, results in [("segm", "mask", cut)] * has_masks + [("bbox", "box", boxed)]:
            sides = COCO(), COCO()
            for side, annotations in zip(sides, (true, results), strict=True):
                side.dataset = {**head, "annotations": annotations}
                side.createIndex()
            matched[name] = COCOeval(*sides, kind)
            matched[name].evaluate()
            matched[name].accumulate()
            matched[name].summarize()
    return matched


def _require_pairs(truth, found):
    require(len(truth) == len(found), f"{len(truth)} images with truth, {len(found)} with results")


def _annotations(images):
    """Lists of Detections as COCO annotations, image ids from 1; nothing is rounded."""
    annotations = []
    for image_id, image in enumerate(images, 1):
        for i, record in enumerate(image.to_coco(image_id)):
            x1, y1, x2, y2 = image.boxes[i].tolist()
            fields = {"bbox": [x1, y1, x2 - x1, y2 - y1], "score": float(image.scores[i])}
            fields |= {"id": len(annotations) + 1, "iscrowd": 0}
            annotations.append({"area": (x2 - x1) * (y2 - y1), **record, **fields})
    return annotations


def summarize(matched):
    """What `evaluate` returns, of what `match` returned."""
    coco = matched["box"].cocoGt
    per_class = {c["name"]: {"num": len(coco.getAnnIds(catIds=[i]))} for i, c in coco.cats.items()}
    result = {"per_class": per_class}
    for kind, run in matched.items():
        values = [-1] * len(METRICS) if run is None else run.stats
        result[kind] = {n: _known(v) for n, v in zip(METRICS, values, strict=False)}
        for i, name in enumerate(class_names(run or matched["box"])):
            ap = -1 if run is None else run.eval["precision"][:, :, i, 0, -1].mean()
            per_class[name][kind] = _known(ap)
    return result


def rounded(result, digits=4):
    """The same with every number in it rounded, in dicts and lists too: for cards and tables."""
    if isinstance(result, dict):
        return {key: rounded(value, digits) for key, value in result.items()}
    if isinstance(result, list):
        return [rounded(value, digits) for value in result]
    return round(result, digits) if isinstance(result, float) else result


def _known(value):
    """COCO writes -1 where nothing can be said."""
    return None if value < 0 else float(value)


def class_names(run):
    """The class of each column of what a COCOeval holds, by id."""
    return [run.cocoGt.cats[id]["name"] for id in run.params.catIds]


def row_of(run, iou):
    """Where a COCOeval keeps the numbers of an IoU; ValueError if COCO does not ask about it."""
    rows = np.flatnonzero(np.isclose(run.params.iouThrs, iou))
    require(len(rows) == 1, f"iou must be one of .5, .55, … .95, as COCO has them, got {iou}")
    return rows[0]


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
    return {n: curve for n, curve in zip(class_names(run), curves, strict=True) if curve[0] >= 0}


def _pairs(truth, found, score_threshold, iou):
    """Image by image: the true objects; the detections that score enough, best first; their IoU
    (N, M) with each true object; the one each stands for, of its name, or -1: each counts once."""
    _require_pairs(truth, found)
    for true, image in zip(truth, found, strict=True):
        image = image[np.argsort(-image.scores, kind="stable")]
        image = image[image.scores >= score_threshold]
        if image.masks is not None and true.masks is not None:
            overlaps = mask_iou(image.masks, true.masks)
        else:
            overlaps = box_iou(image.boxes, true.boxes)
        fits = (overlaps >= iou) & (image.labels[:, None] == true.labels)
        yield true, image, overlaps, _assign(overlaps, fits, np.full(len(image), -1))


def _assign(overlaps, fits, partners):
    """Give each detection without a partner the best of those that fit and are free."""
    partners, free = partners.copy(), ~np.isin(np.arange(overlaps.shape[1]), partners)
    for i in np.flatnonzero(partners < 0):
        row = np.where(fits[i] & free, overlaps[i], -1)
        if row.max(initial=-1) >= 0:
            partners[i] = row.argmax()
            free[partners[i]] = False
    return partners


def error_kinds(truth, found, score_threshold=0.5, iou=0.5):
    """Sort detections by what is wrong with them, best score first; each true object counts once.

    Args:
        truth, found: lists of Detections of the same images; boxes are compared where there are
            no masks.
        score_threshold: detections below it are left out.
        iou: IoU from which a detection is right.

    Returns:
        {"right", "wrong_class" (it fits an object of another name), "duplicate" (an object found
        before), "badly_cut" (IoU .1 to `iou`), "background" (IoU below .1), "missed" (true
        objects that nothing found rightly)}: counts.

    Raises:
        ValueError: the lists differ in length.
    """
    kinds = dict.fromkeys(KINDS, 0)
    for true, image, overlaps, partners in _pairs(truth, found, score_threshold, iou):
        for label, row, partner in zip(image.labels, overlaps, partners, strict=True):
            if partner >= 0:
                kind = "right"
            elif (row >= iou).any():
                kind = "duplicate" if label in true.labels[row >= iou] else "wrong_class"
            else:
                kind = "badly_cut" if (row >= 0.1).any() else "background"
            kinds[kind] += 1
        kinds["missed"] += len(true) - int((partners >= 0).sum())
    return kinds


def confusion(truth, found, score_threshold=0.5, iou=0.5):
    """Which class was taken for which.

    What fits an object of its own name is paired first, best score first, then the rest with what
    is left, whatever its name.

    Args:
        truth, found, score_threshold, iou: see `error_kinds`.

    Returns:
        names of the K classes that occur, by id, and the matrix (K + 1, K + 1) int: row, what is
        there, the last one nothing; column, as what it was found, the last one not at all.

    Raises:
        ValueError: the lists differ in length.
    """
    pairs = list(_pairs(truth, found, score_threshold, iou))
    names = {id: name for pair in pairs for side in pair[:2]
             for id, name in zip(side.labels.tolist(), side.names, strict=True)}  # fmt: skip
    ids = sorted(names)
    matrix = np.zeros((len(ids) + 1, len(ids) + 1), int)
    for true, image, overlaps, partners in pairs:
        partners = _assign(overlaps, overlaps >= iou, partners)
        rows = [*np.searchsorted(ids, true.labels), len(ids)]  # partner -1 is the last
        for partner, label in zip(partners, image.labels, strict=True):
            matrix[rows[partner], ids.index(label)] += 1
        for missed in set(range(len(true))) - set(partners.tolist()):
            matrix[rows[missed], -1] += 1
    return [names[id] for id in ids], matrix


def worst_pictures(truth, found, num=4, score_threshold=0.5, iou=0.5):
    """Where most is wrong: look at these pictures first.

    Args:
        truth, found, score_threshold, iou: see `error_kinds`.
        num: how many pictures at most; those without a mistake are left out.

    Returns:
        [(place in the lists, kinds of error there)], most mistakes first.

    Raises:
        ValueError: the lists differ in length.
    """
    _require_pairs(truth, found)
    pairs = zip(truth, found, strict=True)
    kinds = [error_kinds([true], [image], score_threshold, iou) for true, image in pairs]
    mistakes = [sum(kind.values()) - kind["right"] for kind in kinds]
    order = sorted(range(len(kinds)), key=lambda i: -mistakes[i])[:num]
    return [(i, kinds[i]) for i in order if mistakes[i]]
