"""What does it cost to detect in each k-th frame only, and what does it bring?

    python benchmarks/between.py [--clips 4] [--frames 49] [--rounds 3]

On clips of the street world: the mean over objects of the best mask IoU that the masks of a frame
have with those of the model itself ("model") and with the truth ("truth"); how many times as fast
`process_video` is as with every frame, on a video of 24 frames a second at 640 x 384, in turn. The
second table carries the truth of a frame on for 1, 2, ... frames, by each of some ways to do it.
"""

import argparse
import pathlib
import statistics
import tempfile
import time

import cv2
import numpy as np
from measure import table

from helpers.models import load_detector
from helpers.streets import draw_clip
from helpers.structures import mask_iou
from helpers.video import carry, process_video, shift_mask, write_video

AHEAD = 7  # frames that the ways to carry are followed


def stay(old, new, detections):
    """The masks as they were."""
    return detections


def dense(old, new, detections):
    """The median of dense optical flow (DIS) within each mask."""
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (old, new)]
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*grey, None)
    masks = []
    for mask in detections.masks:
        if mask.any():
            mask = shift_mask(mask, np.median(flow[mask], axis=0))
        masks.append(mask)
    return detections.replace(masks=np.reshape(masks, detections.masks.shape))


def warped(old, new, detections):
    """Each pixel of a mask where dense flow takes it, looked up backwards."""
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (new, old)]
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*grey, None)
    place = np.indices(flow.shape[:2], np.float32)[::-1] + np.moveaxis(flow, 2, 0)
    masks = [
        cv2.remap(mask.view(np.uint8), *place, cv2.INTER_NEAREST) > 0 for mask in detections.masks
    ]
    return detections.replace(masks=np.reshape(masks, detections.masks.shape))


WAYS = {"stay": stay, "dense flow": dense, "warped": warped, "corners (ours)": carry}


def overlap(wanted, detections):
    """The best IoU that each wanted mask has with one of the detections."""
    return mask_iou(wanted.masks, detections.masks).max(1, initial=0).tolist()


def overlaps_by_k(clips, answers, k):
    """Mean IoU with the model's own answers, and with the truth, if each k-th frame is detected in.

    Args:
        clips: each a list of (image, truth) by frame.
        answers: the same of the model's detections.
    """
    with_model, with_truth = [], []
    for clip, of_model in zip(clips, answers, strict=True):
        for i, (image, truth) in enumerate(clip):
            if i % k == 0:
                detections = of_model[i]
            else:
                detections = carry(clip[i - 1][0], image, detections)
            with_model += overlap(of_model[i], detections)
            with_truth += overlap(truth, detections)
    return np.mean(with_model), np.mean(with_truth)


def seconds_by_k(detector, frames, every, rounds):
    """{k: median seconds of `process_video` on a video of 24 frames a second}, in turn."""
    times = {k: [] for k in every}
    with tempfile.TemporaryDirectory() as folder:
        src, dst = (pathlib.Path(folder) / name for name in ("video.mp4", "out.mp4"))
        clip = draw_clip(200, frames, 24, (384, 640))
        write_video(src, (image for image, _ in clip), 24)
        for k in every * rounds:
            report = process_video(src, dst, detector, every=k, progress=False)
            times[k].append(report.took)
    return {k: statistics.median(of_k) for k, of_k in times.items()}


def follow(way, clips, num_frames):
    """Carry the truth of some frames on by one way.

    Returns:
        For each number of frames, 1 to AHEAD, the IoU of each object with its truth; and the
        milliseconds of a call.
    """
    values = [[] for _ in range(AHEAD)]
    took, calls = 0, 0
    for clip in clips:
        for start in range(0, num_frames - AHEAD, AHEAD + 1):
            detections = clip[start][1]
            for n in range(AHEAD):
                old, _ = clip[start + n]
                new, truth = clip[start + n + 1]
                begun = time.perf_counter()
                detections = way(old, new, detections)
                took += time.perf_counter() - begun
                calls += 1
                values[n] += same_object_iou(detections, truth)
    return values, 1000 * took / max(calls, 1)


def same_object_iou(detections, truth):
    """The IoU of each object that is in both with itself."""
    values = []
    for track_id in detections.track_ids:
        one = detections[detections.track_ids == track_id]
        other = truth[truth.track_ids == track_id]
        if len(other):
            values.append(mask_iou(one.masks, other.masks)[0, 0])
    return values


def main():
    """Print two tables: by k, and by way to carry."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--frames", type=int, default=49)
    parser.add_argument("--rounds", type=int, default=3, help="videos made with each k")
    parser.add_argument("--every", type=int, nargs="+", default=[1, 2, 3, 4, 6, 8])
    args = parser.parse_args()

    detector = load_detector("streets")
    clips = [list(draw_clip(seed, args.frames)) for seed in range(200, 200 + args.clips)]
    answers = [[detector(image) for image, _ in clip] for clip in clips]
    seconds = seconds_by_k(detector, args.frames, args.every, args.rounds)
    rows = []
    for k in args.every:
        with_model, with_truth = overlaps_by_k(clips, answers, k)
        speed = seconds[args.every[0]] / seconds[k]
        rows.append((k, f"{with_model:.3f}", f"{with_truth:.3f}", f"{speed:.2f}"))
    table(("every", "IoU with the model", "with the truth", "times as fast"), rows)

    rows = []
    for name, way in WAYS.items():
        values, milliseconds = follow(way, clips, args.frames)
        cells = [f"{np.mean(v):.3f}" if v else "-" for v in values]
        rows.append((name, *cells, f"{milliseconds:.1f}"))
    table(("way", *(f"+{n}" for n in range(1, AHEAD + 1)), "ms"), rows)


if __name__ == "__main__":
    main()
