"""What a video's objects did: their paths, and what can be counted with them."""

import csv
import json
from collections import Counter
from typing import NamedTuple

import cv2
import numpy as np

from helpers.pictures import replacing
from helpers.structures import Detections, require

TREMBLE = 0.02  # of a line's length: nearer to it than that, an object is on neither side


class Place(NamedTuple):
    """Where an object was in a frame."""

    seconds: float
    x: float  # the middle of its box, pixels
    y: float
    area: float  # of its mask, else of its box, pixels


class History:
    """What a video's objects did: `add` each frame, then ask. It keeps four numbers of each.

    Attributes:
        paths: {track id: list of `Place`}.
        names: {track id: name of its class, as the last frame has it}.
    """

    def __init__(self):
        self.paths = {}
        self.names = {}

    def add(self, seconds, detections: Detections):
        """Note the objects of the frame at `seconds`; they must have track_ids."""
        require(detections.track_ids is not None, "the detections need track_ids: use a Tracker")
        boxes = detections.boxes.astype(float)
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        if detections.masks is None:
            areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        else:
            areas = detections.masks.sum(axis=(1, 2))
        names = detections.names
        for i, track_id in enumerate(detections.track_ids.tolist()):
            x, y = middles[i].tolist()
            place = Place(float(seconds), x, y, areas[i].item())
            self.paths.setdefault(track_id, []).append(place)
            self.names[track_id] = names[i]

    def table(self) -> list[dict]:
        """A row an object: what it is, when it was seen, its mean area, its speed.

        The speed is that from its first place straight to its last, in pixels per second.
        """
        rows = []
        for track_id, path in sorted(self.paths.items()):
            first, last = path[0], path[-1]
            speed = 0.0
            if last.seconds > first.seconds:
                distance = float(np.hypot(last.x - first.x, last.y - first.y))
                speed = distance / (last.seconds - first.seconds)
            mean_area = sum(place.area for place in path) / len(path)
            rows.append(
                {
                    "id": track_id,
                    "name": self.names[track_id],
                    "frames": len(path),
                    "first_seconds": round(first.seconds, 3),
                    "last_seconds": round(last.seconds, 3),
                    "mean_area": round(mean_area, 1),
                    "speed": round(speed, 1),
                }
            )
        return rows

    def write(self, path):
        """Write the table as CSV, or as JSON if the name ends in .json; whole, or not at all."""
        rows = self.table()
        with replacing(path) as part, open(part, "w", newline="", encoding="utf-8") as file:
            if part.suffix == ".json":
                json.dump(rows, file, indent=1)
            else:
                writer = csv.DictWriter(file, rows[0] if rows else ["id"], lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)

    def crossings(self, start, end) -> Counter:
        """How many objects crossed the line from `start` to `end`, (x, y): {(name, side): count}.

        The side is "left" or "right": where the object goes to for one who walks from start to end.
        An object that trembles on the line, nearer than 2 % of its length, has not crossed it.
        """
        start = np.array(start, float)
        along = np.array(end, float) - start
        length = np.hypot(*along)
        require(length > 0, "a line needs two different ends")
        beside = (-along[1], along[0])
        turn = np.array([along, beside]) / length**2  # to 0..1 along the line, and beside it
        counts = Counter()
        for track_id, path in self.paths.items():
            before = None
            for place in path:
                now = turn @ (np.array([place.x, place.y]) - start)
                if abs(now[1]) < TREMBLE:
                    continue
                if before is not None and _crosses(before, now):
                    side = "right" if now[1] > 0 else "left"
                    counts[self.names[track_id], side] += 1
                before = now
        return counts

    def draw_trails(self, image, colors, seconds=1.0):
        """Draw on a copy where each object has been in the last `seconds` before the newest frame.

        Args:
            image: (H, W, 3) uint8.
            colors: track id -> (r, g, b), such as `drawing.color_of`.
        """
        image = np.array(image, order="C")
        newest = max((path[-1].seconds for path in self.paths.values()), default=0)
        line = max(1, round(np.sqrt(image.shape[0] * image.shape[1]) / 300))
        for track_id, path in self.paths.items():
            if path[-1].seconds == newest:
                recent = [(p.x, p.y) for p in path if p.seconds > newest - seconds]
                points = np.rint(recent).astype(np.int32)[:, None]
                cv2.polylines(image, [points], False, colors(track_id), line, cv2.LINE_AA)
        return image


def _crosses(before, now):
    """Whether the way between two places, (along, beside) a line from 0 to 1, crosses it."""
    if before[1] * now[1] >= 0:
        return False
    left, right = sorted([before, now], key=lambda place: place[1])
    meets_at = np.interp(0, [left[1], right[1]], [left[0], right[0]])
    return 0 <= meets_at <= 1
