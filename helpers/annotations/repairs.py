"""Does an annotation fit its picture? What does not is mended where that needs no guess."""

import pathlib

import numpy as np
from PIL import Image, ImageOps
from pycocotools import mask as rle

from helpers.annotations.formats import Left
from helpers.annotations.png_masks import rle_of
from helpers.pictures import FORMATS

MIN_AREA = 9  # pixels; fewer are a slip of the hand, and no network sees them
SLIP = 0.05  # of its area, that an outline which crosses itself may leave in doubt


def locate(picture, index, mend):
    """Find a picture, and how its outlines lie on it.

    Args:
        picture: `formats.Picture`.
        index: {name or stem in small letters: paths} of the pictures around.
        mend: called with (what is wrong, what is done about it); raises `Left` if nothing may be.

    Returns:
        Its path; its (height, width) when upright; the (height, width) that its outlines are drawn
        on; and the EXIF turn (1, none, to 8) by which masks have to follow it.

    Raises:
        Left: the picture is missing, ambiguous, damaged, or of another shape than its outlines.
    """
    name = pathlib.PurePosixPath(picture.name.replace("\\", "/"))
    near = [picture.file.parent / name, picture.file.parent / "images" / name]
    found = [p for p in near if p.is_file()][:1] or index.get(name.name.lower(), [])
    if not found and len(index.get(name.stem.lower(), [])) == 1:
        found = index[name.stem.lower()]
        mend("is missing", f"{found[0].name} is used")
    if len(found) != 1:
        raise Left(f"is missing{f': {len(found)} pictures have this name' if found else ''}")
    with Image.open(found[0], formats=FORMATS) as image:
        raw, turn = image.size[::-1], image.getexif().get(274, 1)
        image.draft("L", (1, 1))  # a JPEG's coarse version: enough to know that the file is whole
        image.load()
    size = raw[::-1] if turn in (5, 6, 7, 8) else raw
    if all(picture.size) and picture.size:
        drawn_on = tuple(int(side) for side in picture.size)
    else:  # the file does not say: which of the two do the outlines fit into?
        parts = [p for item in picture.items if isinstance(item.shape, list) for p in item.shape]
        corners = np.concatenate([[[0, 0]], *parts])
        fits = lambda sides: (corners <= np.add(sides[::-1], 1)).all()  # noqa: E731
        drawn_on = raw if fits(raw) and not fits(size) else size
    if drawn_on == size:
        return found[0], size, size, 1
    what = "is {1} x {0} pixels, annotated as {3} x {2}".format(*size, *drawn_on)
    if drawn_on == raw:
        mend(f"{what}, as before its EXIF turn", "masks are turned, too")
        return found[0], size, raw, turn
    if abs(drawn_on[0] * size[1] - drawn_on[1] * size[0]) > max(drawn_on) or max(drawn_on) > 3e4:
        raise Left(what)
    mend(what, "masks are scaled")
    return found[0], size, drawn_on, 1


def encode(shape, size, mend):
    """The shape of an object (`formats.Item`) as RLE of `size` (height, width), by COCO's rules.

    Raises:
        Left: it is empty, far outside, crosses itself, belongs to another size or is too small.
    """
    if not shape:
        raise Left("has no outline, at most a box")
    if isinstance(shape, dict):
        if list(shape["size"]) != list(size):
            raise Left(f"has a mask of {shape['size']} for a picture of {list(size)}")
        counts = shape["counts"]
        counts = counts if isinstance(counts, list) else runs(counts)
        if min(counts) < 0 or sum(counts) != size[0] * size[1]:
            raise Left("has a mask whose runs do not add up to the picture")
        code = rle.frPyObjects({"size": list(size), "counts": counts}, *size)
    else:
        corners, limit = np.concatenate(shape), np.array(size[::-1])
        parts = [part for part in shape if len(part) >= 3]
        if not parts or not np.isfinite(corners).all():
            raise Left(f"has no area: its corners are {corners[:3].tolist()}")
        if (corners < -limit).any() or (corners > 2 * limit).any():
            raise Left("lies far outside the picture")
        num = ((corners < -1) | (corners > limit + 1)).any(1).sum()
        if num:
            mend(f"has {num} of {len(corners)} corners outside the picture", "cut off at its edge")
        codes = rle.frPyObjects([part.ravel().tolist() for part in parts], *size)
        for part, area in zip(parts, rle.area(codes).tolist(), strict=True):
            if _crosses(part) and abs(_area(part) - area) > SLIP * area:
                raise Left("has an outline that crosses itself: draw it anew")
        code = rle.merge(codes)
    if rle.area(code) < MIN_AREA:
        raise Left(f"covers {rle.area(code)} pixels; fewer than {MIN_AREA} are no object")
    return code


def runs(text):
    """The runs of a compressed RLE: groups of 5 bits, from the third run on less the last but one.

    pycocotools reads it, too, but of one that is cut off it makes a mask of whatever is in memory.
    """
    found, value, bits = [], 0, 0
    for byte in text.encode() if isinstance(text, str) else text:
        value |= (byte - 48 & 31) << bits
        bits += 5
        if byte - 48 < 32:  # the last group: its highest bit is the sign
            value -= (byte - 48 & 16) << (bits - 4)
            found.append(value + (found[-2] if len(found) > 2 else 0))
            value = bits = 0
    return found


def _area(corners):
    """What a polygon (N, 2) encloses; a loop that runs the other way round counts negative."""
    x, y = corners.T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def _crosses(corners):
    """Does any edge of a polygon (N, 2) cross another? Of over 2000 corners some are skipped."""
    z = corners[:: len(corners) // 2000 + 1] @ (1, 1j)
    edges = np.conj(np.roll(z, -1) - z)
    side = np.sign(np.imag(edges[:, None] * (z - z[:, None])))  # of edge i, where is corner j?
    apart = side * np.roll(side, -1, 1) < 0
    return (apart & apart.T).any()


def fit(code, size, turn):
    """An RLE, turned as EXIF says or scaled, to the `size` of the upright picture."""
    if turn == 1 and tuple(code["size"]) == size:
        return code
    mask = Image.fromarray(rle.decode(code))
    mask.getexif()[274] = turn
    return rle_of(ImageOps.exif_transpose(mask).resize(size[::-1], Image.Resampling.NEAREST))
