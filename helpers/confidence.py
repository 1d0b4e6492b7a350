"""How much can you trust a number? What chance does to an AP, and what a score is worth.

Both start from what `evaluation.match` returned. helpers/charts.py draws them.
"""

import numpy as np

from helpers.evaluation import METRICS, row_of
from helpers.structures import require


def bootstrap(matched, kind="mask", metric="AP", num=200, seed=0):
    """The AP of `num` other sets of as many images, drawn from these with replacement.

    How far it scatters is how far chance, in the choice of images, can have moved the AP. Two
    detectors that were matched on the same images get the same sets: subtract their results to
    see whether one is better.

    Args:
        matched: from `match`.
        kind: "mask" or "box".
        metric: one of `METRICS`.
        num: how many sets.
        seed: of the choice; the same seed, the same sets.

    Returns:
        (num,) float, see `interval`; NaN for a set without any true object that counts, and
        throughout if there is none or no masks.

    Source: Efron, "Bootstrap methods: another look at the jackknife", 1979.
    """
    require(metric in METRICS, f"metric must be one of {METRICS}, got {metric!r}")
    run, num_images = matched[kind], len(matched["box"].params.imgIds)
    if run is None or not num_images:
        return np.full(num, np.nan)
    sets = np.sort(np.random.default_rng(seed).integers(0, num_images, (num, num_images)))
    rows = {"AP50": [0], "AP75": [5]}.get(metric, slice(None))
    area = max(METRICS.index(metric) - 2, 0)  # all, small, medium, large
    classes = [_matches_of(run, i, area, rows) for i in range(len(run.params.catIds))]
    recalls = run.params.recThrs
    return np.array([_mean_precision(classes, images, recalls) for images in sets])


def _matches_of(run, category, area, rows):
    """One class: (I,) detections and true objects of each image; then of all detections, image by
    image, scores (D,), and whether each is right, or wrong, at each IoU (T, D)."""
    num = len(run.params.imgIds)
    first = (category * len(run.params.areaRng) + area) * num
    nothing = {"dtScores": [], "gtIgnore": [], "dtMatches": np.zeros((10, 0))}
    nothing["dtIgnore"] = nothing["dtMatches"]
    cells = [cell or nothing for cell in run.evalImgs[first : first + num]]
    join = lambda name: np.concatenate([cell[name] for cell in cells], axis=-1)  # noqa: E731
    hit, counts = join("dtMatches")[rows] > 0, join("dtIgnore")[rows] == 0
    lengths = np.array([len(cell["dtScores"]) for cell in cells])
    num_true = np.array([np.sum(np.equal(cell["gtIgnore"], 0)) for cell in cells])
    return lengths, num_true, join("dtScores"), hit & counts, ~hit & counts


def _mean_precision(classes, images, recalls):
    """What COCO's `accumulate` and `summarize` say of some images (I,), which may repeat."""
    values = []
    for lengths, num_true, scores, right, wrong in classes:
        total, length = num_true[images].sum(), lengths[images]
        if total == 0:
            continue
        first = np.cumsum(lengths)[images] - length  # where the detections of each image begin
        order = np.arange(length.sum()) + np.repeat(first - np.cumsum(length) + length, length)
        order = order[np.argsort(-scores[order], kind="stable")]
        right, wrong = (np.cumsum(side[:, order], axis=1, dtype=float) for side in (right, wrong))
        precision = right / (right + wrong + np.spacing(1))
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        best = np.pad(best, ((0, 0), (0, 1)))  # a recall that is never reached
        at = [np.searchsorted(recall, recalls) for recall in right / total]
        values.append(np.take_along_axis(best, np.array(at), axis=1).mean())
    return np.mean(values) if values else np.nan


def interval(values, share=0.95):
    """From where to where the middle `share` of the values lies.

    Args:
        values: (N,) float, from `bootstrap`; NaN is left out.
        share: 0..1.

    Returns:
        (low, high), or None if no value is left.
    """
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    if not len(values):
        return None
    low, high = np.quantile(values, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def calibration(matched, kind="mask", iou=0.5, num_bins=10):
    """Is a score of .8 right in 8 of 10 cases?

    Args:
        matched: from `match`.
        kind: "mask" or "box".
        iou: from which on a detection is right, one of .5, .55, … .95.
        num_bins: equal parts of the scores 0..1.

    Returns:
        {"num": (num_bins,) int, detections with such a score; "score": (num_bins,) their mean
        score; "right": (num_bins,) the share of them that is right; both NaN where there are none;
        "error": the expected calibration error, the mean distance of the two over all detections,
        0..1, or None without detections or masks}.

    Source: Guo et al., "On calibration of modern neural networks", 2017, section 2.
    """
    run = matched[kind]
    scores, right = np.zeros(0), np.zeros(0, bool)
    if run is not None and run.params.catIds:
        row = [row_of(run, iou)]
        columns = [_matches_of(run, i, 0, row) for i in range(len(run.params.catIds))]
        scores = np.concatenate([column[2] for column in columns])
        right = np.concatenate([column[3][0] for column in columns])
    bins = np.minimum((scores * num_bins).astype(int), num_bins - 1)
    num = np.bincount(bins, minlength=num_bins)
    with np.errstate(invalid="ignore"):
        sums = (np.bincount(bins, weights, num_bins) / num for weights in (scores, right))
        score, share = sums
    gap = np.nansum(num * abs(score - share)) / len(scores) if len(scores) else None
    return {"num": num, "score": score, "right": share, "error": gap}
