"""Cells from which a one-stage head learns, of photographs whose truth tells only a part."""

import keras
import numpy as np

from helpers.evaluation.scoring import progress
from helpers.one_stage.head import make_centres
from helpers.one_stage.head_learner import Cells, surroundings
from helpers.one_stage.head_losses import assign
from helpers.pictures import replacing
from helpers.training.variation import vary

SIZE = 320, 320  # (height, width) of a training picture
# In units of what fits it. The detector sees photographs 1.3 times as large as what fits here.
ZOOM = (0.8, 1.8)
TINY = 100  # square pixels: the box of what is smaller is not learnt
INTERESTING = 0.1  # a cell of which the detector says so much is always kept
NUM_INTERESTING = 60  # of a picture, at most
NUM_OTHERS = 40  # cells of a picture that are kept by chance
# A class that was not looked for, and of which the detector itself sees no more than this in a
# whole picture, is taken for absent.
ABSENT = 0.1


def collect(model, sources, classes, num, seed=0):
    """Run the detector's body over photographs, each time varied, and keep some cells.

    Kept are the cells that stand for a true object, those where the detector sees something, and
    a few by chance.

    Args:
        model: OneStageMaskRCNN, built.
        sources: list of `mosaics.Source`.
        classes: {category id: number of a class, 1..K}, of those that are learnt.
        num: pictures.
        seed: of choice and variation.

    Returns:
        Cells, NumPy.
    """
    centres = make_centres(SIZE, model.neck.strides)
    shares = np.cumsum([source.weight for source in sources])
    run = _program(model)
    parts = []
    for number in progress(range(num)):
        rng = np.random.default_rng([seed, number])
        source = sources[int(np.searchsorted(shares / shares[-1], rng.random(), side="right"))]
        index = source.indices[int(rng.integers(len(source.indices)))]
        image, truth = vary(*source.photos[index], SIZE, rng, ZOOM)
        truth = truth[truth.scores > 0]
        truth = truth[np.prod(truth.boxes[:, 2:] - truth.boxes[:, :2], 1) >= TINY]
        labelled = np.isin(list(classes), list(source.photos.known(index)))
        said = run(image[None])
        labelled |= _highest(said[1], classes) < ABSENT
        parts.append(_cells_of(*said, truth, classes, labelled, centres, rng))
    return Cells(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _highest(class_logits, classes):
    """The highest score of each class in a picture: (E,)."""
    numbers = np.array(list(classes.values())) - 1
    return 1 / (1 + np.exp(-class_logits[:, numbers].max(0)))


def write_cells(cells, path):
    """Cells into a file, which appears when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part, open(part, "wb") as file:
        np.savez(file, **cells._asdict())


def read_cells(path):
    """Cells from a file of `write_cells`; None if there is none."""
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as archive:
        return Cells(**archive)


def _program(model):
    """Images -> the neck's maps and what the head says, compiled where it can be."""

    def run(images):
        pyramid = model.neck(model.backbone(images))
        return pyramid, *model.head(pyramid)

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        run = tf.function(run, [tf.TensorSpec((1, *SIZE, 3), tf.uint8)])

    def as_numpy(images):
        pyramid, class_logits, distance_logits = run(images)
        levels = [np.asarray(level)[0] for level in pyramid]
        return levels, np.asarray(class_logits)[0], np.asarray(distance_logits)[0]

    return as_numpy


def _cells_of(levels, class_logits, distance_logits, truth, classes, labelled, centres, rng):
    """The cells of one picture that are kept.

    Args:
        levels: the neck's maps, (h, w, C) each.
        class_logits, distance_logits: (A, K), (A, 4, bins), what the head says.
        truth: Detections.
        classes: {category id: number of a class, 1..K}, of those that are learnt.
        labelled: (E,) bool, which of them were looked for.
        centres: (A, 3), see `make_centres`.
        rng: numpy Generator.
    """
    owners = np.asarray(assign(truth.boxes[None], np.ones((1, len(truth)), bool), centres))[0]
    kept, weights = choose(owners, class_logits.max(-1), rng)
    owned = owners[kept] >= 0
    mine = owners[kept][owned]
    labels = np.zeros((len(kept), len(classes)), np.float32)
    ids = np.array(list(classes))
    labels[owned] = truth.labels[mine][:, None] == ids
    boxes = np.zeros((len(kept), 4), np.float32)
    boxes[owned] = truth.boxes[mine]
    maps = np.concatenate([surroundings(level.astype(np.float16)) for level in levels])
    sizes = [level.shape[0] * level.shape[1] for level in levels]
    return Cells(
        maps=maps[kept],
        levels=np.repeat(np.arange(len(levels), dtype=np.int32), sizes)[kept],
        centres=centres[kept],
        boxes=boxes,
        labels=labels,
        told=(labelled | owned[:, None]).astype(np.uint8),  # an object is of no other class
        weights=weights,
    )


def choose(owners, logits, rng):
    """Which cells are kept, and for how many each counts.

    Args:
        owners: (A,), see `assign`.
        logits: (A,), of the surest class.
        rng: numpy Generator.

    Returns:
        Their indices, in order, and weights float32.
    """
    is_kept = owners >= 0
    interesting = np.flatnonzero(~is_kept & (logits > np.log(INTERESTING / (1 - INTERESTING))))
    is_kept[interesting[np.argsort(-logits[interesting])[:NUM_INTERESTING]]] = True
    others = np.flatnonzero(~is_kept)
    chosen = rng.permutation(others)[:NUM_OTHERS]
    weights = np.ones(len(owners), np.float32)
    weights[chosen] = len(others) / max(1, len(chosen))
    is_kept[chosen] = True
    kept = np.flatnonzero(is_kept)
    return kept, weights[kept]


class CellBatches(keras.utils.PyDataset):
    """Batches of cells of one level each, mixed anew in each epoch, always in the same way.

    Args:
        cells: Cells, NumPy.
        batch_size: cells per batch.

    Attributes:
        epoch: which epoch's order to draw.
    """

    def __init__(self, cells, batch_size):
        super().__init__(workers=1)
        self.cells = cells
        self.batch_size = batch_size
        self.epoch = 0

    def __len__(self):
        return len(self.order())

    def __getitem__(self, step):
        some = self.order()[step]
        return (Cells(*(values[some] for values in self.cells)),)

    def order(self):
        """The epoch's batches: a list of arrays of indices."""
        rng = np.random.default_rng([2, self.epoch])
        batches = []
        for level in np.unique(self.cells.levels):
            rows = rng.permutation(np.flatnonzero(self.cells.levels == level))
            whole = len(rows) // self.batch_size
            batches += list(rows[: whole * self.batch_size].reshape(whole, self.batch_size))
        return [batches[i] for i in rng.permutation(len(batches))]
