"""Pascal VOC: an XML with boxes for each picture, and a PNG of its name in a folder of masks."""

import re

import numpy as np
from scipy.optimize import linear_sum_assignment

from helpers.annotations.png_masks import box_of, codes_of, rle_of, values_of
from helpers.annotations.records import Item, Picture, guard

NAME = "VOC XML with PNG masks"
SIDES = ("xmin", "ymin", "xmax", "ymax")
MARGIN = 1 / 8  # of a box's side, by which its object may stick out: boxes are drawn by hand


def recognises(content):
    return hasattr(content, "findall")


def read(file, content, surroundings, report):
    name = (content.findtext("filename") or file.stem).strip()
    picture = Picture(file, name, (), [], has_own_file=True)
    boxes = []
    for number, row in enumerate(content.findall("object"), 1):
        with guard(report, number, picture.name):
            box = [float(row.findtext(f"bndbox/{side}")) for side in SIDES]
            picture.items.append(Item(number, row.findtext("name").strip(), None))
            boxes.append(box)
    mask = surroundings.mask_of(file)
    if not boxes or mask is None:
        return [picture]
    codes, note = codes_of(mask)
    shapes = share_out(codes, np.array(boxes))
    items = [
        item._replace(shape=[shape], note=note)
        for item, shape in zip(picture.items, shapes, strict=True)
    ]
    return [picture._replace(size=codes.shape, items=items)]


def share_out(codes, boxes):
    """Which pixels of a mask belong to which box: an RLE for each box.

    If every object has a value of its own, each box takes the one that it fits. Else a pixel goes
    to the box that it is deepest in, so boxes that overlap share no pixel.

    Args:
        codes: (H, W) integers, see `codes_of`.
        boxes: (N, 4) float, pixels, N > 0.
    """
    values = values_of(codes)
    values = values[values > 0]
    if len(values) >= len(boxes) > 1:
        corners = np.array([box_of(codes == value) for value in values], float)
        distances = np.abs(boxes[:, None] - corners).sum(2)
        _, chosen = linear_sum_assignment(distances)
        return [rle_of(codes == values[i]) for i in chosen]
    depths = np.array([_depth(codes.shape, *box) for box in boxes])  # (N, H, W)
    deepest = np.argmin(depths, 0)
    return [
        rle_of((codes > 0) & (depth < 1 + 2 * MARGIN) & (deepest == i))
        for i, depth in enumerate(depths)
    ]


def _depth(size, x1, y1, x2, y2):
    """How deep each pixel lies in a box: 0 in its middle, about 1 at its edge, (H, W)."""
    y, x = (axis + 0.5 for axis in np.indices(size, sparse=True))
    across = np.abs(2 * x - x1 - x2) / (x2 - x1 + 1)
    down = np.abs(2 * y - y1 - y2) / (y2 - y1 + 1)
    return np.maximum(across, down)


def unlisted(files, report):
    """The XML files that a trainval.txt does not list: the Object Detection API skips them, too.

    Args:
        files: paths of all files.
        report: as in `surroundings.read`; hears of what is listed and missing, or not listed.

    Returns:
        Set of paths; empty if there is no such list.
    """
    xmls = [file for file in files if file.suffix.lower() == ".xml"]
    stems = {file.stem for file in xmls}
    names = set()
    for file in files:
        if file.name != "trainval.txt":
            continue
        names |= set(re.findall(r"^\s*(\S+)", file.read_text(errors="replace"), re.MULTILINE))
        for name in sorted(names - stems):
            report(file, "is listed, but has no XML file", None, name)
        num = len(stems - names)
        if num:
            report(file, f"does not list {num} XML files: they are not read", fixed=True)
    return {file for file in xmls if names and file.stem not in names}
