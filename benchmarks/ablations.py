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
import json
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from ablation_learner import BATCH, Learner
from ablation_pictures import prepare, truth_of
from ablation_variants import EXCHANGED, MASKS, WHOLE

from helpers import DATA
from helpers.evaluation import bootstrap, interval, match, summarize
from helpers.lessons.recorded import write_recorded
from helpers.mask_rcnn.inference import candidates_of, to_detections
from helpers.pictures import replacing
from helpers.streets import CATEGORIES

TRAINING_SEED = 1_500_000
HELD_OUT_SEED = 600_000
SHOWN = (600_003, 600_014, 600_021)  # held-out pictures that notebook 04b shows


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
