"""What is no object in the street world: sky, houses, trees, furniture and the ground.

The drawings give parts as in `helpers.streets.sprites`; the rest places them, with the units of
`helpers.streets.painting`, and gives objects, far to near.
"""

import numpy as np

from helpers.streets.painting import Mood, fixed_object
from helpers.streets.sprites import INK, LAMP, PAINT, RED, STEEL, WHITE

# isort: split
from helpers.streets.sprites import Part, box, disc, limb, pick, poly, rgb, tone

LANE = 3.4  # metres
WALLS = rgb("ce7a62 e2ba8c b0968c 96a8ba d6c8b4 be6058 808e96 e8d0a0 a8baa8 cea8ac")
LEAF = rgb("5c9e54 468c5c 7aaa4e 347454 ce9642")
WOOD, BLUE, GLOW = rgb("a07048 285cbe ffde96")

# fmt: off
# A table and drawings, packed like tables.
MOODS = {"day": Mood((84, 156, 226), (206, 232, 246)),
         "morning": Mood((142, 176, 222), (255, 222, 190), (1.04, .97, .9), 260, .15, .36),
         "dusk": Mood((74, 70, 134), (255, 164, 112), (.84, .68, .68), 260, .5, .3),
         "night": Mood((14, 20, 46), (44, 58, 98), (.4, .45, .6), 300, .55, .25),
         "overcast": Mood((150, 164, 178), (212, 218, 222), (.9, .92, .95), 160, .12, .22),
         "fog": Mood((192, 200, 206), (216, 220, 222), (.92, .94, .97), 34, .2, .12)}

def building(rng, lit_share, wide, high):
    """Walls, a roof, a ground floor and windows, some lit."""
    wall = pick(rng, WALLS)
    end = wide / 2
    shop = pick(rng, PAINT)
    open_late = lit_share > .3
    parts = [box(-end, 0, end, high, wall), box(-end, high - .35, end, high, tone(wall, .8)),
             box(end * .68, 0, end, high, tone(wall, .93)), box(-end, 0, end, 3.1, tone(wall, .82))]
    if rng.random() < .45:
        roof = [-end - .4, 1.2 - end + 2.2j, end - 1.2 + 2.2j, end + .4]
        tiles = pick(rng, [(126, 78, 70), (104, 92, 100), (150, 92, 70)])
        parts += [poly(1j * high + np.array(roof), tiles)]
    step, w, h = rng.uniform(2.2, 3.2), rng.uniform(.9, 1.5), rng.uniform(1.3, 1.8)
    x, y = np.arange(.7 - end, end - w - .3, step), np.arange(3.9, high - 1.8, 3)
    panes = (x + 1j * y[:, None]).reshape(-1, 1) + [0, w, w + 1j * h, 1j * h]
    parts += [Part(pane, GLOW if on else (112, 142, 164), on)
              for pane, on in zip(panes, rng.random(len(panes)) < lit_share, strict=True)]
    awning = [.3 - end + 2.2j, .6 - end + 2.9j, end - .6 + 2.9j, end - .3 + 2.2j]
    window = box(.5 - end, .6, end - .5, 2.3, GLOW if open_late else (100, 128, 148), 0, open_late)
    door = box(.1 * end, 0, .1 * end + 1.2, 2.3, tone(wall, .5))
    return [*parts, window, door, poly(awning, shop)]

def tree(rng):
    """A round tree or a fir."""
    leaf = pick(rng, LEAF)
    high = rng.uniform(4.5, 7.5)
    trunk = limb(0j, .6j * high, .34, (104, 80, 66))
    if rng.random() < .3:
        return [trunk, *[poly([1j * y - w, 1j * y + 2.6j, 1j * y + w], tone(leaf, gain))
                         for w, y, gain in ((1.6, 1.2, .74), (1.3, 2.5, .84), (.9, 3.9, .94))]]
    blobs = [(-.8, .62, 1.2, .78), (.8, .6, 1.2, .78), (0, .72, 1.5, .9), (-.35, .82, 1.05, 1.05),
             (.5, .84, .6, 1.14)]
    return [trunk, *[disc(x + 1j * y * high, r, tone(leaf, gain)) for x, y, r, gain in blobs]]

def furniture(rng):
    """Lamp post, bin, bench, billboard, hydrant, two signs or a planter."""
    color = pick(rng, PAINT)
    other = pick(rng, PAINT)
    pole = box(-.06, 0, .06, 2.4, STEEL)
    shrubs = [disc(x + .62j, .32, pick(rng, LEAF)) for x in (-.45, 0, .45)]
    return pick(rng, [
        [box(-.06, 0, .06, 5, STEEL), box(-.06, 4.9, 1.1, 5.05, STEEL),
         box(.5, 4.72, 1.15, 4.95, LAMP, .08, True)],
        [box(-.32, 0, .32, .95, (84, 110, 100), .06), box(-.38, .85, .38, 1.02, INK, .06)],
        [box(-.8, .42, .8, .54, WOOD), box(-.8, .7, .8, .9, WOOD), box(-.7, 0, -.6, .9, INK),
         box(.6, 0, .7, .9, INK)],
        [pole, box(-1.3, 2.2, 1.3, 3.9, WHITE, .06), box(-1.2, 2.3, 1.2, 3.8, color),
         disc(-.4 + 3j, .5, other), box(.2, 2.6, 1, 3.2, WHITE)],
        [box(-.2, 0, .2, .66, RED, .06), disc(.7j, .18, RED),
         box(-.3, .38, .3, .52, tone(RED, .8), .06)],
        [pole, poly([-.5 + 2.9j, .5 + 2.9j, 2.05j], RED),
         poly([-.32 + 2.8j, .32 + 2.8j, 2.25j], WHITE)],
        [pole, disc(2.5j, .45, WHITE), disc(2.5j, .39, BLUE)],
        [box(-.7, 0, .7, .5, (170, 160, 150), .05), *shrubs]])
# fmt: on


def abstract(rng, camera):
    """Blocks and discs instead of a street, so that no model leans on the street."""
    far = []
    z = camera.focal
    for _ in range(int(rng.integers(0, 14))):
        color, w, h = rng.uniform(40, 240, 3), *rng.uniform(10, 90, 2)
        part = disc(0, w, color, h) if rng.random() < 0.5 else box(-w, -h, w, h, color)
        y = camera.eye + camera.horizon - rng.uniform(0, camera.height)
        x = camera.anywhere(rng, z)
        tilt = rng.uniform(0, 3)
        far.append(fixed_object([part], x, z, y=y, tilt=tilt, grounded=False))
    return far


def sky(rng, camera, mood, name):
    """Sun or moon, stars, clouds and the skyline, where a metre is 1 rp."""
    z = camera.focal
    far = []
    low = np.array(mood.low)
    light = np.array(mood.light)

    def hang(parts, x, y):
        far.append(fixed_object(parts, x, z, y=camera.eye + y))

    sun = camera.anywhere(rng, z, -0.05), rng.uniform(0.35, 0.9) * camera.horizon
    if name == "night":
        for _ in range(30):
            star = rng.uniform(0.3, 0.7)
            y = rng.uniform(0.1, 1) * camera.horizon
            hang([disc(0, star, (220, 226, 240), lit=True)], camera.anywhere(rng, z), y)
        moon = disc(0, 9, (240, 238, 220), lit=True)
        hang([moon, disc(4 + 2j, 7.5, mood.top * 1.2, lit=True)], *sun)
    elif name in ("day", "morning", "dusk"):
        glow = np.array((255, 246, 206))
        dark = (mood.top + mood.low) / 2
        halo = ((26, 0.2), (18, 0.4), (11, 1))
        hang([disc(0, r, (1 - g) * dark + g * glow, lit=True) for r, g in halo], *sun)
    cloud = 0.6 * low + 102 * light
    num_clouds = int(rng.integers(0, 5))  # asked for in any weather
    for _ in range(0 if name == "fog" else num_clouds):
        w, y = rng.uniform(10, 26), rng.uniform(0.3, 0.95) * camera.horizon
        puffs = ((-0.45, 0.3), (0.05, 0.44), (0.5, 0.28))
        puffs = [disc(x * w + 2j, r * w, cloud, 0.8 * r * w, True) for x, r in puffs]
        hang([box(-w, -3, w, 3, cloud, 2.9, True), *puffs], camera.anywhere(rng, z), y)
    for strength in (0.2, 0.36):  # two rows of hills or far houses
        color = (1 - strength) * low + strength * np.multiply((92, 116, 140), light)
        parts = []
        x = -0.55 * camera.width
        hills = rng.random() < 0.3
        while x < 0.55 * camera.width:
            w, h = rng.uniform(10, 34), rng.uniform(0.06, 0.3) * camera.horizon * (1.4 - strength)
            hill = disc(x, 2 * w, color, h, True) if hills else box(x, -9, x + w, h, color, 0, True)
            parts.append(hill)
            x += w * rng.uniform(0.8, 1.2)
        hang(parts, 0, 0)
    return far


def town(rng, camera, lit, wall):
    """Houses from the depth `wall` on, and trees, far to near."""
    far = []
    theme = pick(rng, ["city", "city", "suburb", "park"])
    city = theme == "city"
    reach = 0.52 * camera.width * (wall + 1) / camera.focal
    x = -reach - rng.uniform(0, 8)
    while x < reach and theme != "park":
        wide, high = rng.uniform(7, 13), rng.uniform(7, 20) if city else rng.uniform(5, 8)
        parts = building(rng, lit, wide, high)
        far.append(fixed_object(parts, x + wide / 2, wall + rng.uniform(0.1, 1)))
        x += wide + (rng.uniform(0, 0.8) if city and rng.random() < 0.7 else rng.uniform(2, 7))
    for z in wall - np.sort(-rng.uniform(-0.8, 30 if theme == "park" else 0, 2 if city else 5)):
        parts = tree(rng)
        x = camera.anywhere(rng, z)
        far.append(fixed_object(parts, x, z, scale=rng.uniform(0.7, 1.15)))
    return far


def roadside(rng, camera, edges):
    """Furniture and trees on both pavements."""
    objects = []
    (near, kerb, _) = edges
    for _ in range(int(rng.integers(1, 6))):
        close = rng.random() < 0.35
        z = near - rng.uniform(0.5, 1.2) if close else kerb + rng.uniform(0.6, 2.4)
        parts = tree(rng) if z > kerb and rng.random() < 0.3 else furniture(rng)
        objects.append(fixed_object(parts, camera.anywhere(rng, z), z, mirror=pick(rng, [-1, 1])))
    return objects


def street(rng, camera, edges, lanes, snow):
    """Lawn, pavements, road and what is painted on it, as `World.ground`."""
    near, kerb, wall = edges
    lawn = [(150, 184, 112), (196, 188, 172), (168, 190, 130)]
    lawn = (236, 240, 244) if snow else pick(rng, lawn)
    walk = pick(rng, [(206, 198, 186), (190, 188, 190), (214, 200, 178)])
    road = tone(pick(rng, [(92, 96, 106), (106, 104, 108), (80, 86, 98)]), 1 + 0.3 * snow)
    walk = tone(walk, 1 + 0.12 * snow)
    white = (232, 232, 226)
    ground = []

    def lay(x0, x1, z0, z1, color):
        ground.append(((x0, x1, x1, x0), (z0, z0, z1, z1), color))

    low = 0.8 * camera.focal * camera.eye / (camera.height - camera.horizon)
    edges = low, near - 0.25, near, kerb, kerb + 0.3, wall, 3000
    colors = walk, tone(walk, 0.82), road, tone(walk, 0.8), walk, lawn
    for z0, z1, color in reversed(list(zip(edges, edges[1:], colors, strict=False))):
        w = camera.width / camera.focal * z1
        lay(-w, w, z0, z1, color)
    reach = 0.6 * camera.width / camera.focal * kerb
    for lane in range(1, lanes):
        middle = 2 * lane == lanes and rng.random() < 0.4
        z = near + lane * LANE
        color = (236, 196, 96) if middle else white
        for x in np.arange(-reach - rng.uniform(0, 6), reach, 6.7):
            lay(x, x + 2.4, z - 0.09, z + 0.09, color)
    if rng.random() < 0.4:
        x = camera.anywhere(rng, near, -0.1)
        for z in np.arange(near + 0.4, kerb - 0.5, 1.05):
            lay(x, x + 3, z, z + 0.5, white)
    for x in np.arange(-12, 12, 2.4):
        lay(x, x + 0.06, low, near - 0.25, tone(walk, 0.9))
    return tuple(np.array(column, float) for column in zip(*ground, strict=True))
