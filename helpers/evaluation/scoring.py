"""A detector, pictures with their truth: how good is it on these?"""

from helpers.evaluation.ap import evaluate, rounded
from helpers.evaluation.errors import error_kinds


def score(detector, pictures):
    """AP and kinds of error of a detector on some pictures.

    Args:
        detector: a Detector; every score counts, whatever its threshold.
        pictures: sequence of (image (H, W, 3) uint8, Detections).

    Returns:
        What `evaluate` returns, "errors" (see `error_kinds`) and "images", how many there are;
        rounded.
    """
    detector = detector.with_threshold(0.0)
    truth, detections = [], []
    for index in progress(range(len(pictures))):
        image, true = pictures[index]
        truth.append(true)
        detections.append(detector(image))
    return summary(truth, detections)


def summary(truth, detections):
    """What `score` returns, of lists of Detections."""
    result = evaluate(truth, detections)
    result["errors"] = error_kinds(truth, detections)
    result["images"] = len(truth)
    return rounded(result)


def progress(pictures):
    """The pictures one after the other, with a bar where that takes longer than five seconds."""
    from tqdm.auto import tqdm

    return tqdm(pictures, desc="scoring", unit="picture", delay=5, leave=False, disable=None)
