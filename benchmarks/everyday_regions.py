"""Are RPN and box head, as in `streets`, better than the head that `everyday` has?

Body, neck and mask branch are those of `everyday` and stay as they are: only the boxes differ. The
two new parts begin with random weights. They learn from photographs with their truth; of classes
that were not looked for there, what `everyday` itself says is the truth.

A frozen neck's maps are the same each time: they are computed once and kept in files.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from measure import table

from helpers import DATA
from helpers.evaluation import evaluate
from helpers.mask_rcnn import Config
from helpers.mask_rcnn.part import Part
from helpers.mask_rcnn.partial_labels import PartialMaskRCNN, PartialTargets
from helpers.mask_rcnn.rpn import RPNHead
from helpers.models import from_model, load_model
from helpers.models.label_maps import read_label_map
from helpers.models.sources import COCO_LABELS
from helpers.pictures import replacing
from helpers.structures import Detections
from helpers.training import everyday
from helpers.training.mask_branch import MaskBatches, MaskRun
from helpers.training.photo_scores import judge
from helpers.training.targets import to_partial_targets
from helpers.training.variation import vary

NAMES = read_label_map(COCO_LABELS)
CONFIG = Config(
    num_classes=len(NAMES), image_size=(416, 416), fpn_channels=128, anchor_levels=(3, 4, 5),
    anchor_sides=((14, 28), (50, 88), (140, 260)), roi_levels=(3, 4, 5), num_candidates=400,
    num_proposals=100, num_detections=40, min_score=0.01, num_rois=64, num_foreground=24,
    box_sampling_ratio=1,
)  # fmt: skip
NUM_SHAPES = 6  # anchors of a cell
WEIGHTS = {"coco343": 0.4, "cocobox": 0.3, "cocoperson": 0.15, "feralcat": 0.075, "pets": 0.075}
SURE = 0.4  # what `everyday` says with this score is an object,
DOUBTFUL = 0.1  # and with this one a region to leave out
PICTURES = 100  # whose maps make a file
PARTS = 12  # files of maps
EPOCHS = 20
STEPS = 60  # batches per epoch
BATCH = 8
RATE = 1.5e-3
HOLD = 0.4  # share of the training at full rate
SMALL = {"parts": 1, "num": 2, "epochs": 1, "steps": 1, "batch": 2}
WHOLE = {"parts": PARTS, "num": PICTURES, "epochs": EPOCHS, "steps": STEPS, "batch": BATCH}


class SameMasks(Part):
    """The mask branch of `everyday` in the place of `MaskHead`."""

    def __init__(self, branch, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.branch = branch

    def call(self, mask_features, training=False):
        return self.branch(*mask_features)


class TwoStages(PartialMaskRCNN):
    """RPN and box head on `everyday`'s body and neck. It learns from maps in the place of images.

    Args:
        model: OneStageMaskRCNN, built.
    """

    def __init__(self, model):
        masks = SameMasks(model.mask_branch)
        rpn = RPNHead(NUM_SHAPES, channels=64, name="rpn")
        super().__init__(CONFIG, backbone=model.backbone, neck=model.neck, rpn=rpn, mask_head=masks)
        for part in (self.backbone, self.neck, self.mask_head):
            part.trainable = False

    def features(self, images, training=False):
        """The maps of the neck, and under "body" those of the body, which the masks need."""
        if isinstance(images, tuple):
            return self.named(ops.cast(one, "float32") for one in images)
        levels = self.backbone(images)
        return self.named(self.neck(levels)) | {"body": levels}

    def named(self, maps):
        """{"P3": map, ...}."""
        return {f"P{level}": one for level, one in zip(self.neck.levels, maps, strict=True)}

    def mask_features(self, features, boxes):
        """What `SameMasks` sees."""
        return features["body"], self.anchor_features(features), boxes

    def mask_losses(self, features, sampled, targets, training=True):
        """Nothing is learnt of masks."""
        return ops.zeros(())


def collect(model, sources, num, seed):
    """Pictures varied by chance: their maps, and what is true there.

    Returns:
        PartialTargets, NumPy; in the place of images a tuple of maps, float16; masks of one pixel.
    """
    rng = np.random.default_rng(seed)
    look = looking(model)
    weights = np.array([source.weight for source in sources])
    maps = []
    pictures = []
    for _ in range(num):
        source = sources[rng.choice(len(sources), p=weights / weights.sum())]
        index = rng.choice(source.indices)
        image, truth = vary(*source.photos[index], CONFIG.image_size, rng)
        levels, outcome = look(image[None])
        maps.append([np.asarray(one[0], np.float16) for one in levels])
        pictures.append((image, completed(truth, source.photos.known(index), outcome)))
    targets = to_partial_targets(pictures, NAMES, num_slots=24)
    maps = tuple(np.stack(level) for level in zip(*maps, strict=True))
    return targets._replace(images=maps, masks=targets.masks[..., :1, :1])


def looking(model):
    """(1, H, W, 3) uint8 -> the neck's maps; boxes, labels and scores of what is found."""

    def look(images):
        result = model(images)
        return list(result.features.values()), (result.boxes, result.labels, result.scores)

    image = tf.TensorSpec((1, *model.config.image_size, 3), tf.uint8)
    return tf.function(look, input_signature=[image], autograph=False)


def completed(truth, known, outcome):
    """Truth, and what was found of classes that nobody looked for: Detections, masks empty.

    Args:
        truth: Detections.
        known: ids that were looked for.
        outcome: boxes (1, D, 4), labels (1, D), scores (1, D) of the picture.
    """
    boxes, labels, scores = (np.asarray(one)[0] for one in outcome)
    ids = np.array(list(NAMES))[labels - 1]
    new = (scores >= DOUBTFUL) & ~np.isin(ids, list(known))
    boxes = np.concatenate([truth.boxes, boxes[new]])
    ids = np.concatenate([truth.labels, ids[new]])
    scores = np.concatenate([truth.scores, scores[new] >= SURE])
    masks = np.zeros((len(boxes), *truth.image_size), bool)
    return Detections(boxes, ids, scores, truth.image_size, NAMES, masks)


def collected(model, sources, folder, parts, num):
    """What `collect` gives, in files that are made where they are missing, as one."""
    read = []
    for part in range(parts):
        path = folder / f"maps-{part}.npz"
        if not path.exists():
            targets = collect(model, sources, num, seed=part)
            with replacing(path) as new, new.open("wb") as file:
                np.savez(file, *targets.images, *targets[1:])
        with np.load(path) as arrays:
            values = [arrays[name] for name in arrays.files]
        read.append(PartialTargets(tuple(values[:3]), *values[3:]))
    return keras.tree.map_structure(lambda *some: np.concatenate(some), *read)


def batches_of(targets, steps, batch_size):
    """Training batches of what `collect` gave: each picture once, in another order each time."""
    num = len(targets.boxes)

    def draw(number):
        return np.random.default_rng(number // num).permutation(num)[number % num]

    def collate(indices):
        return keras.tree.map_structure(lambda one: one[indices], targets)

    return MaskBatches(draw, steps, batch_size, collate=collate)


def compare_regions(data, out, small):
    """A row for the head that `everyday` has, and one for RPN and box head."""
    keras.utils.set_random_seed(0)
    settings = SMALL if small else WHOLE
    folder = out / "regions"
    folder.mkdir(parents=True, exist_ok=True)
    model, card = load_model(DATA / "everyday.json")
    coco, others = everyday.photographs(data)
    sources = everyday.mask_sources(coco, others, WEIGHTS)
    targets = collected(model, sources, folder, settings["parts"], settings["num"])
    other = TwoStages(model)
    other(np.zeros((1, *CONFIG.image_size, 3), np.uint8))  # builds the layers
    batches = batches_of(targets, settings["steps"], settings["batch"])
    MaskRun(other, batches, dict, folder, settings["epochs"]).train(RATE, HOLD)
    photos, some = everyday.held_out_of_coco(data)
    some = some[4:8] if small else some
    rows = []
    for name, one in (("NanoDet's head", model), ("RPN and box head", other)):
        result = evaluate(*judge(from_model(one, card), photos, some))
        values = [result[kind][key] for kind in ("mask", "box") for key in ("AP", "AP50", "AP75")]
        rows.append([name, *(f"{value:.3f}" for value in values)])
    table(("boxes from", "mask AP", "AP50", "AP75", "box AP", "AP50", "AP75"), rows)
