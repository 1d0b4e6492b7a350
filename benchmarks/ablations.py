"""What is each choice of Mask R-CNN worth? Variants, trained alike on drawn streets.

    python benchmarks/ablations.py [--out runs/ablations] [--seeds 0 1] [--only NAME ...]

Called again after a stop it goes on; what is done already is only read. Two groups of variants:

masks: the detector is `streets` as it is, so that all variants draw into the same boxes. The mask
    head begins as in `streets`, but for its last layer, which is new in all, and learns.
whole: the backbone is that of `streets` as it is. Pyramid, RPN and both heads begin as in
    `streets`, as far as the weights fit, and go on learning.

Both learn from what the backbone, or the pyramid, of `streets` said of the same pictures, computed
once: that makes it cheap, and is no training to the end. Beside them stands what becomes of
`streets` itself where a part is exchanged and nothing is learnt ("exchanged", in the same boxes).

The numbers go into data/ablations.json, what some pictures show into data/ablations.npz.
"""

import argparse
import functools
import json
import os
import pathlib
import shutil
import time
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from helpers import DATA
from helpers.evaluation import bootstrap, interval, match, summarize
from helpers.lessons.recorded import write_recorded
from helpers.lessons.variants import CoupledMaskRCNN, PlainPyramid, PoolingMaskRCNN
from helpers.mask_rcnn.config import Config
from helpers.mask_rcnn.inference import candidates_of, to_detections
from helpers.mask_rcnn.mask_head import MaskHead
from helpers.mask_rcnn.model import MaskRCNN, Targets
from helpers.mask_rcnn.part import Part
from helpers.models import load_model, transfer
from helpers.pictures import replacing
from helpers.streets import CATEGORIES, draw_scene
from helpers.structures import Detections
from helpers.training import to_targets
from helpers.training.schedule import Schedule

TRAINING_SEED, HELD_OUT_SEED = 1_500_000, 600_000
SHOWN = (600_003, 600_014, 600_021)  # held-out pictures that notebook 04b shows
MAPS, PYRAMID = ("C2", "C3", "C4", "C5"), ("P2", "P3", "P4", "P5", "P6")
BATCH = 4  # pictures per step
RATE = {"masks": 2e-3, "whole": 5e-4}  # of learning, at its peak
CHUNK = 8  # pictures that are looked at together, where nothing is learnt


class Variant(NamedTuple):
    """One way to build the network: what it has in words, and what differs from `streets`."""

    text: str
    network: type = MaskRCNN
    config: dict = {}
    num_masks: int = 8  # channels of the mask head
    neck: type | None = None  # None: the pyramid of streets


MASKS = {  # the first is what the others are compared with
    "masks": Variant("RoIAlign, 1 point per bin, 28 x 28 cells, a mask for each class"),
    "masks-pool": Variant("RoIPool", PoolingMaskRCNN),
    "masks-4-points": Variant("4 points per bin", config={"mask_sampling_ratio": 2}),
    "masks-14": Variant("14 x 14 cells", config={"mask_side": 14}),
    "masks-softmax": Variant("softmax over the classes", CoupledMaskRCNN, num_masks=9),
    "masks-agnostic": Variant("one mask for all classes", num_masks=1),
}
WHOLE = {
    "whole": Variant("feature pyramid, RoIAlign", neck=MaskRCNN),
    "whole-plain": Variant("pyramid without the way down", neck=PlainPyramid),
}
EXCHANGED = {
    "streets": Variant("streets as it is"),
    "streets-pool": Variant("RoIPool", PoolingMaskRCNN),
    "streets-4-points": Variant("4 points per bin", config={"mask_sampling_ratio": 2}),
    "streets-14": Variant("14 x 14 cells", config={"mask_side": 14}),
}


@functools.cache
def streets():
    """The bundled model."""
    return load_model(DATA / "streets.json")[0]


class AsRecorded(Part):
    """A backbone or a neck that was asked before: it is given its maps, and hands them on."""

    def __init__(self, levels, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.levels = levels

    def call(self, maps, training=False):
        return maps


def build(variant):
    """The network of a variant with random weights; it takes recorded maps for pictures."""
    config = Config(**variant.config)
    channels, momentum = config.fpn_channels, config.norm_momentum
    necks = {
        None: lambda: AsRecorded((2, 3, 4, 5, 6), name="fpn"),
        MaskRCNN: lambda: None,  # its own
        PlainPyramid: lambda: PlainPyramid(channels, name="fpn"),
    }
    head = MaskHead(variant.num_masks, channels, config.mask_num_convs, momentum, name="mask_head")
    return variant.network(
        config,
        backbone=AsRecorded((2, 3, 4, 5), name="backbone"),
        neck=necks[variant.neck](),
        mask_head=head,
    )


# Pictures -----------------------------------------------------------------------------------------


def prepare(folder, first, num):
    """What `streets` says of `num` pictures from a seed on, in files; returned as arrays by name.

    Beside its maps (float16) and its boxes: the truth, masks as bits, and the proposals that the
    second stage would learn from.
    """
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        _look(part, first, num)
        part.rename(folder)
    return {path.stem: np.asarray(np.load(path, mmap_mode="r")) for path in folder.glob("*.npy")}


def _look(folder, first, num):
    """Write the arrays of `prepare`, a few pictures at a time."""
    import tensorflow as tf

    model = streets()

    @tf.function
    def say(images, targets):
        maps = model.backbone(images)
        pyramid = model.neck(maps)
        features = dict(zip(PYRAMID, pyramid, strict=True))
        logits, deltas = model.rpn(model.anchor_features(features))
        proposals, valid = model.training_proposals(logits, deltas, targets)
        stages = model.compute_stages(images)
        said = dict(zip((*MAPS, *PYRAMID), (*maps, *pyramid), strict=True))
        said |= {"proposals": proposals, "valid": valid}
        return said | {"boxes": stages.boxes, "labels": stages.labels, "scores": stages.scores}

    files = {}
    for start in range(0, num, CHUNK):
        seeds = range(first + start, first + min(start + CHUNK, num))
        targets = to_targets([draw_scene(seed) for seed in seeds])
        said = {name: value.numpy() for name, value in say(targets.images, targets).items()}
        said |= {"true_boxes": targets.boxes, "true_labels": targets.labels}
        said["true_masks"] = np.packbits(targets.masks, axis=-1)
        for name, value in said.items():
            if name in (*MAPS, *PYRAMID):
                value = value.astype(np.float16)
            if name not in files:
                shape = (num, *value.shape[1:])
                path = folder / f"{name}.npy"
                files[name] = np.lib.format.open_memmap(path, "w+", value.dtype, shape)
            files[name][start : start + len(value)] = value


def targets_of(pictures, numbers, names):
    """A training batch of recorded pictures: its "images" are the maps of these names."""
    maps = tuple(pictures[name][numbers].astype(np.float32) for name in names)
    masks = np.unpackbits(pictures["true_masks"][numbers], axis=-1)
    return Targets(maps, pictures["true_boxes"][numbers], pictures["true_labels"][numbers], masks)


def truth_of(pictures):
    """The truth of recorded pictures: list of Detections."""
    truth = []
    ids = np.array(list(CATEGORIES))
    for i, labels in enumerate(pictures["true_labels"]):
        real = labels > 0
        masks = np.unpackbits(pictures["true_masks"][i], axis=-1)[real]
        boxes, size = pictures["true_boxes"][i][real], masks.shape[1:]
        ones = np.ones(len(boxes))
        truth.append(Detections(boxes, ids[labels[real] - 1], ones, size, CATEGORIES, masks > 0))
    return truth


# Learning and looking -----------------------------------------------------------------------------


class Learner:
    """A network that learns from recorded pictures; its graphs are made once for all seeds.

    Args:
        variant: Variant.
        pictures: from `prepare`, to learn from.
        group: "masks", where only the mask head learns, or "whole".
        num_steps: batches.
        is_new: whether the last layer of the mask head begins with random weights.
    """

    def __init__(self, variant, pictures, group, num_steps, is_new=True):
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")  # it warns of so many networks in one process
        self.variant, self.pictures, self.group = variant, pictures, group
        self.num_steps, self.is_new = num_steps, is_new
        self.names = PYRAMID if group == "masks" else MAPS
        self.model = self._begin()
        self.start = self.model.get_weights()
        rise = num_steps // 10
        schedule = Schedule(RATE[group], rise, rise, num_steps)
        self.optimizer = keras.optimizers.AdamW(schedule, weight_decay=1e-4, clipnorm=5.0)
        learner = self.model.mask_head if group == "masks" else self.model
        self.learning = learner.trainable_variables
        self.optimizer.build(self.learning)

        def step(*batch):
            with tf.GradientTape() as tape:
                loss = self._loss(self.model, *batch)
            self.optimizer.apply(tape.gradient(loss, self.learning), self.learning)
            return loss

        self.step = tf.function(step)
        self.draw, self.find = tf.function(self._draw), tf.function(self._find)

    def _loss(self, model, targets, proposals, valid):
        """The sum of the losses, or that of the masks."""
        if self.group == "whole":
            return sum(model(targets, training=True).values())
        sampled = model.sample_proposals(proposals, valid, targets)
        return model.mask_losses(model.features(targets.images), sampled, targets)

    def _begin(self):
        """The network before its first step."""
        keras.utils.set_random_seed(0)
        model = build(self.variant)
        model(self._batch(np.arange(1))[0].images)  # builds the layers
        left = transfer(streets(), model, same_classes=True)
        print(f"  not from streets: {', '.join(left) or 'nothing'}")
        return model

    def _batch(self, numbers):
        """Recorded pictures by their numbers: Targets, proposals, and which of these are real."""
        targets = targets_of(self.pictures, numbers, self.names)
        return targets, self.pictures["proposals"][numbers], self.pictures["valid"][numbers]

    def learn(self, seed):
        """Begin anew with a seed, and learn."""
        self.model.set_weights(self.start)
        self.model.noise.state.assign([seed, 0])
        if self.is_new:
            last = self.model.mask_head.logits
            last.kernel.assign(keras.initializers.GlorotUniform(seed)(last.kernel.shape))
            last.bias.assign(keras.ops.zeros_like(last.bias))
        for variable in self.optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        order = np.random.default_rng(seed)
        num = len(self.pictures["valid"])
        size = BATCH
        losses = []
        queue = np.zeros(0, int)
        for _ in range(self.num_steps):
            if len(queue) < size:
                queue = np.concatenate([queue, order.permutation(num)])
            numbers = np.sort(queue[:size])
            queue = queue[size:]
            losses.append(float(self.step(*self._batch(numbers))))
        print(f"  loss {np.mean(losses[:10]):.3f} -> {np.mean(losses[-10:]):.3f}")

    def _draw(self, pyramid, boxes, labels):
        """Masks in given boxes."""
        mask_features = self.model.mask_features(self.model.features(pyramid), boxes)
        return self.model.mask_scores(self.model.mask_head(mask_features), labels)

    def _find(self, maps):
        """All that is detected."""
        stages = self.model.compute_stages(maps)
        return stages.boxes, stages.labels, stages.scores, stages.mask_scores

    def look(self, pictures):
        """What it says of recorded pictures: {name: array, a row per picture}.

        In "masks" boxes, labels and scores are those of `streets`.
        """
        said = []
        for start in range(0, len(pictures["labels"]), CHUNK):
            rows = slice(start, start + CHUNK)
            maps = tuple(pictures[name][rows].astype(np.float32) for name in self.names)
            if self.group == "masks":
                found = [pictures[name][rows] for name in ("boxes", "labels", "scores")]
                found.append(self.draw(maps, *found[:2]))
            else:
                found = self.find(maps)
            said.append([np.asarray(leaf) for leaf in found])
        leaves = [np.concatenate(leaf) for leaf in zip(*said, strict=True)]
        leaves[3] = np.round(255 * leaves[3]).astype(np.uint8)
        return dict(zip(("boxes", "labels", "scores", "masks"), leaves, strict=True))


# Results ------------------------------------------------------------------------------------------


def path_of(name, seed, args):
    """The file of what a variant says of the held-out pictures."""
    return args.out / "results" / f"{name}-{seed}.npz"


def measure(name, args):
    """Train a variant with each seed that has no file yet, and write what it says."""
    is_exchanged = name in EXCHANGED
    seeds = args.seeds[:1] if is_exchanged else args.seeds
    missing = [seed for seed in seeds if not path_of(name, seed, args).exists()]
    if not missing:
        return
    group = "whole" if name in WHOLE else "masks"
    variant = (MASKS | WHOLE | EXCHANGED)[name]
    num_steps = vars(args)[f"{group}_steps"]
    learner = Learner(variant, args.training, group, num_steps, is_new=name in MASKS)
    for seed in missing:
        begun = time.process_time()
        print(name, seed, flush=True)
        if not is_exchanged:
            learner.learn(seed)
        said = learner.look(args.held_out)
        print(f"  {time.process_time() - begun:.0f} s", flush=True)
        with replacing(path_of(name, seed, args)) as part:
            np.savez_compressed(part, **said)


def candidates(said, i):
    """What a variant said of picture i."""
    masks = said["masks"][i].astype(np.float32) / 255
    return candidates_of(said["boxes"][i], said["labels"][i], said["scores"][i], masks, 1,
                         CATEGORIES)  # fmt: skip


def judge(said, truth, num_sets):
    """AP of one network, and of so many other sets of pictures drawn from these."""
    found = [
        to_detections(candidates(said, i), true.image_size, CATEGORIES, 0.0)
        for i, true in enumerate(truth)
    ]
    matched = match(truth, found)
    summary = summarize(matched)
    scores = {f"{kind}_{key}": summary[kind][key] for kind in ("mask", "box") for key in
              ("AP", "AP50", "AP75")}  # fmt: skip
    scores |= {f"mask_{key}": summary["mask"][key] for key in ("AP_small", "AP_large")}
    return scores, bootstrap(matched, "mask", "AP", num_sets)


def judge_once(name, seed, truth, args):
    """`judge` of a variant and a seed, from its file if it was judged before."""
    path = args.out / "judged" / f"{name}-{seed}-{args.sets}.json"
    if not path.exists():
        with np.load(path_of(name, seed, args)) as archive:
            scores, sets = judge(dict(archive), truth, args.sets)
        with replacing(path) as part:
            part.write_text(json.dumps([scores, sets.tolist()]))
    scores, sets = json.loads(path.read_text())
    return scores, np.array(sets)


def tell(names, truth, args):
    """A row for each variant: AP of each seed, and the difference to the first with its interval.

    The sets of pictures that the bootstrap draws are the same for all, so differences are paired.
    """
    rows = {}
    base = None
    for name in names:
        variant = (MASKS | WHOLE | EXCHANGED)[name]
        seeds = args.seeds if name not in EXCHANGED else [0]
        done = [seed for seed in seeds if path_of(name, seed, args).exists()]
        if not done:
            continue
        judged = [judge_once(name, seed, truth, args) for seed in done]
        sets = np.mean([values for _, values in judged], axis=0)
        row = {"text": variant.text, "seeds": done}
        for key in judged[0][0]:
            row[key] = [round(scores[key], 4) for scores, _ in judged]
        base = (row, sets) if base is None else base
        gain = np.mean(row["mask_AP"]) - np.mean(base[0]["mask_AP"])
        row["difference"] = round(float(gain), 4)
        row["interval"] = [round(value, 4) for value in interval(sets - base[1])]
        rows[name] = row
        low, high = row["interval"]
        print(f"{name:18}{row['mask_AP']!s:32}{gain:+.3f} ({low:+.3f} to {high:+.3f})", flush=True)
    return rows


def record(args):
    """data/ablations.npz: what each variant of the first seed says of the pictures to show."""
    shown = {}
    for path in sorted((args.out / "results").glob("*-0.npz")):
        with np.load(path) as archive:
            said = dict(archive)
        for seed in SHOWN:
            shown[f"{path.stem[:-2]}/{seed}"] = candidates(said, seed - HELD_OUT_SEED)
    write_recorded(DATA / "ablations.npz", shown)


def main():
    """Train what is not trained yet, then print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/ablations"))
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1])
    parser.add_argument("--only", nargs="*", help="names of variants, for a start")
    parser.add_argument("--masks-steps", type=int, default=50)
    parser.add_argument("--whole-steps", type=int, default=30)
    parser.add_argument("--pictures", type=int, default=800, help="to learn from")
    parser.add_argument("--held-out", type=int, default=128, help="to measure on")
    parser.add_argument("--sets", type=int, default=200, help="of the bootstrap")
    parser.add_argument("--no-table", action="store_true", help="train only")
    args = parser.parse_args()
    num_pictures, num_held_out = args.pictures, args.held_out
    args.training = prepare(args.out / f"training-{num_pictures}", TRAINING_SEED, num_pictures)
    args.held_out = prepare(args.out / f"held-out-{num_held_out}", HELD_OUT_SEED, num_held_out)
    for name in args.only or (*MASKS, *WHOLE, *EXCHANGED):
        measure(name, args)
    if args.no_table:
        return
    truth = truth_of(args.held_out)
    groups = {"masks": MASKS, "whole": WHOLE, "exchanged": EXCHANGED}
    told = {
        "command": "python benchmarks/ablations.py --seeds " + " ".join(map(str, args.seeds)),
        "pictures": {"training": num_pictures, "held_out": num_held_out},
        "steps": {"masks": args.masks_steps, "whole": args.whole_steps},
        "batch": BATCH,
        "groups": {group: tell(names, truth, args) for group, names in groups.items()},
    }
    with replacing(DATA / "ablations.json") as part:
        part.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    record(args)


if __name__ == "__main__":
    main()
