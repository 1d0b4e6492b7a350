"""What lies at a path: annotation files, each handed to the reader that recognises it; pictures."""

import functools
import json
import pathlib
import re
from xml.etree import ElementTree

from helpers.annotations.readers import KNOWN, READERS, mask_folders, voc
from helpers.annotations.records import Left, guard
from helpers.pictures import SUFFIXES
from helpers.structures import InputError

ANNOTATION_FOLDERS = ("annotations", "labels", "xmls")  # pictures lie beside such a folder
BESIDE = ("*", "*/*", "*/*/*")  # beside a file not everything is looked at


class Surroundings:
    """The files at a path, and those around it where its pictures may be.

    Args:
        path: an annotation file, or a folder.

    Attributes:
        files: sorted paths, the annotations among them; below a folder every file.
        images: sorted paths of picture files.

    Raises:
        InputError: there is no such path.
    """

    def __init__(self, path):
        path = pathlib.Path(path).expanduser()
        if not path.exists():
            raise InputError(f"{path}: no such file or folder; check the name")
        self.root = path if path.is_dir() else path.parent
        if self.root.name.lower() in ANNOTATION_FOLDERS:
            self.root = self.root.parent
        tree = set()
        for pattern in ["**/*"] if path.is_dir() else BESIDE:
            tree.update(self.root.glob(pattern))
        tree = sorted(p for p in tree if p.is_file() and not self._is_hidden(p))
        self.files = [p for p in tree if path in (p, *p.parents)]
        self.images = [p for p in tree if p.suffix.lower() in SUFFIXES]

    def inside(self, path):
        """The path below the root, with slashes."""
        return path.relative_to(self.root).as_posix()

    def _is_hidden(self, path):
        return re.search(r"(^|/)\.", self.inside(path))

    @functools.cached_property
    def masks(self):
        """{stem: path} of the pictures in folders of masks.

        VOC has SegmentationClass and SegmentationObject: of one name the last is taken.
        """
        in_folder = re.compile("(mask|map|segm).*/", re.IGNORECASE)
        return {p.stem: p for p in self.images if in_folder.search(self.inside(p))}


def read(path, report):
    """Recognise what lies at `path`, and read it.

    Args:
        path: an annotation file, or a folder: every annotation file below it counts.
        report: is called with (file, what, object, picture, fixed) for what cannot be read.

    Returns:
        list of `records.Picture`; and the picture files around, for those that are not where they
        should be.

    Raises:
        InputError: there is no such path.
    """
    surroundings = Surroundings(path)
    skipped = voc.unlisted(surroundings.files, report)
    pictures = []
    for file in surroundings.files:
        if file in skipped:
            continue
        report_here = functools.partial(report, file)
        with guard(report_here):
            content = _content(file)
            if content is not None:
                reader = _reader(content)
                pictures += reader.read(file, content, surroundings, report_here)
    if not pictures:
        pictures = mask_folders.read(surroundings, report)
    return pictures, surroundings.images


def _content(file):
    """Parsed JSON, or the root of an XML tree; None of any other file."""
    suffix = file.suffix.lower()
    if suffix == ".json":
        return json.loads(file.read_text(encoding="utf-8-sig"))
    if suffix == ".xml":
        return ElementTree.parse(file).getroot()
    return None


def _reader(content):
    for reader in READERS:
        if reader.recognises(content):
            return reader
    raise Left(f"is JSON of an unknown kind; known are {KNOWN}")
