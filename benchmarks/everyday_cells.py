"""Do masks of 56 x 56 cells pay in `everyday`, where they have 28 x 28?

The bundled mask branch learns on with either, alike, for a short time. Then: how good are masks in
true boxes of the held-out fifth of `coco343`, and AP on `cocoval`?
"""

import json

from measure import table

from helpers import DATA
from helpers.evaluation import evaluate
from helpers.models import from_model, load_model
from helpers.pictures import replacing
from helpers.training import everyday
from helpers.training.mask_branch import MaskBatches, MaskRun, learn_only, mask_quality
from helpers.training.mosaics import Mosaics
from helpers.training.photo_scores import judge

CELLS = 28, 56
EPOCHS = 4
STEPS = 15  # batches per epoch
BATCH = 2
RATE = 5e-4
HOLD = 0.3  # share of the training at full rate


def compare_cells(data, out, small):
    """A row for each number of cells, before and after."""
    rows = []
    for cells in CELLS:
        folder = out / f"cells-{cells}"
        path = folder / "row.json"
        if not path.exists():
            row = learn_on(cells, data, folder, small)
            with replacing(path) as part:
                part.write_text(json.dumps(row))
        rows.append([f"{cells} x {cells}", *json.loads(path.read_text())])
    header = "cells", "IoU before", "≥ .75", "after", "≥ .75", "mask AP", "AP50", "AP75"
    table(header, rows)


def learn_on(cells, data, folder, small):
    """The numbers of a row; after a stop the training goes on."""
    epochs = 1 if small else EPOCHS
    steps = 1 if small else STEPS
    batch = 1 if small else BATCH
    coco, others = everyday.photographs(data)
    held_out = range(0, len(coco), everyday.EVERY)
    photos, some = everyday.held_out_of_coco(data)
    if small:
        held_out, some = held_out[:4], some[4:8]
    model, card = load_model(DATA / "everyday.json", mask_side=cells)
    before = mask_quality(model, coco, held_out)
    learn_only(model, model.mask_branch)
    sources = everyday.mask_sources(coco, others)
    batches = MaskBatches(Mosaics(sources, model.config.image_size), steps, batch)
    MaskRun(model, batches, dict, folder, epochs).train(RATE, HOLD)
    after = mask_quality(model, coco, held_out)
    ap = evaluate(*judge(from_model(model, card), photos, some))["mask"]
    values = [one[key] for one in (before, after) for key in ("IoU", "IoU75")]
    return [f"{value:.3f}" for value in (*values, ap["AP"], ap["AP50"], ap["AP75"])]
