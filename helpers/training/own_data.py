"""A model for your own objects, from your own pictures, in minutes."""

import json
import pathlib

import keras

from helpers.evaluation import score
from helpers.models import from_model
from helpers.pictures import replacing
from helpers.structures import InputError
from helpers.training.batches import Batches
from helpers.training.devices import spread
from helpers.training.engine import Run
from helpers.training.heirs import heir
from helpers.training.memory import memory_line
from helpers.training.pictures import Shrunk, Shuffled
from helpers.training.survey import survey
from helpers.training.targets import slots_for


def fine_tune(
    train,
    val,
    folder,
    *,
    start="streets",
    epochs=10,
    steps=40,
    batch_size=8,
    image_size=None,
    heads_epochs=1,
    rate=1.5e-3,
    patience=None,
    augment=True,
    seed=0,
    devices=None,
    say=print,
):
    """Teach a trained model your objects; called again on the same folder after a stop, it goes on.

    Backbone, pyramid and heads start as they are in the old model; only the layers that name the
    classes are new. Begin with `everyday` for photographs, with `streets` for drawings.

    Args:
        train, val: pictures to learn from and to measure AP on: a `Dataset`, or any sequence of
            (image (H, W, 3) uint8, Detections with masks). Sizes may differ, masks may overlap.
        folder: where all goes, `~` is the home folder: its name becomes the model's,
            `load_detector(folder)` loads it.
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
    folder = pathlib.Path(folder).expanduser()
    to_learn = survey(train, val)
    settings = {
        "start": str(start),
        "epochs": epochs,
        "steps": steps,
        "batch_size": batch_size,
        "image_size": list(image_size) if image_size else None,
        "heads_epochs": heads_epochs,
        "rate": rate,
        "patience": patience,
        "augment": augment,
        "seed": seed,
        "objects": to_learn.counts,
    }
    with spread(devices):
        keras.utils.set_random_seed(seed)
        model, origin = heir(start, to_learn, image_size)
        _keep_settings(folder, settings)
        size = model.config.image_size
        num_slots = slots_for(to_learn.most)
        batches = Batches(
            Shuffled(train, size, seed, augment),
            steps,
            batch_size,
            categories=to_learn.categories,
            num_slots=num_slots,
        )
        card = _card(folder.name, origin, to_learn, train, settings)
        detector = from_model(model, card)
        if say:
            num_pictures = len(train) + len(val)
            memory = memory_line(model.config, batch_size, num_pictures, to_learn.most)
            for line in (memory, *_what_is_not_learnt(to_learn, num_slots)):
                say(f"{folder.name}: {line}")
        judged = Shrunk(val, size)

        def judge():
            return score(detector, judged)

        run = Run(model, batches, judge, folder, card, epochs, patience, say)
        detector.card.update(run.train(rate, heads_epochs))
    return detector


def _card(name, origin, to_learn, train, settings):
    """The card of a model before its training: what it began as, and what it is taught."""
    classes = ", ".join(to_learn.counts)
    return {
        **origin,
        "name": name,
        "about": f"A model that began as {origin['name']} and was taught {classes}.",
        "categories": to_learn.categories,
        "data": f"{getattr(train, 'name', 'pictures of your own')}: {len(train)} pictures",
        "settings": settings,
        "limits": ["what differs from the pictures that it was taught with"],
    }


def _what_is_not_learnt(to_learn, num_slots):
    """Lines about classes without an object, and about objects beyond the slots of a picture."""
    lines = []
    if to_learn.unused:
        lines.append(f"no object of class {', '.join(to_learn.unused)}: not learnt")
    if to_learn.most > num_slots:
        lines.append(
            f"of {to_learn.most} objects in a picture {num_slots} are learnt at a time; the others "
            "are left out, they do not count as background"
        )
    return lines


def _keep_settings(folder, settings):
    """Write what a training was started with, or refuse to go on with something else."""
    path = folder / "checkpoint" / "settings.json"
    settings = json.loads(json.dumps(settings))  # as it will be read again
    if path.exists():
        old = json.loads(path.read_text())
        changed = [
            f"{key} {old.get(key)}, now {value}"
            for key, value in settings.items()
            if old.get(key) != value
        ]
        if changed:
            raise InputError(
                f"{folder} holds a training with other settings ({'; '.join(changed)}): "
                "take these again to go on with it, or another folder"
            )
    with replacing(path) as part:
        part.write_text(json.dumps(settings))
