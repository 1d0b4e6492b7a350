"""What does it cost to detect in each k-th frame only, and what does it bring?

    python benchmarks/between.py [--clips 4] [--frames 49] [--rounds 3]

On clips of the street world: the mean over objects of the best mask IoU that the masks of a frame
have with those of the model itself ("model") and with the truth ("truth"); how many times as fast
`process_video` is as with every frame, on a film of 24 frames a second at 640 x 384, in turn. The
second table carries the truth of a frame on for 1, 2, ... frames, by each of some ways to do it.
"""

import argparse
import os
import pathlib
import statistics
import tempfile
import time

import cv2
import numpy as np
from measure import table

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from helpers.streets import draw_clip
from helpers.structures import mask_iou
from helpers.video import carry, shift_mask

AHEAD = 7  # frames that the ways to carry are followed


def stay(old, new, found):
    """The masks as they were."""
    return found


def dense(old, new, found):
    """The median of dense optical flow (DIS) within each mask."""
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (old, new)]
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*grey, None)
    masks = [shift_mask(m, np.median(flow[m], axis=0)) if m.any() else m for m in found.masks]
    return found.replace(masks=np.reshape(masks, found.masks.shape))


def warped(old, new, found):
    """Each pixel of a mask where dense flow takes it, looked up backwards."""
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (new, old)]
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*grey, None)
    place = np.indices(flow.shape[:2], np.float32)[::-1] + np.moveaxis(flow, 2, 0)
    masks = [cv2.remap(m.view(np.uint8), *place, cv2.INTER_NEAREST) > 0 for m in found.masks]
    return found.replace(masks=np.reshape(masks, found.masks.shape))


WAYS = {"stay": stay, "dense flow": dense, "warped": warped, "corners (ours)": carry}


def overlap(wanted, found):
    """The best IoU that each wanted mask has with one that was found."""
    return mask_iou(wanted.masks, found.masks).max(1, initial=0).tolist()


def main():
    """Print two tables: by k, and by way to carry."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--frames", type=int, default=49)
    parser.add_argument("--rounds", type=int, default=3, help="films made with each k")
    parser.add_argument("--every", type=int, nargs="+", default=[1, 2, 3, 4, 6, 8])
    args = parser.parse_args()

    from helpers.models import load_detector
    from helpers.video import process_video, write_video

    detector = load_detector("streets")
    clips = [list(draw_clip(seed, args.frames)) for seed in range(200, 200 + args.clips)]
    asked = [[detector(image) for image, _ in clip] for clip in clips]
    overlaps, took = {}, {every: [] for every in args.every}
    for every in args.every:
        model, truth = [], []
        for clip, answers in zip(clips, asked, strict=True):
            for i, (image, true) in enumerate(clip):
                due = i % every == 0
                last = answers[i] if due else carry(clip[i - 1][0], image, last)  # noqa: F821
                model += overlap(answers[i], last)
                truth += overlap(true, last)
        overlaps[every] = f"{np.mean(model):.3f}", f"{np.mean(truth):.3f}"
    with tempfile.TemporaryDirectory() as folder:
        film, out = (pathlib.Path(folder) / name for name in ("film.mp4", "out.mp4"))
        write_video(film, (image for image, _ in draw_clip(200, args.frames, 24, (384, 640))), 24)
        for every in args.every * args.rounds:
            report = process_video(film, out, detector, every=every, progress=False)
            took[every].append(report.took)
    middle = {every: statistics.median(times) for every, times in took.items()}
    speed = {every: f"{middle[args.every[0]] / middle[every]:.2f}" for every in args.every}
    rows = [(every, *overlaps[every], speed[every]) for every in args.every]
    table(("every", "IoU with the model", "with the truth", "times as fast"), rows)
    rows = []
    for name, way in WAYS.items():
        values, took, calls = [[] for _ in range(AHEAD)], 0, 0
        for clip in clips:
            for start in range(0, args.frames - AHEAD, AHEAD + 1):
                found = clip[start][1]
                for n in range(AHEAD):
                    (old, _), (new, true) = clip[start + n], clip[start + n + 1]
                    begun = time.perf_counter()
                    found = way(old, new, found)
                    took, calls = took + time.perf_counter() - begun, calls + 1
                    both = [key for key in found.track_ids if key in true.track_ids]
                    pairs = [(found.track_ids == key, true.track_ids == key) for key in both]
                    values[n] += [mask_iou(found[a].masks, true[b].masks)[0, 0] for a, b in pairs]
        cells = [f"{np.mean(v):.3f}" if v else "-" for v in values]
        rows.append((name, *cells, f"{1000 * took / max(calls, 1):.1f}"))
    table(("way", *(f"+{n}" for n in range(1, AHEAD + 1)), "ms"), rows)


if __name__ == "__main__":
    main()
