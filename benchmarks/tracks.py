"""Do objects keep their identities, compared with ByteTrack?

    python benchmarks/tracks.py [--clips 8] [--frames 120] [--fps 24] [--seed 100]

Clips of the street world with exact truth, each with a seed of its own. Detections are (i) the
truth with a tenth missing and edges that jitter by 3 % of the box, (ii) those of `streets`. Both
trackers get the same. ByteTrack needs an environment of its own, since it brings another OpenCV:

    python3 -m venv /tmp/bytetrack && /tmp/bytetrack/bin/pip install trackers
    python benchmarks/tracks.py --bytetrack /tmp/bytetrack/bin/python

Without it ours runs alone. Switches: how often a true object gets another number than before. MOTA:
1 - (misses + false detections + switches) / true objects. IDF1: how much of all lies on the best
pairing of true objects with numbers. A detection counts as right from a box IoU of .5 on.
"""

import argparse
import json
import subprocess
import time
from collections import Counter

import numpy as np
from scipy.optimize import linear_sum_assignment

from helpers.streets import draw_clip
from helpers.structures import box_iou
from helpers.video import Tracker, shift_mask

BYTETRACK = """
import json, sys, numpy as np, supervision as sv, trackers
def follow(clip):
    tracker = trackers.ByteTrackTracker(frame_rate=30)
    for boxes, scores, labels in clip:
        boxes = np.reshape(np.array(boxes, float), (-1, 4))
        given = sv.Detections(boxes, None, np.array(scores, float), np.array(labels, int))
        tracked = tracker.update(given)
        known = tracked.tracker_id >= 0
        yield tracked.tracker_id[known].tolist(), tracked.xyxy[known].tolist()
print(json.dumps([list(follow(clip)) for clip in json.load(sys.stdin)]))
"""


def score(truth, tracked):
    """Compare two videos, each a list of (ids, boxes) by frame; returns a dict of counts.

    By hand: one object, seen in three frames as 1, 1, 2, makes one switch, IDF1 2 / 3, MOTA 2 / 3.
    """
    last, before = {}, {}  # {true id: our id}, ever and in the frame before
    overlapping = Counter()  # {(true id, our id): frames in which they overlap}
    counts = {"switches": 0, "misses": 0, "false": 0, "true": 0, "tracked": 0}
    for (true_ids, true_boxes), (ids, boxes) in zip(truth, tracked, strict=True):
        iou = box_iou(true_boxes, boxes)
        is_right = iou >= 0.5
        for i, j in zip(*np.nonzero(is_right), strict=True):
            overlapping[true_ids[i], ids[j]] += 1
        now = {}
        for i, j in _pairs(iou, is_right, true_ids, ids, before):
            now[true_ids[i]] = ids[j]
            counts["switches"] += last.get(true_ids[i], ids[j]) != ids[j]
        last |= now
        before = now
        counts["misses"] += len(true_ids) - len(now)
        counts["false"] += len(ids) - len(now)
        counts["true"] += len(true_ids)
        counts["tracked"] += len(ids)
    wrong = counts["misses"] + counts["false"] + counts["switches"]
    same = _most_in_common(overlapping)
    counts["IDF1"] = 2 * same / max(counts["true"] + counts["tracked"], 1)
    counts["MOTA"] = 1 - wrong / max(counts["true"], 1)
    return counts


def _pairs(iou, is_right, true_ids, ids, before):
    """Which true object is which of ours in a frame: as in the frame before, if that is right."""
    stays = [[before.get(true_id) == our_id for our_id in ids] for true_id in true_ids]
    gain = np.where(is_right, iou + 10 + 1000 * np.reshape(stays, iou.shape), 0)
    pairs = zip(*linear_sum_assignment(gain, maximize=True), strict=True)
    return [(i, j) for i, j in pairs if is_right[i, j]]


def _most_in_common(overlapping):
    """How many frames the best pairing of true ids and ours has in common."""
    true_ids = list(dict.fromkeys(true_id for true_id, _ in overlapping))
    ids = list(dict.fromkeys(our_id for _, our_id in overlapping))
    frames = [[overlapping[true_id, our_id] for our_id in ids] for true_id in true_ids]
    frames = np.reshape(frames, (len(true_ids), len(ids)))
    return frames[linear_sum_assignment(frames, maximize=True)].sum()


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
    tracked = [tracker.update(detections) for detections in clip]
    return [(detections.track_ids.tolist(), detections.boxes) for detections in tracked]


def ask_bytetrack(python, clips):
    """What ByteTrack says of some clips, in an environment of its own."""
    fields = ("boxes", "scores", "labels")
    plain = [
        [[getattr(detections, field).tolist() for field in fields] for detections in clip]
        for clip in clips
    ]
    command = [python, "-W", "ignore", "-c", BYTETRACK]
    done = subprocess.run(
        command, input=json.dumps(plain), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def main():
    """Print a table: detections, tracker, switches, IDF1, MOTA, misses, false ones, ms a frame."""
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
    truth = []
    given = {"truth, spoiled": [], "streets": []}
    for seed in range(args.seed, args.seed + args.clips):
        rng = np.random.default_rng(seed)
        clip = list(draw_clip(seed, args.frames, args.fps))
        truth.append([(true.track_ids.tolist(), true.boxes) for _, true in clip])
        given["truth, spoiled"].append([spoiled(true, rng) for _, true in clip])
        given["streets"].append([detector(image) for image, _ in clip])
    names = ("switches", "IDF1", "MOTA", "misses", "false")
    rows, gaps = [], []
    for name, clips in given.items():
        begun = time.perf_counter()
        results = {"ours": [follow(clip) for clip in clips]}
        took = 1000 * (time.perf_counter() - begun) / sum(len(clip) for clip in clips)
        if args.bytetrack:
            results["ByteTrack"] = ask_bytetrack(args.bytetrack, clips)
        shares = []
        for tracker, tracked in results.items():
            scores = [score(*pair) for pair in zip(truth, tracked, strict=True)]
            shares.append([of_clip["IDF1"] for of_clip in scores])
            row = [name, tracker]
            for key in names:
                values = [of_clip[key] for of_clip in scores]
                is_share = key in ("IDF1", "MOTA")
                row.append(f"{np.mean(values):.3f}" if is_share else sum(values))
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
