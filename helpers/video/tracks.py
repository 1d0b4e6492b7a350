"""Who is who in a video: identities from frame to frame. Nothing here needs a neural network."""

import dataclasses
from collections import Counter

import numpy as np
from scipy.optimize import linear_sum_assignment

from helpers.structures import Detections, box_iou, mask_iou, require
from helpers.video.motion import shift_mask

SIDE = 160  # pixels, the longer side: masks are compared so small
SAME_BOX_IOU = 0.8  # what overlaps more than that is detected twice
SAME_MASK_IOU = 0.5
SMOOTHING = 0.3  # share of the newest step in the velocity


def _zeros():
    return np.zeros(2)


@dataclasses.dataclass
class Track:
    """What a tracker remembers of one object."""

    number: int
    box: np.ndarray  # (4,), pixels, where it is expected in the frame to come
    mask: np.ndarray | None = None  # small, as it was seen last
    moved: np.ndarray = dataclasses.field(default_factory=_zeros)  # (2,), pixels, since then
    velocity: np.ndarray = dataclasses.field(default_factory=_zeros)  # (2,), pixels a frame
    votes: Counter = dataclasses.field(default_factory=Counter)  # {label: sum of score x area}
    missed: int = 0  # frames in a row without it

    @property
    def label(self) -> int:
        """What most of its frames say, weighted by score, and by area: large is seen better."""
        return max(self.votes, key=self.votes.get)

    def predict(self):
        """Move on to where the object is expected in the next frame."""
        self.box = self.box + np.tile(self.velocity, 2)
        self.moved = self.moved + self.velocity

    def has_left(self, image_size):
        """Whether less than a quarter of where the object is expected lies in the picture."""
        height, width = image_size
        inside = np.clip(self.box, 0, [width, height, width, height])
        area = (self.box[2:] - self.box[:2]).prod()
        area_inside = (inside[2:] - inside[:2]).prod()
        return area_inside < area / 4

    def see(self, box, label, score, mask, image_size):
        """Take over where the object is seen in this frame.

        What hides an object stops one of its edges; the other one tells how it moves. So does the
        border of the picture: an edge that lies there tells nothing.
        """
        box = box.astype(float)
        if self.votes:
            size = image_size[::-1]
            first, second = (box - self.box).reshape(2, 2)  # of left and top, of right and bottom
            border_distance = np.abs(box.reshape(2, 2) - [(0, 0), size])
            cut_first, cut_second = border_distance < 0.01 * max(size)
            is_nearer = np.abs(first) < np.abs(second)
            takes_first = np.where(cut_first == cut_second, is_nearer, cut_second)
            error = np.where(takes_first, first, second)
            self.velocity = self.velocity + SMOOTHING * error / self.missed
        self.box = box
        self.mask = mask
        self.moved = np.zeros(2)
        self.missed = 0
        width, height = np.maximum(box[2:] - box[:2], 1)
        self.votes[label] += max(score, 1e-6) * width * height


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
        self.birth_score = birth_score
        self.min_likeness = min_likeness
        self.patience = patience
        self.tracks = []
        self.count = 0  # numbers given so far
        self.size = None  # (height, width) of all frames

    def update(self, detections: Detections) -> Detections:
        """The objects of the next frame with their `track_ids`, from 1; none is used twice.

        Args:
            detections: those of one frame; masks may be None, N may be 0.

        Returns:
            Detections of the objects that are known now. A weak one that continues no track is left
            out, and so is a second detection of the same object. Labels are what most of the
            object's frames say, weighted by score and by the area of the box: a single slip of the
            model does not show, nor for long what it took a head at the picture's border for.

        Raises:
            ValueError: the image size is not that of the frames before.
        """
        if self.size is None:
            self.size = detections.image_size
        same_size = detections.image_size == self.size
        given = f"{self.size} as before; got {detections.image_size}"
        require(same_size, f"all frames must have one size, {given}")
        masks = None
        step = max(1, round(max(self.size) / SIDE))
        if detections.masks is not None:
            masks = detections.masks[:, ::step, ::step]

        for track in self.tracks:
            track.predict()
        self.tracks = [
            track for track in self.tracks if not (track.missed and track.has_left(self.size))
        ]
        owner = self._pair(detections, self._likeness(detections, masks, step))
        owner = self._begin_tracks(detections, masks, owner)
        for track in self.tracks:
            track.missed += 1

        kept = np.flatnonzero(owner >= 0)
        seen = [self.tracks[k] for k in owner[kept]]
        for i, track in zip(kept, seen, strict=True):
            label, score = int(detections.labels[i]), float(detections.scores[i])
            mask = None if masks is None else masks[i]
            track.see(detections.boxes[i], label, score, mask, self.size)
        self.tracks = [track for track in self.tracks if track.missed <= self.patience]
        labels = [track.label for track in seen]
        track_ids = [track.number for track in seen]
        return detections[kept].replace(labels=labels, track_ids=track_ids)

    def _pair(self, detections, likeness):
        """Which track each detection continues: (N,) int, -1 for none; strong detections first."""
        owner = np.full(len(detections), -1)
        is_strong = detections.scores >= self.birth_score
        for chosen in (is_strong, ~is_strong):
            columns = np.flatnonzero(chosen)
            rows = np.setdiff1d(np.arange(len(self.tracks)), owner)
            best = linear_sum_assignment(likeness[np.ix_(rows, columns)], maximize=True)
            for row, column in zip(rows[best[0]], columns[best[1]], strict=True):
                if likeness[row, column] >= self.min_likeness:
                    owner[column] = row
        return owner

    def _begin_tracks(self, detections, masks, owner):
        """Begin a track for each strong detection that is of nothing known; returns all owners."""
        owner = owner.copy()
        if masks is None:
            is_same = box_iou(detections.boxes, detections.boxes) > SAME_BOX_IOU
        else:
            is_same = mask_iou(masks, masks) > SAME_MASK_IOU
        is_strong = detections.scores >= self.birth_score
        for i in np.flatnonzero(is_strong & (owner < 0)):
            if is_same[i, owner >= 0].any():
                continue
            self.count += 1
            owner[i] = len(self.tracks)
            self.tracks.append(Track(self.count, detections.boxes[i].astype(float)))
        return owner

    def _likeness(self, detections, masks, step):
        """How alike each track and each detection are, 0 to 1: (tracks, N)."""
        boxes = np.reshape([track.box for track in self.tracks], (-1, 4))
        likeness = box_iou(boxes, detections.boxes)
        if not likeness.size:
            return likeness
        if masks is not None and all(track.mask is not None for track in self.tracks):
            moved = [shift_mask(track.mask, track.moved / step) for track in self.tracks]
            likeness = (likeness + mask_iou(np.array(moved), masks)) / 2

        votes = [
            [track.votes[label] for label in detections.labels.tolist()] for track in self.tracks
        ]
        all_votes = [[sum(track.votes.values())] for track in self.tracks]
        share = np.array(votes) / all_votes  # of the track's votes for the detection's class
        nearness = self._nearness(boxes, detections.boxes)
        likeness = np.maximum(likeness, np.where(share > 0, nearness, 0))
        is_slip = (share == 0) & (detections.scores < self.birth_score)
        return np.where(is_slip, 0, likeness * (1 + share) / 2)

    def _nearness(self, boxes, others):
        """How near tracks and detections are, at most 0.5: (tracks, N).

        The distance counts in widths and heights. How far is too far grows with the time that a
        track has not been seen. Boxes whose areas differ by more than four times are not near: 0.
        """
        sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1)
        other_sides = np.maximum(others[:, 2:] - others[:, :2], 1)
        centers = (boxes[:, 2:] + boxes[:, :2]) / 2
        other_centers = (others[:, 2:] + others[:, :2]) / 2
        apart = np.abs(centers[:, None] - other_centers)
        apart = apart / np.maximum(sides[:, None], other_sides)
        reach = 0.5 + 0.05 * np.array([[track.missed] for track in self.tracks])
        nearness = (1 - np.hypot(apart[..., 0], apart[..., 1]) / reach) / 2
        size_ratio = np.abs(np.log(sides.prod(axis=1)[:, None] / other_sides.prod(axis=1)))
        return np.where(size_ratio < np.log(4), nearness, 0)
