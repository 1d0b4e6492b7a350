"""The street world: pictures, clips and exact truth from a seed.

All choices come from one `numpy.random.Generator`, so a seed gives the same bytes anywhere:
`build_world` chooses a street and its objects, `painting` shows them. Units as there.
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from helpers.streets import scenery
from helpers.streets.painting import (
    SHIFT,
    Camera,
    Mood,
    SceneObject,
    World,
    fill,
    fixed_object,
    render,
)
from helpers.streets.scenery import LANE, MOODS
from helpers.streets.sprites import SPRITES, STEEL, box, fixed, person, pick
from helpers.structures import Detections, require

# fmt: off
# Two tables in the same order.
CATEGORIES = {1: "person", 2: "bicycle", 3: "car", 6: "bus", 8: "truck", 10: "traffic light",
              13: "stop sign", 18: "dog"}
SHARES = (.20, .12, .25, .10, .11, .08, .06, .08)  # of the objects placed
# fmt: on
MIN_AREA, MIN_VISIBLE, MIN_INSIDE = 62, 0.27, 0.42  # square rp; shares of the full silhouette
AREA = 256 * 320  # square rp, of every picture


def build_world(rng, aspect, seconds):
    """Choose a street and its objects.

    Args:
        rng: numpy.random.Generator; the order in which it is asked is part of the seed's meaning.
        aspect: width / height of the picture.
        seconds: duration of a clip, 0 for a picture.

    Returns:
        World.
    """
    height, width = np.sqrt(AREA / aspect), np.sqrt(AREA * aspect)
    name = str(rng.choice(list(MOODS), p=[0.34, 0.16, 0.16, 0.14, 0.13, 0.07]))
    mood = MOODS[name]
    tint = rng.uniform(0.96, 1.03, 3) * rng.uniform(0.93, 1.03)
    mood = mood._replace(top=mood.top * tint, low=mood.low * tint)
    is_wet = name in ("night", "overcast", "fog") and rng.random() < 0.45
    snow = is_wet and rng.random() < 0.45
    num_drops = int(rng.integers(60, 160))  # asked for in any weather
    drops = rng.random((num_drops if is_wet else 0, 3))

    horizon = rng.uniform(0.34, 0.5) * height
    kerb = rng.uniform(0.8, 0.96) * height
    unit = 14 * 3.2 ** rng.random()  # rp per metre at the near kerb
    near = rng.uniform(9, 13)  # metres to the near kerb
    lanes = int(rng.integers(2, 5))
    camera = Camera(height, width, horizon, unit * near, (kerb - horizon) / unit)
    is_plain = not seconds and rng.random() < 0.05
    if is_plain:
        mood = Mood(*rng.uniform(30, 240, (2, 3)))
        far = scenery.abstract(rng, camera)
        ground = ()
        objects = []
    else:
        far_kerb = near + lanes * LANE
        edges = near, far_kerb, far_kerb + rng.uniform(3, 6)
        far = scenery.sky(rng, camera, mood, name)
        far += scenery.town(rng, camera, mood.lit, edges[2])
        objects = scenery.roadside(rng, camera, edges)
        ground = scenery.street(rng, camera, edges, lanes, snow)
    objects += place_objects(rng, camera, near, lanes, seconds, is_plain)
    blur = rng.uniform(0.3, 0.7) if rng.random() < 0.12 else 0
    grade = rng.uniform(0.88, 1.12), rng.uniform(0, 0.22), blur
    objects.sort(key=lambda obj: -obj.z)
    return World(camera, mood, far, ground, objects, drops, snow, grade)


class Spot(NamedTuple):
    """Where an object may be and how it goes."""

    z: float
    y: float
    speed: float  # metres per second, without direction
    scale: float
    mirror: int
    lane: int | None


def choose_spot(rng, camera, category, near, pace):
    """A spot where an object of this category belongs; `pace` has the speed of each lane."""
    mirror = pick(rng, [-1, 1])
    far_kerb = near + len(pace) * LANE
    lowest = camera.focal * camera.eye / (1.08 * camera.height - camera.horizon)  # z at the bottom
    pavement = rng.uniform(max(lowest, near - 4), near - 0.5)
    if category in (3, 6, 8):
        lane = int(rng.integers(len(pace)))
        z = near + (lane + 0.5) * LANE
        return Spot(z, 0, abs(pace[lane]), 1, int(np.sign(pace[lane])), lane)
    if category == 2:
        z = pick(rng, [near + 0.5, far_kerb - 0.5, pavement])
        return Spot(z, 0, rng.uniform(2.5, 4.5), 1, mirror, None)
    if category in (1, 18):
        on_the_road = rng.uniform(near, far_kerb)
        z = pick(rng, [pavement] * 6 + [on_the_road, far_kerb + 1.5])
        speed = rng.uniform(0.8, 1.6)
        scale = rng.uniform(0.9, 1.1)
        scale *= pick(rng, [1, 1, 1, 1, 0.7] if category == 1 else [1, 1.3])
        return Spot(z, 0, speed, scale, mirror, None)
    before_the_kerb = max(near - rng.uniform(0.4, 2.5), lowest)
    z = pick(rng, [before_the_kerb] * 4 + [far_kerb + 0.5])
    return Spot(z, rng.uniform(1.7, 2.9), 0, rng.uniform(0.9, 1.5), 1, None)


def place_objects(rng, camera, near, lanes, seconds, is_plain):
    """Place objects on lanes and pavements, some (not in clips) anywhere in the picture."""
    count = _choose_count(rng, seconds)
    directions = np.where(np.arange(lanes) < lanes / 2, 1, -1)
    pace = rng.uniform(3.5, 8, lanes) * directions
    pace *= pick(rng, [-1, 1])
    objects = []
    taken = []  # (lane, x, width) of vehicles
    for number in range(1, count + 1):
        category = int(rng.choice(list(SPRITES), p=SHARES))
        moves = bool(seconds) or rng.random() < 0.6
        z, y, speed, scale, mirror, lane = choose_spot(rng, camera, category, near, pace)
        if lane is not None and not seconds:
            z += rng.uniform(-0.5, 0.5)
        speed = speed * mirror if moves else 0
        pose = SPRITES[category](rng, abs(speed))
        if not seconds:
            pose = fixed(pose(0))
        points = np.concatenate([part.points for part in pose(0)])
        wide, high = np.ptp(points.real), points.imag.max()
        x = camera.anywhere(rng, z, 0.03) - speed * rng.uniform(0, seconds)
        tilt = np.radians(np.clip(rng.normal(), -3, 3))
        obj = SceneObject(pose, x, z, y, category, number, speed, scale, mirror, tilt)
        if is_plain or (not seconds and rng.random() < 0.1):
            obj = _float(rng, camera, obj, wide, high)
        elif lane is not None:
            if _is_taken(taken, lane, x, wide):
                continue
            taken.append((lane, x, wide))
        elif y:
            pole = box(-0.07, 0, 0.07, y + high * scale, STEEL)
            objects.append(fixed_object([pole], x, z + 0.02, number=number))
        objects.append(obj)
        if category == 2 and obj.grounded and moves and rng.random() < 0.8:
            rider = person(rng, abs(speed), riding=True)
            objects.append(obj._replace(pose=rider, z=z - 0.01, category=1, number=number + count))
    return objects


def _choose_count(rng, seconds):
    """How many objects to place."""
    count = 0
    if rng.random() > 0.02:
        count = 1 + min(int(rng.gamma(2.6, 2.1)), 11)
    if seconds:
        count = int(rng.integers(7, 13)) + int(seconds)
    return count


def _is_taken(taken, lane, x, wide):
    """Whether a vehicle at x would touch another one of its lane."""
    for other_lane, other_x, other_wide in taken:
        if other_lane == lane and abs(x - other_x) < (wide + other_wide) / 2 + 0.8:
            return True
    return False


def _float(rng, camera, obj, wide, high):
    """The object anywhere in the picture, of any size, a little tilted."""
    row = camera.horizon - rng.uniform(0.05, 1) * camera.height
    size = 14 * 9 ** rng.random() * obj.z / camera.focal  # 14 to 126 rp, in metres
    return obj._replace(
        y=camera.eye + row * obj.z / camera.focal,
        scale=size / np.sqrt(wide * high),
        tilt=np.radians(rng.uniform(-15, 15)),
        grounded=False,
    )


def settle(world):
    """The world without objects too small or too hidden to count, so none goes unlabelled."""
    camera = world.camera
    height, width = round(2 * camera.height), round(2 * camera.width)
    ids = np.zeros((height, width), np.uint8)
    seen = []  # object, its window on the canvas, pixels of its full silhouette, those inside
    for number, obj in enumerate(world.objects, 1):
        silhouette, x0, y0 = _silhouette(camera, obj)
        y1, x1 = y0 + silhouette.shape[0], x0 + silhouette.shape[1]
        window = slice(max(0, y0), max(0, y1)), slice(max(0, x0), max(0, x1))
        inside = silhouette[max(0, -y0) : max(0, height - y0), max(0, -x0) : max(0, width - x0)]
        np.copyto(ids[window], number if obj.category else 0, where=inside.view(bool))
        seen.append((obj, window, np.count_nonzero(silhouette), np.count_nonzero(inside)))
    kept = {0}
    for number, (obj, window, full, inside) in enumerate(seen, 1):
        visible = np.count_nonzero(ids[window] == number) if obj.category else 0
        is_visible = visible >= max(4 * MIN_AREA, MIN_VISIBLE * full)
        if is_visible and inside >= MIN_INSIDE * full:
            kept.add(obj.number)
    objects = [obj for obj in world.objects if obj.number in kept]  # a pole goes with its sign
    return world._replace(objects=objects)


def _silhouette(camera, obj):
    """The pixels of an object alone, (h, w) uint8, and where on the canvas they begin, x and y."""
    corners, polygons = camera.outlines(obj, obj.pose(0))
    x0, y0 = (corners.min(0) >> SHIFT) - 1
    x1, y1 = (corners.max(0) >> SHIFT) + 2
    corners -= (x0 << SHIFT, y0 << SHIFT)  # the polygons are views and move with them
    silhouette = np.zeros((y1 - y0, x1 - x0), np.uint8)
    for polygon in polygons:
        fill(silhouette, polygon, 1)
    return silhouette, x0, y0


def truth_of(world, owner, min_area=1, tracked=False, categories=CATEGORIES):
    """Detections with tight boxes around the visible pixels of each object."""
    areas = np.bincount(owner.ravel(), minlength=len(world.objects) + 1)
    visible = [
        (number, obj)
        for number, obj in enumerate(world.objects, 1)
        if obj.category and areas[number] >= min_area
    ]
    masks = np.reshape([owner == number for number, _ in visible], (-1, *owner.shape))
    boxes = np.reshape([cv2.boundingRect(mask.view(np.uint8)) for mask in masks], (-1, 4))
    boxes[:, 2:] += boxes[:, :2]
    return Detections(
        boxes=boxes,
        labels=[obj.category for _, obj in visible],
        scores=np.ones(len(visible)),
        image_size=owner.shape,
        categories=categories,
        masks=masks,
        track_ids=[obj.number for _, obj in visible] if tracked else None,
    )


def check_size(size):
    """A size (height, width) as ints, or a ValueError."""
    fits = np.shape(size) == (2,) and all(side == int(side) >= 64 for side in size)
    wanted = "size must be (height, width) in whole pixels, each 64 or more"
    require(fits, f"{wanted}, got {size}")
    return int(size[0]), int(size[1])


def draw_scene(seed: int, size: tuple[int, int] = (256, 320)) -> tuple[np.ndarray, Detections]:
    """Draw a street and the exact truth about it.

    Args:
        seed: not negative; the same seed and size give the same bytes, on any machine.
        size: (height, width), pixels, each at least 64. Twice the size is the same scene, crisper.

    Returns:
        image (H, W, 3) uint8 RGB, and Detections: boxes tight around the visible masks, scores 1.
        About one picture in fifty holds no object. Each object that is drawn is in the truth.

    Raises:
        ValueError: the size or seed is not as above.
    """
    size = check_size(size)
    rng = np.random.default_rng(seed)
    world = settle(build_world(rng, size[1] / size[0], 0))
    image, owner = render(world, size, rng=rng)
    return image, truth_of(world, owner)


def draw_clip(
    seed: int, num_frames: int = 96, fps: float = 24, size: tuple[int, int] = (256, 320)
) -> Iterator[tuple[np.ndarray, Detections]]:
    """Draw a video of a street: traffic rolls, people walk, lights change, the camera sways.

    Args:
        seed, size: as in `draw_scene`.
        num_frames: at least 1.
        fps: frames per second, above 0.

    Returns:
        A generator of (image, Detections with track_ids). An object with fewer than 60 visible
        pixels (of a 256x320 picture) stays drawn, as it comes and goes, but is not in the truth.

    Raises:
        ValueError: an argument is not as above; at the call, not at the first frame.
    """
    size = check_size(size)
    rng = np.random.default_rng(seed)
    given = f"{num_frames}, {fps}"
    require(num_frames >= 1 and fps > 0, f"num_frames and fps must be positive, got {given}")
    world = build_world(rng, size[1] / size[0], num_frames / fps)
    phase = rng.uniform(0, 6)
    min_area = max(1, 60 * size[0] * size[1] / AREA)

    def frame(t):
        pan = 0.6 * np.sin(0.5 * t + phase)
        pitch = 0.5 * np.sin(2.1 * t + phase) + 0.2 * np.sin(5.3 * t)
        image, owner = render(world, size, t, None, pan, pitch)
        return image, truth_of(world, owner, min_area, tracked=True)

    return (frame(k / fps) for k in range(num_frames))
