"""A data set: pictures, the true objects in them, and what was wrong with their annotations."""

import dataclasses
import pathlib
from typing import NamedTuple

import numpy as np
from pycocotools import mask as rle

from helpers.annotations.embedded import read_picture
from helpers.structures import Detections


@dataclasses.dataclass(frozen=True)
class Problem:
    """Something in an annotation file that is not as it should be; `str` makes a line of it.

    Attributes:
        file: the annotation file.
        object: the number or name that it gives the object; None if it is not about one.
        picture: the picture's name in the file, or None.
        what: what is wrong, and what was done about it.
        fixed: it was mended, or does no harm. If not, the object or the picture is left out.
    """

    file: pathlib.Path
    object: object
    picture: str | None
    what: str
    fixed: bool = False

    def __str__(self):
        words = [self.file.name]
        if self.picture:
            is_path = pathlib.PurePath(self.picture).is_absolute()
            words.append(pathlib.PurePath(self.picture).name if is_path else self.picture)
        if self.object is not None:
            words.append(f"object {self.object}")
        where = ", ".join(str(word)[:100] for word in words)  # a name may be anything
        end = "" if self.fixed else "; left out"
        return f"{where}: {self.what}{end}"


class Record(NamedTuple):
    """A picture of a data set.

    Attributes:
        path: of the picture.
        size: (height, width), upright.
        labels: category ids of its objects.
        codes: their masks, as RLE.
        is_crowd: for each, whether it is a region to leave out, not an object.
    """

    path: pathlib.Path
    size: tuple
    labels: list
    codes: list
    is_crowd: list


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Pictures and the true objects in them; masks are kept as RLE and decoded when asked for.

    `len(dataset)` pictures; `dataset[i]` is (image (H, W, 3) uint8 upright, Detections with masks
    and scores of 1; of 0 for a crowd, which training leaves out and evaluation ignores), so a loop
    goes over such pairs.

    Attributes:
        name: of the folder or the file that it came from.
        categories: {category id: name}.
        records: tuple of Record, one for each picture.
        problems: tuple of Problem.
    """

    name: str
    categories: dict
    records: tuple
    problems: tuple = ()

    def __len__(self):
        return len(self.records)

    def __getitem__(self, i):
        return read_picture(self.records[i].path), self.truth(i)

    @property
    def paths(self):
        """The path of each picture."""
        return tuple(record.path for record in self.records)

    def truth(self, i):
        """The objects of picture i, as Detections, without reading its pixels."""
        record = self.records[i]
        if not record.codes:
            return Detections.empty(record.size, self.categories)
        boxes = rle.toBbox(record.codes)
        boxes[:, 2:] += boxes[:, :2]
        masks = rle.decode(record.codes).transpose(2, 0, 1).astype(bool)
        scores = 1 - np.array(record.is_crowd, float)
        return Detections(boxes, record.labels, scores, record.size, self.categories, masks)
