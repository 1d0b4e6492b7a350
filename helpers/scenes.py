"""The street world: pictures, clips and exact truth from a seed.

A scene is a list of `Thing`s that stand on flat ground; a thing is a list of coloured polygons.
They are painted far to near at twice the wanted size, and their numbers into an id map with the
same calls: the id map says which object owns a pixel, so the visible masks are exact.

Units: metres for things (x to the right, y up, z away from the camera), metres per second, seconds;
the points of a drawing are complex, x + 1j * y, so that turning is one multiplication;
reference pixels (rp) for the layout: a picture has the area of 256x320 rp. Colours are RGB, 0-255.
All choices come from one `numpy.random.Generator`, so a seed gives the same bytes anywhere.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np

from helpers.structures import Detections, require

CATEGORIES = {1: "person", 2: "bicycle", 3: "car", 6: "bus", 8: "truck", 10: "traffic light",
              13: "stop sign", 18: "dog"}
SHARES = (.20, .12, .25, .10, .11, .08, .06, .08)  # of the objects placed, in the order of SPRITES
MIN_AREA, MIN_VISIBLE, MIN_INSIDE = 62, .27, .42  # square rp; shares of the full silhouette
AREA, LANE, SHIFT = 256 * 320, 3.4, 4  # square rp; metres; polygon corners are in 1/16 pixel
CIRCLE = np.exp(2j * np.pi * (np.arange(24) + .5) / 24)
ARC = np.exp(1j * np.pi * np.linspace(-.5, .5, 9))
INK, WHITE, STEEL, WOOD = (38, 40, 50), (244, 244, 240), (120, 126, 136), (160, 112, 72)
GLASS, LAMP, RED = (64, 92, 116), (255, 240, 190), (232, 52, 44)
AMBER, GREEN, BLUE = (255, 184, 40), (60, 214, 120), (40, 92, 190)
PAINT = [(214, 62, 56), (44, 98, 178), (240, 240, 236), (52, 56, 66), (244, 180, 54),
         (66, 150, 120),
         (160, 170, 180), (238, 128, 70), (122, 74, 140), (96, 178, 214), (150, 40, 60), (206, 196,
                                                                                          168)]
WALLS = [(206, 122, 98), (226, 186, 140), (176, 150, 140), (150, 168, 186), (214, 200, 180),
         (190, 96, 88), (128, 142, 150), (232, 208, 160), (168, 186, 168), (206, 168, 172)]
SKIN = [(250, 214, 184), (232, 184, 146), (196, 140, 100), (140, 92, 64), (96, 62, 46)]
HAIR = [(40, 32, 30), (92, 60, 38), (170, 118, 60), (222, 186, 110), (150, 150, 154), (160, 70, 40)]
DENIM = [(52, 62, 92), INK, (112, 98, 86), (70, 92, 130), (150, 144, 130)]
COATS = [(190, 136, 84), (112, 76, 52), (232, 214, 184), (62, 58, 60), (214, 170, 110),
         (150, 146, 142)]
LEAF = [(92, 158, 84), (70, 140, 92), (122, 170, 78), (52, 116, 84), (206, 150, 66)]


# Shapes -------------------------------------------------------------------------------------------

class Part(NamedTuple):
    """A filled polygon: points (K,) complex, metres; its colour; whether it shines by itself."""

    points: np.ndarray
    color: tuple
    lit: bool = False


def poly(points, color, lit=False, smooth=0):
    """A polygon of complex points; `smooth` times its corners are cut (Chaikin 1974)."""
    points = np.array(points, complex)
    for _ in range(smooth):
        after = np.roll(points, -1)
        points = np.stack([.8 * points + .2 * after, .2 * points + .8 * after], 1).ravel()
    return Part(points, color, lit)


def box(x0, y0, x1, y1, color, r=0., lit=False):
    """A rectangle, its corners rounded by the radius r."""
    points = np.array([x1 + 1j * y1, x0 + 1j * y1, x0 + 1j * y0, x1 + 1j * y0])
    if r:
        points = np.repeat(points + r * np.array([-1 - 1j, 1 - 1j, 1 + 1j, -1 + 1j]),
                           6) + r * CIRCLE
    return Part(points, color, lit)


def disc(at, r, color, ry=None, lit=False):
    """A disc around `at`, or an ellipse of half height ry."""
    circle = r * CIRCLE if ry is None else r * CIRCLE.real + 1j * ry * CIRCLE.imag
    return Part(circle + at, color, lit)


def limb(a, b, width, color):
    """A thick line from a to b with round ends."""
    end = width / 2 * (b - a) / (abs(b - a) or 1) * ARC
    return Part(np.concatenate([b + end, a - end]), color)


def tone(color, gain):
    """The colour made lighter (gain > 1) or darker."""
    return tuple(min(255., c * gain) for c in color)


def pick(rng, options):
    """One of a list."""
    return options[int(rng.integers(len(options)))]


# Drawings: from (rng, speed) to pose(t) -> parts; they face right and stand on y = 0 --------------

def rolling(parts, hubs, r, speed):
    """The pose of a vehicle: its parts over wheels of radius r that turn with the road."""
    arches = [disc(x + 1j * r, 1.2 * r, tone(INK, .8)) for x in hubs]

    def pose(t):
        wheels, spoke = [], .55 * r * np.exp(-1j * speed * t / r)
        for hub in np.add(hubs, 1j * r):
            wheels += [disc(hub, r, INK), disc(hub, .62 * r, (178, 182, 190)),
                       limb(hub - spoke, hub + spoke, .16 * r, STEEL),
                       limb(hub - 1j * spoke, hub + 1j * spoke, .16 * r, STEEL)]
        return parts + arches + wheels
    return pose


def front_view(rng, w, height, color, low, high, roof):
    """A vehicle of half width w from the front or rear; its window spans low to high (shares)."""
    lamps, low, high, top = pick(rng, [LAMP, RED]), low * height, high * height, w * roof
    parts = [box(-w * .92, 0, -w * .58, .5, INK, .08), box(w * .58, 0, w * .92, .5, INK, .08),
             poly([-w + 1j * low, -top + 1j * height, top + 1j * height, w + 1j * low],
                  tone(color, .92), smooth=2), box(-w, .22, w, low + .12, color, .16)]
    a, b, window = -w * .86 + 1j * low, -top * .88 + 1j * high, tone(GLASS, 1.25)
    return parts + [
        poly([a, b, -b.conjugate(), -a.conjugate()], GLASS),
        poly([a + .4 * w, b + .6 * w, b + .85 * w, a + .65 * w], window),
        box(-w, .22, w, .42, tone(color, .7), .08), box(-w * .3, .3, w * .3, .46, WHITE),
        box(-w * .45, low * .62, w * .45, low * .82, tone(color, .6), .05),
        box(-w * .94, low * .6, -w * .58, low * .86, lamps, .06, True),
        box(w * .58, low * .6, w * .94, low * .86, lamps, .06, True)]


def car(rng, speed):
    """A sedan, hatchback, off-roader or van."""
    length, height, roof = pick(rng, [
        (4.7, 1.45, (.12, .27, .60, .77)), (3.9, 1.5, (.01, .12, .58, .78)),
        (4.5, 1.75, (.01, .07, .62, .77)), (4.9, 2.0, (.0, .03, .72, .9))])
    color, length, height = pick(rng, PAINT), length * rng.uniform(.92,
                                                                   1.08), height * rng.uniform(.94,
                                                                                               1.08)
    if not speed and rng.random() < .22:
        parts = front_view(rng, .92, height, color, .56, .93, .74)
        return lambda t: parts
    belt, nose, end = .6 * height, rng.uniform(.46, .54) * height, length / 2
    a, b, c, d = (length * np.array(roof) - end).tolist()
    cabin = np.array([a + 1j * (belt - .1), b + 1j * height, c + 1j * height, d + 1j * (belt - .1)])
    glass = .86 * cabin.real + .07 * (b + c) + 1j * (.8 * cabin.imag + .2 * belt)
    pillar, side = (b + c) / 2, tone(color, .7)
    parts = [poly(cabin, color, smooth=2), poly(glass, GLASS, smooth=1),
             poly([glass[3] - .5, glass[2] - .35, glass[2] - .15, glass[3] - .25],
                  tone(GLASS, 1.3)),
             box(pillar - .05, belt - .1, pillar + .06, height - .05, color),
             poly([-end + .22j, -end + .97j * belt, a + .1 + 1j * belt, d + 1j * belt,
                   end - .12 + 1j * nose, end + .8j * nose, end + .22j], color, smooth=2),
             box(-end + .05, .2, end - .05, .4, side, .08),
             box(pillar - .01, .42, pillar + .02, belt, side),
             box(pillar - .34, belt - .17, pillar - .12, belt - .11, side),
             box(-end, belt - .26, -end + .18, belt - .08, RED, .04, True),
             poly(end + np.array([-.34 - .06j, -.04 - .12j, -.03 - .26j, -.26 - .22j]) + 1j * nose,
                  LAMP, True)]
    return rolling(parts, (-.3 * length, .3 * length), .33, speed)


def bus(rng, speed):
    """A long box full of windows; sometimes with two decks."""
    color, trim, decks = pick(rng, PAINT), pick(rng,
                                                PAINT + [WHITE] * 6), 1 + int(rng.random() < .2)
    end, height = rng.uniform(4.3, 6) - decks / 2 + .5, 1.75 + 1.35 * decks
    if not speed and rng.random() < .18:
        parts = front_view(rng, 1.25, height, color, .42, .84, .96)
        parts += [box(-.85, height * .87, .85, height * .96, AMBER, .06, True)]
        return lambda t: parts
    count = int(end / .63)
    step = (2 * end - .9) / count
    parts = [box(-end, .32, end, height, color, .28), box(-end, .34, end, .34 + rng.uniform(.3,
                                                                                            .8),
                                                                                            trim,
                                                                                            .12),
             box(-end + .3, height - .16, end - .3, height, tone(color, 1.2), .07)]
    for low in (1.45, 2.85)[:decks]:
        parts += [box(-end + .12, low - .04, end - .02, low + 1.02, tone(color, .8), .1)]
        parts += [box(x, low, x + step - .1, low + .95, tone(GLASS, 1 + .15 * (i % 2)), .07)
                  for i, x in enumerate(-end + .25 + step * np.arange(count))]
        parts += [box(end - .62, low - .15, end, low + .98, tone(GLASS, .85), .1)]
    for i in (count - 1, int(count * .45)):
        x = -end + .25 + i * step
        parts += [box(x - .03, .4, x + step - .06, 2.45, tone(trim, .8), .06),
                  box(x + .08, .55, x + step / 2 - .07, 2.35, GLASS),
                  box(x + step / 2 + .02, .55, x + step - .16, 2.35, GLASS)]
    parts += [box(end - .2, .6, end, .85, LAMP, .05, True), box(-end, .7, -end + .14, 1.1, RED,
                                                                .04, True),
              box(end - 2.6, height - .42, end - .8, height - .2, AMBER, .05, True)]
    return rolling(parts, (-.6 * end, .54 * end), .46, speed)


def truck(rng, speed):
    """A cab with a gap behind it, then a box, a container, a tank or a heap."""
    color, load, end = pick(rng, PAINT), pick(rng, PAINT + [WHITE] * 5), rng.uniform(3, 4.75)
    high, kind = rng.uniform(2.9, 3.6), pick(rng, ["box", "box", "ribs", "tank", "heap"])
    if not speed and rng.random() < .18:
        parts = [box(-1.25, .7, 1.25, high, load, .06), *front_view(rng, 1.15, 2.5, color, .52, .9,
                                                                    .92)]
        return lambda t: parts
    cab, back = end - 1.9, end - 2.18
    parts, dark = [box(-end + .1, .5, cab + 1, .92, INK, .05)], tone(load, .78)
    if kind in ("box", "ribs"):
        parts += [box(-end, .88, back, high, load, .06), box(-end, .88, back, 1.08, dark)]
    if kind == "ribs":
        parts += [box(x, 1.12, x + .12, high - .12, dark) for x in np.arange(-end + .3, back - .2,
                                                                             .48)]
    elif kind == "box":
        middle, logo = (back - end) / 2 + 1.85j, pick(rng, PAINT)
        parts += [box(-end, 1.6, back, 2.05, logo), disc(middle, .6, logo), disc(middle, .4, load)]
    elif kind == "tank":
        parts += [box(-end, .95, back, high - .3, (190, 196, 204), .85),
                  box(-end + .5, 2.1, back - .5, 2.35, WHITE, .1), box(-end + .1, 1.45, back - .1,
                                                                       1.65, load)]
    else:
        parts += [poly([-end + .2 + 1.5j, -end + .9 + 2.5j, back - 1.2 + 2.75j, back - .1 + 1.6j],
                       (150, 116, 84), smooth=2),
                  poly([-end + 1.95j, back + 1.95j, back - .15 + .88j, -end + .3 + .88j], load),
                  *[box(x, .95, x + .1, 1.9, dark) for x in np.arange(-end + .5, back - .3, .7)]]
    shape = np.array([.45j, 2.55j, 1.25 + 2.55j, 1.75 + 1.55j, 1.9 + 1.3j, 1.9 + .45j])
    window = np.array([.35 + 1.5j, .35 + 2.3j, 1.15 + 2.3j, 1.55 + 1.5j])
    parts += [poly(cab + shape, color, smooth=1), poly(cab + window, GLASS, smooth=1),
              box(cab, .45, cab + 1.88, .68, tone(color, .66)), box(cab + .45, 1.2, cab + .7, 1.28,
                                                                    INK),
              box(cab + 1.7, .82, cab + 1.9, 1.08, LAMP, .05, True),
              box(-end + .02, .62, -end + .2, .86, RED, .03, True)]
    return rolling(parts, (-end + .75, -end + 1.8, cab + 1.05)[end < 3.5:], .48, speed)


def bicycle(rng, speed):
    """Two filled wheels and a thick frame."""
    color, disk, r = pick(rng, PAINT), tone(pick(rng, PAINT + [WHITE] * 4), .9), .36
    back, crank, seat, head, front = -.56 + .36j, -.04 + .34j, -.22 + .92j, .4 + .9j, .56 + .36j
    frame = [limb(a, b, .09, color) for a, b in (
        (back, crank), (crank, head), (seat, head), (crank, seat), (back, seat), (head, front))]
    frame += [limb(-.36 + .97j, -.1 + .97j, .1, INK), limb(head, .4 + 1.08j, .08, color),
              limb(.36 + 1.1j, .58 + 1.12j, .09, INK), disc(crank, .1, INK)]

    def pose(t):
        spoke = .2 * np.exp(-1j * speed * t / r)
        return [part for hub in (back, front) for part in (
            disc(hub, r, INK), disc(hub, .7 * r, disk), limb(hub - spoke, hub + spoke, .05,
                                                             STEEL))] + frame
    return pose


def person(rng, speed, riding=False):
    """Someone who stands (seen from the front), walks or rides (from the side)."""
    skin, hair, top, legs = pick(rng, SKIN), pick(rng, HAIR), pick(rng, PAINT), pick(rng, DENIM)
    extra, phase, moving = pick(rng, PAINT), rng.uniform(0, 6), speed > 0
    coat, bag, cap, long_hair = rng.random(4) < (.25, .3, .25, .4)
    canopy = rng.random() < .12 and not riding

    def pose(t):
        swing = .5 * np.sin(phase + 3.2 * speed * t)
        hip, neck = .88j, 1.4j + .03 * moving
        if riding:
            hip, neck = -.2 + 1.02j, .1 + 1.5j
            pedal = .16 * np.exp(1j * (phase - 2 * speed * t))
            feet, hands = [.34j - .04 - pedal, .34j - .04 + pedal], [.48 + 1.14j] * 2
            knees = [(hip + foot) / 2 + .2 + .08j for foot in feet]
        elif moving:
            feet = [hip - .8j * np.exp(1j * swing), hip - .8j * np.exp(-1j * swing)]
            knees = [(hip + foot) / 2 + .06 for foot in feet]
            hands = [neck - .58j * np.exp(-1j * swing) + .05,
                     neck - .58j * np.exp(1j * swing) + .05]
        else:
            feet, knees, hands = [-.12 + .06j, .12 + .06j], [-.11 + .45j, .11 + .45j], [-.3 + .84j,
                                                                                        .3 + .84j]
        if canopy:
            hands[1] = .3 + 1.15j
        arms, lower = [], []
        for side, gain, foot, knee, hand in zip((-1, 1), (.8, 1), feet, knees, hands, strict=True):
            apart = 0 if moving else .2 * side
            arms.append([limb(neck + apart - .06j, hand, .12, tone(top, gain - .12)),
                         disc(hand, .07, skin)])
            lower += [limb(hip + apart / 2, knee, .19, tone(legs, gain)), limb(knee, foot, .16,
                                                                               tone(legs, gain)),
                      limb(foot, foot + (.12 if moving else apart / 6), .12, INK)]
        head, back = neck + .2j + .05 * moving, -.05 * moving
        parts = arms[0] + lower + ([] if moving else arms[1])
        parts += [limb(neck - .22 - .12j, neck - .24 - .4j, .26, extra)] * bool(bag and moving)
        parts += [limb(head + back, head + 2 * back - .2j, .3, hair)] * bool(long_hair)
        parts += [limb(hip + .02j, neck - .14j, .34 if moving else .46, top), limb(neck - .05j,
                                                                                   head, .12,
                                                                                   tone(skin, .9))]
        if coat and not riding:
            parts += [poly([hip - .24 - .34j, neck - .16 - .3j, neck + .16 - .3j,
                            hip + .26 - .34j], top, smooth=1)]
        parts += [disc(head + back + .04j, .165, hair), disc(head - back - .02j, .135, skin)]
        if cap or riding:
            parts += [poly(head + np.array([-.18 + .05j, -.12 + .2j, .1 + .2j, .17 + .05j]), extra,
                           smooth=1),
                      limb(head + .05 + .07j, head + .1 + .14 * moving + .07j, .06, extra)]
        parts += arms[1] if moving else [box(.18, .5, .46, .8, extra, .05)] * bool(bag)
        if canopy:
            dome = ARC * 1j
            parts += [limb(.3 + 1.1j, .3 + 1.95j, .08, INK),
                      poly(.3 + 1.9j + .7 * dome.real + .42j * dome.imag, extra),
                      poly(.3 + 1.9j + .25 * dome.real + .42j * dome.imag, tone(extra, 1.25))]
        return parts
    return pose


def dog(rng, speed):
    """A dog that stands, walks or sits."""
    coat, collar, phase = pick(rng, COATS), pick(rng, PAINT), rng.uniform(0, 6)
    ear, spot = tone(coat, .68), pick(rng, [coat, WHITE, tone(coat, .7)])
    sits, floppy = not speed and rng.random() < .35, rng.random() < .5
    rear = -.22 + .26j if sits else -.34 + .52j
    body = [limb(rear, .3 + .56j, .34, coat), disc(rear, .2, coat), disc(-.02 + .5j, .14, spot,
                                                                         .11),
            limb(.3 + .56j, .46 + .8j, .24, coat), limb(.3 + .66j, .46 + .72j, .07, collar),
            disc(.48 + .84j, .18, coat), limb(.54 + .8j, .72 + .77j, .15, tone(coat, 1.1)),
            disc(.78 + .79j, .05, INK), disc(.55 + .89j, .03, INK),
            limb(.38 + .94j, .34 + .72j, .13, ear) if floppy else poly([.32 + .92j, .36 + 1.16j,
                                                                        .5 + .98j], ear)]

    def pose(t):
        swing = .16 * np.sin(phase + 6 * speed * t) if speed else .03
        legs = [limb(x + (.2j if sits and x < 0 else .46j), x + way * swing + .07j, .14,
                     tone(coat, gain))
                for x, way, gain in ((-.34, -1, .8), (.3, 1, .8), (-.28, 1, 1), (.36, -1, 1))]
        tip = rear - .3 + 1j * (.3 + .06 * np.sin(phase + 12 * t))
        return [*legs, limb(rear - .06 + .06j, tip, .11, ear), *body]
    return pose


def traffic_light(rng, speed):
    """A housing with three lamps; the pole is scenery."""
    case = pick(rng, [INK, INK, (52, 66, 60), (226, 170, 40)])
    start, period = rng.uniform(0, 6), rng.uniform(1.5, 3)

    def pose(t):
        on, parts = (0, 2, 1)[int((start + t) / period) % 3], [box(-.3, -.04, .3, 1.24, case, .12)]
        parts += [box(-.23, .03, .23, 1.17, tone(case, .72), .08)]
        for i, color in enumerate((RED, AMBER, GREEN)):
            at = 1j * (.95 - .35 * i)
            parts += [disc(at + .03j, .17, tone(case, .5)),
                      disc(at, .15, tone(color, 1 if i == on else .3), lit=i == on)]
        return parts
    return pose


def stop_sign(rng, speed):
    """A red octagon with a white rim and STOP on it; the pole is scenery."""
    red, corners = tone((206, 34, 40), rng.uniform(.85, 1.1)), CIRCLE[1::3]
    parts = [poly(.52 * corners + .5j, WHITE), poly(.465 * corners + .5j, red)]
    parts += [box(x, .36, x + .16, .64, WHITE) for x in (-.39, -.19, .02, .22)]
    parts += [box(*corner, red) for corner in (
        (-.35, .53, -.23, .58), (-.39, .42, -.27, .47), (-.19, .36, -.14, .57), (-.08, .36, -.03,
                                                                                 .57),
        (.07, .42, .13, .58), (.27, .53, .33, .58), (.27, .36, .38, .46))]
    return lambda t: parts


def building(rng, lit_share, wide, high):
    """Walls, a roof, a ground floor and windows, some lit."""
    wall, end, shop = pick(rng, WALLS), wide / 2, pick(rng, PAINT)
    parts = [box(-end, 0, end, high, wall), box(-end, high - .35, end, high, tone(wall, .8)),
             box(end * .68, 0, end, high, tone(wall, .93)), box(-end, 0, end, 3.1, tone(wall, .82))]
    if rng.random() < .45:
        roof = [-end - .4, 1.2 - end + 2.2j, end - 1.2 + 2.2j, end + .4]
        parts += [poly(1j * high + np.array(roof), pick(rng, [(126, 78, 70), (104, 92, 100),
                                                              (150, 92, 70)]))]
    step, w, h = rng.uniform(2.2, 3.2), rng.uniform(.9, 1.5), rng.uniform(1.3, 1.8)
    pane = np.array([0, w, w + 1j * h, 1j * h])
    for y in np.arange(3.9, high - 1.8, 3.):
        for x in np.arange(.7 - end, end - w - .3, step):
            on = rng.random() < lit_share
            parts.append(Part(pane + (x + 1j * y), (255, 222, 150) if on else (112, 142, 164), on))
    on = lit_share > .3
    parts += [box(.5 - end, .6, end - .5, 2.3, (255, 222, 150) if on else (100, 128, 148), lit=on),
              box(.1 * end, 0, .1 * end + 1.2, 2.3, tone(wall, .5)),
              poly([.3 - end + 2.2j, .6 - end + 2.9j, end - .6 + 2.9j, end - .3 + 2.2j], shop)]
    return parts


def tree(rng):
    """A round tree or a fir."""
    leaf, high = pick(rng, LEAF), rng.uniform(4.5, 7.5)
    trunk = limb(0j, .6j * high, .34, (104, 80, 66))
    if rng.random() < .3:
        return [trunk] + [poly([1j * y - w, 1j * y + 2.6j, 1j * y + w], tone(leaf, gain)) for w, y,
                          gain in (
            (1.6, 1.2, .74), (1.3, 2.5, .84), (.9, 3.9, .94))]
    blobs = [(-.8, .62, 1.2, .78), (.8, .6, 1.2, .78), (0, .72, 1.5, .9), (-.35, .82, 1.05, 1.05),
             (.5, .84, .6, 1.14)]
    return [trunk] + [disc(x + 1j * y * high, r, tone(leaf, gain)) for x, y, r, gain in blobs]


def furniture(rng):
    """Lamp post, bin, bench, billboard, hydrant, two signs or a planter: no objects."""
    color, other, pole = pick(rng, PAINT), pick(rng, PAINT), box(-.06, 0, .06, 2.4, STEEL)
    return pick(rng, [
        [box(-.06, 0, .06, 5, STEEL), box(-.06, 4.9, 1.1, 5.05, STEEL), box(.5, 4.72, 1.15, 4.95,
                                                                            LAMP, .08, True)],
        [box(-.32, 0, .32, .95, (84, 110, 100), .06), box(-.38, .85, .38, 1.02, INK, .06)],
        [box(-.8, .42, .8, .54, WOOD), box(-.8, .7, .8, .9, WOOD), box(-.7, 0, -.6, .9, INK),
         box(.6, 0, .7, .9, INK)],
        [pole, box(-1.3, 2.2, 1.3, 3.9, WHITE, .06), box(-1.2, 2.3, 1.2, 3.8, color),
         disc(-.4 + 3j, .5, other),
         box(.2, 2.6, 1, 3.2, WHITE)],
        [box(-.2, 0, .2, .66, RED, .06), disc(.7j, .18, RED), box(-.3, .38, .3, .52, tone(RED, .8),
                                                                  .06)],
        [pole, poly([-.5 + 2.9j, .5 + 2.9j, 2.05j], RED), poly([-.32 + 2.8j, .32 + 2.8j, 2.25j],
                                                               WHITE)],
        [pole, disc(2.5j, .45, WHITE), disc(2.5j, .39, BLUE)],
        [box(-.7, 0, .7, .5, (170, 160, 150), .05), *[disc(x + .62j, .32, pick(rng, LEAF))
                                                      for x in (-.45, 0, .45)]]])


SPRITES = {1: person, 2: bicycle, 3: car, 6: bus, 8: truck, 10: traffic_light, 13: stop_sign,
           18: dog}


# The world and its pictures -----------------------------------------------------------------------

class Mood(NamedTuple):
    """Hour and weather: sky above and at the horizon, light, sight in metres, lit windows."""

    top: tuple
    low: tuple
    light: tuple = (1, 1, 1)
    sight: float = 420
    lit: float = .04
    shadow: float = .42


MOODS = {"day": Mood((84, 156, 226), (206, 232, 246)),
         "morning": Mood((142, 176, 222), (255, 222, 190), (1.04, .97, .9), 260, .15, .36),
         "dusk": Mood((74, 70, 134), (255, 164, 112), (.84, .68, .68), 260, .5, .3),
         "night": Mood((14, 20, 46), (44, 58, 98), (.4, .45, .6), 300, .55, .25),
         "overcast": Mood((150, 164, 178), (212, 218, 222), (.9, .92, .95), 160, .12, .22),
         "fog": Mood((192, 200, 206), (216, 220, 222), (.92, .94, .97), 34, .2, .12)}


@dataclasses.dataclass(frozen=True)
class Thing:
    """An upright drawing at (x, y, z); `pose(t)` gives its parts. Category None is scenery."""

    pose: Callable
    x: float
    z: float
    y: float = 0.
    category: int | None = None
    number: int = 0  # of the object, from 1, the same in every frame
    speed: float = 0.
    scale: float = 1.
    mirror: int = 1
    tilt: float = 0.  # radians
    grounded: bool = True  # throws a shadow, fades with distance


@dataclasses.dataclass(frozen=True)
class Camera:
    """A pinhole `eye` metres above ground, looking along z; `zoom` is canvas pixels per rp."""

    height: float
    width: float
    horizon: float  # row, rp
    focal: float  # rp: at z = focal, a metre is 1 rp
    eye: float
    pan: float = 0.
    zoom: float = 2.

    def project(self, x, y, z):
        """World points (...) to canvas corners (..., 2), int32 in 1/16 pixel."""
        unit = self.focal / z
        corners = np.empty((*np.shape(x), 2))
        corners[..., 0] = self.width / 2 + (x - self.pan) * unit
        corners[..., 1] = self.horizon + (self.eye - y) * unit
        return ((corners * self.zoom - .5) * (1 << SHIFT)).astype(np.int32)

    def outlines(self, thing, parts, t=0.):
        """The parts of a thing as polygons on the canvas, and all their corners together."""
        points = np.concatenate([part.points for part in parts])
        points = points if thing.mirror > 0 else -points.conj()
        points = points * (thing.scale * np.exp(1j * thing.tilt))
        points += thing.x + thing.speed * t + 1j * thing.y
        corners, polygons, start = self.project(points.real, points.imag, thing.z), [], 0
        for part in parts:
            polygons.append(corners[start:start + len(part.points)])
            start += len(part.points)
        return polygons, corners


@dataclasses.dataclass(frozen=True)
class World:
    """All choices of one seed; what is left is the time and the size."""

    camera: Camera
    mood: Mood
    far: list  # scenery that never hides an object: sky and skyline, then houses and trees
    ground: tuple  # x (G, 4), z (G, 4) of quads and their colours (G, 3), far to near
    things: list  # objects and what may hide them, far to near
    drops: np.ndarray  # (K, 3) of rain or snow, 0 to 1: x, y, nearness
    snow: bool
    grade: tuple  # gamma, vignette, blur in rp


def still(parts, x, z, **fields):
    """A thing whose parts never change."""
    return Thing(lambda t: parts, x, z, **fields)


def build_world(rng, aspect, seconds):
    """Choose a street and its objects; `seconds` is 0 for a picture, the duration of a clip."""
    height, width = np.sqrt(AREA / aspect), np.sqrt(AREA * aspect)
    name = str(rng.choice(list(MOODS), p=[.34, .16, .16, .14, .13, .07]))
    mood, tint = MOODS[name], rng.uniform(.96, 1.03, 3) * rng.uniform(.93, 1.03)
    mood = mood._replace(top=mood.top * tint, low=mood.low * tint)
    wet = name in ("night", "overcast", "fog") and rng.random() < .45
    snow, drops = wet and rng.random() < .45, rng.random((int(rng.integers(60, 160)) * wet, 3))
    horizon, kerb = rng.uniform(.34, .5) * height, rng.uniform(.8, .96) * height
    unit, near = 14 * 3.2 ** rng.random(), rng.uniform(9, 13)  # rp per metre at the near kerb
    lanes = int(rng.integers(2, 5))
    camera = Camera(height, width, horizon, unit * near, (kerb - horizon) / unit)
    plain = not seconds and rng.random() < .05
    if plain:
        mood = Mood(rng.uniform(30, 240, 3), rng.uniform(30, 240, 3))
        far, ground, things = abstract(rng, camera), (), []
    else:
        edges = near, near + lanes * LANE, near + lanes * LANE + rng.uniform(3, 6)
        far, things = scenery(rng, camera, mood, name, edges)
        ground = street(rng, camera, edges, lanes, snow)
    things += objects(rng, camera, near, lanes, seconds, plain)
    blur = rng.uniform(.3, .7) if rng.random() < .12 else 0
    grade = rng.uniform(.88, 1.12), rng.uniform(0, .22), blur
    things = sorted(things, key=lambda thing: -thing.z)
    return World(camera, mood, far, ground, things, drops, snow, grade)


def anywhere(rng, camera, z, margin=.15):
    """An x at depth z that the camera sees, or nearly."""
    return (rng.uniform(-margin, 1 + margin) - .5) * camera.width * z / camera.focal


def abstract(rng, camera):
    """Blocks and discs instead of a street, so that no model leans on the street."""
    far, z = [], camera.focal
    for _ in range(int(rng.integers(0, 14))):
        color, w, h = rng.uniform(40, 240, 3), *rng.uniform(10, 90, 2)
        part = disc(0, w, color, h) if rng.random() < .5 else box(-w, -h, w, h, color)
        y = camera.eye + camera.horizon - rng.uniform(0, camera.height)
        far.append(still([part], anywhere(rng, camera, z), z, y=y, tilt=rng.uniform(0, 3),
                         grounded=False))
    return far


def scenery(rng, camera, mood, name, edges):
    """Sky, skyline, houses and trees, far to near; and the street furniture, as things."""
    near, kerb, wall = edges
    z, eye, far = camera.focal, camera.eye, []  # at this depth a metre is 1 rp
    sun = anywhere(rng, camera, z, -.05), eye + rng.uniform(.35, .9) * camera.horizon
    if name == "night":
        for _ in range(30):
            star = disc(0, rng.uniform(.3, .7), (220, 226, 240), lit=True)
            y = rng.uniform(.1, 1) * camera.horizon
            far.append(still([star], anywhere(rng, camera, z), z, y=eye + y))
        moon = [disc(0, 9, (240, 238, 220), lit=True), disc(4 + 2j, 7.5, mood.top * 1.2, lit=True)]
        far.append(still(moon, sun[0], z, y=sun[1]))
    elif name in ("day", "morning", "dusk"):
        glow, sky = np.array((255, 246, 206)), (mood.top + mood.low) / 2
        halo = [disc(0, r, (1 - g) * sky + g * glow, lit=True) for r, g in ((26, .2), (18, .4),
                                                                            (11, 1))]
        far.append(still(halo, sun[0], z, y=sun[1]))
    cloud = .6 * np.array(mood.low) + 102 * np.array(mood.light)
    for _ in range(int(rng.integers(0, 5)) * (name != "fog")):
        wide = rng.uniform(10, 26)
        puffs = [disc(x * wide + 2j, r * wide, cloud, .8 * r * wide, True)
                 for x, r in ((-.45, .3), (.05, .44), (.5, .28))]
        y = eye + rng.uniform(.3, .95) * camera.horizon
        far.append(still([box(-wide, -3, wide, 3, cloud, 2.9, True), *puffs], anywhere(rng, camera,
                                                                                       z), z, y=y))
    for strength in (.2, .36):  # two rows of hills or far houses
        color = (1 - strength) * np.array(mood.low) + strength * np.multiply((92, 116, 140),
                                                                             mood.light)
        parts, x, hills = [], -.55 * camera.width, rng.random() < .3
        while x < .55 * camera.width:
            w, h = rng.uniform(10, 34), rng.uniform(.06, .3) * camera.horizon * (1.4 - strength)
            parts.append(disc(x, 2 * w, color, h, True) if hills else box(x, -9, x + w, h, color,
                                                                          lit=True))
            x += w * rng.uniform(.8, 1.2)
        far.append(still(parts, 0, z, y=eye))
    theme, reach = pick(rng, ["city", "city", "suburb",
                              "park"]), .52 * camera.width * (wall + 1) / z
    x = -reach - rng.uniform(0, 8)
    while x < reach and theme != "park":
        wide, high = rng.uniform(7, 13), rng.uniform(7, 20) if theme == "city" else rng.uniform(5,
                                                                                                8)
        far.append(still(building(rng, mood.lit, wide, high), x + wide / 2, wall + rng.uniform(.1,
                                                                                               1)))
        x += wide + (rng.uniform(0, .8) if theme == "city"
                     and rng.random() < .7 else rng.uniform(2, 7))
    depths = wall + np.sort(rng.uniform(-.8, 30 if theme == "park" else 0,
                                        2 if theme == "city" else 5))[::-1]
    far += [still(tree(rng), anywhere(rng, camera, d), d, scale=rng.uniform(.7, 1.15))
            for d in depths]
    things = []
    for _ in range(int(rng.integers(1, 6))):
        d = near - rng.uniform(.5, 1.2) if rng.random() < .35 else kerb + rng.uniform(.6, 2.4)
        parts = tree(rng) if d > kerb and rng.random() < .3 else furniture(rng)
        things.append(still(parts, anywhere(rng, camera, d), d, mirror=pick(rng, [-1, 1])))
    return far, things


def street(rng, camera, edges, lanes, snow):
    """Lawn, pavements, road and what is painted on it, as `World.ground`."""
    near, kerb, wall = edges
    lawn = (236, 240, 244) if snow else pick(rng, [(150, 184, 112), (196, 188, 172),
                                                   (168, 190, 130)])
    walk = tone(pick(rng, [(206, 198, 186), (190, 188, 190), (214, 200, 178)]), 1 + .12 * snow)
    road, white = tone(pick(rng, [(92, 96, 106), (106, 104, 108), (80, 86, 98)]),
                       1 + .3 * snow), (232, 232, 226)
    ground = []

    def lay(x0, x1, z0, z1, color):
        ground.append(((x0, x1, x1, x0), (z0, z0, z1, z1), color))
    low = .8 * camera.focal * camera.eye / (camera.height - camera.horizon)
    for z0, z1, color in ((wall, 3000, lawn), (kerb + .3, wall, walk), (kerb, kerb + .3,
                                                                        tone(walk, .8)),
                          (near, kerb, road), (near - .25, near, tone(walk, .82)), (low,
                                                                                    near - .25,
                                                                                    walk)):
        w = camera.width / camera.focal * z1
        lay(-w, w, z0, z1, color)
    reach = .6 * camera.width / camera.focal * kerb
    for lane in range(1, lanes):
        z, color = near + lane * LANE, (236, 196,
                                        96) if 2 * lane == lanes and rng.random() < .4 else white
        for x in np.arange(-reach - rng.uniform(0, 6), reach, 6.7):
            lay(x, x + 2.4, z - .09, z + .09, color)
    if rng.random() < .4:
        x = anywhere(rng, camera, near, -.1)
        for z in np.arange(near + .4, kerb - .5, 1.05):
            lay(x, x + 3, z, z + .5, white)
    for x in np.arange(-12, 12, 2.4):
        lay(x, x + .06, low, near - .25, tone(walk, .9))
    return tuple(np.array(column, float) for column in zip(*ground, strict=True))


def objects(rng, camera, near, lanes, seconds, plain):
    """Place objects on lanes and pavements, some (not in clips) anywhere in the picture."""
    kerb = near + lanes * LANE
    foot = camera.focal * camera.eye / (1.08 * camera.height - camera.horizon)
    count = 1 + min(int(rng.gamma(2.6, 2.1)), 11) if rng.random() > .02 else 0
    count = int(rng.integers(7, 13)) + int(seconds) if seconds else count
    pace = rng.uniform(3.5, 8, lanes) * np.where(np.arange(lanes) < lanes / 2, 1, -1) * pick(rng,
                                                                                             [-1,
                                                                                              1])
    things, taken = [], []
    for number in range(1, count + 1):
        category, moves = int(rng.choice(list(SPRITES),
                                         p=SHARES)), bool(seconds) or rng.random() < .6
        mirror, speed, scale, y, lane = pick(rng, [-1, 1]), 0., 1., 0., None
        pavement = rng.uniform(max(foot, near - 4), near - .5)
        if category in (3, 6, 8):
            lane = int(rng.integers(lanes))
            z, speed, mirror = near + (lane + .5) * LANE, abs(pace[lane]), int(np.sign(pace[lane]))
            z += 0 if seconds else rng.uniform(-.5, .5)
        elif category == 2:
            z, speed = pick(rng, [near + .5, kerb - .5, pavement]), rng.uniform(2.5, 4.5)
        elif category in (1, 18):
            z, speed = pick(rng, [pavement] * 6 + [rng.uniform(near, kerb),
                                                   kerb + 1.5]), rng.uniform(.8, 1.6)
            scale = rng.uniform(.9, 1.1) * pick(rng, [1, 1, 1, 1, .7] if category == 1 else [1,
                                                                                             1.3])
        else:
            z, y = pick(rng, [max(near - rng.uniform(.4, 2.5),
                                  foot)] * 4 + [kerb + .5]), rng.uniform(1.7, 2.9)
            mirror, scale = 1, rng.uniform(.9, 1.5)
        speed *= mirror * moves
        pose = SPRITES[category](rng, abs(speed))
        if not seconds:
            pose = still(pose(0), 0, 0).pose
        points = np.concatenate([part.points for part in pose(0)])
        wide, high = np.ptp(points.real), points.imag.max()
        x = anywhere(rng, camera, z, .03) - speed * rng.uniform(0, seconds)
        thing = Thing(pose, x, z, y, category, number, speed, scale, mirror,
                      np.radians(np.clip(rng.normal(), -3, 3)))
        if plain or (not seconds and rng.random() < .1):
            y = camera.eye + (camera.horizon - rng.uniform(.05,
                                                           1) * camera.height) * z / camera.focal
            size = 14 * 9 ** rng.random() * z / camera.focal  # 14 to 126 rp, in metres
            thing = dataclasses.replace(thing, y=y, scale=size / np.sqrt(wide * high),
                                        tilt=np.radians(rng.uniform(-15, 15)), grounded=False)
        elif lane is not None:
            if any(k == lane and abs(x - at) < (wide + w) / 2 + .8 for k, at, w in taken):
                continue
            taken.append((lane, x, wide))
        elif y:
            things.append(still([box(-.07, 0, .07, y + high * scale, STEEL)], x, z + .02,
                                number=number))
        things.append(thing)
        if category == 2 and thing.grounded and moves and rng.random() < .8:
            rider = person(rng, abs(speed), riding=True)
            things.append(dataclasses.replace(thing, pose=rider, z=z - .01, category=1,
                                              number=number + count))
    return things


def settle(world):
    """The world without objects too small or too hidden to count, so none goes unlabelled."""
    camera, seen = world.camera, []
    height, width = round(2 * camera.height), round(2 * camera.width)
    ids = np.zeros((height, width), np.uint8)
    for k, thing in enumerate(world.things, 1):
        polygons, corners = camera.outlines(thing, thing.pose(0))
        x0, y0 = (corners.min(0) >> SHIFT) - 1
        x1, y1 = (corners.max(0) >> SHIFT) + 2
        alone = np.zeros((y1 - y0, x1 - x0), np.uint8)
        for polygon in polygons:
            cv2.fillPoly(alone, [polygon - (x0 << SHIFT, y0 << SHIFT)], 1, cv2.LINE_8, SHIFT)
        window = slice(max(0, y0), max(0, y1)), slice(max(0, x0), max(0, x1))
        inside = alone[max(0, -y0):max(0, height - y0), max(0, -x0):max(0, width - x0)]
        np.copyto(ids[window], k if thing.category else 0, where=inside.view(bool))
        seen.append((window, cv2.countNonZero(alone), np.count_nonzero(inside)))
    kept = {0}
    for k, (thing, (window, full, inside)) in enumerate(zip(world.things, seen, strict=True), 1):
        visible = np.count_nonzero(ids[window] == k)
        if thing.category and visible >= max(4 * MIN_AREA,
                                             MIN_VISIBLE * full) and inside >= MIN_INSIDE * full:
            kept.add(thing.number)
    things = [thing for thing in world.things if thing.number in kept]  # a pole goes with its sign
    return dataclasses.replace(world, things=things)


def shaded(world, color, z, lit=False):
    """A colour, or (K, 3) of them, under the hour's light and the haze of the depth z."""
    haze = 1 - np.exp(-z / world.mood.sight)
    light = np.multiply(color, world.mood.light) * (1 - haze) + np.multiply(world.mood.low, haze)
    return np.clip(np.where(lit, color, light), 0, 255).tolist()


def paint(canvas, ids, world, camera, thing, number, t):
    """Fill a thing's polygons in the picture and, unless it is None, in the id map."""
    parts = thing.pose(t)
    colors = shaded(world, [part.color for part in parts], thing.z if thing.grounded else 0,
                    [[part.lit] for part in parts])
    for polygon, color in zip(camera.outlines(thing, parts, t)[0], colors, strict=True):
        cv2.fillPoly(canvas, [polygon], color, cv2.LINE_8, SHIFT)
        if ids is not None:
            cv2.fillPoly(ids, [polygon], number, cv2.LINE_8, SHIFT)


def paint_backdrop(canvas, world, camera, t):
    """The sky, the skyline, the street with its shadows, the houses."""
    height, width = canvas.shape[:2]
    deep = camera.horizon * camera.zoom if world.ground else height
    down = np.clip(np.arange(height) / deep, 0, 1)[:, None, None]
    sky = np.clip((1 - down) * world.mood.top + down * world.mood.low, 0, 255).astype(np.uint8)
    cv2.resize(sky, (width, height), canvas, interpolation=cv2.INTER_NEAREST)
    sky = [thing for thing in world.far if thing.z >= camera.focal]
    for thing in sky:
        paint(canvas, None, world, camera, thing, 0, t)
    if world.ground:
        x, z, colors = world.ground
        for quad, color in zip(camera.project(x, 0, z), shaded(world, colors, z[:, :1]),
                               strict=True):
            cv2.fillPoly(canvas, [quad], color, cv2.LINE_8, SHIFT)
        for thing in world.far[len(sky):]:
            paint(canvas, None, world, camera, thing, 0, t)
        paint_shadows(canvas, world, camera, t)


def paint_shadows(canvas, world, camera, t):
    """Soft shadows under the things on the ground."""
    height, width = canvas.shape[:2]
    shade = np.full((height // 4, width // 4), 255, np.uint8)
    small = dataclasses.replace(camera, zoom=camera.zoom / 4)
    for thing in world.things:
        if thing.grounded:
            wide = .3 if thing.y else max(abs(part.points[0].real) for part in thing.pose(t)) + .1
            x = thing.x + thing.speed * t + thing.scale * wide * CIRCLE.real
            polygon = small.project(x, 0, thing.z + .5 * CIRCLE.imag)
            cv2.fillPoly(shade, [polygon], 255 * (1 - world.mood.shadow), cv2.LINE_8, SHIFT)
    shade = cv2.resize(cv2.GaussianBlur(shade, (0, 0), height / 340), (width, height))
    below = slice(int(camera.horizon * camera.zoom), None)
    canvas[below] = cv2.multiply(canvas[below], cv2.merge([shade[below]] * 3), scale=1 / 255)


def precipitate(image, world, t):
    """Rain or snow before the whole picture."""
    height, width = image.shape[:2]
    layer = np.zeros((height, width), np.uint8)
    for x, y, close in world.drops:
        size = (.4 + close) * height / 256
        y = (y + t * (.12 if world.snow else 1.5) * (.5 + close)) % 1
        at = (round(16 * width * x), round(16 * height * y))
        if world.snow:
            cv2.circle(layer, at, round(21 * size), 170, -1, cv2.LINE_AA, SHIFT)
        else:
            end = (at[0] - round(24 * size), at[1] + round(170 * size))
            cv2.line(layer, at, end, 45, max(1, round(height / 300)), cv2.LINE_AA, SHIFT)
    return cv2.add(image, cv2.merge([layer] * 3))


def finish(image, world, t, rng):
    """Lamps that bloom, rain or snow, vignette, blur, contrast; with an rng, grain."""
    height, width = image.shape[:2]
    gamma, vignette, blur = world.grade
    if world.mood.lit > .3:
        small = cv2.resize(image, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
        bloom = cv2.GaussianBlur(cv2.subtract(small, (160, 160, 160, 0)), (0, 0), height / 90)
        image = cv2.add(image, cv2.resize(bloom, (width, height)))
    if len(world.drops):
        image = precipitate(image, world, t)
    y, x = np.linspace(-1, 1, height // 8)[:, None], np.linspace(-1, 1, width // 8)
    gain = (255 - 255 * vignette * ((x * x + y * y) / 2) ** 1.5).astype(np.uint8)
    image = cv2.multiply(image, cv2.merge([cv2.resize(gain, (width, height))] * 3), scale=1 / 255)
    if blur:
        image = cv2.GaussianBlur(image, (0, 0), blur * height / world.camera.height)
    image = cv2.LUT(image, np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8))
    if rng is not None:
        grain = np.frombuffer(rng.bytes(image.size), np.uint8).reshape(image.shape) >> 5
        image = cv2.subtract(cv2.add(image, grain), (3, 3, 3, 0))
    return image


def render(world, size, t=0., rng=None, pan=0., shake=0.):
    """The picture at time t, and at each of its pixels the number in `world.things`, from 1."""
    height, width = size
    camera = dataclasses.replace(world.camera, pan=pan, horizon=world.camera.horizon + shake,
                                 zoom=2 * height / world.camera.height)
    canvas, ids = np.empty((2 * height, 2 * width, 3), np.uint8), np.zeros((2 * height, 2 * width),
                                                                           np.uint8)
    paint_backdrop(canvas, world, camera, t)
    for k, thing in enumerate(world.things, 1):
        paint(canvas, ids, world, camera, thing, k if thing.category else 0, t)
    image = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    a, b, c, d = ids[::2, ::2], ids[::2, 1::2], ids[1::2, ::2], ids[1::2,
                                                                    1::2]  # four votes a pixel
    owner = np.where((a == b) | (a == c) | (a == d), a, np.where((b == c) | (b == d), b, c))
    return finish(image, world, t, rng), owner


def truth_of(world, owner, min_area=1, tracked=False):
    """Detections with tight boxes around the visible pixels of each object."""
    area = np.bincount(owner.ravel(), minlength=256)
    found = [(k, thing) for k, thing in enumerate(world.things, 1) if thing.category
             and area[k] >= min_area]
    masks, boxes = np.zeros((len(found), *owner.shape), bool), np.zeros((len(found), 4), np.float32)
    for mask, corners, (k, _) in zip(masks, boxes, found, strict=True):
        np.equal(owner, k, out=mask)
        x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
        corners[:] = x, y, x + width, y + height
    labels, numbers = ([getattr(thing, field) for _, thing in found] for field in ("category",
                                                                                   "number"))
    return Detections(boxes, np.array(labels, np.int32), np.ones(len(found), np.float32),
                      owner.shape,
                      CATEGORIES, masks, np.array(numbers, np.int32) if tracked else None)


def checked(size):
    """(height, width) as ints, or a ValueError."""
    require(np.shape(size) == (2,) and all(side == int(side) >= 64 for side in size),
            f"size must be (height, width) in whole pixels, each 64 or more, got {size}")
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


def draw_clip(seed: int, num_frames: int = 96, fps: float = 24,
              size: tuple[int, int] = (256, 320)) -> Iterator[tuple[np.ndarray, Detections]]:
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
    require(num_frames >= 1 and fps > 0,
            f"num_frames and fps must be positive, got {num_frames}, {fps}")
    world = build_world(rng, size[1] / size[0], num_frames / fps)
    phase, min_area = rng.uniform(0, 6), max(1, 60 * size[0] * size[1] / AREA)

    def frame(t):
        pan = .6 * np.sin(.5 * t + phase)
        shake = .5 * np.sin(2.1 * t + phase) + .2 * np.sin(5.3 * t)
        image, owner = render(world, size, t, None, pan, shake)
        return image, truth_of(world, owner, min_area, tracked=True)
    return (frame(k / fps) for k in range(num_frames))


def soundtrack(seed: int, seconds: float, rate: int = 48000) -> np.ndarray:
    """The street's sound: a soft hum, cars that pass from one ear to the other, a bicycle bell.

    Args:
        seed: not negative.
        seconds: duration, above 0.
        rate: samples per second, at least 8000.

    Returns:
        (round(seconds * rate), 2) int16; fades in and out, its peak is half of full scale.

    Raises:
        ValueError: an argument is not as above.
    """
    require(0 < seconds < 3600 and rate >= 8000,
            f"seconds must be 0 to 3600, rate 8000 or more, got {seconds}, {rate}")
    rng, n = np.random.default_rng(seed), round(seconds * rate)
    t = np.arange(n) / rate
    hertz = np.fft.rfftfreq(n, 1 / rate)

    def noise(low, high):
        band = (hertz / low) ** 2 / (1 + (hertz / low) ** 2) / (1 + (hertz / high) ** 2)
        sound = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * band, n)
        return sound / max(sound.std(), 1e-9)
    sound = .12 * np.stack([noise(60, 300), noise(60, 300)], 1)
    tyres = noise(120, 700)
    for _ in range(1 + int(seconds / 2.5)):
        middle, width, way = rng.uniform(0, seconds), rng.uniform(.5, 1.1), pick(rng, [-1, 1])
        swell = rng.uniform(.15, .35) * np.exp(-((t - middle) / width) ** 2) * tyres
        right = .5 + .45 * np.tanh(way * (t - middle) / width)
        sound += swell[:, None] * np.sqrt(np.stack([1 - right, right], 1))
    for start in rng.uniform(0, seconds, int(seconds / 8) + 1):
        for ring in (start, start + .18):
            after = np.clip(t - ring, 0, None)
            bell = np.sin(2 * np.pi * 2093 * after) + .5 * np.sin(2 * np.pi * 5274 * after)
            sound += (.05 * bell * np.exp(-7 * after))[:, None] * (.7, .4)
    fade = np.clip(np.minimum(t, seconds - t) / min(.5, seconds / 4), 0, 1)[:, None]
    sound *= np.sin(np.pi / 2 * fade) ** 2
    return np.rint(sound * (16383 / max(abs(sound).max(), 1e-9))).astype(np.int16)
