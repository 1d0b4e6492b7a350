"""How far can a number be trusted? What chance does to an AP, and what a score is worth.

Both start from what `evaluation.match` returned; helpers/evaluation/charts.py draws them.
"""

from typing import NamedTuple

import numpy as np

from helpers.evaluation.ap import METRICS, row_of
from helpers.structures import require


def bootstrap(matched, kind="mask", metric="AP", num=200, seed=0):
    """The AP of `num` other sets of as many images, drawn from these with replacement.

    How far it scatters is how far chance, in the choice of images, can have moved the AP. Two
    detectors that were matched on the same images get the same sets: subtract their results to
    see whether one is better.

    Args:
        matched: from `evaluation.match`.
        kind: "mask" or "box".
        metric: one of `evaluation.METRICS`.
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
    classes = _classes(matched[kind], rows, area=max(METRICS.index(metric) - 2, 0))
    num_images = len(matched["box"].params.imgIds)
    sets = np.random.default_rng(seed).integers(0, max(num_images, 1), (num, num_images))
    return np.array([_mean_precision(classes, images) for images in np.sort(sets)])


class _Class(NamedTuple):
    """What became of one class's I images, and of its D detections in them, image by image."""

    num_found: np.ndarray  # (I,)
    num_true: np.ndarray  # (I,)
    scores: np.ndarray  # (D,)
    right: np.ndarray  # (T, D) bool, at T thresholds of IoU
    wrong: np.ndarray  # (T, D) bool; neither: of another size than asked for


def _classes(run, rows, area=0):
    """A `_Class` for each class of a COCOeval; none without one, or without images."""
    if run is None or not run.params.imgIds:
        return []
    num, areas = len(run.params.imgIds), len(run.params.areaRng)
    nothing = {name: np.zeros((10, 0)) for name in ("dtMatches", "dtIgnore")}
    nothing |= {name: np.zeros(0) for name in ("dtScores", "gtIgnore")}
    classes = []
    for first in range(area * num, len(run.evalImgs), areas * num):
        cells = [cell or nothing for cell in run.evalImgs[first : first + num]]
        join = lambda name: np.concatenate([cell[name] for cell in cells], axis=-1)  # noqa: B023, E731
        hit, counts = join("dtMatches")[rows] > 0, join("dtIgnore")[rows] == 0
        num_found = np.array([len(cell["dtScores"]) for cell in cells])
        num_true = np.array([np.sum(np.equal(cell["gtIgnore"], 0)) for cell in cells])
        classes.append(_Class(num_found, num_true, join("dtScores"), hit & counts, ~hit & counts))
    return classes


def _mean_precision(classes, images):
    """What COCO's `accumulate` and `summarize` say of some images (I,), which may repeat."""
    values, recalls = [], np.linspace(0, 1, 101)
    for one in classes:
        total, length = one.num_true[images].sum(), one.num_found[images]
        if total == 0:
            continue
        shift = np.cumsum(one.num_found)[images] - np.cumsum(length)  # from the new list to the old
        order = np.arange(length.sum()) + np.repeat(shift, length)
        order = order[np.argsort(-one.scores[order], kind="stable")]
        right, wrong = (np.cumsum(side[:, order], axis=1) for side in (one.right, one.wrong))
        precision = right / (right + wrong + np.spacing(1))
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        best = np.pad(best, ((0, 0), (0, 1)))  # 0 at a recall that is never reached
        at = [np.searchsorted(recall, recalls) for recall in right / total]
        values.append(np.take_along_axis(best, np.array(at), axis=1).mean())
    return np.mean(values) if values else np.nan


def interval(values, share=0.95):
    """From where to where the middle `share` (0..1) of the values lies, NaN left out.

    Args:
        values: (N,) float, from `bootstrap`.

    Returns:
        (low, high), or None if no value is left.
    """
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    edges = [(1 - share) / 2, (1 + share) / 2]
    return tuple(np.quantile(values, edges).tolist()) if len(values) else None


def calibration(matched, kind="mask", iou=0.5, num_bins=10):
    """Is a score of .8 right in 8 of 10 cases?

    Args:
        matched: from `evaluation.match`.
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
    sums = np.array([np.bincount(bins, values, num_bins) for values in (scores, right)])
    score, share = np.where(num > 0, sums / np.maximum(num, 1), np.nan)
    error = float(abs(sums[0] - sums[1]).sum() / num.sum()) if len(scores) else None
    return {"num": num, "score": score, "right": share, "error": error}
