"""From annotation files to a data set: every object is checked against its picture."""

import filecmp
import functools
import pathlib
from collections import defaultdict
from typing import NamedTuple

from helpers.annotations import outlines, picture_files, surroundings
from helpers.annotations.datasets import Dataset, Problem, Record
from helpers.annotations.readers import KNOWN
from helpers.annotations.records import Left, Picture, guard
from helpers.structures import InputError


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
    check = _Check(fix)
    pictures, images = surroundings.read(path, check.report)
    index = picture_files.index_of(images)
    for picture in pictures:
        check.add(picture, index)
    check.drop_spoiled()
    if not check.entries:
        reason = check.problems[0] if check.problems else f"no annotations; known are {KNOWN}"
        raise InputError(f"{path}: there is no picture to use; {reason}")
    return check.dataset(pathlib.Path(path).stem)


class _Entry(NamedTuple):
    """A picture file in the making of a data set: names and RLE of its objects."""

    picture: Picture  # the first that told of it
    size: tuple
    names: list
    codes: list


class _Check:
    """A data set in the making.

    Attributes:
        problems: list of Problem.
        entries: {path of a picture: _Entry}.
        ids: {class name: id} as the files have them.
    """

    def __init__(self, fix):
        self.fix = fix
        self.problems, self.entries, self.ids = [], {}, {}
        self.same_bytes = defaultdict(list)  # {size of a file: pictures of this size}

    def report(self, file, what, number=None, picture=None, fixed=False):
        """Note a problem."""
        self.problems.append(Problem(file, number, picture, what, fixed))

    def mend(self, file, number, picture, what, how):
        """Note that something was mended, or raise `Left` where it may not be."""
        if not self.fix:
            raise Left(f"{what} (fix=True: {how})")
        self.report(file, f"{what}: {how}", number, picture, True)

    def add(self, picture, index):
        """Take a `records.Picture` and its objects in."""
        self.ids.update(picture.ids)
        report = functools.partial(self.report, picture.file)
        with guard(report, None, picture.name):
            mend = functools.partial(self.mend, picture.file, None, picture.name)
            located = picture_files.locate(picture, index, mend)
            self.refuse_twin(located.path)
            entry = self.entries.setdefault(located.path, _Entry(picture, located.size, [], []))
            if entry.picture is not picture:
                report("is listed twice: its objects are joined", None, picture.name, True)
            for item in picture.items:
                with guard(report, item.number, picture.name):
                    self.add_object(item, picture, located, entry)

    def refuse_twin(self, path):
        """Raise `Left` if a picture of another name has the same bytes."""
        num_bytes = path.stat().st_size
        for twin in self.same_bytes[num_bytes]:
            if twin != path and filecmp.cmp(twin, path, shallow=False):
                raise Left(f"is the same picture as {twin.parent.name}/{twin.name}", self.fix)
        self.same_bytes[num_bytes].append(path)

    def add_object(self, item, picture, located, entry):
        """Take a `records.Item` in."""
        mend = functools.partial(self.mend, picture.file, item.number, picture.name)
        code = outlines.encode(item.shape, located.drawn_on, mend)
        code = outlines.upright(code, located.size, located.turn)
        if (item.label, code) in zip(entry.names, entry.codes, strict=True):
            raise Left("is there twice: one is left out", True)
        entry.names.append(item.label)
        entry.codes.append(code)
        if item.note:
            self.report(picture.file, item.note, item.number, picture.name, True)

    def drop_spoiled(self):
        """Leave out pictures whose objects are all left out."""
        spoiled = {(p.file, p.picture) for p in self.problems if p.object is not None}
        for path, entry in list(self.entries.items()):
            picture = entry.picture
            if not entry.names and (picture.file, picture.name) in spoiled:
                what = "has objects, but none that can be used"
                self.report(picture.file, what, None, picture.name)
                del self.entries[path]

    def dataset(self, name):
        """What has come together."""
        ids = self.final_ids()
        records = []
        for path, entry in self.entries.items():
            labels = [ids[class_name] for class_name in entry.names]
            records.append(Record(path, entry.size, labels, entry.codes))
        categories = {number: class_name for class_name, number in ids.items()}
        return Dataset(name, categories, tuple(records), tuple(self.problems))

    def final_ids(self):
        """{class name: id}: the files' ids if they are numbers above 0, else 1, 2, …"""
        names = set(self.ids)
        for entry in self.entries.values():
            names.update(entry.names)
        numbers = [self.ids.get(name) for name in names]
        good = {number for number in numbers if type(number) is int and number > 0}
        if len(good) == len(names):
            return self.ids
        return {name: number for number, name in enumerate(sorted(names), 1)}
