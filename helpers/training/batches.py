"""Training batches from pictures of any size: fitted into the input, varied by chance, padded.

Chance is a seed and the number of a picture, counted from the start of training: a run that was
stopped goes on with the very pictures that it would have seen.
"""

import functools

import cv2
import numpy as np

from helpers.mask_rcnn.model import Targets
from helpers.mask_rcnn.partial_labels import PartialTargets
from helpers.structures import InputError, require

MAX_OBJECTS = 16  # G: slots for objects in a training picture
ZOOM = 0.7, 1.5  # of a varied picture, in units of what fits the input
PASTED = 0.5  # of the varied pictures get objects of another one
KEPT = 256  # pictures that stay in memory
MIN_VISIBLE, MIN_AREA = 0.25, 20  # of an object that a crop has cut: share, square pixels


def to_targets(pictures, categories=None, num_slots=MAX_OBJECTS):
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


def to_partial_targets(pictures, categories=None, num_slots=MAX_OBJECTS):
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


def resize(image, truth, size):
    """A picture and its masks at another size (height, width); boxes tight around the masks."""
    grows = size[0] > image.shape[0]
    method = cv2.INTER_LINEAR if grows else cv2.INTER_AREA
    scaled = lambda array: cv2.resize(array, size[::-1], interpolation=method)  # noqa: E731
    masks = [scaled(255 * mask.astype(np.uint8)) >= 128 for mask in truth.masks]
    boxes = truth.boxes * np.tile(np.divide(size, image.shape[:2])[::-1], 2)
    return scaled(image), _tight(truth, np.array(masks, bool).reshape(-1, *size), boxes)


def _tight(truth, masks, boxes, share=0.0):
    """Truth with other masks (N, H, W), without objects of which less than a share is left.

    Their boxes are tight around the masks; `boxes` are those of the objects that have none.
    """
    tight = np.array([cv2.boundingRect(mask.view(np.uint8)) for mask in masks]).reshape(-1, 4)
    tight[:, 2:] += tight[:, :2]
    boxes = np.clip(boxes, 0, np.tile(masks.shape[:0:-1], 2))
    has_mask = truth.masks.any((1, 2))
    boxes = np.where(has_mask[:, None], tight, boxes)
    new = truth.replace(boxes=boxes, masks=masks, image_size=masks.shape[1:])
    area, left = (
        np.where(has_mask, one.masks.sum((1, 2)), np.prod(one.boxes[:, 2:] - one.boxes[:, :2], 1))
        for one in (truth, new)
    )
    least = np.maximum(share * area, np.minimum(MIN_AREA, area)) if share else 0
    return new[(left > 0) & (left >= least)]


def fit(image, truth, size, rng=None, zoom=None):
    """A picture in the network's input, as `letterbox` fits it or, with an rng, varied.

    Varied is: mirrored or not, larger (then a part of it is cut out) or smaller (then it lies
    anywhere on the grey), in other colours. Masks go through the same steps as the pixels, so
    they stay exact. An object of which less than a quarter is left in the cut is no longer truth.

    Args:
        image: (h, w, 3) uint8.
        truth: Detections with masks.
        size: (height, width) of the input.
        rng: numpy Generator, or None.
        zoom: range of sizes of a varied picture, in units of what fits the input; None is `ZOOM`.

    Returns:
        image (height, width, 3) uint8, and Detections of that size.
    """
    scale = min(size[0] / image.shape[0], size[1] / image.shape[1])
    scale *= 1 if rng is None else np.exp(rng.uniform(*np.log(zoom or ZOOM)))
    image, truth = resize(image, truth, [max(1, round(side * scale)) for side in image.shape[:2]])
    corner = (0, 0)
    if rng is not None:
        slack = np.subtract(size, image.shape[:2])
        corner = rng.integers(np.minimum(slack, 0), np.maximum(slack, 0) + 1)
        image = recolor(image, rng)
    way = -1 if rng is not None and rng.random() < 0.5 else 1
    masks = np.array([_place(mask, corner, size, False) for mask in truth.masks], bool)
    masks = masks.reshape(-1, *size)[:, :, ::way]
    boxes = truth.boxes + np.tile(corner[::-1], 2)
    if way < 0:
        boxes = np.array([size[1], 0, size[1], 0]) + boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1]
    truth = _tight(truth, masks, boxes, 0 if rng is None else MIN_VISIBLE)
    return _place(image, corner, size, 127)[:, ::way], truth


def _place(array, corner, size, empty):
    """An array (h, w, ...) with its corner at (y, x) of a canvas (height, width, ...)."""
    y, x = corner
    part = array[max(-y, 0) :, max(-x, 0) :][: size[0], : size[1]]
    canvas = np.full((*size, *array.shape[2:]), empty, array.dtype)
    canvas[max(y, 0) : max(y, 0) + len(part), max(x, 0) : max(x, 0) + part.shape[1]] = part
    return canvas


def paste(below, above, keep):
    """Objects cut out of one picture lie over another of the same size (Ghiasi et al. 2021).

    Args:
        below, above: (image (H, W, 3) uint8, Detections with masks).
        keep: (N,) bool, which objects of `above` are pasted.

    Returns:
        image and Detections: what is left to see of the objects below, then those above. Objects
        without a mask are not pasted; where more than half of one is hidden, its box becomes a
        region to leave out.
    """
    (image, truth), (other, new) = below, above
    new = new[keep & above[1].masks.any((1, 2))]
    over = new.masks.any(0)
    left = truth.masks & ~over
    seen = left.sum((1, 2)) >= MIN_VISIBLE * truth.masks.sum((1, 2))
    hidden = [over[y1:y2, x1:x2].mean() > 0.5 for x1, y1, x2, y2 in truth.boxes.astype(int)]
    in_doubt = np.array(hidden, bool) & ~truth.masks.any((1, 2))
    truth = truth.replace(scores=np.where(in_doubt, 0, truth.scores))
    join = lambda name: np.concatenate([getattr(truth[seen], name), getattr(new, name)])  # noqa: E731
    names = ("boxes", "labels", "scores", "masks")
    both = truth.replace(**{name: join(name) for name in names})
    masks = np.concatenate([left[seen], new.masks])
    return np.where(over[..., None], other, image), _tight(both, masks, both.boxes)


def recolor(image, rng):
    """Another light: brightness, contrast, saturation and tint change a little. uint8 to uint8."""
    saturation, contrast = rng.uniform(0.6, 1.4), rng.uniform(0.7, 1.3)
    mix = saturation * np.eye(3) + (1 - saturation) * np.full((3, 3), 1 / 3)
    mix *= contrast * rng.uniform(0.9, 1.1, (3, 1))
    offset = 127 * (1 - contrast) + rng.uniform(-25, 25)
    return cv2.transform(image, np.column_stack([mix, [offset] * 3]))


def survey(train, val):
    """What there is to learn; refuses what cannot be learnt from.

    Args:
        train, val: data sets as in `training.fine_tune`.

    Returns:
        {id: name} of the classes, {name: objects to train on}, and most objects in a picture.

    Raises:
        InputError: there is no picture, a class has no object, or a picture has no masks.
    """
    for pictures, aim in ((train, "train on"), (val, "measure AP on")):
        if not len(pictures):
            raise InputError(f"there is no picture to {aim}: annotate some, or split another way")
    categories, labels, most = dict(getattr(train, "categories", {})), [], 0
    for index in range(len(train)):
        truth = train.truth(index) if hasattr(train, "truth") else train[index][1]
        if truth.masks is None:
            raise InputError(f"{name_of(train, index)} has boxes only: training needs masks")
        categories |= truth.categories
        labels += truth.labels.tolist()
        most = max(most, len(truth))
    counts = {name: labels.count(key) for key, name in categories.items()}
    missing = ", ".join(name for name, count in counts.items() if not count)
    if missing or not categories:
        raise InputError(
            f"no object of class {missing or '(there is no class)'} in {len(train)} training "
            "pictures: annotate some, split another way, or leave that class out"
        )
    return categories, counts, most


def name_of(pictures, index):
    """The file of a picture in a data set, or its number."""
    return str(pictures.paths[index]) if hasattr(pictures, "paths") else f"picture {index}"


class Shrunk:
    """A data set whose pictures are no larger than training needs; those seen stay in memory.

    Args:
        pictures: sequence of (image (H, W, 3) uint8, Detections with masks); sizes may differ.
        size: (height, width) of the network's input.
    """

    def __init__(self, pictures, size):
        self.pictures, self.size = pictures, size
        self.read = functools.lru_cache(KEPT)(self._read)

    def _read(self, index):
        image, truth = self.pictures[index]
        scale = ZOOM[1] * min(self.size[0] / image.shape[0], self.size[1] / image.shape[1])
        size = [max(1, round(side * scale)) for side in image.shape[:2]]
        return resize(image, truth, size) if scale < 1 else (image, truth)

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        return self.read(index)


class Shuffled:
    """Pictures of a data set, shuffled anew in each pass, each time varied: `shuffled(number)`.

    Args:
        pictures, size: as in `Shrunk`; at least one picture.
        seed: of order and variation.
        augment: False to shuffle only.
    """

    def __init__(self, pictures, size, seed=0, augment=True):
        self.pictures, self.size, self.seed, self.augment = pictures, size, seed, augment
        self.shrunk = Shrunk(pictures, size)

    def index(self, number):
        """Which picture of the data set is shown as the `number`-th of the training."""
        turn, place = divmod(number, len(self.pictures))
        return int(np.random.default_rng([self.seed, turn]).permutation(len(self.pictures))[place])

    def name(self, number):
        """The file of the `number`-th picture of the training, or its number in the data set."""
        return name_of(self.pictures, self.index(number))

    def __call__(self, number):
        picture = self.shrunk[self.index(number)]
        if not self.augment:
            return fit(*picture, self.size)
        rng = np.random.default_rng([self.seed, 1, number])
        varied = fit(*picture, self.size, rng)
        if rng.random() < PASTED:
            other = fit(*self.shrunk[int(rng.integers(len(self.shrunk)))], self.size, rng)
            varied = paste(varied, other, rng.random(len(other[1])) < 0.7)
        return varied
