"""Do objects keep their identities, compared with ByteTrack?

    python benchmarks/tracks.py [--clips 8] [--frames 120] [--fps 24] [--seed 100]

Clips of the street world with exact truth, each with a seed of its own. Detections are (i) the
truth with a tenth missing and edges that jitter by 3 % of the box, (ii) what `streets` finds. Both
trackers get the same. ByteTrack needs an environment of its own, since it brings another OpenCV:

    python3 -m venv /tmp/bytetrack && /tmp/bytetrack/bin/pip install trackers
    python benchmarks/tracks.py --bytetrack /tmp/bytetrack/bin/python

Without it ours runs alone. Switches: how often a true object gets another number than before. MOTA:
1 - (misses + false finds + switches) / true objects. IDF1: how much of all lies on the best pairing
of true objects with numbers. A find counts as right from a box IoU of .5 on.
"""

import argparse
import json
import os
import subprocess
import time

import numpy as np
from scipy.optimize import linear_sum_assignment

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from helpers.streets import draw_clip
from helpers.structures import box_iou
from helpers.video import Tracker, shift_mask

BYTETRACK = """
import json, sys, numpy as np, supervision as sv, trackers
def follow(clip):
    tracker = trackers.ByteTrackTracker(frame_rate=30)
    for boxes, scores, labels in clip:
        boxes = np.reshape(np.array(boxes, float), (-1, 4))
        found = sv.Detections(boxes, None, np.array(scores, float), np.array(labels, int))
        found = tracker.update(found)
        known = found.tracker_id >= 0
        yield found.tracker_id[known].tolist(), found.xyxy[known].tolist()
print(json.dumps([list(follow(clip)) for clip in json.load(sys.stdin)]))
"""


def score(truth, found):
    """Compare two films, each a list of (ids, boxes) by frame; returns a dict of counts.

    By hand: one object, seen in three frames as 1, 1, 2, makes one switch, IDF1 2 / 3, MOTA 2 / 3.
    """
    last, before, pairs = {}, {}, {}
    counts = {"switches": 0, "misses": 0, "false": 0, "true": 0, "found": 0}
    for (true_ids, true_boxes), (ids, boxes) in zip(truth, found, strict=True):
        iou = box_iou(true_boxes, boxes)
        right = iou >= 0.5
        for i, j in zip(*np.nonzero(right), strict=True):
            pairs[true_ids[i], ids[j]] = pairs.get((true_ids[i], ids[j]), 0) + 1
        stay = np.array([[before.get(t) == j for j in ids] for t in true_ids]).reshape(iou.shape)
        gain, now = np.where(right, iou + 10 + 1000 * stay, 0), {}
        for i, j in zip(*linear_sum_assignment(gain, maximize=True), strict=True):
            if right[i, j]:
                now[true_ids[i]] = ids[j]
                counts["switches"] += last.get(true_ids[i], ids[j]) != ids[j]
        last, before = last | now, now
        counts["misses"] += len(true_ids) - len(now)
        counts["false"] += len(ids) - len(now)
        counts["true"] += len(true_ids)
        counts["found"] += len(ids)
    rows, columns = ({key[k]: None for key in pairs} for k in (0, 1))
    table = np.array([[pairs.get((row, column), 0) for column in columns] for row in rows])
    table = table.reshape(len(rows), len(columns))
    same = table[linear_sum_assignment(table, maximize=True)].sum()
    wrong = counts["misses"] + counts["false"] + counts["switches"]
    counts["IDF1"] = 2 * same / max(counts["true"] + counts["found"], 1)
    return counts | {"MOTA": 1 - wrong / max(counts["true"], 1)}


def spoiled(truth, rng):
    """Detections like the truth: a tenth is missing, edges jitter by 3 % of the box."""
    truth = truth[rng.random(len(truth)) >= 0.1].replace(track_ids=None)
    sides = np.tile(truth.boxes[:, 2:] - truth.boxes[:, :2], 2)
    move = 0.03 * sides * rng.normal(size=sides.shape)
    middle = move.reshape(-1, 2, 2).mean(1)
    masks = [shift_mask(mask, shift) for mask, shift in zip(truth.masks, middle, strict=True)]
    masks = np.reshape(masks, (-1, *truth.image_size))
    scores = rng.uniform(0.5, 1, len(truth))
    return truth.replace(boxes=truth.boxes + move, masks=masks, scores=scores)


def follow(clip):
    """What our tracker says of a clip: a list of (ids, boxes)."""
    tracker = Tracker()
    return [(f.track_ids.tolist(), f.boxes) for f in map(tracker.update, clip)]


def main():
    """Print a table: detections, tracker, switches, IDF1, MOTA, misses, false finds, ms a frame."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--fps", type=float, default=24)
    parser.add_argument("--seed", type=int, default=100, help="of the first clip")
    parser.add_argument("--bytetrack", help="the python of an environment with trackers")
    args = parser.parse_args()

    from measure import table

    from helpers.models import load_detector

    detector = load_detector("streets")
    truth, given = [], {"truth, spoiled": [], "streets": []}
    for seed in range(args.seed, args.seed + args.clips):
        rng, clip = np.random.default_rng(seed), list(draw_clip(seed, args.frames, args.fps))
        truth.append([(t.track_ids.tolist(), t.boxes) for _, t in clip])
        given["truth, spoiled"].append([spoiled(t, rng) for _, t in clip])
        given["streets"].append([detector(image) for image, _ in clip])
    names = ("switches", "IDF1", "MOTA", "misses", "false")
    rows, gaps = [], []
    for name, clips in given.items():
        begun = time.perf_counter()
        results = {"ours": [follow(clip) for clip in clips]}
        took = 1000 * (time.perf_counter() - begun) / sum(map(len, clips))
        if args.bytetrack:
            fields = ("boxes", "scores", "labels")
            plain = [[[getattr(d, f).tolist() for f in fields] for d in clip] for clip in clips]
            command = [args.bytetrack, "-W", "ignore", "-c", BYTETRACK]
            text = json.dumps(plain)
            done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
            results["ByteTrack"] = json.loads(done.stdout.splitlines()[-1])
        shares = []
        for tracker, found in results.items():
            scores = [score(*pair) for pair in zip(truth, found, strict=True)]
            shares.append([s["IDF1"] for s in scores])
            row = [name, tracker]
            for key in names:
                values = [s[key] for s in scores]
                share = key in ("IDF1", "MOTA")
                row.append(f"{np.mean(values):.3f}" if share else sum(values))
            rows.append([*row, f"{took:.1f}" if tracker == "ours" else ""])
        if len(shares) == 2 and len(clips) > 1:
            gap = np.subtract(*shares)
            gaps.append(f"{name}: {gap.mean():+.3f} ± {gap.std(ddof=1) / len(gap) ** 0.5:.3f}")
    table(("detections", "tracker", *names, "ms"), rows)
    if gaps:
        print("IDF1, ours less ByteTrack's, mean of the clips and its standard error:")
        print("\n".join(gaps))
    if not args.bytetrack:
        print("without --bytetrack there is nothing to compare with: see the head of this file")


if __name__ == "__main__":
    main()
