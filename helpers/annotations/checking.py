"""From annotation files to a data set: every object is checked against its picture."""

import filecmp
import functools
import pathlib
from collections import Counter, defaultdict

from helpers.annotations import claims, outlines, picture_files, surroundings
from helpers.annotations.datasets import Dataset, Problem, Record
from helpers.annotations.listings import Listing, chosen
from helpers.annotations.readers import KNOWN
from helpers.annotations.records import Left, guard
from helpers.annotations.waiting import bar
from helpers.structures import InputError


def read_dataset(path, fix=False):
    """Read annotations of any common kind, and check each against its picture.

    Known are the formats of `readers.KNOWN`: files of a kind each, recognised by their content, and
    folders of PNG masks (`masks/a_1_nut.png`, or `masks/a.png` with a value for each object, for
    `images/a.jpg`). All files below a folder become one data set. Nothing is printed but a
    progress bar where it takes long: look at `problems`. An object that cannot be trusted is left
    out; so is a picture of which no object is left, since it would teach that there is nothing.

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
    pictures, index = surroundings.read(path, check.report)
    for picture in bar(pictures, "checking", "picture"):
        check.add(picture, index)
    check.add_doubtful(index)
    dataset = check.dataset(pathlib.Path(path).stem)
    if not len(dataset):
        wrong = [problem for problem in check.problems if not problem.fixed]
        reason = wrong[0] if wrong else f"no annotations; known are {KNOWN}"
        raise InputError(f"{path}: there is no picture to use; {reason}")
    return dataset


class _Check:
    """A data set in the making.

    Attributes:
        problems: list of Problem.
        listings: {path of a picture: list of Listing}.
        ids: {class name: id} as the files have them.
    """

    def __init__(self, fix):
        self.fix = fix
        self.problems = []
        self.listings = defaultdict(list)
        self.ids = {}
        self.same_bytes = defaultdict(list)  # {size of a file: pictures of this size}
        self.drawn = set()  # "lying", "upright": what outlines of turned photos were drawn on
        self.doubtful = []  # pictures of which that is not known

    def report(self, file, what, number=None, picture=None, fixed=False):
        """Note a problem."""
        self.problems.append(Problem(file, number, picture, what, fixed))

    def mend(self, file, number, picture, what, how):
        """Note that something was mended, or raise `Left` where it may not be."""
        if not self.fix:
            raise Left(f"{what} (fix=True: {how})")
        self.report(file, f"{what}: {how}", number, picture, True)

    def note(self, file, number, picture, what):
        """Note what is odd and does no harm."""
        self.report(file, what, number, picture, True)

    def add_doubtful(self, index):
        """Take pictures in whose outlines fit before a turn and after it.

        What all the others say is believed of these, too: one tool has drawn them.
        """
        drawn = next(iter(self.drawn)) if len(self.drawn) == 1 else ""
        for picture in self.doubtful:
            self.add(picture, index, drawn, True)

    def add(self, picture, index, drawn="", is_last_try=False):
        """Take a `records.Picture` and its objects in; `drawn`: see `picture_files.locate`."""
        self.ids.update(picture.ids)
        report = functools.partial(self.report, picture.file)
        with guard(report, None, picture.name):
            where = (picture.file, None, picture.name)
            mend, note = functools.partial(self.mend, *where), functools.partial(self.note, *where)
            try:
                located = picture_files.locate(picture, index, mend, note, drawn)
            except picture_files.InDoubt:
                if is_last_try:
                    raise
                self.doubtful.append(picture)
                return
            self.drawn |= {located.drawn} - {""}
            self.refuse_twin(located.path)
            listing = Listing(picture, located.size, located.closeness)
            self.listings[located.path].append(listing)
            for item in picture.items:
                with guard(report, item.number, picture.name):
                    self.add_object(item, picture, located, listing)

    def refuse_twin(self, path):
        """Raise `Left` if a picture of another name has the same bytes."""
        num_bytes = path.stat().st_size
        for twin in self.same_bytes[num_bytes]:
            if twin != path and filecmp.cmp(twin, path, shallow=False):
                raise Left(f"is the same picture as {twin.parent.name}/{twin.name}", self.fix)
        self.same_bytes[num_bytes].append(path)

    def add_object(self, item, picture, located, listing):
        """Take a `records.Item` in."""
        where = (picture.file, item.number, picture.name)
        mend, note = functools.partial(self.mend, *where), functools.partial(self.note, *where)
        code = outlines.encode(item.shape, located.drawn_on, mend, item.holes)
        code = claims.settle(code, item, mend, note)
        code = outlines.upright(code, located.size, located.turn)
        is_crowd = item.is_crowd
        if item.doubt and self.fix:
            note(f"{item.doubt}: taken as an object")
            is_crowd = False
        elif item.doubt:
            self.report(picture.file, f"{item.doubt} (fix=True: taken as an object)", *where[1:])
        elif is_crowd:
            note("is a crowd, a region to leave out")
        if not listing.add(item.label, code, is_crowd):
            raise Left("is there twice: one is left out", True)
        if item.note:
            note(item.note)

    def dataset(self, name):
        """What has come together, of pictures that can be trusted."""
        kept = {}
        for path, listings in self.listings.items():
            listing = chosen(path, listings, self.report)
            if listing is not None and not self.is_spoiled(listing):
                kept[path] = listing
        ids = self.final_ids(kept.values())
        records = []
        for path, listing in kept.items():
            labels = [ids[class_name] for class_name in listing.names]
            records.append(Record(path, listing.size, labels, listing.codes, listing.is_crowd))
        categories = {number: class_name for class_name, number in ids.items()}
        return Dataset(name, categories, tuple(records), tuple(self.problems))

    def is_spoiled(self, listing):
        """Has an empty picture lost its objects, or may those be its own that belong to none?"""
        file, name = listing.picture.file, listing.picture.name
        if listing.names:
            return False
        if self.lost[file, name]:
            self.report(file, "has objects, but none that can be used", None, name)
            return True
        if self.lost[file, None] and self.lost[file, None] >= self.kept[file]:
            what = "has no object, but most objects of the file belong to no picture"
            self.report(file, what, None, name)
            return True
        return False

    @functools.cached_property
    def lost(self):
        """{(file, picture): how many objects were left out}; a picture of None may be any."""
        lost = [p for p in self.problems if p.object is not None or not p.fixed]
        return Counter((problem.file, problem.picture) for problem in lost)

    @functools.cached_property
    def kept(self):
        """{file: how many objects were taken in}."""
        kept = Counter()
        for listings in self.listings.values():
            for listing in listings:
                kept[listing.picture.file] += len(listing.names)
        return kept

    def final_ids(self, listings):
        """{class name: id}: the files' ids if they are numbers above 0, else 1, 2, …"""
        names = set(self.ids)
        for listing in listings:
            names.update(listing.names)
        numbers = [self.ids.get(name) for name in names]
        good = {number for number in numbers if type(number) is int and number > 0}
        if len(good) == len(names):
            return self.ids
        return {name: number for number, name in enumerate(sorted(names), 1)}
