"""What is wrong with detections, from one score on: kinds of error, confusion, worst pictures.

`truth` and `detections` are lists of Detections, one for each picture, in the same order. Classes
are the same if their names are. A true object of score 0 is a region to leave out, such as a crowd.
"""

import numpy as np

from helpers.evaluation.matching import common_ids, renumbered, require_pairs
from helpers.structures import box_iou, mask_iou

KINDS = ("right", "wrong_class", "duplicate", "badly_cut", "background", "missed")
NEAR = 0.1  # IoU from which on a detection means an object, though it does not fit it


def error_kinds(truth, detections, score_threshold=0.5, iou=0.5):
    """Sort detections by what is wrong with them, best score first; each true object counts once.

    Args:
        truth, detections: lists of Detections of the same images; boxes are compared where there
            are no masks.
        score_threshold: detections below it are left out.
        iou: IoU from which a detection is right.

    Returns:
        {"right", "wrong_class" (it fits an object of another name), "duplicate" (an object found
        before), "badly_cut" (IoU .1 to `iou`), "background" (IoU below .1), "missed" (true
        objects that nothing found rightly)}: counts.

    Raises:
        ValueError: the lists differ in length.
    """
    counts = dict.fromkeys(KINDS, 0)
    for true, detected, overlaps, partners in _pairs(truth, detections, score_threshold, iou):
        for i in range(len(detected)):
            counts[_kind(overlaps[i], detected.labels[i], partners[i], true.labels, iou)] += 1
        counts["missed"] += len(true) - int((partners >= 0).sum())
    return counts


def _kind(overlaps, label, partner, true_labels, iou):
    """What is wrong with one detection; `overlaps` (M,) are its IoU with each true object."""
    if partner >= 0:
        return "right"
    fits = overlaps >= iou
    if fits.any():
        return "duplicate" if label in true_labels[fits] else "wrong_class"
    return "badly_cut" if (overlaps >= NEAR).any() else "background"


def confusion(truth, detections, score_threshold=0.5, iou=0.5):
    """Which class was taken for which.

    What fits an object of its own name is paired first, best score first, then the rest with what
    is left, whatever its name.

    Args:
        truth, detections, score_threshold, iou: see `error_kinds`.

    Returns:
        names of the K classes that occur, by id, and the matrix (K + 1, K + 1) int: row, what is
        there, the last one nothing; column, as what it was found, the last one not at all.

    Raises:
        ValueError: the lists differ in length.
    """
    pairs = list(_pairs(truth, detections, score_threshold, iou))
    names = {}
    for true, detected, *_ in pairs:
        for side in (true, detected):
            names.update(zip(side.labels.tolist(), side.names, strict=True))
    ids = sorted(names)
    nothing = len(ids)  # the last row and the last column
    matrix = np.zeros((nothing + 1, nothing + 1), int)
    for true, detected, overlaps, partners in pairs:
        partners = _assign(overlaps, overlaps >= iou, partners)
        for label, partner in zip(detected.labels, partners, strict=True):
            row = ids.index(true.labels[partner]) if partner >= 0 else nothing
            matrix[row, ids.index(label)] += 1
        for missed in set(range(len(true))) - set(partners.tolist()):
            matrix[ids.index(true.labels[missed]), nothing] += 1
    return [names[id] for id in ids], matrix


def worst_pictures(truth, detections, num=4, score_threshold=0.5, iou=0.5):
    """Where most is wrong: look at these pictures first.

    Args:
        truth, detections, score_threshold, iou: see `error_kinds`.
        num: how many pictures at most; those without a mistake are left out.

    Returns:
        [(place in the lists, kinds of error there)], most mistakes first.

    Raises:
        ValueError: the lists differ in length.
    """
    require_pairs(truth, detections)
    worst = []
    for i, (true, detected) in enumerate(zip(truth, detections, strict=True)):
        kinds = error_kinds([true], [detected], score_threshold, iou)
        if _mistakes(kinds):
            worst.append((i, kinds))
    worst.sort(key=lambda entry: -_mistakes(entry[1]))
    return worst[:num]


def _mistakes(kinds):
    return sum(kinds.values()) - kinds["right"]


def _pairs(truth, detections, score_threshold, iou):
    """Compare image by image.

    Yields:
        the M true objects; the N detections that score enough, best first, without those that
        stand for none and lie in a region to leave out; their IoU (N, M) with each true object;
        and the one that each stands for, of its name, or -1: each counts once.
    """
    require_pairs(truth, detections)
    ids = common_ids(truth, detections)
    truth, detections = renumbered(truth, ids), renumbered(detections, ids)
    for true, detected in zip(truth, detections, strict=True):
        regions, true = true[true.scores == 0], true[true.scores > 0]
        detected = detected[np.argsort(-detected.scores, kind="stable")]
        detected = detected[detected.scores >= score_threshold]
        overlaps = _overlaps(detected, true)
        fits = (overlaps >= iou) & (detected.labels[:, None] == true.labels)
        partners = _assign(overlaps, fits, np.full(len(detected), -1))
        counts = (partners >= 0) | ~_is_inside(detected, regions, iou)
        yield true, detected[counts], overlaps[counts], partners[counts]


def _overlaps(detected, true):
    """IoU (N, M) of masks, or of boxes where there are no masks."""
    if detected.masks is not None and true.masks is not None:
        return mask_iou(detected.masks, true.masks)
    return box_iou(detected.boxes, true.boxes)


def _is_inside(detected, regions, share):
    """Which detections lie, by this share or more, in a region of their name: (N,) bool."""
    if detected.masks is not None and regions.masks is not None:
        overlaps = np.array([(regions.masks & mask).sum((1, 2)) for mask in detected.masks])
        areas = detected.masks.sum((1, 2))
    else:
        low = np.maximum(detected.boxes[:, None, :2], regions.boxes[:, :2])
        high = np.minimum(detected.boxes[:, None, 2:], regions.boxes[:, 2:])
        overlaps = np.maximum(high - low, 0).prod(-1)
        areas = (detected.boxes[:, 2:] - detected.boxes[:, :2]).prod(-1)
    shares = overlaps.reshape(len(detected), len(regions)) / np.maximum(areas, 1e-9)[:, None]
    return ((shares >= share) & (detected.labels[:, None] == regions.labels)).any(1)


def _assign(overlaps, fits, partners):
    """Give each detection without a partner the best of those that fit and are free."""
    partners = partners.copy()
    free = ~np.isin(np.arange(overlaps.shape[1]), partners)
    for i in np.flatnonzero(partners < 0):
        candidates = np.where(fits[i] & free, overlaps[i], -1)
        if candidates.max(initial=-1) >= 0:
            partners[i] = candidates.argmax()
            free[partners[i]] = False
    return partners
