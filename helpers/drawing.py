"""Detections to pixels: colours, overlays, figures."""

import functools
import math
import sys
import warnings

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from helpers.structures import percent, require

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
NO_SCREEN = "there is no screen to show a figure on: save_image(path, image) writes a file"
INK = (20, 20, 24)
PAPER = (255, 255, 255)


def color_of(key: int) -> tuple[int, int, int]:
    """The colour (r, g, b) of object number `key`: the same number, the same colour, always."""
    return PALETTE[int(key) % len(PALETTE)]


class LabelMemory:
    """Where the label of each track stood in the frame before, so that it need not jump.

    `draw_detections` reads it and brings it up to date; hand it the same one for all frames of a
    video.
    """

    def __init__(self):
        self.choices = {}  # {track id: which of the places around the box, see `_places_around`}


def draw_detections(
    image,
    detections,
    *,
    labels=True,
    masks=True,
    boxes=True,
    alpha=0.45,
    by_class=False,
    label_memory=None,
):
    """Draw the objects on a copy of their picture.

    Each object has one colour: by its track id where there is one, else by its rank. A mask is a
    tint with a dark edge inside and a light one outside: its outline shows on any ground, and in
    grey print. Small objects lie on top of large ones. Lines and letters grow with the picture.

    Args:
        image: (H, W, 3) uint8 RGB; may be read-only or a view.
        detections: the objects of this picture; masks may be None, N may be 0.
        labels: write class and score (which a true object, of score 1, has not); not where that
            would be larger than its object and hide another.
        masks: tint the masks.
        boxes: draw the boxes.
        alpha: strength of the tint, 0 to 1.
        by_class: objects without a track id are coloured by class, so that a video does not
            flicker.
        label_memory: None, or a `LabelMemory` that goes along from frame to frame: the label of a
            track then stays where it was while that is no worse than a little.

    Returns:
        (H, W, 3) uint8, a new array.

    Raises:
        ValueError: the image is not RGB uint8 or of another size than the detections.
    """
    image = np.asarray(image)
    height, width = detections.image_size
    shape = (height, width, 3)
    require(image.dtype == np.uint8, f"image must be uint8, 0 to 255, got {image.dtype}")
    require(image.shape == shape, f"image must be {shape} like the detections, got {image.shape}")
    require(0 <= alpha <= 1, f"alpha must lie between 0 and 1, got {alpha}")
    canvas = np.array(image, order="C")
    side = np.sqrt(height * width)  # 1440 for full HD
    line = max(1, round(side / 600))
    colors = _colors(detections, by_class)
    corners = np.rint(detections.boxes).astype(int)
    left_top, right_bottom = corners[:, :2], corners[:, 2:]
    areas = (right_bottom - left_top).prod(axis=1)
    for i in np.argsort(-areas, kind="stable"):
        if masks and detections.masks is not None:
            _tint(canvas, detections.masks[i], colors[i], alpha, line)
        if boxes:
            last_inside = right_bottom[i] - 1
            cv2.rectangle(canvas, left_top[i].tolist(), last_inside.tolist(), colors[i], line)
    if labels:
        size = max(11, round(side / 50))
        texts = _texts(detections)
        chips = [_chip(text, color, size) for text, color in zip(texts, colors, strict=True)]
        places = _places(chips, corners, shape, detections.track_ids, label_memory)
        for chip, place in zip(chips, places, strict=True):
            if place is None:
                continue
            x, y = place
            if chip.shape[0] <= height and chip.shape[1] <= width:
                canvas[y : y + chip.shape[0], x : x + chip.shape[1]] = chip
    return canvas


def _colors(detections, by_class):
    """The colour of each object: by track id, else by class or by rank."""
    if detections.track_ids is not None:
        keys = detections.track_ids
    elif by_class:
        keys = np.searchsorted(sorted(detections.categories), detections.labels)
    else:
        keys = range(len(detections))
    return [color_of(key) for key in keys]


def _tint(canvas, mask, color, alpha, line):
    """Blend a mask (H, W) bool and its edges into the canvas, in place."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return
    top, bottom = max(0, rows[0] - line), rows[-1] + line + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    left, right = max(0, columns[0] - line), columns[-1] + line + 1
    mask = np.ascontiguousarray(mask[top:bottom, left:right]).view(np.uint8)
    window = canvas[top:bottom, left:right]  # a view: what is copied into it is on the canvas
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * line + 1, 2 * line + 1))
    inside = cv2.erode(mask, disk, borderType=cv2.BORDER_CONSTANT, borderValue=1)
    outside = cv2.dilate(mask, disk) - mask
    dark = [channel // 3 for channel in color]
    tinted = cv2.addWeighted(window, 1 - alpha, _filled(window, color), alpha, 0)
    cv2.copyTo(tinted, mask, window)
    cv2.copyTo(_filled(window, PAPER), outside, window)
    cv2.copyTo(_filled(window, dark), mask - inside, window)


def _filled(window, color):
    """A picture of the size of another one, all of one colour."""
    height, width = window.shape[:2]
    return cv2.rectangle(np.empty_like(window), (0, 0), (width, height), color, cv2.FILLED)


def _texts(detections):
    """What the chip of each object says: "car · 98 %", with its track id "car #7 · 98 %"."""
    texts = []
    for i, name in enumerate(detections.names):
        text = name
        if detections.track_ids is not None:
            text += f" #{detections.track_ids[i]}"
        score = detections.scores[i]
        if score != 1:
            text += f" · {percent(score)}"
        texts.append(text.replace("\N{NO-BREAK SPACE}", " "))  # the font has no sign for it
    return texts


@functools.lru_cache(maxsize=2048)
def _chip(text, color, size):
    """A text on its colour, dark or light by contrast: (h, w, 3) uint8, about 1.3 `size` high."""
    tone = max(INK, PAPER, key=lambda tone: contrast(color, tone))
    return np.linspace(color, tone, 256).astype(np.uint8)[text_ink(text, size)]


@functools.lru_cache(maxsize=2048)
def text_ink(text, size):
    """How much ink a text leaves in letters of `size` pixels: (h, w) uint8, 0 to 255."""
    font = ImageFont.load_default(size)
    margin = max(2, size // 4)
    paper = (round(font.getlength(text)) + 2 * margin, sum(font.getmetrics()))
    image = Image.new("L", paper)
    ImageDraw.Draw(image).text((margin, 0), text, fill=255, font=font)
    return np.asarray(image)


def _places(chips, corners, shape, track_ids=None, memory=None):
    """Where each chip goes, (x, y): at its box, inside the picture, clear of chips and objects.

    It is None for a chip that is larger than its object and would hide a part of another.

    Args:
        chips: one for each object, (h, w, 3).
        corners: (N, 4) int, the boxes.
        shape: (height, width, ...) of the picture.
        track_ids: (N,) int or None.
        memory: a `LabelMemory`, or None.
    """
    num = len(chips)
    choices = {} if memory is None or track_ids is None else memory.choices
    keys = list(range(num)) if track_ids is None else track_ids.tolist()
    taken = np.vstack([corners, np.zeros((num, 4), int)])  # by objects, then by chips placed
    price = np.repeat([1, 9], num)  # of a pixel of an object, and of another chip
    is_shown = [True] * num
    for i in np.argsort(keys):  # the same order in each frame
        height, width = chips[i].shape[:2]
        places = _places_around(corners[i], height, width)
        room = (shape[1] - width, shape[0] - height)
        places = np.clip(places, 0, np.maximum(room, 0))
        chip_corners = np.hstack([places, places + (width, height)])
        low = np.maximum(chip_corners[:, None, :2], taken[:, :2])
        high = np.minimum(chip_corners[:, None, 2:], taken[:, 2:])
        cost = np.maximum(high - low, 0).prod(axis=2) @ price
        if keys[i] in choices:
            cost[choices[keys[i]]] -= 0.4 * width * height
        choice = np.argmin(cost)
        box_area = (corners[i, 2:] - corners[i, :2]).prod()
        if cost[choice] > 0 and width * height > box_area:
            is_shown[i] = False
            choices.pop(keys[i], None)
            continue
        choices[keys[i]] = choice
        taken[num + i] = chip_corners[choice]
    places = taken[num:, :2].tolist()
    return [place if shown else None for place, shown in zip(places, is_shown, strict=True)]


def _places_around(box, height, width):
    """The places (x, y) at a box where a chip of this size may go, the best first."""
    x1, y1, x2, y2 = box
    return [
        (x1, y1 - height),
        (x2 - width, y1 - height),
        (x1, y2),
        (x2 - width, y2),
        (x1, y1),
        (x1, y1 - 2 * height),
        (x2, y1),
        (x1 - width, y1),
        (x1, y1 - 3 * height),
    ]


def contrast(one, other):
    """The contrast of two colours, 1 to 21 (WCAG 2.1, "contrast ratio")."""
    lights = sorted([_luminance(one), _luminance(other)])
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(color):
    """The relative luminance of a colour, 0 to 1 (WCAG 2.1)."""
    share = np.asarray(color) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)


def show(images, titles=None, columns=None, height=3.5):
    """Pictures side by side in one figure, without axes.

    In a notebook it appears as the last line of a cell, or with `display(show(...))`. In a script
    it opens a window, and waits until that is closed; where there is no screen, a warning says so.
    `save_image` is for files.

    Args:
        images: one image or a list: (H, W, 3) uint8, or (H, W) grey, bool or float.
        titles: None, one text above all, or a text per image.
        columns: images a row; None chooses up to 4.
        height: of a row, inches at 100 dots each; narrowed when a row gets wider than 12.

    Returns:
        matplotlib Figure. Large images are drawn from smaller copies, so it stays light.

    Raises:
        ValueError: there is no image, or not as many titles as images.
    """
    import matplotlib.pyplot as plt

    images = [np.asarray(images)] if isinstance(images, np.ndarray) else list(images)
    num = len(images)
    require(num > 0, "images must hold at least one image, got none")
    has_one_title = isinstance(titles, str)
    title_above_all = None
    if titles is None:
        titles = [""] * num
    elif has_one_title:
        if num > 1:
            title_above_all = titles
        titles = [titles] if num == 1 else [""] * num
    else:
        titles = list(titles)
    require(len(titles) == num, f"{num} images need as many titles, got {len(titles)}")

    columns = min(columns or 4, num)
    rows = math.ceil(num / columns)
    ratio = max(image.shape[1] / image.shape[0] for image in images)
    width = min(12.0, columns * height * ratio)
    row_height = min(height, width / columns / ratio)
    if any(titles):
        row_height += 0.35
    figure_height = rows * row_height
    if has_one_title:
        figure_height += 0.4
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(max(width, 1.5), max(figure_height, 1.0)),
        dpi=100,
        squeeze=False,
        layout="constrained",
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        axis.imshow(_for_figure(image, max_width=200 * width / columns), cmap="gray")
        axis.set_title(title, fontsize=10, wrap=True)
    if title_above_all is not None:
        figure.suptitle(title_above_all)
    if _is_in_notebook():
        plt.close(figure)  # else it would appear twice
    else:
        _open_window(figure)
    return figure


def _is_in_notebook():
    """Whether IPython runs this, which shows a figure by itself."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def _open_window(figure):
    """Show a figure on the screen until a user closes it."""
    import matplotlib.pyplot as plt

    if figure.canvas.required_interactive_framework is None:
        plt.close(figure)
        warnings.warn(NO_SCREEN, stacklevel=3)
    else:
        plt.show()


def _for_figure(image, max_width):
    """An image, or a smaller copy: 200 dots an inch are plenty, and Matplotlib would hold 16
    bytes a pixel."""
    shrink = image.shape[1] / max_width
    if shrink <= 1:
        return image
    size = (round(image.shape[1] / shrink), max(1, round(image.shape[0] / shrink)))
    if image.dtype == bool:
        image = image.astype(np.uint8)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
