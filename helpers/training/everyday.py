"""`everyday`: people, cats and dogs in photographs, learnt from pictures that tell only a part.

python3 run.py train everyday DATA                 train, from `streets` on; after a stop it goes on
python3 run.py train everyday DATA --score NAME    only measure a model
python3 run.py train everyday DATA --pack FILE     put the data into one small zip, a DATA, too

DATA is a folder with pictures and annotations in COCO's form, see `helpers.training.photos`.
"""

import argparse
import json
import pathlib
import sys
from collections import defaultdict

import keras
import numpy as np

from helpers import DATA
from helpers.evaluation import bootstrap, error_kinds, evaluate, interval, match, rounded, summarize
from helpers.mask_rcnn.config import Config
from helpers.mask_rcnn.partial_labels import PartialMaskRCNN
from helpers.models import from_model, load_detector, load_model, save_model, transfer
from helpers.training.curves import plot_curve, read_curve
from helpers.training.engine import Batches, Run
from helpers.training.photos import Photos, Varied, counted, pack

CLASSES = "person", "cat", "dog"
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
FINAL_SIZE = 384, 384  # of the input after the training: more of what is small is found
NUM_SLOTS = 32  # objects of a training picture
NUM_JUDGED, EVERY = 128, 24  # training pictures that the curve is measured on, each 24th
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


def judge(detector, photos, indices):
    """Lists of truth and results of some pictures, as `counted` leaves them."""
    from tqdm.auto import tqdm

    detector, pairs = detector.with_threshold(0.0), []
    bar = {"desc": "scoring", "unit": "picture", "delay": 5, "leave": False, "disable": None}
    for index in tqdm(indices, **bar):
        image, truth = photos[index]
        pairs.append(counted(truth, detector(image), photos.known(index)))
    return tuple(map(list, zip(*pairs, strict=True)))


def report(detector, photos):
    """What a detector reaches on `photos`, class by class and source by source.

    Returns:
        {"images", "mask", "box" (as `evaluate`), "errors", "classes": {name: {"objects", "mask_AP",
        "mask_AP50", "interval" (of AP50, by bootstrap)}}, "sources": {source: {name: mask AP50}},
        "empty": {"images" that show nothing, "false" objects found there at .5}}.
    """
    indices = [i for i in range(len(photos)) if photos.has_masks(i)]
    truth, found = judge(detector, photos, indices)
    result = {**evaluate(truth, found), "errors": error_kinds(truth, found), "images": len(truth)}
    del result["per_class"]
    classes, sources = {}, defaultdict(dict)
    for key, name in photos.categories.items():
        known = [k for k, i in enumerate(indices) if key in photos.known(i)]
        only = lambda images, some, key=key: [images[k][images[k].labels == key] for k in some]  # noqa: E731
        matched = match(only(truth, known), only(found, known))
        classes[name] = {
            "objects": sum(len(one) for one in only(truth, known)),
            "mask_AP": summarize(matched)["mask"]["AP"],
            "mask_AP50": summarize(matched)["mask"]["AP50"],
            "interval": [*map(float, interval(bootstrap(matched, "mask", "AP50")) or ())],
        }
        for source in sorted(set(photos.sources)):
            some = [k for k in known if photos.sources[indices[k]] == source]
            if any(map(len, only(truth, some))):
                scores = evaluate(only(truth, some), only(found, some))
                sources[source][name] = scores["mask"]["AP50"]
    everything = set(photos.categories)
    empty = [k for k, i in enumerate(indices) if photos.known(i) == everything
             and not photos.annotations[photos.rows[i][0]]]  # fmt: skip
    false = sum(int((found[k].scores >= 0.5).sum()) for k in empty)
    result |= {"classes": classes, "sources": dict(sources)}
    return rounded({**result, "empty": {"images": len(empty), "false": false}})


def settle(model, truth, found):
    """Make .5 the score at which the F1 of what is found is best, so that it is a fair threshold.

    Training sees more objects among its boxes than a picture has, so that the network is too sure.
    The background's logit rises by what is missing; the order of scores, and AP, hardly change.

    Args:
        model: MaskRCNN; its bias is changed.
        truth, found: as `judge` gives them, of pictures left out of the training.

    Returns:
        The score that became .5; of several that are best the nearest to it.
    """

    def merit(score):
        kinds = error_kinds(truth, found, score)
        f1 = 2 * kinds["right"] / max(1, sum(kinds.values()) + kinds["right"])
        return f1, -abs(score - 0.5)

    best = float(max(np.linspace(0.3, 0.9, 25), key=merit))
    bias = model.box_head.logits.bias
    bias.assign(bias + np.eye(1, bias.shape[0])[0] * np.log(best / (1 - best)))
    return round(best, 3)


def train_everyday(
    data, folder, epochs=14, steps=250, batch_size=32, hold=0.5, rate=2e-3, config=CONFIG,
    final_size=FINAL_SIZE,
):  # fmt: skip
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
        Varied(photos, shown, config.image_size), steps, batch_size,
        categories=photos.categories, num_slots=NUM_SLOTS,
    )  # fmt: skip
    card = {
        "name": folder.name,
        **CARD,
        "categories": photos.categories,
        "data": f"{len(shown)} photographs, partly labelled",
        "sources": photos.provenance(),
    }
    detector = from_model(model, card)

    def score():
        truth, found = judge(detector, photos, judged)
        result = {**evaluate(truth, found), "errors": error_kinds(truth, found)}
        return rounded({**result, "images": len(truth)})

    run = Run(model, batches, score, folder, card, epochs)
    run.train(rate, hold=hold)
    model, card = load_model(folder / f"{folder.name}.json", image_size=final_size)
    detector = from_model(model, card)
    detector.card["settled"] = settle(model, *judge(detector, photos, judged))
    save_model(model, detector.card, folder)
    return detector


def main(argv=None) -> int:
    """The command; returns 0, or 2 on an error that a user can mend."""
    parser = argparse.ArgumentParser(
        prog="python3 run.py train everyday",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add = parser.add_argument
    add("data", help="folder or packed zip")
    add("--out", type=pathlib.Path, default=DATA.parent / "runs/everyday", help="result")
    add("--epochs", type=int, default=14, help="(default 14)")
    add("--steps", type=int, default=250, help="batches per epoch (default 250)")
    add("--batch", type=int, default=32, help="pictures per batch (default 32)")
    add("--hold", type=float, default=0.5, help="share of the training at full rate (default .5)")
    add("--rate", type=float, default=2e-3, help="of learning, at its peak (default .002)")
    add("--ship", action="store_true", help="put the result into data/, too")
    add("--score", metavar="NAME", help="of a model to measure, or the folder of one")
    add("--pack", metavar="FILE", type=pathlib.Path, help="a zip to write")
    args = parser.parse_args(argv)
    try:
        if args.pack:
            print(pack(args.data, args.pack, CLASSES))
            return 0
        if args.score:
            result = report(load_detector(args.score), Photos(args.data, "val", CLASSES))
        else:
            result = _train(args)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(result, indent=1))
    return 0


def _train(args):
    """The command without options: train, measure on "val", write the card again."""
    detector = train_everyday(
        args.data, args.out, args.epochs, args.steps, args.batch, args.hold, args.rate
    )
    result = report(detector, Photos(args.data, "val", CLASSES))
    card = {**detector.card, "held_out": result}
    for folder in [args.out, DATA] if args.ship else [args.out]:
        save_model(detector.model, card, folder)
        plot_curve(read_curve(args.out), folder / f"{card['name']}-curve.png")
    return result
