"""Who is who in a film: identities from frame to frame, and what can be counted with them.

A `Tracker` gives every object a number that it keeps. NumPy, SciPy and OpenCV only.
"""

import dataclasses
from collections import Counter

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from helpers.structures import Detections, box_iou, mask_iou, require


@dataclasses.dataclass
class Track:
    """What the tracker remembers of one object."""

    number: int
    box: np.ndarray  # where it is expected in the frame to come
    velocity: np.ndarray  # (dx, dy), pixels a frame
    mask: np.ndarray | None  # as last seen
    shift: np.ndarray  # how far it has moved since, pixels
    votes: Counter  # {label: sum of scores}
    missed: int = 0  # frames in a row without it


class Tracker:
    """Gives the objects of a film their identities, one frame after another."""

    def __init__(self, birth_score=0.5, min_overlap=0.1, patience=30):
        self.birth_score, self.min_overlap, self.patience = birth_score, min_overlap, patience
        self.tracks, self.count = [], 0

    def update(self, detections: Detections) -> Detections:
        """The same objects with `track_ids`."""
        for track in self.tracks:
            track.box = track.box + np.tile(track.velocity, 2)
            track.shift = track.shift + track.velocity
        strong = detections.scores >= self.birth_score
        owner = np.full(len(detections), -1)
        for chosen in (strong, ~strong):
            free = [k for k in range(len(self.tracks)) if k not in owner]
            rows = np.flatnonzero(chosen)
            overlap = self._overlap([self.tracks[k] for k in free], detections[rows])
            for k, i in zip(*linear_sum_assignment(-overlap), strict=True):
                if overlap[k, i] >= self.min_overlap:
                    owner[rows[i]] = free[k]
        for i in np.flatnonzero(strong & (owner < 0)):
            self.count += 1
            owner[i] = len(self.tracks)
            zero = np.zeros(2)
            self.tracks.append(Track(self.count, detections.boxes[i], zero, None, zero, Counter()))
        for i in np.flatnonzero(owner >= 0):
            self._see(self.tracks[owner[i]], detections, i)
        kept = owner >= 0
        found = detections[kept]
        seen = [self.tracks[k] for k in owner[kept]]
        for k, track in enumerate(self.tracks):
            track.missed = 0 if k in owner else track.missed + 1
        self.tracks = [track for track in self.tracks if track.missed <= self.patience]
        labels = [max(track.votes, key=track.votes.get) for track in seen]
        return found.replace(labels=labels, track_ids=[track.number for track in seen])

    def _see(self, track, detections, i):
        box = detections.boxes[i].astype(float)
        if track.votes:
            error = (box - track.box).reshape(2, 2).mean(0)
            track.velocity = track.velocity + 0.3 * error
        track.box, track.shift = box, np.zeros(2)
        track.mask = None if detections.masks is None else detections.masks[i]
        track.votes[int(detections.labels[i])] += float(detections.scores[i])

    def _overlap(self, tracks, detections):
        boxes = np.reshape([track.box for track in tracks], (-1, 4))
        overlap = box_iou(boxes, detections.boxes)
        if detections.masks is None or not overlap.size or any(t.mask is None for t in tracks):
            return overlap
        step = max(1, round(max(detections.image_size) / 160))
        old = np.array([shifted(track.mask, track.shift)[::step, ::step] for track in tracks])
        return (overlap + mask_iou(old, detections.masks[:, ::step, ::step])) / 2


def shifted(mask, shift):
    """A mask (H, W), moved by (dx, dy) pixels; what leaves the picture is lost."""
    (dx, dy), (height, width) = np.rint(shift).astype(int).tolist(), mask.shape
    moved = np.zeros_like(mask)
    if abs(dx) < width and abs(dy) < height:
        part = mask[max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
        y, x = max(0, dy), max(0, dx)
        moved[y : y + part.shape[0], x : x + part.shape[1]] = part
    return moved


def carry(previous_image, image, detections: Detections) -> Detections:
    """The same objects in the next frame: masks and boxes moved with the pixels below them.

    Args:
        previous_image, image: (H, W, 3) uint8, two frames in a row.
        detections: the objects of the first.

    Returns:
        Detections with the same scores, labels and track ids; those that left are not in it.
    """
    require(previous_image.shape == image.shape, "the two frames must have the same size")
    if not len(detections):
        return detections
    height, width = detections.image_size
    small = tuple(
        max(16, round(side / max(1, max(height, width) / 320))) for side in (width, height)
    )
    grey = [
        cv2.cvtColor(cv2.resize(frame, small, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        for frame in (previous_image, image)
    ]
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST).calc(*grey, None)
    flow = flow * (np.array([width, height]) / small)  # pixels of the frame
    boxes, masks = detections.boxes.copy(), detections.masks
    masks = None if masks is None else masks.copy()
    for i, box in enumerate(detections.boxes):
        if masks is None:
            (x1, y1), (x2, y2) = (box.reshape(2, 2) / (width, height) * small).astype(int)
            inside = flow[max(0, y1) : y2 + 1, max(0, x1) : x2 + 1]
        else:
            mask = cv2.resize(masks[i].view(np.uint8), small, interpolation=cv2.INTER_NEAREST)
            inside = flow[mask > 0]
        inside = inside.reshape(-1, 2)
        shift = np.median(inside, axis=0) if len(inside) else np.zeros(2)
        boxes[i] += np.tile(shift, 2)
        if masks is not None:
            masks[i] = shifted(masks[i], shift)
    boxes = np.clip(boxes, 0, [width, height, width, height])
    left = (boxes[:, 2:] - boxes[:, :2]).min(1) >= 1
    return detections.replace(boxes=boxes, masks=masks)[left]
