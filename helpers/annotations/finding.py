"""Which picture file does a name in an annotation file mean?

Names are often bare, or come with folders of another computer. A picture is taken only if nothing
speaks against it: no folder in its name, and no split (train, val, test).
"""

import os
import pathlib
import re
from collections import defaultdict
from typing import NamedTuple

from helpers.annotations.records import Left
from helpers.pictures import SUFFIXES

PLAIN = ("images", "image", "imgs", "img", "jpegimages", "pngimages", "pictures", "photos")
SPLITS = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
SPLIT = re.compile(rf"(?<![a-z])({'|'.join(SPLITS)})[-_ ]?(\d*)(?![a-z0-9])")
BESIDE = float("inf")  # no picture can be closer
IN_MASKS = re.compile("(mask|map|segm).*/", re.IGNORECASE)


class Found(NamedTuple):
    """A picture file, and how close to its annotations it lies: the more, the closer."""

    path: pathlib.Path
    closeness: float


class Index:
    """Picture files by their names.

    Args:
        root: the folder that all lie in.
        images: their paths.
    """

    def __init__(self, root, images):
        self.root = root
        self.by_name, self.by_stem = defaultdict(list), defaultdict(list)
        for path in images:
            self.by_name[path.name.lower()].append(path)
            self.by_stem[path.stem.lower()].append(path)

    def find(self, picture, mend, note):
        """The file of a `records.Picture`.

        Args:
            picture: `records.Picture`.
            mend, note: see `picture_files.locate`.

        Returns:
            Found.

        Raises:
            Left: there is none, or several that are as likely.
        """
        name = pathlib.PurePosixPath(picture.name.replace("\\", "/"))
        own = self._own(picture, name)
        near = self._near(picture.file.parent, name)
        if own and (near is None or own.closeness == BESIDE):
            note(f"is named, but the file is called {picture.file.name}: {own.path.name} is used")
            return own
        folders = name.parts[:-1]
        has_ending = name.suffix.lower() in SUFFIXES
        named = self.by_name.get(name.name.lower(), [])
        found = near or self._best(self._photos(named), folders, picture.file)
        if found:
            return found
        bare = name.stem if has_ending else name.name
        namesakes = self._photos(self.by_stem.get(bare.lower(), []))
        found = self._best(namesakes, folders, picture.file)
        if found:
            if has_ending:
                mend("is missing", f"{found.path.name} is used")
            return found
        found = self._best(named, folders, picture.file)  # pictures in a folder called "maps"
        if found:
            return found
        for path in named:
            why = "has its name, but lies in another folder or split"
            raise Left(f"is missing: {self._inside(path)} {why}")
        raise Left("is missing")

    def _own(self, picture, name):
        """Of a file about one picture: that which bears the file's name, if another is named."""
        stem = picture.file.stem.lower()
        if not picture.has_own_file or stem in (name.name.lower(), name.stem.lower()):
            return None
        return self._best(self._photos(self.by_stem.get(stem, [])), (), picture.file)

    def _photos(self, paths):
        """Those that do not lie in a folder of masks."""
        return [path for path in paths if not IN_MASKS.search(self._inside(path))]

    def _near(self, folder, name):
        """The picture exactly where the name says, or in a folder `images` there; or None."""
        for path in (folder / name, folder / "images" / name):
            if path.is_file():
                return Found(path, BESIDE)
        return None

    def _best(self, paths, folders, file):
        """The likeliest of the paths that nothing speaks against, as Found; None if there is none.

        Args:
            paths: those of the right name.
            folders: that the name came with.
            file: the annotation file.
        """
        ranked = defaultdict(list)
        for path in paths:
            if self._agree(path, folders) and self._same_split(path, file):
                ranked[self._rank(path, folders, file)].append(path)
        if not ranked:
            return None
        rank = max(ranked)
        if len(ranked[rank]) > 1:
            raise Left(f"is missing: {len(ranked[rank])} pictures have this name")
        path = ranked[rank][0]
        is_beside = path.parent == file.parent
        return Found(path, BESIDE if is_beside else rank[-1])

    def _rank(self, path, folders, file):
        """How much speaks for a path: folders that agree, then common ones with the file."""
        theirs, ours = self._telling(folders), self._telling(self._folders(path))
        num_same = 0
        for one, other in zip(reversed(theirs), reversed(ours), strict=False):
            num_same += one == other
        is_split = bool(self._splits(file) & self._splits(path))
        common = os.path.commonpath([path.parent.absolute(), file.parent.absolute()])
        return num_same, is_split, len(pathlib.PurePath(common).parts)

    def _agree(self, path, folders):
        """Do the folders of a name and of a path agree, from the last one on?"""
        pairs = zip(
            reversed(self._telling(folders)),
            reversed(self._telling(self._folders(path))),
            strict=False,
        )
        return all(one == other for one, other in pairs)

    def _telling(self, folders):
        """Folders in small letters, without those that every data set has."""
        small = [folder.lower() for folder in folders]
        return [folder for folder in small if folder not in (*PLAIN, "/", ".", "..")]

    def _same_split(self, path, file):
        """Is there no word on a split, or the same?"""
        ours, theirs = self._splits(path), self._splits(file)
        return not ours or not theirs or any(_alike(one, other) for one in ours for other in theirs)

    def _splits(self, path):
        """{(split, year)} that the folders of a path name, and the name of a JSON file."""
        names = [folder.lower() for folder in self._folders(path)]
        if path.suffix.lower() == ".json":
            names.append(path.stem.lower())
        found = {match for name in names for match in SPLIT.findall(name)}
        return {(SPLITS[word], digits if len(digits) == 4 else "") for word, digits in found}

    def _folders(self, path):
        return pathlib.PurePosixPath(self._inside(path)).parts[:-1]

    def _inside(self, path):
        """The path below the root, with slashes; as it is if it lies elsewhere."""
        inside = path.relative_to(self.root) if path.is_relative_to(self.root) else path
        return inside.as_posix()


def _alike(one, other):
    """Two splits of one name, whose years do not differ."""
    return one[0] == other[0] and (one[1] == other[1] or not one[1] or not other[1])
