"""Several detectors as one, where a file or a page tells of the results of all."""

from types import SimpleNamespace


def together(detectors):
    """What is said of some detectors at once: name, categories, score_threshold and card.

    Args:
        detectors: list of Detector, at least one. Where they know the same id of a category, it
            must have the same name.

    Returns:
        The detector itself, if there is but one.
    """
    if len(detectors) == 1:
        return detectors[0]
    categories = {}
    for detector in detectors:
        categories |= detector.categories
    return SimpleNamespace(
        name=" and ".join(detector.name for detector in detectors),
        categories=dict(sorted(categories.items())),
        score_threshold=detectors[0].score_threshold,
        card={},
    )
