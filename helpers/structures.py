"""The data that everything passes around, and its checks. NumPy only.

Letters used in shapes, here and in the whole package:

    B images in a batch    N objects in one image     G ground-truth slots of an image
    A anchors              R proposals of an image    D detection slots of an image
    K foreground classes   M side of a small mask     H, W height and width in pixels
"""

from __future__ import annotations

import dataclasses
import html
import math
from collections import Counter
from collections.abc import Mapping

import numpy as np

from helpers.thumbnail import thumbnail


class InputError(ValueError):
    """A file or folder of the user's cannot be used. The message names it and the remedy."""


def require(ok: bool, message: str) -> None:
    """Raise `ValueError(message)` unless `ok`: the check at the door of a public function."""
    if not ok:
        raise ValueError(message)


def require_image(image) -> None:
    """Raise `ValueError` unless it is an RGB image: uint8 (height, width, 3), not empty."""
    kind = getattr(image, "dtype", type(image).__name__)
    shape = getattr(image, "shape", ())
    is_rgb = len(shape) == 3 and shape[2] == 3 and min(shape) > 0
    wanted = "an image must be RGB uint8 (height, width, 3)"
    require(kind == np.uint8 and is_rgb, f"{wanted}, got {kind} {shape or ''}")


def percent(score) -> str:
    """A score from 0 to 1 as text, "91 %": the one rule for pictures, pages and tables.

    It is rounded down, so that .995 is 99 % everywhere: 100 % would claim the certainty that only
    the truth has, whose score is 1.
    """
    hundredths = math.floor(round(100 * float(score), 3))  # .29 is 28.999999 hundredths in float32
    if score < 1:
        hundredths = min(hundredths, 99)
    return f"{hundredths}\N{NO-BREAK SPACE}%"


KINDS_LISTED = 5  # of a sentence on what was found


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Detections:
    """The objects of one image, found or true (then every score is 1).

    Attributes:
        boxes: (N, 4) float32, [x1, y1, x2, y2], pixels of the image, width = x2 - x1.
        labels: (N,) int32, category ids, keys of `categories` (COCO's ids have gaps).
        scores: (N,) float32, 0..1, highest first when a detector made them.
        image_size: (height, width) of the image, pixels.
        categories: {category id: name}.
        masks: (N, height, width) bool, or None for boxes alone.
        track_ids: (N,) int32, the same number for the same object in every frame, or None.

    N may be 0. Arrays are stored as given when they have the right type, else converted.

    Raises:
        ValueError: shapes disagree, an image size is not positive, a label is unknown, or masks
            hold shares between no and yes, which need a threshold.
    """

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    image_size: tuple[int, int]
    categories: Mapping[int, str]
    masks: np.ndarray | None = None
    track_ids: np.ndarray | None = None

    def __post_init__(self):
        height, width = (int(side) for side in self.image_size)
        self._put("image_size", (height, width))
        boxes = np.asarray(self.boxes, np.float32)
        self._put("boxes", boxes if boxes.size else boxes.reshape(0, 4))
        self._put("labels", np.asarray(self.labels, np.int32))
        self._put("scores", np.asarray(self.scores, np.float32))
        n = len(self.boxes)
        shape = self.boxes.shape
        require(shape == (n, 4), f"boxes must have shape (N, 4), got {shape}")
        require(height > 0 and width > 0, f"image_size must be positive, got {self.image_size}")
        for name in ("labels", "scores"):
            shape = getattr(self, name).shape
            require(shape == (n,), f"{name} must have shape ({n},), one per box, got {shape}")
        if self.masks is not None:
            self._put("masks", _yes_or_no(self.masks))
            require(
                self.masks.shape == (n, height, width),
                f"masks must have shape {(n, height, width)}, got {self.masks.shape}",
            )
        if self.track_ids is not None:
            self._put("track_ids", np.asarray(self.track_ids, np.int32))
            shape = self.track_ids.shape
            require(shape == (n,), f"track_ids must have shape ({n},), one per box, got {shape}")
        unknown = sorted(set(self.labels.tolist()) - set(self.categories))
        require(not unknown, f"labels {unknown} are not among the categories {self.categories}")

    def _put(self, name, value):
        """Set a field of this frozen class, while it is made."""
        object.__setattr__(self, name, value)

    @classmethod
    def empty(cls, image_size, categories, with_masks: bool = True) -> Detections:
        """No object at all in an image of `image_size` (height, width)."""
        masks = np.zeros((0, *image_size), bool) if with_masks else None
        return cls(np.zeros((0, 4)), [], [], image_size, categories, masks)

    def __len__(self) -> int:
        return len(self.boxes)

    def __repr__(self) -> str:
        height, width = self.image_size
        ranked = Counter(self.names).most_common()
        listed = [f"{count} {name}" for name, count in ranked[:KINDS_LISTED]]
        more = " …" if len(ranked) > KINDS_LISTED else ""
        objects = "1 object" if len(self) == 1 else f"{len(self) or 'no'} objects"
        kinds = f": {', '.join(listed)}{more}" if listed else ""
        return f"{objects}{kinds} (in {width} × {height} pixels)"

    def _repr_html_(self) -> str:
        """The sentence and a thumbnail, as a notebook shows it."""
        scores = [percent(score) for score in self.scores]
        names = [f"{name} {score}" for name, score in zip(self.names, scores, strict=True)]
        picture = thumbnail(self.image_size, self.boxes, self.labels, names, self.masks)
        return f"<div><div>{html.escape(repr(self))}</div>{picture}</div>"

    def __getitem__(self, keep) -> Detections:
        """Some of the objects: `d[0]`, `d[:3]`, `d[d.scores >= 0.7]`, `d[[4, 2]]`."""
        if isinstance(keep, int | np.integer):
            keep = [keep]
        if not isinstance(keep, slice):
            keep = np.asarray(keep)
            if keep.dtype == bool:
                shape = keep.shape
                require(shape == (len(self),), f"keep must have shape ({len(self)},), got {shape}")
            elif keep.size == 0:
                keep = keep.astype(int)  # NumPy makes floats of an empty list
        return self.replace(
            boxes=self.boxes[keep],
            labels=self.labels[keep],
            scores=self.scores[keep],
            masks=None if self.masks is None else self.masks[keep],
            track_ids=None if self.track_ids is None else self.track_ids[keep],
        )

    def replace(self, **fields) -> Detections:
        """A copy with some fields changed; the arrays of the others are shared."""
        return dataclasses.replace(self, **fields)

    @property
    def names(self) -> list[str]:
        """The category name of each object."""
        return [self.categories[label] for label in self.labels.tolist()]

    def to_coco(self, image_id: int) -> list[dict]:
        """COCO result records, one per object, ready for `json.dump` and for pycocotools.

        Args:
            image_id: what the records call this image.

        Returns:
            dicts of image_id, category_id, bbox ([x, y, width, height], pixels), score and, where
            there are masks, area (pixels) and segmentation (compressed RLE); track_id if known.
        """
        from pycocotools import mask as rle

        records = []
        for i, (x1, y1, x2, y2) in enumerate(self.boxes.tolist()):
            record = {
                "image_id": image_id,
                "category_id": int(self.labels[i]),
                "bbox": [round(v, 2) for v in (x1, y1, x2 - x1, y2 - y1)],
                "score": round(float(self.scores[i]), 5),
            }
            if self.masks is not None:
                code = rle.encode(np.asfortranarray(self.masks[i], np.uint8))
                record["area"] = int(rle.area(code))
                record["segmentation"] = {**code, "counts": code["counts"].decode("ascii")}
            if self.track_ids is not None:
                record["track_id"] = int(self.track_ids[i])
            records.append(record)
        return records

    def to_table(self) -> list[dict]:
        """Measurements, one dict per object: name, score, box, area, centroid and angle.

        Area is in pixels; centroid is (x, y), the mean of the pixel centres; angle is that of the
        long axis in degrees, -90 < angle <= 90, 0 along x, positive clockwise on screen (y points
        down), from the second moments. Without masks the box stands in: its area, its centre, the
        angle of its long side. An empty mask gives area 0 and None for the other two.
        """
        rows = []
        for i, (name, box) in enumerate(zip(self.names, self.boxes.tolist(), strict=True)):
            area, centroid, angle = _moments(None if self.masks is None else self.masks[i], box)
            rows.append(
                {
                    "name": name,
                    "score": round(float(self.scores[i]), 3),
                    "box": tuple(round(v, 1) for v in box),
                    "area": area,
                    "centroid": centroid,
                    "angle": angle,
                }
            )
        return rows


def _yes_or_no(masks):
    """Masks as bool; what holds only 0 and another number, 1 or 255, is taken for it."""
    masks = np.asarray(masks)
    if masks.dtype == bool or masks.size == 0:
        return masks.astype(bool, copy=False)
    yes = masks.max()
    is_clear = yes in (0, 1, 255) and bool(np.all((masks == 0) | (masks == yes)))
    require(
        is_clear,
        f"masks must be bool, got {masks.dtype} up to {yes:g} with values between; "
        "cut them where an object begins, for example masks > 0.5",
    )
    return masks != 0


def box_iou(a, b):
    """IoU of every box of `a` (N, 4) with every box of `b` (M, 4): (N, M) float."""
    a, b = (np.asarray(boxes, float).reshape(-1, 4) for boxes in (a, b))
    sides = np.minimum(a[:, None, 2:], b[:, 2:]) - np.maximum(a[:, None, :2], b[:, :2])
    overlap = np.maximum(sides, 0).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (a, b)]
    return overlap / np.maximum(areas[0][:, None] + areas[1] - overlap, 1e-9)


def mask_iou(a, b):
    """IoU of every mask of `a` (N, H, W) with every mask of `b` (M, H, W), bool: (N, M) float."""
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)))
    a, b = _bits(a), _bits(b)
    overlap = np.array([np.bitwise_count(mask & b).sum(1) for mask in a], float)
    areas = [np.bitwise_count(masks).sum(1) for masks in (a, b)]
    return overlap / np.maximum(areas[0][:, None] + areas[1] - overlap, 1)


def _bits(masks):
    """Masks (N, H, W) with 64 pixels in each number: (N, words) uint64."""
    bits = np.packbits(np.asarray(masks, bool).reshape(len(masks), -1), axis=1)
    return np.pad(bits, [(0, 0), (0, -bits.shape[1] % 8)]).view(np.uint64)


def _moments(mask, box):
    """Area, centroid (x, y) and long-axis angle in degrees of a mask, or of a box if None."""
    if mask is None:
        x1, y1, x2, y2 = box
        angle = 0.0 if x2 - x1 >= y2 - y1 else 90.0
        return (x2 - x1) * (y2 - y1), ((x1 + x2) / 2, (y1 + y2) / 2), angle
    y, x = np.nonzero(mask)
    if len(x) == 0:
        return 0, None, None
    centroid = (round(float(x.mean() + 0.5), 1), round(float(y.mean() + 0.5), 1))
    dx, dy = x - x.mean(), y - y.mean()
    angle = np.degrees(np.arctan2(2 * (dx * dy).mean(), (dx**2).mean() - (dy**2).mean()) / 2)
    angle = round(float(angle), 1)
    return len(x), centroid, 90.0 if angle == -90 else angle
