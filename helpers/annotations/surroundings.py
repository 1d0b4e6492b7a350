"""What lies at a path: annotation files, each handed to the reader that recognises it; pictures."""

import functools
import json
import os
import pathlib
import re
from collections import defaultdict
from xml.etree import ElementTree

import yaml

from helpers.annotations.finding import IN_MASKS, Index
from helpers.annotations.readers import FOLDERS, KNOWN, READERS, voc, yolo
from helpers.annotations.records import Left, guard
from helpers.annotations.texts import text_of
from helpers.annotations.waiting import bar
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
        tree: sorted paths of all files around.
        images: sorted paths of picture files.
        index: `finding.Index` of these.
        damaged: set of the annotation files that could not be parsed, filled by `read`.

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
        self.tree = sorted(p for p in tree if p.is_file() and not self._is_hidden(p))
        self.files = [p for p in self.tree if path in (p, *p.parents)]
        self.images = [p for p in self.tree if p.suffix.lower() in SUFFIXES]
        self.index = Index(self.root, self.images)
        self.damaged = set()

    def inside(self, path):
        """The path below the root, with slashes."""
        return path.relative_to(self.root).as_posix()

    def _is_hidden(self, path):
        return re.search(r"(^|/)\.", self.inside(path))

    @functools.cached_property
    def _masks(self):
        """{stem: paths} of the pictures in folders of masks."""
        masks = defaultdict(list)
        for path in self.images:
            if IN_MASKS.search(self.inside(path)):
                masks[path.stem].append(path)
        return masks

    def mask_of(self, file):
        """The mask that bears the name of an annotation file, the closest one; None without one.

        VOC has SegmentationClass and SegmentationObject: of one name the last is taken.
        """
        masks = self._masks.get(file.stem, [])
        return max(
            masks, key=lambda mask: (len(os.path.commonpath([mask, file])), mask), default=None
        )


def read(path, report):
    """Recognise what lies at `path`, and read it.

    Args:
        path: an annotation file, or a folder: every annotation file below it counts.
        report: is called with (file, what, object, picture, fixed) for what cannot be read.

    Returns:
        list of `records.Picture`; and the index of the picture files around.

    Raises:
        InputError: there is no such path.
    """
    surroundings = Surroundings(path)
    skipped = voc.unlisted(surroundings.files, report)
    pictures = []
    for file in bar(surroundings.files, "reading", "file"):
        if file in skipped:
            continue
        report_here = functools.partial(report, file)
        surroundings.damaged.add(file)
        with guard(report_here):
            content = _content(file)
            surroundings.damaged.remove(file)
            if content is not None:
                reader = _reader(content)
                pictures += reader.read(file, content, surroundings, report_here)
    for reader in FOLDERS:
        if not pictures:
            pictures = reader.read(surroundings, report)
    if not pictures:
        yolo.tell_nameless(surroundings, report)
    return pictures, surroundings.index


def _content(file):
    """Parsed JSON or YAML, or the root of an XML tree; None of any other file."""
    suffix = file.suffix.lower()
    if suffix == ".json":
        return json.loads(text_of(file))
    if suffix in (".yaml", ".yml"):
        text = text_of(file)
        content = yaml.safe_load(text) if "names" in text else None
        is_of_data = isinstance(content, dict) and "names" in content
        return content if is_of_data else None  # all sorts of settings are YAML
    if suffix == ".xml":
        return ElementTree.fromstring(text_of(file))
    return None


def _reader(content):
    for reader in READERS:
        if reader.recognises(content):
            return reader
    kind = "XML" if hasattr(content, "tag") else "JSON"
    raise Left(f"is {kind} of an unknown kind; known are {KNOWN}")
