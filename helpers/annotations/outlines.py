"""The shape of an object as a mask: outlines, runs and stamps are checked, and made COCO's RLE."""

import numpy as np
from PIL import Image, ImageOps
from pycocotools import mask as rle

from helpers.annotations.picture_files import ORIENTATION
from helpers.annotations.png_masks import rle_of
from helpers.annotations.records import Left, Stamp

MIN_AREA = 9  # pixels; fewer are a slip of the hand, and no network sees them
SLIP = 0.05  # of its area, that an outline which crosses itself may leave in doubt


def encode(shape, size, mend, holes=()):
    """The shape of an object (`records.Item`) as RLE of `size` (height, width), by COCO's rules.

    Args:
        shape: of `records.Item`.
        size: (height, width) that it is drawn on.
        mend: see `picture_files.locate`.
        holes: of `records.Item`.

    Raises:
        Left: it is empty, far outside, crosses itself, belongs to another size or is too small.
    """
    if not shape:
        raise Left("has no outline, at most a box")
    code = _union(shape, size, mend)
    if len(holes):
        code = without(code, _union(holes, size, mend))
    if rle.area(code) < MIN_AREA:
        raise Left(f"covers {rle.area(code)} pixels; fewer than {MIN_AREA} are no object")
    return code


def without(code, hole):
    """An RLE less another of the same size."""
    return rle_of(rle.decode(code) & ~rle.decode(hole).astype(bool))


def _union(parts, size, mend):
    """All parts of a shape as one RLE."""
    codes = [_of_runs(part, size) for part in parts if isinstance(part, dict)]
    codes += [_of_stamp(part, size, mend) for part in parts if isinstance(part, Stamp)]
    outlines = [part for part in parts if isinstance(part, np.ndarray)]
    if outlines:
        codes.append(_of_outlines(outlines, size, mend))
    return codes[0] if len(codes) == 1 else rle.merge(codes)


def _of_runs(shape, size):
    """COCO's RLE, compressed or not, as compressed RLE."""
    if list(shape["size"]) != list(size):
        raise Left(f"has a mask of {shape['size']} for a picture of {list(size)}")
    if isinstance(shape["counts"], bytes):  # of ours: no file can hold such
        return shape
    return rle.frPyObjects({"size": list(size), "counts": counts_of(shape, size)}, *size)


def counts_of(shape, size):
    """The lengths of the runs of COCO's RLE, compressed or not."""
    counts = shape["counts"]
    if not isinstance(counts, list):
        counts = runs(counts)
    if min(counts) < 0 or sum(counts) != size[0] * size[1]:
        raise Left("has a mask whose runs do not add up to the picture")
    return counts


def _of_stamp(stamp, size, mend):
    """A small mask, put where it belongs, as RLE."""
    pixels = np.asarray(stamp.pixels, bool)
    height, width = pixels.shape
    top, left = int(stamp.top), int(stamp.left)
    seen = pixels[max(-top, 0) : max(size[0] - top, 0), max(-left, 0) : max(size[1] - left, 0)]
    num_outside = int(pixels.sum()) - int(seen.sum())
    if num_outside:
        mend(f"has {num_outside} of {int(pixels.sum())} pixels outside the picture", "left out")
    mask = np.zeros(size, bool)
    y, x = max(top, 0), max(left, 0)
    mask[y : y + seen.shape[0], x : x + seen.shape[1]] = seen
    return rle_of(mask)


def _of_outlines(outlines, size, mend):
    """A list of polygons (N, 2) as RLE of what they enclose together."""
    corners = np.concatenate(outlines)
    limit = np.array(size[::-1])
    outlines = [outline for outline in outlines if len(outline) >= 3]
    if not outlines or not np.isfinite(corners).all():
        raise Left(f"has no area: its corners are {corners[:3].tolist()}")
    if (corners < -limit).any() or (corners > 2 * limit).any():
        raise Left("lies far outside the picture")
    num_outside = ((corners < -1) | (corners > limit + 1)).any(1).sum()
    if num_outside:
        what = f"has {num_outside} of {len(corners)} corners outside the picture"
        mend(what, "cut off at its edge")
    codes = rle.frPyObjects([outline.ravel().tolist() for outline in outlines], *size)
    for outline, area in zip(outlines, rle.area(codes).tolist(), strict=True):
        if crosses_itself(outline) and abs(_enclosed(outline) - area) > SLIP * area:
            raise Left("has an outline that crosses itself: draw it anew")
    return rle.merge(codes)


def runs(text):
    """The runs of a compressed RLE: groups of 5 bits, from the third run on less the last but one.

    pycocotools reads it, too, but of one that is cut off it makes a mask of whatever is in memory.
    """
    counts, value, bits = [], 0, 0
    for byte in text.encode() if isinstance(text, str) else text:
        value |= (byte - 48 & 31) << bits
        bits += 5
        is_last_group = byte - 48 < 32
        if is_last_group:
            value -= (byte - 48 & 16) << (bits - 4)  # its highest bit is the sign
            before = counts[-2] if len(counts) > 2 else 0
            counts.append(value + before)
            value = bits = 0
    return counts


def _enclosed(corners):
    """What a polygon (N, 2) encloses; a loop that runs the other way round counts negative."""
    x, y = corners.T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def crosses_itself(corners):
    """Does any edge of a polygon (N, 2) cross another? Of over 2000 corners some are skipped."""
    z = corners[:: len(corners) // 2000 + 1] @ (1, 1j)
    edges = np.conj(np.roll(z, -1) - z)
    side = np.sign(np.imag(edges[:, None] * (z - z[:, None])))  # of edge i, where is corner j?
    is_parted = side * np.roll(side, -1, 1) < 0  # do the ends of edge j lie on both sides of i?
    return (is_parted & is_parted.T).any()


def upright(code, size, turn):
    """An RLE, turned as EXIF says or scaled, to the `size` of the upright picture."""
    if turn == 1 and tuple(code["size"]) == size:
        return code
    mask = Image.fromarray(rle.decode(code))
    mask.getexif()[ORIENTATION] = turn
    return rle_of(ImageOps.exif_transpose(mask).resize(size[::-1], Image.Resampling.NEAREST))
