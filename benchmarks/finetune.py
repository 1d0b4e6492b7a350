"""How good is a model after some minutes of fine-tuning, and what does that cost?

    python benchmarks/finetune.py novelties [--epochs 9]
    python benchmarks/finetune.py nuts [--seeds 0 1 2] [--data ../shared/data/custom/nuts]
                                       [--start everyday]

novelties: 120 drawn pictures to train on, of two objects that the bundled model has never seen.
nuts: 18 photos, in parts that the seed says. AP is measured on pictures that play no part in
training, nor in the choice of the best epoch; counts are train / val / test. Seconds count from the
first picture read to the end of training. 95 of 100 such sets of pictures give an AP50 in the
interval.
"""

import argparse
import os
import pathlib
import resource
import shutil
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from helpers.annotations import read_dataset, split
from helpers.evaluation import bootstrap, interval, match, summarize
from helpers.streets import novelties
from helpers.training import fine_tune

ROOT = pathlib.Path(__file__).parents[1]
WAYS = {"novelties": {"epochs": 9}, "nuts": {"epochs": 6, "image_size": (320, 320)}}


def drawn(first, num):
    """Mugs and star kites of `num` seeds from `first` on."""
    return [novelties.draw_novelty(seed) for seed in range(first, first + num)]


def main():
    """Print a line for each training: cost, and mask AP50 with its interval."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=WAYS)
    parser.add_argument("--data", default=ROOT.parent / "shared" / "data" / "custom" / "nuts")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    parser.add_argument("--epochs", type=int, help="of 40 batches of 8")
    parser.add_argument("--start", default="streets", help="the model to begin with")
    parser.add_argument("--steps", type=int, default=40, help="batches per epoch")
    parser.add_argument("--images", type=int, default=200, help="drawn pictures for AP")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "runs" / "finetune")
    args = parser.parse_args()
    options = WAYS[args.what] | {"steps": args.steps, "start": args.start}
    options |= {"epochs": args.epochs} if args.epochs else {}
    print(f"{'training':14}{'seconds':>8}{'cpu s':>7}{'GB':>6}{'pictures':>16}{'AP50':>7}  95 %")
    for seed in args.seeds:
        start, cpu = time.monotonic(), time.process_time()
        if args.what == "nuts":
            rest, test = split(read_dataset(args.data), 0.25, seed)
            train, val = split(rest, 0.2, seed)
        else:
            train, val, test = (
                drawn(1000 * seed, 120),
                drawn(100_000, 40),
                drawn(200_000, args.images),
            )
        folder = args.out / f"{args.what}-{seed}"
        shutil.rmtree(folder, ignore_errors=True)
        detector = fine_tune(train, val, folder, seed=seed, **options)
        seconds, cpu = time.monotonic() - start, time.process_time() - cpu
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        detections = detector.with_threshold(0.0).batch([image for image, _ in test])
        matched = match([truth for _, truth in test], detections)
        ap50 = summarize(matched)["mask"]["AP50"]
        low, high = interval(bootstrap(matched, "mask", "AP50"))
        counts = f"{len(train)} / {len(val)} / {len(test)}"
        print(
            f"{folder.name:14}{seconds:8.0f}{cpu:7.0f}{memory:6.1f}{counts:>16}{ap50:7.3f}  "
            f"{low:.2f} to {high:.2f}"
        )


if __name__ == "__main__":
    main()
