"""Pictures of your own: read their annotations, hear what is wrong, look, split, convert.

python3 run.py data check PATH            what is wrong, line by line
python3 run.py data stats PATH            how many of what
python3 run.py data convert PATH FOLDER   COCO JSON, and the pictures beside it

With --fix each mends first. The exit code is 0, 1 if something was left out, 2 if nothing was read.
"""

import dataclasses
import filecmp
import functools
import json
import pathlib
from collections import Counter, defaultdict

import numpy as np
from pycocotools import mask as rle

from helpers.annotations import formats, repairs
from helpers.annotations.formats import Left, guard
from helpers.drawing import draw_detections, show
from helpers.pictures import read_image, replacing, save_image
from helpers.structures import Detections, InputError, require


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
        where = [self.file.name, self.picture, self.object is not None and f"object {self.object}"]
        where = ", ".join(str(word)[:100] for word in where if word)  # a name may be anything
        return f"{where}: {self.what}{'' if self.fixed else '; left out'}"


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Pictures and the true objects in them; masks are kept as RLE and decoded when asked for.

    `len(dataset)` pictures; `dataset[i]` is (image (H, W, 3) uint8 upright, Detections with masks
    and scores of 1), so a loop goes over such pairs.

    Attributes:
        name: of the folder or the file that it came from.
        categories: {category id: name}.
        records: for each picture its path, (height, width), category ids, and RLE of its objects.
        problems: tuple of Problem.
    """

    name: str
    categories: dict
    records: tuple
    problems: tuple = ()

    def __len__(self):
        return len(self.records)

    def __getitem__(self, i):
        return read_image(self.records[i][0]), self.truth(i)

    @property
    def paths(self):
        """The path of each picture."""
        return tuple(record[0] for record in self.records)

    def truth(self, i):
        """The objects of picture i, as Detections, without reading its pixels."""
        _, size, labels, codes = self.records[i]
        if not codes:
            return Detections.empty(size, self.categories)
        boxes = rle.toBbox(codes)
        boxes[:, 2:] += boxes[:, :2]
        masks = rle.decode(codes).transpose(2, 0, 1).astype(bool)
        return Detections(boxes, labels, np.ones(len(labels)), size, self.categories, masks)


def read_dataset(path, fix=False):
    """Read annotations of any common kind, and check each against its picture.

    Known are COCO JSON, VIA 1 and 2, labelme, VOC XML with PNG masks, and folders of PNG masks
    (`masks/a_1_nut.png`, or `masks/a.png` with a value for each object, for `images/a.jpg`). All
    files below a folder become one data set. Nothing is printed: look at `problems`. An object that
    cannot be trusted is left out; so is a picture of which no object is left, since it would teach
    that there is nothing.

    Args:
        path: an annotation file or a folder.
        fix: mend what can be mended without guessing, and list it.

    Returns:
        Dataset. COCO's ids are kept if they are numbers above 0; else classes get 1, 2, … in
        alphabetical order.

    Raises:
        InputError: there are no annotations that can be read, or no picture is left.
    """
    problems, records, placed, ids = [], {}, {}, {}
    index, sizes = defaultdict(list), defaultdict(list)

    def add(file, what, number=None, picture=None, fixed=False):
        problems.append(Problem(file, number, picture, what, fixed))

    def mend(report, number, picture, what, how):
        if not fix:
            raise Left(f"{what} (fix=True: {how})")
        report(f"{what}: {how}", number, picture, True)

    pictures, images = formats.read(path, add)
    for image in images:
        index[image.name.lower()].append(image)
        index[image.stem.lower()].append(image)
    for picture in pictures:
        report = functools.partial(add, picture.file)
        ids.update(picture.ids)
        with guard(report, None, picture.name):
            mender = functools.partial(mend, report, None, picture.name)
            file, size, drawn_on, turn = repairs.locate(picture, index, mender)
            for twin in sizes[file.stat().st_size]:
                if twin != file and filecmp.cmp(twin, file, shallow=False):
                    raise Left(f"is the same picture as {twin.parent.name}/{twin.name}", fix)
            sizes[file.stat().st_size].append(file)
            if placed.setdefault(file, picture) is not picture:
                report("is listed twice: its objects are joined", None, picture.name, True)
            _, _, labels, codes = records.setdefault(file, (file, size, [], []))
            for item in picture.items:
                with guard(report, item.number, picture.name):
                    mender = functools.partial(mend, report, item.number, picture.name)
                    code = repairs.encode(item.shape, drawn_on, mender)
                    code = repairs.fit(code, size, turn)
                    if (item.label, code) in zip(labels, codes, strict=True):
                        raise Left("is there twice: one is left out", True)
                    labels.append(item.label)
                    codes.append(code)
                    if item.note:
                        report(item.note, item.number, picture.name, True)
    spoiled = {(p.file, p.picture) for p in problems if p.object is not None}
    for file, picture in placed.items():
        if not records[file][2] and (picture.file, picture.name) in spoiled:
            add(picture.file, "has objects, but none that can be used", None, picture.name)
            del records[file]
    if not records:
        first = problems[0] if problems else f"no annotations; known are {formats.KNOWN}"
        raise InputError(f"{path}: there is no picture to use; {first}")
    names = sorted({label for _, _, labels, _ in records.values() for label in labels} | set(ids))
    numbers = [ids.get(name) for name in names]
    if len({n for n in numbers if type(n) is int and n > 0}) < len(names):
        ids = {name: number for number, name in enumerate(names, 1)}
    categories = {number: name for name, number in ids.items()}
    records = [(f, size, [ids[n] for n in names], c) for f, size, names, c in records.values()]
    return Dataset(pathlib.Path(path).stem, categories, tuple(records), tuple(problems))


def split(dataset, share=0.2, seed=0):
    """Part a data set in two, for training and for validation; no picture is in both.

    Of 100 ways to do so the first is taken that has most classes in training, then in both parts.

    Args:
        dataset: Dataset of at least 2 pictures.
        share: of the pictures, for validation; at least one picture.
        seed: the same seed gives the same parts.

    Returns:
        train, val: Datasets.

    Raises:
        ValueError: there are fewer than 2 pictures, or share is not between 0 and 1.
    """
    num, rng = len(dataset), np.random.default_rng(seed)
    require(num >= 2 and 0 < share < 1, f"2 pictures or more, share in 0..1; got {num}, {share}")
    size = min(max(round(share * num), 1), num - 1)
    labels = [set(labels) for _, _, labels, _ in dataset.records]

    def classes(order):
        val, train = (set().union(*(labels[i] for i in p)) for p in (order[:size], order[size:]))
        return len(train), len(train & val)

    def part(name, order):
        records = tuple(dataset.records[i] for i in sorted(order))
        return Dataset(f"{dataset.name} {name}", dataset.categories, records)

    order = max((rng.permutation(num).tolist() for _ in range(100)), key=classes)
    return part("train", order[size:]), part("val", order[:size])


def statistics(dataset):
    """How many of what in a Dataset.

    Returns:
        {"pictures", "empty" (those without an object), "objects", "classes": {name: {"objects",
        "pictures", "areas" (in pixels, the smallest first)}}}.
    """
    areas, pictures = defaultdict(list), Counter()
    for _, _, labels, codes in dataset.records:
        pictures.update(set(labels))
        for label, code in zip(labels, codes, strict=True):
            areas[label].append(int(rle.area(code)))
    classes = {
        name: {"objects": len(areas[i]), "pictures": pictures[i], "areas": sorted(areas[i])}
        for i, name in dataset.categories.items()
    }
    num, empty = sum(map(len, areas.values())), sum(not codes for *_, codes in dataset.records)
    return {"pictures": len(dataset), "empty": empty, "objects": num, "classes": classes}


def browse(dataset, num=8, seed=0):
    """A figure of up to `num` pictures, chosen by a seed, with their true objects.

    Args:
        dataset: Dataset, or any list of (image, Detections), not empty.
    """
    some = np.sort(np.random.default_rng(seed).permutation(len(dataset))[:num]).tolist()
    titles = [dataset.paths[i].name for i in some] if isinstance(dataset, Dataset) else None
    return show([draw_detections(*dataset[i], by_class=True) for i in some], titles)


def write_coco(dataset, folder):
    """Write pictures and truth as COCO JSON: `folder/annotations.json` and `folder/images/`.

    Args:
        dataset: Dataset, or any list of (image, Detections with masks).
        folder: is made if need be; files of the same names are replaced.

    Returns:
        The path of the JSON. Masks are compressed RLE, the same to the pixel. Pictures are upright,
        of the kind they were; arrays become PNG.
    """
    folder, images, annotations, categories = pathlib.Path(folder), [], [], {}
    for i in range(len(dataset)):
        image, truth = dataset[i]
        name = dataset.paths[i].name if isinstance(dataset, Dataset) else "picture.png"
        path = save_image(folder / "images" / f"{i + 1:05d}_{name}", image, quality=95)
        size = {"height": truth.image_size[0], "width": truth.image_size[1]}
        images.append({"id": i + 1, "file_name": f"images/{path.name}", **size})
        categories |= truth.categories
        for row in truth.to_coco(i + 1):
            annotations.append({**row, "id": len(annotations) + 1, "iscrowd": 0})
    names = [{"id": key, "name": name} for key, name in categories.items()]
    data = {"images": images, "annotations": annotations, "categories": names}
    with replacing(folder / "annotations.json") as part:
        part.write_text(json.dumps(data))
    return folder / "annotations.json"
