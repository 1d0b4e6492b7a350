"""Photographs with annotations that tell only a part: read, varied, judged fairly, packed.

Annotations are in COCO's form, `instances_train….json` and `instances_val….json` in a folder or its
`annotations/`; pictures in `images/`, or in `train…/` and `val…/`: so COCO itself does. An image
may say more: "labelled", the category ids that were looked for in it (else all); "has_masks", false
where there are boxes alone; "source", where it is from.
"""

import json
import pathlib
import zipfile
from collections import Counter, defaultdict

import cv2
import numpy as np

from helpers.pictures import replacing
from helpers.structures import Detections, InputError, box_iou
from helpers.training.batches import fit, paste

ZOOM = 0.65, 1.8  # of a training picture, in units of what fits the input
PASTED, BLURRED, GREY = 0.4, 0.15, 0.05  # shares of the training pictures
DAMAGED = KeyError, TypeError, AttributeError, UnicodeError, json.JSONDecodeError, RecursionError
TINY = 64  # square pixels of the input: what is smaller is left out
# How often a picture is shown, by its source, where that is not once: easy ones are shown less.
WEIGHT = {"ccp": 0.5, "coco": 2.0, "pets": 1.5}
SOLO = ("ccp",)  # only the main person is annotated there


class Photos:
    """Pictures of one COCO file, and what is known of them.

    Args:
        data: folder, or a zip of one.
        part: "train" or "val".
        names: of the classes; objects of others are left out.

    Raises:
        InputError: there is no such file, it is not in COCO's form, or has no picture.
    """

    def __init__(self, data, part, names):
        data = pathlib.Path(data).expanduser()
        root = zipfile.Path(data) if data.suffix == ".zip" and data.is_file() else data
        places = [place for place in (root, root / "annotations") if place.is_dir()]
        files = [file for place in places for file in place.iterdir()]
        files = [file for file in files if file.name.startswith(f"instances_{part}")]
        if not files:
            raise InputError(f"{data}: no instances_{part}….json in it or in its annotations/")
        self.json, name = files[0], files[0].name.removeprefix("instances_").removesuffix(".json")
        self.folder = root / "images" if (root / "images").is_dir() else root / name
        try:
            coco = json.loads(self.json.read_text(encoding="utf-8"))
            ids = {one["name"]: one["id"] for one in coco["categories"]}
            missing = [name for name in names if name not in ids]
            if missing:
                raise InputError(f"{self.json}: no category {', '.join(missing)}")
            self.categories = {ids[name]: name for name in names}
            self.annotations = defaultdict(list)
            for one in coco["annotations"]:
                if one["category_id"] in self.categories:
                    self.annotations[one["image_id"]].append(one)
            everything = list(ids.values())
            self.rows = [
                (one["id"], one["file_name"], (one["height"], one["width"]),
                 one.get("source", name), set(one.get("labelled", everything)),
                 one.get("has_masks", True), one.get("licence", "see its source"))
                for one in coco["images"]
            ]  # fmt: skip
        except DAMAGED as error:
            raise InputError(f"{self.json}: not in COCO's form ({error!r})") from None
        if not self.rows:
            raise InputError(f"{self.json}: no picture in it")
        self.sources = [row[3] for row in self.rows]

    def __len__(self):
        return len(self.rows)

    def known(self, index):
        """The ids that were looked for in a picture."""
        return self.rows[index][4] & set(self.categories)

    def has_masks(self, index):
        """False where objects are known by their boxes alone."""
        return self.rows[index][5]

    def provenance(self):
        """{source: {licence: pictures}}, as the annotations tell."""
        found = {source: Counter() for source in sorted(set(self.sources))}
        for row in self.rows:
            found[row[3]][row[6]] += 1
        return {source: dict(counts) for source, counts in found.items()}

    def file(self, index):
        """Where a picture lies."""
        return self.folder / self.rows[index][1]

    def __getitem__(self, index):
        """Image (h, w, 3) uint8, and its truth as `to_partial_targets` takes it, maybe partial."""
        try:
            code = np.frombuffer(self.file(index).read_bytes(), np.uint8)
        except (OSError, KeyError) as error:
            raise InputError(f"{self.file(index)}: no such picture ({error})") from None
        image = cv2.imdecode(code, cv2.IMREAD_COLOR_RGB) if len(code) else None
        if image is None:
            raise InputError(f"{self.file(index)}: not a picture")
        return image, self.truth(index, image.shape[:2])

    def truth(self, index, size=None):
        """The truth of a picture, at its own size or another (height, width)."""
        from pycocotools import mask as rle

        number, _, own, source, *_ = self.rows[index]
        size, objects = size or own, self.annotations[number]
        boxes = np.array([one["bbox"] for one in objects], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        boxes *= np.tile(np.divide(size, own)[::-1], 2)
        scores = [0.0 if one.get("iscrowd") else 1.0 for one in objects]
        masks = np.zeros((len(objects), *size), bool)
        for mask, one, score in zip(masks, objects, scores, strict=True):
            code = one.get("segmentation") if score else None
            if code:
                if isinstance(code, list):
                    code = rle.merge(rle.frPyObjects(code, *own))
                mask[:] = cv2.resize(rle.decode(code), size[::-1], interpolation=cv2.INTER_AREA)
        labels = [one["category_id"] for one in objects]
        if source in SOLO:  # passers-by
            boxes = np.concatenate([boxes, [[0, 0, *size[::-1]]]])
            labels, scores = [*labels, *list(self.categories)[:1]], [*scores, 0.0]
            masks = np.concatenate([masks, np.zeros((1, *size), bool)])
        return Detections(boxes, labels, scores, size, self.categories, masks)


class Varied:
    """Training pictures: `varied(number)` is (image, truth, known ids), always the same.

    Args:
        photos: Photos.
        indices: those of them to show.
        size: (height, width) of the input.
        seed: of choice and variation.
    """

    def __init__(self, photos, indices, size, seed=0):
        self.photos, self.indices, self.size, self.seed = photos, list(indices), size, seed
        weights = np.cumsum([WEIGHT.get(photos.sources[i], 1.0) for i in self.indices])
        self.shares = weights / weights[-1]

    def pick(self, rng):
        """The index of a picture, by chance."""
        return self.indices[int(np.searchsorted(self.shares, rng.random(), side="right"))]

    def name(self, number):
        """The file of the `number`-th picture of the training."""
        return str(self.photos.file(self.pick(np.random.default_rng([self.seed, number]))))

    def __call__(self, number):
        rng = np.random.default_rng([self.seed, number])
        index = self.pick(rng)
        varied = fit(*self.photos[index], self.size, rng, ZOOM)
        if rng.random() < PASTED:
            other = fit(*self.photos[self.pick(rng)], self.size, rng, ZOOM)
            varied = paste(varied, other, rng.random(len(other[1])) < 0.7)
        image, truth = varied
        if rng.random() < BLURRED:
            image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.5))
        if rng.random() < GREY:
            image = np.repeat(image.mean(2, keepdims=True).astype(np.uint8), 3, 2)
        tiny = np.prod(truth.boxes[:, 2:] - truth.boxes[:, :2], 1) < TINY
        return (
            image,
            truth.replace(scores=np.where(tiny, 0, truth.scores)),
            self.photos.known(index),
        )


def counted(truth, found, known):
    """Truth and results of a picture without what nobody can judge.

    Args:
        truth: Detections, maybe partial, see `to_partial_targets`.
        found: Detections.
        known: ids that were looked for.

    Returns:
        truth without regions; found without classes that were not looked for, and without what
        lies in a region and away from every true object (a box IoU below .1).
    """
    real, regions = truth[truth.scores > 0], truth[truth.scores == 0]
    found = found[np.isin(found.labels, list(known))]
    corner = np.maximum(found.boxes[:, None, :2], regions.boxes[:, :2])
    sides = np.minimum(found.boxes[:, None, 2:], regions.boxes[:, 2:]) - corner
    sides_of = found.boxes[:, 2:] - found.boxes[:, :2]
    within = np.prod(np.maximum(sides, 0), 2) > 0.5 * np.prod(sides_of, 1)[:, None]
    near = box_iou(found.boxes, real.boxes) >= 0.1
    return real, found[~within.any(1) | near.any(1)]


def pack(data, path, names, side=288, quality=60):
    """Put data into one small zip: annotations as they are, pictures of `side` pixels at most.

    They are WebP of a `quality` of 1 to 100, whatever their names end with.
    """
    with replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("train", "val"):
            photos = Photos(data, name, names)
            archive.writestr(photos.json.name, photos.json.read_bytes())
            for index in range(len(photos)):
                place = f"images/{photos.rows[index][1]}"
                if place in archive.namelist():
                    continue
                image = photos[index][0]
                scale = min(1, side / max(image.shape[:2]))
                size = [round(s * scale) for s in image.shape[1::-1]]
                small = cv2.resize(image[..., ::-1], size, interpolation=cv2.INTER_AREA)
                code = cv2.imencode(".webp", small, [cv2.IMWRITE_WEBP_QUALITY, quality])[1]
                archive.writestr(place, code.tobytes())
    return pathlib.Path(path)
