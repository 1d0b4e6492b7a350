"""The X-rays of a picture's objects on the page, for models whose stages can be looked at."""

import html

import cv2
import numpy as np

from helpers.job.page import save_preview

WIDTH = 480  # pixels of a step's picture
A_PIXEL = 0.01  # what a pixel counts beside a score, where the same box is looked for
ROOM = 2**29  # bytes that must be free: twice what the stages of a picture took


def can_xray(detector) -> bool:
    """Whether the detector's network is a Mask R-CNN of ours, with a proposal for each box."""
    model = getattr(detector, "model", None)
    if model is None:
        return False
    from helpers.mask_rcnn import MaskRCNN

    return isinstance(model, MaskRCNN)


def has_room() -> bool:
    """Whether memory for X-rays is free: without it TensorFlow may end the process."""
    try:
        np.empty(ROOM, np.uint8)
    except MemoryError:
        return False
    return True


def make_xrays(detector, image, detections, out, name, key) -> list[str]:
    """The ways back of a picture's objects as HTML, each to open from the object.

    Args:
        detector: see `can_xray`.
        image: (H, W, 3) uint8 RGB.
        detections: what the detector said of it.
        out: folder of the page; the steps' pictures go into its subfolder page.
        name: of the result.
        key: id of the picture on the page.
    """
    from helpers.lessons import walk_back
    from helpers.mask_rcnn import letterbox

    model = detector.model
    canvas, scale = letterbox(image, model.config.image_size)
    stages = model(canvas[None], training=False)
    made = []
    for i, label in enumerate(detections.names):
        index = _row_of(detections, i, stages, scale)
        steps = []
        for step in walk_back(image, stages, model, index, detector.categories):
            place = f"{name}.xray-{i + 1}-{len(steps) + 1}.jpg"
            steps.append(_step(step, place, out))
        title = html.escape(f"#{i + 1} {label}, walked back")
        target = f"{key}-{i + 1}"
        made.append(
            f'<div popover id="{target}"><h3>{title} <button type="button" '
            f'popovertarget="{target}" popovertargetaction="hide">close</button></h3>'
            f'<ol class="steps">{"".join(steps)}</ol></div>\n'
        )
    return made


def _row_of(detections, i, stages, scale) -> int:
    """The row of an object among the stages' final boxes, which may differ by a rounding."""
    boxes, scores = np.asarray(stages.boxes)[0], np.asarray(stages.scores)[0]
    pixels_apart = np.abs(boxes - scale * detections.boxes[i]).max(axis=1)
    return int(np.argmin(np.abs(scores - detections.scores[i]) + A_PIXEL * pixels_apart))


def _step(step, place, out) -> str:
    """A step as an item of a list; its picture is saved for the page."""
    height, width = step.picture.shape[:2]
    width, height = WIDTH, round(WIDTH * height / width)
    picture = cv2.resize(step.picture, (width, height), interpolation=cv2.INTER_AREA)
    address, _ = save_preview(out, place, picture, quality=80)
    text = html.escape(step.text)
    return (
        f'<li><img loading="lazy" width="{width}" height="{height}" src="{address}" alt="{text}">'
        f"<strong>{html.escape(step.name)}</strong>: {text} "
        f'<a href="{step.address}">{step.source}</a></li>\n'
    )
