"""What three thresholds do to detections."""

import numpy as np

from helpers.drawing import draw_detections
from helpers.lessons.explorer import Explorer, slider
from helpers.structures import Detections, require


def explore_thresholds(
    image, boxes, labels, scores, mask_scores, categories,
    score_threshold=0.5, nms_iou=0.5, mask_threshold=0.5, paste=None,
) -> Explorer:  # fmt: skip
    """Turn raw outputs into detections with three thresholds: score, overlap (NMS), mask.

    Boxes below the score threshold go first. Of boxes of one class that overlap by more than
    `nms_iou` the best stays. A pixel is in a mask from `mask_threshold` on. The still figure shows
    the thresholds as given, and then each of them moved alone.

    Args:
        image: (H, W, 3) uint8 RGB.
        boxes: (N, 4) float32 x1 y1 x2 y2, pixels of the image; any order; N may be 0.
        labels: (N,) int, category ids.
        scores: (N,) float32, 0..1.
        mask_scores: (N, M, M) float32, 0..1, of the box's own class, on a grid over the box.
        categories: {category id: name}.
        score_threshold, nms_iou, mask_threshold: where the sliders stand at first, 0 to 1.
        paste: (mask_scores, boxes, image_size, threshold) -> (N, H, W) bool, for masks that are put
            back in another way; None is `paste_masks`.

    Returns:
        An Explorer: `view(score_threshold=0.5, nms_iou=0.5, mask_threshold=0.5)`.

    Raises:
        ValueError: lengths differ, a label is unknown, or the image is not RGB uint8.
    """
    from helpers.mask_rcnn.boxes import nms  # here, since Keras takes seconds to import
    from helpers.mask_rcnn.mask_head import paste_masks

    paste = paste or paste_masks
    mask_scores = np.asarray(mask_scores)
    height, width = image.shape[:2]
    raw = Detections(boxes, labels, scores, (height, width), categories)
    same = len(raw) == len(mask_scores)
    require(same, f"{len(raw)} boxes need as many mask_scores, got {len(mask_scores)}")
    order = np.argsort(-raw.scores, kind="stable")
    raw, mask_scores = raw[order], mask_scores[order]
    apart = _boxes_apart_by_class(raw)

    def view(score_threshold, nms_iou, mask_threshold):
        is_good = raw.scores >= score_threshold
        keep = np.flatnonzero(np.asarray(nms(apart[None], is_good[None], nms_iou))[0])
        masks = paste(mask_scores[keep], raw.boxes[keep], (height, width), mask_threshold)
        inside = np.clip(raw.boxes[keep], 0, (width, height, width, height))
        detections = raw[keep].replace(masks=masks, boxes=inside)
        text = (
            f"{is_good.sum()} of {len(raw)} boxes score {score_threshold:.2f} or more. NMS at IoU "
            f"{nms_iou:.2f} leaves {len(detections)}. Their masks, from {mask_threshold:.2f} on, "
            f"cover {detections.masks.any(axis=0).mean():.1%} of the picture."
        )
        return draw_detections(image, detections), text

    start = {
        "score_threshold": score_threshold,
        "nms_iou": nms_iou,
        "mask_threshold": mask_threshold,
    }
    cases = [
        start,
        start | {"score_threshold": 0.1},
        start | {"nms_iou": 0.9},
        start | {"mask_threshold": 0.95},
    ]
    controls = {
        "score_threshold": slider(score_threshold, "score at least"),
        "nms_iou": slider(nms_iou, "NMS above IoU"),
        "mask_threshold": slider(mask_threshold, "mask at least"),
    }
    return Explorer(view, cases, controls)


def _boxes_apart_by_class(detections):
    """The boxes of each class on an island of its own, where they meet none of another class."""
    class_numbers = np.searchsorted(sorted(detections.categories), detections.labels)
    distance = 2 * np.abs(detections.boxes).max(initial=1)
    return detections.boxes + distance * class_numbers[:, None]
