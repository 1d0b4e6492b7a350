"""Train Mask R-CNN: a model for streets, and from it, or another, a model for your own objects.

python3 run.py train                          `streets`, from random weights, as shipped
python3 run.py train DATA --out runs/NAME     NAME, from `streets` and your annotated pictures

Stopped at any time, even killed, the same command goes on and ends with the same weights.
"""

import argparse
import contextlib
import dataclasses
import json
import math
import pathlib
import sys

import keras
import numpy as np

from helpers import DATA
from helpers.annotations import read_dataset, split
from helpers.evaluation import score
from helpers.mask_rcnn.config import Config
from helpers.mask_rcnn.partial_labels import PartialMaskRCNN
from helpers.models import find_source, from_model, load_model, read_card, save_model, transfer
from helpers.pictures import replacing
from helpers.streets import scenes
from helpers.structures import InputError
from helpers.training.batches import KEPT, MAX_OBJECTS, ZOOM, Shrunk, Shuffled, survey
from helpers.training.curves import plot_curve, read_curve
from helpers.training.engine import Batches, Run

TRAINING_SEEDS = 1_000_000  # training pictures have this seed and above, held-out ones lower
HELD_OUT_SEED = 500_000  # the first held-out picture that AP is measured on
CATEGORIES = scenes.CATEGORIES
SAME = "name", "about", "note", "categories", "data", "recipe", "licence", "limits"
RUNS = DATA.parent / "runs"


def held_out(num, image_size, first=HELD_OUT_SEED):
    """`num` pictures that training never sees: images and their truth."""
    pictures = [scenes.draw_scene(seed, image_size) for seed in range(first, first + num)]
    return [image for image, _ in pictures], [truth for _, truth in pictures]


def spread(devices=None):
    """A context in which a model is trained on several devices, each with a part of every batch.

    Args:
        devices: names as `keras.distribution.list_devices()` gives them; None for all of these:
            all GPUs or, without one, the CPU.
    """
    backend = keras.backend.backend()
    if devices is None and backend != "torch":
        devices = keras.distribution.list_devices()
    if len(devices or ()) < 2:
        return contextlib.nullcontext()
    if backend == "jax":
        return keras.distribution.DataParallel(devices=devices).scope()
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(devices).scope()


def fine_tune(
    train, val, folder, *, start="streets", epochs=10, steps=40, batch_size=8, image_size=None,
    heads_epochs=1, rate=1.5e-3, patience=None, augment=True, seed=0, devices=None, say=print,
):  # fmt: skip
    """Teach a trained model your objects; called again on the same folder after a stop, it goes on.

    Backbone, pyramid, RPN and heads start as they are in the old model; only the layers that name
    the classes are new.

    Args:
        train, val: pictures to learn from and to measure AP on: a `Dataset`, or any sequence of
            (image (H, W, 3) uint8, Detections with masks). Sizes may differ, masks may overlap.
        folder: where all goes: its name becomes the model's, `load_detector(folder)` loads it.
        start: a bundled model, or the folder of a training.
        epochs: of `steps` batches; after each one AP is measured and a checkpoint written.
        steps: batches per epoch.
        batch_size: pictures per batch.
        image_size: (height, width) of the network's input, divisible by 64; None as in the start.
        heads_epochs: for so many epochs backbone and pyramid stay as they are.
        rate: of learning, at its peak.
        patience: stop when mask AP has not risen for so many epochs; None never stops.
        augment: False to show the pictures as they are.
        seed: of new layers, order and variation.
        devices: see `spread`.
        say: gets a line for each epoch (in a notebook the curve is drawn); None for silence.

    Returns:
        Detector with the best weights: those with the highest mask AP on `val`.

    Raises:
        InputError: there is no picture, a class has no object or an object no mask, the start is
            no model of ours, the folder holds a training with other settings, or the loss is no
            number any more; the message says what to do.
    """
    folder = pathlib.Path(folder)
    categories, counts, most = survey(train, val)
    asked = {
        "start": str(start), "epochs": epochs, "steps": steps, "batch_size": batch_size,
        "image_size": image_size and list(image_size), "heads_epochs": heads_epochs, "rate": rate,
        "patience": patience, "augment": augment, "seed": seed, "objects": counts,
    }  # fmt: skip
    with spread(devices):
        keras.utils.set_random_seed(seed)
        model, origin = _heir(start, categories, image_size, most)
        _same_settings(folder, asked)
        size = model.config.image_size
        shown, judged = Shuffled(train, size, seed, augment), Shrunk(val, size)
        slots = max(MAX_OBJECTS, min(2 * most, 48))  # some are pasted
        batches = Batches(shown, steps, batch_size, categories=categories, num_slots=slots)
        card = {
            "name": folder.name,
            "about": f"A Mask R-CNN that began as {origin} and was taught {', '.join(counts)}.",
            "categories": categories,
            "data": f"{getattr(train, 'name', 'pictures of your own')}: {len(train)} pictures",
            "settings": asked,
            "limits": ["what differs from the pictures that it was taught with"],
        }
        detector = from_model(model, card)
        if say:
            line = memory_line(model.config, batch_size, len(train) + len(val), most)
            say(f"{folder.name}: {line}")
        judge = lambda: score(detector, judged)  # noqa: E731
        run = Run(model, batches, judge, folder, card, epochs, patience, say)
        detector.card.update(run.train(rate, heads_epochs))
    return detector


def memory_line(config, batch_size, shown, most):
    """What a training on a CPU takes of memory at its peak, about, and what there is.

    Args:
        config: Config.
        batch_size: pictures per batch.
        shown: how many pictures there are, to train on and to measure AP on.
        most: objects in the fullest of them.

    Source: measured with benchmarks/finetune.py, for networks as wide as the default.
    """
    import psutil

    pixels = math.prod(config.image_size)
    of_pictures = min(shown, 2 * KEPT) * pixels * ZOOM[1] ** 2 * (3 + most / 2)
    need = (1.4e9 + batch_size * (26e6 + 300 * pixels) + of_pictures) / 1e9
    free = psutil.virtual_memory().available / 1e9
    advice = "" if need < free else ": too little, take a smaller batch_size or image_size"
    return f"about {need:.1f} GB of memory, {free:.1f} GB are free{advice}"


def _same_settings(folder, asked):
    """Write what a training was started with, or refuse to go on with something else."""
    path, asked = folder / "checkpoint" / "settings.json", json.loads(json.dumps(asked))
    old = json.loads(path.read_text()) if path.exists() else asked
    other = [f"{key} {old.get(key)}, now {v}" for key, v in asked.items() if old.get(key) != v]
    if other:
        raise InputError(
            f"{folder} holds a training with other settings ({'; '.join(other)}): "
            "take these again to go on with it, or another folder"
        )
    with replacing(path) as part:
        part.write_text(json.dumps(asked))


def _heir(start, categories, image_size, most):
    """A new model for these classes with all that it can take over, and the old one's name."""
    found = find_source(start, say=None)
    if found.kind != "network":
        raise InputError(f"{start}: only our own models can be taught; this is a graph")
    source, card = load_model(found.path)
    config = dataclasses.replace(
        source.config,
        num_classes=len(categories),
        image_size=tuple(image_size or source.config.image_size),
        num_detections=max(source.config.num_detections, min(100, most + most // 4)),
    )
    model = PartialMaskRCNN(config)
    model(np.zeros((1, *config.image_size, 3), np.uint8))
    same = list(card["categories"].values()) == list(categories.values())
    transfer(source, model, same)
    return model, card["name"]


def train_streets(folder, epochs=12, steps=500, batch_size=8, num_images=100, config=None):
    """Train `streets` from random weights; called again after a stop, it goes on.

    Every picture is drawn for its training step and never seen again, so there is no data set to
    store and nothing to learn by heart.

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
    model = PartialMaskRCNN(config or Config(num_classes=len(CATEGORIES)))
    size = model.config.image_size
    model(np.zeros((1, *size, 3), np.uint8))  # builds the layers
    batches = Batches(lambda k: scenes.draw_scene(TRAINING_SEEDS + k, size), steps, batch_size)
    images, truth = held_out(num_images, size, HELD_OUT_SEED - num_images)
    val, card = list(zip(images, truth, strict=True)), read_card(DATA / "streets.json")
    card = {key: card[key] for key in SAME}  # what is said of `streets` whatever its weights are
    detector = from_model(model, card)
    run = Run(model, batches, lambda: score(detector, val), folder, card, epochs)
    detector.card.update(run.train(rate=1.5e-3))
    return detector


def main(argv=None) -> int:
    """The command; returns 0, or 2 on an error that a user can mend."""
    parser = argparse.ArgumentParser(
        prog="python3 run.py train",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add = parser.add_argument
    add("data", nargs="?", help="annotated pictures, whatever `python3 run.py data` reads")
    add("--out", type=pathlib.Path, help="folder for the result (default runs/streets, runs/DATA)")
    add("--epochs", type=int, help="(default 12; with DATA 10)")
    add("--steps", type=int, help="batches per epoch (default 500; with DATA 40)")
    add("--batch", type=int, default=8, help="with DATA: pictures per batch (default 8)")
    add("--ship", action="store_true", help="put streets into data/, too")
    add("--start", default="streets", help="with DATA: the model to begin with, name or folder")
    add("--size", type=int, nargs=2, help="with DATA: height and width of the input")
    add("--share", type=float, default=0.2, help="with DATA: of the pictures to measure AP on")
    add("--patience", type=int, help="with DATA: stop after so many epochs without a better AP")
    add("--seed", type=int, default=0, help="with DATA: of split, order and variation")
    args = parser.parse_args(argv)
    try:
        result = _streets(args) if args.data is None else _own(args)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(result, indent=1))
    return 0


def _streets(args):
    """The command without DATA: train, score on 500 held-out pictures, write all again."""
    out, epochs, steps = args.out or RUNS / "streets", args.epochs or 12, args.steps or 500
    detector = train_streets(out, epochs, steps)
    pictures = list(zip(*held_out(500, detector.card["image_size"]), strict=True))
    result = {"first_seed": HELD_OUT_SEED, **score(detector, pictures)}
    card = {**detector.card, "held_out": result}
    for folder in [out, DATA] if args.ship else [out]:
        save_model(detector.model, card, folder)
        plot_curve(read_curve(out), folder / "streets-curve.png")
    return result


def _own(args):
    """The command with DATA: read, split, train; what AP is in the end."""
    data = read_dataset(args.data)
    for problem in data.problems:
        print(problem, file=sys.stderr)
    train, val = split(data, args.share, args.seed)
    out = args.out or RUNS / data.name
    fine_tune(
        train, val, out, start=args.start, epochs=args.epochs or 10, steps=args.steps or 40,
        batch_size=args.batch, image_size=args.size, patience=args.patience, seed=args.seed,
    )  # fmt: skip
    plot_curve(read_curve(out), out / "curve.png")
    print(f"{out} is a model now: load_detector({str(out)!r})")
    return load_model(out / f"{out.name}.json")[1]["validation"]
