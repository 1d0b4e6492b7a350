"""Who is who in a video: identities from frame to frame, and what can be counted with them.

A `Tracker` gives every object a number that it keeps, `carry` moves objects on to the next frame
without a detector, a `History` counts. Nothing here needs a neural network.
"""

import csv
import dataclasses
import json
from collections import Counter

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from helpers.pictures import replacing
from helpers.structures import Detections, box_iou, mask_iou, require

SIDE = 160  # pixels, the longer side: masks are compared so small, corners sought on twice that


@dataclasses.dataclass
class Track:
    """What a tracker remembers of one object."""

    number: int
    box: np.ndarray  # (4,), pixels, where it is expected in the frame to come
    mask: np.ndarray | None = None  # small, as it was seen last
    moved: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(2))  # pixels, since then
    velocity: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(2))  # pixels a frame
    votes: Counter = dataclasses.field(default_factory=Counter)  # {label: sum of scores}
    missed: int = 0  # frames in a row without it


class Tracker:
    """Gives the objects of a video their identities, one frame after another.

    Each known object is expected where its velocity takes it. Expected and detected objects are
    paired so that the sum of their likeness is largest: first the detections with a high score,
    then the weak ones, which may continue a track but not begin one. Likeness is the mean of box
    and mask IoU, or, if that is more and the object was of that class before, a measure of how
    near the two are. It falls to half if the object never was of that class, and to nothing if the
    score is weak, too. The same calls give the same numbers.

    Args:
        birth_score: from this score on a detection is a new object if it is none that is known.
        min_likeness: what is less alike, 0 to 1, is not the same object.
        patience: for how many frames an object is remembered that is not seen. One that has left
            the picture is not.

    Source: Zhang et al. 2022, "ByteTrack", for the two rounds; Kuhn 1955 for the pairing.
    """

    def __init__(self, birth_score=0.6, min_likeness=0.1, patience=30):
        self.birth_score, self.min_likeness, self.patience = birth_score, min_likeness, patience
        self.tracks, self.count, self.size = [], 0, None

    def update(self, detections: Detections) -> Detections:
        """The objects of the next frame with their `track_ids`, from 1; none is used twice.

        Args:
            detections: those of one frame; masks may be None, N may be 0.

        Returns:
            Detections of the objects that are known now. A weak one that continues no track is left
            out, and so is a second find of the same object. Labels are what most of the object's
            frames say, weighted by score: a single slip of the model does not show.

        Raises:
            ValueError: the image size is not that of the frames before.
        """
        size = self.size = self.size or detections.image_size
        ours, theirs = f"{size} as before", detections.image_size
        require(size == theirs, f"all frames must have one size, {ours}; got {theirs}")
        step, masks = max(1, round(max(size) / SIDE)), detections.masks
        masks = None if masks is None else masks[:, ::step, ::step]
        for track in self.tracks:
            track.box = track.box + np.tile(track.velocity, 2)
            track.moved = track.moved + track.velocity
        self.tracks = [track for track in self.tracks if not (track.missed and _left(track, size))]
        likeness = self._likeness(detections, masks, step)
        owner, strong = np.full(len(detections), -1), detections.scores >= self.birth_score
        for chosen in (strong, ~strong):
            columns, rows = np.flatnonzero(chosen), np.setdiff1d(np.arange(len(self.tracks)), owner)
            pairs = linear_sum_assignment(likeness[np.ix_(rows, columns)], maximize=True)
            for row, column in zip(rows[pairs[0]], columns[pairs[1]], strict=True):
                if likeness[row, column] >= self.min_likeness:
                    owner[column] = row
        twice = box_iou(detections.boxes, detections.boxes) > 0.8
        if masks is not None:
            twice = mask_iou(masks, masks) > 0.5
        for i in np.flatnonzero(strong & (owner < 0)):
            if not twice[i, owner >= 0].any():
                self.count, owner[i] = self.count + 1, len(self.tracks)
                self.tracks.append(Track(self.count, detections.boxes[i].astype(float)))
        for track in self.tracks:
            track.missed += 1
        kept = np.flatnonzero(owner >= 0)
        seen = [self.tracks[k] for k in owner[kept]]
        for i, track in zip(kept, seen, strict=True):
            _see(track, detections[int(i)], None if masks is None else masks[i])
        self.tracks = [track for track in self.tracks if track.missed <= self.patience]
        labels = [max(track.votes, key=track.votes.get) for track in seen]
        ids = [track.number for track in seen]
        return detections[kept].replace(labels=labels, track_ids=ids)

    def _likeness(self, detections, masks, step):
        """How alike each track and each detection are, 0 to 1: (tracks, N)."""
        boxes, others = np.reshape([t.box for t in self.tracks], (-1, 4)), detections.boxes
        likeness = box_iou(boxes, others)
        if not likeness.size:
            return likeness
        if masks is not None and all(track.mask is not None for track in self.tracks):
            moved = np.array([shift_mask(t.mask, t.moved / step) for t in self.tracks])
            likeness = (likeness + mask_iou(moved, masks)) / 2
        # How far apart in widths and heights, and how far is too far: more, the longer unseen.
        sides = [np.maximum(b[:, 2:] - b[:, :2], 1) for b in (boxes, others)]
        centers = [(b[:, 2:] + b[:, :2]) / 2 for b in (boxes, others)]
        apart = np.abs(centers[0][:, None] - centers[1]) / np.maximum(sides[0][:, None], sides[1])
        reach = 0.5 + 0.05 * np.array([[track.missed] for track in self.tracks])
        near = (1 - np.hypot(*np.moveaxis(apart, 2, 0)) / reach) / 2
        larger = np.abs(np.log(sides[0].prod(1)[:, None] / sides[1].prod(1)))
        votes = [[t.votes[label] for label in detections.labels.tolist()] for t in self.tracks]
        share = np.array(votes) / [[sum(track.votes.values())] for track in self.tracks]
        likeness = np.maximum(likeness, np.where((larger < np.log(4)) & (share > 0), near, 0))
        slips = (share == 0) & (detections.scores < self.birth_score)
        return np.where(slips, 0, likeness * (1 + share) / 2)


def _left(track, size):
    """Whether less than a quarter of where a track is expected lies in the picture."""
    inside = np.clip(track.box, 0, [*size[::-1]] * 2)
    areas = [(box[2:] - box[:2]).prod() for box in (inside, track.box)]
    return areas[0] < areas[1] / 4


def _see(track, found, mask):
    """Take over what was found of a track: one object, and its small mask or None."""
    box = found.boxes[0].astype(float)
    if track.votes:
        # What hides an object stops one of its edges; the other one tells how it moves. So does the
        # border of the picture: an edge that lies there tells nothing.
        error, size = (box - track.box).reshape(2, 2), found.image_size[::-1]
        cut = np.abs(box.reshape(2, 2) - [(0, 0), size]) < 0.01 * max(size)
        first = np.where(cut[0] == cut[1], np.abs(error[0]) < np.abs(error[1]), cut[1])
        error = np.where(first, *error)
        track.velocity = track.velocity + 0.3 * error / track.missed
    track.box, track.mask, track.moved, track.missed = box, mask, np.zeros(2), 0
    track.votes[int(found.labels[0])] += max(float(found.scores[0]), 1e-6)


def shift_mask(mask, shift):
    """A mask (H, W), moved by (dx, dy) pixels, rounded; what leaves the picture is lost."""
    (dx, dy), (height, width) = np.rint(shift).astype(int).tolist(), mask.shape
    moved = np.zeros_like(mask)
    if abs(dx) < width and abs(dy) < height:
        part = mask[max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
        y, x = max(0, dy), max(0, dx)
        moved[y : y + part.shape[0], x : x + part.shape[1]] = part
    return moved


def carry(previous_image, image, detections: Detections) -> Detections:
    """The same objects in the next frame, where the pixels below them have gone.

    Corners within each object are looked up in the next frame; the median of their ways is how the
    object moves. One without a corner stays. benchmarks/between.py compares the ways to do it.

    Args:
        previous_image, image: (H, W, 3) uint8, two frames in a row.
        detections: the objects of the first; N may be 0, without masks the boxes stand in.

    Returns:
        Detections for the second; what has left the picture is left out.

    Raises:
        ValueError: the two images differ in size from each other or from the detections.

    Source: Lucas and Kanade 1981, in pyramids (Bouguet 2001); Shi and Tomasi 1994 for the corners.
    """
    (height, width), shapes = detections.image_size, (previous_image.shape, image.shape)
    want = f"both images must be {height} x {width}, like the detections"
    require(shapes == ((height, width, 3),) * 2, f"{want}; got {shapes}")
    zoom = min(1, 2 * SIDE / max(height, width))
    old, new = (
        cv2.cvtColor(cv2.resize(frame, None, fx=zoom, fy=zoom, interpolation=3), cv2.COLOR_RGB2GRAY)
        for frame in (previous_image, image)
    )
    boxes, masks, points = detections.boxes.copy(), detections.masks, []
    masks = None if masks is None else masks.copy()
    for i, box in enumerate(np.rint(boxes * zoom).astype(int)):
        (x1, y1), (x2, y2) = np.maximum(box, 0).reshape(2, 2)
        window, inside = np.ascontiguousarray(old[y1:y2, x1:x2]), None
        if masks is not None:
            small = cv2.resize(masks[i].view(np.uint8), old.shape[::-1], interpolation=0)
            inside = np.ascontiguousarray(small[y1:y2, x1:x2])
        corners = cv2.goodFeaturesToTrack(window, 40, 0.01, 2, mask=inside) if window.size else None
        corners = np.zeros((0, 2)) if corners is None else corners[:, 0] + (x1, y1)
        points.append(np.float32(corners))
    owner = np.repeat(np.arange(len(points)), [len(corners) for corners in points])
    if len(owner):
        begin = np.concatenate(points)
        ends, good, _ = cv2.calcOpticalFlowPyrLK(old, new, begin, None, winSize=(11, 11))
        for i in np.unique(owner[good[:, 0] > 0]):
            mine = (owner == i) & (good[:, 0] > 0)
            shift = np.median((ends - begin)[mine], axis=0) / zoom
            boxes[i] += np.tile(shift, 2)
            if masks is not None:
                masks[i] = shift_mask(masks[i], shift)
    boxes = np.clip(boxes, 0, (width, height) * 2)
    left = (boxes[:, 2:] - boxes[:, :2]).min(1, initial=np.inf) >= 1
    if masks is not None:
        left &= masks.any((1, 2))
    return detections.replace(boxes=boxes, masks=masks)[left]


class History:
    """What a video's objects did: `add` each frame, then ask. It keeps four numbers of each."""

    def __init__(self):
        self.paths = {}  # {id: [(seconds, x, y, area in pixels)]}, (x, y) the middle of the box
        self.names = {}  # {id: name, as the last frame has it}

    def add(self, seconds, detections: Detections):
        """Note the objects of the frame at `seconds`; they must have track_ids."""
        require(detections.track_ids is not None, "the detections need track_ids: use a Tracker")
        boxes, masks = detections.boxes.astype(float), detections.masks
        areas = (boxes[:, 2:] - boxes[:, :2]).prod(1) if masks is None else masks.sum((1, 2))
        self.names.update(zip(detections.track_ids.tolist(), detections.names, strict=True))
        places = zip((boxes[:, :2] + boxes[:, 2:]).tolist(), areas.tolist(), strict=True)
        for key, ((x, y), area) in zip(detections.track_ids.tolist(), places, strict=True):
            self.paths.setdefault(key, []).append((float(seconds), x / 2, y / 2, area))

    def table(self) -> list[dict]:
        """A row an object: what it is, when it was seen, its mean area, its speed.

        The speed is that from its first place straight to its last, in pixels per second.
        """
        rows = []
        for key, path in sorted(self.paths.items()):
            (t1, x1, y1, _), (t2, x2, y2, _) = path[0], path[-1]
            speed = float(np.hypot(x2 - x1, y2 - y1)) / (t2 - t1) if t2 > t1 else 0.0
            row = {"id": key, "name": self.names[key], "frames": len(path)}
            row |= {"first_seconds": round(t1, 3), "last_seconds": round(t2, 3)}
            area = sum(place[3] for place in path) / len(path)
            rows.append(row | {"mean_area": round(area, 1), "speed": round(speed, 1)})
        return rows

    def write(self, path):
        """Write the table as CSV, or as JSON if the name ends in .json; whole, or not at all."""
        rows = self.table()
        with replacing(path) as part, open(part, "w", newline="", encoding="utf-8") as file:
            if part.suffix == ".json":
                return json.dump(rows, file, indent=1)
            writer = csv.DictWriter(file, rows[0] if rows else ["id"], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def crossings(self, start, end) -> Counter:
        """How many objects crossed the line from `start` to `end`, (x, y): {(name, side): count}.

        The side is "left" or "right": where the object goes to for one who walks from start to end.
        An object that trembles on the line, nearer than 2 % of its length, has not crossed it.
        """
        start, counts = np.array(start, float), Counter()
        along = np.array(end, float) - start
        length = np.hypot(*along)
        require(length > 0, "a line needs two different ends")
        turn = np.array([along, (-along[1], along[0])]) / length**2  # 0..1 along it, and beside it
        for key, path in self.paths.items():
            before = None
            for place in path:
                now = turn @ (np.array(place[1:3]) - start)
                if abs(now[1]) < 0.02:
                    continue
                if before is not None and before[1] * now[1] < 0:
                    at = np.interp(
                        0, *zip(*sorted([before[::-1], now[::-1]], key=list), strict=True)
                    )
                    if 0 <= at <= 1:
                        counts[self.names[key], "right" if now[1] > 0 else "left"] += 1
                before = now
        return counts

    def draw_trails(self, image, colors, seconds=1.0):
        """Draw on a copy where each object has been in the last `seconds` before the newest frame.

        Args:
            image: (H, W, 3) uint8.
            colors: id -> (r, g, b), such as `drawing.color_of`.
        """
        image = np.array(image, order="C")
        newest = max((path[-1][0] for path in self.paths.values()), default=0)
        line = max(1, round(np.sqrt(image.shape[0] * image.shape[1]) / 300))
        for key, path in self.paths.items():
            if path[-1][0] == newest:
                recent = [place[1:3] for place in path if place[0] > newest - seconds]
                points = np.rint(recent).astype(np.int32)[:, None]
                cv2.polylines(image, [points], False, colors(key), line, cv2.LINE_AA)
        return image
