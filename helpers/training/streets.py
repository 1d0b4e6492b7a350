"""`streets`, the bundled model of drawn streets, from random weights.

Every picture is drawn for its training step and never seen again, so there is no data set to store
and nothing to learn by heart.
"""

import keras
import numpy as np

from helpers import DATA
from helpers.evaluation import score
from helpers.mask_rcnn.config import Config
from helpers.mask_rcnn.partial_labels import PartialMaskRCNN
from helpers.models import from_model, read_card
from helpers.streets import scenes
from helpers.training.batches import Batches
from helpers.training.engine import Run

TRAINING_SEEDS = 1_000_000  # training pictures have this seed and above, held-out ones lower
HELD_OUT_SEED = 500_000  # the first held-out picture that AP is measured on
# What the card says of `streets`, whatever its weights are.
LASTING = ("name", "about", "note", "categories", "data", "recipe", "licence", "limits")


def held_out(num, image_size, first=HELD_OUT_SEED):
    """`num` pictures that training never sees: list of (image, truth)."""
    return [scenes.draw_scene(seed, image_size) for seed in range(first, first + num)]


def train_streets(folder, epochs=12, steps=500, batch_size=8, num_images=100, config=None):
    """Train `streets` from random weights; called again after a stop, it goes on.

    Args:
        folder: for checkpoint, curve and weights.
        epochs: of `steps` batches each; the learning rate falls to 0 at the end.
        steps: batches between two measurements of AP and two checkpoints.
        batch_size: pictures per batch.
        num_images: held-out pictures that AP is measured on, others than the card's.
        config: Config, the default one if None.

    Returns:
        Detector.
    """
    keras.utils.set_random_seed(0)
    model = PartialMaskRCNN(config or Config(num_classes=len(scenes.CATEGORIES)))
    size = model.config.image_size
    model(np.zeros((1, *size, 3), np.uint8))  # builds the layers

    def draw(number):
        return scenes.draw_scene(TRAINING_SEEDS + number, size)

    card = read_card(DATA / "streets.json")
    card = {key: card[key] for key in LASTING}
    detector = from_model(model, card)
    judged = held_out(num_images, size, HELD_OUT_SEED - num_images)

    def judge():
        return score(detector, judged)

    run = Run(model, Batches(draw, steps, batch_size), judge, folder, card, epochs)
    detector.card.update(run.train(rate=1.5e-3))
    return detector
