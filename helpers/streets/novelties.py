"""Two objects that no model of ours has seen, in the street world: what fine-tuning starts from.

A mug and a star kite, drawn like the sprites, stand in streets or float before them; streets and
their traffic are scenery here. Units as in `sprites` and `painting`.
"""

import numpy as np

from helpers.streets import scenery
from helpers.streets.painting import Mood, SceneObject, render
from helpers.streets.scenes import build_world, check_size, settle, truth_of
from helpers.streets.sprites import ARC, PAINT, WHITE, box, disc, fixed, limb, pick, poly, rgb, tone
from helpers.structures import Detections

CATEGORIES = {1: "mug", 2: "star kite"}
GLAZE = rgb("f4f4f0 d63e38 2c62b2 f4b436 429678 ee8046 60b2d6 343842 e8a0b4 8a5a9c")
COFFEE = rgb("4a2c1e 7a4a2a a8784c")
PLAIN = 0.2  # of the pictures: shapes on an even ground instead of a street

# fmt: off
# Two drawings, packed like tables. Each is about one metre high.

def mug(rng, speed):
    """A mug with a handle, full of coffee, and a pattern on some."""
    glaze, other, coffee = pick(rng, GLAZE), pick(rng, GLAZE), pick(rng, COFFEE)
    foot, w, high = rng.uniform(.26, .42), rng.uniform(.36, .46), rng.uniform(.8, 1.05)
    at = w - .03 + .52j * high
    side = tone(glaze, .8)
    top = 1j * high
    handle = [at + .32 * ARC.real + .36j * ARC.imag, (at + .19 * ARC.real + .22j * ARC.imag)[::-1]]
    heart = np.array([-.24j, .2, .2 + .12j, .1 + .2j, .1j, -.1 + .2j, -.2 + .12j, -.2])
    pattern = pick(rng, [
        [], [box(-w + .015, y * high, w - .015, (y + .12) * high, other) for y in (.3, .55)],
        [disc(complex(x, y * high), .075, other) for y in (.28, .66) for x in (-.2, .02, .24)]
        + [disc(complex(x, .47 * high), .075, other) for x in (-.1, .13)],
        [poly(heart + .48j * high, other, smooth=1)], [disc(.48j * high, .2, other)]])
    a, b = foot + .06j, w + .02 + top
    return fixed([
        poly(np.concatenate(handle), side),
        poly([-foot, foot, a, b, -b.conjugate(), -a.conjugate()], glaze), *pattern,
        poly([foot - .13, foot, a, b, b - .15], side),
        disc(top, w + .02, tone(glaze, 1.15), .105),
        disc(top - .012j, w - .04, tone(glaze, .6), .078), disc(top - .03j, w - .07, coffee, .056)])

def star_kite(rng, speed):
    """A star of ten panels in two colours, with bows on its tail."""
    color = pick(rng, PAINT)
    other = pick(rng, PAINT + [WHITE] * 4)
    depth = rng.uniform(.47, .6)
    ring = .58 * 1j * np.exp(1j * np.pi * np.arange(11) / 5) * np.where(np.arange(11) % 2, depth, 1)
    middle = .78j
    bend = rng.uniform(-.22, .22)
    rim = tone(color, .55)
    knots = [bend * k**1.5 / 2 + 1j * (.34 - .25 * k) for k in range(int(rng.integers(2, 4)))]
    tail = [limb(a, b, .1, rim) for a, b in zip(knots, knots[1:], strict=False)]
    for k, at in enumerate(knots[1:]):
        wing = .21 * np.exp(1j * rng.uniform(-.5, .5)) * np.array([1 + .65j, 1 - .65j])
        tail += [poly([at, *at + way * wing], (other, color)[k % 2]) for way in (1, -1)]
    spokes = zip(ring, ring[1:], strict=False)
    panels = [poly([0, a, b], (color, other)[k % 2]) for k, (a, b) in enumerate(spokes)]
    body = [poly(1.1 * ring[:10], rim), *panels, disc(0, .1, rim)]
    return fixed([*tail, *[part._replace(points=part.points + middle) for part in body]])

# fmt: on
SPRITES = {1: mug, 2: star_kite}


def place(rng, camera, street, number):
    """One new object: on the ground, behind something of the street, or in the air."""
    category = int(rng.choice(list(SPRITES)))
    size = 26 * 3.6 ** rng.random()
    mirror = pick(rng, [-1, 1])  # 26 to 94 rp high
    flies = not street or rng.random() < (0.7 if category == 2 else 0.25)
    hiding = [obj for obj in street if obj.category and obj.grounded]
    y = 0
    tilt = np.radians(rng.normal(0, 14 if flies else 4))
    if hiding and rng.random() < 0.35:
        front = pick(rng, hiding)
        z = front.z + 0.03
        flies = True
        x = front.x + rng.uniform(-0.8, 0.8) * size * z / camera.focal
        y = front.y + rng.uniform(0.4, 1) * size * z / camera.focal
    elif flies:
        z = rng.uniform(4, 30)
        row = size + rng.uniform(0.02, 0.98) * (camera.height - size)
        x = camera.anywhere(rng, z, -0.08)
        y = camera.eye + (camera.horizon - row) * z / camera.focal
    else:
        z = camera.focal * camera.eye / (rng.uniform(0.2, 1) * (camera.height - camera.horizon))
        x = camera.anywhere(rng, z, -0.08)
    pose = SPRITES[category](rng, 0)
    scale = size * z / camera.focal
    return SceneObject(pose, x, z, y, category, number, 0, scale, mirror, tilt, not flies)


def draw_novelty(seed: int, size: tuple[int, int] = (256, 320)) -> tuple[np.ndarray, Detections]:
    """Draw mugs and star kites, in a street or on an even ground, and the exact truth about them.

    Args:
        seed: not negative; the same seed and size give the same bytes, on any machine.
        size: (height, width), pixels, each at least 64.

    Returns:
        image (H, W, 3) uint8 RGB, and Detections: boxes tight around the visible masks, scores 1.
        One to four objects as a rule; cars, people and all else in the picture is not in the truth.

    Raises:
        ValueError: the size or seed is not as above.
    """
    size = check_size(size)
    rng = np.random.default_rng(seed)
    world = build_world(rng, size[1] / size[0], 0)
    if rng.random() < PLAIN:
        mood = Mood(*rng.uniform(30, 240, (2, 3)))
        far = scenery.abstract(rng, world.camera)
        world = world._replace(mood=mood, far=far, ground=(), objects=[], drops=world.drops[:0])
    street = world.objects
    count = 1 + min(int(rng.exponential(2.6)), 4)
    new = [place(rng, world.camera, street, number) for number in range(1, count + 1)]
    objects = [obj._replace(category=None, number=0) for obj in street] + new
    world = settle(world._replace(objects=sorted(objects, key=lambda obj: -obj.z)))
    image, owner = render(world, size, rng=rng)
    return image, truth_of(world, owner, categories=CATEGORIES)
