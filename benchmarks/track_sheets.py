"""Tracks of a real clip, to be looked at: contact sheets of frames with numbers drawn.

    python benchmarks/track_sheets.py CLIP [--start 0] [--frames 100] [--out outputs/tracks]

Whether an object keeps its number nobody can say but who looks: no truth is known. Beside the
sheets comes a table of the numbers: what each is, from which frame to which, in how many of them it
was seen, and how often the model's own word changed there. What was counted is in NOTES.md.

Of a photograph in the place of the clip a camera takes the frames: it sways, goes near and away.
"""

import argparse
import pathlib
import time
from collections import defaultdict
from itertools import islice

import cv2
import numpy as np
from measure import table

from helpers.drawing import LabelMemory, draw_detections
from helpers.models import load_detector
from helpers.pictures import SUFFIXES, read_image, save_image
from helpers.video import Tracker, read_frames, video_info

ROOT = pathlib.Path(__file__).parents[1]
WIDTH = 320  # of a picture on a sheet, pixels
ACROSS, DOWN = 5, 5
RATE = 25.0  # frames a second of the camera that looks at a photograph


def follow(frames, detector, tracker):
    """Each frame with what was found in it before tracking, and after."""
    for frame in frames:
        found = detector(frame)
        yield frame, found, tracker.update(found)


def frames_of(path, start, num_frames):
    """Frames a second, and up to so many frames, from a second on."""
    if path.suffix.lower() in SUFFIXES:
        return RATE, camera(read_image(path), num_frames)
    frames = islice(read_frames(path, start), num_frames)
    return float(video_info(path).fps), frames


def camera(photo, num_frames):
    """Frames of the photograph's size: a window on it sways four times and goes near once."""
    height, width = photo.shape[:2]
    for phase in np.linspace(0, 2 * np.pi, num_frames):
        share = 0.8 + 0.15 * np.cos(phase)  # of the photograph's sides
        left = (1 - share) * width * (0.5 + 0.5 * np.sin(4 * phase))
        top = (1 - share) * height * (0.5 + 0.5 * np.cos(4 * phase))
        window = np.float32([[1 / share, 0, -left / share], [0, 1 / share, -top / share]])
        yield cv2.warpAffine(photo, window, (width, height), flags=cv2.INTER_CUBIC)


def tile(frame, tracked, number, memory):
    """A small picture of a frame with its objects and its number."""
    drawn = draw_detections(frame, tracked, by_class=True, label_memory=memory)
    height = round(WIDTH * frame.shape[0] / frame.shape[1])
    small = cv2.resize(drawn, (WIDTH, height), interpolation=cv2.INTER_AREA)
    cv2.putText(
        small, str(number), (4, height - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 0), 1
    )
    return small


def sheets(tiles):
    """Pictures of ACROSS x DOWN tiles each; the last one may have black places."""
    for start in range(0, len(tiles), ACROSS * DOWN):
        some = tiles[start : start + ACROSS * DOWN]
        some = some + [np.zeros_like(some[0])] * (-len(some) % ACROSS)
        rows = [np.hstack(some[i : i + ACROSS]) for i in range(0, len(some), ACROSS)]
        yield np.vstack(rows)


def describe(history, categories):
    """Rows of a table from {number: [(frame, label by vote, label of the model or None)]}."""
    for number, seen in sorted(history.items()):
        frames = [frame for frame, _, _ in seen]
        votes = {categories[label] for _, label, _ in seen}
        said = [label for _, _, label in seen]
        slips = sum(first != second for first, second in zip(said, said[1:], strict=False))
        yield number, ", ".join(sorted(votes)), frames[0], frames[-1], len(frames), slips


def own_label(found, box):
    """What the model itself called the object of a box, before tracking."""
    return int(found.labels[np.abs(found.boxes - box).sum(1).argmin()])


def main():
    """Write the sheets, print the table and the time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=pathlib.Path)
    parser.add_argument("--start", type=float, default=0, help="seconds")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--model", default="everyday")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "outputs/tracks")
    args = parser.parse_args()
    detector = load_detector(args.model, say=None)
    rate, frames = frames_of(args.clip, args.start, args.frames)
    tiles = []
    history = defaultdict(list)
    memory = LabelMemory()
    begun = time.process_time()
    for number, (frame, found, tracked) in enumerate(follow(frames, detector, Tracker())):
        tiles.append(tile(frame, tracked, number, memory))
        for box, label, track in zip(tracked.boxes, tracked.labels, tracked.track_ids, strict=True):
            history[int(track)].append((number, int(label), own_label(found, box)))
    took = 1000 * (time.process_time() - begun) / len(tiles)
    for number, sheet in enumerate(sheets(tiles)):
        save_image(args.out / f"{args.clip.stem}-{number}.png", sheet)
    print(f"{args.clip.name}, {len(tiles)} frames from {args.start:g} s on at {rate:g} a second")
    print(f"{took:.0f} CPU ms a frame; sheets in {args.out}")
    rows = describe(history, detector.categories)
    table(("number", "called", "from", "to", "frames", "model's word changed"), rows)


if __name__ == "__main__":
    main()
