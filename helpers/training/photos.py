"""Photographs with annotations that tell only a part.

Annotations are in COCO's form, `instances_train….json` and `instances_val….json` in a folder or its
`annotations/`; pictures in `images/`, or in `train…/` and `val…/`: so COCO itself does. An image
may say more: "labelled", the category ids that were looked for in it (else all); "has_masks", false
where there are boxes alone; "source", where it is from.
"""

import json
import pathlib
from collections import Counter, defaultdict
from typing import NamedTuple

import cv2
import numpy as np
from pycocotools import mask as rle

from helpers.annotations.readers.coco import is_true
from helpers.structures import Detections, InputError

# What JSON that is damaged, or of another form, raises.
DAMAGED = (
    KeyError,
    TypeError,
    AttributeError,
    UnicodeError,
    json.JSONDecodeError,
    RecursionError,
)
SOLO = ("ccp",)  # only the main person is annotated there


class Photo(NamedTuple):
    """What the annotations say of a picture.

    Attributes:
        id: by which its objects refer to it.
        file_name: below the folder of pictures.
        size: (height, width), of the outlines.
        source: where it is from.
        labelled: the category ids that were looked for.
        has_masks: False where objects are known by their boxes alone.
        licence: of the picture.
    """

    id: int
    file_name: str
    size: tuple
    source: str
    labelled: set
    has_masks: bool
    licence: str


class Photos:
    """Pictures of one COCO file, and what is known of them.

    Args:
        data: folder.
        part: "train" or "val"; "" where there is one file for all, `instances….json`.
        names: of the classes; objects of others are left out.

    Raises:
        InputError: there is no such file, it is not in COCO's form, or has no picture.
    """

    def __init__(self, data, part, names):
        data = pathlib.Path(data).expanduser()
        self.json = _annotations(data, part)
        if self.json is None:
            raise InputError(f"{data}: no instances_{part}….json in it or in its annotations/")
        name = self.json.name.removesuffix(".json").removeprefix("instances_")
        self.folder = data / "images" if (data / "images").is_dir() else data / name
        try:
            coco = json.loads(self.json.read_text(encoding="utf-8"))
            self._read(coco, names, name)
        except DAMAGED as error:
            raise InputError(f"{self.json}: not in COCO's form ({error!r})") from None
        if not self.rows:
            raise InputError(f"{self.json}: no picture in it")
        self.sources = [row.source for row in self.rows]

    def _read(self, coco, names, source):
        """Pictures and objects of COCO's JSON; `source` is that of pictures that name none."""
        ids = {category["name"]: category["id"] for category in coco["categories"]}
        missing = [name for name in names if name not in ids]
        if missing:
            raise InputError(f"{self.json}: no category {', '.join(missing)}")
        self.categories = {ids[name]: name for name in names}
        self.annotations = defaultdict(list)
        for annotation in coco["annotations"]:
            if annotation["category_id"] in self.categories:
                self.annotations[annotation["image_id"]].append(annotation)
        self.rows = [
            Photo(
                id=image["id"],
                file_name=image["file_name"],
                size=(image["height"], image["width"]),
                source=image.get("source", source),
                labelled=set(image.get("labelled", ids.values())),
                has_masks=image.get("has_masks", True),
                licence=_licence(image),
            )
            for image in coco["images"]
        ]

    def __len__(self):
        return len(self.rows)

    def known(self, index):
        """The ids that were looked for in a picture."""
        return self.rows[index].labelled & set(self.categories)

    def has_masks(self, index):
        """False where objects are known by their boxes alone."""
        return self.rows[index].has_masks

    def provenance(self):
        """{source: {licence: pictures}}, as the annotations tell."""
        counts = {source: Counter() for source in sorted(set(self.sources))}
        for row in self.rows:
            counts[row.source][row.licence] += 1
        return {source: dict(licences) for source, licences in counts.items()}

    def file(self, index):
        """Where a picture lies."""
        return self.folder / self.rows[index].file_name

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
        row = self.rows[index]
        size = size or row.size
        objects = self.annotations[row.id]
        boxes = np.array([one["bbox"] for one in objects], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        boxes *= np.tile(np.divide(size, row.size)[::-1], 2)
        labels = [one["category_id"] for one in objects]
        scores = [0.0 if is_true(one.get("iscrowd")) else 1.0 for one in objects]
        masks = np.zeros((len(objects), *size), bool)
        for mask, one, score in zip(masks, objects, scores, strict=True):
            outline = one.get("segmentation")
            if score and outline:
                mask[:] = _mask(outline, row.size, size)
        if row.source in SOLO:  # there may be passers-by: the whole picture is a region
            boxes = np.concatenate([boxes, [[0, 0, *size[::-1]]]])
            labels.append(next(iter(self.categories)))
            scores.append(0.0)
            masks = np.concatenate([masks, np.zeros((1, *size), bool)])
        return Detections(boxes, labels, scores, size, self.categories, masks)


def _licence(image):
    """The licence of a picture in words; COCO itself gives numbers."""
    if "license" in image:
        return image.get("licence", f"COCO image, Flickr licence id {image['license']}")
    return image.get("licence", "see its source")


def _annotations(root, part):
    """The file of annotations of a part, or None."""
    for folder in (root, root / "annotations"):
        for file in folder.iterdir() if folder.is_dir() else ():
            if file.name.startswith(f"instances_{part}" if part else "instances"):
                return file
    return None


def _mask(outline, own_size, size):
    """COCO's polygons or RLE, of a picture of `own_size`, as a mask of another size."""
    if isinstance(outline, list):
        outline = rle.merge(rle.frPyObjects(outline, *own_size))
    return cv2.resize(rle.decode(outline), size[::-1], interpolation=cv2.INTER_AREA)
