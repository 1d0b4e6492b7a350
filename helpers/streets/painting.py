"""From a `World`, all that a seed has chosen, to pixels: a picture and who owns each pixel of it.

Objects are painted far to near at twice the wanted size, and their numbers into an id map with the
same calls: the id map says which object owns a pixel, so the visible masks are exact.

Units: metres (x to the right, y up, z away from the camera), seconds, RGB 0 to 255; reference
pixels (rp) in the picture: it has the area of 256x320 rp, whatever its size in pixels.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from helpers.streets.sprites import CIRCLE, fixed

SHIFT = 4  # corners of polygons are whole numbers of 1/16 pixel


class Mood(NamedTuple):
    """The hour and the weather."""

    top: tuple  # colour of the sky
    low: tuple  # colour of the sky at the horizon, and of the haze
    light: tuple = (1, 1, 1)  # what it does to every colour that does not shine
    sight: float = 420  # metres, to where 63 % is haze
    lit: float = 0.04  # share of the windows
    shadow: float = 0.42  # share of the light it takes


class SceneObject(NamedTuple):
    """An upright drawing that stands, or floats, at (x, y, z)."""

    pose: Callable  # seconds -> parts
    x: float
    z: float
    y: float = 0
    category: int | None = None  # None is scenery
    number: int = 0  # of the object, from 1, the same in every frame
    speed: float = 0  # metres per second, along x
    scale: float = 1
    mirror: int = 1  # -1: faces left
    tilt: float = 0  # radians
    grounded: bool = True  # throws a shadow, fades with distance


def fixed_object(parts, x, z, **fields):
    """An object whose parts never change."""
    return SceneObject(fixed(parts), x, z, **fields)


class Camera(NamedTuple):
    """A pinhole `eye` metres above ground, looking along z."""

    height: float  # of the picture, rp
    width: float
    horizon: float  # row, rp
    focal: float  # rp: at z = focal, a metre is 1 rp
    eye: float
    pan: float = 0  # metres
    zoom: float = 2  # canvas pixels per rp

    def anywhere(self, rng, z, margin=0.15):
        """An x at depth z that the camera sees, or nearly."""
        return (rng.uniform(-margin, 1 + margin) - 0.5) * self.width * z / self.focal

    def project(self, points, z):
        """Points x + 1j * y (...) at the depth z to canvas corners (..., 2), int32, 1/16 pixel."""
        seen = (points - complex(self.pan, self.eye)).conj() * (self.focal / z)
        seen += complex(self.width / 2, self.horizon)
        corners = seen.view(float).reshape(*seen.shape, 2) * self.zoom
        return ((corners - 0.5) * (1 << SHIFT)).astype(np.int32)

    def outlines(self, obj, parts, t=0):
        """All corners (P, 2) of an object's parts on the canvas, and views of them, one a part."""
        points = np.concatenate([part.points for part in parts])
        points = points if obj.mirror > 0 else -points.conj()
        points = points * (obj.scale * np.exp(1j * obj.tilt))
        points += obj.x + obj.speed * t + 1j * obj.y
        corners = self.project(points, obj.z)
        polygons = []
        start = 0
        for part in parts:
            polygons.append(corners[start : start + len(part.points)])
            start += len(part.points)
        return corners, polygons


class World(NamedTuple):
    """All choices of one seed; what is left is the time and the size."""

    camera: Camera
    mood: Mood
    far: list  # scenery that never hides an object: sky and skyline, then houses and trees
    ground: tuple  # x (G, 4), z (G, 4) of quads and their colours (G, 3), far to near; or ()
    objects: list  # objects and what may hide them, far to near
    drops: np.ndarray  # (K, 3) of rain or snow, 0 to 1: x, y, nearness
    snow: bool
    grade: tuple  # gamma, vignette, blur in rp


def fill(canvas, polygon, color):
    """Paint a polygon, its corners in 1/16 pixel, into the canvas."""
    cv2.fillPoly(canvas, [polygon], color, shift=SHIFT)


def shaded(mood, colors, z, lit=()):
    """Colours (K, 3) in the hour's light and the haze of the depth z, but for the indices lit."""
    colors = np.array(colors, float)
    haze = 1 - np.exp(-z / mood.sight)
    light = colors * mood.light * (1 - haze) + np.multiply(mood.low, haze)
    for k in lit:
        light[k] = colors[k]
    return light.tolist()


def paint(canvas, world, camera, objects, t, ids=None):
    """Fill the polygons of objects in the picture and, if there is one, in the id map."""
    for number, obj in enumerate(objects, 1):
        parts = obj.pose(t)
        lit = [k for k, part in enumerate(parts) if part.lit]
        z = obj.z if obj.grounded else 0
        colors = shaded(world.mood, [part.color for part in parts], z, lit)
        for polygon, color in zip(camera.outlines(obj, parts, t)[1], colors, strict=True):
            fill(canvas, polygon, color)
            if ids is not None:
                fill(ids, polygon, number if obj.category else 0)


def paint_backdrop(canvas, world, camera, t):
    """The sky and the skyline, the street with its shadows, the houses."""
    height, width = canvas.shape[:2]
    deep = camera.horizon * camera.zoom if world.ground else height
    down = np.clip(np.arange(height) / deep, 0, 1)[:, None, None]
    sky = np.clip((1 - down) * world.mood.top + down * world.mood.low, 0, 255).astype(np.uint8)
    cv2.resize(sky, (width, height), canvas, interpolation=cv2.INTER_NEAREST)
    paint(canvas, world, camera, [obj for obj in world.far if obj.z >= camera.focal], t)
    if world.ground:
        x, z, colors = world.ground
        colors = shaded(world.mood, colors, z[:, :1])
        for quad, color in zip(camera.project(x, z), colors, strict=True):
            fill(canvas, quad, color)
        paint(canvas, world, camera, [obj for obj in world.far if obj.z < camera.focal], t)
        paint_shadows(canvas, world, camera, t)


def paint_shadows(canvas, world, camera, t):
    """Soft shadows under the objects on the ground."""
    height, width = canvas.shape[:2]
    shade = np.full((height // 4, width // 4), 255, np.uint8)
    small = camera._replace(zoom=camera.zoom / 4)
    for obj in world.objects:
        if obj.grounded:
            reach = [abs(part.points[0].real) for part in obj.pose(t)]
            wide = 0.3 if obj.y else max(reach) + 0.1
            x = obj.x + obj.speed * t + obj.scale * wide * CIRCLE.real
            polygon = small.project(x, obj.z + 0.5 * CIRCLE.imag)
            fill(shade, polygon, 255 * (1 - world.mood.shadow))
    shade = cv2.resize(cv2.GaussianBlur(shade, (0, 0), height / 340), (width, height))
    below = slice(int(camera.horizon * camera.zoom), None)
    canvas[below] = darker(canvas[below], shade[below])


def darker(image, share):
    """The image (H, W, 3) times share (H, W), uint8, 255 for all of it."""
    return cv2.multiply(image, cv2.merge([share] * 3), scale=1 / 255)


def precipitate(image, world, t):
    """Rain or snow before the whole picture."""
    height, width = image.shape[:2]
    layer = np.zeros((height, width), np.uint8)
    for x, y, close in world.drops:
        size = (0.4 + close) * height / 256
        y = (y + t * (0.12 if world.snow else 1.5) * (0.5 + close)) % 1
        at = round(16 * width * x), round(16 * height * y)
        if world.snow:
            cv2.circle(layer, at, round(21 * size), 170, -1, cv2.LINE_AA, SHIFT)
        else:
            end = at[0] - round(24 * size), at[1] + round(170 * size)
            cv2.line(layer, at, end, 45, max(1, round(height / 300)), cv2.LINE_AA, SHIFT)
    return cv2.add(image, cv2.merge([layer] * 3))


def finish(image, world, t, rng):
    """Lamps that bloom, rain or snow, vignette, blur, contrast; with an rng, grain."""
    height, width = image.shape[:2]
    gamma, vignette, blur = world.grade
    if world.mood.lit > 0.3:
        small = cv2.resize(image, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
        bloom = cv2.GaussianBlur(cv2.subtract(small, (160, 160, 160, 0)), (0, 0), height / 90)
        image = cv2.add(image, cv2.resize(bloom, (width, height)))
    if len(world.drops):
        image = precipitate(image, world, t)
    y = np.linspace(-1, 1, height // 8)[:, None]
    x = np.linspace(-1, 1, width // 8)
    gain = (255 - 255 * vignette * ((x * x + y * y) / 2) ** 1.5).astype(np.uint8)
    image = darker(image, cv2.resize(gain, (width, height)))
    if blur:
        image = cv2.GaussianBlur(image, (0, 0), blur * height / world.camera.height)
    image = cv2.LUT(image, np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8))
    if rng is not None:
        grain = np.frombuffer(rng.bytes(image.size), np.uint8).reshape(image.shape) >> 5
        image = cv2.subtract(cv2.add(image, grain), (3, 3, 3, 0))
    return image


def render(world, size, t=0, rng=None, pan=0, pitch=0):
    """Paint the world at t seconds into a picture of `size` (height, width).

    The camera is off by `pan` metres to the right and `pitch` rp down; rng gives a photo's grain.
    Returns the picture (H, W, 3) uint8, and (H, W) uint8, at each of its pixels the number in
    `world.objects`, from 1, of the object that owns it, or 0.
    """
    height, width = size
    camera = world.camera._replace(
        pan=pan,
        horizon=world.camera.horizon + pitch,
        zoom=2 * height / world.camera.height,
    )
    canvas = np.empty((2 * height, 2 * width, 3), np.uint8)
    ids = np.zeros(canvas.shape[:2], np.uint8)
    paint_backdrop(canvas, world, camera, t)
    paint(canvas, world, camera, world.objects, t, ids)
    image = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return finish(image, world, t, rng), _vote(ids)


def _vote(ids):
    """Of each 2 x 2 pixels of an id map (2H, 2W) the id that most of them have: (H, W)."""
    a, b = ids[::2, ::2], ids[::2, 1::2]
    c, d = ids[1::2, ::2], ids[1::2, 1::2]
    a_has_company = (a == b) | (a == c) | (a == d)
    return np.where(a_has_company, a, np.where(b == d, b, c))
