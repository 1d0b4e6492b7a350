"""A drawing on paper for the explorers: boxes, points, numbers and words."""

import cv2
import numpy as np

from helpers.drawing import INK, PAPER, text_ink

MAX_WIDTH, MAX_HEIGHT = 900, 750  # pixels
GRID = (204, 204, 204)
UNDER_PICTURE = 237  # grey of the paper around a picture
FINE = 16  # OpenCV draws with corners in sixteenths of a pixel,
SHIFT = 4  # which it calls a shift of 4 bits


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
        self._origin = (left, top)
        self._scale = min(MAX_WIDTH / (right - left), MAX_HEIGHT / (bottom - top))
        width, height = self._place([right, bottom]).round().astype(int)
        paper = 255 if picture is None else UNDER_PICTURE
        self.pixels = np.full((height, width, 3), paper, np.uint8)
        if picture is not None:
            picture_corners = [(0, 0), picture.shape[1::-1]]
            (x1, y1), (x2, y2) = self._place(picture_corners).round().astype(int)
            self.pixels[y1:y2, x1:x2] = cv2.resize(picture, (x2 - x1, y2 - y1))

    def _place(self, points):
        """Points (..., 2) of the drawing in pixels."""
        return (np.asarray(points, float) - self._origin) * self._scale

    def _lines(self, paths, color, width, closed=False):
        """Draw paths (N, P, 2), in pixels; the middle of the first pixel is at 0.5."""
        paths = np.rint(FINE * (paths - 0.5)).astype(np.int32)
        cv2.polylines(self.pixels, list(paths), closed, color, width, cv2.LINE_AA, SHIFT)

    def frame(self, boxes, color, width=3, dashed=False):
        """Outline a box x1 y1 x2 y2, or (N, 4) of them; on white, so that they show."""
        corners = np.reshape(boxes, (-1, 4))[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
        paths = self._place(corners)
        self._lines(paths, PAPER, width + 3, closed=True)
        if dashed:
            sides = np.linspace(paths, np.roll(paths, -1, axis=1), 10, axis=2)
            dashes = sides.reshape(-1, 2, 2)  # five for each side
            self._lines(dashes, color, width)
        else:
            self._lines(paths, color, width, closed=True)

    def fill(self, box, color, strength):
        """Tint a box x1 y1 x2 y2; strength is from 0, nothing, to 1, the colour alone."""
        (x1, y1), (x2, y2) = self._place(np.reshape(box, (2, 2))).round().astype(int).clip(0)
        window = self.pixels[y1:y2, x1:x2]
        window[:] = np.rint(window + strength * np.subtract(color, window.astype(float)))

    def dots(self, x, y, color, size=8, edge=PAPER):
        """Draw a point, `size` pixels wide, at each (x, y)."""
        points = np.stack([np.ravel(x), np.ravel(y)], axis=1)
        for place in self._place(points):
            middle = np.rint(FINE * (place - 0.5)).astype(int).tolist()
            for tone, radius in ((edge, size / 2 + 1), (color, size / 2)):
                radius = round(FINE * radius)
                cv2.circle(self.pixels, middle, radius, tone, cv2.FILLED, cv2.LINE_AA, SHIFT)

    def note(self, x, y, text, color=INK, size=19, anchor=0.5, ground=0.85):
        """Write, (x, y) being the text's middle, or its top (anchor 0) or bottom (1).

        `ground` says how white the paper gets behind it. The text stays on the sheet.
        """
        ink = text_ink(text, size)[: len(self.pixels), : self.pixels.shape[1]]
        height, width = ink.shape[:2]
        corner = self._place((x, y)).round() - (width // 2, round(anchor * height))
        room = np.subtract(self.pixels.shape[1::-1], (width, height))
        left, top = np.clip(corner, 0, room).astype(int)
        window = self.pixels[top : top + height, left : left + width]
        paper = window + ground * (255.0 - window)
        window[:] = paper + ink[..., None] / 255 * (color - paper)

    def grid(self, x, y, color, width, box=None):
        """Draw lines at each x and each y, across a box x1 y1 x2 y2, or the whole sheet."""
        if box is None:
            far = np.divide(self.pixels.shape[1::-1], self._scale) + self._origin
            box = (*self._origin, *far)
        left, top, right, bottom = box
        lines = [[(edge, top), (edge, bottom)] for edge in x]
        lines += [[(left, edge), (right, edge)] for edge in y]
        self._lines(self._place(lines), color, width)

    def table(self, values, box, color, form, size, at=(0.5, 0.5)):
        """Draw numbers (H, W) as a grid in a box x1 y1 x2 y2.

        Args:
            form: what makes a text of a number.
            size: of the letters, pixels.
            at: where in its cell a number stands, (x, y) from 0 to 1.
        """
        rows, columns = values.shape
        left, top, right, bottom = box
        x = np.linspace(left, right, columns + 1)
        y = np.linspace(top, bottom, rows + 1)
        self.grid(x, y, GRID, 2, box)
        self.numbers(values, box, color, form, size, at)

    def numbers(self, values, box, color, form, size, at=(0.5, 0.5), ground=0):
        """Draw what stands in a `table`, without its lines.

        Args:
            ground: how much of the picture behind a number is covered, from 0 to 1.
        """
        rows, columns = values.shape
        left, top, right, bottom = box
        x = left + (np.arange(columns) + at[0]) * (right - left) / columns
        y = top + (np.arange(rows) + at[1]) * (bottom - top) / rows
        for i, j in np.ndindex(rows, columns):
            self.note(x[j], y[i], form(values[i, j]), color, size, ground=ground)
