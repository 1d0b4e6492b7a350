"""A training batch from pictures and their truth, padded: as many slots for each picture."""

import numpy as np

from helpers.mask_rcnn.model import Targets
from helpers.mask_rcnn.partial_labels import PartialTargets
from helpers.structures import require

NUM_SLOTS = 16  # G: slots for objects in a training picture
MAX_SLOTS = 100  # of the fullest pictures; AP looks at no more detections


def slots_for(most):
    """How many objects of a training picture are learnt, where the fullest picture has `most`.

    Twice as many, since objects of another picture may be pasted, but not over `MAX_SLOTS`.
    """
    return min(max(2 * most, NUM_SLOTS), MAX_SLOTS)


def to_targets(pictures, categories=None, num_slots=NUM_SLOTS):
    """A padded batch from pictures and their truth, which tells of every object.

    Args:
        pictures: list of (image (H, W, 3) uint8, Detections with masks), all of one size.
        categories: {id: name} in the order of the network's classes; each truth's own if None.
        num_slots: G.

    Returns:
        Targets, NumPy. Masks of an image may overlap: each object has its own.

    Raises:
        ValueError: there is no picture, they differ in size, a truth has no masks, or more objects
            than there are slots.
    """
    images = _images_of_one_size(pictures)
    boxes, labels, masks = [], [], []
    for _, truth in pictures:
        require(
            len(truth) <= num_slots,
            f"a picture has {len(truth)} objects: num_slots must be as many, got {num_slots}",
        )
        slots = _slots(truth, categories or truth.categories, num_slots)
        boxes.append(slots[0])
        labels.append(slots[1])
        masks.append(slots[2])
    return Targets(images, np.stack(boxes), np.stack(labels), np.stack(masks))


def to_partial_targets(pictures, categories=None, num_slots=NUM_SLOTS):
    """A padded batch from pictures and truth that may tell only a part.

    An object whose mask has no pixel is known by its box alone. One of score 0 is a region to leave
    out, such as a crowd; so is every object for which no slot is left.

    Args:
        pictures: as in `to_targets`; a third entry, if there is one, names the category ids that
            were looked for: of the others there may be objects that the truth does not tell of.
        categories: {id: name} in the order of the network's classes; each truth's own if None.
        num_slots: G, and I, slots for regions. If there are more regions than that, the last slot
            holds them all in one.

    Returns:
        PartialTargets, NumPy.

    Raises:
        ValueError: there is no picture, they differ in size, or a truth has no masks.
    """
    images = _images_of_one_size(pictures)
    boxes, labels, masks, ignored_boxes, labelled = [], [], [], [], []
    for _, truth, *known in pictures:
        ids = list(categories or truth.categories)
        objects = truth[truth.scores > 0]
        slots = _slots(objects[:num_slots], ids, num_slots)
        boxes.append(slots[0])
        labels.append(slots[1])
        masks.append(slots[2])
        regions = np.concatenate([truth.boxes[truth.scores == 0], objects.boxes[num_slots:]])
        ignored_boxes.append(_regions(regions, num_slots))
        looked_for = known[0] if known else ids
        labelled.append([category in looked_for for category in ids])
    return PartialTargets(
        images, np.stack(boxes), np.stack(labels), np.stack(masks), np.stack(ignored_boxes),
        np.array(labelled, np.uint8),
    )  # fmt: skip


def _images_of_one_size(pictures):
    """The images of a batch as one array (B, H, W, 3)."""
    sizes = {picture[0].shape[:2] for picture in pictures}
    require(len(sizes) == 1, f"a batch needs pictures, all of one size; got sizes {sorted(sizes)}")
    return np.stack([picture[0] for picture in pictures])


def _slots(truth, ids, num_slots):
    """Boxes (G, 4), labels (G,) and masks (G, H, W) of one picture, zeros where there is none."""
    require(truth.masks is not None, "training needs a mask for each object, got boxes alone")
    number_of = {category: number for number, category in enumerate(ids, 1)}
    boxes = np.zeros((num_slots, 4), np.float32)
    labels = np.zeros(num_slots, np.int32)
    masks = np.zeros((num_slots, *truth.image_size), np.uint8)
    boxes[: len(truth)] = truth.boxes
    labels[: len(truth)] = [number_of[label] for label in truth.labels.tolist()]
    masks[: len(truth)] = truth.masks
    return boxes, labels, masks


def _regions(boxes, num_slots):
    """Boxes (N, 4) in `num_slots` slots (I, 4); what has no slot of its own shares the last one."""
    slots = np.zeros((num_slots, 4), np.float32)
    if len(boxes) > num_slots:
        rest = boxes[num_slots - 1 :]
        around = np.concatenate([rest[:, :2].min(0), rest[:, 2:].max(0)])
        boxes = np.concatenate([boxes[: num_slots - 1], around[None]])
    slots[: len(boxes)] = boxes
    return slots
