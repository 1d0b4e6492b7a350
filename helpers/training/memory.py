"""Will a training fit into memory? Said beforehand, in a line."""

import math

from helpers.training.pictures import KEPT
from helpers.training.targets import slots_for
from helpers.training.variation import ZOOM

# Bytes, measured with benchmarks/finetune.py for networks as wide as the default.
BASE = 1.4e9
PER_PICTURE = 26e6  # of a batch
PER_PIXEL = 300  # of the pictures of a batch, masks of up to 48 objects with it
PER_MASK_PIXEL = 5  # of each further mask: so many batches wait or are in use


def memory_line(config, batch_size, num_pictures, most):
    """What a training on a CPU takes of memory at its peak, about, and what there is.

    Args:
        config: Config.
        batch_size: pictures per batch.
        num_pictures: how many pictures there are, to train on and to measure AP on.
        most: objects in the fullest of them.
    """
    import psutil

    pixels = math.prod(config.image_size)
    further_masks = max(0, slots_for(most) - 48)
    batch = batch_size * (PER_PICTURE + (PER_PIXEL + PER_MASK_PIXEL * further_masks) * pixels)
    kept = min(num_pictures, 2 * KEPT) * pixels * ZOOM[1] ** 2 * (3 + most / 2)
    need = (BASE + batch + kept) / 1e9
    free = psutil.virtual_memory().available / 1e9
    line = f"about {need:.1f} GB of memory, {free:.1f} GB are free"
    if need >= free:
        line += ": too little, take a smaller batch_size or image_size"
    return line
