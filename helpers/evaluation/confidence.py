"""How far can a number be trusted? What chance does to an AP, and what a score is worth.

Both start from what `match` returned; helpers/evaluation/charts.py draws them.
"""

from typing import NamedTuple

import numpy as np

from helpers.evaluation.matching import METRICS, row_of
from helpers.structures import require

RECALLS = np.linspace(0, 1, 101)  # where COCO looks at the precision


def bootstrap(matched, kind="mask", metric="AP", num=200, seed=0):
    """The AP of `num` other sets of as many images, drawn from these with replacement.

    How far it scatters is how far chance, in the choice of images, can have moved the AP. Two
    detectors that were matched on the same images get the same sets: subtract their results to
    see whether one is better.

    Args:
        matched: from `match`.
        kind: "mask" or "box".
        metric: one of `matching.METRICS`.
        num: how many sets.
        seed: of the choice; the same seed, the same sets.

    Returns:
        (num,) float, see `interval`. NaN for a set without any true object that counts;
        throughout if there is none at all, or no masks.

    Raises:
        ValueError: there is no such metric.

    Source: Efron, "Bootstrap methods: another look at the jackknife", 1979.
    """
    require(metric in METRICS, f"metric must be one of {METRICS}, got {metric!r}")
    rows = {"AP50": [0], "AP75": [5]}.get(metric, slice(None))
    area = max(METRICS.index(metric) - 2, 0)  # pycocotools: all sizes, small, medium, large
    classes = _classes(matched[kind], rows, area)
    num_images = len(matched["box"].params.imgIds)
    sets = np.random.default_rng(seed).integers(0, max(num_images, 1), (num, num_images))
    return np.array([_mean_precision(classes, images) for images in np.sort(sets)])


class _Class(NamedTuple):
    """What became of one class's I images, and of its D detections in them, image by image."""

    num_detections: np.ndarray  # (I,)
    num_true: np.ndarray  # (I,)
    scores: np.ndarray  # (D,)
    right: np.ndarray  # (T, D) bool, at T thresholds of IoU
    wrong: np.ndarray  # (T, D) bool; neither: of another size than asked for


NOTHING = {  # what pycocotools says of an image without objects and detections
    "dtMatches": np.zeros((10, 0)),
    "dtIgnore": np.zeros((10, 0)),
    "dtScores": np.zeros(0),
    "gtIgnore": np.zeros(0),
}


def _classes(run, rows, area=0):
    """A `_Class` for each class of a COCOeval; none without one, or without images."""
    if run is None or not run.params.imgIds:
        return []
    num_images, num_areas = len(run.params.imgIds), len(run.params.areaRng)
    classes = []
    # evalImgs is a list over classes, then sizes, then images.
    for first in range(area * num_images, len(run.evalImgs), num_areas * num_images):
        images = [image or NOTHING for image in run.evalImgs[first : first + num_images]]
        hit = _joined(images, "dtMatches")[rows] > 0
        counts = _joined(images, "dtIgnore")[rows] == 0
        classes.append(
            _Class(
                num_detections=np.array([len(image["dtScores"]) for image in images]),
                num_true=np.array([np.sum(np.equal(image["gtIgnore"], 0)) for image in images]),
                scores=_joined(images, "dtScores"),
                right=hit & counts,
                wrong=~hit & counts,
            )
        )
    return classes


def _joined(images, name):
    """One field of all images, side by side."""
    return np.concatenate([image[name] for image in images], axis=-1)


def _mean_precision(classes, images):
    """What COCO's `accumulate` and `summarize` say of some images (I,), which may repeat."""
    values = []
    for one in classes:
        num_true = one.num_true[images].sum()
        if num_true == 0:
            continue
        order = _detections_of(one, images)
        order = order[np.argsort(-one.scores[order], kind="stable")]
        right = np.cumsum(one.right[:, order], axis=1)
        wrong = np.cumsum(one.wrong[:, order], axis=1)
        precision = right / (right + wrong + np.spacing(1))
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        best = np.pad(best, ((0, 0), (0, 1)))  # 0 at a recall that is never reached
        at = [np.searchsorted(recall, RECALLS) for recall in right / num_true]
        values.append(np.take_along_axis(best, np.array(at), axis=1).mean())
    return np.mean(values) if values else np.nan


def _detections_of(one, images):
    """The numbers of a `_Class`'s detections in some images, in the order of the images."""
    lengths = one.num_detections[images]
    first = np.cumsum(one.num_detections)[images] - lengths  # in the list of all images
    first_here = np.cumsum(lengths) - lengths  # in the new list
    return np.arange(lengths.sum()) + np.repeat(first - first_here, lengths)


def interval(values, share=0.95):
    """From where to where the middle `share` (0..1) of the values lies, NaN left out.

    Args:
        values: (N,) float, from `bootstrap`.

    Returns:
        (low, high), or None if no value is left.
    """
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    low, high = np.quantile(values, [(1 - share) / 2, (1 + share) / 2]).tolist()
    return low, high


def calibration(matched, kind="mask", iou=0.5, num_bins=10):
    """Is a score of .8 right in 8 of 10 cases?

    Args:
        matched: from `match`.
        kind: "mask" or "box".
        iou: from which on a detection is right, one of .5, .55, … .95.
        num_bins: equal parts of the scores 0..1.

    Returns:
        {"num": (num_bins,) int, detections with such a score; "score": (num_bins,) their mean
        score; "right": (num_bins,) the share of them that is right, both NaN where there are none;
        "error": the expected calibration error, how far the two are apart in the mean over all
        detections, 0..1, or None without detections or masks}.

    Raises:
        ValueError: COCO does not ask about that IoU.

    Source: Guo et al., "On calibration of modern neural networks", 2017, section 2.
    """
    classes = _classes(matched[kind], [row_of(matched["box"], iou)])
    scores = np.concatenate([np.zeros(0), *(one.scores for one in classes)])
    right = np.concatenate([np.zeros(0), *(one.right[0] for one in classes)])
    bins = np.minimum((scores * num_bins).astype(int), num_bins - 1)
    num = np.bincount(bins, minlength=num_bins)
    sum_of_scores = np.bincount(bins, scores, num_bins)
    sum_of_right = np.bincount(bins, right, num_bins)
    error = None
    if len(scores):
        error = float(abs(sum_of_scores - sum_of_right).sum() / num.sum())
    return {
        "num": num,
        "score": np.where(num > 0, sum_of_scores / np.maximum(num, 1), np.nan),
        "right": np.where(num > 0, sum_of_right / np.maximum(num, 1), np.nan),
        "error": error,
    }
