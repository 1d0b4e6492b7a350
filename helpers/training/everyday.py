"""`everyday`: people, cats and dogs in photographs, learnt from pictures that tell only a part."""

import pathlib

import keras
import numpy as np

from helpers import DATA
from helpers.evaluation import error_kinds
from helpers.evaluation.scoring import summary
from helpers.mask_rcnn.config import Config
from helpers.mask_rcnn.partial_labels import PartialMaskRCNN
from helpers.models import from_model, load_model, save_model, transfer
from helpers.training.batches import Batches
from helpers.training.engine import Run
from helpers.training.photo_batches import Varied
from helpers.training.photo_scores import judge
from helpers.training.photos import Photos

CLASSES = ("person", "cat", "dog")
CONFIG = Config(
    num_classes=len(CLASSES),
    image_size=(320, 320),
    anchor_sides=((12, 22), (36, 56), (88, 132), (190, 280)),
    num_candidates=400,
    num_proposals=80,
    num_detections=40,
    min_score=0.02,
    num_rois=48,
    num_foreground=16,
)
FINAL_SIZE = (384, 384)  # of the input after the training: more of what is small is found
NUM_SLOTS = 32  # objects of a training picture
EVERY = 24  # each 24th of the training pictures is kept to measure the curve on,
NUM_JUDGED = 128  # but no more than that
CARD = {
    "about": "A compact Mask R-CNN for photographs, taught from random weights and drawn streets.",
    "note": "everyday knows people, cats and dogs in photographs, best where they are large.",
    "recipe": "python3 run.py train everyday DATA: streets, AdamW, held rate, cosine, larger input",
    "pictures": ["everyday-found.jpg", "everyday-wrong.jpg"],
    "licence": "Apache-2.0 for the weights; no photograph is part of them",
    "limits": [
        "people who are small, far off, in a crowd or half hidden: most are missed",
        "other animals, which it may call cats or dogs; statues, dolls and pictures of people",
        "pictures of nothing it knows: pebbles become persons, a crater of the moon a cat",
        "fingers, tails and whatever else is thin: a mask has 28 x 28 cells",
        "anything that matters: never let it decide about people, their safety or their rights",
    ],
}


def train_everyday(
    data,
    folder,
    epochs=14,
    steps=250,
    batch_size=32,
    hold=0.5,
    rate=2e-3,
    config=CONFIG,
    final_size=FINAL_SIZE,
):
    """Train on photographs; called again after a stop, it goes on.

    Args:
        data: see `Photos`.
        folder: for checkpoint, curve and weights; its name becomes the model's.
        epochs: of `steps` batches. As long as the rate of learning has not begun to fall, a
            training may be made longer.
        steps: batches between two measurements of AP and two checkpoints.
        batch_size: pictures per batch.
        hold: share of the training before the rate of learning begins to fall.
        rate: of learning, at its peak.
        config: Config.
        final_size: (height, width) of the input afterwards.

    Returns:
        Detector with the weights that were best on pictures left out of the training, settled.
    """
    keras.utils.set_random_seed(0)
    photos, folder = Photos(data, "train", CLASSES), pathlib.Path(folder)
    model = PartialMaskRCNN(config)
    model(np.zeros((1, *config.image_size, 3), np.uint8))  # builds the layers
    transfer(load_model(DATA / "streets.json")[0], model)

    judged = [i for i in range(0, len(photos), EVERY) if photos.has_masks(i)][:NUM_JUDGED]
    shown = sorted(set(range(len(photos))) - set(judged))
    batches = Batches(
        Varied(photos, shown, config.image_size),
        steps,
        batch_size,
        categories=photos.categories,
        num_slots=NUM_SLOTS,
    )
    card = {
        "name": folder.name,
        **CARD,
        "categories": photos.categories,
        "data": f"{len(shown)} photographs, partly labelled",
        "sources": photos.provenance(),
    }
    detector = from_model(model, card)

    def score():
        return summary(*judge(detector, photos, judged))

    Run(model, batches, score, folder, card, epochs).train(rate, hold=hold)
    return _finish(folder, final_size, photos, judged)


def _finish(folder, final_size, photos, judged):
    """The best weights with a larger input and a fair threshold, saved in their place."""
    model, card = load_model(folder / f"{folder.name}.json", image_size=final_size)
    detector = from_model(model, card)
    detector.card["settled"] = settle(model, *judge(detector, photos, judged))
    save_model(model, detector.card, folder)
    return detector


def settle(model, truth, detections):
    """Make .5 the score at which the F1 of the detections is best, so that it is a fair threshold.

    Training sees more objects among its boxes than a picture has, so that the network is too sure.
    The background's logit rises by what is missing; the order of scores, and AP, hardly change.

    Args:
        model: MaskRCNN; its bias is changed.
        truth, detections: as `judge` gives them, of pictures left out of the training.

    Returns:
        The score that became .5; of several that are best the nearest to it.
    """

    def merit(score):
        kinds = error_kinds(truth, detections, score)
        f1 = 2 * kinds["right"] / max(1, sum(kinds.values()) + kinds["right"])
        return f1, -abs(score - 0.5)

    best = float(max(np.linspace(0.3, 0.9, 25), key=merit))
    bias = model.box_head.logits.bias
    is_background = np.eye(1, bias.shape[0])[0]
    bias.assign(bias + is_background * np.log(best / (1 - best)))
    return round(best, 3)
