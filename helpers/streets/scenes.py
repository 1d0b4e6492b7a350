"""The street world: pictures, clips and exact truth from a seed.

All choices come from one `numpy.random.Generator`, so a seed gives the same bytes anywhere:
`build_world` chooses a street and its objects, `painting` shows them. Units as there.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from helpers.streets import scenery
from helpers.streets.painting import SHIFT, Camera, Mood, Thing, World, fill, render, still
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
    """Choose a street and its objects; `seconds` is 0 for a picture, the duration of a clip."""
    height, width = np.sqrt(AREA / aspect), np.sqrt(AREA * aspect)
    name = str(rng.choice(list(MOODS), p=[0.34, 0.16, 0.16, 0.14, 0.13, 0.07]))
    mood, tint = MOODS[name], rng.uniform(0.96, 1.03, 3) * rng.uniform(0.93, 1.03)
    mood = mood._replace(top=mood.top * tint, low=mood.low * tint)
    wet = name in ("night", "overcast", "fog") and rng.random() < 0.45
    snow, drops = wet and rng.random() < 0.45, rng.random((int(rng.integers(60, 160)) * wet, 3))
    horizon, kerb = rng.uniform(0.34, 0.5) * height, rng.uniform(0.8, 0.96) * height
    unit, near = 14 * 3.2 ** rng.random(), rng.uniform(9, 13)  # rp per metre at the near kerb
    lanes = int(rng.integers(2, 5))
    camera = Camera(height, width, horizon, unit * near, (kerb - horizon) / unit)
    plain = not seconds and rng.random() < 0.05
    if plain:
        mood = Mood(*rng.uniform(30, 240, (2, 3)))
        far, ground, things = scenery.abstract(rng, camera), (), []
    else:
        edges = near, near + lanes * LANE, near + lanes * LANE + rng.uniform(3, 6)
        far = scenery.sky(rng, camera, mood, name)
        far += scenery.town(rng, camera, mood.lit, edges[2])
        things = scenery.roadside(rng, camera, edges)
        ground = scenery.street(rng, camera, edges, lanes, snow)
    things += objects(rng, camera, near, lanes, seconds, plain)
    blur = rng.uniform(0.3, 0.7) if rng.random() < 0.12 else 0
    grade = rng.uniform(0.88, 1.12), rng.uniform(0, 0.22), blur
    things.sort(key=lambda thing: -thing.z)
    return World(camera, mood, far, ground, things, drops, snow, grade)


def spot(rng, camera, category, near, pace):
    """Where an object may be and how it goes: z, y, speed, scale, mirror, and its lane or None."""
    mirror, kerb = pick(rng, [-1, 1]), near + len(pace) * LANE
    foot = camera.focal * camera.eye / (1.08 * camera.height - camera.horizon)
    pavement = rng.uniform(max(foot, near - 4), near - 0.5)
    if category in (3, 6, 8):
        lane = int(rng.integers(len(pace)))
        return near + (lane + 0.5) * LANE, 0, abs(pace[lane]), 1, int(np.sign(pace[lane])), lane
    if category == 2:
        z = pick(rng, [near + 0.5, kerb - 0.5, pavement])
        return z, 0, rng.uniform(2.5, 4.5), 1, mirror, None
    if category in (1, 18):
        z = pick(rng, [pavement] * 6 + [rng.uniform(near, kerb), kerb + 1.5])
        speed, scale = rng.uniform(0.8, 1.6), rng.uniform(0.9, 1.1)
        scale *= pick(rng, [1, 1, 1, 1, 0.7] if category == 1 else [1, 1.3])
        return z, 0, speed, scale, mirror, None
    z = pick(rng, [max(near - rng.uniform(0.4, 2.5), foot)] * 4 + [kerb + 0.5])
    return z, rng.uniform(1.7, 2.9), 0, rng.uniform(0.9, 1.5), 1, None


def objects(rng, camera, near, lanes, seconds, plain):
    """Place objects on lanes and pavements, some (not in clips) anywhere in the picture."""
    count = 1 + min(int(rng.gamma(2.6, 2.1)), 11) if rng.random() > 0.02 else 0
    count = int(rng.integers(7, 13)) + int(seconds) if seconds else count
    pace = rng.uniform(3.5, 8, lanes) * np.where(np.arange(lanes) < lanes / 2, 1, -1)
    pace *= pick(rng, [-1, 1])
    things, taken = [], []  # taken: (lane, x, width) of vehicles
    for number in range(1, count + 1):
        category = int(rng.choice(list(SPRITES), p=SHARES))
        moves = bool(seconds) or rng.random() < 0.6
        z, y, speed, scale, mirror, lane = spot(rng, camera, category, near, pace)
        z += rng.uniform(-0.5, 0.5) if lane is not None and not seconds else 0
        speed *= mirror * moves
        pose = SPRITES[category](rng, abs(speed))
        pose = pose if seconds else fixed(pose(0))
        points = np.concatenate([part.points for part in pose(0)])
        wide, high = np.ptp(points.real), points.imag.max()
        x = camera.anywhere(rng, z, 0.03) - speed * rng.uniform(0, seconds)
        tilt = np.radians(np.clip(rng.normal(), -3, 3))
        thing = Thing(pose, x, z, y, category, number, speed, scale, mirror, tilt)
        if plain or (not seconds and rng.random() < 0.1):
            up = camera.horizon - rng.uniform(0.05, 1) * camera.height
            size = 14 * 9 ** rng.random() * z / camera.focal  # 14 to 126 rp, in metres
            scale, tilt = size / np.sqrt(wide * high), np.radians(rng.uniform(-15, 15))
            y = camera.eye + up * z / camera.focal
            thing = thing._replace(y=y, scale=scale, tilt=tilt, grounded=False)
        elif lane is not None:
            if any(k == lane and abs(x - at) < (wide + w) / 2 + 0.8 for k, at, w in taken):
                continue
            taken.append((lane, x, wide))
        elif y:
            pole = box(-0.07, 0, 0.07, y + high * scale, STEEL)
            things.append(still([pole], x, z + 0.02, number=number))
        things.append(thing)
        if category == 2 and thing.grounded and moves and rng.random() < 0.8:
            pose, number = person(rng, abs(speed), riding=True), number + count
            things.append(thing._replace(pose=pose, z=z - 0.01, category=1, number=number))
    return things


def settle(world):
    """The world without objects too small or too hidden to count, so none goes unlabelled."""
    camera, seen = world.camera, []
    height, width = round(2 * camera.height), round(2 * camera.width)
    ids = np.zeros((height, width), np.uint8)
    for k, thing in enumerate(world.things, 1):
        corners, polygons = camera.outlines(thing, thing.pose(0))
        x0, y0 = (corners.min(0) >> SHIFT) - 1
        x1, y1 = (corners.max(0) >> SHIFT) + 2
        corners -= (x0 << SHIFT, y0 << SHIFT)  # its polygons move with it
        alone = np.zeros((y1 - y0, x1 - x0), np.uint8)
        for polygon in polygons:
            fill(alone, polygon, 1)
        window = slice(max(0, y0), max(0, y1)), slice(max(0, x0), max(0, x1))
        inside = alone[max(0, -y0) : max(0, height - y0), max(0, -x0) : max(0, width - x0)]
        np.copyto(ids[window], k if thing.category else 0, where=inside.view(bool))
        seen.append((thing, window, np.count_nonzero(alone), np.count_nonzero(inside)))
    kept = {0}
    for k, (thing, window, full, inside) in enumerate(seen, 1):
        visible = np.count_nonzero(ids[window] == k) if thing.category else 0
        if visible >= max(4 * MIN_AREA, MIN_VISIBLE * full) and inside >= MIN_INSIDE * full:
            kept.add(thing.number)
    things = [thing for thing in world.things if thing.number in kept]  # a pole goes with its sign
    return world._replace(things=things)


def truth_of(world, owner, min_area=1, tracked=False, categories=CATEGORIES):
    """Detections with tight boxes around the visible pixels of each object."""
    area = np.bincount(owner.ravel(), minlength=len(world.things) + 1)[1:]
    found = [k for k, thing in enumerate(world.things) if thing.category and area[k] >= min_area]
    masks = np.array([owner == k + 1 for k in found]).reshape(-1, *owner.shape)
    boxes = np.array([cv2.boundingRect(mask.view(np.uint8)) for mask in masks]).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    labels = [world.things[k].category for k in found]
    numbers = [world.things[k].number for k in found] if tracked else None
    scores = np.ones(len(found))
    return Detections(boxes, labels, scores, owner.shape, categories, masks, numbers)


def checked(size):
    """(height, width) as ints, or a ValueError."""
    require(
        np.shape(size) == (2,) and all(side == int(side) >= 64 for side in size),
        f"size must be (height, width) in whole pixels, each 64 or more, got {size}",
    )
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
    size, rng = checked(size), np.random.default_rng(seed)
    world = settle(build_world(rng, size[1] / size[0], 0))
    image, owner = render(world, size, rng=rng)
    return image, truth_of(world, owner)


def draw_clip(
    seed: int, num_frames: int = 96, fps: float = 24, size: tuple[int, int] = (256, 320)
) -> Iterator[tuple[np.ndarray, Detections]]:
    """Draw a film of a street: traffic rolls, people walk, lights change, the camera sways.

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
    size, rng = checked(size), np.random.default_rng(seed)
    wrong = f"num_frames and fps must be positive, got {num_frames}, {fps}"
    require(num_frames >= 1 and fps > 0, wrong)
    world = build_world(rng, size[1] / size[0], num_frames / fps)
    phase, min_area = rng.uniform(0, 6), max(1, 60 * size[0] * size[1] / AREA)

    def frame(t):
        pan = 0.6 * np.sin(0.5 * t + phase)
        shake = 0.5 * np.sin(2.1 * t + phase) + 0.2 * np.sin(5.3 * t)
        image, owner = render(world, size, t, None, pan, shake)
        return image, truth_of(world, owner, min_area, tracked=True)

    return (frame(k / fps) for k in range(num_frames))
