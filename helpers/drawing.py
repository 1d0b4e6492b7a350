"""Detections to pixels: colours, overlays, figures."""

import functools

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from helpers.structures import require

# The seven colours of Okabe and Ito (2008, "Color Universal Design") and three of Paul Tol's
# (2021, SRON/EPS/TN/09-002: indigo, pale cyan, dark red). Any two stay at least 16 apart in CIE Lab
# for every kind of colour vision, as simulated after Machado et al. (2009); neighbours, 24.
PALETTE = (
    (230, 159, 0),  # orange
    (86, 180, 233),  # sky blue
    (0, 114, 178),  # blue
    (240, 228, 66),  # yellow
    (204, 121, 167),  # reddish purple
    (213, 94, 0),  # vermilion
    (0, 158, 115),  # bluish green
    (187, 238, 255),  # pale cyan
    (51, 34, 136),  # indigo
    (102, 51, 51),  # dark red
)
INK, PAPER = (20, 20, 24), (255, 255, 255)


def color_of(key: int) -> tuple[int, int, int]:
    """The colour (r, g, b) of object number `key`: the same number, the same colour, always."""
    return PALETTE[int(key) % len(PALETTE)]


def draw_detections(
    image,
    detections,
    *,
    labels=True,
    masks=True,
    boxes=True,
    alpha=0.45,
    by_class=False,
    spots=None,
):
    """Draw the objects on a copy of their picture.

    Each object has one colour: by its track id where there is one, else by its rank. A mask is a
    tint with a dark edge inside and a light one outside: its outline shows on any ground, and in
    grey print. Small objects lie on top of large ones. Lines and letters grow with the picture.

    Args:
        image: (H, W, 3) uint8 RGB; may be read-only or a view.
        detections: the objects of this picture; masks may be None, N may be 0.
        labels: write class and score (which a true object, of score 1, has not).
        masks: tint the masks.
        boxes: draw the boxes.
        alpha: strength of the tint, 0 to 1.
        by_class: objects without a track id are coloured by class, so that a film does not flicker.
        spots: a dict, empty at first, the same one for all frames of a film: it remembers where the
            label of each track stood, {track id: spot}, and keeps it there while that is no worse
            than a little. It is the one argument that is changed.

    Returns:
        (H, W, 3) uint8, a new array.

    Raises:
        ValueError: the image is not RGB uint8 or of another size than the detections.
    """
    image = np.asarray(image)
    shape = (*detections.image_size, 3)
    require(image.dtype == np.uint8, f"image must be uint8, 0 to 255, got {image.dtype}")
    require(image.shape == shape, f"image must be {shape} like the detections, got {image.shape}")
    require(0 <= alpha <= 1, f"alpha must lie between 0 and 1, got {alpha}")
    canvas = np.array(image, order="C")
    side = np.sqrt(shape[0] * shape[1])  # 1440 for full HD
    line = max(1, round(side / 600))
    keys = range(len(detections)) if detections.track_ids is None else detections.track_ids
    if by_class and detections.track_ids is None:
        keys = np.searchsorted(sorted(detections.categories), detections.labels)
    colors = [color_of(key) for key in keys]
    left_top, right_bottom = np.split(np.rint(detections.boxes).astype(int), 2, axis=1)
    sizes = (right_bottom - left_top).prod(axis=1)
    for i in np.argsort(-sizes, kind="stable"):
        if masks and detections.masks is not None:
            _tint(canvas, detections.masks[i], colors[i], alpha, line)
        if boxes:
            corner = right_bottom[i] - 1  # the last pixel inside
            cv2.rectangle(canvas, left_top[i].tolist(), corner.tolist(), colors[i], line)
    if labels:
        size = max(11, round(side / 50))
        chips = [_chip(t, color, size) for t, color in zip(_texts(detections), colors, strict=True)]
        places = _places(chips, left_top, right_bottom, shape, detections.track_ids, spots)
        for chip, (x, y) in zip(chips, places, strict=True):
            if chip.shape[0] <= shape[0] and chip.shape[1] <= shape[1]:
                canvas[y : y + chip.shape[0], x : x + chip.shape[1]] = chip
    return canvas


def _tint(canvas, mask, color, alpha, line):
    """Blend a mask (H, W) bool and its edges into the canvas, in place."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return
    top, bottom = max(0, rows[0] - line), rows[-1] + line + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    window = np.s_[top:bottom, max(0, columns[0] - line) : columns[-1] + line + 1]
    mask, crop = np.ascontiguousarray(mask[window]).view(np.uint8), canvas[window]
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * line + 1,) * 2)
    inside = cv2.erode(mask, disk, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    paint = np.empty_like(crop)
    fill = lambda tone: cv2.rectangle(paint, (0, 0), crop.shape[1::-1], tone, cv2.FILLED)  # noqa: E731
    cv2.copyTo(cv2.addWeighted(crop, 1 - alpha, fill(color), alpha, 0), mask, crop)
    cv2.copyTo(fill(PAPER), cv2.dilate(mask, disk) - mask, crop)
    cv2.copyTo(fill([c // 3 for c in color]), mask - inside, crop)


def _texts(detections):
    """What the chip of each object says: "car 98%", with its track id "car #7 98%"."""
    texts = detections.names
    if detections.track_ids is not None:
        texts = [f"{text} #{key}" for text, key in zip(texts, detections.track_ids, strict=True)]
    scores = detections.scores
    # rounded down: 100% would claim certainty
    return [t if s == 1 else f"{t} {int(100 * s)}%" for t, s in zip(texts, scores, strict=True)]


@functools.lru_cache(maxsize=2048)
def _chip(text, color, size):
    """A text on its colour, dark or light by contrast: (h, w, 3) uint8, about 1.3 `size` high."""
    tone = max(INK, PAPER, key=lambda tone: contrast(color, tone))
    return np.linspace(color, tone, 256).astype(np.uint8)[_ink(text, size)]


@functools.lru_cache(maxsize=2048)
def _ink(text, size):
    """How much ink a text leaves: (h, w) uint8, 0 to 255."""
    font, margin = ImageFont.load_default(size), max(2, size // 4)
    paper = (round(font.getlength(text)) + 2 * margin, sum(font.getmetrics()))
    image = Image.new("L", paper)
    ImageDraw.Draw(image).text((margin, 0), text, fill=255, font=font)
    return np.asarray(image)


def _places(chips, left_top, right_bottom, shape, keys=None, before=None):
    """Where each chip goes, (x, y): at its box, inside the picture, clear of chips and objects."""
    before = {} if before is None or keys is None else before
    keys = range(len(chips)) if keys is None else keys.tolist()
    taken = np.vstack([np.hstack([left_top, right_bottom]), np.zeros((len(chips), 4), int)])
    price = np.repeat([1, 9], len(chips))  # of a pixel of an object, and of another chip
    for i in np.argsort(keys):  # the same order in each frame
        (height, width), (x1, y1), (x2, y2) = chips[i].shape[:2], left_top[i], right_bottom[i]
        spots = [(x1, y1 - height), (x2 - width, y1 - height), (x1, y2), (x2 - width, y2), (x1, y1)]
        spots += [(x1, y1 - 2 * height), (x2, y1), (x1 - width, y1), (x1, y1 - 3 * height)]
        room = (shape[1] - width, shape[0] - height)
        spots = np.clip(spots, 0, np.maximum(room, 0))
        corners = np.hstack([spots, spots + (width, height)])[:, None]
        sides = np.minimum(corners[..., 2:], taken[:, 2:]) - np.maximum(
            corners[..., :2], taken[:, :2]
        )
        cost = np.maximum(sides, 0).prod(axis=2) @ price
        if keys[i] in before:
            cost[before[keys[i]]] -= 0.4 * width * height
        before[keys[i]] = np.argmin(cost)
        taken[len(chips) + i] = corners[before[keys[i]], 0]
    return taken[len(chips) :, :2].tolist()


def contrast(one, other):
    """The contrast of two colours, 1 to 21 (WCAG 2.1, "contrast ratio")."""
    light = []
    for color in (one, other):
        share = np.asarray(color) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        light.append(linear @ (0.2126, 0.7152, 0.0722) + 0.05)
    return max(light) / min(light)


def show(images, titles=None, columns=None, height=3.5):
    """Pictures side by side in one figure, without axes.

    The figure is not registered with pyplot, so it appears once: as the last line of a cell, with
    `display(show(...))`, or through `show(...).savefig(name)` in a script.

    Args:
        images: one image or a list: (H, W, 3) uint8, or (H, W) grey, bool or float.
        titles: None, one text above all, or one text an image.
        columns: images a row; None chooses up to 4.
        height: of a row, inches at 100 dots each; narrowed when a row gets wider than 12.

    Returns:
        matplotlib Figure. Large images are drawn from smaller copies, so it stays light.

    Raises:
        ValueError: there is no image, or not as many titles as images.
    """
    import matplotlib.pyplot as plt

    images = [np.asarray(images)] if isinstance(images, np.ndarray) else list(images)
    require(len(images) > 0, "images must hold at least one image, got none")
    each = [titles] if isinstance(titles, str) and len(images) == 1 else titles
    each = [""] * len(images) if each is None or isinstance(each, str) else list(each)
    require(len(each) == len(images), f"{len(images)} images need as many titles, got {len(each)}")
    columns = min(columns or 4, len(images))
    rows = -(-len(images) // columns)
    ratio = max(image.shape[1] / image.shape[0] for image in images)
    width = min(12.0, columns * height * ratio)
    height = min(height, width / columns / ratio) + (0.35 if any(each) else 0)
    size = (max(width, 1.5), max(rows * height + (0.4 if isinstance(titles, str) else 0), 1.0))
    figure, axes = plt.subplots(
        rows, columns, figsize=size, dpi=100, squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, image, title in zip(axes.flat, images, each, strict=False):
        shrink = max(1.0, image.shape[1] / (200 * width / columns))
        if shrink > 1:  # 200 dots an inch are plenty; matplotlib would hold 16 bytes a pixel
            new = (round(image.shape[1] / shrink), max(1, round(image.shape[0] / shrink)))
            image = image.astype(np.uint8) if image.dtype == bool else image
            image = cv2.resize(image, new, interpolation=cv2.INTER_AREA)
        axis.imshow(image, cmap="gray")
        axis.set_title(title, fontsize=10, wrap=True)
    if isinstance(titles, str) and len(images) > 1:
        figure.suptitle(titles)
    plt.close(figure)
    return figure


class Sheet:
    """A drawing of at most 900 x 750 pixels, in units of its own; y points down.

    Made of pixels at once, in a few milliseconds, since sliders redraw it at every step.

    Args:
        left, top, right, bottom: what it spans.
        picture: None, or an image (H, W, 3) uint8 that spans 0..W and 0..H, within the sheet.

    Attributes:
        pixels: (h, w, 3) uint8 RGB, what has been drawn so far.
    """

    def __init__(self, left, top, right, bottom, picture=None):
        self._origin, self._scale = (left, top), min(900 / (right - left), 750 / (bottom - top))
        width, height = self._place([right, bottom]).round().astype(int)
        self.pixels = np.full((height, width, 3), 255 if picture is None else 237, np.uint8)
        if picture is not None:
            (x1, y1), (x2, y2) = self._place([(0, 0), picture.shape[1::-1]]).round().astype(int)
            self.pixels[y1:y2, x1:x2] = cv2.resize(picture, (x2 - x1, y2 - y1))

    def _place(self, points):
        """Points (..., 2) of the drawing in pixels."""
        return (np.asarray(points, float) - self._origin) * self._scale

    def _lines(self, paths, color, width, closed=False):
        """Draw paths (N, P, 2), in pixels; the middle of the first pixel is at 0.5."""
        paths = np.rint(16 * paths - 8).astype(np.int32)  # sixteenths of a pixel
        cv2.polylines(self.pixels, list(paths), closed, color, width, cv2.LINE_AA, 4)

    def frame(self, boxes, color, width=3, dashed=False):
        """Outline a box x1 y1 x2 y2, or (N, 4) of them; on white, so that they show."""
        paths = self._place(np.reshape(boxes, (-1, 4))[:, [[0, 1], [2, 1], [2, 3], [0, 3]]])
        self._lines(paths, PAPER, width + 3, True)
        sides = np.linspace(paths, np.roll(paths, -1, axis=1), 10, axis=2)  # five dashes each
        self._lines(sides.reshape(-1, 2, 2) if dashed else paths, color, width, not dashed)

    def dots(self, x, y, color, size=8, edge=PAPER):
        """Draw a point, `size` pixels wide, at each (x, y)."""
        for place in self._place(np.stack([np.ravel(x), np.ravel(y)], 1)):
            at = np.rint(16 * (place - 0.5)).astype(int).tolist()
            for tone, radius in ((edge, size / 2 + 1), (color, size / 2)):
                cv2.circle(self.pixels, at, round(16 * radius), tone, -1, cv2.LINE_AA, 4)

    def note(self, x, y, text, color=INK, size=19, place=0.5, ground=0.85):
        """Write, (x, y) being the text's middle, or its top (place 0) or bottom (1).

        `ground` says how white the paper gets behind it. The text stays on the sheet.
        """
        ink = _ink(text, size)[: len(self.pixels), : self.pixels.shape[1]]
        height, width = ink.shape[:2]
        corner = self._place((x, y)).round() - (width // 2, round(place * height))
        left, top = np.clip(corner, 0, np.subtract(self.pixels.shape[1::-1], (width, height)))
        spot = self.pixels[int(top) : int(top) + height, int(left) : int(left) + width]
        paper = spot + ground * (255.0 - spot)
        spot[:] = paper + ink[..., None] / 255 * (color - paper)

    def table(self, values, place, color, form, size, at=(0.5, 0.5)):
        """Draw numbers (H, W) as a grid in the box `place`, each `at` (x, y) of its cell."""
        (rows, columns), (left, top, right, bottom) = values.shape, place
        x, y = np.linspace(left, right, columns + 1), np.linspace(top, bottom, rows + 1)
        paths = [[(edge, top), (edge, bottom)] for edge in x]
        paths += [[(left, edge), (right, edge)] for edge in y]
        self._lines(self._place(paths), (204, 204, 204), 2)
        x, y = x[:-1] + at[0] * np.diff(x), y[:-1] + at[1] * np.diff(y)
        for i, j in np.ndindex(rows, columns):
            self.note(x[j], y[i], form(values[i, j]), color, size, ground=0)
